"""Lazy re-exports of the names of other libraries that the published modules have.

The published `mnist1d.data`, `mnist1d.transform` and `mnist1d.utils` import other libraries by
name, so that `from mnist1d.utils import *` gives `plt`. Programs that rely on that work unchanged,
while importing this package needs, and loads, NumPy alone.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["installed", "loader"]


def installed(origins: Mapping[str, str]) -> list[str]:
    """Return the names whose library is installed, without loading it.

    Args:
        origins: for each name the module that it is, or "module:attribute".

    >>> installed({"np": "numpy", "nn": "no_such_library.nn"})
    ['np']
    """
    return [name for name, origin in origins.items() if find_spec(_library(origin)) is not None]


def loader(module: str, origins: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module that offers these names.

    Args:
        module: name of the module.
        origins: for each name the module that it is, or "module:attribute".

    Returns:
        A function that loads what a name stands for. It raises AttributeError for other names, and
        where the library is not installed.

    >>> loader(__name__, {"pi": "math:pi"})("pi")
    3.141592653589793
    """

    def load(name: str) -> Any:
        if name not in origins:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, attribute = origins[name].partition(":")
        try:
            found = import_module(place)
        except ImportError as error:
            raise AttributeError(
                f"{module}.{name} needs {_library(place)}, which is not installed"
            ) from error
        return getattr(found, attribute) if attribute else found

    return load


def _library(origin: str) -> str:
    return origin.partition(":")[0].partition(".")[0]
