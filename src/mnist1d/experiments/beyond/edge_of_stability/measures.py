"""Measures of sharpness and loss over the training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.measures.expressions import Measure

if TYPE_CHECKING:
    import xarray as xr

REACHED = 0.95
"""Share of the edge from which on it counts as reached: the middle between "at" and "below" of
`MARGIN`."""

N_WINDOWS = 10
"""Training is divided into as many windows, to see whether the loss falls in the long run."""

Curves = dict[str, np.ndarray]


def of_run(method: str, rate: float, measure: Callable[[Curves], float]) -> Measure:
    """Return a measure of the curves of single networks.

    Args:
        method: one of `Config.methods`.
        rate: its learning rate.
        measure: `curves -> number`; of every curve the values by step, shape (measurements,), and
            as `relative` the sharpness as a share of its edge.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        place = {"optimizer": method, "rate": rate}
        names = ("sharpness", "edge", "train_loss", "rises")
        found = {name: result[name].sel(place).transpose("seed", "step") for name in names}
        arrays = {name: each.to_numpy() for name, each in found.items()}
        arrays["relative"] = arrays["sharpness"] / arrays["edge"]
        numbers = []
        for seed in range(result.sizes["seed"]):
            curves = {name: each[seed] for name, each in arrays.items()}
            finite = (
                np.isfinite(curves["relative"]).all() and np.isfinite(curves["train_loss"]).all()
            )
            numbers.append(measure(curves) if finite else np.nan)
        return np.array(numbers, float)

    return Measure(per_seed)


def rates_of(result: xr.Dataset, method: str) -> list[float]:
    """Return the learning rates at which a method was tried."""
    is_tried = result.edge.sel(optimizer=method).notnull().any(("step", "seed"))
    found: list[float] = result.rate[is_tried.to_numpy()].to_numpy().tolist()
    return found


def late(values: np.ndarray) -> float:
    """Return the mean over the last quarter of the measurements."""
    return float(values[-(len(values) // 4) :].mean())


def first_at_edge(curves: Curves) -> int:
    """Return the first measurement at the edge; their number if there is none."""
    reached = np.append(curves["relative"] >= REACHED, True)
    return int(reached.argmax())


def late_sharpness(method: str, rate: float) -> Measure:
    """Measure sharpness over the last quarter of the training."""
    return of_run(method, rate, lambda curves: late(curves["sharpness"]))


def relative_sharpness(method: str, rate: float) -> Measure:
    """Measure sharpness over the last quarter of the training, in per cent of the edge."""
    return of_run(method, rate, lambda curves: 100 * late(curves["relative"]))


def highest_sharpness(method: str, rate: float) -> Measure:
    """Measure the highest sharpness, mean of ten measurements in a row, in per cent of the edge."""

    def highest(curves: Curves) -> float:
        window = np.full(10, 0.1)
        return 100 * float(np.convolve(curves["relative"], window, mode="valid").max())

    return of_run(method, rate, highest)


def sharpening(method: str, rate: float) -> Measure:
    """Measure over how many of the intervals before the edge sharpness rises, in per cent."""

    def rising(curves: Curves) -> float:
        before = np.diff(curves["sharpness"][: first_at_edge(curves) + 1])
        return 100 * float((before > 0).mean()) if len(before) else np.nan

    return of_run(method, rate, rising)


def rises_before(method: str, rate: float) -> Measure:
    """Measure over how many of the steps before the edge the loss rises, in per cent."""

    def rising(curves: Curves) -> float:
        before = curves["rises"][: first_at_edge(curves)]
        return 100 * float(before.mean()) if len(before) else np.nan

    return of_run(method, rate, rising)


def rises_after(method: str, rate: float) -> Measure:
    """Measure over how many of the steps of the last quarter the loss rises, in per cent."""
    return of_run(method, rate, lambda curves: 100 * late(curves["rises"]))


def falls_in_the_long_run(method: str, rate: float) -> Measure:
    """Measure in how many windows the loss is lower than in the one before, in per cent.

    There are ten of equal length; those count that follow the first measurement at the edge.
    """

    def falling(curves: Curves) -> float:
        losses = curves["train_loss"]
        length = len(losses) // N_WINDOWS
        windows = losses[-length * N_WINDOWS :].reshape(N_WINDOWS, length).mean(axis=1)
        n_before = len(losses) - length * N_WINDOWS
        first = -(-(first_at_edge(curves) - n_before) // length)
        after = windows[max(0, first) :]
        return 100 * float((np.diff(after) < 0).mean()) if len(after) > 1 else np.nan

    return of_run(method, rate, falling)


def mean_of(measures: list[Measure]) -> Measure:
    """Return the mean of measures, seed by seed."""
    return Measure(lambda result: np.mean([each.per_seed(result) for each in measures], axis=0))


def reached_after(method: str, rate: float) -> Measure:
    """Measure after how many updates sharpness is at the edge; NaN where it never is."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        steps = np.append(result.step.to_numpy().astype(float), np.nan)
        place = of_run(method, rate, lambda curves: float(first_at_edge(curves)))
        found = place.per_seed(result)
        return steps[np.where(np.isnan(found), -1, found).astype(int)]

    return Measure(per_seed)
