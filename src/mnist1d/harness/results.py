"""Stored results of any experiment: reading them, and tables of their values."""

import io
import json
import math
from collections.abc import Container, Sequence
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write
from mnist1d.dataset.imports import required
from mnist1d.harness import record
from mnist1d.harness.interface import Row
from mnist1d.harness.settings import label
from mnist1d.measures.uncertainty import Estimate, estimate

_FEW = 20
"""Numbers per seed that a variable may have to be shown whole."""
TABLE_COLUMNS = ("seed", "variable", "value")
"""Last columns of every tidy table."""
_MOST_ROWS = 10_000_000
MOST_CASES = 2000
"""Number of cases of a variable that anybody would read."""


def load_result(path: checks.StrPath) -> xr.Dataset:
    """Read a result from its file, or from the folder of that file.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if the file is damaged, or no result of an experiment.

    >>> load_result("no/such/folder")
    Traceback (most recent call last):
        ...
    FileNotFoundError: no result at no/such/folder
    """
    path = checks.path("path", path)
    file = path / "result.nc" if path.is_dir() else path
    try:
        result = record.read(file)
    except FileNotFoundError as error:
        inside = sorted(map(str, path.glob("*/result.nc"))) if path.is_dir() else []
        if not inside:
            raise
        raise FileNotFoundError(f"{error}; there are: {', '.join(inside)}") from None
    if "experiment" not in result.attrs:
        raise ValueError(f"{file} holds no result of an experiment")
    return result


def grid_of(result: xr.Dataset) -> dict[str, list[Any]]:
    """Return the values of every swept field, by the name of its dimension in the result.

    >>> grid_of(xr.Dataset(attrs={"grid": '{"rounds": [3, 5]}'}))
    {'rounds': [3, 5]}
    """
    grid = json.loads(result.attrs.get("grid", "{}"))
    named = {field: f"config_{field}" for field in grid}
    return {named[f] if named[f] in result.dims else f: values for f, values in grid.items()}


def scalars_per_seed(result: xr.Dataset) -> list[str]:
    """Name the variables that are one number per seed, swept value and named case.

    These are the variables along `seed` whose other dimensions are swept or have texts as
    coordinates (models, data sets), and so no curves over steps or sizes.

    >>> curve = (("seed", "step"), [[0.5, 0.1]])
    >>> scalars_per_seed(xr.Dataset({"loss": ("seed", [0.1]), "curve": curve}))
    ['loss']
    """
    swept = grid_of(result)

    def is_case(dim: Any) -> bool:
        return dim == "seed" or dim in swept or (dim in result.coords and _is_text(result[dim]))

    return [
        str(name)
        for name, variable in result.data_vars.items()
        if "seed" in variable.dims
        and variable.dtype.kind in "biuf"
        and all(is_case(dim) for dim in variable.dims)
    ]


def short_per_seed(result: xr.Dataset) -> list[str]:
    """Name the variables with a few numbers per seed: over widths, say, as far as they are named.

    >>> widths = (("width", "seed"), [[0.5, 0.1]])
    >>> short_per_seed(xr.Dataset({"loss": widths}, {"width": [8], "seed": [0, 1]}))
    ['loss']
    """
    known = scalars_per_seed(result)
    swept = grid_of(result)
    return [
        str(name)
        for name, variable in result.data_vars.items()
        if name not in known
        and "seed" in variable.dims
        and variable.dtype.kind in "biuf"
        and all(dim in result.coords for dim in variable.dims if dim not in {"seed", *swept})
        and n_cases(variable, swept) <= _FEW
    ]


def numbers_shown(result: xr.Dataset) -> list[str]:
    """Name the variables of numbers per seed, without those that are false everywhere.

    >>> found = {"diverged": ("seed", [False]), "loss": ("seed", [0.5])}
    >>> numbers_shown(xr.Dataset(found))
    ['loss']
    """
    return [
        name
        for name in (*scalars_per_seed(result), *short_per_seed(result))
        if result[name].dtype != bool or result[name].any()
    ]


def n_cases(variable: xr.DataArray, swept: Container[Any] = ()) -> int:
    """Return the number of cases of a variable: the product of its sizes, but for `seed`.

    Args:
        variable: of a result.
        swept: further dimensions that do not count.

    >>> n_cases(xr.DataArray(np.zeros((2, 3)), dims=("model", "seed")))
    2
    """
    return math.prod(n for dim, n in variable.sizes.items() if dim != "seed" and dim not in swept)


