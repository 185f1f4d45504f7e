"""Optional and lazy imports: packages of extras, and names of a package that load on access."""

import ast
import sys
from collections.abc import Callable, Iterable
from importlib import import_module, util
from itertools import takewhile
from pathlib import Path
from typing import Any

from mnist1d.dataset.imports.beside import NAME, check_whole

__all__ = ["absent", "attach", "missing", "required"]

_TYPED = "if TYPE_CHECKING:"
_MESSAGES_OF_PYTHON = ("No module named ", "import of ")


def required(module: str, *, extra: str) -> Any:
    """Import a module, or say how to get it.

    Args:
        module: its name.
        extra: the extra of mnist1d that installs it.

    Raises:
        ModuleNotFoundError: if its package is not installed, with the command that installs it.

    >>> required("math", extra="lab").pi > 3
    True
    >>> required("no_such_package", extra="lab")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: this needs no_such_package; install it with: pip install ...
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise missing(error, extra) from None


def absent(packages: Iterable[str]) -> list[str]:
    """Return those of several packages that cannot be imported, without importing any.

    >>> absent(["math", "no_such_package"])
    ['no_such_package']
    """
    return [package for package in packages if util.find_spec(package) is None]


def missing(error: ModuleNotFoundError, extra: str, what: str = "this") -> ModuleNotFoundError:
    """Return an error of an import in this package, with the command that installs what it lacks.

    An installed package that misses a dependency of its own is another error, and stays as it is.

    Args:
        error: what an import raised.
        extra: the extra of mnist1d that has what is imported.
        what: what needs it.
    """
    package = (error.name or "").partition(".")[0]
    is_explained = not str(error).startswith(_MESSAGES_OF_PYTHON)
    if package in {"", "mnist1d"} or is_explained or not _is_of_this_package(error):
        return error
    installation = import_module("mnist1d.dataset.imports.installation")
    text = installation.needs([package], extra=extra, what=what)
    return ModuleNotFoundError(text, name=package)


def _is_of_this_package(error: ModuleNotFoundError) -> bool:
    """Return whether the import that failed stands in a module of this package."""
    importing, frame = "", error.__traceback__
    while frame is not None:
        name = str(frame.tb_frame.f_globals.get("__name__", ""))
        importing = importing if name.partition(".")[0] == "importlib" else name
        frame = frame.tb_next
    return importing.partition(".")[0] == "mnist1d"


def attach(
    module: str, file: str, *, extra: str = "lab"
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package that imports its names for type checkers.

    The imports below `if TYPE_CHECKING:` are the only list of its names; `*` stands for all names
    of another such package. Importing the package does not load the modules that they come from.

    Args:
        module: `__name__` of the package.
        file: `__file__` of the package.
        extra: the extra of mnist1d that has what its modules import.

    Raises:
        ImportError: if another package of this name has overwritten files of this one.

    >>> from mnist1d import lab
    >>> "compare" in dir(lab), "compare" in lab.__all__
    (True, True)
    """
    if module != NAME:  # which is not complete yet
        check_whole()
    imported = [
        (str(statement.module), alias)
        for statement in ast.walk(ast.parse(_typed_block(Path(file).read_text(encoding="utf-8"))))
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    ]
    origins: dict[str, tuple[str, str]] = {}
    for place, alias in imported:
        names = import_module(place).__all__ if alias.name == "*" else [alias.name]
        origins |= {alias.asname or name: (place, name) for name in names}

    def load(name: str) -> Any:
        if name == "__all__":
            return sorted(origins)
        if name not in origins:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, original = origins[name]
        try:
            package = import_module(place)
            value = (
                getattr(package, original)
                if hasattr(package, original)
                else import_module(f"{place}.{original}")
            )
        except ModuleNotFoundError as error:
            raise missing(error, extra) from None
        setattr(sys.modules[module], name, value)
        return value

    return load, lambda: sorted({*vars(sys.modules[module]), *origins})


def _typed_block(text: str) -> str:
    r"""Return the lines below `if TYPE_CHECKING:`, alone: all of a package would take its time.

    >>> _typed_block("import c\n\nif TYPE_CHECKING:\n    from a import b\n\nD = 1")
    'if True:\n    from a import b\n'
    """
    _, found, below = text.partition(f"\n{_TYPED}\n")
    lines = takewhile(lambda line: not line or line.startswith(" "), below.splitlines())
    return "\n".join(["if True:", *lines]) if found else ""
