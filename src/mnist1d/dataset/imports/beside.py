"""Notices, when the package is imported, that another package of its name is installed beside it.

Both are imported as `mnist1d`: which of them a program gets depends on `sys.path`, and files of two
in one folder are mixed. So an import says so, at the price of a few looks into folders.
"""

import os
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path

__all__ = ["NAME", "check_whole", "other_folders", "warn"]

NAME = "mnist1d"
"""What the package is imported as; also the name of the distribution of the paper's authors."""

_PLACE = os.path.abspath(f"{__file__}/../../../..")  # noqa: PTH100 (each path object takes longer)


def warn(version: str) -> None:
    """Warn if another package of this name can be found, or was installed into the same folder.

    Args:
        version: of this package.
    """
    if other_folders() or _is_mixed(version):
        installation = import_module("mnist1d.dataset.imports.installation")
        for line in installation.other_packages():
            warnings.warn(line, stacklevel=3)


def check_whole() -> None:
    """Refuse to go on where another package of this name has overwritten files of this one.

    Raises:
        ImportError: if that is so, with the packages and what to do.

    >>> check_whole()
    """
    if not hasattr(sys.modules[NAME], "__version__"):
        installation = import_module("mnist1d.dataset.imports.installation")
        others = installation.other_packages()
        raise ImportError("; ".join(others) or f"files of another package are in {_PLACE}/{NAME}")


def other_folders() -> list[Path]:
    """Return the folders of other packages of this name in `sys.path`.

    Other copies of this package are none: they have a folder `dataset`.

    >>> all(path.name == "mnist1d" for path in other_folders())
    True
    """
    folders = [os.path.join(place, NAME) for place in sys.path]  # noqa: PTH118 (as above)
    return [
        Path(folder)
        for folder in folders
        if os.path.isfile(f"{folder}/__init__.py") and not os.path.isdir(f"{folder}/dataset")  # noqa: PTH112, PTH113 (as above)
    ]


def _is_mixed(version: str) -> bool:
    """Return whether another distribution of this name was installed into this folder."""
    with suppress(OSError):  # a package in an archive
        return any(
            name.startswith(f"{NAME}-")
            and name.endswith(".dist-info")
            and name != f"{NAME}-{version}.dist-info"
            for name in os.listdir(_PLACE)  # noqa: PTH208 (as above)
        )
    return False
