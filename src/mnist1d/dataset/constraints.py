"""Constraints on the fields of a configuration: declared with a field, checked and documented.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... @constrained
... class Config:
...     '''Settings.
...
...     Attributes:
...         seeds: number of runs.
...         rate: of Adam.
...     '''
...     seeds: Annotated[int, Integer(1, 100)] = 5
...     rate: Annotated[float, Number(above=0)] = 0.01
>>> Config(seeds=0)
Traceback (most recent call last):
    ...
ValueError: seeds must be from 1 to 100, not 0
>>> print(Config.__doc__.splitlines()[3].strip())
seeds: number of runs. 1 to 100.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

from mnist1d.dataset import checks

__all__ = ["Constraint", "Each", "Integer", "Number", "OneOf", "constrained", "constraints_of"]

Class = TypeVar("Class", bound=type)

# Bounds from here on keep sizes within a machine; nobody comes near them, and no text names them.
_BEYOND_USE = 10**6


class Constraint(Protocol):
    """What the values of a field have to be."""

    def __call__(self, name: str, value: Any) -> Any:
        """Return a value as it is stored, or raise TypeError or ValueError."""

    def __str__(self) -> str:
        """Say what is allowed."""


@dataclasses.dataclass(frozen=True)
class Integer:
    """An integer between two bounds, both inclusive.

    >>> str(Integer(1, 10)), str(Integer(1, 10**9))
    ('1 to 10', 'at least 1')
    """

    lowest: int
    highest: int

    def __call__(self, name: str, value: Any) -> int:
        """Return the value as Python's integer."""
        return checks.integer(name, value, self.lowest, self.highest)

    def __str__(self) -> str:
        if self.highest == 2**32 - 1:
            return f"{self.lowest} to 2**32 - 1"
        if self.highest >= _BEYOND_USE:
            return f"at least {self.lowest}"
        return f"{self.lowest} to {self.highest:,}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Number:
    """A finite number between bounds.

    >>> str(Number(above=0)), str(Number(least=0, below=1)), str(Number(above=0, below=1))
    ('above 0', 'from 0 to below 1', 'above 0 and below 1')
    >>> Number(least=0, most=1)("share", 2)
    Traceback (most recent call last):
        ...
    ValueError: share must be from 0 to 1, not 2
    """

    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None

    def __call__(self, name: str, value: Any) -> float:
        """Return the value as Python's float."""
        number = checks.real(name, value)
        if (
            (self.above is not None and number <= self.above)
            or (self.least is not None and number < self.least)
            or (self.below is not None and number >= self.below)
            or (self.most is not None and number > self.most)
        ):
            raise ValueError(f"{name} must be {self}, not {checks.shown(value)}")
        return number

    def __str__(self) -> str:
        if self.least is not None:
            upper = f" to {self.most:g}" if self.most is not None else ""
            upper = f" to below {self.below:g}" if self.below is not None else upper
            return f"from {self.least:g}{upper}" if upper else f"at least {self.least:g}"
        parts = [f"above {self.above:g}"] if self.above is not None else []
        parts += [f"below {self.below:g}"] if self.below is not None else []
        parts += [f"at most {self.most:g}"] if self.most is not None else []
        return " and ".join(parts)


@dataclasses.dataclass(frozen=True)
class OneOf:
    """One of a few texts.

    >>> str(OneOf("corrected", "published"))
    '"corrected" or "published"'
    """

    options: tuple[str, ...]

    def __init__(self, *options: str) -> None:
        object.__setattr__(self, "options", options)

    def __call__(self, name: str, value: Any) -> str:
        """Return the value as Python's text."""
        return checks.one_of(name, value, self.options)

    def __str__(self) -> str:
        *others, last = (f'"{option}"' for option in self.options)
        return f"{', '.join(others)} or {last}" if others else last


@dataclasses.dataclass(frozen=True)
class Each:
    """A sequence, each of its values under a constraint.

    Attributes:
        constraint: of every value.
        wanted: what the sequence must be, for messages about its type.
        rising: whether each value must be larger than the one before.
        least: how many values there must be.

    >>> Each(Integer(1, 9), rising=True)("sizes", [3, 2])
    Traceback (most recent call last):
        ...
    ValueError: sizes must rise, not [3, 2]
    """

    constraint: Constraint
    wanted: str = "a sequence of integers"
    _: dataclasses.KW_ONLY
    rising: bool = False
    least: int = 0

    def __call__(self, name: str, value: Any) -> tuple[Any, ...]:
        """Return the values in a tuple."""
        values = checks.sequence(name, value, self.wanted)
        if len(values) < self.least:
            raise ValueError(
                f"{name} must have at least {self.least} value{'s' * (self.least > 1)}, not "
                f"{checks.shown(value)}"
            )
        checked = tuple(self.constraint(name, each) for each in values)
        if self.rising and list(checked) != sorted(set(checked)):
            raise ValueError(f"{name} must rise, not {checks.shown(value)}")
        return checked

    def __str__(self) -> str:
        return f"{'rising, ' if self.rising else ''}each {self.constraint}"


def constraints_of(cls: Any) -> dict[str, Constraint]:
    """Return the constraints of the fields of a class, by field.

    A field whose type is `bool` takes truth values alone; one that may be None has the constraint
    of its other values.

    >>> from mnist1d.experiments.pooling import Config
    >>> str(constraints_of(Config)["learning_rate"])
    'above 0'
    """
    return dict(_constraints(cls))


@cache
def _constraints(cls: Any) -> tuple[tuple[str, Constraint], ...]:
    return tuple(_declared(cls))


def _declared(cls: type) -> Iterator[tuple[str, Constraint]]:
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if hint is bool:
            yield name, _Truth()
        if get_origin(hint) is Annotated:
            kind, *marks = get_args(hint)
            for mark in marks:
                if isinstance(mark, Integer | Number | OneOf | Each):
                    yield name, _OrNone(mark) if type(None) in get_args(kind) else mark


@dataclasses.dataclass(frozen=True)
class _Truth:
    def __call__(self, name: str, value: Any) -> bool:
        return checks.truth(name, value)

    def __str__(self) -> str:
        return ""


@dataclasses.dataclass(frozen=True)
class _OrNone:
    constraint: Constraint

    def __call__(self, name: str, value: Any) -> Any:
        return None if value is None else self.constraint(name, value)

    def __str__(self) -> str:
        return str(self.constraint)


def constrained(cls: Class) -> Class:
    """Have a dataclass check its fields when it is made, and document what is allowed.

    To be applied before `dataclasses.dataclass`. Constraints are checked first, in the order of the
    fields, and the values stored as plain Python; then comes the class's own `__post_init__`. What
    is allowed follows what the docstring's section "Attributes" says of a field.
    """
    own: Callable[[Any], None] | None = vars(cls).get("__post_init__")

    def check(self: Any) -> None:
        for name, constraint in _constraints(self.__class__):
            object.__setattr__(self, name, constraint(name, getattr(self, name)))
        if own is not None:
            own(self)

    cls.__post_init__ = check  # type: ignore[attr-defined]
    cls.__doc__ = _documented(cls.__doc__ or "", cls)
    return cls


def _documented(text: str, cls: type) -> str:
    for name, constraint in _declared(cls):
        if allowed := str(constraint):
            entry = re.compile(rf"(^ +){name}: .*(?:\n\1 +.*)*", re.MULTILINE)
            found = entry.search(text)
            if found is not None:
                sentence = f" {allowed[:1].upper()}{allowed[1:]}."
                text = text[: found.end()] + sentence + text[found.end() :]
    return text
