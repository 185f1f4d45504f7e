"""A restricted reader of pickles: it executes nothing, and bounds time and memory by file size.

A pickle is a program, and Python's own reader runs it. The reader here refuses everything but
arrays of numbers or text, plain containers and plain values, and rebuilds the arrays from their
bytes by itself, so that a file can neither call a function nor give NumPy a forged array state.
Small files take little time and memory: keys are small, nesting is shallow, and no more is copied
than the file has.
"""

import io
import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["NotAdmittedError", "load_arrays"]

_DEEPEST = 100
# Values in a key, those of tuples in it one by one; keys whose hashes anybody can make equal.
_MOST_VALUES = 1000
_MOST_UNUSUAL_KEYS = 10_000
_LONGEST_TYPE = 16


def load_arrays(content: bytes) -> Any:
    """Return what is in a pickle of arrays in plain containers.

    Args:
        content: the pickle; what follows its end is passed over.

    Raises:
        NotAdmittedError: if there is anything else in it.
        Exception: of any kind, if it is damaged.

    >>> load_arrays(pickle.dumps({"x": np.arange(3)}))
    {'x': array([0, 1, 2])}
    """
    return _resolved(_Unpickler(content).load(), {})


class NotAdmittedError(Exception):
    """The file holds something that is no array and no plain container."""


class _Unpickler(pickle._Unpickler):  # noqa: SLF001 (the reader in C cannot be looked after)
    """Python's own reader; what an operation is about to do is looked at before it does it.

    Args:
        content: the pickle.
    """

    stack: list[Any]
    metastack: list[list[Any]]
    read: Callable[[int], bytes]

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        # The bytes of an array pass `check_arguments` once, or twice where they come as text.
        self._room = 4 * len(content) + 1000
        self._n_unusual = 0

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise NotAdmittedError(f"{module}.{name}") from None

    def check_keys(self, keys: Iterable[Any]) -> None:
        """Refuse keys that take long to hash, or to tell from others."""
        for key in keys:
            if not isinstance(key, str | bytes | float | None) and not _is_small(key, 60):
                self._n_unusual += 1
                if self._n_unusual > _MOST_UNUSUAL_KEYS:
                    raise ValueError("it has very many keys that are no text and no small numbers")
                _check_key(key)

    def check_arguments(self, function: Any, arguments: Any) -> None:
        """Refuse to make things of more than the file has."""
        values = arguments if isinstance(arguments, tuple | list) else (arguments,)
        self._room -= sum(len(value) for value in values if hasattr(value, "__len__"))
        if self._room < 0:
            raise ValueError("it makes more of its content than it has")
        if function in (set, frozenset, OrderedDict) and values:
            (items,) = values
            keys = _of(list, items)
            self.check_keys(
                (_of(list, key)[0] for key in keys) if function is OrderedDict else keys
            )


def _check_target(kind: type[Any], target: Any) -> None:
    """Refuse to put anything into what is no container of the kind."""
    if not isinstance(target, kind):
        raise TypeError(f"it treats {type(target).__name__} as {kind.__name__}")


def _check_key(key: Any) -> None:
    waiting, n_values = [(key, 0)], 1
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, tuple | frozenset):
            n_values += len(value)
            if n_values > _MOST_VALUES or depth >= _DEEPEST:
                raise ValueError("one of its keys is nested too deep, or has too many values")
            waiting += [(part, depth + 1) for part in value]
        elif isinstance(value, int) and not _is_small(value, 10_000):
            raise ValueError("one of its keys is a number of very many digits")


def _is_small(value: Any, most_bits: int) -> bool:
    return isinstance(value, int) and value.bit_length() <= most_bits


def _append(reader: _Unpickler) -> None:
    _check_target(list, reader.stack[-2])


def _append_all(reader: _Unpickler) -> None:
    _check_target(list, reader.metastack[-1][-1])


