"""The parameters in argument objects of the published interface, and misspelled ones."""

from collections.abc import Mapping
from difflib import get_close_matches
from inspect import getattr_static, ismodule
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.published.object_view import ObjectView

__all__ = ["NAMES", "PUBLISHED", "Arguments", "differences", "given", "nearest", "plain", "unread"]

Arguments = dict[str, Any]
"""Values by the names of parameters."""

PUBLISHED: Mapping[str, Any] = {
    "num_samples": 5000,
    "train_split": 0.8,
    "template_len": 12,
    "padding": [36, 60],
    "scale_coeff": 0.4,
    "max_translation": 48,
    "corr_noise_scale": 0.25,
    "iid_noise_scale": 0.02,
    "shear_scale": 0.75,
    "shuffle_seq": False,
    "final_seq_length": 40,
    "seed": 42,
}
"""Parameters of the published dataset, in the types of JSON."""

NAMES = tuple(PUBLISHED)

_ABSENT = object()

# Names that are less similar to a parameter's than this are not taken for misspelled ones.
_NEAR_MISS = 0.65


def given(args: Any) -> Arguments:
    """Return those parameters that an object has; those of the published dataset for None.

    >>> from types import SimpleNamespace
    >>> given(SimpleNamespace(seed=1, learning_rate=0.1))
    {'seed': 1}
    """
    if args is None:
        return {**PUBLISHED, "padding": list(PUBLISHED["padding"])}
    found = ((name, getattr(args, name, _ABSENT)) for name in NAMES)
    return {name: value for name, value in found if value is not _ABSENT}


def unread(args: Any) -> list[str]:
    """Return the attributes that look like parameters but are not.

    Of an `ObjectView` these are all attributes that were added. An object of another class may have
    attributes for other purposes, so that only misspelled parameters are returned.

    >>> from types import SimpleNamespace
    >>> unread(SimpleNamespace(seed=1, test_samples=100, learning_rate=0.1))
    ['test_samples']
    """
    names = list(args) if isinstance(args, Mapping) else dir(args)
    cutoff = 0 if isinstance(args, ObjectView) else _NEAR_MISS
    return [
        name
        for name in names
        if isinstance(name, str)
        and not name.startswith("_")
        and name not in (*NAMES, "url")
        and not _is_code(getattr_static(args, name, None))
        and get_close_matches(name, NAMES, n=1, cutoff=cutoff)
    ]


def nearest(name: str, *others: str) -> str:
    """Return a question that names the parameter, or other name, most like a name, if one is.

    >>> nearest("num_test_samples"), nearest("epochs")
    ("did you mean 'num_samples'?", '')
    """
    return checks.nearest(name, (*NAMES, *others), cutoff=0.5)


def plain(name: str, value: Any) -> Any:
    """Return a value in the types of JSON, equal for values that mean the same.

    >>> plain("padding", (np.int64(36), 60)), plain("shuffle_seq", "yes")
    ([36, 60], True)
    """
    if name == "shuffle_seq":
        return bool(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain("", item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return repr(value)


def differences(arguments: Arguments) -> list[str]:
    """Return the names of the parameters that are not those of the published dataset.

    >>> differences({"seed": 42, "num_samples": 100, "padding": (36, 60)})
    ['num_samples']
    """
    return [name for name, value in arguments.items() if plain(name, value) != PUBLISHED[name]]


def _is_code(value: Any) -> bool:
    return callable(value) or ismodule(value) or isinstance(value, classmethod | staticmethod)
