"""What is declared of the fields of configurations is checked, and said wherever one reads."""

import dataclasses
import math
import re

import numpy as np
import pytest
import tyro

from mnist1d.cli.options.config import options_of
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import (
    Each,
    Float,
    Integer,
    Number,
    OneOf,
    OrNone,
    Truth,
    constrained,
    constraints_of,
)
from mnist1d.experiments import EXPERIMENTS
from mnist1d.lab.comparison.protocol import Protocol

CONFIGS = {"dataset": DatasetConfig, "comparison": Protocol} | {
    experiment.NAME: experiment.Config for experiment in EXPERIMENTS
}
FIELDS = [
    pytest.param(config, field, constraint, id=f"{name}-{field}")
    for name, config in CONFIGS.items()
    for field, constraint in constraints_of(config).items()
]


def just_outside(constraint, default):
    """Yield values that are not allowed, with what the message says of those that are."""
    match constraint:
        case OrNone():
            yield from just_outside(constraint.constraint, default)
        case Truth():
            yield 1, "must be True or False"
        case Integer():
            lowest, highest = constraint.lowest, constraint.highest
            allowed = [f"from {lowest} to {highest}"] * 2
            if 10**6 <= highest != 2**32 - 1:
                allowed = [f"at least {lowest}", f"at most {highest}"]
            for value, which in zip((lowest - 1, highest + 1), allowed, strict=True):
                yield value, f"must be {which}, not"
            yield default + 0.5, "must be an integer"
            if constraint.multiple_of > 1:
                yield constraint.lowest + 1, f"must be a multiple of {constraint.multiple_of}, not"
        case Number():
            values = [constraint.above, constraint.below]
            for value, beyond in ((constraint.least, -math.inf), (constraint.most, math.inf)):
                values.append(None if value is None else math.nextafter(value, beyond))
            for value in values:
                if value is not None:
                    yield value, f"must be {constraint}, not"
            yield math.nan, "must be finite"
            yield "1", "must be a number"
        case OneOf():
            listed = ", ".join(repr(option) for option in constraint.options)
            yield f"{constraint.options[0]}?", f"must be one of {listed}, not"
        case Each():
            for value, allowed in just_outside(constraint.constraint, default[0]):
                yield (*default, value), allowed
            yield 5, f"must be a sequence of {constraint.constraint.plural}"
            if constraint.least:
                yield (), "must not be empty"
            if constraint.rising:
                yield (*default, default[-1]), "must rise, not"
            if constraint.different:
                yield (
                    (*default, default[-1]),
                    f"must be {constraint.constraint.plural}, all different",
                )
            if constraint.least > 1:
                number = {2: "two"}.get(constraint.least, constraint.least)
                yield default[: constraint.least - 1], f"must have {number} or more values, not"


def entry(text, field):
    """Return what a docstring says of a field, in one line."""
    # From Python 3.13 on, docstrings are not indented any more.
    found = re.search(rf"^( +){field}: (.*(?:\n\1 +.*)*)", text, re.MULTILINE)
    return " ".join(found[2].split())


def says(text, constraint):
    if isinstance(constraint, OrNone):
        return says(text, constraint.constraint)
    if isinstance(constraint, OneOf):
        return all(f'"{option}"' in text for option in constraint.options)
    allowed = str(constraint)
    return isinstance(constraint, Truth) or f"{allowed[0].upper()}{allowed[1:]}." in text


@pytest.mark.parametrize(("config", "field", "constraint"), FIELDS)
def test_values_just_outside_are_refused_with_what_is_allowed(config, field, constraint):
    default = getattr(config(), field)
    default = 1 if default is None else default
    tried = list(just_outside(constraint, default))
    assert tried
    for value, allowed in tried:
        with pytest.raises((ValueError, TypeError)) as caught:
            config(**{field: value})
        assert re.match(rf"{field}(\[\d+\])? {re.escape(allowed)}", str(caught.value))


@pytest.mark.parametrize(("config", "field", "constraint"), FIELDS)
def test_the_documentation_says_what_is_allowed(config, field, constraint):
    assert says(entry(config.__doc__, field), constraint)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_documentation_fits_in_its_columns(config):
    assert max(map(len, config.__doc__.splitlines())) <= 100


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_help_of_the_command_line_says_what_is_allowed(config, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit):
        tyro.cli(options_of(config()), args=["--help"])
    lines = [line.strip("│ ") for line in capsys.readouterr().out.splitlines()]
    start = {line.split()[0]: i for i, line in enumerate(lines) if line.startswith("--")}
    for field, constraint in constraints_of(config).items():
        first = start[f"--{field.replace('_', '-')}"]
        after = min((i for i in start.values() if i > first), default=len(lines))
        assert says(" ".join(lines[first:after]), constraint)


@pytest.mark.parametrize(
    ("constraint", "given", "stored"),
    [
        # The keys of stored results tell 1 from 1.0.
        (Number(above=0), 1, 1),
        (Number(above=0), np.int64(1), 1),
        (Number(above=0), 1.0, 1.0),
        (Number(above=0), np.float32(0.5), 0.5),
        (Float(above=0), 1, 1.0),
        (Integer(1, 9), np.uint8(3), 3),
        (OneOf("a", "b"), np.str_("a"), "a"),
        (Truth(), np.True_, True),
        (OrNone(Integer(1, 9)), None, None),
    ],
)
def test_what_is_stored_is_plain_python(constraint, given, stored):
    for value, expected in (
        (constraint("field", given), stored),
        (*Each(constraint)("field", [given]), stored),
    ):
        assert value == expected
        assert type(value) is type(expected)


def test_a_derived_configuration_keeps_all_checks():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    @constrained
    class Longer(Protocol):
        extra: bool = False

    with pytest.raises(ValueError, match="seeds must be from 1"):
        Longer(seeds=0)
    with pytest.raises(ValueError, match="evaluate_every must divide"):
        Longer(evaluate_every=7)
    with pytest.raises(TypeError, match="extra must be True or False"):
        Longer(extra=1)
