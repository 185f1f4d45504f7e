"""Options of the command line, made from the fields of a configuration."""

import dataclasses
import inspect
import re
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import tyro

from mnist1d.harness.interface import InputError
from mnist1d.harness.settings import label

_NAMES: dict[Any, str] = {
    bool: "True|False",
    float: "NUMBER",
    int: "INTEGER",
    str: "TEXT",
    Path: "PATH",
    type(None): "None",
}
_LONGEST_DEFAULT = 40
_FROM_PYTHON = "from Python alone"


class _Untouched(tuple[Any, ...]):
    """The default of an option: it was not given, unlike an option without a value."""

    __slots__ = ()


_UNTOUCHED = _Untouched()


def options_of(config: Any, quick: Any = None) -> type:
    """Make the options of a configuration: a dataclass for `tyro`, several values per field.

    The option of a field with one value takes any number of values; that of a field with a list is
    given once per list. The fields of nested configurations have their name and a dot as a prefix.
    Fields whose values cannot be written as text are in the help, which is the docstring's, with a
    note, and `given` refuses their options.

    Args:
        config: the configuration whose values are shown as defaults.
        quick: the configuration of a quick run, whose values are also shown where they differ.

    Raises: InputError: if a type cannot be read.

    >>> from mnist1d.experiments.classification import Config
    >>> tyro.cli(options_of(Config()), args=["--seeds", "5", "--learning-rate", "0.1", "0.2"])
    ... # doctest: +ELLIPSIS
    ConfigOptions(seeds=(5,), ..., learning_rate=(0.1, 0.2), ...)
    """
    config_type = type(config)
    try:
        hints = get_type_hints(config_type, include_extras=True)
    except (NameError, TypeError) as error:
        raise InputError(f"the types in {config_type.__name__} cannot be read: {error}") from error
    fields: list[tuple[str, Any, Any]] = []
    for field in dataclasses.fields(config_type):
        value, quick_value = getattr(config, field.name), getattr(quick, field.name, None)
        if dataclasses.is_dataclass(value):
            inner = options_of(value, quick_value)
            fields.append((field.name, inner, dataclasses.field(default_factory=inner)))
        elif (kind := _kind(hints[field.name])) is not None:
            shown = f"default: {_shown(value)}"
            if quick is not None and quick_value != value:
                shown += f"; quick: {_shown(quick_value)}"
            marks = [
                tyro.conf.arg(
                    metavar=_metavar(hints[field.name], kind), help_behavior_hint=f"({shown})"
                )
            ]
            if kind == "list":
                marks.append(tyro.conf.UseAppendAction)
            values = types.GenericAlias(tuple, (hints[field.name], ...))
            annotated: Any = Annotated
            option = annotated[(values, *marks)]
            fields.append((field.name, option, dataclasses.field(default=_UNTOUCHED)))
        else:
            mark = tyro.conf.arg(metavar="", help_behavior_hint=f"(set {_FROM_PYTHON})")
            option = Annotated[tuple[str, ...], mark]
            kept = f"a field of {config_type.__name__}: its type, {_shown_type(hints[field.name])},"
            about = {_FROM_PYTHON: f"as {kept} has no form on the command line"}
            untouched = dataclasses.field(default=_UNTOUCHED, metadata=about)
            fields.append((field.name, option, untouched))
    return dataclasses.make_dataclass(
        f"{config_type.__name__}Options",
        fields,
        namespace={"__doc__": _unwrapped(config_type.__doc__ or "")},
        frozen=True,
        kw_only=True,
    )


def _unwrapped(text: str) -> str:
    # `tyro` wraps the help itself, but keeps line breaks before lines that begin with no letter.
    return re.sub(r"\n {5,}", " ", inspect.cleandoc(text))


def given(options: Any, before: str = "--") -> dict[str, list[Any]]:
    """Return the values of every option that was given, by field.

    The option of a truth value means True if it has no value.

    Args:
        options: what `options_of` made, with the values that were given.
        before: how the names of the options begin.

    Raises: InputError: if an option has no value, or can have none.

    >>> from mnist1d.experiments.classification import Config
    >>> make = options_of(Config())
    >>> given(tyro.cli(make, args=["--download-mnist", "--seeds", "5"]))
    {'seeds': [5], 'download_mnist': [True]}
    """
    found: dict[str, list[Any]] = {}
    for field in dataclasses.fields(options):
        values, option = getattr(options, field.name), before + field.name.replace("_", "-")
        if dataclasses.is_dataclass(values):
            inner = given(values, f"{option}.")
            found |= {f"{field.name}.{name}": each for name, each in inner.items()}
        elif _FROM_PYTHON in field.metadata:
            if not isinstance(values, _Untouched):
                raise InputError(
                    f"{option} can be set {_FROM_PYTHON}, {field.metadata[_FROM_PYTHON]}"
                )
        elif not _is_untouched(field, values):
            if not values and _hint(field) is not bool:
                raise InputError(f"{option} needs a value")
            found[field.name] = list(values) or [True]
    return found


def _hint(field: dataclasses.Field[Any]) -> Any:
    """Return the type of a field of the configuration from that of its option."""
    return get_args(get_args(field.type)[0])[0]


def _is_untouched(field: dataclasses.Field[Any], values: tuple[Any, ...]) -> bool:
    # A list that was not given arrives as a new tuple; one that was given has an item.
    is_list = _kind(_hint(field)) == "list"
    return not values if is_list else isinstance(values, _Untouched)


def _shown_type(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


def _kind(hint: Any) -> Literal["one", "list"] | None:
    """Return whether a type's values are one word ("one"), several ("list"), or neither."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _kind(parts[0])
    if hint in _NAMES or origin is Literal:
        return "one"
    if origin in {Union, types.UnionType}:
        kinds = {_kind(part) for part in parts}
        return None if None in kinds else ("list" if "list" in kinds else "one")
    if origin in {tuple, list}:
        inside = [part for part in parts if part is not ...]
        # Lists inside a list are tuples of a fixed length, such as pairs.
        fixed = ... in parts and all(get_origin(each) is tuple for each in inside)
        inside = [word for each in inside for word in get_args(each)] if fixed else inside
        return "list" if {*map(_kind, inside)} == {"one"} and ... not in inside else None
    return None


def _metavar(hint: Any, kind: str) -> str:
    return _words(hint) if kind == "list" else f"{_words(hint)} ..."


def _words(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _words(parts[0])
    if origin is Literal:
        return "|".join(map(str, parts))
    if origin in {Union, types.UnionType}:
        # A path is a text as well.
        kept = [part for part in parts if not (part is str and Path in parts)]
        return "|".join(map(_words, kept))
    if origin is tuple and ... not in parts:
        return " ".join(map(_words, parts))
    if origin in {tuple, list}:
        return f"{_words(parts[0])} ..."
    return _NAMES[hint]


def _shown(value: Any) -> str:
    text = label(value)
    if len(text) > _LONGEST_DEFAULT:
        words = text.split()
        text = f"{' '.join(words[:3])} ... {words[-1]}" if len(words) > 4 else text
    return text or "none"
