"""The paper's claims about the learning rate, and their measures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import LEARNING_RATE
from mnist1d.harness.verdicts.rules import AtLeast, AtMost, Counted, Equals
from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.measures.expressions import EMPTY, Measure, last, value
from mnist1d.measures.uncertainty import (
    Estimate,
    estimate_median,
    estimate_proportion,
    in_percent,
)

if TYPE_CHECKING:
    import xarray as xr

MOST = 90.0
"""Of how many draws of initial weights, in per cent, a sentence has to be true: nine of ten."""

FIGURE = "Section 5.3, Figure 6"


def from_above(values: xr.DataArray, start: str) -> xr.DataArray:
    """Take the trial with the highest learning rate at its start."""
    return values.sel({start: values[start].max()})


def from_below(values: xr.DataArray, start: str) -> xr.DataArray:
    """Take the trial with the lowest learning rate at its start."""
    return values.sel({start: values[start].min()})


def mean(values: xr.DataArray, dimension: str) -> xr.DataArray:
    """Average; NaN if one value is."""
    return values.mean(dimension, skipna=False)


def spread(values: xr.DataArray, dimension: str) -> xr.DataArray:
    """Subtract the lowest value from the highest; NaN if one value is."""
    return values.max(dimension, skipna=False) - values.min(dimension, skipna=False)


def fall(values: xr.DataArray, step: str) -> xr.DataArray:
    """Subtract the last value from the first."""
    return values.isel({step: 0}) - values.isel({step: -1})


exact = partial(value, digits=None)
at_end = partial(exact, outer_step=last)


def computed(measure: Measure) -> Callable[[xr.Dataset], Estimate]:
    """Return the mean of the published trials, which nothing random is in: it has no interval."""

    def of_trials(result: xr.Dataset) -> Estimate:
        values = np.ravel(measure.per_seed(result))
        finite = values[np.isfinite(values)]
        n_diverged = values.size - finite.size
        if not finite.size:
            return EMPTY._replace(n_diverged=n_diverged)
        return Estimate(finite.mean(), np.nan, np.nan, finite.size, n_diverged)

    return of_trials


def distances_of_trials(result: xr.Dataset) -> np.ndarray:
    """How far apart the trials of every draw end, shape (seeds,)."""
    return at_end("rate", initial_rate=spread).per_seed(result)


def distances_from_minimum(result: xr.Dataset) -> np.ndarray:
    """How far from the minimum of the sweep the farther trial of every draw ends, (seeds,)."""
    distances = abs(result.rate.isel(outer_step=-1) - result.sweep_optimum)
    return distances.max("initial_rate", skipna=False).to_numpy()


def share_within(
    distances: Callable[[xr.Dataset], np.ndarray], most: float = LEARNING_RATE
) -> Callable[[xr.Dataset], Estimate]:
    """Measure the share of draws, in per cent, whose distance is no larger than a margin.

    A draw of which a trial diverges has no distance, and is not among them.
    """

    def measure(result: xr.Dataset) -> Estimate:
        # What is not a number is not smaller, either.
        return in_percent(estimate_proportion(distances(result) <= most))

    return measure


def share_positive(measure: Measure) -> Callable[[xr.Dataset], Estimate]:
    """Measure the share of draws, in per cent, of which a value is positive.

    That of a draw of which a trial diverges is not.
    """
    return lambda result: in_percent(estimate_proportion(measure.per_seed(result) > 0))


def typical_rate(result: xr.Dataset) -> Estimate:
    """Median over draws of the learning rate that the trials end at, which strays cannot move.

    A draw of which a trial diverges, at too high a rate, counts as the highest of the others.
    """
    values = at_end("rate", initial_rate=mean).per_seed(result)
    finite = np.isfinite(values)
    if 2 * finite.sum() <= values.size:
        return EMPTY._replace(n_diverged=int((~finite).sum()))
    return estimate_median(np.where(finite, values, values[finite].max()))


CLAIMS = (
    Claim(
        "same-rate",
        "From above and from below the learning rate converges to the same value: share of our "
        f"initial weights for which both trials end within {LEARNING_RATE:g} of each other (%)",
        FIGURE,
        AtLeast(MOST),
        share_within(distances_of_trials),
    ),
    Claim(
        "from-above",
        "Started at 1.5, the learning rate falls: share of our initial weights for which it ends "
        "lower (%)",
        FIGURE,
        AtLeast(MOST),
        share_positive(
            exact("initial_rate", initial_rate=from_above) - at_end("rate", initial_rate=from_above)
        ),
    ),
    Claim(
        "from-below",
        "Started at 0.15, the learning rate rises: share of our initial weights for which it ends "
        "higher (%)",
        FIGURE,
        AtLeast(MOST),
        share_positive(
            at_end("rate", initial_rate=from_below) - exact("initial_rate", initial_rate=from_below)
        ),
    ),
    Claim(
        "rate-published-weights",
        "From the published initial weights the metalearned learning rate is 0.62 to two digits, "
        "mean of both trials",
        FIGURE,
        Counted(0.62, 2),
        computed(at_end("published_rate")),
    ),
    Claim(
        "rate-own-weights",
        "The metalearned learning rate is 0.62: median over our initial weights",
        FIGURE,
        Equals(0.62, LEARNING_RATE, digits=2),
        typical_rate,
    ),
    Claim(
        "objective-falls-from-above",
        "The objective falls, started at 1.5: share of our initial weights for which that of the "
        "last outer step is below that of the first (%)",
        "Figure 6",
        AtLeast(MOST),
        share_positive(exact("objective", initial_rate=from_above, outer_step=fall)),
    ),
    Claim(
        "objective-falls-from-below",
        "The objective falls, started at 0.15: share of our initial weights for which that of the "
        "last outer step is below that of the first (%)",
        "Figure 6",
        AtLeast(MOST),
        share_positive(exact("objective", initial_rate=from_below, outer_step=fall)),
    ),
    Claim(
        "objective-published-weights",
        "Objective of the last outer step (nats): mean of both trials from the published initial "
        "weights",
        "Runs of Figure 6, printed",
        Counted(1.7163, 3),
        computed(at_end("published_objective")),
    ),
    Claim(
        "gradient-finds-minimum",
        "The gradient ends where a sweep over the learning rate has its minimum: share of our "
        f"initial weights for which both trials end within {LEARNING_RATE:g} of it (%)",
        "Beyond the paper",
        AtLeast(MOST),
        share_within(distances_from_minimum),
    ),
    Claim(
        "runtime",
        "One draw of initial weights, both trials, takes a minute at most "
        "(minutes on our machine, per run of those made together)",
        "Figure 6, caption",
        AtMost(1),
        minutes(runs=1),
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of the last outer step of every trial and of the minimum of the sweep."""
    return [
        *_rows(result, "Published initial weights", "published_", "rate-published-weights"),
        *_rows(result, "Our initial weights", "", "rate-own-weights"),
    ]


