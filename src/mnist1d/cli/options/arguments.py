"""Parsing of arguments by `tyro`, with one-line errors that name what is wrong and allowed."""

import io
import re
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from mnist1d.cli.output.ending import cut, fail
from mnist1d.dataset import checks
from mnist1d.dataset.checks import nearest

_WORDS: Mapping[Any, str] = {
    bool: "True or False",
    float: "a number",
    int: "an integer",
    str: "a text",
    Path: "a path",
    type(None): "None",
}
_PLURALS = {"a number": "numbers", "an integer": "integers", "a text": "texts", "a path": "paths"}
_LARGEST_EXPONENT = 100


class Option(NamedTuple):
    """An option or an argument of a command.

    Attributes:
        name: `--seeds`; of an argument without a name what it is called in the help.
        allowed: what its value has to be, in words.
        is_required: whether the command needs it.
        may_repeat: whether it may be given more than once, as every time adds a value, or as it has
            none.
    """

    name: str
    allowed: str
    is_required: bool
    may_repeat: bool = False


def parse(
    function: Callable[..., Any], prog: str, words: Sequence[str]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read the arguments of a command.

    Shows its help where that is asked for. Ends the program with a line if they cannot be read.

    Args:
        function: whose parameters with their types are the arguments and options.
        prog: the words that come before.
        words: what was typed.

    Returns: the arguments by position and by name.
    """
    known = list(_options(function))
    if not {"-h", "--help"} & set(words):
        _check_names(known, prog, words)
        _check_repeated(known, words)

    def keep(*arguments: Any, **named: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return arguments, named

    keep.__doc__ = function.__doc__
    shown = [each.replace(annotation=_shown_type(each)) for each in _parameters(function).values()]
    keep.__annotations__ = {each.name: each.annotation for each in shown}
    keep.__dict__["__signature__"] = Signature(shown)
    said = io.StringIO()
    try:
        with _readers(), redirect_stderr(said):
            return tyro.cli(keep, prog=prog, args=words, config=(tyro.conf.FlagCreatePairsOff,))
    except SystemExit as end:
        if end.code in {0, None}:
            raise
        fail(f"{_refusal(known, words, said.getvalue())}; {_see(prog)}")


def integer(text: str) -> int:
    """Read an integer, also one such as `4e7` or `40_000_000`.

    Raises: ValueError: if the text is none.

    >>> integer("4e7"), integer("-5")
    (40000000, -5)
    """
    try:
        return int(text)
    except ValueError:
        if "e" not in text.lower():
            raise
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no integer") from None
    if (
        number.is_finite()
        and number.adjusted() <= _LARGEST_EXPONENT
        and number == number.to_integral_value()
    ):
        return int(number)
    raise ValueError(f"{text!r} is no integer")


def _readers() -> ConstructorRegistry:
    registry = ConstructorRegistry()

    @registry.primitive_rule
    def rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[int] | None:
        if info.type is not int:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar="INTEGER",
            instance_from_str=lambda words: integer(words[0]),
            is_instance=lambda value: isinstance(value, int) and not isinstance(value, bool),
            str_from_instance=lambda value: [str(value)],
        )

    @registry.primitive_rule
    def path_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
        if info.type is not Path:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar="PATH",
            instance_from_str=lambda words: checks.path("it", words[0]),
            is_instance=lambda value: isinstance(value, Path),
            str_from_instance=lambda value: [str(value)],
        )

    return registry


def _parameters(function: Callable[..., Any]) -> Mapping[str, Parameter]:
    return signature(function, eval_str=True).parameters


def _shown_type(parameter: Parameter) -> Any:
    """Return the type of a parameter; for the help, without defaults that say nothing."""
    hint = parameter.annotation
    if hint is bool and parameter.default is False:
        return Annotated[hint, tyro.conf.arg(help_behavior_hint="")]
    if hint == Path | None and parameter.default is None:
        return Annotated[hint, tyro.conf.arg(metavar="PATH", help_behavior_hint="")]
    return hint


def _options(function: Callable[..., Any]) -> Iterator[Option]:
    for name, parameter in _parameters(function).items():
        if parameter.kind is Parameter.KEYWORD_ONLY:
            if is_dataclass(parameter.default):
                yield from _options_of(parameter.default, "")
            else:
                yield Option(
                    f"--{name.replace('_', '-')}",
                    _without_none(_allowed(parameter.annotation)),
                    parameter.default is Parameter.empty,
                    may_repeat=parameter.default is False,
                )
        else:
            yield Option(
                _shown_name(parameter),
                _allowed(parameter.annotation),
                parameter.default is Parameter.empty,
            )


def _options_of(given: Any, before: str) -> Iterator[Option]:
    hints = get_type_hints(type(given), include_extras=True)
    for field in fields(given):
        value, name = getattr(given, field.name), f"{before}{field.name.replace('_', '-')}"
        if is_dataclass(value):
            yield from _options_of(value, f"{name}.")
        else:
            hint = hints[field.name]
            parts = get_args(get_args(hint)[0]) if get_origin(hint) is Annotated else ()
            # Of an option that takes several values, the points of a grid, the type of one.
            allowed = _allowed(parts[0]) if parts[1:] == (...,) else _without_none(_allowed(hint))
            is_list = tyro.conf.UseAppendAction in getattr(hint, "__metadata__", ())
            may_repeat = is_list or value is False
            yield Option(f"--{name}", allowed, is_required=False, may_repeat=may_repeat)


def _without_none(allowed: str) -> str:
    """Leave out what an option of a command is if it is not given."""
    return allowed.removesuffix(" or None")


def _shown_name(parameter: Parameter) -> str:
    marks = get_args(parameter.annotation)[1:]
    names = [mark.metavar for mark in marks if getattr(mark, "metavar", None)]
    return names[0] if names else parameter.name.upper()


def _allowed(hint: Any) -> str:
    """Say in words what values a type has."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _allowed(parts[0])
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin in {Union, types.UnionType}:
        # A path is a text, too.
        kept = [each for each in parts if not (each is str and Path in parts)]
        return " or ".join(dict.fromkeys(map(_allowed, kept)))
    if origin in {tuple, list}:
        inner = _allowed(parts[0])
        plural = _PLURALS.get(inner, inner)
        return plural if ... in parts else f"{len(parts)} {plural}"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _check_names(known: Sequence[Option], prog: str, words: Sequence[str]) -> None:
    names = [option.name[2:] for option in known if option.name.startswith("--")]
    for word in words:
        name = word.partition("=")[0].replace("_", "-")
        if re.match(r"--[A-Za-z]", name) and name[2:] not in names:
            hint = nearest(name[2:], names).replace("'", "").replace("mean ", "mean --")
            fail(f"there is no option {cut(name)}; {hint or _see(prog)}")


def _check_repeated(known: Sequence[Option], words: Sequence[str]) -> None:
    """Refuse options that are given more than once, of which the last would be used silently."""
    given = Counter(word.partition("=")[0].replace("_", "-") for word in words)
    for option in known:
        is_named = option.name.startswith("--")
        if is_named and (n := given[option.name]) > 1 and not option.may_repeat:
            fail(f"{option.name} is given {n} times; give it once, with all of its values")


def _see(prog: str) -> str:
    return f"see {prog} --help"


def _refusal(known: Sequence[Option], words: Sequence[str], said: str) -> str:
    """Say what is wrong with what was typed, as `tyro` found; it writes a box of many lines."""
    # The first line is the title of a box, whose edges are left out.
    lines = [line.strip("│╰╯| ") for line in said.splitlines()[1:]]
    text = " ".join(" ".join(line for line in lines if line.strip("─- ")).split())
    text = text.partition("For full helptext")[0].partition("Argument helptext")[0].strip()
    found = re.findall(r"(?:Error parsing|[Aa]rgument) '?([^\s:']+)", text)
    option = next((each for name in found for each in known if _is_named(each, name)), None)
    if option is not None:
        values = _values_after(option.name, known, words)
        values = values or re.findall(r"invalid choice '([^']*)'", text)
        given = f"not {cut(' '.join(values))!r}" if values else "and has no value"
        return f"{option.name} must be {option.allowed}, {given}"
    missing = [
        each.name for each in known if each.is_required and not _is_given(each, known, words)
    ]
    if missing and re.search("Missing from|are required", text):
        return f"{' and '.join(missing)} must be given"
    if unexpected := re.match(r"Unrecognized (?:options|arguments): (.*)", text):
        return f"unexpected {cut(unexpected[1])!r}"
    return text or "the arguments cannot be read"


def _is_named(option: Option, name: str) -> bool:
    return name in {option.name, option.name.lower(), option.name.upper()}


def _is_given(option: Option, known: Sequence[Option], words: Sequence[str]) -> bool:
    if not option.name.startswith("--"):
        return bool(_values_after(option.name, known, words))
    return any(word.partition("=")[0].replace("_", "-") == option.name for word in words)


def _values_after(name: str, known: Sequence[Option], words: Sequence[str]) -> list[str]:
    """Return the values of an option where it stands last, or an argument before the options.

    The last argument that a command knows has all that follow, too.
    """
    names = {option.name for option in known}
    current, values = "", {"": list[str]()}
    for word in words:
        option, equals, value = word.partition("=")
        if (option := option.replace("_", "-")) in names and option.startswith("--"):
            current, values[option] = option, [value] if equals else []
        else:
            values[current].append(word)
    if name.startswith("--"):
        return values.get(name, [])
    arguments = [option.name for option in known if not option.name.startswith("--")]
    place = arguments.index(name)
    return values[""][place : None if name == arguments[-1] else place + 1]
