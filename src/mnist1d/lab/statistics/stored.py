"""The statistics of a comparison as variables of its result, next to the numbers they are of.

Then whoever opens the file has them, and a comparison that is finished is shown without SciPy. A
digest of the numbers and of the statistics tells whether they belong together: those of other
numbers (of fewer seeds, say), and those that older files lack, are computed.
"""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.lab.statistics.differences import Difference, Statistics, statistics_of
from mnist1d.lab.statistics.plan import Plan
from mnist1d.lab.statistics.unfinished import FULL, SHUFFLED, finished_seeds, of_size
from mnist1d.lab.statistics.yardsticks import notes_of
from mnist1d.measures.uncertainty import Estimate, interval

DIGEST = "statistics"
"""The attribute with the digest."""
BOUNDS = ("low", "high")
_VERSION = 2
_MEANS = (
    *("test_accuracy", "train_accuracy", "shuffled_accuracy", "shift_accuracy", "size_accuracy"),
    *("steps_to_target", "seconds", "cpu_seconds"),
)
_DROP = "shuffled_drop"
STEPS_TO_TARGET, SECONDS_TO_TARGET = "steps_to_target", "cpu_seconds_to_target"
TO_TARGET = (STEPS_TO_TARGET, SECONDS_TO_TARGET)
_TIMES = ("seconds", "cpu_seconds")
_NUMBERS: Mapping[str, str] = {
    "p_value": "of Student's paired t test, corrected by Holm's method for the planned pairs",
    "p_uncorrected": "of Student's paired t test",
    "p_equivalence": "of two one-sided tests, corrected by Holm's method for the planned pairs",
    "smallest_visible": "smallest difference found in 80 % of comparisons with as many seeds",
    "seeds_needed": "seeds that find a difference as large as the margin in 80 % of comparisons",
}


def with_statistics(result: xr.Dataset, known: xr.Dataset | None = None) -> xr.Dataset:
    """Return the result of a comparison with its statistics.

    Args:
        result: the labelled result.
        known: another result, whose statistics are taken if they are of the same numbers.

    Returns: the result with further variables:

        - `NAME_interval` (candidate, …, bound) of every measure NAME: its 95 % interval, in its
          unit; also of `shuffled_drop`, the test accuracy minus the shuffled one, and of
          `cpu_seconds_to_target`, the share of a run's processor time that its steps to the target
          are of its steps;
        - along `pair`: the names `pair_first` and `pair_second`, whether the pair is planned
          (`pair_planned`; otherwise it is one with a model of the paper), and in percentage points
          `difference`, `difference_interval`, `smallest_visible`; `seeds_needed`; the p values
          `p_value` and `p_equivalence`, both corrected, and `p_uncorrected`.
    """
    for source in (result, known):
        if source is not None and has_statistics(source):
            found = _taken(result, source)
            if found is not None:
                return found
    bare = result.drop_vars(_statistics_in(result))
    made = bare.assign({**_intervals(bare), **_pairs(bare)})
    return made.assign_attrs({DIGEST: _digest(made)})


def has_statistics(result: xr.Dataset) -> bool:
    """Return whether a result has its statistics, and they are of its numbers."""
    return DIGEST in result.attrs and result.attrs[DIGEST] == _digest(result)


def estimate_in(each: xr.Dataset, name: str) -> Estimate:
    """Return the mean of a measure of one candidate, with the interval that is stored.

    Values that do not exist are those of runs that diverged, that did not reach the target, whose
    time is not known, or that were not finished when the comparison was stopped; only the first are
    counted as diverged.

    Args:
        each: a result with its statistics, of one candidate (and one test set or size).
        name: of the measure.

    >>> one = xr.Dataset({"loss": ("seed", [1.0, 3.0]), "loss_interval": ("bound", [0.5, 3.5])})
    >>> estimate_in(one, "loss")
    Estimate(mean=2.0, low=0.5, high=3.5, n=2, n_diverged=0, values=(1.0, 3.0))
    """
    values = _values(each, name)
    found = _estimate(values, each[f"{name}_interval"].to_numpy())
    if name in (*TO_TARGET, *_TIMES):
        missing = np.isnan(values) & each.diverged.to_numpy().astype(bool)
    else:
        missing = ~np.isfinite(values) & finished_seeds(each, *_stages(each, name))
    return found._replace(n_diverged=int(missing.sum()))


