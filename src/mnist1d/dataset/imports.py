"""Optional and lazy imports: packages of extras, and names of a package that load on access."""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["attach", "required"]


def required(module: str, *, extra: str) -> Any:
    """Import a module, or say how to get it.

    Args:
        module: its name.
        extra: the extra of mnist1d that installs it.

    Raises:
        ModuleNotFoundError: if its package is not installed, with the line that installs it.

    >>> required("math", extra="lab").pi > 3
    True
    >>> required("no_such_package", extra="lab")
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: this needs no_such_package; install it with: pip install 'mnist1d[lab]'
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # An installed package that misses a dependency is another error.
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ModuleNotFoundError(
            f"this needs {package}; install it with: pip install 'mnist1d[{extra}]'", name=package
        ) from None


def attach(module: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package that imports its names for type checkers.

    The imports below `if TYPE_CHECKING:` are the only list of its names. Importing the package does
    not load the modules that they come from.

    Args:
        module: `__name__` of the package.
        file: `__file__` of the package.

    >>> from mnist1d import lab
    >>> "compare" in dir(lab), "compare" in lab.__all__
    (True, True)
    """
    origins = {
        alias.asname or alias.name: (str(statement.module), alias.name)
        for block in ast.parse(Path(file).read_text(encoding="utf-8")).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }

    def load(name: str) -> Any:
        if name == "__all__":
            return sorted(origins)
        if name not in origins:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, original = origins[name]
        package = import_module(place)
        value = (
            getattr(package, original)
            if hasattr(package, original)
            else import_module(f"{place}.{original}")
        )
        setattr(sys.modules[module], name, value)
        return value

    return load, lambda: sorted({*vars(sys.modules[module]), *origins})