def _set_item(reader: _Unpickler) -> None:
    _check_target(dict, reader.stack[-3])
    reader.check_keys(reader.stack[-2:-1])


def _set_items(reader: _Unpickler) -> None:
    _check_target(dict, reader.metastack[-1][-1])
    reader.check_keys(reader.stack[::2])


def _add_items(reader: _Unpickler) -> None:
    _check_target(set, reader.metastack[-1][-1])
    reader.check_keys(reader.stack)


def _make_dictionary(reader: _Unpickler) -> None:
    reader.check_keys(reader.stack[::2])


def _make_set(reader: _Unpickler) -> None:
    reader.check_keys(reader.stack)


def _call(reader: _Unpickler) -> None:
    reader.check_arguments(*reader.stack[-2:])


def _give_state(reader: _Unpickler) -> None:
    _check_target(_StandIn, reader.stack[-2])
    reader.check_arguments(None, reader.stack[-1])


def _refuse(_: _Unpickler) -> None:
    raise NotAdmittedError("what no array and no plain container needs")


def _checked(operation: bytes, check: Callable[[_Unpickler], None]) -> Callable[[Any], None]:
    load = pickle._Unpickler.dispatch[operation[0]]  # noqa: SLF001 (as above)

    def check_and_load(reader: Any) -> None:
        check(reader)
        load(reader)

    return check_and_load


def _load_bytearray(reader: Any) -> None:
    # Python's own makes the room before it looks whether there is as much in the file.
    (size,) = struct.unpack("<Q", reader.read(8))
    reader.append(bytearray(reader.read(size)))


_Unpickler.dispatch = (
    pickle._Unpickler.dispatch  # noqa: SLF001 (as above)
    | {
        operation[0]: _checked(operation, check)
        for operation, check in (
            (pickle.APPEND, _append),
            (pickle.APPENDS, _append_all),
            (pickle.SETITEM, _set_item),
            (pickle.SETITEMS, _set_items),
            (pickle.ADDITEMS, _add_items),
            (pickle.DICT, _make_dictionary),
            (pickle.FROZENSET, _make_set),
            (pickle.REDUCE, _call),
            (pickle.NEWOBJ, _call),
            (pickle.BUILD, _give_state),
            (pickle.INST, _refuse),
            (pickle.OBJ, _refuse),
            (pickle.NEWOBJ_EX, _refuse),
            (pickle.PERSID, _refuse),
            (pickle.BINPERSID, _refuse),
            (pickle.EXT1, _refuse),
            (pickle.EXT2, _refuse),
            (pickle.EXT4, _refuse),
            (pickle.NEXT_BUFFER, _refuse),
            (pickle.READONLY_BUFFER, _refuse),
        )
    }
    | {pickle.BYTEARRAY8[0]: _load_bytearray}
)


class _StandIn:
    """What the names in a file mean here. As classes, they cannot be altered by the file."""

    __hash__ = None  # type: ignore[assignment] # nor can they be keys

    def __setstate__(self, state: Any) -> None:
        raise TypeError("it gives a state to something that has none")


