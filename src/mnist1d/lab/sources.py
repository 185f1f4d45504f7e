"""The text that determines what a function or class does, as far as it is to be had.

The source alone does not: `lambda key: MLP(hidden_size=width, key=key)` does something else for
every `width`. So what a function remembers (defaults, what it encloses, the functions and values of
its own file that it names) belongs to the text, and nothing that changes from one start of Python
to the next.
"""

import functools
import hashlib
import inspect
import re
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_INSTALLED = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "purelib", "platlib")
)


def source_text(thing: Any) -> str:
    """Write down what a thing is: source of functions and classes, values of what they remember.

    Args:
        thing: a function, a class, a `functools.partial`, a value, or a mapping of any of these.

    Returns: text that is the same in every process, and another one if what it stands for changes.

    >>> def made(width):
    ...     return lambda x: x * width
    >>> source_text(made(2)) == source_text(made(2)), source_text(made(2)) == source_text(made(3))
    (True, False)
    """
    return "\n".join(_lines(thing, seen=[]))


def _lines(thing: Any, seen: list[Any]) -> Iterator[str]:
    if isinstance(thing, functools.partial):
        yield "partial of"
        yield from _lines(thing.func, seen)
        yield from _named(enumerate(thing.args), seen)
        yield from _named(thing.keywords.items(), seen)
    elif isinstance(thing, types.MethodType):
        yield from _lines(thing.__func__, seen)
        yield from _lines(thing.__self__, seen)
    elif isinstance(thing, types.FunctionType | type):
        if _is_installed(thing):
            yield f"{thing.__module__}.{thing.__qualname__}"
            if isinstance(thing, types.FunctionType):
                yield from _remembered(thing, seen, with_globals=False)
        elif not any(thing is each for each in seen):
            seen.append(thing)
            yield _source(thing)
            functions = [thing] if isinstance(thing, types.FunctionType) else _methods(thing)
            for function in functions:
                yield from _remembered(function, seen, with_globals=True)
            if isinstance(thing, type):
                for base in thing.__bases__:
                    yield from _lines(base, seen)
    elif hasattr(thing, "__wrapped__") and callable(thing):  # as `jax.jit` leaves a function
        yield type(thing).__name__
        yield from _lines(thing.__wrapped__, seen)
    elif isinstance(thing, Mapping):
        yield from _named(thing.items(), seen)
    elif isinstance(thing, tuple | list):
        yield type(thing).__name__
        yield from _named(enumerate(thing), seen)
    elif is_dataclass(thing) and not any(thing is each for each in seen):
        seen.append(thing)
        yield from _lines(type(thing), seen)
        values = {each.name: getattr(thing, each.name, None) for each in fields(thing)}
        yield from _named(values.items(), seen)
    else:
        yield _value(thing)


def _named(items: Any, seen: list[Any]) -> Iterator[str]:
    for name, value in items:
        yield f"{name}: " + "\n  ".join(_lines(value, seen))


def _remembered(function: types.FunctionType, seen: list[Any], with_globals: bool) -> Iterator[str]:
    """Tell of everything a function computes with that its source does not show."""
    values: dict[str, Any] = {}
    for i, default in enumerate(function.__defaults__ or ()):
        values[f"default {i}"] = default
    values |= {f"default {k}": v for k, v in (function.__kwdefaults__ or {}).items()}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            values[name] = cell.cell_contents
        except ValueError:  # not set yet
            continue
    if with_globals:
        used = sorted(_names(function.__code__))
        values |= {
            name: function.__globals__[name] for name in used if name in function.__globals__
        }
    # Modules are known by their name, and `__class__` is the class that is being told of.
    for name, value in values.items():
        if not isinstance(value, types.ModuleType) and name != "__class__":
            told = "\n  ".join(_lines(value, seen))
            if told:
                yield f"{name} = {told}"


def _names(code: types.CodeType) -> set[str]:
    inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _methods(thing: type) -> list[types.FunctionType]:
    found = []
    for value in vars(thing).values():
        function = inspect.unwrap(getattr(value, "__func__", getattr(value, "fget", value)))
        if isinstance(function, types.FunctionType):
            found.append(function)
    return found


def _source(thing: Any) -> str:
    try:
        return inspect.cleandoc(inspect.getsource(thing))
    except (OSError, TypeError):  # typed into a console: its byte code stands for it
        functions = [thing] if isinstance(thing, types.FunctionType) else _methods(thing)
        codes = "".join(_byte_code(function.__code__) for function in functions)
        digest = hashlib.sha256(codes.encode()).hexdigest()[:16]
        return f"{thing.__qualname__}, source not at hand, byte code {digest}"


def _byte_code(code: types.CodeType) -> str:
    constants = [
        _byte_code(each) if isinstance(each, types.CodeType) else repr(each)
        for each in code.co_consts
    ]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _is_installed(thing: Any) -> bool:
    """Tell whether something belongs to a package, whose version is stored elsewhere."""
    package = (getattr(thing, "__module__", None) or "").partition(".")[0]
    if package in {"mnist1d", "builtins"}:
        return True
    module = sys.modules.get(package)
    file = getattr(module, "__file__", None)
    return file is not None and str(Path(file).resolve()).startswith(_INSTALLED)


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(jax.random.key_data(value) if _is_key(value) else value)
        digest = hashlib.sha256(array.tobytes()).hexdigest()[:16]
        return f"{array.dtype} array of shape {array.shape}, {digest}"
    return _ADDRESS.sub("", repr(value))


def _is_key(value: Any) -> bool:
    return isinstance(value, jax.Array) and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key)
