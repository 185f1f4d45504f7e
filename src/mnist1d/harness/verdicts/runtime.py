"""The running time of an experiment, as a measure of its result."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mnist1d.measures.expressions import EMPTY
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr


def minutes(runs: int) -> Callable[[xr.Dataset], Estimate]:
    """Measure the minutes for a number of a result's runs, from the command to the figures.

    A result that a resumed command finished has no such time: its first part is not on record. It
    may have that of another run of the same code, which was whole (`time_apart`).

    Args:
        runs: the paper's number of runs.

    Returns: `result -> Estimate` without an interval, empty for a resumed result.

    >>> import xarray as xr
    >>> result = xr.Dataset({"loss": ("seed", [1.0] * 20)}, attrs={"seconds": 2400.0})
    >>> minutes(3)(result).mean
    6.0
    """

    def measure(result: xr.Dataset) -> Estimate:
        seconds, n = float(result.attrs.get("seconds", math.nan)), result.sizes.get("seed", 1)
        if int(result.attrs.get("units_found", 0)):
            seconds, n = time_apart(result.attrs) or (math.nan, 1)
        if not math.isfinite(seconds):
            return EMPTY
        return Estimate(seconds / 60 / n * runs, math.nan, math.nan, 1)

    return measure


def time_apart(attributes: Mapping[str, Any]) -> tuple[float, int] | None:
    """Return the seconds of a whole run that was made for its time alone, and its number of runs.

    Args:
        attributes: of a result; `time_apart` is JSON, an object with `seconds` and `seeds`.

    Returns: None if there was none.

    >>> time_apart({"time_apart": '{"seconds": 600.0, "seeds": 2}'})
    (600.0, 2)
    """
    if "time_apart" not in attributes:
        return None
    found = json.loads(attributes["time_apart"])
    return float(found["seconds"]), int(found["seeds"])
