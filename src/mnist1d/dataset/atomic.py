"""Files that are written whole or not at all."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["atomic_write", "check_writable", "is_write_error"]

_NOTE = "was not written; what was there before is unchanged."


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name only when it is complete.

    A reader never sees half a file, and an error, a full disk or a kill leaves what was there
    before. Missing folders are made. A link is written through, an existing file keeps its
    permissions; devices and pipes cannot be replaced and are written directly.

    Args:
        path: where the file is to be.

    Yields:
        The open binary file.

    Raises:
        IsADirectoryError: if the path is a folder.
        OSError: if the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "new" / "greeting"
    ...     with atomic_write(path) as file:
    ...         _ = file.write(b"hello")
    ...     path.read_bytes()
    b'hello'
    """
    name = os.fsdecode(path)
    target = Path(os.path.realpath(name))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder; name a file in it", name)
    exists = target.exists()
    if exists and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        error.add_note(f"{name} {_NOTE}")
        raise
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if exists:
            shutil.copymode(target, part)
        part.replace(target)
    except OSError as error:
        if error.filename in (None, str(part)):  # a full disk names no file
            error.filename = name
        error.add_note(f"{name} {_NOTE}")
        raise
    finally:
        part.unlink(missing_ok=True)


def is_write_error(error: OSError) -> bool:
    """Tell whether an error is one of `atomic_write`, and not of reading, say.

    >>> is_write_error(OSError("no such file"))
    False
    """
    return any(note.endswith(_NOTE) for note in getattr(error, "__notes__", ()))


def check_writable(folder: Path, *names: str) -> None:
    """Find out before long work whether files can be written; makes the folder if needed.

    Args:
        folder: where they will be.
        *names: of the files, which must not be folders.

    Raises: OSError: if they cannot be written, with the place in `filename` and the reason in
        `strerror`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_writable(Path(folder, "new"), "result.nc")
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(2**20))
            file.flush()
    except OSError as error:
        is_file = isinstance(error, FileExistsError | NotADirectoryError)
        why = "a file is in a folder's place" if is_file else error.strerror or str(error)
        raise type(error)(error.errno, why, str(folder)) from None
    for name in names:
        if (folder / name).is_dir():
            where = str(folder / name)
            raise IsADirectoryError(errno.EISDIR, "a folder is in its place", where)
