"""Pickling of candidates for other processes, with the user's code.

Candidates may be closures, classes of a notebook, or models of a file that no worker can import:
such code is sent by value (cloudpickle), installed packages by name.
"""

import dataclasses
import inspect
import io
import os
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import equinox as eqx
import jax

from mnist1d.dataset.imports import required
from mnist1d.execution.own_code import is_installed, own_imports
from mnist1d.lab.candidates.checks import describe_error
from mnist1d.lab.candidates.contract import Candidate, CandidateError


def packed(candidate: Candidate | tuple[Any, ...]) -> bytes:
    """Return a candidate as bytes, which `pickle.loads` turns into one in another process.

    Args:
        candidate: any candidate, or a tuple with one.

    Raises:
        CandidateError: if it holds what cannot be sent, such as an open file.
        ModuleNotFoundError: if cloudpickle is not installed, with the line that installs it.

    >>> import pickle
    >>> from mnist1d.lab.candidates.fitted import FunctionCandidate
    >>> factor = 2
    >>> again = pickle.loads(packed(FunctionCandidate(lambda x, y: lambda new: factor * new)))
    >>> again.function(None, None)(21)
    42
    """
    cloudpickle = required("cloudpickle", extra="lab")
    imported: dict[str, types.ModuleType] = {}
    n_known = -1
    try:
        # Modules that functions import may have functions that import others.
        while n_known < len(imported):
            n_known = len(imported)
            data = io.BytesIO()
            pickler = cloudpickle.Pickler(data)
            pickler.reducer_override = partial(_reduced, pickler.reducer_override, imported)
            with _by_value(cloudpickle):
                pickler.dump(_Together(dict(imported), candidate) if imported else candidate)
    except Exception as error:  # a user's object may raise anything
        raise CandidateError(
            f"expected what can be sent to other processes, and raised {describe_error(error)}"
        ) from error
    return data.getvalue()


class _Together:
    """A candidate, with the modules that its functions import when they are called."""

    def __init__(self, modules: Mapping[str, types.ModuleType], candidate: Any) -> None:
        self._modules, self._candidate = modules, candidate

    def __reduce__(self) -> tuple[Any, ...]:
        return _taken_apart, (os.getpid(), self._modules, self._candidate)


def _taken_apart(process: int, modules: Mapping[str, types.ModuleType], candidate: Any) -> Any:
    # As they are in the process that sent them, with values that were changed there.
    if os.getpid() != process:
        sys.modules.update(modules)
    return candidate


def _reduced(
    reduce: Callable[[Any], Any], imported: dict[str, types.ModuleType], thing: Any
) -> Any:
    """Return how a thing is pickled: as by cloudpickle, except for what it does not support.

    Modules of one's own that functions import when they are called are added to `imported`.
    """
    if isinstance(thing, types.FunctionType) and not is_installed(thing):
        package = thing.__globals__.get("__package__")
        imported.update({each.__name__: each for each in own_imports(thing.__code__, package)})
    if (name := _global_name(thing)) is not None:
        return name
    if isinstance(thing, jax.custom_vjp):  # its constructor needs its function
        return jax.custom_vjp, (thing.fun,), dict(vars(thing))
    reduced = reduce(thing)
    is_module = isinstance(thing, type) and issubclass(thing, eqx.Module)
    if not is_module or not isinstance(reduced, tuple):
        return reduced
    make, arguments, *state = reduced
    annotated = inspect.get_annotations(thing)
    fields = {
        each.name: dict(each.metadata)
        for each in dataclasses.fields(thing)
        if each.name in annotated
    }
    return _bare_module, (make, arguments, fields, "__init__" in vars(thing)), *state


def _global_name(thing: Any) -> str | None:
    """Return the name by which an object of JAX can be imported; None for all others."""
    if thing is jax.Array:
        return "Array"  # its `__qualname__` is another one
    if not callable(thing) or not hasattr(thing, "__wrapped__"):
        return None
    module, name = sys.modules.get(thing.__module__), getattr(thing, "__qualname__", "")
    is_global = module is not None and vars(module).get(name) is thing and is_installed(module)
    return name if is_global else None


def _bare_module(
    make: Callable[..., type],
    arguments: tuple[Any, ...],
    fields: Mapping[str, Mapping[str, Any]],
    has_init: bool,
) -> type:
    """Make a class of Equinox with its fields, to which cloudpickle adds the methods later.

    Equinox reads the fields of a class, and whether it has an `__init__`, when the class is made;
    cloudpickle makes an empty class and fills it.
    """
    kind, name, bases, namespace, *rest = arguments
    namespace = {
        **namespace,
        "__annotations__": dict.fromkeys(fields, Any),
        **{each: dataclasses.field(metadata=metadata) for each, metadata in fields.items()},
    }
    if has_init:
        namespace["__init__"] = lambda self: None  # noqa: ARG005
    return make(kind, name, bases, namespace, *rest)


@contextmanager
def _by_value(cloudpickle: Any) -> Iterator[None]:
    """Send modules by value that are not installed, and so may be missing elsewhere."""
    known = cloudpickle.list_registry_pickle_by_value()
    own = [
        module
        for name, module in list(sys.modules.items())
        if isinstance(module, types.ModuleType)
        and name == module.__name__ != "__main__"
        and isinstance(vars(module).get("__file__"), str)
        and name not in known
        and not is_installed(module)
    ]
    try:
        for module in own:
            cloudpickle.register_pickle_by_value(module)
        yield
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)
