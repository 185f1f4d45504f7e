"""Reading pickles of NumPy arrays without executing anything, and writing them with a note.

The files hold arrays in plain containers; `unpickler` reads them.
"""

import hashlib
import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any, TypeAlias

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write, check_regular
from mnist1d.published.unpickler import NotAdmittedError, load_arrays

__all__ = ["PROTOCOL", "read_arrays", "write_arrays"]

PROTOCOL = 3
"""Pickle protocol of the files; that of the published package."""

StrPath: TypeAlias = str | os.PathLike[str]

# A note is a text that is put on the stack and dropped at once, before the data: to any reader of
# pickles the file is one pickle of the data alone.
_NOTE_OPENS = b"\x80\x03X"
_NOTE_CLOSES = b"0"
# A pickle has no checksum of its own, and a wrong bit in an array would not be noticed.
_CHECKSUM = "sha256"


def write_arrays(thing: Any, path: StrPath, note: dict[str, Any]) -> None:
    """Write arrays in plain containers as one pickle, whole or not at all, with a note in it.

    Args:
        thing: what any reader of pickles returns, without this package.
        path: where to write; missing folders are made.
        note: what `read_arrays` returns with it, in the types of JSON.

    Raises:
        OSError: if the file cannot be written. A former file is then still there.

    >>> import tempfile
    >>> import numpy as np
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
        OSError: if the file cannot be read, or is no regular file.
        pickle.UnpicklingError: if it is damaged or no pickle, holds anything else, or nests
            containers more than 100 deep. Nothing in it has been executed then.
    """
    check_regular(path)
    with Path(os.fsdecode(path)).open("rb") as file:
        return _read(file.read(), os.fsdecode(path))


def _read(content: bytes, name: str) -> tuple[Any, dict[str, Any] | None]:
    try:
        note = _note(content)
        return load_arrays(content), note
    except NotAdmittedError as error:
        raise pickle.UnpicklingError(
            f"{name} was not read: it holds {checks.shortened(str(error))}, and a dataset file may "
            "hold NumPy arrays and plain containers only, as anything else can execute what it "
            "likes. If you know who wrote it, mnist1d.utils.from_pickle reads it all the same"
        ) from None
    except Exception as error:  # a damaged pickle can raise any exception there is
        raise pickle.UnpicklingError(
            f"{name} is damaged or not a pickle ({type(error).__name__}: "
            f"{checks.shortened(str(error))}). Delete it, name another file, or replace it with "
            "get_dataset(..., download=False, regenerate=True)"
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
