"""Method of the double descent experiment: train a model of every size, curve and seed."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.double_descent.config import (
    PUBLISHED_DATA,
    SERIES,
    Config,
    is_published,
)
from mnist1d.experiments.double_descent.curves import find_peak, find_threshold
from mnist1d.experiments.double_descent.training import (
    PADDED_UP_TO,
    Trainer,
    sizes_together,
    work_per_step,
)
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data
from mnist1d.training.supervised import DIVERGED

MODEL = ("series", "rank")
RUN = (*MODEL, "seed")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train a model of every size, series and seed; find thresholds and peaks.

    Args:
        config: the settings.
        progress: called with the progress, in GFLOP.
        compute: trains the models, or reads stored results.

    Returns: variables over the dimensions `series` (mlp, mlp-noise, cnn-noise), `rank` (of a size
        in its series) and `seed`; for a series with fewer sizes, `size` is 0 and the rest NaN:

        - `size`, `n_parameters` (series, rank);
        - `train_error`, `test_error` (fractions; of a run that diverged NaN), `train_loss`,
          `test_loss` (nats), `run_seconds`, `compile_seconds` (of all runs that were trained
          together), all (series, rank, seed); training errors are those on the labels trained on;
        - `diverged` (series, rank, seed): a loss was not finite or above `DIVERGED`;
        - `threshold`, `threshold_below` (series, seed): the smallest size whose training error is
          0 and the one before it; NaN if there is none;
        - `error_...` and `loss_...` (series, seed): `peak_size`, `peak`, `valley_size`, `valley`,
          `last`, of the test error (fraction) and the test loss (nats), on the published sizes: of
          more sizes the highest is higher;
        - `n_wrong_labels`, `n_redrawn_labels`, `n_labels`: of the training labels with noise.
    """
    tasks = [
        _training(config, name, rank, seed)
        for name, series in SERIES.items()
        for rank in range(len(config.sizes(series.architecture)))
        for seed in range(config.seeds)
    ]
    trained = counted(
        (compute or Compute())(tasks, Trainer, config),
        tasks,
        progress,
        bar=lambda task: f"{SERIES[task.labels['series']].title} (GFLOP)",
        amount=_gigaflop,
    )
    dataset = generate(config.data)
    n_samples = {"train": len(dataset.y), "test": len(dataset.y_test)}
    result = assemble(
        ((task, _outcome(task, arrays, n_samples)) for task, arrays in trained),
        coords={
            "series": list(SERIES),
            "rank": max(len(config.widths), len(config.channels)),
            "seed": np.arange(config.seeds),
        },
        dims={
            "train_error": RUN,
            "test_error": RUN,
            "train_loss": RUN,
            "test_loss": RUN,
            "compile_seconds": RUN,
            "run_seconds": RUN,
            "diverged": RUN,
            "size": MODEL,
            "n_parameters": MODEL,
        },
        fill={"diverged": False, "size": 0, "n_parameters": 0},
    )
    return measure_curves(result).assign(
        n_wrong_labels=int((dataset.y != dataset.y_clean).sum()),
        n_redrawn_labels=int(dataset.noise_mask.sum()),
        n_labels=len(dataset.y),
    )


def _training(config: Config, name: str, rank: int, seed: int) -> Task:
    """Return the task of a model, with the sizes that are trained together with it."""
    architecture, noisy, _ = SERIES[name]
    sizes = config.sizes(architecture)
    together = sizes_together(sizes[rank], sizes, PADDED_UP_TO[architecture])
    key = {
        "architecture": architecture,
        "together": list(together),
        "noises": [each.noisy for each in SERIES.values() if each.architecture == architecture],
        "size": sizes[rank],
        "noisy": noisy,
        "seed": seed,
        "n_steps": config.n_steps,
        "batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "momentum": config.momentum,
    }
    return Task(
        labels={"series": name, "rank": rank, "seed": seed},
        key=with_data(key, config.data, PUBLISHED_DATA),
        cost=work_per_step(architecture, together[-1]),
        group=(architecture, together),
    )


def _gigaflop(task: Task) -> float:
    key = task.key
    per_step = work_per_step(key["architecture"], key["size"], key["batch_size"])
    return float(key["n_steps"] * per_step / 1e9)


def _outcome(task: Task, arrays: Arrays, n_samples: Mapping[str, int]) -> Arrays:
    """Turn numbers of errors into fractions, and all measurements into NaN if the run diverged."""
    diverged = not all(arrays[f"{part}_loss"] < DIVERGED for part in n_samples)
    measured = {f"{part}_error": arrays[f"{part}_wrong"] / n for part, n in n_samples.items()}
    measured |= {f"{part}_loss": arrays[f"{part}_loss"] for part in n_samples}
    if diverged:
        measured = dict.fromkeys(measured, np.array(np.nan))
    return {
        **arrays,
        **measured,
        "diverged": np.array(diverged),
        "size": np.array(task.key["size"]),
    }


def measure_curves(result: xr.Dataset) -> xr.Dataset:
    """Add threshold and peaks of every series and seed.

    Args:
        result: `size` (series, rank), 0 where a series has fewer; `train_error`, `test_error` and
            `test_loss` (series, rank, seed).

    Returns: the same with `threshold` and `threshold_below` and, of the test error and the test
        loss each (`error_...`, `loss_...`), `peak_size`, `peak`, `valley_size`, `valley`, `last`;
        all (series, seed).

    >>> curve = (("series", "rank", "seed"), np.array([0.4, 0.1, 0.0]).reshape(1, 3, 1))
    >>> result = xr.Dataset({name: curve for name in ("train_error", "test_error", "test_loss")})
    >>> result["size"] = (("series", "rank"), [[2, 4, 8]])
    >>> measure_curves(result).threshold.item()
    8.0
    """
    names = ["threshold", "threshold_below"] + [
        f"{curve}_{measure}"
        for curve in ("error", "loss")
        for measure in ("peak_size", "peak", "valley_size", "valley", "last")
    ]
    found = np.empty((result.sizes["series"], result.sizes["seed"], len(names)))
    for series, seed in np.ndindex(found.shape[:2]):
        one = result.isel(series=series, seed=seed)
        one = one.isel(rank=(one["size"] > 0).to_numpy())
        paper = one.isel(rank=is_published(one["size"]))
        found[series, seed] = (
            *find_threshold(one["size"], one.train_error),
            *find_peak(paper["size"], paper.test_error, paper.train_error),
            *find_peak(paper["size"], paper.test_loss, paper.train_error),
        )
    return result.assign(
        {name: (("series", "seed"), found[..., i]) for i, name in enumerate(names)}
    )
