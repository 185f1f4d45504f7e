"""Validation of single values: each returns the value as plain Python, or raises a clear error."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mnist1d.dataset.templates import Templates, own_templates

__all__ = [
    "StrPath",
    "different_texts",
    "float_type",
    "heights",
    "integer",
    "known_names",
    "nearest",
    "one_of",
    "padding",
    "path",
    "permutation",
    "positive",
    "real",
    "sequence",
    "shortened",
    "shown",
    "strength",
    "truth",
    "typed",
    "unknown",
]

BEYOND_USE = 10**6
"""Bounds from here on keep sizes within a machine; messages and documents do not name them."""

LARGEST_SEED = 2**32 - 1
"""A bound of this size that has a meaning, and is named."""

FLOAT_TYPES = ("float64", "float32")

LONGEST_NAME = 60
LONGEST_LIST = 250
_LEAST_BEGINNING = 3

# Standardisation squares the signals, and the sum of the squares has to stay finite.
LARGEST_STRENGTH = 1e100


def integer(name: str, value: Any, lowest: int, highest: int) -> int:
    """Return an integer between two bounds, both inclusive.

    >>> integer("seed", np.uint8(7), 0, 9)
    7
    >>> integer("seed", 10, 0, 9)
    Traceback (most recent call last):
        ...
    ValueError: seed must be from 0 to 9, not 10
    >>> integer("seeds", 0, 1, 10**9)
    Traceback (most recent call last):
        ...
    ValueError: seeds must be at least 1, not 0
    """
    if not is_integer(value):
        raise TypeError(f"{name} must be an integer, not {typed(value)}")
    number = int(value)
    if not lowest <= number <= highest:
        allowed = f"{lowest}" if lowest == highest else f"from {lowest} to {highest}"
        # A very large bound is named only if it is exceeded.
        if highest >= BEYOND_USE and highest != LARGEST_SEED:
            allowed = f"at least {lowest}" if number < lowest else f"at most {highest}"
        raise ValueError(f"{name} must be {allowed}, not {shown(value)}")
    return number


def is_integer(value: Any) -> bool:
    """Return whether a value is an integer; NumPy counts durations among them."""
    return isinstance(value, Integral) and not isinstance(value, bool | np.timedelta64)


def real(name: str, value: Any) -> float:
    """Return a finite number."""
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {typed(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, not {shown(value)}")
    return number


def positive(name: str, value: Any) -> float:
    """Return a finite number above 0.

    >>> positive("learning_rate", 0)
    Traceback (most recent call last):
        ...
    ValueError: learning_rate must be above 0, not 0
    """
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, not {shown(value)}")
    return number


StrPath: TypeAlias = str | os.PathLike[str]
"""What names a file or a folder."""


def path(name: str, value: Any) -> Path:
    """Return the path of a file or folder that is named by a text or a path; `~` is one's home.

    Args:
        name: of the parameter.
        value: a text, or what `os.fspath` takes.

    Raises:
        TypeError: if it is something else.
        ValueError: if it is empty, has a NUL in it, or `~` is nobody's home.

    >>> path("folder", "~/runs") == Path.home() / "runs"
    True
    >>> path("folder", 3)
    Traceback (most recent call last):
        ...
    TypeError: folder must be a path or a text, not 3 of type int
    """
    if not isinstance(value, str | bytes | os.PathLike):
        raise TypeError(f"{name} must be a path or a text, not {typed(value)}")
    text = os.fsdecode(value)
    if not text or "\0" in text:
        raise ValueError(f"{name} must be a path, not {shown(text)}")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{name} must be a path; there is no home for {shown(text)}") from None


def strength(name: str, value: Any) -> float:
    """Return a number whose square cannot overflow."""
    number = real(name, value)
    if abs(number) > LARGEST_STRENGTH:
        raise ValueError(
            f"{name} must be from -{LARGEST_STRENGTH:g} to {LARGEST_STRENGTH:g}, not {shown(value)}"
        )
    return number


def truth(name: str, value: Any) -> bool:
    """Return a truth value; numbers are refused."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {typed(value)}")
    return bool(value)


