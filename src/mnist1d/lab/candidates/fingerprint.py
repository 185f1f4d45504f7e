"""Fingerprints of code: texts that determine the behaviour of functions and classes.

The source is not enough: `lambda key: MLP(hidden_size=width, key=key)` depends on `width`. The text
also has a function's defaults, the values in its closure, and the functions and values of the
user's files and modules that it uses; but nothing that differs between two starts of Python.
"""

import functools
import hashlib
import inspect
import json
import os
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import equinox as eqx
import jax

from mnist1d.execution.own_code import (
    global_names,
    is_installed,
    names_in,
    own_imports,
    package_version,
)
from mnist1d.lab.candidates.contents import array_text, digest, parts_of, plain_text

UNKNOWN = "without a fingerprint: "
"""How a line of the text begins that names a value whose content is not in it."""

_LONGEST = 2000
"""Texts of data with more characters are shown by a digest."""
_CODE = (types.ModuleType, types.FunctionType, type)
_READS_BY_TEXT = {"__dict__", "attrgetter", "eval", "exec", "getattr", "globals", "vars"}
"""Names in code that may read any value of a module."""


def source_text(thing: Any) -> str:
    """Return the source of functions and classes, with the values that they refer to.

    Args:
        thing: a function, a class, a `functools.partial`, a value, or a mapping of any of these.

    Returns: a text that is the same in every process, and changes if the thing does. It has the
        versions of installed packages. Values without a content that could be compared, such as
        generators, are named in lines that begin with `UNKNOWN`.

    >>> def made(width):
    ...     return lambda x: x * width
    >>> source_text(made(2)) == source_text(made(2)), source_text(made(2)) == source_text(made(3))
    (True, False)
    """
    walk = _Walk()
    try:
        lines = walk.all_lines(thing)
    except RecursionError:
        lines = ["nested too deeply", f"{UNKNOWN}what is nested too deeply"]
    return "\n".join(lines)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings as JSON, functions among them as their source.

    >>> settings_text({"learning_rate": 0.01})
    '{"learning_rate": 0.01}'
    """
    return json.dumps(dict(settings), default=source_text)


def unknown_parts(source: str) -> list[str]:
    """Return the values that a source names without their content.

    >>> unknown_parts(source_text({"rows": iter(range(3)), "log": open}))
    []
    >>> unknown_parts(source_text({"rows": (each for each in ())}))
    ['rows (generator)']
    """
    lines = [line for line in source.splitlines() if line.startswith(UNKNOWN)]
    return [line.removeprefix(UNKNOWN) for line in dict.fromkeys(lines)]


class _Walk:
    """Goes through everything that a thing consists of, each once."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []  # so that no other object gets the place of one that is gone
        self._open: set[int] = set()
        self._place: list[str] = []
        self._unknown: list[str] = []
        self._packages: set[str] = set()
        self._names: set[str] = set()
        self._modules: dict[str, types.ModuleType] = {}
        self._described: set[tuple[str, str]] = set()

    def all_lines(self, thing: Any) -> list[str]:
        lines = self._lines(thing)
        while more := self._values_of_modules():
            lines += more
        versions = {name: package_version(name) for name in sorted(self._packages)}
        lines += [f"with {name} {version}" for name, version in versions.items() if version]
        return lines + [UNKNOWN + each for each in self._unknown]

    def _lines(self, thing: Any) -> list[str]:
        # The environment is no setting, but where the program runs.
        text = "os.environ" if thing is os.environ else plain_text(thing)
        if text is not None:
            return [text]
        if isinstance(thing, _CODE):
            return self._lines_of_code(thing)
        if (text := array_text(thing)) is not None:
            return [text]
        if type(thing) in {dict, list, tuple, set, frozenset}:
            return self._lines_of_container(thing)
        if (number := self._number(thing)) is not None:
            return [f"the same as {number}"]
        return self._lines_of_object(thing)

    def _lines_of_object(self, thing: Any) -> list[str]:
        if isinstance(thing, functools.partial):
            arguments = (*enumerate(thing.args), *thing.keywords.items())
            return ["partial of", *self._lines(thing.func), *self._named(arguments)]
        if isinstance(thing, types.MethodType):
            return [*self._lines(thing.__func__), *self._lines(thing.__self__)]
        if isinstance(thing, types.CellType):
            return self._lines(_cell_contents(thing))
        if callable(thing) and inspect.getattr_static(thing, "__wrapped__", None) is not None:
            # As `jax.jit` leaves a function.
            lines = [*self._lines(type(thing)), *self._lines(thing.__wrapped__)]
            return lines + self._named(_around(thing).items())
        parts = parts_of(thing)
        if parts is None:
            name = ".".join(self._place[-3:]) or "a value"
            self._unknown.append(f"{name} ({type(thing).__qualname__})")
            return [type(thing).__qualname__]
        return [*self._lines(parts.made_by), *self._named(parts.values)]

    def _number(self, thing: Any) -> int | None:
        """Return the number of a thing that was described before, and give one to all others."""
        number = self._numbers.get(id(thing))
        if number is None:
            self._numbers[id(thing)] = len(self._numbers)
            self._alive.append(thing)
        return number

    def _lines_of_container(self, thing: Any) -> list[str]:
        # Equal ones may be one object or several, as Python likes; but one may contain itself.
        if id(thing) in self._open:
            return ["itself"]
        self._open.add(id(thing))
        lines = [type(thing).__name__]
        if isinstance(thing, dict):
            lines += self._named(thing.items())
        elif isinstance(thing, set | frozenset):  # whose order changes from start to start
            lines += self._sorted(thing)
        else:
            lines += self._named(enumerate(thing))
        self._open.discard(id(thing))
        return lines

    def _sorted(self, things: Iterable[Any]) -> list[str]:
        texts, numbers = [], self._numbers
        for each in things:
            text = plain_text(each)
            if text is None:
                self._numbers = dict(numbers)
                text = "\n  ".join(self._lines(each))
            texts.append(text)
        self._numbers = numbers
        return sorted(texts)

    def _lines_of_code(self, thing: Any) -> list[str]:
        if is_installed(thing):
            name = getattr(thing, "__module__", None) or thing.__name__
            self._packages.add(name.partition(".")[0])
            if isinstance(thing, types.ModuleType):
                return [thing.__name__]
            lines = [f"{thing.__module__}.{thing.__qualname__}"]
            if isinstance(thing, types.FunctionType):
                lines += self._remembered(thing, with_globals=False)
            return lines
        if (number := self._number(thing)) is not None:
            return [f"the same as {number}"]
        lines = [_source(thing)]
        if isinstance(thing, types.ModuleType):
            self._modules[thing.__name__] = thing
            return lines + self._named(_brought_in(thing).items())
        if isinstance(thing, types.FunctionType):
            return lines + self._remembered(thing, with_globals=True)
        for function in _methods(thing):
            lines += self._remembered(function, with_globals=True)
        lines += self._named(_attributes(thing).items())
        for base in thing.__bases__:
            lines += self._lines(base)
        return lines

    def _remembered(self, function: types.FunctionType, *, with_globals: bool) -> list[str]:
        """Describe the defaults, closure values, globals and imports of a function."""
        values: dict[str, Any] = {}
        for i, default in enumerate(function.__defaults__ or ()):
            values[f"default {i}"] = default
        values |= {f"default {k}": v for k, v in (function.__kwdefaults__ or {}).items()}
        code = function.__code__
        cells = function.__closure__ or ()
        values |= dict(zip(code.co_freevars, map(_cell_contents, cells), strict=True))
        if with_globals:
            used = function.__globals__
            values |= {name: used[name] for name in sorted(global_names(code)) if name in used}
            values |= {f"attribute {name}": value for name, value in _set_on(function).items()}
            for module in own_imports(code, used.get("__package__")):
                values[f"import {module.__name__}"] = module
            self._names |= names_in(code)
        values.pop("__class__", None)  # the class that is being described
        return self._named(values.items(), " =")

    def _values_of_modules(self) -> list[str]:
        """Describe the values of own modules that code may read, as far as that is not done."""
        lines = []
        for name, module in list(self._modules.items()):
            values = vars(module)
            used = values if _READS_BY_TEXT & self._names else self._names & values.keys()
            for each in sorted(used):
                if each.startswith("__") or (name, each) in self._described:
                    continue
                self._described.add((name, each))
                lines += self._named([(f"{name}.{each}", values[each])], " =")
        return lines

    def _named(self, items: Iterable[tuple[Any, Any]], sign: str = ":") -> list[str]:
        lines = []
        for key, value in items:
            name = key if isinstance(key, str) else f"[{' '.join(self._lines(key))}]"
            self._place.append(name)
            text = "\n  ".join(self._lines(value))
            self._place.pop()
            if len(text) > _LONGEST and _is_data(value):
                text = f"{type(value).__qualname__}, {digest(text.encode(errors='replace'))}"
            lines.append(f"{name}{sign} {text}")
        return lines


