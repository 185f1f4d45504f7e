"""A lock between processes, released when the process that holds it ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        while True:
            try:
                msvcrt.locking(file, msvcrt.LK_LOCK, 1)
            except OSError:  # after ten seconds
                continue
            return

else:
    import fcntl

    def _lock(file: int) -> None:
        # Not every file system has locks; without them, the last writer wins.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process, and one thread of it, at a time into the block.

    The lock ends with the process that holds it, however it ends.

    Args:
        path: of the file that stands for the lock; it is made, and removed afterwards.

    Raises: OSError: if there can be no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with locked(Path(folder, ".lock")):
    ...         held = os.listdir(folder)
    ...     held, os.listdir(folder)
    (['.lock'], [])
    """
    file = _held(path)
    try:
        yield
    finally:
        # While it is held, so that nobody waits for a file that is not there any more; Windows
        # removes nothing that is open.
        with suppress(OSError):
            path.unlink()
        os.close(file)
        if sys.platform == "win32":
            with suppress(OSError):
                path.unlink()


def _held(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        except FileNotFoundError:  # its former holder has removed it
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)
