"""Names of a package that are loaded when they are asked for."""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def attach(module: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package that imports its names for type checkers.

    The imports below `if TYPE_CHECKING:` are the one list of its names. Importing the package loads
    none of the modules they come from.

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
