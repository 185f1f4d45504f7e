"""The archive format: .npz files with a description, written atomically, validated on reading.

`numpy.load` can open them: uncompressed, without pickled objects. The first member, `about`, is a
text, JSON for a dataset. Dates inside are fixed, so that equal contents give equal bytes. The last
64 bytes, to other programs a comment, are the SHA-256 of all before them, in hexadecimal digits.
"""

import hashlib
import json
import math
import os
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Self, TypeAlias

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write, check_regular

__all__ = ["ABOUT", "Archive", "explained", "opened", "read_any", "write", "write_arrays"]

FORMAT = "mnist1d dataset"
VERSION = 1
ABOUT = "about"
"""Name of the member that describes the others."""
# A zip archive cannot hold anything earlier.
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REMEDY = "get it again from where it came, or generate the dataset again"
_DIGITS = 64
# The end of an archive: two numbers of members, then a checksum, or no comment at all: so it was
# before there were checksums.
_END = re.compile(rb"PK\x05\x06\x00{4}(..)\1.{8}(?:\x40\x00([0-9a-f]{64})|\x00\x00)\Z", re.DOTALL)
_LONGEST_END = 22 + _DIGITS
_READ_BYTES = 2**20

Form: TypeAlias = tuple[str, tuple[int, ...]]
"""Type and shape of an array."""

Damaged: TypeAlias = Callable[[str], ValueError]
"""Makes the error that says what is wrong with a file."""


