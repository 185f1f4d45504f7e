"""Pickles of NumPy arrays: read without executing anything, written with a note in them.

A pickle is a program, and Python's own reader runs it. The reader here stops at anything but arrays
of numbers or text, plain containers and plain values, and rebuilds the arrays from their bytes by
itself, so that a file can neither call a function nor hand NumPy a made-up description of memory.
"""

import hashlib
import io
import json
import os
import pickle
import pickletools
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mnist1d.dataset.atomic import atomic_write

__all__ = ["PROTOCOL", "read_arrays", "write_arrays"]

PROTOCOL = 3
"""Pickle protocol of the files; that of the published package."""

StrPath: TypeAlias = str | os.PathLike[str]

# A note is a text that is put on the stack and dropped at once, before the data: to any reader of
# pickles the file is one pickle of the data alone.
_NOTE_OPENS = b"\x80\x03X"
_NOTE_CLOSES = b"0"
# A pickle has no checksum of its own, and a wrong bit in the middle of an array would go unseen.
_CHECKSUM = "sha256"


def write_arrays(thing: Any, path: StrPath, note: dict[str, Any]) -> None:
    """Write arrays in plain containers as one pickle, whole or not at all, with a note in it.

    Args:
        thing: what any reader of pickles gets back, without this package.
        path: where to write; missing folders are made.
        note: what `read_arrays` gives back beside it; of the types of JSON.

    Raises:
        OSError: if the file cannot be written. What was there before is then still there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "arrays.pkl"
    ...     write_arrays({"x": np.arange(3)}, path, note={"seed": 42})
    ...     pickle.loads(path.read_bytes())
    ...     read_arrays(path)
    {'x': array([0, 1, 2])}
    ({'x': array([0, 1, 2])}, {'seed': 42})
    """
    data = memoryview(pickle.dumps(thing, protocol=PROTOCOL))[2:]  # the note opens the file
    text = json.dumps({**note, _CHECKSUM: _checksum(note, data)}).encode()
    with atomic_write(path) as file:
        file.write(_NOTE_OPENS + struct.pack("<I", len(text)) + text + _NOTE_CLOSES)
        file.write(data)


def read_arrays(path: StrPath) -> tuple[Any, dict[str, Any] | None]:
    """Read a pickle that holds nothing but arrays, plain containers and plain values.

    Admitted are arrays of Booleans, numbers and texts, with their scalars; dict, OrderedDict, list,
    tuple, set and frozenset; numbers, texts, bytes and None. Protocols 0 to 5 are read.

    Args:
        path: the file.

    Returns:
        What is in the file, in fresh and writeable arrays, and the note that `write_arrays` left in
        it, or None if somebody else wrote the file.

    Raises:
        OSError: if the file cannot be read.
        pickle.UnpicklingError: if it is damaged or no pickle, or holds anything else. Nothing in it
            has been executed then.
    """
    with Path(os.fsdecode(path)).open("rb") as file:
        return _read(file.read(), os.fsdecode(path))


def _read(content: bytes, name: str) -> tuple[Any, dict[str, Any] | None]:
    try:
        note = _note(content)
        _check_memo(content)
        return _resolved(_Unpickler(io.BytesIO(content)).load(), {}), note
    except _NotAdmittedError as error:
        raise pickle.UnpicklingError(
            f"{name} was not read: it holds {error}, and a dataset file may hold NumPy arrays and "
            "plain containers only, as anything else can execute what it likes. If you know who "
            "wrote it, mnist1d.utils.from_pickle reads it all the same"
        ) from None
    except Exception as error:  # a damaged pickle can raise any exception there is
        raise pickle.UnpicklingError(
            f"{name} is damaged or not a pickle ({type(error).__name__}: {error}). Delete it, name "
            "another file, or replace it with get_dataset(..., download=False, regenerate=True)"
        ) from error


def _note(content: bytes) -> dict[str, Any] | None:
    start = len(_NOTE_OPENS) + 4
    if not content.startswith(_NOTE_OPENS) or len(content) < start:
        return None
    (length,) = struct.unpack_from("<I", content, len(_NOTE_OPENS))
    text, rest = content[start : start + length], content[start + length :]
    if not rest.startswith(_NOTE_CLOSES):
        return None
    note = json.loads(text)
    if not isinstance(note, dict):
        raise TypeError("its note is no dictionary")
    # Files of earlier versions have no checksum.
    checksum = note.pop(_CHECKSUM, None)
    if checksum not in (None, _checksum(note, memoryview(rest)[1:])):
        raise ValueError("its checksum is another one")
    return note


def _checksum(note: dict[str, Any], data: memoryview) -> str:
    digest = hashlib.sha256(json.dumps(note).encode())
    digest.update(data)
    return digest.hexdigest()


