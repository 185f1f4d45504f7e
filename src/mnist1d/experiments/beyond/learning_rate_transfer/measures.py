"""Measures of the transfer of learning rates: best rates, what transfer costs, what grows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.learning_rate_transfer.config import MAXIMAL_UPDATE, STANDARD
from mnist1d.measures.expressions import Measure
from mnist1d.measures.power_laws import best_size, power_of

if TYPE_CHECKING:
    import xarray as xr

GUESSING = math.log(10)
"""Loss, in nats, of giving all ten classes the same probability."""


def bounded(losses: np.ndarray) -> np.ndarray:
    """Return losses that are at most that of guessing, also where a training diverged.

    >>> bounded(np.array([0.5, 7.0, np.inf])).round(2).tolist()
    [0.5, 2.3, 2.3]
    """
    return np.minimum(np.asarray(losses, dtype=float), GUESSING)


def widths_of(result: xr.Dataset, optimizer: str) -> list[int]:
    """Return the widths that were trained with an optimiser."""
    tried = result.train_loss.sel(optimizer=optimizer).notnull()
    widths = result.width[tried.any(("parametrisation", "rate", "seed")).to_numpy()]
    found: list[int] = widths.to_numpy().tolist()
    return found


def losses_at(
    result: xr.Dataset, optimizer: str, parametrisation: str, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rates that were tried at a width, and their losses, at most those of guessing.

    Returns: shapes (rates,) and (seeds, rates).
    """
    losses = result.train_loss.sel(
        optimizer=optimizer, parametrisation=parametrisation, width=width
    ).transpose("seed", "rate")
    tried = losses.notnull().any("seed").to_numpy()
    return result.rate.to_numpy()[tried], bounded(losses.to_numpy()[:, tried])


def tuned_rate(result: xr.Dataset, optimizer: str, parametrisation: str = STANDARD) -> float:
    """Return the best rate at the first width, where both parametrisations are the same.

    It is that of the lowest loss, mean of the logarithm over the trials.
    """
    rates, losses = losses_at(result, optimizer, parametrisation, result.width.to_numpy()[0])
    return float(rates[np.log(losses).mean(axis=0).argmin()])


def best_rates(result: xr.Dataset, optimizer: str, parametrisation: str, width: int) -> np.ndarray:
    """Return the best rate of every trial, by a parabola; NaN where it is the first or the last."""
    rates, losses = losses_at(result, optimizer, parametrisation, width)
    return np.array([best_size(rates, each) for each in losses])


def best_rate(optimizer: str, parametrisation: str, width: int) -> Measure:
    """Measure the best rate at a width."""
    return Measure(lambda result: best_rates(result, optimizer, parametrisation, width))


def rate_exponent(optimizer: str, parametrisation: str, *, least: int = 0) -> Measure:
    """Measure the power of the width with which the best rate changes, from a width on."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        widths = [width for width in widths_of(result, optimizer) if width >= least]
        found = [best_rates(result, optimizer, parametrisation, width) for width in widths]
        return _powers(widths, np.array(found))

    return Measure(per_seed)


def lowest_loss(optimizer: str, parametrisation: str, width: int) -> Measure:
    """Measure the lowest loss of all rates at a width, in nats."""
    return Measure(
        lambda result: losses_at(result, optimizer, parametrisation, width)[1].min(axis=1)
    )


def tuned_losses(result: xr.Dataset, optimizer: str, parametrisation: str) -> np.ndarray:
    """Return the losses at the rate that is best at the first width, shape (widths, seeds)."""
    rate = tuned_rate(result, optimizer, parametrisation)
    found = []
    for width in widths_of(result, optimizer):
        rates, losses = losses_at(result, optimizer, parametrisation, width)
        found.append(losses[:, list(rates).index(rate)])
    return np.array(found)


def transfer_cost(optimizer: str, parametrisation: str) -> Measure:
    """Measure how much lower the loss at the last width would be with its own best rate, per cent.

    It is 0 or more.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        last = widths_of(result, optimizer)[-1]
        _, losses = losses_at(result, optimizer, parametrisation, last)
        transferred = tuned_losses(result, optimizer, parametrisation)[-1]
        return np.asarray(100 * (1 - losses.min(axis=1) / transferred))

    return Measure(per_seed)