def _rows(result: xr.Dataset, group: str, which: str, claim: str) -> list[Row]:
    rate, objective = partial(at_end, f"{which}rate"), partial(at_end, f"{which}objective")
    optimum, lowest = exact(f"{which}sweep_optimum"), exact(f"{which}sweep_lowest")
    mean_rate = rate(initial_rate=mean)

    def row(condition: str, claim: str | None = None, **columns: Measure) -> Row:
        estimates = {
            {"objective": "objective (nats)"}.get(column, column): (
                computed(measure) if which else measure
            )(result)
            for column, measure in columns.items()
        }
        return Row(group, condition, estimates, claim)

    trials = [
        row(
            f"trial {number}, from {start:g}",
            rate=rate(initial_rate=start),
            objective=objective(initial_rate=start),
        )
        for number, start in enumerate(result.initial_rate.to_numpy(), start=1)
    ]
    if which:
        of_all = row("mean of the trials", claim, rate=rate())
    else:
        of_all = Row(group, "median of the draws", {"rate": typical_rate(result)}, claim)
    return [
        *trials,
        of_all,
        row("minimum of the sweep", rate=optimum, objective=lowest),
        row("trials minus minimum", rate=mean_rate - optimum),
    ]


def remarks(result: xr.Dataset) -> list[str]:
    """Describe draws whose trials do not converge to the same value, with numbers of the result."""
    ends = result.rate.isel(outer_step=-1)
    distances = ends.max("initial_rate", skipna=False) - ends.min("initial_rate", skipna=False)
    apart = distances.seed.values[(distances > LEARNING_RATE).to_numpy()]
    if not apart.size:
        return []
    described = []
    for seed in apart:
        rates = result.rate.sel(seed=seed).isel(outer_step=slice(-10, None))
        spans = [
            f"from {float(trial.initial_rate):g} between {float(trial.min()):.3f} and "
            f"{float(trial.max()):.3f}"
            for trial in rates
        ]
        described.append(f"seed {seed} ({' and '.join(spans)} in the last ten steps)")
    together = distances[(distances <= LEARNING_RATE).to_numpy()]
    if not together.size:
        n = distances.size
        return [f"In 0 of {n} draws both trials come to the same value: {'; '.join(described)}."]
    remark = (
        f"In {together.size} of {distances.size} draws both trials converge to the same value: "
        f"they end {float(together.mean()):.4f} apart on average. In the others one trial stays in "
        "a dip of the objective that is narrower than the steps of the sweep: "
        f"{'; '.join(described)}."
    )
    return [remark]
