"""Method of the transfer of learning rates: train all widths, at all rates or those near the best.

The best rate of a width is known before wider networks are trained, which have fewer rates.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.beyond.learning_rate_transfer.config import (
    ADAM,
    LAYERS,
    PARAMETRISATIONS,
    SGD,
    Config,
)
from mnist1d.experiments.beyond.learning_rate_transfer.measures import bounded
from mnist1d.experiments.beyond.learning_rate_transfer.training import Trainer
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data

REACH = 2
"""Rates on either side of the best one of the width before: doubling a width moves it by one, if it
is in proportion to the width or its inverse, and another one shows that it is the best."""

VARIABLES = ("train_loss", "test_accuracy", "change")

Found = list[tuple[Task, Arrays]]


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train networks of all widths in both parametrisations.

    Args:
        config: the settings.
        progress: called with the progress, in networks of a trial with all their rates.
        compute: trains the networks, or reads stored results.

    Returns: variables over `optimizer`, `parametrisation`, `width`, `rate` and `seed`, NaN where a
        rate was not tried:

        - `train_loss` in nats, mean over the batches of the last epoch; infinite where a training
          diverged;
        - `test_accuracy`: fraction, after the last update; NaN where a training diverged;
        - `change` (also over `layer`): root mean square change of a layer's outputs, of 100 test
          samples, over the first `check_steps` updates.
    """
    compute = compute or Compute()
    first = [width for width in config.widths if width <= config.all_rates_up_to]
    stages = [first, *([width] for width in config.widths[len(first) :])]
    found: Found = []
    for widths in stages:
        tasks = [
            _networks(config, optimizer, parametrisation, width, rates, seed)
            for optimizer in (ADAM, SGD)
            for parametrisation in PARAMETRISATIONS
            for width in widths
            if width in config.widths_of(optimizer)
            for rates in [_rates_at(config, found, optimizer, parametrisation, width)]
            for seed in range(config.seeds)
        ]
        trained = compute(tasks, Trainer, config)
        found += counted(trained, tasks, progress, _bar_of(config))
    rates = sorted({*config.rates, *config.sgd_rates})
    dims = ("optimizer", "parametrisation", "width", "rate", "seed")
    return assemble(
        ((task, _on_grid(task, arrays, rates)) for task, arrays in found),
        coords={
            "optimizer": [ADAM, SGD],
            "parametrisation": list(PARAMETRISATIONS),
            "width": list(config.widths),
            "rate": rates,
            "seed": np.arange(config.seeds),
            "layer": list(LAYERS),
        },
        dims={**dict.fromkeys(VARIABLES, dims), "change": ("layer", *dims)},
    )


def _bar_of(config: Config) -> Callable[[Task], str]:
    """Return the names of the bars that count networks."""

    def bar(task: Task) -> str:
        width = task.key["width"]
        together = width <= config.all_rates_up_to
        where = f"Widths up to {config.all_rates_up_to}" if together else f"Width {width}"
        return f"{where} (networks)"

    return bar


def rates_around(rates: Sequence[float], best: float, *more: float) -> tuple[float, ...]:
    """Return the rates next to one of them, and others.

    >>> rates_around((1, 2, 4, 8, 16, 32), 2, 32)
    (1, 2, 4, 8, 32)
    """
    place = rates.index(best)
    near = rates[max(0, place - REACH) : place + REACH + 1]
    return tuple(sorted({*near, *more}))


def _rates_at(
    config: Config, found: Found, optimizer: str, parametrisation: str, width: int
) -> tuple[float, ...]:
    """Return the rates to be tried at a width, given what is known of narrower ones."""
    rates = config.rates_of(optimizer)
    if width <= config.all_rates_up_to:
        return rates
    before = config.widths[config.widths.index(width) - 1]
    best, tuned = (
        _best_rate(found, optimizer, parametrisation, each) for each in (before, config.widths[0])
    )
    return rates_around(rates, best, tuned)


def _best_rate(found: Found, optimizer: str, parametrisation: str, width: int) -> float:
    """Return the rate of the lowest loss, mean of its logarithm over the trials."""
    wanted = {"optimizer": optimizer, "parametrisation": parametrisation, "width": width}
    chosen = [
        (task.key["rates"], arrays["train_loss"])
        for task, arrays in found
        if wanted.items() <= task.labels.items()
    ]
    # Sorted, so that the sum does not depend on the order in which trials were finished.
    losses = np.sort(np.log(bounded(np.array([losses for _, losses in chosen]))), axis=0)
    best: float = chosen[0][0][int(losses.mean(axis=0).argmin())]
    return best


def _on_grid(task: Task, arrays: Arrays, rates: Sequence[float]) -> dict[str, np.ndarray]:
    """Put the values of the rates that were tried among all rates, the last axis."""
    places = [rates.index(rate) for rate in task.key["rates"]]

    def spread(values: np.ndarray) -> np.ndarray:
        every = np.full((*values.shape[:-1], len(rates)), np.nan)
        every[..., places] = values
        return every

    return {name: spread(arrays[name]) for name in VARIABLES}


def _networks(
    config: Config,
    optimizer: str,
    parametrisation: str,
    width: int,
    rates: Sequence[float],
    seed: int,
) -> Task:
    """Return the task of a network at all its rates."""
    settings = ("n_samples", "batch_size", "n_epochs", "check_steps")
    key: Mapping[str, Any] = {
        "optimizer": optimizer,
        "parametrisation": parametrisation,
        "width": width,
        "base_width": config.widths[0],
        "rates": list(rates),
        "trial": seed,
        **{name: getattr(config, name) for name in settings},
    }
    return Task(
        labels={
            "optimizer": optimizer,
            "parametrisation": parametrisation,
            "width": width,
            "seed": seed,
        },
        key=with_data(key, config.data),
        cost=len(rates) * (width**2 + 20_000) * config.n_steps,
    )
