"""Measures of a result: values per seed as expressions, estimated over seeds when called.

One measure serves a claim, a row of a table and a point of a figure. The difference of two measures
is paired by seed; several conditions in one place are averaged.

>>> import xarray as xr
>>> result = xr.Dataset({"accuracy": (("model", "seed"), [[0.9, 0.8], [0.5, 0.6]])},
...                     {"model": ["CNN", "MLP"]})
>>> cnn, mlp = (value("accuracy", scale=100, model=name) for name in ("CNN", "MLP"))
>>> round(cnn(result).mean, 6), round((cnn - mlp)(result).mean, 6), cnn(result).n
(85.0, 30.0, 2)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist1d.measures.uncertainty import Estimate, estimate

if TYPE_CHECKING:
    import xarray as xr

Reduction = Callable[["xr.DataArray", str], "xr.DataArray"]
"""Reduces the values along a dimension, as `last` does."""

UNLIMITED = (-np.inf, np.inf)
EMPTY = Estimate(np.nan, np.nan, np.nan, 0)
"""The estimate of a condition that a result does not have."""


@dataclass(frozen=True)
class Measure:
    """Values per seed of a result, and the ends of their scale.

    Attributes:
        per_seed: `result -> values`, shape (seeds,), NaN where a run diverged.
        limits: ends of the scale, to which Student's interval is clipped.
    """

    per_seed: Callable[[xr.Dataset], np.ndarray]
    limits: tuple[float, float] = UNLIMITED

    def __call__(self, result: xr.Dataset) -> Estimate:
        """Estimate the mean over seeds; empty if the result lacks the condition."""
        try:
            found = estimate(self.per_seed(result))
        except KeyError:
            return EMPTY
        low, high = np.clip([found.low, found.high], *self.limits)
        return found._replace(low=low, high=high)

    def __sub__(self, other: Measure) -> Measure:
        """Measure the difference, paired by seed."""

        def difference(result: xr.Dataset) -> np.ndarray:
            with np.errstate(invalid="ignore"):  # inf - inf, where both diverged, is NaN
                return self.per_seed(result) - other.per_seed(result)

        return Measure(difference)


def value(
    name: str,
    *,
    scale: float = 1.0,
    limits: tuple[float, float] = UNLIMITED,
    digits: int | None = 6,
    **place: Any,
) -> Measure:
    """Measure a variable at a place.

    Where a result lacks a label, the estimate is empty; one that lacks the variable, or a dimension
    of it, is a `ValueError`.

    Args:
        name: of the variable.
        scale: factor on its values, as 100 for per cent.
        limits: ends of the scaled values; none if omitted.
        digits: decimals to which values are rounded before they are scaled, so that fractions
            stored as float32 are whole numbers of samples again; None not to round.
        **place: for every dimension but `seed` a label, a list of labels whose values are
            averaged, or a function `(array, dimension) -> array without it`.

    >>> import xarray as xr
    >>> result = xr.Dataset({"loss": (("step", "seed"), [[2.0, 1.0], [0.5, 0.3]])})
    >>> value("loss", step=lambda array, dimension: array.isel({dimension: -1}))(result).mean
    0.4
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        # Only a label may be missing: a condition that was not run.
        if name not in result:
            raise ValueError(f"it has no variable {name}")
        found = result[name]
        if lacking := place.keys() - {*map(str, found.dims)}:
            raise ValueError(f"its variable {name} has no dimension {', '.join(sorted(lacking))}")
        for dimension, label in place.items():
            if callable(label):
                found = label(found, dimension)
            elif isinstance(label, list):
                found = found.sel({dimension: label}).mean(dimension, skipna=False)
            else:
                found = found.sel({dimension: label})
        values = found.to_numpy().astype(float)
        return scale * (values if digits is None else values.round(digits))

    return Measure(per_seed, limits)


def last(values: xr.DataArray, dimension: str) -> xr.DataArray:
    """Take the last entry along a dimension.

    >>> import xarray as xr
    >>> last(xr.DataArray([1, 2], dims="step"), "step").item()
    2
    """
    return values.isel({dimension: -1})


def late(n_steps: int) -> Reduction:
    """Average over the last entry along a dimension of steps, and those not long before it.

    One step of training may move an accuracy by points.

    Args:
        n_steps: how many steps before the last one entries may lie; by their labels, if there are
            any.

    >>> import xarray as xr
    >>> curve = xr.DataArray([1, 2, 4, 6], {"step": [0, 100, 200, 250]}, "step")
    >>> late(100)(curve, "step").item()
    5.0
    """

    def mean(values: xr.DataArray, dimension: str) -> xr.DataArray:
        steps = values[dimension].to_numpy()
        chosen = values.isel({dimension: steps >= steps[-1] - n_steps})
        return chosen.astype(float).mean(dimension, skipna=False)

    return mean
