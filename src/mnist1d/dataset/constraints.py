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
...     rate: Positive = 0.01
>>> Config(seeds=0)
Traceback (most recent call last):
    ...
ValueError: seeds must be from 1 to 100, not 0
>>> print(Config.__doc__.splitlines()[3].strip())
seeds: number of runs. From 1 to 100.
"""

import dataclasses
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from numbers import Integral
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from mnist1d.dataset import checks

__all__ = [
    "Constraint",
    "Count",
    "Each",
    "Float",
    "Integer",
    "Number",
    "OneOf",
    "OrNone",
    "Positive",
    "Seed",
    "Truth",
    "constrained",
    "constraints_of",
]

Class = TypeVar("Class", bound=type)

_COLUMNS = 100


class Constraint(Protocol):
    """What the values of a field have to be."""

    plural: ClassVar[str]
    """What several values are called."""

    def __call__(self, name: str, value: Any) -> Any:
        """Return a value as it is stored, or raise TypeError or ValueError."""

    def __str__(self) -> str:
        """Say what is allowed."""


@dataclasses.dataclass(frozen=True)
class Integer:
    """The constraint of an integer between two bounds, both inclusive.

    >>> str(Integer(1, 10)), str(Integer(1, 10**9)), str(Integer(0, 2**32 - 1))
    ('from 1 to 10', 'at least 1', 'from 0 to 2**32 - 1')
    >>> Integer(10, 10**9, multiple_of=10)("samples", 15)
    Traceback (most recent call last):
        ...
    ValueError: samples must be a multiple of 10, not 15
    """

    plural: ClassVar[str] = "integers"

    lowest: int
    highest: int
    _: dataclasses.KW_ONLY
    multiple_of: int = 1

    def __call__(self, name: str, value: Any) -> int:
        """Return the value as Python's integer."""
        number = checks.integer(name, value, self.lowest, self.highest)
        if number % self.multiple_of:
            raise ValueError(f"{name} must be a multiple of {self.multiple_of}, not {number}")
        return number

    def __str__(self) -> str:
        lowest, highest = _integer_text(self.lowest), _integer_text(self.highest)
        round_bound = self.highest >= checks.BEYOND_USE and "**" not in highest
        allowed = f"at least {lowest}" if round_bound else f"from {lowest} to {highest}"
        return allowed if self.multiple_of == 1 else f"a multiple of {self.multiple_of}, {allowed}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Number:
    """The constraint of a finite number; integers stay integers, so that results' keys are stable.

    >>> str(Number(above=0)), str(Number(least=0, below=1)), str(Number(above=0, below=1))
    ('above 0', 'from 0 to below 1', 'above 0 and below 1')
    >>> Number(above=0, most=1, noun="a fraction")("target", 60)
    Traceback (most recent call last):
        ...
    ValueError: target must be a fraction above 0 and at most 1, not 60
    """

    plural: ClassVar[str] = "numbers"

    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None
    noun: str = ""

    def __call__(self, name: str, value: Any) -> float:
        """Return the value as Python's integer or float."""
        number = checks.real(name, value)
        if (
            (self.above is not None and number <= self.above)
            or (self.least is not None and number < self.least)
            or (self.below is not None and number >= self.below)
            or (self.most is not None and number > self.most)
        ):
            raise ValueError(f"{name} must be {self}, not {checks.shown(value)}")
        return int(value) if isinstance(value, Integral) else number

    def __str__(self) -> str:
        return f"{self.noun} {self._bounds()}".strip()

    def _bounds(self) -> str:
        above, least, below, most = (
            None if bound is None else f"{bound:g}".replace("e+", "e")
            for bound in (self.above, self.least, self.below, self.most)
        )
        if least is not None:
            upper = f" to {most}" if most is not None else ""
            upper = f" to below {below}" if below is not None else upper
            return f"from {least}{upper}" if upper else f"at least {least}"
        parts = [f"above {above}"] if above is not None else []
        parts += [f"below {below}"] if below is not None else []
        parts += [f"at most {most}"] if most is not None else []
        return " and ".join(parts) or "finite"


class Float(Number):
    """The constraint of a finite number between bounds, stored as a float.

    >>> Float(least=0, most=1)("share", 1)
    1.0
    """

    def __call__(self, name: str, value: Any) -> float:
        """Return the value as Python's float."""
        return float(super().__call__(name, value))


@dataclasses.dataclass(frozen=True)
class OneOf:
    """The constraint of one of a few texts.

    >>> str(OneOf("corrected", "published"))
    '"corrected" or "published"'
    """

    plural: ClassVar[str] = "texts"

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
    """The constraint of a sequence, with one for each of its values.

    Attributes:
        constraint: of every value.
        least: how many values there must be.
        rising: whether each value must be larger than the one before.
        different: whether no value may occur twice.

    >>> Each(Integer(1, 9), rising=True)("sizes", [3, 2])
    Traceback (most recent call last):
        ...
    ValueError: sizes must rise, not [3, 2]
    >>> str(Each(Number(above=0), least=2, different=True))
    'two or more, all different, each above 0'
    """

    plural: ClassVar[str] = "sequences"

    constraint: Constraint
    _: dataclasses.KW_ONLY
    least: int = 0
    rising: bool = False
    different: bool = False

    def __call__(self, name: str, value: Any) -> tuple[Any, ...]:
        """Return the values in a tuple."""
        values = checks.sequence(name, value, f"a sequence of {self.constraint.plural}")
        if self.least and not values:
            raise ValueError(f"{name} must not be empty")
        if len(values) < self.least:
            raise ValueError(
                f"{name} must have {_or_more(self.least)} values, not {checks.shown(value)}"
            )
        checked = tuple(self.constraint(f"{name}[{i}]", each) for i, each in enumerate(values))
        if self.rising and list(checked) != sorted(set(checked)):
            raise ValueError(f"{name} must rise, not {checks.shown(value)}")
        if self.different and len(set(checked)) < len(checked):
            raise ValueError(
                f"{name} must be {self.constraint.plural}, all different, not {checks.shown(value)}"
            )
        return checked

    def __str__(self) -> str:
        parts = [_or_more(self.least)] if self.least else []
        parts += ["rising"] if self.rising else []
        parts += ["all different"] if self.different else []
        return ", ".join([*parts, f"each {self.constraint}"])