def sequence(name: str, value: Any, wanted: str) -> Sequence[Any]:
    """Return a sequence, or a NumPy array as a list; text, bytes and sets are refused.

    Args:
        name: of the parameter.
        value: a sequence or a NumPy array.
        wanted: what the parameter must be, for the message.
    """
    values = value.tolist() if isinstance(value, np.ndarray) else value
    no_numbers = str | bytes | bytearray | memoryview
    if isinstance(values, no_numbers) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be {wanted}, not {typed(value)}")
    try:
        len(values)
    except OverflowError:  # a range may be longer than any memory
        raise ValueError(f"{name} must be {wanted}, not {shown(value)}") from None
    return values


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return one of a few texts."""
    listed = ", ".join(repr(option) for option in allowed)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {listed}, not {typed(value)}")
    if value not in allowed:
        hint = f"; {near}" if (near := nearest(value, allowed)) else ""
        raise ValueError(f"{name} must be one of {listed}, not {shown(value)}{hint}")
    return str(value)


def padding(value: Any, largest: int) -> tuple[int, int]:
    """Return the lowest and the highest number of zeros."""
    bounds = sequence("padding", value, "two integers (lowest, highest)")
    if len(bounds) != 2:
        raise ValueError(f"padding must be two integers (lowest, highest), not {shown(value)}")
    lowest = integer("padding[0], the lowest,", bounds[0], 0, largest)
    highest = integer("padding[1], the highest,", bounds[1], 0, largest)
    if lowest > highest:
        raise ValueError(
            f"padding must be (lowest, highest) with lowest <= highest, not {shown(value)}"
        )
    return lowest, highest


def permutation(value: Any, length: int) -> tuple[int, ...]:
    """Return all positions in some order."""
    wanted = f"a name or the integers 0 to {length - 1} in any order"
    values = sequence("positions", value, wanted)
    if len(values) != length:
        raise ValueError(f"positions must be {wanted}, not {shown(value)}")
    order = tuple(integer(f"positions[{i}]", v, 0, length - 1) for i, v in enumerate(values))
    if len(set(order)) < length:
        raise ValueError(f"positions must be {wanted}, not {shown(value)}")
    return order


def float_type(value: Any) -> str:
    """Return the name of a type of floats."""
    wanted = "'float64' or 'float32'"
    if isinstance(value, np.dtype | type):
        try:
            value = np.dtype(value).name
        except TypeError:
            raise TypeError(f"dtype must be {wanted}, not {typed(value)}") from None
    if not isinstance(value, str):
        raise TypeError(f"dtype must be {wanted}, not {typed(value)}")
    if value not in FLOAT_TYPES:
        raise ValueError(f"dtype must be {wanted}, not {shown(value)}")
    return str(value)


def different_texts(field: str, value: Any, n_classes: int) -> tuple[str, ...]:
    """Return one text per class, all different."""
    wanted = f"{n_classes} different texts, one per template"
    names = sequence(field, value, wanted)
    for i, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"{field}[{i}] must be text, not {typed(name)}")
    if len(names) != n_classes or len(set(names)) < n_classes or "" in names:
        raise ValueError(f"{field} must be {wanted}, not {shown(value)}")
    return tuple(str(name) for name in names)


def heights(value: Any) -> tuple[tuple[float, ...], ...]:
    """Return the heights of templates, one row per class."""
    wanted = "numbers of shape (n_classes, template_len), or a mapping from names to signals"
    if isinstance(value, Templates):
        checked_heights = heights(value.x)
        if not _has_own_axes(value, checked_heights):
            raise ValueError(
                "templates must have the labels 0, 1, ... and a time axis from -5/6 to 5/6 "
                "if given as Templates; give their heights alone to have it so"
            )
        return checked_heights
    if isinstance(value, str | bytes | set | frozenset) or not hasattr(value, "__len__"):
        raise TypeError(f"templates must be {wanted}, not {typed(value)}")
    if _expands(value):
        raise ValueError(f"templates must be {wanted}, not {typed(value)}")
    if np.ma.is_masked(value):
        raise ValueError(f"templates must be {wanted}, none of them masked")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        raise ValueError(f"templates must be {wanted}, all of one length") from None
    if array.dtype.kind not in "iuf":
        raise TypeError(f"templates must be {wanted}, not {typed(value)}")
    if array.ndim != 2 or not len(array) or array.shape[1] < 2:
        raise ValueError(
            f"templates must be {wanted}, one class and two points at least, "
            f"not of shape {array.shape}"
        )
    with np.errstate(over="ignore"):  # what is too large for a float is refused below
        checked = array.astype(np.float64)
    if not (np.abs(checked) <= LARGEST_STRENGTH).all():  # NaN fails, too
        raise ValueError("templates must be finite and from -1e+100 to 1e+100")
    return tuple(map(tuple, checked.tolist()))


def _expands(value: Any, depth: int = 2) -> bool:
    """Tell whether an array of nested sequences could be far longer than they are written.

    Ranges can, and sequences that are deeper nested than rows of points.
    """
    if isinstance(value, range):
        return True
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return False
    return depth == 0 or any(_expands(each, depth - 1) for each in value)


def _has_own_axes(given: Templates, checked_heights: tuple[tuple[float, ...], ...]) -> bool:
    plain = own_templates(checked_heights)
    try:
        labels, times = np.asarray(given.y), np.asarray(given.t, dtype=np.float64)
    except (TypeError, ValueError):  # ragged, or other things than numbers
        return False
    return (
        np.array_equal(labels, plain.y)
        and times.shape == plain.t.shape
        and np.allclose(times, plain.t, atol=1e-12)
    )


def known_names(parameters: Mapping[str, Any], known: list[str]) -> None:
    """Refuse names that no parameter has, naming the nearest, or all if none is near."""
    for name in parameters:
        if name not in known:
            text = name if isinstance(name, str) else shown(name)
            listed = ", ".join(known)
            # The documentation has them all.
            listed = listed if len(listed) <= LONGEST_LIST else f"{listed[:LONGEST_LIST]}..."
            hint = nearest(text, known) or f"there are: {listed}"
            raise TypeError(f"unknown parameter {shown(name)}; {hint}")


def nearest(wrong: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a question that names the known name most like a wrong one; nothing if none is near.

    Args:
        wrong: what was given.
        known: what there is.
        cutoff: how alike the two have to be, from 0 to 1 (equal). If none is, the one name is meant
            that begins with what was given.

    >>> nearest("sead", ["seed", "padding"]), nearest("epochs", ["seed", "padding"])
    ("did you mean 'seed'?", '')
    >>> nearest("target", ["seeds", "target_accuracy"])
    "did you mean 'target_accuracy'?"
    """
    names = list(known)
    # A text of thousands of characters is near nothing, and would take long to compare.
    near = get_close_matches(wrong[:LONGEST_NAME], names, 1, cutoff)
    if not near and len(wrong) >= _LEAST_BEGINNING:
        near = [name for name in names if name.startswith(wrong)][:2]
        near = near if len(near) == 1 else []
    return f"did you mean {near[0]!r}?" if near else ""


