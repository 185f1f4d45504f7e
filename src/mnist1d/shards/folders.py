"""Folders with atomic writing of files, on this machine or in an object store."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write, check_regular, remove_unfinished, unfinished
from mnist1d.dataset.imports import required

__all__ = ["Folder", "open_folder"]

_PART = ".????????????????.part"  # what `atomic_write` calls an unfinished file
_MOST_ATTEMPTS = 20
# Stores in which an object appears under its name when all of it has arrived.
_OBJECT_STORES = {"abfs", "abfss", "adl", "az", "gcs", "gs", "oci", "oss", "s3", "s3a"}


class Folder(Protocol):
    """A folder, without its subfolders.

    Attributes:
        place: path or address, as given by the user.
        is_shared: whether other processes see the same files.
    """

    place: str
    is_shared: bool

    def make(self) -> None:
        """Make the folder if it is not there.

        Raises:
            OSError: if it cannot be made, or is a file.
        """

    def tidy(self) -> None:
        """Remove unfinished files of killed or stopped processes."""

    def names(self) -> list[str]:
        """Return the names of all files."""

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is none."""

    def read(self, name: str) -> Any:
        """Open a file for reading, as a context.

        Raises:
            FileNotFoundError: if there is none.
        """

    def write(self, name: str) -> Any:
        """Open a file for writing, as a context; it appears when the context ends without error.

        Raises:
            OSError: if it cannot be written.
        """

    def create(self, name: str, data: bytes) -> None:
        """Write a file that must not exist yet; of several processes that try, one succeeds.

        Raises:
            FileExistsError: if it is there.
            OSError: if it cannot be written.
        """

    def free(self) -> int | None:
        """Return the number of free bytes, or None if it is unknown."""


class _LocalFolder:
    is_shared = True

    def __init__(self, place: str, path: Path) -> None:
        self.place, self._path = place, path

    def make(self) -> None:
        if self._path.exists() and not self._path.is_dir():
            raise NotADirectoryError(
                errno.ENOTDIR, f"{self.place} is a file; the shards need a folder"
            )
        self._path.mkdir(parents=True, exist_ok=True)

    def tidy(self) -> None:
        remove_unfinished(self._path)

    def names(self) -> list[str]:
        return [path.name for path in self._path.iterdir() if path.is_file()]

    def size(self, name: str) -> int | None:
        path = self._path / name
        return path.stat().st_size if path.is_file() else None

    def read(self, name: str) -> BinaryIO:
        check_regular(self._path / name)
        return (self._path / name).open("rb")

    @contextmanager
    def write(self, name: str) -> Iterator[BinaryIO]:
        with atomic_write(self._path / name) as file:
            yield file

    def create(self, name: str, data: bytes) -> None:
        with unfinished(self._path) as part:
            part.write(data)
            part.flush()
            os.fsync(part.fileno())
            try:
                os.link(part.name, self._path / name)
            except FileExistsError:
                raise
            except OSError:  # not every file system has links
                with (self._path / name).open("xb") as file:
                    file.write(data)

    def free(self) -> int | None:
        return shutil.disk_usage(self._path).free


class _RemoteFolder:
    def __init__(self, place: str, options: Mapping[str, Any]) -> None:
        fsspec = required("fsspec", extra="shards")
        self.place, self._options = place, dict(options)
        try:
            self._files, root = fsspec.core.url_to_fs(place, **options)
        except ImportError as error:  # the package for this kind of store is missing
            raise ModuleNotFoundError(f"{place} needs another package: {error}") from None
        self._root = PurePosixPath(root)
        protocols = self._files.protocol
        self._protocols = {protocols} if isinstance(protocols, str) else set(protocols)
        self.is_shared = "memory" not in self._protocols

    def __reduce__(self) -> tuple[Any, ...]:
        return _RemoteFolder, (self.place, self._options)

    def make(self) -> None:
        if self._files.isfile(str(self._root)):
            raise NotADirectoryError(
                errno.ENOTDIR, f"{self.place} is a file; the shards need a folder"
            )
        self._files.makedirs(str(self._root), exist_ok=True)

    def tidy(self) -> None:
        remove_unfinished(Path(tempfile.gettempdir()))
        for name in self.names():
            if PurePosixPath(name).match(_PART):
                self._files.rm(str(self._root / name))

    def names(self) -> list[str]:
        self._files.invalidate_cache(str(self._root))
        try:
            entries = self._files.ls(str(self._root), detail=True)
        except FileNotFoundError:  # an object store has no empty folders
            return []
        return [PurePosixPath(e["name"]).name for e in entries if e["type"] == "file"]

    def size(self, name: str) -> int | None:
        self._files.invalidate_cache(str(self._root))
        try:
            return self._files.size(str(self._root / name))
        except FileNotFoundError:
            return None

    def read(self, name: str) -> Any:
        return self._files.open(str(self._root / name), "rb")

    @contextmanager
    def write(self, name: str) -> Iterator[BinaryIO]:
        target = str(self._root / name)
        with unfinished(Path(tempfile.gettempdir())) as file:
            yield file
            file.flush()
            if self._protocols & _OBJECT_STORES:
                self._files.put_file(file.name, target)
                return
            for attempt in range(1, _MOST_ATTEMPTS + 1):
                part = str(self._root / f".{secrets.token_hex(8)}.part")
                try:
                    self._files.put_file(file.name, part)
                    self._files.mv(part, target)
                except FileNotFoundError:
                    # Another run has just begun and tidied it away; here are no locks to tell.
                    if attempt == _MOST_ATTEMPTS:
                        raise
                else:
                    return
                finally:
                    if self._files.exists(part):
                        self._files.rm(part)

    def create(self, name: str, data: bytes) -> None:
        target = str(self._root / name)
        try:
            self._files.pipe_file(target, data, mode="create")
        except (NotImplementedError, TypeError, ValueError):  # not supported by the store
            if self._files.exists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
            self._files.pipe_file(target, data)

    def free(self) -> int | None:
        return None


def open_folder(place: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Folder:
    """Return a folder, which need not be there yet.

    Args:
        place: a path, or an address that fsspec knows: file://, s3://, gs://, memory:// ...
        options: for fsspec, such as keys of an object store.

    Raises:
        ModuleNotFoundError: if an address needs a package that is not installed.
        ValueError: if fsspec does not know the kind of address.

    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = open_folder(f"{place}/new")
    ...     folder.make()
    ...     with folder.write("greeting") as file:
    ...         _ = file.write(b"hello")
    ...     folder.names(), folder.size("greeting"), folder.size("farewell")
    (['greeting'], 5, None)
    """
    if not isinstance(place, str) or "://" not in place:
        path = checks.path("out", place)
        return _LocalFolder(str(path), path)
    text = place
    if text.startswith(("file://", "local://")):
        return _LocalFolder(text, Path(unquote(urlsplit(text).path)))
    return _RemoteFolder(text, options or {})
