"""Reading netCDF files that may be damaged, foreign or hostile.

The declarations in a file are checked before anything is read: HDF5 follows links into other files,
loads any filter that is named, and allocates any amount of memory.
"""

import math
import mmap
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import xarray as xr
from h5py import h5a, h5d, h5i, h5o, h5s, h5t, h5z

from mnist1d.harness.stored.arrays import load
from mnist1d.harness.stored.texts import one_line, without_controls

MOST_BYTES = 2**28
"""What a file may unfold to; one that is large itself may unfold to more."""
EXPANSION = 8
"""How many times its own size such a file may unfold to."""

_MOST_LABELS = 2**22
_MOST_VARIABLES = 2000
_MOST_ATTRIBUTES = 1000
_MOST_ATTRIBUTE_VALUES = 2**20
_MOST_CHUNKS = 100_000
_MOST_TEXTS = 100_000
_MOST_DIMENSIONS = 16
_MOST_TEXT_BYTES = 2**26
_LARGEST_NUMBER = 8  # bytes

_FILTERS = {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32}
_LAYOUTS = {h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED}
_NUMBERS = {h5t.INTEGER, h5t.FLOAT}
_SPACES = {h5s.SCALAR, h5s.SIMPLE}
# How netCDF keeps dimensions, in types of their own.
_OF_DIMENSIONS = {b"DIMENSION_LIST", b"REFERENCE_LIST"}
# With these, numbers are decoded as fractional ones.
_DECODED = {b"_FillValue", b"missing_value", b"scale_factor", b"add_offset"}
# Deflate never makes more of a byte.
_MOST_INFLATED = 1032
_UNCHECKED = 2**24
_HEAP = rb"GCOL\x01\0\0\0"
_ENTRY = struct.Struct("<H6xQ")  # number, and size, of what follows
_TEXTS = "OTU"
_KINDS = f"biufMm{_TEXTS}"
_CHECKSUM = 4


