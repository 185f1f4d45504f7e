"""Labelled arrays of a checked netCDF file.

Dimensions are read from the lists of references at the dimensions, whose length can be checked.
Those at the variables have none: with a wrong bit there HDF5 would count to a billion.
"""

from typing import Any

import h5py
import numpy as np
import xarray as xr

_REFERENCES = "REFERENCE_LIST"
_OF_NETCDF = {"CLASS", "NAME", "DIMENSION_LIST", _REFERENCES, "_NCProperties"}
_OF_NETCDF |= {"_Netcdf4Coordinates", "_Netcdf4Dimid", "_nc3_strict"}
# What the attribute NAME of a dimension says that has no labels.
_WITHOUT_LABELS = b"This is a netCDF dimension but not a netCDF variable"


def load(opened: h5py.File) -> xr.Dataset:
    """Read a netCDF file whole.

    Args:
        opened: the file, which `check_netcdf` has checked.

    Raises: Exception: of any kind, if it is damaged, or none of netCDF.
    """
    arrays = {name: opened[name] for name in opened}
    dims: dict[str, list[str]] = {name: [""] * array.ndim for name, array in arrays.items()}
    for name, array in arrays.items():
        if _REFERENCES in array.attrs:
            for reference, axis in array.attrs[_REFERENCES]:
                dims[opened[reference].name.removeprefix("/")][axis] = name
        if array.attrs.get("CLASS") == b"DIMENSION_SCALE" and array.ndim == 1:
            dims[name] = [name]
    unnamed = [name for name, each in dims.items() if "" in each]
    if unnamed:
        raise ValueError(f"variable {unnamed[0]} has a dimension without a name")
    variables = {
        name: (dims[name], _values(array), _attributes(array.attrs))
        for name, array in arrays.items()
        if not bytes(array.attrs.get("NAME", b"")).startswith(_WITHOUT_LABELS)
    }
    coder = xr.coders.CFTimedeltaCoder(decode_via_units=False)
    raw = xr.Dataset(variables, attrs=_attributes(opened.attrs))
    return xr.decode_cf(raw, decode_timedelta=coder).load().drop_encoding()


def _values(array: h5py.Dataset) -> Any:
    if h5py.check_string_dtype(array.dtype):
        return array.asstr(errors="replace")[()]
    values = array[()]
    return values.astype(values.dtype.newbyteorder("="))


def _attributes(attributes: h5py.AttributeManager) -> dict[str, Any]:
    found = {name: attributes[name] for name in attributes if name not in _OF_NETCDF}
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    """Make one value of a list of one, and a list of several texts."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OS":
            value = [_plain(each) for each in value.ravel().tolist()]
        if len(value) == 1:
            return value[0]
    return value
