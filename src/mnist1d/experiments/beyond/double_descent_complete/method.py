"""Method of the complete double descent: train and fit every size, with every weight decay."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.beyond.double_descent_complete.config import (
    FEATURES,
    NETWORKS,
    NOISY_DATA,
    PART_DIMS,
    Config,
    padded_width,
)
from mnist1d.experiments.beyond.double_descent_complete.features import Fitter
from mnist1d.experiments.beyond.double_descent_complete.training import Trainer
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data
from mnist1d.measures.collapse import Collapse

CURVES = tuple(
    f"{part}_{measure}" for part in ("train", "validation", "test") for measure in ("error", "loss")
)


WITH_COLLAPSE = ("width", "collapse")
"""Parts whose neural collapse is part of the result."""


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train networks and fit random features of every size with every weight decay.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: trains and fits, or reads stored results.

    Returns: variables named `PART_MEASURE`, NaN where a training diverged. Parts are `width` and
        `samples` (the MLP, over `width` or `n_samples`), `epochs` (the CNN, over `channels`, of
        which there is one) and `collapse` (the MLP, over `collapse_width`, likewise), all over
        `decay`, `step` (number of updates) and `seed`; `features` and `feature_samples` (random
        features, over `n_features` or `n_feature_samples`), over `ridge` and `seed`. Measures are
        errors (fractions) and losses (nats; of random features the squared distance from labels as
        0 and 1) on training, validation and test samples, and of `WITH_COLLAPSE` those of neural
        collapse on training samples (`mnist1d.measures.collapse.Collapse`).
    """
    compute = compute or Compute()
    networks = [task for part in NETWORKS for task in tasks_of(config, part, range(config.seeds))]
    trained = compute(networks, Trainer, config)
    fits = [task for part in FEATURES for task in tasks_of(config, part, range(config.seeds))]
    fitted = compute(fits, Fitter, config, devices="none")
    return xr.merge(
        [
            _assembled(config, NETWORKS, _shown(trained, networks, progress, "networks")),
            _assembled(config, FEATURES, _shown(fitted, fits, progress, "random features")),
        ]
    )


def _shown(
    found: Iterable[tuple[Task, Arrays]], tasks: Sequence[Task], progress: Progress, bar: str
) -> Iterator[tuple[Task, Arrays]]:
    """Pass finished tasks on, and report how much of their work is done."""
    whole = sum(task.cost for task in tasks)
    share = len(tasks) / whole
    return counted(found, tasks, progress, lambda _: bar, lambda task: share * task.cost)


def _assembled(
    config: Config, parts: tuple[str, ...], found: Iterable[tuple[Task, Arrays]]
) -> xr.Dataset:
    """Put the arrays of some parts into the variables of the result."""
    dims = _dims(parts)
    coords = {**config.coords, "seed": np.arange(config.seeds)}
    used = {name for axes in dims.values() for name in axes}
    return assemble(
        ((task, _variables(config, task, arrays)) for task, arrays in found),
        coords={name: labels for name, labels in coords.items() if name in used},
        dims=dims,
    )


def tasks_of(config: Config, part: str, trials: Iterable[int]) -> list[Task]:
    """Return the tasks of a part: a network with all weight decays, or a fit with all ridges.

    Args:
        config: the settings.
        part: one of `PART_DIMS`.
        trials: their numbers.
    """
    sizes = config.coords[PART_DIMS[part]]
    make = _network if part in NETWORKS else _fit
    return [make(config, part, *place) for place in product(sizes, trials)]


def _network(config: Config, part: str, size: int, trial: int) -> Task:
    n_samples = {
        "width": config.samples,
        "samples": size,
        "epochs": config.epoch_samples,
        "collapse": config.collapse_samples,
    }[part]
    architecture = "CNN" if part == "epochs" else "MLP"
    own = config.width if part == "samples" else size
    settings = ("n_steps", "batch_size", "learning_rate", "momentum", "evaluate_every")
    key = {
        "architecture": architecture,
        "size": own,
        "n_samples": n_samples,
        "trial": trial,
        "decays": list(config.epoch_decays if part == "epochs" else config.decays),
        **{name: getattr(config, name) for name in settings},
        "n_evaluated": config.n_evaluated,
    }
    shared = padded_width(own) if architecture == "MLP" else own
    work = 3 * shared**2 + 110 * shared if architecture == "MLP" else 135 * own**2 + 340 * own
    return Task(
        labels={"part": part, PART_DIMS[part]: size, "seed": trial},
        key=_with_sets(config, key),
        # The smallest steps are mostly overhead.
        cost=(work + 3000) * len(key["decays"]),
        group=(architecture, shared),
    )


def _fit(config: Config, part: str, size: int, trial: int) -> Task:
    n_features, n_samples = (size, config.fixed) if part == "features" else (config.fixed, size)
    key = {
        "n_features": n_features,
        "n_samples": n_samples,
        "trial": trial,
        "ridges": list(config.ridges),
    }
    return Task(
        labels={"part": part, PART_DIMS[part]: size, "seed": trial},
        key=_with_sets(config, key),
        cost=float(n_features * n_samples),
    )


def _with_sets(config: Config, key: Mapping[str, Any]) -> dict[str, Any]:
    """Add what determines the samples of a trial."""
    sets = {name: getattr(config, name) for name in ("n_generated", "n_validation", "n_test")}
    return with_data({**key, **sets}, config.data, NOISY_DATA)


def _variables(config: Config, task: Task, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Name the arrays of a task by its part, and put them at their places among all decays."""
    part = task.labels["part"]
    if part in FEATURES:
        return {f"{part}_{name}": values for name, values in arrays.items()}
    decays = config.coords["decay"]
    rows = [decays.index(each) for each in task.key["decays"]]
    found = {}
    for name, values in arrays.items():
        full = np.full((len(decays), values.shape[1]), np.nan)
        full[rows] = values
        found[f"{part}_{name}"] = full
    return found


def _dims(parts: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    dims: dict[str, tuple[str, ...]] = {}
    for part in parts:
        own = ("ridge", "seed") if part in FEATURES else ("decay", "step", "seed")
        measures = (*CURVES, *Collapse._fields) if part in WITH_COLLAPSE else CURVES
        dims |= {f"{part}_{name}": (PART_DIMS[part], *own) for name in measures}
    return dims
