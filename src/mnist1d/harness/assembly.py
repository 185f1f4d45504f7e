"""Assembly of the arrays of finished tasks to one labelled result."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution.task import Arrays, Task


def assemble(
    found: Iterable[tuple[Task, Arrays]],
    coords: Mapping[str, Sequence[Any] | np.ndarray | int],
    dims: Mapping[str, tuple[str, ...]],
    fill: Mapping[str, Any] = {},
) -> xr.Dataset:
    """Put the arrays of tasks into variables, at the places of the tasks' labels.

    Args:
        found: finished tasks and their arrays; arrays that are not in `dims` are left out.
        coords: all labels, by dimension; an integer for a size without labels, whose places are
            numbered from 0.
        dims: for every variable its dimensions; those without a label are the array's own.
        fill: the value, and so the type, where no task has one, by variable; NaN for others.

    Raises: ValueError: if none of the tasks' arrays is a variable.

    >>> found = [(Task({"model": "CNN"}, {}), {"loss": np.array([0.5, 0.1])})]
    >>> assemble(found, {"model": ["CNN", "MLP"], "step": [0, 1]}, {"loss": ("model", "step")}).loss
    <xarray.DataArray 'loss' (model: 2, step: 2)> ...
    array([[0.5, 0.1],
           [nan, nan]])
    ...
    """
    labels = {
        name: list(range(each)) if isinstance(each, int) else np.asarray(each).tolist()
        for name, each in coords.items()
    }
    arrays = {
        name: np.full([len(labels[axis]) for axis in axes], fill.get(name, np.nan))
        for name, axes in dims.items()
    }
    place = {name: {label: i for i, label in enumerate(each)} for name, each in labels.items()}
    known: set[str] = set()
    for task, values in found:
        known |= values.keys()
        for name, axes in dims.items():
            if name in values:
                at = tuple(
                    place[axis][task.labels[axis]] if axis in task.labels else slice(None)
                    for axis in axes
                )
                arrays[name][at] = values[name]
    if known and not known & dims.keys():
        raise ValueError(
            f"the variables {', '.join(dims)} have no values; tasks have {', '.join(sorted(known))}"
        )
    return xr.Dataset(
        {name: (dims[name], array) for name, array in arrays.items()},
        {name: each for name, each in coords.items() if not isinstance(each, int)},
    )