def unknown(what: str, wrong: str, known: Sequence[str], also: str = "") -> str:
    """Say that there is nothing of a name, what may have been meant, and what there is.

    >>> unknown("preset", "nosy", ["noisy", "few"])
    "there is no preset 'nosy'; did you mean 'noisy'? There are: noisy, few"
    >>> unknown("command", "x", ["run", "list"])
    "there is no command 'x'; there are: run, list"
    """
    hint = f"{near} There" if (near := nearest(wrong, known)) else "there"
    return f"there is no {what} {shown(wrong)}; {hint} are: {', '.join(known)}{also}"


def shown(value: Any) -> str:
    """Return the value as an error message shows it: recognisable, and cut if it is long."""
    try:
        # That of an array has several lines.
        text = " ".join(map(str.strip, repr(value).splitlines()))
    except ValueError:  # Python refuses to print integers of thousands of digits
        return "a number of very many digits"
    except Exception:  # noqa: BLE001 (deep nesting, or any error of another's __repr__)
        return "something that cannot be printed"
    return shortened(text, 60)


def shortened(text: str, most: int = 200) -> str:
    """Return a text, cut off if it is long.

    >>> shortened("a description of many words", 16)
    'a description...'
    """
    return text if len(text) <= most else f"{text[: most - 3]}..."


def typed(value: Any) -> str:
    """Return the value and its type as an error message shows them."""
    return f"{shown(value)} of type {type(value).__name__}"
