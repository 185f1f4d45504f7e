"""JSON documents: estimates by the names of their parts, and documents as text."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from mnist1d.measures.uncertainty import Estimate

# A list of numbers or texts, one per line; no text has an end of line in JSON.
_LIST = re.compile(r"\[(?:\n *[^\n\[\]{}]+)+\n *\]")


def describe(found: Estimate) -> dict[str, Any]:
    """Return an estimate by the names of its parts, with the values that it is of."""
    return {
        "mean": found.mean,
        "ci_low": found.low,
        "ci_high": found.high,
        "n": found.n,
        "n_diverged": found.n_diverged,
        "values": found.values,
    }


def as_text(document: Mapping[str, Any] | None) -> str:
    """Write a document; numbers that do not exist are null.

    >>> print(as_text({"mean": float("nan"), "values": [1, 2]}))
    {
      "mean": null,
      "values": [ 1, 2 ]
    }
    """
    lines = json.dumps(_plain(document), indent=2, allow_nan=False)
    return _LIST.sub(lambda found: re.sub(r"\n *", " ", found[0]), lines)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def parsed(text: Any) -> Any:
    """Return what an attribute of a result says in JSON; None if it says nothing.

    >>> parsed('{"seeds": 3}'), parsed(None)
    ({'seeds': 3}, None)
    """
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def finite(value: Any) -> float | None:
    """Return a finite number; None if it is none.

    >>> finite(3), finite(float("nan")), finite("much")
    (3.0, None, None)
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