def _check_memo(content: bytes) -> None:
    """Refuse numbers of memorised things that cannot be: Python makes a table as long as that."""
    for operation, number, _place in pickletools.genops(content):
        if operation.name in ("PUT", "LONG_BINPUT") and number not in range(len(content)):
            raise ValueError(f"it memorises number {number}")


class _NotAdmittedError(Exception):
    """The file holds something that is no array and no plain container."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _NotAdmittedError(f"{module}.{name}") from None


class _StandIn:
    """What the names in a file mean here. As classes, they cannot be altered by the file."""

    __hash__ = None  # type: ignore[assignment] # nor can they be keys

    def __setstate__(self, state: Any) -> None:
        raise TypeError("it gives a state to something that has none")


class _Type(_StandIn):
    """Stands for numpy.dtype."""

    def __init__(self, text: str, *_flags: Any) -> None:
        self.type = np.dtype(_of(str, text))
        if self.type.kind not in "?biufcSU":
            raise _NotAdmittedError(f"an array of type {self.type}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, byte_order, *structure = state
        if any(part is not None for part in structure[:3]):
            raise _NotAdmittedError("a structured array")
        if byte_order in ("<", ">"):
            self.type = self.type.newbyteorder(byte_order)


class _Array(_StandIn):
    """Stands for numpy.ndarray and the function that makes empty ones, to be filled by a state."""

    array: np.ndarray | None = None

    def __init__(self, *_arguments: Any) -> None: ...

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, by_columns, content = state
        self.array = _filled(content, dtype, shape, "F" if by_columns else "C")


class _Buffer(_StandIn):
    """Stands for the function that makes arrays in protocol 5."""

    def __new__(  # type: ignore[misc] # a stand-in may return the real thing
        cls, content: Any, dtype: Any, shape: Any, order: str, axes: Any = None
    ) -> np.ndarray:
        if order == "K" and axes is not None:
            return _filled(content, dtype, shape, "C").transpose(axes).copy(order="K")
        return _filled(content, dtype, shape, "F" if order == "F" else "C")


class _Scalar(_StandIn):
    """Stands for the function that makes NumPy's scalars."""

    def __new__(cls, dtype: Any, content: Any) -> Any:
        return _filled(content, dtype, (), "C")[()]


class _Bytes(_StandIn):
    """Stands for the functions that make bytes, which protocols 0 to 2 do not have."""

    def __new__(  # type: ignore[misc] # as above
        cls, text: str = "", encoding: str = "latin1"
    ) -> bytes:
        if encoding not in ("latin1", "latin-1"):
            raise _NotAdmittedError(f"a text in the encoding {encoding!r}")
        return _of(str, text).encode("latin1")


def _filled(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Return an array of its own memory, in this machine's byte order, with the given bytes."""
    kind = _of(_Type, dtype).type
    if not isinstance(content, bytes | bytearray):
        raise TypeError(f"an array is given as {type(content).__name__}, not as bytes")
    if not kind.itemsize:  # NumPy makes them one wide, and so much of nothing
        raise ValueError("texts of an array have no width")
    if len(content) != kind.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError("the bytes of an array do not fit its shape")
    array = np.ndarray(_of(tuple, shape), kind, content, order=order)
    return array.astype(kind.newbyteorder("="), order="K")


def _of(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} in place of {kind.__name__}")
    return value


def _resolved(thing: Any, done: dict[int, tuple[Any, Any]]) -> Any:
    """Put the arrays in the place of what stands for them.

    What is in several places is looked at once: a small file can have it in very many. What was
    looked at is kept beside its replacement, so that nothing else gets its address.
    """
    if id(thing) in done:
        return done[id(thing)][1]
    if isinstance(thing, dict | list):
        done[id(thing)] = thing, thing  # a container may contain itself
        items = list(thing.items()) if isinstance(thing, dict) else enumerate(thing)
        for key, value in items:
            thing[_resolved(key, done)] = _resolved(value, done)
        return thing
    if isinstance(thing, tuple | set | frozenset):
        values = [_resolved(value, done) for value in thing]
        done[id(thing)] = thing, type(thing)(values)
        return done[id(thing)][1]
    if isinstance(thing, _Array) and thing.array is not None:
        return thing.array
    if isinstance(thing, _StandIn | type):
        raise _NotAdmittedError("a type or function of NumPy, or an unfinished array")
    return thing


_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _Bytes,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "complex"): complex,
    ("__builtin__", "bytes"): _Bytes,
    ("__builtin__", "set"): set,
    ("__builtin__", "frozenset"): frozenset,
    ("__builtin__", "complex"): complex,
}
for _core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
    _ADMITTED[f"{_core}.multiarray", "_reconstruct"] = _Array
    _ADMITTED[f"{_core}.multiarray", "scalar"] = _Scalar
    _ADMITTED[f"{_core}.numeric", "_frombuffer"] = _Buffer