def _is_data(value: Any) -> bool:
    return not isinstance(value, _CODE) and not callable(value) and is_installed(type(value))


def _cell_contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return None


def _around(thing: Any) -> dict[str, Any]:
    """Return attributes of a wrapper other than the function, such as the derivative's rule."""
    is_known = isinstance(thing, jax.custom_jvp | jax.custom_vjp | eqx.Module)
    if not is_known and is_installed(type(thing)):  # which may keep what it has compiled
        return {}
    return _set_on(thing)


def _set_on(thing: Any) -> dict[str, Any]:
    """Return the attributes of a function or wrapper; not those copied from what it wraps."""
    copied = getattr(getattr(thing, "__wrapped__", None), "__dict__", {})
    values = getattr(thing, "__dict__", {})
    return {name: each for name, each in values.items() if name not in {"__wrapped__", *copied}}


def _brought_in(module: types.ModuleType) -> dict[str, Any]:
    """Return what a module has from others that are not installed; its source does not show it."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, _CODE)
        and getattr(value, "__module__", None) != module.__name__
        and not is_installed(value)
    }


def _attributes(kind: type) -> dict[str, Any]:
    """Return the values in the body of a class, its methods apart."""
    methods = (types.FunctionType, classmethod, staticmethod, property)
    return {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("__") and name != "_abc_impl" and not isinstance(value, methods)
    }


def _methods(thing: type) -> list[types.FunctionType]:
    return list(_functions_of(vars(thing).values()))


def _functions_of(values: Iterable[Any]) -> Iterator[types.FunctionType]:
    for value in values:
        parts: tuple[Any, ...] = (value,)
        if isinstance(value, property):
            parts = (value.fget, value.fset)
        for part in parts:
            function = inspect.unwrap(getattr(part, "__func__", part))
            if isinstance(function, types.FunctionType):
                yield function


def _source(thing: Any) -> str:
    """Return the source, as far as there is one, and a digest of the byte code.

    Two functions on one line have one source.
    """
    try:
        source = inspect.cleandoc(inspect.getsource(thing))
    except (OSError, TypeError):  # typed into a console, or compiled
        name = thing.__name__ if isinstance(thing, types.ModuleType) else thing.__qualname__
        source = f"{name}, source not at hand{_file_digest(thing)}"
    if isinstance(thing, types.ModuleType):
        return source
    functions = [thing] if isinstance(thing, types.FunctionType) else _methods(thing)
    codes = "".join(_byte_code(function.__code__) for function in functions)
    return f"{source}\nbyte code {hashlib.sha256(codes.encode()).hexdigest()[:16]}"


def _file_digest(thing: Any) -> str:
    """Return a digest of a module's file, for modules that are not written in Python."""
    try:
        with open(thing.__file__, "rb") as file:  # noqa: PTH123
            return f", {digest(file.read())}"
    except (AttributeError, OSError, TypeError):
        return ""


def _byte_code(code: types.CodeType) -> str:
    constants = [
        _byte_code(each) if isinstance(each, types.CodeType) else _constant(each)
        for each in code.co_consts
    ]
    arguments = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
    instructions = f"{code.co_code.hex()} {code.co_exceptiontable.hex()}"
    return f"{instructions} {arguments} {code.co_varnames} {code.co_names} {constants}"


def _constant(value: Any) -> str:
    return str(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
