"""Method of the transfer: learn functions, tune the rates of all, train all networks."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.beyond.activation_transfer.config import (
    ARCHITECTURES,
    FUNCTIONS,
    PLACES,
    SIZES,
    Config,
)
from mnist1d.experiments.beyond.activation_transfer.learning import Learner
from mnist1d.experiments.beyond.activation_transfer.training import COSTS, trainer_of
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.training.equipped import MEASURES

LEARNING_COSTS = {"MLP": 1.0, "CNN": 4.0}


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Learn functions in both architectures, and train networks of all sizes with all functions.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: learns functions and trains networks, or reads stored results.

    Returns: variables over `seed`, `tuning_seed`, `source` (the architecture that a function is
        learned in), `outer_step`, `place` (-5 to 5), `architecture`, `size`, `function` and `rate`:

        - `learned` (source, seed, place): the functions; `objective` (nats) and `left_out` (whether
          the gradient was not finite), both (source, seed, outer_step); `best_step` (source,
          seed): the step before which the function was found;
        - `tuning_accuracy` (architecture, size, function, rate, tuning_seed): on validation
          samples (fraction); `chosen_rate` (architecture, size, function);
        - `test_accuracy`, `validation_accuracy` (architecture, size, function, seed): fractions
          after the last step; NaN where a training diverged;
        - `untuned_accuracy` (architecture, function, seed): test accuracy in the networks of Table
          1 with the same learning rate for all functions.
    """
    compute = compute or Compute()
    learned, terms = _learn(config, compute, progress)
    tried = _train(
        config,
        [
            _network(config, architecture, size, seed, [rate] * len(FUNCTIONS), terms, tuning=True)
            for seed, architecture, size, rate in product(
                range(config.tuning_seeds), ARCHITECTURES, config.sizes, config.rates
            )
        ],
        "Tuning (networks, all functions)",
        compute,
        progress,
        size=config.sizes,
        rate=config.rates,
        seed=range(config.tuning_seeds),
    ).validation_accuracy
    # A rate at which a trial diverged is worse than any other.
    best = tried.fillna(-1).mean("seed").argmax("rate")
    chosen = tried.rate[best].drop_vars("rate")
    final = _train(
        config,
        [
            _network(
                config,
                architecture,
                size,
                seed,
                chosen.sel(architecture=architecture, size=size).to_numpy().tolist(),
                terms,
                tuning=False,
            )
            for seed, architecture, size in product(
                range(config.seeds), ARCHITECTURES, config.sizes
            )
        ],
        "Training (networks, all functions)",
        compute,
        progress,
        size=config.sizes,
        seed=range(config.seeds),
    )
    untuned = _train(
        config,
        [
            _network(
                config,
                architecture,
                SIZES[0],
                seed,
                [config.common_rate] * len(FUNCTIONS),
                terms,
                tuning=False,
            )
            for seed, architecture in product(range(config.seeds), ARCHITECTURES)
        ],
        "Training at one rate (networks, all functions)",
        compute,
        progress,
        size=SIZES[:1],
        seed=range(config.seeds),
    ).test_accuracy.sel(size=SIZES[0], drop=True)
    tuning = tried.rename(seed="tuning_seed").drop_vars("tuning_seed")
    return (
        learned.merge(final)
        .assign(tuning_accuracy=tuning, chosen_rate=chosen, untuned_accuracy=untuned)
        .transpose("source", "architecture", "size", "function", "rate", "tuning_seed", ...)
    )


Terms = dict[tuple[bool, int], np.ndarray]
"""Tables of the learned functions by whether a trial tunes and its seed: (sources, cells, 4)."""


def _learn(config: Config, compute: Compute, progress: Progress) -> tuple[xr.Dataset, Terms]:
    """Learn the functions of all trials.

    Returns: the variables about those of the trials that claims are about; and all tables.
    """
    tasks = [
        _function(config, source, seed, tuning=tuning)
        for tuning, n_seeds in ((True, config.tuning_seeds), (False, config.seeds))
        for seed, source in product(range(n_seeds), ARCHITECTURES)
    ]
    bar, total = "Learning (outer steps)", len(tasks) * config.outer_steps
    progress(bar, 0, total)
    found = list(
        compute(
            tasks,
            Learner,
            config,
            on_progress=lambda _, __, done: (
                progress(bar, done, total) if 0 < done < total else None
            ),
            steps=config.outer_steps,
        )
    )
    progress(bar, total, total)
    by_task = {
        (task.key["tuning"], task.labels["seed"], task.labels["source"]): arrays["terms"]
        for task, arrays in found
    }
    terms = {
        (tuning, seed): np.stack([by_task[tuning, seed, source] for source in ARCHITECTURES])
        for tuning, seed, _ in by_task
    }
    learned = assemble(
        ((task, arrays) for task, arrays in found if not task.key["tuning"]),
        coords={
            "source": list(ARCHITECTURES),
            "seed": np.arange(config.seeds),
            "outer_step": np.arange(config.outer_steps),
            "place": PLACES,
        },
        dims={
            "function": ("source", "seed", "place"),
            "objective": ("source", "seed", "outer_step"),
            "left_out": ("source", "seed", "outer_step"),
            "best_step": ("source", "seed"),
        },
        fill={"left_out": False, "best_step": 0},
    )
    return learned.rename(function="learned"), terms


def _train(
    config: Config,
    tasks: Sequence[Task],
    bar: str,
    compute: Compute,
    progress: Progress,
    **by: Sequence[Any],
) -> xr.Dataset:
    labels: dict[str, Sequence[Any]] = {"architecture": ARCHITECTURES, **by, "function": FUNCTIONS}
    trained = compute(tasks, trainer_of, config)
    return assemble(
        counted(trained, tasks, progress, lambda _: bar, lambda task: task.cost),
        coords={name: list(each) for name, each in labels.items()},
        dims=dict.fromkeys(MEASURES, tuple(labels)),
    )


def _function(config: Config, source: str, seed: int, *, tuning: bool) -> Task:
    """Return the task of learning a function."""
    return Task(
        labels={"source": source, "seed": seed},
        key=config.learning | {"source": source, "seed": seed, "tuning": tuning},
        cost=LEARNING_COSTS[source],
    )


def _network(
    config: Config,
    architecture: str,
    size: str,
    seed: int,
    rates: Sequence[float],
    terms: Terms,
    *,
    tuning: bool,
) -> Task:
    """Return the task of training a network with every function, at the rate of each."""
    return Task(
        # While rates are tuned, all functions have the same one.
        labels={"architecture": architecture, "size": size, "seed": seed, "rate": rates[0]},
        key=config.learning
        | {
            "architecture": architecture,
            "size": size,
            "seed": seed,
            "tuning": tuning,
            "rates": list(rates),
            "n_steps": config.n_steps,
        },
        cost=COSTS[architecture][size],
        inputs={"terms": terms[tuning, seed]},
    )
