"""Reading MNIST, the larger data set that MNIST-1D is compared with, from its four IDX files.

The files are looked for in a folder that the user names, and fetched from a public mirror only on
request. The SHA-256 of every file's content is checked before it is used.
"""

import gzip
import hashlib
import os
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import check_regular, remove_unfinished, unfinished

__all__ = ["FOLDER_VARIABLE", "LEFT_OUT", "MIRRORS", "MNIST", "load_mnist", "mnist_folder"]

FOLDER_VARIABLE = "MNIST1D_MNIST"
"""Environment variable that names the folder with MNIST's files."""

LEFT_OUT = f"MNIST is left out: the setting mnist or {FOLDER_VARIABLE} names its folder"
"""What an experiment says that compares with MNIST and has no folder for it."""

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
"""Where a download looks for the gzip-compressed files, in this order."""

Progress = Callable[[str, int, int], None]
"""Called during a download: name of the file, bytes received, bytes in all (0 if unknown)."""

_TIMEOUT_SECONDS = 30.0  # without a sign of life from the server
_CHUNK_BYTES = 1 << 16
_GZIP_START = b"\x1f\x8b"


class _File(NamedTuple):
    """What one of the four files contains: bytes in an array of `shape`, after a short header."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header_size(self) -> int:
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        return self.header_size + int(np.prod(self.shape))

    def names(self) -> tuple[str, ...]:
        """Names under which it is distributed."""
        dotted = self.name.replace("-idx", ".idx")
        return self.name, f"{self.name}.gz", dotted, f"{dotted}.gz"


_FILES = {
    "x": _File(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y": _File(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": _File(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": _File(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class MNIST:
    """The images of handwritten digits and their labels.

    Attributes:
        x: training images, uint8, shape (60000, 28, 28), rows from the top, 0 (background) ... 255.
        y: training labels 0 ... 9, int64, shape (60000,).
        x_test: test images, uint8, shape (10000, 28, 28).
        y_test: test labels, int64, shape (10000,).

    Source: LeCun, Cortes and Burges, MNIST (1998).
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __repr__(self) -> str:
        return f"MNIST(x={self.x.shape}, x_test={self.x_test.shape})"


