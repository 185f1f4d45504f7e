"""Atomic writing of files (whole or not at all), and reading of regular files alone."""

import errno
import hashlib
import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed
    _CAN_LOCK = False
else:
    _CAN_LOCK = True

__all__ = [
    "atomic_write",
    "check_regular",
    "check_writable",
    "is_write_error",
    "remove_unfinished",
    "unfinished",
]

_NOTE = "was not written; what was there before is unchanged."
_PART = ".????????????????.part"
_DAY = 86_400.0
_tidied: set[Path] = set()
_WAITS = (0.05, 0.1, 0.25, 0.6)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when it is complete.

    A reader never sees half a file, and after an error, a full disk or a kill the former file is
    still there. Missing folders are made. Of a link the target is written, and an existing file
    keeps its permissions. Pipes and devices are refused.

    Args:
        path: where the file is to be.

    Yields:
        The binary file, open for writing and reading.

    Raises:
        IsADirectoryError: if the path is a folder.
        OSError: if the file cannot be written, or is no regular file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "new" / "greeting"
    ...     with atomic_write(path) as file:
    ...         _ = file.write(b"hello")
    ...     path.read_bytes()
    b'hello'
    """
    name = os.fsdecode(path)
    check_regular(name)
    target = Path(os.path.realpath(name))
    try:
        _make_folder(target.parent)
    except OSError as error:
        error.add_note(f"{name} {_NOTE}")
        raise
    part = None
    try:
        with unfinished(target.parent) as file:
            part = file.name
            yield file
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                shutil.copymode(target, part)
            if not _CAN_LOCK:
                file.close()  # Windows does not rename what is open
            _replace(Path(part), target)
    except OSError as error:
        if error.filename in (None, part):  # a full disk names no file
            error.filename = name
        error.add_note(f"{name} {_NOTE}")
        raise
    if target.parent not in _tidied:
        _tidied.add(target.parent)
        remove_unfinished(target.parent)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        why = "a file is in a folder's place"
        raise type(error)(error.errno, why, str(folder)) from None


def _replace(part: Path, target: Path) -> None:
    """Replace a file; on Windows, where who reads it prevents that, after a second at most."""
    for seconds in _WAITS if not _CAN_LOCK else ():
        try:
            part.replace(target)
        except PermissionError:
            time.sleep(seconds)
        else:
            return
    part.replace(target)


@contextmanager
def unfinished(folder: Path) -> Iterator[BinaryIO]:
    """Open a new file that is removed afterwards, unless it was given another name.

    While it is open it is locked, so that `remove_unfinished` can tell it from what a killed
    process left.

    Args:
        folder: where it is; must be there.

    Yields:
        The binary file, open for writing and reading; its path is its `name`.

    Raises:
        OSError: if there can be no file in the folder.
    """
    is_ours = False
    while not is_ours:
        part = folder / f".{_machine()}{os.urandom(4).hex()}.part"
        try:
            with part.open("x+b") as file:
                is_ours = _lock(file) is not False and _is_at(part, file)
                if is_ours:
                    yield file
        finally:
            part.unlink(missing_ok=True)


@cache
def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _lock(file: BinaryIO) -> bool | None:
    """Lock a file; false if another process has locked it, None if it cannot be locked."""
    if not _CAN_LOCK:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # not every file system has locks
        return None
    return True


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def remove_unfinished(folder: Path) -> None:
    """Remove unfinished files of `atomic_write` whose processes are gone; others are let alone.

    The first `atomic_write` of a process in a folder does so, too. Of another machine, whose locks
    may not be seen here, files are removed that have not changed for a day.

    Args:
        folder: where they are; need not be there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = Path(place)
    ...     killed = Path(folder, ".0123456789abcdef.part")
    ...     _ = killed.write_bytes(b"half of it")
    ...     os.utime(killed, (0, 0))
    ...     with unfinished(folder) as file:
    ...         remove_unfinished(folder)
    ...         [path.name for path in folder.iterdir()] == [Path(file.name).name]
    True
    """
    for part in folder.glob(_PART):
        with suppress(OSError):  # it is gone, or may not be removed
            check_regular(part)
            is_of_another = not part.name.startswith(f".{_machine()}")
            if is_of_another and time.time() - part.stat().st_mtime < _DAY:
                continue
            if not _CAN_LOCK:
                part.unlink()
                continue
            with part.open("r+b") as file:
                if _lock(file):
                    part.unlink()


def check_regular(path: str | os.PathLike[str]) -> None:
    """Refuse what cannot be read to an end, or be replaced: pipes, sockets, devices, folders.

    What is not there is let through.

    Args:
        path: of a file.

    Raises:
        IsADirectoryError: if it is a folder.
        OSError: if it is no regular file, or there is no telling.

    >>> check_regular("not/there")
    >>> check_regular("/dev/null")
    Traceback (most recent call last):
        ...
    OSError: [Errno 22] this is not a regular file: '/dev/null'
    """
    name = os.fsdecode(path)
    try:
        mode = Path(name).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder; name a file in it", name)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "this is not a regular file", name)


def is_write_error(error: OSError) -> bool:
    """Return whether an error comes from `atomic_write`, and not from reading, for example.

    >>> is_write_error(OSError("no such file"))
    False
    """
    return any(note.endswith(_NOTE) for note in getattr(error, "__notes__", ()))


def check_writable(folder: Path, *names: str) -> None:
    """Check before long work that files can be written; make the folder if needed.

    Args:
        folder: where they will be.
        *names: of the files; folders, pipes and devices must not be in their places.

    Raises: OSError: if they cannot be written, with the place in `filename` and the reason in
        `strerror`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_writable(Path(folder, "new"), "result.nc")
    """
    try:
        _make_folder(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(2**20))
            file.flush()
    except OSError as error:
        raise type(error)(error.errno, error.strerror or str(error), str(folder)) from None
    for name in names:
        try:
            check_regular(folder / name)
        except IsADirectoryError as error:
            raise type(error)(error.errno, "a folder is in its place", error.filename) from None
