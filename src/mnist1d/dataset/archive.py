"""Archives of arrays with a description: .npz files, written atomically, validated on reading.

`numpy.load` can open them: uncompressed, without pickled objects. The first member, `about`, is a
text, JSON for a dataset. Dates inside are fixed, so that equal contents give equal bytes.
"""

import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np

from mnist1d.dataset.atomic import atomic_write

__all__ = ["ABOUT", "Archive", "explained", "opened", "read_any", "write", "write_arrays"]

FORMAT = "mnist1d dataset"
VERSION = 1
ABOUT = "about"
"""Name of the member that describes the others."""
# A zip archive cannot hold anything earlier.
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REMEDY = "get it again from where it came, or generate the dataset again"

# All that NumPy was seen to raise where bytes are wrong.
_DAMAGE = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)

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
    """Write arrays as an archive; equal arrays give equal bytes.

    Args:
        file: open for writing.
        arrays: by name, of any type but object.

    Raises:
        ValueError: if there are objects in an array.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            with new_member(archive, name) as stream:
                values = np.asarray(array, order="C")
                portable = values.astype(values.dtype.newbyteorder("<"), copy=False)
                np.lib.format.write_array(stream, portable, version=(1, 0), allow_pickle=False)


def new_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Open an array of an archive for writing."""
    # NumPy's own archives have the hour of writing in them.
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
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except _DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from error
    about = arrays.pop(ABOUT, None)
    return ("" if about is None or about.shape != () else str(about)), arrays


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Let errors of writing say what was to be written, and what became of it."""
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

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        with _translated(path):
            self.about = self._read_about()

    def damaged(self, what: str) -> ValueError:
        """Return the error that says what is wrong with the file."""
        return _damaged(self._path, what)

    def arrays(self, forms: Mapping[str, Form]) -> dict[str, np.ndarray]:
        """Read arrays, each of the type and shape that it must have.

        Raises:
            ValueError: if the file does not have exactly these arrays, or they are damaged.
        """
        with _translated(self._path):
            return self._arrays(forms)

    def _arrays(self, forms: Mapping[str, Form]) -> dict[str, np.ndarray]:
        found = {name.removesuffix(".npy") for name in self._archive.namelist()} - {ABOUT}
        if found != set(forms) or len(self._archive.namelist()) != len(found) + 1:
            different = ", ".join(sorted(found ^ set(forms))[:5])
            raise self.damaged(f"its arrays are not those of its configuration ({different})")
        return {name: self._array(name, form) for name, form in forms.items()}

    def _array(self, name: str, form: Form) -> np.ndarray:
        dtype, shape = np.dtype(form[0]).newbyteorder("<"), form[1]
        with self._member(name) as stream:
            if (has := self._header(name, stream)) != (dtype.str, shape):
                raise self.damaged(
                    f"{name} is {has[0]} of shape {has[1]} and must be {dtype.str} of {shape}"
                )
            data = stream.read()
        size = math.prod(shape) * dtype.itemsize
        if len(data) != size:
            raise self.damaged(f"{name} has {len(data)} bytes in place of {size}")
        return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))

    def _read_about(self) -> dict[str, Any]:
        with self._member(ABOUT) as stream:
            kind, shape = self._header(ABOUT, stream)
            if shape != () or not re.fullmatch("<U[0-9]{1,9}", kind):
                raise self.damaged("its description is no text")
            data = stream.read()
        if len(data) != 4 * int(kind[2:]):
            raise self.damaged("its description is cut short")
        try:
            about = json.loads(data.decode("utf-32-le").rstrip("\0"))
        except (ValueError, RecursionError):
            raise self.damaged("its description is no JSON") from None
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise self.damaged("it describes something else")
        if about.get("version") != VERSION:
            raise _Refusal(
                f"{self._path} has version {about.get('version')!r} of the format, this mnist1d "
                f"reads version {VERSION}; install the newest mnist1d, or generate the dataset "
                "again"
            )
        return about

    def _header(self, name: str, stream: IO[bytes]) -> tuple[str, tuple[int, ...]]:
        """Read what stands before the values of an array: their type, and its shape.

        NumPy's own reader accepts more, and raises all kinds of errors where it does not.
        """
        start = stream.read(10)
        if len(start) < 10 or start[:8] != b"\x93NUMPY\x01\x00":
            raise self.damaged(f"{name} does not start like an array")
        text = stream.read(int.from_bytes(start[8:], "little")).decode("latin1")
        found = re.fullmatch(
            r"\{'descr': '([^']*)', 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n", text
        )
        if found is None:
            raise self.damaged(f"{name} has a header that mnist1d never writes")
        return found[1], tuple(int(n) for n in found[2].split(",") if n.strip())

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
        try:
            member = self._archive.getinfo(f"{name}.npy")
        except KeyError:
            raise self.damaged(f"it has no {name}") from None
        # What is stored cannot unfold to more than the file itself has.
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise self.damaged(f"{name} is compressed or encrypted, as mnist1d never writes it")
        with self._archive.open(member) as stream:
            yield stream


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a file for reading.

    Raises:
        FileNotFoundError: if there is none.
        IsADirectoryError: if the path is a folder.
        ValueError: if it is no such file, damaged or of another version; also from whatever is read
            from it later, inside the `with` block.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file in it")
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
        with _translated(path):
            archive = zipfile.ZipFile(file)
        with archive:
            yield Archive(path, archive)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what zipfile raises where bytes are wrong into an error that helps."""
    try:
        yield
    except _Refusal:
        raise
    except (
        # Little of it is documented; all of these can be read in its code.
        zipfile.BadZipFile,
        AssertionError,
        EOFError,
        IndexError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        raise _damaged(path, str(error) or type(error).__name__) from error


class _Refusal(ValueError):  # noqa: N818 (for its users it is a ValueError)
    """Says already what to do."""


def _damaged(path: Path, what: str) -> ValueError:
    what = what if len(what) <= 300 else f"{what[:297]}..."
    return _Refusal(f"{path} is no dataset of mnist1d, or damaged: {what}; {_REMEDY}")
