"""Packages that only some of mnist1d needs."""

from importlib import import_module
from typing import Any

__all__ = ["required"]


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
        # A package that is there and lacks one of its own is another matter.
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ModuleNotFoundError(
            f"this needs {package}; install it with: pip install 'mnist1d[{extra}]'", name=package
        ) from None
