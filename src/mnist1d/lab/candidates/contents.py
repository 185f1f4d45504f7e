"""The contents of values: the numbers of an array, or the parts that it would be pickled as.

The `repr` of a value is often shortened, or leaves its contents out.
"""

import _thread
import contextvars
import copyreg
import hashlib
import io
import re
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from mnist1d.execution.own_code import is_installed

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PLAIN = (int, float, complex, bool, str, bytes, bytearray, range, type(None), type(...))
_DESCRIPTORS = (
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
)
_LONGEST = 1000
"""Texts with more characters are shown by a digest."""
_LOCKS = (_thread.LockType, _thread.RLock)
_SHOWN_WHOLE = ("jax", "jaxlib", "numpy", "torch")
"""Packages whose objects, if they cannot be pickled, are identified by their `repr`."""


class Parts(NamedTuple):
    """The contents of an object.

    Attributes:
        made_by: its class, or the function that would make it again.
        values: the rest, by name.
    """

    made_by: Any
    values: list[tuple[Any, Any]]


def plain_text(value: Any) -> str | None:
    """Return the text of a value if it determines the value; None for others.

    >>> plain_text(0.1), plain_text(np.float32(0.1)), plain_text([0.1])
    ('0.1', 'np.float32(0.1)', None)
    """
    if type(value) not in _PLAIN and not isinstance(value, np.generic | np.dtype):
        return None
    return shortened(hex(value) if type(value) is int and abs(value) > 10**99 else repr(value))


def shortened(text: str) -> str:
    """Return a text, or of a long one a digest."""
    if len(text) <= _LONGEST:
        return text
    return f"{len(text)} characters, {digest(text.encode(errors='surrogatepass'))}"


def digest(content: bytes) -> str:
    """Return a short digest."""
    return hashlib.sha256(content).hexdigest()[:16]


def array_text(value: Any) -> str | None:
    """Return type, shape and a digest of an array; None for what is none, or has objects in it.

    >>> array_text(np.zeros(3)) == array_text(np.zeros(3)) != array_text(np.ones(3))
    True
    """
    kind = ""
    if _is_tensor(value):
        kind, array = f"{value.dtype}, ", _tensor_numbers(value)
    elif isinstance(value, jax.Array):
        if jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key):
            kind, value = f"{value.dtype}, ", jax.random.key_data(value)
        array = np.asarray(value)
    elif type(value) is np.ndarray and value.dtype.kind not in "OTV":
        array = value
    else:
        return None
    return f"{kind}{array.dtype} array of shape {array.shape}, {digest(array.tobytes())}"


def parts_of(value: Any) -> Parts | None:
    """Return the contents of an object; None if they cannot be found.

    >>> from types import SimpleNamespace
    >>> parts_of(SimpleNamespace(width=3)).values
    [('width', 3)]
    >>> parts_of(each for each in ())
    """
    kind = type(value)
    for types_, parts in _SPECIAL.items():
        if isinstance(value, types_):
            return None if (found := parts(value)) is None else Parts(kind, list(found.items()))
    if kind.__module__.startswith("scipy.sparse") and hasattr(value, "tocoo"):
        # Its other forms note what is known of their order as they are used.
        entries = value.tocoo()
        named = {name: getattr(entries, name) for name in ("shape", "coords", "data")}
        return Parts(kind, list(named.items()))
    return _pickled_parts(value)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")  # if not imported, there are no tensors
    return torch is not None and isinstance(value, torch.Tensor)


def _tensor_numbers(tensor: Any) -> np.ndarray:
    torch: Any = sys.modules["torch"]
    tensor = tensor.detach().cpu()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout is not torch.strided:
        tensor = tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:  # a type that NumPy does not have, such as bfloat16
        flat = tensor.contiguous().reshape(-1).view(torch.uint8)
        return np.asarray(flat.numpy()).reshape(*tensor.shape, -1)