def count_not_reached(each: xr.Dataset) -> int | None:
    """Count the finished runs of a candidate that did not reach the target accuracy.

    Args:
        each: a result, of one candidate.

    Returns: the number; None of a candidate that does not train in steps, or has no finished run.
    """
    has_run = finished_seeds(each, FULL) & (
        each.diverged.to_numpy().astype(bool) | np.isfinite(each.test_accuracy.to_numpy())
    )
    if not has_run.any() or not has_steps(each):
        return None
    return int((has_run & np.isnan(each.steps_to_target.to_numpy())).sum())


def has_steps(each: xr.Dataset) -> bool:
    """Return whether a candidate trains in steps: it has a loss, or several evaluations."""
    earlier = each.validation_accuracy.isel(step=slice(-1))
    return bool(each.train_loss.notnull().any() or earlier.notnull().any())


def _stages(each: xr.Dataset, name: str) -> tuple[str, ...]:
    """Name the runs that a measure needs."""
    if name == _DROP:
        return FULL, SHUFFLED
    if name == "shuffled_accuracy":
        return (SHUFFLED,)
    if name == "size_accuracy":
        stage = of_size(int(each.train_size))
        # The size of the whole set has no runs of its own.
        return (stage,) if "stage" in each.coords and stage in each.stage else (FULL,)
    return (FULL,)


def stored_statistics(result: xr.Dataset) -> Statistics:
    """Return the differences that are stored in a result with its statistics."""
    found: dict[bool, list[Difference]] = {True: [], False: []}
    if "pair" not in result.dims:
        return Statistics((), ())
    margin, notes = Plan.of(result).margin, notes_of(result)
    for i in range(result.sizes["pair"]):
        each = result.isel(pair=i)
        names = str(each.pair_first.values), str(each.pair_second.values)
        first, second = (_accuracy(result, name) for name in names)
        both = np.logical_and(*(finished_seeds(result.sel(candidate=name), FULL) for name in names))
        n_diverged = int((both & ~np.isfinite(first - second)).sum())
        planned = bool(each.pair_planned)
        found[planned].append(
            Difference(
                *names,
                _estimate(
                    100 * (first - second),
                    each.difference_interval.to_numpy(),
                )._replace(mean=float(each.difference), n_diverged=n_diverged),
                p_value=float(each.p_value),
                p_uncorrected=float(each.p_uncorrected),
                p_equivalence=float(each.p_equivalence),
                smallest_visible=float(each.smallest_visible),
                seeds_needed=float(each.seeds_needed),
                margin=margin if planned else math.nan,
                note="; ".join(f"{name} is {notes[name]}" for name in names if notes.get(name)),
            )
        )
    return Statistics(tuple(found[True]), tuple(found[False]))


def _estimate(values: np.ndarray, bounds: np.ndarray) -> Estimate:
    finite = values[np.isfinite(values)]
    mean = float(finite.mean()) if len(finite) else math.nan
    low, high = (float(bound) for bound in bounds)
    n = len(finite)
    return Estimate(mean, low, high, n, len(values) - n, tuple(values.tolist()))


def _accuracy(result: xr.Dataset, name: str) -> np.ndarray:
    return result.test_accuracy.sel(candidate=name).to_numpy()


def _values(result: xr.Dataset, name: str) -> np.ndarray:
    return measure(result, name).to_numpy()


def measure(result: xr.Dataset, name: str) -> xr.DataArray:
    """Return a measure per candidate and seed, also one that is computed of others."""
    if name == _DROP:
        return result.test_accuracy - result.shuffled_accuracy
    if name == SECONDS_TO_TARGET:
        return result.cpu_seconds * result.steps_to_target / _steps_taken(result)
    return result[name]


