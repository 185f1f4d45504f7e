"""Fingerprints of code: texts that determine the behaviour of functions and classes.

The source is not enough: `lambda key: MLP(hidden_size=width, key=key)` depends on `width`. The text
also has a function's defaults, the values in its closure, and the functions and values of its own
file that it uses; but nothing that differs between two starts of Python.
"""

import dis
import functools
import hashlib
import inspect
import json
import re
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_NO_TEXT: Any = object.__repr__
_INSTALLED = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "purelib", "platlib")
)


def source_text(thing: Any) -> str:
    """Return the source of functions and classes, with the values that they refer to.

    Args:
        thing: a function, a class, a `functools.partial`, a value, or a mapping of any of these.

    Returns: a text that is the same in every process, and changes if the thing does.

    >>> def made(width):
    ...     return lambda x: x * width
    >>> source_text(made(2)) == source_text(made(2)), source_text(made(2)) == source_text(made(3))
    (True, False)
    """
    return "\n".join(_lines(thing, seen=[]))


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings as JSON, functions among them as their source.

    >>> settings_text({"learning_rate": 0.01})
    '{"learning_rate": 0.01}'
    """
    return json.dumps(dict(settings), default=source_text)


def _lines(thing: Any, seen: list[Any]) -> Iterator[str]:
    if isinstance(thing, functools.partial):
        yield "partial of"
        yield from _lines(thing.func, seen)
        yield from _named(enumerate(thing.args), seen)
        yield from _named(thing.keywords.items(), seen)
    elif isinstance(thing, types.MethodType):
        yield from _lines(thing.__func__, seen)
        yield from _lines(thing.__self__, seen)
    elif isinstance(thing, types.ModuleType | types.FunctionType | type):
        yield from _lines_of_code(thing, seen)
    elif hasattr(thing, "__wrapped__") and callable(thing):  # as `jax.jit` leaves a function
        yield type(thing).__name__
        yield from _lines(thing.__wrapped__, seen)
    elif isinstance(thing, Mapping):
        yield from _lines(type(thing), seen)
        yield from _named(thing.items(), seen)
    elif isinstance(thing, tuple | list):
        yield from _lines(type(thing), seen)
        yield from _named(enumerate(thing), seen)
    elif isinstance(thing, set | frozenset):  # whose order changes from start to start
        yield from sorted("\n  ".join(_lines(each, seen)) for each in thing)
    elif (values := _values_inside(thing)) is None:
        yield _value(thing)
    elif (number := _number(thing, seen)) is not None:
        yield f"told of as {number}"
    else:
        seen.append(thing)
        yield from _lines(type(thing), seen)
        yield from _named(values.items(), seen)


def _lines_of_code(
    thing: types.ModuleType | types.FunctionType | type, seen: list[Any]
) -> Iterator[str]:
    if is_installed(thing):
        if isinstance(thing, types.ModuleType):
            yield thing.__name__
            return
        yield f"{thing.__module__}.{thing.__qualname__}"
        if isinstance(thing, types.FunctionType):
            yield from _remembered(thing, seen, with_globals=False)
    elif (number := _number(thing, seen)) is not None:
        yield f"told of as {number}"
    else:
        seen.append(thing)
        yield _source(thing)
        if isinstance(thing, types.ModuleType):
            yield from _named(_brought_in(thing).items(), seen)
        elif isinstance(thing, types.FunctionType):
            yield from _remembered(thing, seen, with_globals=True)
        else:
            for function in _methods(thing):
                yield from _remembered(function, seen, with_globals=True)
            yield from _named(_attributes(thing).items(), seen)
            for base in thing.__bases__:
                yield from _lines(base, seen)


def _number(thing: Any, seen: Sequence[Any]) -> int | None:
    return next((i for i, each in enumerate(seen) if thing is each), None)


def _values_inside(thing: Any) -> dict[str, Any] | None:
    """Return the values in an object; None if its `repr` is complete."""
    if _is_array(thing):
        return None
    if callable(getattr(thing, "get_params", None)):  # an estimator, whose clone has only these
        return dict(thing.get_params(deep=False))
    if is_dataclass(thing):
        return {each.name: getattr(thing, each.name, None) for each in fields(thing)}
    kind = type(thing)
    is_complete = is_installed(kind) and kind.__repr__ != _NO_TEXT
    if is_complete and not hasattr(thing, "state_dict"):  # a module of PyTorch shows no weights
        return None
    slots = [name for each in kind.__mro__ for name in vars(each).get("__slots__", ())]
    values = {name: getattr(thing, name, None) for name in slots if not name.startswith("__")}
    return {**values, **getattr(thing, "__dict__", {})}


def _brought_in(module: types.ModuleType) -> dict[str, Any]:
    """Return what a module imports from modules that are not installed, such as other files."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, types.ModuleType | types.FunctionType | type)
        and getattr(value, "__module__", None) != module.__name__
        and not is_installed(value)
    }