def read_netcdf(path: Path) -> xr.Dataset:
    """Read a netCDF file whole.

    Control characters in its texts are replaced.

    Args:
        path: of the file.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged, is none of netCDF, has what a result never has, or unfolds to
            more than `MOST_BYTES` and `EXPANSION` times its size; the message says what is wrong,
            on one line and without the path.
    """
    if not path.exists():
        raise FileNotFoundError(f"no result at {path}")
    if not path.is_file():
        raise ValueError("it is not a regular file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd, an error says what matters
            _check_kind(path)
            _check_heaps(path)
            check_netcdf(path, path.stat().st_size)
            with h5py.File(path, "r") as opened:
                found = load(opened)
    except Exception as error:  # h5py and xarray raise all kinds of errors
        said = str(error) or type(error).__name__
        what = "it is cut short" if "truncated file" in said else one_line(said)
        raise ValueError(what) from error
    _check_names(found)
    return _printable(found)


def fits(n_bytes: int, size: int) -> bool:
    """Tell whether a file of a size may unfold to so many bytes.

    >>> fits(2**28, 1), fits(2**28 + 1, 1)
    (True, False)
    """
    return n_bytes <= max(MOST_BYTES, EXPANSION * size)


def check_netcdf(file: Path | BinaryIO, size: int) -> None:
    """Refuse a file that has what a result never has, or is too large, from what it declares.

    Args:
        file: its path, or itself, open for reading.
        size: of it in bytes.

    Raises:
        OSError: if it is no file of HDF5, or damaged.
        ValueError: if it is refused; the message says why.
    """
    with h5py.File(file, "r") as opened:
        if len(opened) > _MOST_VARIABLES:
            raise ValueError(f"it has {len(opened):,} variables, more than {_MOST_VARIABLES:,}")
        _check_attributes(opened.id, "the file", size)
        n_bytes, room_for_texts = 0, _MOST_TEXT_BYTES
        for name in opened:
            what = f"variable {one_line(name, 60)}"
            if opened.get(name, getclass=True, getlink=True) is not h5py.HardLink:
                raise ValueError(f"{what} is a link to elsewhere")
            variable = h5o.open(opened.id, name.encode("utf-8", "surrogateescape"))
            if h5i.get_type(variable) != h5i.DATASET:
                raise ValueError(f"{what} is a group or a type and not an array")
            attributes = _check_attributes(variable, what, size)
            n_bytes += _bytes_of(variable, what, is_decoded=bool(attributes & _DECODED))
            if not fits(n_bytes, size):
                raise ValueError(f"it declares {n_bytes:,} bytes or more, too many for its size")
            _check_storage(variable, what)
            room_for_texts -= _text_bytes(variable, what, size, room_for_texts)


def _check_kind(path: Path) -> None:
    with path.open("rb") as file:  # of what cannot be opened, `is_hdf5` says that it is another
        if not file.read(1):
            raise ValueError("it is empty")
    if not h5py.is_hdf5(path):
        raise ValueError("it is no file of HDF5")


def _check_heaps(path: Path) -> None:
    """Refuse heaps of texts whose entries do not add up: HDF5 walks through some of them for ever.

    Source: HDF5 File Format Specification, version 3.0, section III.E, Global Heap.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for heap in re.finditer(_HEAP, data):
            (size,) = struct.unpack_from("<Q", data, heap.end())
            place, end = heap.end() + 8, heap.start() + size
            if end > len(data):
                raise ValueError("its texts are cut short")
            while place + _ENTRY.size <= end:
                number, size = _ENTRY.unpack_from(data, place)
                # The size of what is free has that of the entry in it.
                needed = size if number == 0 else _ENTRY.size + -(-size // 8) * 8
                place += needed
                if needed < _ENTRY.size or place > end:
                    raise ValueError("the list of its texts is damaged")


def _bytes_of(variable: Any, what: str, *, is_decoded: bool) -> int:
    """Return what an array takes in memory; refuse types that a result never has."""
    kind = variable.get_type()
    is_number = kind.get_class() in _NUMBERS
    if not is_number and not (kind.get_class() == h5t.STRING and kind.is_variable_str()):
        raise ValueError(f"{what} has neither numbers nor texts")
    if is_number and kind.get_size() > _LARGEST_NUMBER:
        raise ValueError(f"{what} has numbers of {kind.get_size()} bytes")
    if variable.get_space().get_simple_extent_type() not in _SPACES:
        raise ValueError(f"{what} has no shape")
    if variable.rank > _MOST_DIMENSIONS:
        raise ValueError(f"{what} has {variable.rank} dimensions")
    n_values = math.prod(variable.shape)
    if is_number:
        return n_values * (_LARGEST_NUMBER if is_decoded else kind.get_size())
    if n_values > _MOST_TEXTS:
        raise ValueError(f"{what} has {n_values:,} texts, more than {_MOST_TEXTS:,}")
    return n_values


def _check_storage(variable: Any, what: str) -> None:
    plan = variable.get_create_plist()
    if plan.get_layout() not in _LAYOUTS or plan.get_external_count():
        raise ValueError(f"{what} is kept in other files")
    filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    if set(filters) - _FILTERS or len(set(filters)) < len(filters):
        raise ValueError(f"{what} is compressed in a way that a result never is")
    if plan.get_layout() != h5d.CHUNKED:
        return
    chunk = plan.get_chunk()
    # HDF5 knows chunks of no more than 4 GB, and takes room for one in any case.
    n_bytes = math.prod(chunk) * variable.get_type().get_size()
    if not fits(n_bytes, 0):
        raise ValueError(f"{what} has chunks of {n_bytes:,} bytes")
    n_chunks = math.prod(-(-n // by) for n, by in zip(variable.shape, chunk, strict=True))
    if n_chunks > _MOST_CHUNKS:
        raise ValueError(f"{what} is in {n_chunks:,} chunks, more than {_MOST_CHUNKS:,}")
    if h5z.FILTER_DEFLATE in filters:
        _check_inflation(variable, what, n_bytes)


def _check_inflation(variable: Any, what: str, n_bytes: int) -> None:
    """Refuse chunks that unfold to more than they declare, which HDF5 would let them do."""
    for number in range(variable.get_num_chunks()):
        chunk = variable.get_chunk_info(number)
        if chunk.size * _MOST_INFLATED <= max(_UNCHECKED, n_bytes):
            continue
        _, data = variable.read_direct_chunk(chunk.chunk_offset)
        most = n_bytes + _CHECKSUM
        if len(zlib.decompressobj().decompress(data, most + 1)) > most:
            raise ValueError(f"{what} unfolds to more than it declares")


def _text_bytes(variable: Any, what: str, size: int, most: int) -> int:
    """Return how much text an array has at most; many texts may be the same bytes of the file."""
    if variable.get_type().get_class() != h5t.STRING:
        return 0
    bound = math.prod(variable.shape) * size
    if bound <= most:
        return bound
    total, texts = 0, h5py.Dataset(variable)
    for place in np.ndindex(variable.shape):
        total += len(texts[place])
        if total > most:
            raise ValueError(f"{what} has more than {most:,} bytes of text")
    return total


def _check_attributes(thing: Any, what: str, size: int) -> set[bytes]:
    """Refuse attributes that are neither numbers nor texts, or too many; return their names."""
    n_attributes = h5a.get_num_attrs(thing)
    if n_attributes > _MOST_ATTRIBUTES:
        raise ValueError(f"{what} has {n_attributes:,} attributes")
    names = set()
    for number in range(n_attributes):
        attribute = h5a.open(thing, index=number)
        name, kind = attribute.name, attribute.get_type()
        names.add(name)
        n_values = math.prod(attribute.shape or ())
        which = f"attribute {one_line(name.decode('utf-8', 'replace'), 60)} of {what}"
        if n_values > _MOST_ATTRIBUTE_VALUES:
            raise ValueError(f"{which} has {n_values:,} values")
        if name in _OF_DIMENSIONS:
            continue
        if kind.get_class() == h5t.STRING:
            longest = size if kind.is_variable_str() else kind.get_size()
            if n_values > 1 and n_values * longest > MOST_BYTES:
                raise ValueError(f"{which} has {n_values:,} texts")
        elif kind.get_class() not in _NUMBERS or kind.get_size() > _LARGEST_NUMBER:
            raise ValueError(f"{which} is neither a number nor a text")
    return names


def _check_names(found: xr.Dataset) -> None:
    for name in (*found.variables, *found.sizes):
        if not isinstance(name, str) or name != " ".join(without_controls(name).splitlines()):
            raise ValueError(f"it has a variable named {one_line(str(name), 60)!r}")
    for name, variable in found.variables.items():
        if variable.dtype.kind not in _KINDS:
            raise ValueError(f"variable {name} has neither numbers nor texts")
    for name, index in found.indexes.items():
        if len(index) > _MOST_LABELS:
            raise ValueError(f"dimension {name} has {len(index):,} labels")


def _printable(found: xr.Dataset) -> xr.Dataset:
    """Replace control characters in all texts."""
    for attributes in (found.attrs, *(each.attrs for each in found.variables.values())):
        for name, value in attributes.items():
            if isinstance(value, str):
                attributes[name] = without_controls(value)
    changed = {}
    for name, variable in found.variables.items():
        if variable.dtype.kind in _TEXTS:
            texts = list(_texts(str(name), variable))
            if (fit := [without_controls(text) for text in texts]) != texts:
                values = np.array(fit, dtype=object).reshape(variable.shape)
                changed[name] = (variable.dims, values, variable.attrs)
    return found.assign(changed) if changed else found


def _texts(name: str, variable: xr.Variable) -> Iterator[str]:
    for value in variable.to_numpy().ravel():
        if not isinstance(value, str):
            raise ValueError(f"variable {name} has values that are no texts")  # noqa: TRY004
        yield value