@dataclasses.dataclass(frozen=True)
class Truth:
    """The constraint of every field of the type `bool`, without being declared."""

    plural: ClassVar[str] = "truth values"

    def __call__(self, name: str, value: Any) -> bool:
        """Return the value as Python's truth value."""
        return checks.truth(name, value)

    def __str__(self) -> str:
        return "True or False"


@dataclasses.dataclass(frozen=True)
class OrNone:
    """The constraint of a field whose type is a union with None."""

    constraint: Constraint

    @property
    def plural(self) -> str:
        """What several values are called."""
        return self.constraint.plural

    def __call__(self, name: str, value: Any) -> Any:
        """Return None, or the value as the constraint stores it."""
        return None if value is None else self.constraint(name, value)

    def __str__(self) -> str:
        return str(self.constraint)


Count = Annotated[int, Integer(1, 10**9)]
"""The type of a field that counts something of which there is at least one."""

Seed = Annotated[int, Integer(0, 2**32 - 1)]
"""The type of a field that is the seed of a random stream."""

Positive = Annotated[float, Number(above=0)]
"""The type of a field that is a number above 0."""


def constraints_of(cls: Any) -> dict[str, Constraint]:
    """Return the constraints of the fields of a class, by field.

    They are declared in the types of the fields, as in `Annotated[int, Integer(1, 10)]`, also in a
    union with None. The types `bool` and `Literal["some", "texts"]` are constraints by themselves.

    >>> from mnist1d.experiments.pooling import Config
    >>> str(constraints_of(Config)["learning_rate"])
    'above 0'
    """
    return dict(_constraints(cls))


@cache
def _constraints(cls: Any) -> tuple[tuple[str, Constraint], ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple((name, found) for name, hint in hints.items() for found in _declared(hint))


def _declared(hint: Any) -> Iterator[Constraint]:
    if hint is bool:
        yield Truth()
    elif get_origin(hint) is Literal:
        yield OneOf(*get_args(hint))
    elif get_origin(hint) is Annotated:
        for mark in get_args(hint)[1:]:
            if isinstance(mark, Integer | Number | OneOf | Each):
                yield mark
    elif type(None) in get_args(hint):
        for part in get_args(hint):
            yield from map(OrNone, _declared(part))


def constrained(cls: Class) -> Class:
    """Make a dataclass check its fields on construction, and document what is allowed.

    To be applied before `dataclasses.dataclass`. Constraints are checked first, in the order of the
    fields, and the values stored as plain Python; then the class's own `__post_init__` runs. What
    is allowed is added to a field's entry in the docstring's section "Attributes".

    >>> @dataclasses.dataclass(frozen=True)
    ... @constrained
    ... class Settings:
    ...     rate: Annotated[float, Number(above=0)] = 0.01
    >>> Settings(rate=0)
    Traceback (most recent call last):
        ...
    ValueError: rate must be above 0, not 0
    """
    own: Callable[[Any], None] | None = getattr(cls, "__post_init__", None)

    def check(self: Any) -> None:
        for name, constraint in _constraints(self.__class__):
            object.__setattr__(self, name, constraint(name, getattr(self, name)))
        if own is not None:
            own(self)

    cls.__post_init__ = check  # type: ignore[attr-defined]
    cls.__doc__ = _documented(cls.__doc__ or "", cls)
    return cls


def _documented(text: str, cls: type) -> str:
    """Add what is allowed to the entries of fields, in one pass: every start of a program does."""
    constraints = dict(_constraints(cls))
    lines: list[str] = []
    rest = text.split("\n")
    while rest:
        line = rest.pop(0)
        name = line.lstrip(" ").partition(": ")[0]
        indent = line[: len(line) - len(line.lstrip(" "))]
        if not indent or name not in constraints:
            lines.append(line)
            continue
        constraint = constraints.pop(name)
        entry = [line]
        while rest and rest[0].startswith(f"{indent} "):
            entry.append(rest.pop(0))
        if not _explained(constraint, "\n".join(entry)):
            allowed = str(constraint)
            entry += _filled(f"{entry.pop()} {allowed[:1].upper()}{allowed[1:]}.", indent)
        lines += entry
    return "\n".join(lines)


def _filled(line: str, indent: str) -> list[str]:
    if len(line) <= _COLUMNS:
        return [line]
    margin = f"{indent}    "
    return textwrap.wrap(line, _COLUMNS, subsequent_indent=margin, break_on_hyphens=False)


def _explained(constraint: Constraint, entry: str) -> bool:
    """Return whether a field's documentation already says what is allowed."""
    if isinstance(constraint, OneOf):
        return all(f'"{option}"' in entry for option in constraint.options)
    return isinstance(constraint, Truth)


def _integer_text(number: int) -> str:
    for power, suffix in ((number, ""), (number + 1, " - 1")):
        if power >= checks.BEYOND_USE and power.bit_count() == 1:
            return f"2**{power.bit_length() - 1}{suffix}"
    return str(number)  # the command line would wrap it after a comma


def _or_more(number: int) -> str:
    return f"{'one' if number == 1 else 'two' if number == 2 else number} or more"