def rows_of_numbers(result: xr.Dataset) -> list[Row]:
    """Make a table of all numbers per seed: a row per case, a column per variable.

    Args:
        result: of any experiment; variables with more than `MOST_CASES` cases are left out.

    >>> grid = (("rate", "seed"), [[0.5, 0.7], [0.1, 0.3]])
    >>> result = xr.Dataset({"loss": grid}, {"rate": [1, 2]}, {"grid": '{"rate": [1, 2]}'})
    >>> [(row.condition, row.estimates["loss"].mean) for row in rows_of_numbers(result)]
    [('rate = 1', 0.6), ('rate = 2', 0.2)]
    """
    found: dict[str, dict[str, Estimate]] = {}
    for name in numbers_shown(result):
        dims = [dim for dim in result[name].dims if dim != "seed"]
        if n_cases(result[name]) > MOST_CASES:
            continue
        for coordinates, values in cases(result[name]):
            parts = zip(dims, coordinates, strict=True)
            case = ", ".join(f"{dim} = {label(value)}" for dim, value in parts)
            found.setdefault(case or "all runs", {})[name] = estimate(values)
    return [Row("", case, estimates) for case, estimates in found.items()]


def tidy_table(result: xr.Dataset, variables: Sequence[str] | None = None) -> Any:
    """Make a table with one row per number.

    Args:
        result: any result.
        variables: names of variables of numbers or truth values; None for `scalars_per_seed`.

    Returns: a pandas data frame with a column per dimension (swept fields first), then `seed`,
        `variable` and `value`; if a variable lacks a dimension, its column is empty.

    Raises: ValueError: if there is no such variable, none at all, one of texts, or more than ten
        million numbers.

    >>> tidy_table(xr.Dataset({"loss": ("seed", [0.5, 0.25])}, {"seed": [0, 1]}))
       seed variable  value
    0     0     loss   0.50
    1     1     loss   0.25
    """
    names = scalars_per_seed(result) if variables is None else list(variables)
    numeric = [str(name) for name, each in result.data_vars.items() if each.dtype.kind in "biuf"]
    if wrong := [name for name in names if name not in numeric]:
        raise ValueError(f"no variable of numbers named {', '.join(wrong)}; {_there_are(numeric)}")
    if not names:
        raise ValueError(f"no variable is one number per seed; name others, {_there_are(numeric)}")
    if (n_rows := sum(result[name].size for name in names)) > _MOST_ROWS:
        raise ValueError(f"the table would have {n_rows:,} rows; name fewer variables")
    pandas = required("pandas", extra="export")
    parts = []
    for name in names:
        # Rows without a coordinate are numbered. Further coordinates would be further columns.
        frame = (
            result[name].reset_coords(drop=True).to_dataframe("value").reset_index()
            if result[name].ndim
            else pandas.DataFrame({"value": [result[name].item()]})
        )
        parts.append(frame.assign(variable=name, value=frame["value"].astype(float)))
    table = pandas.concat(parts, ignore_index=True)
    # Whole numbers stay whole where some variables lack a dimension.
    dims = [each for each in table.columns if each not in {"variable", "value"}]
    table[dims] = table[dims].convert_dtypes()
    swept = grid_of(result)
    first = [dim for dim in swept if dim in table.columns]
    others = [each for each in table.columns if each not in {*first, *TABLE_COLUMNS}]
    last = [each for each in TABLE_COLUMNS if each in table.columns]
    return table[[*first, *others, *last]]


def save_table(table: Any, path: checks.StrPath) -> None:
    """Write a table as CSV or Parquet, by the ending of the file's name.

    Raises:
        ModuleNotFoundError: if pyarrow is needed and not installed, with the line that installs it.
        OSError: if the file cannot be written.
        ValueError: if the ending is another one.
    """
    path = checks.path("path", path)
    if path.suffix not in {".csv", ".parquet"}:
        raise ValueError(f"a table's name must end in .csv or .parquet, not {path}")
    content = io.BytesIO()
    if path.suffix == ".csv":
        table.to_csv(content, index=False, lineterminator="\n")
    else:
        required("pyarrow", extra="export")
        table.to_parquet(content, index=False)
    with atomic_write(path) as file:
        file.write(content.getvalue())


def cases(variable: xr.DataArray) -> list[tuple[tuple[Any, ...], np.ndarray]]:
    """Return the values per seed of every case of a variable, by its other dimensions' values.

    >>> cases(xr.DataArray([[1, 2]], {"model": ["CNN"], "seed": [0, 1]}, ("model", "seed")))
    [(('CNN',), array([1., 2.]))]
    """
    dims = [dim for dim in variable.dims if dim != "seed"]
    values = variable.transpose(*dims, "seed").to_numpy().astype(float)
    coordinates = [variable[dim].to_numpy().tolist() for dim in dims]
    return [
        (tuple(coordinates[axis][i] for axis, i in enumerate(index)), values[index])
        for index in np.ndindex(values.shape[:-1])
    ]


def _is_text(variable: xr.DataArray) -> bool:
    return variable.dtype.kind in "UTO"


def _there_are(names: list[str]) -> str:
    return f"there are: {', '.join(names)}" if names else "but there are none"
