"""Method of the comparison of architectures: tune learning rates, train, test."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.beyond.architectures.config import ORDERS, SAMPLES, Config
from mnist1d.experiments.beyond.architectures.training import (
    FIRST_TUNING_TRIAL,
    TEST_SETS,
    Neighbours,
    Trainer,
)
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data
from mnist1d.models.beyond.sizes import SETTINGS

COSTS = {
    "MLP": 0.2,
    "CNN": 0.4,
    "GRU": 0.8,
    "LSTM": 1.0,
    "TCN": 2.5,
    "ResNet": 1.6,
    "Mixer": 1.9,
    "Transformer": 2.3,
    "StateSpace": 4.6,
    "RandomFeatures": 0.5,
}
"""Milliseconds of processor time per step at 5,000 parameters (`benchmarks/architectures.py`)."""


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Tune the learning rate of every architecture and size, and train and test all.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: trains networks, or reads stored results.

    Returns: fractions over `model`, `n_parameters`, `n_samples` (of the training set), `test_set`
        (shifted ones), `rate`, `tuning_seed` and `seed`; NaN where a training diverged:

        - `tuning_accuracy` (model, n_parameters, rate, tuning_seed) and `chosen_rate` (model,
          n_parameters);
        - `test_accuracy` (model, n_parameters, seed), with 4,000 samples in order;
        - with the first number of parameters: `shuffled_accuracy` (model, seed), trained and tested
          on shuffled points; `shift_accuracy` (model, test_set, seed); `size_accuracy` (model,
          n_samples, seed);
        - `neighbours_accuracy` (n_samples, seed), of ten nearest neighbours.
    """
    compute = compute or Compute()
    seeds = np.arange(config.seeds)
    tuned = _tune(config, compute, progress)
    chosen = tuned.chosen_rate
    tasks = [
        _network(
            config,
            {"model": model, "n_parameters": size, "n_samples": n, "order": order, "seed": seed},
            float(chosen.sel(model=model, n_parameters=size)),
        )
        for size, n, order in _conditions(config)
        for model, seed in product(config.models, seeds.tolist())
    ]
    trained = counted(
        compute(tasks, Trainer, config),
        tasks,
        progress,
        lambda _: "Training (networks)",
        lambda task: task.cost,
    )
    final = assemble(
        ((task, _variables(config, task, arrays["accuracy"])) for task, arrays in trained),
        coords={
            "model": list(config.models),
            "n_parameters": list(config.n_parameters),
            "n_samples": list(config.n_samples),
            "test_set": list(TEST_SETS[1:]),
            "seed": seeds,
        },
        dims={
            "test_accuracy": ("model", "n_parameters", "seed"),
            "shuffled_accuracy": ("model", "seed"),
            "shift_accuracy": ("model", "test_set", "seed"),
            "size_accuracy": ("model", "n_samples", "seed"),
        },
    )
    return tuned.merge(final).merge(_neighbours(config, compute, progress))


def _tune(config: Config, compute: Compute, progress: Progress) -> xr.Dataset:
    """Try all learning rates of every architecture and size, and choose the best."""
    tuning = range(config.tuning_seeds)
    tasks = [
        _network(
            config,
            {
                "model": model,
                "n_parameters": size,
                "n_samples": SAMPLES,
                "order": ORDERS[0],
                "rate": rate,
                "tuning_seed": seed,
            },
            rate,
        )
        for model, size, rate, seed in product(
            config.models, config.n_parameters, config.rates, tuning
        )
    ]
    found = counted(
        compute(tasks, Trainer, config),
        tasks,
        progress,
        lambda _: "Tuning (networks)",
        lambda task: task.cost,
    )
    tried = assemble(
        ((task, {"tuning_accuracy": arrays["accuracy"][0]}) for task, arrays in found),
        coords={
            "model": list(config.models),
            "n_parameters": list(config.n_parameters),
            "rate": list(config.rates),
            "tuning_seed": list(tuning),
        },
        dims={"tuning_accuracy": ("model", "n_parameters", "rate", "tuning_seed")},
    )
    # A rate at which a trial diverged is worse than any other.
    best = tried.tuning_accuracy.fillna(-1).mean("tuning_seed").argmax("rate")
    return tried.assign(chosen_rate=tried.rate[best].drop_vars("rate"))


def _conditions(config: Config) -> list[tuple[int, int, str]]:
    """List what the networks of a trial are trained on: parameters, samples, order of points."""
    first = config.n_parameters[0]
    return [
        *((first, n, ORDERS[0]) for n in config.n_samples),
        (first, SAMPLES, ORDERS[1]),
        *((more, SAMPLES, ORDERS[0]) for more in config.n_parameters[1:]),
    ]


def _variables(config: Config, task: Task, accuracies: np.ndarray) -> Arrays:
    """Return the variables of the result that a network's accuracies belong to."""
    labels = task.labels
    if labels["order"] != ORDERS[0]:
        return {"shuffled_accuracy": accuracies[0]}
    is_first = labels["n_parameters"] == config.n_parameters[0]
    found = {"size_accuracy": accuracies[0]} if is_first else {}
    if labels["n_samples"] == SAMPLES:
        found["test_accuracy"] = accuracies[0]
        if is_first:
            found["shift_accuracy"] = accuracies[1:]
    return found


def _neighbours(config: Config, compute: Compute, progress: Progress) -> xr.Dataset:
    tasks = [
        Task(
            labels={"n_samples": n, "seed": seed},
            key=_key(config, {"part": "neighbours", "n_samples": n, "trial": seed}),
            cost=float(n),
        )
        for n, seed in product(config.n_samples, range(config.seeds))
    ]
    found = compute(tasks, Neighbours, config, devices="none")
    return assemble(
        counted(found, tasks, progress, lambda _: "Nearest neighbours (sets)"),
        coords={"n_samples": list(config.n_samples), "seed": np.arange(config.seeds)},
        dims={"neighbours_accuracy": ("n_samples", "seed")},
    )


def _network(config: Config, labels: Mapping[str, Any], rate: float) -> Task:
    """Return the task of training a network; a device trains all of a model and size."""
    model, n_parameters = labels["model"], labels["n_parameters"]
    tuning = labels.get("tuning_seed")
    key = {
        "model": model,
        "n_parameters": n_parameters,
        "settings": dict(SETTINGS[model][n_parameters]),
        "n_samples": labels["n_samples"],
        "order": labels["order"],
        "trial": labels["seed"] if tuning is None else FIRST_TUNING_TRIAL + tuning,
        "rate": rate,
        "n_steps": config.n_steps,
        "batch_size": config.batch_size,
    }
    return Task(
        labels=labels,
        key=_key(config, key),
        cost=COSTS[model] * n_parameters,
        group=(model, n_parameters),
    )


def _key(config: Config, key: Mapping[str, Any]) -> dict[str, Any]:
    """Add what determines the samples of a trial."""
    sets: dict[str, Sequence[int] | int] = {
        "n_generated": max(config.n_samples),
        "n_test": config.n_test,
    }
    return with_data({**key, **sets}, config.data)