class _Type(_StandIn):
    """Stands for numpy.dtype."""

    def __init__(self, text: str, *_flags: Any) -> None:
        if len(_of(str, text)) > _LONGEST_TYPE:
            raise NotAdmittedError(f"an array of type {text}")
        self.type = np.dtype(text)
        if self.type.kind not in "?biufcSU":
            raise NotAdmittedError(f"an array of type {self.type}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, byte_order, *structure = state
        if any(part is not None for part in structure[:3]):
            raise NotAdmittedError("a structured array")
        if byte_order in ("<", ">"):
            self.type = self.type.newbyteorder(byte_order)


class _Array(_StandIn):
    """Stands for numpy.ndarray and the function that makes empty ones, to be filled by a state."""

    array: np.ndarray | None = None

    def __init__(self, *_arguments: Any) -> None: ...

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, by_columns, content = state
        self.array = _filled(content, dtype, shape, "F" if by_columns else "C")


class _Buffer(_StandIn):
    """Stands for the function that makes arrays in protocol 5."""

    def __new__(  # type: ignore[misc] # a stand-in may return the real thing
        cls, content: Any, dtype: Any, shape: Any, order: str, axes: Any = None
    ) -> np.ndarray:
        if order == "K" and axes is not None:
            array = _filled(content, dtype, shape, "C")
            return array.transpose(_whole_numbers(axes)).copy(order="K")
        return _filled(content, dtype, shape, "F" if order == "F" else "C")


class _Scalar(_StandIn):
    """Stands for the function that makes NumPy's scalars."""

    def __new__(cls, dtype: Any, content: Any) -> Any:
        return _filled(content, dtype, (), "C")[()]


class _Bytes(_StandIn):
    """Stands for the functions that make bytes, which protocols 0 to 2 do not have."""

    def __new__(  # type: ignore[misc] # as above
        cls, text: str = "", encoding: str = "latin1"
    ) -> bytes:
        if _of(str, encoding) not in ("latin1", "latin-1"):
            raise NotAdmittedError(f"a text in the encoding {encoding!r}")
        return _of(str, text).encode("latin1")


def _filled(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Return an array of its own memory, in this machine's byte order, with the given bytes."""
    kind = _of(_Type, dtype).type
    if not isinstance(content, bytes | bytearray):
        raise TypeError(f"an array is given as {type(content).__name__}, not as bytes")
    if not kind.itemsize:  # NumPy makes them one wide, and so much of nothing
        raise ValueError("texts of an array have no width")
    if len(content) != kind.itemsize * math.prod(_whole_numbers(shape)):
        raise ValueError("the bytes of an array do not fit its shape")
    array = np.ndarray(shape, kind, content, order=order)
    return array.astype(kind.newbyteorder("="), order="K")


def _whole_numbers(value: Any) -> tuple[int, ...]:
    """Return a shape or axes, of which NumPy would make what they are not."""
    if not isinstance(value, tuple) or not all(type(number) is int for number in value):
        raise TypeError("a shape is no whole numbers")
    return value


def _of(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} in place of {kind.__name__}")
    return value


def _resolved(thing: Any, done: dict[int, tuple[Any, Any]], depth: int = 0) -> Any:
    """Replace the stand-ins by their arrays.

    An object that occurs in several places is visited once: a small file can have it in very many.
    Visited objects are kept alive, so that no other object gets their address.
    """
    if id(thing) in done:
        return done[id(thing)][1]
    if depth > _DEEPEST:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
    if isinstance(thing, dict | list):
        done[id(thing)] = thing, thing  # a container may contain itself
        items = list(thing.items()) if isinstance(thing, dict) else enumerate(thing)
        for key, value in items:
            thing[_resolved(key, done, depth + 1)] = _resolved(value, done, depth + 1)
        return thing
    if isinstance(thing, tuple | set | frozenset):
        values = [_resolved(value, done, depth + 1) for value in thing]
        done[id(thing)] = thing, type(thing)(values)
        return done[id(thing)][1]
    if isinstance(thing, _Array) and thing.array is not None:
        return thing.array
    if isinstance(thing, _StandIn | type):
        raise NotAdmittedError("a type or function of NumPy, or an unfinished array")
    return thing


_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Array,
    ("_codecs", "encode"): _Bytes,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "complex"): complex,
    ("__builtin__", "bytes"): _Bytes,
    ("__builtin__", "set"): set,
    ("__builtin__", "frozenset"): frozenset,
    ("__builtin__", "complex"): complex,
}
for _core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
    _ADMITTED[f"{_core}.multiarray", "_reconstruct"] = _Array
    _ADMITTED[f"{_core}.multiarray", "scalar"] = _Scalar
    _ADMITTED[f"{_core}.numeric", "_frombuffer"] = _Buffer
