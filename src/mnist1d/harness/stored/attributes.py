"""Checks of the attributes of a stored result that are used."""

import json
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from mnist1d.harness.stored.texts import one_line, without_controls

_TEXTS = ("commit", "device", "experiment", "finished", "point", "processor", "protocol")
_TIMES = ("compile_seconds", "seconds")
_LONGEST_TIME = 1e12
_MOST_SEEDS = 10**9
_DEEPEST = 50
_LONGEST_TEXT = 2**22


def check_attributes(attributes: Mapping[str, Any]) -> None:
    """Check the attributes of a result that `record.execute` and others write; all may be missing.

    Args:
        attributes: by name; others than ours may be anything.

    Raises: ValueError: naming the attribute, its value and what it must be.

    >>> check_attributes({"seconds": 3.5, "config": "{}"})
    >>> check_attributes({"seconds": float("nan")})
    Traceback (most recent call last):
        ...
    ValueError: attribute seconds must be a number from 0 to 1e+12, not nan
    """
    for name in _TEXTS:
        if name in attributes and not isinstance(attributes[name], str):
            raise _wrong(name, "a text", attributes[name])
    for name in _TIMES:
        if name in attributes and not _is_time(attributes[name]):
            raise _wrong(name, f"a number from 0 to {_LONGEST_TIME:g}", attributes[name])
    if "units_found" in attributes:
        found = attributes["units_found"]
        if isinstance(found, bool) or not isinstance(found, Integral) or found < 0:
            raise _wrong("units_found", "a whole number from 0 on", found)
    for name in ("config", "grid", "unit_commits", "versions"):
        if not isinstance(parsed(attributes, name, {}), dict):
            raise _wrong(name, "an object in JSON", attributes[name])
    if any(not isinstance(each, str) for each in parsed(attributes, "versions", {}).values()):
        raise _wrong("versions", "an object of texts in JSON", attributes["versions"])
    if any(not isinstance(each, list) for each in parsed(attributes, "grid", {}).values()):
        raise _wrong("grid", "an object of lists in JSON", attributes["grid"])
    numbers = parsed(attributes, "unit_commits", {}).values()
    if any(type(each) is not int or each < 0 for each in numbers):
        raise _wrong(
            "unit_commits", "an object of whole numbers in JSON", attributes["unit_commits"]
        )
    apart = parsed(attributes, "time_apart", {"seconds": 0, "seeds": 1})
    if (
        not isinstance(apart, dict)
        or not _is_time(apart.get("seconds"))
        or type(apart.get("seeds")) is not int
        or not 1 <= apart["seeds"] <= _MOST_SEEDS
    ):
        what = (
            f"an object in JSON with seconds, from 0 to {_LONGEST_TIME:g}, and seeds, from 1 to "
            f"{_MOST_SEEDS:,}"
        )
        raise _wrong("time_apart", what, attributes["time_apart"])
    figures = parsed(attributes, "figures", [])
    if not isinstance(figures, list) or any(not isinstance(each, str) for each in figures):
        raise _wrong("figures", "a list of texts in JSON", attributes["figures"])


def parsed(attributes: Mapping[str, Any], name: str, missing: Any) -> Any:
    """Return the value of an attribute that is JSON.

    Args:
        attributes: by name.
        name: of the attribute.
        missing: returned if there is none.

    Raises: ValueError: if it is no JSON, is nested too deeply or has control characters in it.

    >>> parsed({"grid": '{"rounds": [3, 5]}'}, "grid", {})
    {'rounds': [3, 5]}
    """
    if name not in attributes:
        return missing
    text = attributes[name]
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise _wrong(name, f"a text of at most {_LONGEST_TEXT:,} characters", text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong(name, "JSON", text) from None
    depth, level = 0, [value]
    while level:
        if any(isinstance(each, str) and without_controls(each) != each for each in level):
            raise _wrong(name, "JSON without control characters", text)
        depth, level = depth + 1, [inner for each in level for inner in _inside(each)]
    if depth > _DEEPEST:
        raise _wrong(name, f"JSON that is nested less than {_DEEPEST} times", text)
    return value


def _is_time(value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return is_number and 0 <= value <= _LONGEST_TIME  # which NaN is not


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _wrong(name: str, wanted: str, value: Any) -> ValueError:
    return ValueError(f"attribute {name} must be {wanted}, not {one_line(repr(value), 60)}")
