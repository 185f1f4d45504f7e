"""Measures of lines between networks, and of averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.mode_connectivity.config import UNMATCHED
from mnist1d.measures.expressions import Measure, value
from mnist1d.measures.lines import barrier

if TYPE_CHECKING:
    import xarray as xr

ROUNDING = 1e-6
"""Nats that count as none where barriers are divided by each other: losses of float32 have no
more."""


def line_values(result: xr.Dataset, name: str, **place: object) -> np.ndarray:
    """Return the values along lines, shape (seeds, places); losses in nats, errors in points."""
    scale = 100 if name.endswith("error") else 1
    found = result[name].sel(place).transpose("seed", "place")
    return scale * found.to_numpy().astype(float)


def children_barrier(model: str, split: int, measure: str) -> Measure:
    """Measure the barrier between the children of a split, in nats or points."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        return barrier(line_values(result, f"children_{measure}", model=model, split=split))

    return Measure(per_seed, (0, np.inf))


def independent_barrier(width: int, matching: str, measure: str) -> Measure:
    """Measure the barrier between independent MLPs, in nats or points."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        place = {"width": width, "matching": matching}
        return barrier(line_values(result, f"independent_{measure}", **place))

    return Measure(per_seed, (0, np.inf))


def factor(above: Measure, below: Measure) -> Measure:
    """Measure how many times one barrier is as high as another, in powers of two."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        high, low = (np.log2(each.per_seed(result) + ROUNDING) for each in (above, below))
        return np.asarray(high - low)

    return Measure(per_seed)


def share_left(width: int, matching: str) -> Measure:
    """Measure the part of the barrier of training loss that matching leaves, as a fraction."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        after, before = (
            independent_barrier(width, each, "train_loss").per_seed(result)
            for each in (matching, UNMATCHED)
        )
        return np.asarray((after + ROUNDING) / (before + ROUNDING))

    return Measure(per_seed, (0, np.inf))


def width_factor(narrow: int, wide: int, matching: str = UNMATCHED) -> Measure:
    """Measure how many times as high the barrier of training loss is between narrow networks."""
    return factor(
        independent_barrier(narrow, matching, "train_loss"),
        independent_barrier(wide, matching, "train_loss"),
    )


def average_of(model: str, origin: str, averaged: str, measure: str) -> Measure:
    """Measure an average of weights or outputs: its loss in nats, or its error in per cent."""
    is_error = measure.endswith("error")
    return value(
        f"average_{measure}",
        scale=100 if is_error else 1,
        limits=(0, 100) if is_error else (0, np.inf),
        digits=None,
        model=model,
        origin=origin,
        averaged=averaged,
    )
