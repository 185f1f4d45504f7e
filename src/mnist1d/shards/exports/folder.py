"""A folder of files with their checksums, which replaces its own files and no others."""

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mnist1d.dataset.archive import explained
from mnist1d.dataset.atomic import atomic_write, check_regular

__all__ = ["CHECKSUMS", "write_folder"]

CHECKSUMS = "SHA256SUMS"
"""Name of the file with the checksums, as `sha256sum --check` reads it; written last."""

_MOST_NAMED = 5


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files and their checksums into a folder that holds nothing else.

    Each file is written atomically, the checksums last: a folder that agrees with them is complete.
    What an earlier call wrote is replaced. A folder with anything else in it, or with a file that
    was changed since, is refused and stays as it is. Names that begin with a dot, such as `.git`,
    do not count.

    Args:
        folder: where to; made if needed.
        contents: of the files, by their paths in the folder with `/` between their parts.

    Returns: the paths of the files, the checksums last.

    Raises:
        FileExistsError: if there is anything in the folder that was not written by such a call.
        OSError: if a file cannot be read or written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     paths = write_folder(Path(place), {"raw/x": b"1", "README.md": b"one"})
    ...     [path.relative_to(place).as_posix() for path in paths]
    ['raw/x', 'README.md', 'SHA256SUMS']
    """
    if foreign := list(islice(_foreign(folder, contents), _MOST_NAMED)):
        raise FileExistsError(
            errno.EEXIST,
            f"{folder} has files that are of something else or were changed: "
            f"{', '.join(foreign)}; choose another folder, or remove them",
        )
    sums = "".join(f"{_sha256(contents[name])}  {name}\n" for name in sorted(contents)).encode()
    paths = []
    for name, content in {**contents, CHECKSUMS: sums}.items():
        path = folder / name
        with explained(path), atomic_write(path) as file:
            file.write(content)
        paths.append(path)
    return paths


def _foreign(folder: Path, contents: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the files in a folder that are neither these nor of an earlier export."""
    known = _checksums(folder)
    if not set(known) <= set(contents):
        yield CHECKSUMS
    for name in _names(folder):
        if name == CHECKSUMS:
            continue
        if name not in contents:
            yield name
            continue
        content = _read(folder / name)
        if content != contents[name] and known.get(name) != _sha256(content):
            yield name


def _names(folder: Path) -> Iterator[str]:
    """Yield the files in a folder, but for hidden ones, as paths in it."""
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for file in sorted(files):
            if not file.startswith("."):
                yield Path(place, file).relative_to(folder).as_posix()


def _checksums(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS
    lines = _read(path).decode(errors="replace").splitlines() if path.is_file() else []
    parted = (line.partition("  ") for line in lines)
    return {name: checksum for checksum, _, name in parted}


def _read(path: Path) -> bytes:
    check_regular(path)
    return path.read_bytes()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