def mnist_folder(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder that MNIST would be read from, which may not exist.

    Experiments leave MNIST out if there is none.

    Args:
        folder: folder with the four files; None for the one that the environment variable
            MNIST1D_MNIST names. A leading `~` is the user's home.

    Returns: the folder, or None if neither names one.

    >>> mnist_folder("data/mnist").name
    'mnist'
    """
    named = os.environ.get(FOLDER_VARIABLE) if folder is None else folder
    return checks.path("folder", named) if named else None


def load_mnist(
    folder: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    progress: Progress | None = None,
) -> MNIST:
    """Load MNIST from its four files, as they are or gzip-compressed.

    The files are called train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte
    and t10k-labels-idx1-ubyte, with or without `.gz`; some distributions write a dot before `idx`.

    Args:
        folder: folder with the files, or the one that torchvision keeps them in, as `MNIST/raw`;
            None for the one that the environment variable
            MNIST1D_MNIST names, or else, with `download`, one in the user's cache.
        download: whether to fetch files that are missing (11 MB in all) into that folder.
        progress: called during a download: name of the file, bytes received, bytes in all or 0.

    Returns: images and labels. Their content is that of the original files, by SHA-256.

    Raises:
        FileNotFoundError: if there is no folder, or a file is missing and `download` is false.
        OSError: if a file is no regular file, or cannot be read.
        ValueError: if a file is truncated, damaged or has the content of another.
        ConnectionError: if no mirror delivered a file; files that are there are kept.

    >>> load_mnist("data/mnist").x.shape  # doctest: +SKIP
    (60000, 28, 28)
    """
    place = mnist_folder(folder) or (_cache_folder() if download else None)
    if place is None:
        raise FileNotFoundError(
            f"no folder for MNIST: pass the one with its four files, name it in {FOLDER_VARIABLE}, "
            "or ask for a download"
        )
    if download and not place.exists():
        place.mkdir(parents=True)
    if not place.is_dir():
        raise FileNotFoundError(f"{place} is no folder: expected MNIST's four files there")
    remove_unfinished(place)  # of downloads that were killed
    if download:
        for file in _FILES.values():
            if _find(file, place) is None:
                _fetch(file, place, progress or _silent)
    paths = {part: _find(file, place) for part, file in _FILES.items()}
    missing = [_FILES[part].name for part, path in paths.items() if path is None]
    if missing:
        raise FileNotFoundError(
            f"{', '.join(missing)} (or .gz) not found in {place}: put MNIST's four files there, "
            "or ask for a download"
        )
    return MNIST(**{part: _read(_FILES[part], path) for part, path in paths.items() if path})


def _silent(_name: str, _done: int, _total: int) -> None:
    """Report nothing."""


def _cache_folder() -> Path:
    try:
        if os.name == "nt":
            base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        else:
            base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        raise FileNotFoundError(
            f"no folder for MNIST: there is no home folder; name one in {FOLDER_VARIABLE}"
        ) from None
    return Path(base) / "mnist1d" / "mnist"


def _find(file: _File, folder: Path) -> Path | None:
    for place in (folder, folder / "MNIST" / "raw"):
        for path in (place / name for name in file.names()):
            if path.exists() and not path.is_dir():  # some distributions unpack into folders
                check_regular(path)
                return path
    return None


def _read(file: _File, path: Path) -> np.ndarray:
    """Read and verify one file; a ValueError says what is wrong with it."""
    try:
        content = _verified(file, path)
    except ValueError as error:
        raise ValueError(
            f"{path} {error}; delete it and put the original {file.name} there, "
            "or ask for a download"
        ) from error
    values = np.frombuffer(content, np.uint8, offset=file.header_size).reshape(file.shape)
    return values.astype(np.int64) if values.ndim == 1 else values.copy()


def _verified(file: _File, path: Path) -> bytes:
    """Read the content of `path`; a ValueError completes a sentence that starts with its name."""
    with path.open("rb") as raw:
        compressed = raw.read(2) == _GZIP_START
        raw.seek(0)
        try:
            # One byte more than there should be is enough to find that a file is too long.
            content = (gzip.GzipFile(fileobj=raw) if compressed else raw).read(file.size + 1)
        except EOFError:
            raise ValueError("is truncated: its gzip stream ends early") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"is damaged: {error}") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest == file.sha256:
        return content
    for other in _FILES.values():
        if digest == other.sha256:
            raise ValueError(f"has the content of {other.name}, not of {file.name}")
    start = bytes([0, 0, 8, len(file.shape)])
    if content[:4] != start[: len(content)]:
        raise ValueError(f"is no IDX file of MNIST: it starts with {content[:4]!r}, not {start!r}")
    if len(content) < file.size:
        raise ValueError(f"is truncated: {len(content)} bytes of content instead of {file.size}")
    if len(content) > file.size:
        raise ValueError(f"is too long: more than {file.size} bytes of content")
    raise ValueError(f"is damaged or no MNIST: the SHA-256 is {digest}, not {file.sha256}")


# Pooch was tried: limit, other mirrors and the check of the content, before the file has its name,
# would still be ours, in as many lines, for six packages more.
def _fetch(file: _File, folder: Path, progress: Progress) -> None:
    """Put `file` into `folder`, whole and verified, or leave the folder as it was."""
    name = f"{file.name}.gz"
    failures = []
    with unfinished(folder) as part:
        for mirror in MIRRORS:
            url = mirror + name
            try:
                _receive(file, url, part, progress)
                part.flush()
                _verified(file, Path(part.name))
            except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
                failures.append(f"{url}: {str(error) or repr(error)}")
            except ValueError as error:
                failures.append(f"{url}: what came {error}")
            else:
                if os.name == "nt":
                    part.close()  # Windows does not rename what is open
                Path(part.name).replace(folder / name)
                return
    raise ConnectionError(
        f"could not download {name} ({'; '.join(failures)}): try again later, or put MNIST's four "
        f"files into {folder} by hand"
    )


def _receive(file: _File, url: str, output: BinaryIO, progress: Progress) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "mnist1d"})  # noqa: S310
    output.seek(0)
    output.truncate()
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
        total = int(response.headers.get("Content-Length") or 0)
        received = 0
        progress(file.name, received, total)
        while chunk := response.read(_CHUNK_BYTES):
            received += output.write(chunk)
            progress(file.name, received, total)
            if received > file.size + _CHUNK_BYTES:  # gzip may add some to a small file
                raise ValueError(f"does not end after {received} bytes")
        if received < total:
            raise ValueError(f"is truncated: {received} of {total} bytes")
