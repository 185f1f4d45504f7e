"""Files that are written whole or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["write_whole"]


@contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
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
    ...     with write_whole(path) as file:
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
    target.parent.mkdir(parents=True, exist_ok=True)
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
        error.add_note(f"{name} was not written; what was there before is unchanged.")
        raise
    finally:
        part.unlink(missing_ok=True)
