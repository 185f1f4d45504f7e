"""The Python files that a record is made of: read for it, and written again to be run."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from mnist1d.dataset import checks
from mnist1d.execution.own_code import own_files
from mnist1d.harness.interface import InputError
from mnist1d.harness.stored.texts import without_controls

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def read_sources(file: checks.StrPath) -> dict[str, str]:
    r"""Read a file with candidates, and the files of one's own that it imports.

    Args:
        file: defines CANDIDATES.

    Returns: texts with `\n` at the ends of lines, by path from the file's folder; the file first.
    Raises: InputError: if one of them cannot be read, is outside of that folder, or has control
        characters.
    """
    main = checks.path("file", file).resolve()
    with _importable(main.parent):
        files = [main, *own_files(main)]
    texts = {}
    for each in files:
        try:
            name = each.resolve().relative_to(main.parent).as_posix()
        except ValueError:
            raise InputError(
                f"{main.name} imports {each}, which must be in the folder of {main.name} to become "
                "part of the record, or be installed"
            ) from None
        texts[name] = _read(each)
        _check_name(name)
    return texts


def check_sources(texts: Mapping[str, str]) -> None:
    """Refuse names of files that lead out of a folder, or are none of Python.

    Raises: InputError: naming the first of them.
    """
    if not texts:
        raise InputError("a record must have the file that its candidates are from, and has none")
    for name in texts:
        _check_name(name)


@contextmanager
def written(texts: Mapping[str, str]) -> Iterator[Path]:
    """Write files into a folder that goes away, and forget the modules that were made of them.

    Args:
        texts: by path; the file with the candidates first.

    Yields: the path of that file.
    Raises: InputError: if a module with the name of one of them is loaded, which would be taken in
        its place.
    """
    main, *others = texts
    for name in others:
        module = ".".join(PurePosixPath(name).with_suffix("").parts).removesuffix(".__init__")
        if module in sys.modules:
            raise InputError(
                f"{main} imports {name}, and another module {module} is loaded: verify it in a "
                "process of its own"
            )
    with TemporaryDirectory(prefix="mnist1d-record-") as made:
        folder = Path(made).resolve()
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        invalidate_caches()
        try:
            yield folder / main
        finally:
            sys.path[:] = [each for each in sys.path if each != str(folder)]
            for loaded, content in list(sys.modules.items()):
                if str(getattr(content, "__file__", None) or "").startswith(str(folder)):
                    del sys.modules[loaded]


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Look for modules in a folder first, as Python does when it runs a file in it."""
    kept = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = kept


def _read(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig")  # with any ends of lines
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeError:
        raise InputError(f"{path} must be text in UTF-8") from None
    if without_controls(text) != text:
        raise InputError(f"{path} must have no control characters, to be shown to whoever runs it")
    return text


def _check_name(name: str) -> None:
    parts = name.split("/")
    if not name.endswith(".py") or not all(_NAME.fullmatch(part) for part in parts):
        raise InputError(
            "files of a record must have names such as mine.py or parts/layer.py, of letters, "
            f"digits, _, - and dots inside, not {checks.shown(name)}"
        )
