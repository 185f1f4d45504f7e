"""The sweep: the objective at many learning rates, and its minimum."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, OnStep, Runner, Task
from mnist1d.experiments.metalearn_learning_rate.config import Config
from mnist1d.experiments.metalearn_learning_rate.inner_loop import (
    Batches,
    Network,
    cut_into_batches,
    draw_networks,
    inner_losses,
    over_runs,
)


def sweep_rates(config: Config) -> np.ndarray:
    """Return the learning rates of the first pass."""
    return np.geomspace(*config.sweep_range, config.sweep_points)


def sweep(config: Config) -> Runner:
    """Return the runner of the sweep over the learning rate, then around the lowest objective."""
    coarse = sweep_rates(config)
    batches = cut_into_batches(generate(config.data), config.batch_size)
    evaluate = over_runs(partial(_objectives, config=config), draw_networks(config), batches)

    def run_tasks(
        tasks: Sequence[Task], _: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        objective = evaluate(np.tile(coarse.astype(np.float32), (config.seeds + 1, 1)))
        on_step(1)
        # NaN, if training diverged, is never the lowest.
        lowest = np.where(np.isfinite(objective), objective, np.inf).argmin(axis=1)
        inside = np.clip(lowest, 1, len(coarse) - 2)
        near = np.linspace(coarse[inside - 1], coarse[inside + 1], len(coarse), axis=1)
        near = near.astype(np.float32)
        near_objective = evaluate(near)
        optimum = [vertex(*curve) for curve in zip(near, near_objective, strict=True)]
        at_end = (lowest != inside)[:, None]
        rate, height = np.where(at_end, np.nan, optimum).T
        found = {
            "sweep_objective": objective,
            "near_rate": near,
            "near_objective": near_objective,
            "sweep_optimum": rate,
            "sweep_lowest": height,
        }
        yield tasks[0], found

    return run_tasks


def _objectives(rates: Any, network: Network, batches: Batches, *, config: Config) -> Any:
    losses = jax.vmap(lambda rate: inner_losses(rate, network, batches, config.inner_steps))(rates)
    return losses.mean(axis=1)


def vertex(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Find the minimum of a curve: of the parabola through its lowest point and the neighbours.

    Args:
        x: rising, shape (points,), three or more.
        y: shape (points,); what is not finite is never the lowest.

    Returns: place and height of the minimum; NaN if the lowest point is the first or the last one,
        or a neighbour is not finite.

    >>> x = np.linspace(0, 4, 9)
    >>> [round(value, 6) for value in vertex(x, 3 + (x - 1.3) ** 2)]
    [1.3, 3.0]
    """
    at = int(np.where(np.isfinite(y), y, np.inf).argmin())
    if not 0 < at < len(x) - 1 or not np.isfinite(y[at - 1 : at + 2]).all():
        return np.nan, np.nan
    # Centred, as float32 squares of nearly equal numbers would lose the difference.
    x0, y0 = float(x[at]), float(y[at])
    quadratic, linear, _ = np.polyfit(
        x[at - 1 : at + 2].astype(float) - x0, y[at - 1 : at + 2].astype(float) - y0, 2
    )
    if quadratic <= 0:
        return x0, y0
    return float(x0 - linear / (2 * quadratic)), float(y0 - linear**2 / (4 * quadratic))