def cost_at(optimizer: str, parametrisation: str, width: int, rate: float) -> Measure:
    """Measure how much lower the loss at a width would be with its best rate, in per cent."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        rates, losses = losses_at(result, optimizer, parametrisation, width)
        return np.asarray(100 * (1 - losses.min(axis=1) / losses[:, list(rates).index(rate)]))

    return Measure(per_seed, (0, 100))


def n_guessing(result: xr.Dataset, optimizer: str, parametrisation: str, width: int) -> np.ndarray:
    """Count the trials whose loss is that of guessing, by rate, shape (rates,)."""
    _, losses = losses_at(result, optimizer, parametrisation, width)
    return np.asarray((losses >= GUESSING).sum(axis=0))


def stable_rate(result: xr.Dataset, optimizer: str, parametrisation: str, width: int) -> float:
    """Return the largest rate at which less than half of the trials guess; NaN if there is none."""
    rates, losses = losses_at(result, optimizer, parametrisation, width)
    trained = rates[2 * (losses >= GUESSING).sum(axis=0) < len(losses)]
    return float(trained[-1]) if len(trained) else math.nan


def wider_better(optimizer: str, parametrisation: str) -> Measure:
    """Measure after how many steps to the next width the loss is lower at one rate, in per cent."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        losses = tuned_losses(result, optimizer, parametrisation)
        return np.asarray(100 * (np.diff(losses, axis=0) < 0).mean(axis=0))

    return Measure(per_seed)


def wide_excess(optimizer: str, parametrisation: str) -> Measure:
    """Measure how much lower the loss is at the first width than at the last at one rate, per cent.

    It is below 0 if the widest network is better.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        losses = tuned_losses(result, optimizer, parametrisation)
        return np.asarray(100 * (1 - losses[0] / losses[-1]))

    return Measure(per_seed)


def advantage(optimizer: str) -> Measure:
    """Measure how much lower the lowest loss at the last width is in maximal update, per cent."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        last = widths_of(result, optimizer)[-1]
        standard, maximal = (
            lowest_loss(optimizer, each, last).per_seed(result)
            for each in (STANDARD, MAXIMAL_UPDATE)
        )
        return np.asarray(100 * (1 - maximal / standard))

    return Measure(per_seed)


def changes(result: xr.Dataset, optimizer: str, parametrisation: str, layer: str) -> np.ndarray:
    """Return how far a layer's outputs move at the tuned rate, shape (widths, seeds)."""
    found = result.change.sel(
        optimizer=optimizer,
        parametrisation=parametrisation,
        layer=layer,
        rate=tuned_rate(result, optimizer, parametrisation),
        width=widths_of(result, optimizer),
    )
    return np.asarray(found.transpose("width", "seed").to_numpy())


def change_exponent(optimizer: str, parametrisation: str, layer: str) -> Measure:
    """Measure the power of the width with which a layer's outputs move at the tuned rate."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        found = changes(result, optimizer, parametrisation, layer)
        return _powers(widths_of(result, optimizer), found)

    return Measure(per_seed)


def _powers(widths: list[int], values: np.ndarray) -> np.ndarray:
    return np.array([power_of(widths, each) for each in values.T])


def at_ends(result: xr.Dataset) -> int:
    """Return how many best rates are the smallest or largest that were tried."""
    return sum(
        int(np.isnan(best_rates(result, optimizer, parametrisation, width)).sum())
        for optimizer in result.optimizer.to_numpy().tolist()
        for parametrisation in result.parametrisation.to_numpy().tolist()
        for width in widths_of(result, optimizer)
    )