def _attributes(kind: type) -> dict[str, Any]:
    """Return the values in the body of a class, without its methods."""
    methods = (types.FunctionType, classmethod, staticmethod, property)
    return {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("__") and name != "_abc_impl" and not isinstance(value, methods)
    }


def _named(items: Any, seen: list[Any]) -> Iterator[str]:
    for name, value in items:
        yield f"{name}: " + "\n  ".join(_lines(value, seen))


def _remembered(function: types.FunctionType, seen: list[Any], with_globals: bool) -> Iterator[str]:
    """Yield the defaults, closure values and globals of a function."""
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
    # `__class__` is the class that is being described.
    for name, value in values.items():
        if name != "__class__":
            yield f"{name} = " + "\n  ".join(_lines(value, seen))


def _names(code: types.CodeType) -> set[str]:
    """Name the global variables that code reads, without names of attributes."""
    inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    own = {
        each.argval
        for each in dis.get_instructions(code)
        if each.opname == "LOAD_NAME" or "GLOBAL" in each.opname
    }
    return own.union(*map(_names, inner))


def _methods(thing: type) -> list[types.FunctionType]:
    found = []
    for value in vars(thing).values():
        function = inspect.unwrap(getattr(value, "__func__", getattr(value, "fget", value)))
        if isinstance(function, types.FunctionType):
            found.append(function)
    return found


def _source(thing: Any) -> str:
    """Return the source, if there is one, and a digest of the byte code.

    The latter differs for two functions on one line, whose source is the same.
    """
    try:
        source = inspect.cleandoc(inspect.getsource(thing))
    except (OSError, TypeError):  # typed into a console
        name = thing.__name__ if isinstance(thing, types.ModuleType) else thing.__qualname__
        source = f"{name}, source not at hand"
    if isinstance(thing, types.ModuleType):
        return source
    functions = [thing] if isinstance(thing, types.FunctionType) else _methods(thing)
    codes = "".join(_byte_code(function.__code__) for function in functions)
    return f"{source}\nbyte code {hashlib.sha256(codes.encode()).hexdigest()[:16]}"


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


def is_installed(thing: Any) -> bool:
    """Return whether something belongs to an installed package, whose version is stored."""
    name = thing.__name__ if isinstance(thing, types.ModuleType) else thing.__module__
    package = (name or "").partition(".")[0]
    file = getattr(sys.modules.get(package), "__file__", None)
    if package in {"mnist1d", "__main__"} or file is None:
        # The file of `__main__` may be an installed program, such as pytest.
        return package == "mnist1d" or package in sys.stdlib_module_names
    return str(Path(file).resolve()).startswith(_INSTALLED)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | jax.Array) or _is_tensor(value)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")  # imported, if there is a tensor
    return torch is not None and isinstance(value, torch.Tensor)


def _value(value: Any) -> str:
    if _is_array(value):
        if _is_tensor(value):
            value = value.detach().cpu()
        array = np.asarray(jax.random.key_data(value) if _is_key(value) else value)
        content = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        return f"{array.dtype} array of shape {array.shape}, {digest}"
    return _ADDRESS.sub("", repr(value))


def _is_key(value: Any) -> bool:
    return isinstance(value, jax.Array) and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key)