def _steps_taken(result: xr.Dataset) -> xr.DataArray:
    """Return the number of steps of every run, which is smaller with early stopping.

    >>> losses = xr.DataArray([[0.5, 0.4, np.nan], [0.5, np.nan, np.nan]], dims=("seed", "step"))
    >>> run = xr.Dataset({"train_loss": losses, "judged_step": ("seed", [10, np.nan])})
    >>> _steps_taken(run.assign_coords(step=[10, 20, 30])).values.tolist()
    [20.0, 30.0]
    """
    last = float(result.step[-1])
    if "judged_step" not in result:
        return xr.full_like(result.train_loss.isel(step=0, drop=True), last, float)
    trained = result.step.where(result.train_loss.notnull()).max("step")
    return trained.where(result.judged_step.notnull()).fillna(last)


def _measures(result: xr.Dataset) -> list[str]:
    there = [name for name in _MEANS if name in result]
    needed = {_DROP: "shuffled_accuracy", SECONDS_TO_TARGET: "cpu_seconds"}
    return [*there, *(name for name, part in needed.items() if part in result)]


def _intervals(result: xr.Dataset) -> dict[str, Any]:
    """Return the intervals of all measures over seeds."""
    found: dict[str, Any] = {"bound": list(BOUNDS)}
    for name in _measures(result):
        variable = measure(result, name)
        dims = [dim for dim in variable.dims if dim != "seed"]
        _, low, high = interval(variable.transpose(*dims, "seed").to_numpy(), axis=-1)
        about = {"long_name": f"95 % interval of the mean of {name} over seeds (Student's t)"}
        bounds = _plain(np.stack([low, high], axis=-1))
        found[f"{name}_interval"] = ((*dims, "bound"), bounds, about)
    return found


def _pairs(result: xr.Dataset) -> dict[str, Any]:
    """Return the differences as variables; none if there is no pair."""
    found = statistics_of(result, notes_of(result))
    pairs = [*found.differences, *found.yardsticks]
    if not pairs:
        return {}
    points = {"units": "percentage points"}
    bounds = _plain([[each.estimate.low, each.estimate.high] for each in pairs])
    means = _plain([each.estimate.mean for each in pairs])
    about = "of the test accuracies of pair_first minus pair_second, paired by seed"
    planned = np.arange(len(pairs)) < len(found.differences)
    return {
        "pair_first": ("pair", np.array([each.first for each in pairs], object)),
        "pair_second": ("pair", np.array([each.second for each in pairs], object)),
        "pair_planned": ("pair", planned),
        "difference": ("pair", means, {"long_name": f"mean difference {about}"} | points),
        "difference_interval": (
            ("pair", "bound"),
            bounds,
            {"long_name": f"95 % interval of the mean difference {about}"} | points,
        ),
        **{
            name: ("pair", _plain([getattr(each, name) for each in pairs]), {"long_name": text})
            for name, text in _NUMBERS.items()
        },
    }


def _statistics_in(result: xr.Dataset) -> list[str]:
    return [
        str(name)
        for name, variable in result.variables.items()
        if "pair" in variable.dims or "bound" in variable.dims
    ]


def _plain(values: Any) -> np.ndarray:
    """Return numbers with one kind of NaN; there are several, and files keep one."""
    numbers = np.array(values, float)
    numbers[np.isnan(numbers)] = np.nan
    return numbers


def _taken(result: xr.Dataset, source: xr.Dataset) -> xr.Dataset | None:
    """Return a result with the statistics of another one; None if they are of other numbers."""
    if source is result:
        return result
    bare = result.drop_vars(_statistics_in(result))
    made = bare.assign({name: source[name] for name in _statistics_in(source)})
    made = made.assign_attrs({DIGEST: source.attrs[DIGEST]})
    return made if has_statistics(made) else None


def _digest(result: xr.Dataset) -> str:
    """Return a digest of the numbers that are compared, of the plan, and of the statistics."""
    digest = hashlib.sha256(f"{_VERSION} {Plan.of(result)} {notes_of(result)}".encode())
    names = [*(name for name in _MEANS if name in result), "candidate", "is_reference"]
    for name in sorted([*names, *_statistics_in(result)]):
        values = result[name].to_numpy()
        digest.update(f"{name} {result[name].dims} {values.shape}".encode())
        if values.dtype.kind in "biuf":
            digest.update(_plain(values).tobytes())
        else:
            digest.update(str(values.tolist()).encode())
    return digest.hexdigest()