def write(path: Path, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file atomically.

    Args:
        path: where to; missing folders are made.
        about: the description, in the types of JSON.
        arrays: by name, of any type but object.

    Raises:
        IsADirectoryError: if the path is a folder.
        OSError: if the file cannot be written.
    """
    header = json.dumps({"format": FORMAT, "version": VERSION, **about})
    with explained(path), atomic_write(path) as file:
        write_arrays(file, {ABOUT: np.array(header), **arrays})


def write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as an archive with a checksum; equal arrays give equal bytes.

    Args:
        file: empty, open for reading and writing.
        arrays: by name, of any type but object.

    Raises:
        ValueError: if there are objects in an array.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        archive.comment = bytes(_DIGITS)
        for name, array in arrays.items():
            with new_member(archive, name) as stream:
                values = np.asarray(array, order="C")
                portable = values.astype(values.dtype.newbyteorder("<"), copy=False)
                np.lib.format.write_array(stream, portable, version=(1, 0), allow_pickle=False)
    checksum = _checksum(file)
    file.seek(-_DIGITS, os.SEEK_END)
    file.write(checksum)


def _checksum(file: IO[bytes]) -> bytes:
    """Return that of all but the last bytes, which are a checksum themselves."""
    left = file.seek(-_DIGITS, os.SEEK_END)
    file.seek(0)
    digest = hashlib.sha256()
    while left > 0 and (data := file.read(min(left, _READ_BYTES))):
        digest.update(data)
        left -= len(data)
    return digest.hexdigest().encode()


def new_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Open an array of an archive for writing."""
    # NumPy's own archives contain the time of writing.
    member = zipfile.ZipInfo(f"{name}.npy", _FIXED_DATE)
    member.create_system = _UNIX
    return archive.open(member, "w", force_zip64=True)


def read_any(file: IO[bytes]) -> tuple[str, dict[str, np.ndarray]]:
    """Read an archive whose arrays may be of any type and shape, but for objects.

    Args:
        file: open for reading.

    Returns: its description, empty if there is none, and its arrays by name.
    Raises: ValueError: if it is damaged.
    """
    with _translated(), _Members(file) as members:
        names = [name for name in members.names if name != ABOUT]
        about = members.text(ABOUT) if ABOUT in members.names else ""
        return about, {name: members.array(name) for name in names}


class _Members:
    """The arrays of an archive that is open for reading; every size is checked before it is used.

    Raises: ValueError, and what `zipfile` raises, if anything is not as `write_arrays` writes it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_END))
        end = _END.search(file.read())
        if end is None:
            raise ValueError("it is cut short, or something follows its end")
        if end[2] is not None and end[2] != _checksum(file):
            raise ValueError("its checksum is another one")
        self._archive = zipfile.ZipFile(file)
        members = self._archive.infolist()
        self._members = {member.filename.removesuffix(".npy"): member for member in members}
        self.names = list(self._members)
        if len(self.names) != len(members) or len(members) != int.from_bytes(end[1], "little"):
            raise ValueError("its list of arrays is wrong")
        for name, member in self._members.items():
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise ValueError(
                    f"{checks.shown(name)} is compressed or encrypted, as mnist1d never writes it"
                )
        if sum(member.file_size for member in members) > size:
            raise ValueError("its arrays claim to be larger than the file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def array(self, name: str, form: Form | None = None) -> np.ndarray:
        """Read an array, which must have the form if one is given."""
        wanted = form and (np.dtype(form[0]).newbyteorder("<"), form[1])
        member = self._members[name]
        with self._archive.open(member) as stream:
            dtype, shape = _header(name, stream)
            if wanted and (dtype, shape) != wanted:
                raise ValueError(
                    f"{name} is {dtype.str} of shape {shape} and must be {wanted[0].str} of "
                    f"{wanted[1]}"
                )
            size, left = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
            if left != size:
                raise ValueError(f"{name} has {left} bytes in place of {size}")
            data = stream.read()
        return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))

    def text(self, name: str) -> str:
        """Read an array that is one text."""
        array = self.array(name)
        if array.shape or array.dtype.kind != "U":
            raise ValueError("its description is no text")
        return array.astype("<U").tobytes().decode("utf-32-le").rstrip("\0")


def _header(name: str, stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read what stands before the values of an array: their type, and its shape."""
    start = stream.read(8)
    if start != np.lib.format.magic(1, 0):
        raise ValueError(f"{name} does not start like an array")
    try:
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception:  # noqa: BLE001 (NumPy's reader raises all kinds, with advice on pickles)
        by_columns = None
    # Of a text of enormous length NumPy 2.0 makes a negative size.
    if by_columns is not False or dtype.hasobject or min(*shape, dtype.itemsize, 0) < 0:
        raise ValueError(f"{name} has a header that mnist1d never writes")
    return dtype, shape


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Add to errors of writing which file could not be written, and whether an old one is kept."""
    try:
        yield
    except OSError as error:
        kept = "; the file that was there is untouched" if path.is_file() else ""
        what = f"cannot write {path}: {error.strerror or error}{kept}"
        raise type(error)(error.errno, what) from error


class Archive:
    """A file that is open for reading.

    Attributes:
        about: its description.
    """

    about: dict[str, Any]

    def __init__(self, path: Path, members: _Members) -> None:
        self._path, self._members = path, members
        with _translated(self.damaged):
            self.about = self._read_about()

    def damaged(self, what: str) -> ValueError:
        """Return the error that says what is wrong with the file."""
        return _damaged(self._path, what)

    def arrays(self, forms: Mapping[str, Form]) -> dict[str, np.ndarray]:
        """Read arrays, each of the type and shape that it must have.

        Raises:
            ValueError: if the file does not have exactly these arrays, or they are damaged.
        """
        different = {*self._members.names} - {ABOUT} ^ {*forms}
        if different:
            raise self.damaged(
                "its arrays are not those of its configuration "
                f"({', '.join(sorted(different)[:5])})"
            )
        with _translated(self.damaged):
            return {name: self._members.array(name, form) for name, form in forms.items()}

    def _read_about(self) -> dict[str, Any]:
        if ABOUT not in self._members.names:
            raise self.damaged("it has no about")
        try:
            about = json.loads(self._members.text(ABOUT))
        except (json.JSONDecodeError, RecursionError):
            raise self.damaged("its description is no JSON") from None
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise self.damaged("it describes something else")
        if about.get("version") != VERSION:
            raise DatasetFileError(
                f"{self._path} has version {checks.shown(about.get('version'))} of the format, "
                f"this mnist1d reads version {VERSION}; install the newest mnist1d, or generate "
                "the dataset again"
            )
        return about


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a file for reading.

    Raises:
        FileNotFoundError: if there is none.
        IsADirectoryError: if the path is a folder.
        ValueError: if it is no such file, damaged or of another version; also from reading arrays
            later, inside the `with` block.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file in it")
    check_regular(path)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no dataset at {path}; make one with mnist1d.generate(...).save(path)"
        ) from None
    with file:
        start = file.read(2)
        if start[:1] == b"\x80":
            raise ValueError(
                f"{path} is a pickle and no file of Dataset.save; if the published package wrote "
                "it, mnist1d.data.get_dataset reads it"
            )
        if start != b"PK":
            raise _damaged(path, "it does not start as one")
        with _translated(partial(_damaged, path)):
            members = _Members(file)
        with members:
            yield Archive(path, members)


@contextmanager
def _translated(damaged: Damaged = ValueError) -> Iterator[None]:
    """Turn what zipfile raises on damaged files into an error that says what to do."""
    try:
        yield
    except DatasetFileError:
        raise
    except (
        # Few of these are documented; all are raised in its code.
        zipfile.BadZipFile,
        AssertionError,
        EOFError,
        IndexError,
        KeyError,
        MemoryError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        raise damaged(_line(str(error)) or type(error).__name__) from error


def _line(text: str) -> str:
    """Return a text in one line and not long, as the names of arrays in it are the file's own."""
    return checks.shortened(" ".join(text.split()))


class DatasetFileError(ValueError):
    """An error whose message is complete."""


def _damaged(path: Path, what: str) -> ValueError:
    return DatasetFileError(
        f"{path} is no dataset of mnist1d, or damaged: {_line(what)}; {_REMEDY}"
    )