def _of_array(value: np.ndarray) -> dict[str, Any] | None:
    if type(value) is not np.ndarray:  # one with a mask, say, or of a class of one's own
        found = _pickled_parts(value)
        return None if found is None else {"made by": found.made_by, **dict(found.values)}
    if value.dtype.names:
        fields = {name: np.ascontiguousarray(value[name]) for name in value.dtype.names}
        return {"type": value.dtype, **fields}
    if value.dtype.kind == "V":
        return {"type": value.dtype, "shape": value.shape, "bytes": value.tobytes()}
    return {"type": value.dtype, "shape": value.shape, "values": value.ravel().tolist()}


def _of_stream(value: io.IOBase) -> dict[str, Any] | None:
    if isinstance(value, io.StringIO | io.BytesIO) and not value.closed:
        return {"content": value.getvalue()}
    try:
        return None if value.readable() else {}
    except ValueError:  # it is closed
        return {}


_SPECIAL: dict[Any, Any] = {
    np.ndarray: _of_array,
    _LOCKS: lambda _: {},
    threading.local: lambda value: dict(vars(value)),
    contextvars.ContextVar: lambda value: {"name": value.name, "value": value.get(None)},
    io.IOBase: _of_stream,
    (weakref.WeakKeyDictionary, weakref.WeakValueDictionary): lambda _: {},  # which are caches
    weakref.ref: lambda value: {"referent": value()},
    _DESCRIPTORS: lambda value: {"name": value.__qualname__},
    property: lambda value: {name: getattr(value, name) for name in ("fget", "fset", "fdel")},
    (classmethod, staticmethod): lambda value: {"function": value.__func__},
    types.MappingProxyType: lambda value: {"items": dict(value)},
}
"""Kinds of objects that are not pickled, or not as what they hold: the values of each by name."""


def _pickled_parts(value: Any) -> Parts | None:
    kind = type(value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reduce = copyreg.dispatch_table.get(kind)
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
    except Exception:  # noqa: BLE001 (a user's object may raise anything)
        return _unpickled_parts(value)
    if isinstance(reduced, str):
        package = _package_with(reduced, value)
        return None if package is None else Parts(kind, [("name", f"{reduced} of {package}")])
    made_by, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    if made_by is getattr(copyreg, "__newobj__", None):
        made_by, *arguments = arguments
    named = [(f"argument {number}", each) for number, each in enumerate(arguments or ())]
    return Parts(made_by, [*named, *_state(kind, state), *enumerate(items or ()), *(pairs or ())])


def _unpickled_parts(value: Any) -> Parts | None:
    """Return what an object that cannot be pickled says of itself."""
    kind = type(value)
    text = repr(value)
    if kind.__module__.partition(".")[0] in _SHOWN_WHOLE and not _ADDRESS.search(text):
        return Parts(kind, [("text", text)])
    if is_installed(kind):
        return None
    slots = [name for each in kind.__mro__ for name in vars(each).get("__slots__", ())]
    values = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    values |= getattr(value, "__dict__", {})
    return Parts(kind, list(_state(kind, values))) if values else None


def _state(kind: type, state: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the values of an object's state by name; not what was computed of others and kept."""
    if isinstance(state, dict):
        for name, value in state.items():
            if not isinstance(getattr(kind, str(name), None), cached_property):
                yield name, value
    elif isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
        yield from _state(kind, state[0])
        yield from _state(kind, state[1])
    elif state is not None:
        yield "state", state


def _package_with(name: str, value: Any) -> str | None:
    """Return the package in one of whose modules a value is found by its name."""
    first, *others = name.split(".")
    own = sys.modules.get(getattr(value, "__module__", None) or "")
    for module in (own, *list(sys.modules.values())):
        names = getattr(module, "__dict__", {})
        found = names.get(first)
        for part in others:
            found = getattr(found, part, None)
        if found is value:
            return str(names.get("__name__")).partition(".")[0]
    return None
