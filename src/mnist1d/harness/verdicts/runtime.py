"""The running time of an experiment, as a measure of its result."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from mnist1d.measures.expressions import EMPTY
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr


def minutes(runs: int) -> Callable[[xr.Dataset], Estimate]:
    """Measure the minutes for a number of a result's runs, from the command to the figures.

    A result that a resumed command finished has no such time: its first part is not on record.

    Args:
        runs: the paper's number of runs.

    Returns: `result -> Estimate` without an interval, empty for a resumed result.

    >>> import xarray as xr
    >>> result = xr.Dataset({"loss": ("seed", [1.0] * 20)}, attrs={"seconds": 2400.0})
    >>> minutes(3)(result).mean
    6.0
    """

    def measure(result: xr.Dataset) -> Estimate:
        seconds = float(result.attrs.get("seconds", math.nan))
        if not math.isfinite(seconds) or int(result.attrs.get("units_found", 0)):
            return EMPTY
        per_run = seconds / 60 / result.sizes.get("seed", 1)
        return Estimate(per_run * runs, math.nan, math.nan, 1)

    return measure
