"""Combination of the results at the points of a grid to one labelled array."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.harness.settings import label


def coordinate(name: str, values: Sequence[Any]) -> np.ndarray:
    """Make the coordinate of a swept field: its values, or texts if netCDF cannot store them.

    Args:
        name: of the field, for the message.
        values: all different.

    Returns: shape (values,): numbers, truth values, or texts where values are of any other kind.
    Raises: ValueError: if two values are the same, or there is none.

    >>> coordinate("widths", [(8, 16), (8, 32)])
    array(['8 16', '8 32'], dtype='<U4')
    >>> coordinate("rate", [0.1, 0.10])
    Traceback (most recent call last):
        ...
    ValueError: rate has the value 0.1 twice; a grid needs different ones
    """
    if not len(values):
        raise ValueError(f"{name} has no value; a grid needs one or more per field")
    n_truths = sum(isinstance(value, bool) for value in values)
    numeric = all(isinstance(value, Integral | Real) for value in values)
    if n_truths == len(values) or (numeric and not n_truths):
        found = np.array(values)
    else:
        found = np.array([label(value) for value in values])
    for number, value in enumerate(found):
        if value in found[:number]:
            raise ValueError(f"{name} has the value {value} twice; a grid needs different ones")
    return found


def combine(points: Sequence[xr.Dataset], axes: Mapping[str, Sequence[Any]]) -> xr.Dataset:
    """Combine the results at all points of a grid to one, with a dimension per swept field.

    Every variable gets the swept dimensions, in front of its own; coordinates only if they differ.
    If results have different coordinates, such as other numbers of steps, the combination has all
    of them, and missing values are NaN (texts: empty); dimensions without coordinates are extended
    at the end. Whole numbers and truth values become fractional numbers only if some are missing.

    Args:
        points: one result per point, the last field varying fastest.
        axes: the values of every swept field.

    Returns: a dataset whose swept dimensions have the fields' names, with the prefix `config_` if
        the result uses a name for something else.

    >>> points = [xr.Dataset({"loss": ("step", np.ones(n))}, {"step": range(n)}) for n in (1, 2)]
    >>> combine(points, {"n_steps": [1, 2]}).loss
    <xarray.DataArray 'loss' (n_steps: 2, step: 2)> ...
    array([[ 1., nan],
           [ 1.,  1.]])
    Coordinates:
      * n_steps  (n_steps) int64 16B 1 2
      * step     (step) int64 16B 0 1
    """
    taken = {str(name) for point in points for name in (*point.variables, *point.sizes)}
    results = _aligned(points)
    for field, values in reversed(list(axes.items())):
        name = f"config_{field}" if field in taken else field
        along = xr.Variable(name, coordinate(field, values))
        results = [
            xr.concat(
                results[start : start + len(values)],
                along,
                data_vars="all",
                coords="different",
                compat="equals",
                join="exact",
                combine_attrs="drop_conflicts",
            )
            for start in range(0, len(results), len(values))
        ]
    (whole,) = results
    return whole


def _aligned(points: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Give all results the same dimensions, coordinates and variables."""
    dims = list(dict.fromkeys(dim for point in points for dim in point.sizes))
    numbered, unions = [], {}
    for dim in dims:
        having = [point for point in points if dim in point.sizes]
        if len({dim in point.indexes for point in having}) > 1:
            raise ValueError(f"dimension {dim} has a coordinate at some points of the grid only")
        if dim not in having[0].indexes:
            sizes = [point.sizes[dim] for point in having]
            if len(set(sizes)) > 1:
                numbered.append(dim)
                unions[dim] = np.arange(max(sizes))
        elif not all(point.indexes[dim].equals(having[0].indexes[dim]) for point in having):
            unions[dim] = _union([point[dim].to_numpy() for point in having])
    results = []
    for point in points:
        rows = {dim: np.arange(point.sizes[dim]) for dim in numbered if dim in point.sizes}
        wanted = {dim: values for dim, values in unions.items() if dim in point.sizes}
        results.append(_filled(point.assign_coords(rows), wanted).drop_vars(rows))
    variables = {name: result[name] for result in reversed(results) for name in result.data_vars}
    return [
        result.assign(
            {
                name: _missing_like(variable)
                for name, variable in variables.items()
                if name not in result
            }
        )
        for result in results
    ]


def _union(coordinates: Sequence[np.ndarray]) -> np.ndarray:
    """Return all values: numbers sorted, others in the order of appearance."""
    values = np.concatenate(coordinates)
    if values.dtype.kind in "iuf":
        return np.unique(values)
    return np.array(list(dict.fromkeys(values.tolist())), dtype=values.dtype)


def _filled(point: xr.Dataset, wanted: Mapping[Any, np.ndarray]) -> xr.Dataset:
    """Extend a result to the coordinates it lacks, in every variable that has their dimensions."""
    touched = [name for name, each in point.variables.items() if set(each.dims) & set(wanted)]
    truths = {name: point[name].astype(np.float32) for name in touched if point[name].dtype == bool}
    texts = {name: "" for name in touched if point[name].dtype.kind in "UTO"}
    fill: dict[Any, Any] = dict.fromkeys(point.variables, np.nan) | texts
    return point.assign(truths).reindex(wanted, fill_value=fill) if wanted else point


def _missing_like(variable: xr.DataArray) -> xr.DataArray:
    if variable.dtype.kind in "UTO":
        return xr.full_like(variable, "", dtype=object)
    return xr.full_like(variable, np.nan, dtype=np.float64)
