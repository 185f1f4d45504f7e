"""Conversion of what users pass as a candidate into a `Candidate`."""

import inspect
import sys
from importlib import import_module
from typing import Any

import equinox as eqx
import jax

from mnist1d.dataset import checks
from mnist1d.lab.candidates.contract import Candidate
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.candidates.fitted import (
    FunctionCandidate,
    SklearnCandidate,
    fits_and_predicts,
)
from mnist1d.lab.candidates.plain_jax import JaxCandidate, is_pair
from mnist1d.lab.candidates.search_space import takes_by_name

_CONTRACT = ("check", "framework", "search", "source", "train")
_WANTED = (
    "a function key -> model or a class of Equinox, a class of flax.nnx or a function rngs -> "
    "module, two functions (init, apply) of JAX, a subclass of nn.Module or a function without "
    "arguments that makes one, an object with fit and predict, as an estimator of scikit-learn, a "
    "function (x, y, ...) -> predict, or one of the candidates of mnist1d.lab"
)


def as_candidate(name: str, given: Any) -> Candidate:
    """Return a candidate of the right kind.

    Args:
        name: of the candidate, for messages.
        given: a candidate; a class or function `key -> model` of Equinox; a class of Flax NNX, or a
            function of `rngs` or a key that makes a module; two functions `(init, apply)` of JAX; a
            subclass of PyTorch's `nn.Module`, or a function without arguments that makes one; an
            object with `fit` and `predict`, as an estimator of scikit-learn, or a function that
            makes one; a training function `(x, y, ...) -> predict`.

    Raises: TypeError: if it is none of these.

    >>> from mnist1d.models import MLP
    >>> as_candidate("MLP", MLP).framework
    'Equinox'
    """
    if all(hasattr(given, part) for part in _CONTRACT):
        return given
    if _is_torch(given):
        return _torch(given)
    if _is_of("flax.linen", given):
        raise TypeError(
            f"{name} must be two functions of the module of Flax Linen: (lambda key: "
            "module.init(key, jnp.zeros((1, 40))), module.apply)"
        )
    if isinstance(given, eqx.Module) or (_is_flax(given) and not isinstance(given, type)):
        raise TypeError(
            f"{name} must be {_WANTED}, not a finished model ({type(given).__name__}): every seed "
            "starts from weights of its own"
        )
    for is_kind, kind in (
        (is_pair, JaxCandidate),
        (_is_flax, _flax),
        (lambda each: isinstance(each, type) and issubclass(each, eqx.Module), EquinoxCandidate),
        (fits_and_predicts, SklearnCandidate),
    ):
        if is_kind(given):
            return kind(given)
    if not callable(given):
        raise TypeError(f"{name} must be {_WANTED}, not {checks.typed(given)}")
    return _from_function(name, given)


def _from_function(name: str, given: Any) -> Candidate:
    """Return the candidate of a function, by its required arguments or what it returns."""
    try:
        parameters = inspect.signature(given).parameters.values()
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be {_WANTED}, not {checks.typed(given)}") from None
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [each.name for each in parameters if each.default is each.empty]
    needed = [each.name for each in parameters if each.name in needed and each.kind not in kinds]
    if needed == ["rngs"] or (needed and _makes_flax(given)):
        return _flax(given)
    if needed == ["key"] or (len(needed) == 1 and not isinstance(given, type)):
        return EquinoxCandidate(given)
    if len(needed) > 1:
        return FunctionCandidate(given)
    try:
        made = given()
    except (Exception, SystemExit) as error:
        # a user's function can raise anything
        if takes_by_name(given, "key"):
            return EquinoxCandidate(given)
        raise TypeError(
            f"{name} must be {_WANTED}; calling it without arguments raised "
            f"{type(error).__name__}: {error}"
        ) from error
    if _is_torch(made):
        return _torch(given)
    if fits_and_predicts(made):
        return SklearnCandidate(given)
    raise TypeError(f"{name} must be {_WANTED}; called without arguments it made {type(made)}")


def _is_torch(given: Any) -> bool:
    torch = sys.modules.get("torch")  # imported, if there is a module of PyTorch
    if torch is None:
        return False
    module = torch.nn.Module
    return isinstance(given, module) or (isinstance(given, type) and issubclass(given, module))


def _is_flax(given: Any) -> bool:
    return _is_of("flax.nnx", given)


def _is_of(library: str, given: Any) -> bool:
    """Return whether something is a module of a library of Flax, or a class of such."""
    imported = sys.modules.get(library)  # it is, if there is a module of it
    module = getattr(imported, "Module", ())
    return isinstance(given, module) or (isinstance(given, type) and issubclass(given, module))


def _makes_flax(given: Any) -> bool:
    """Return whether a function of a key makes a module of Flax."""
    if "flax.nnx" not in sys.modules:
        return False
    try:
        return _is_flax(jax.eval_shape(given, jax.random.key(0)))
    except (Exception, SystemExit):  # noqa: BLE001 (a user's function may raise anything)
        return False


def _flax(given: Any) -> Candidate:
    return import_module("mnist1d.lab.candidates.flax").FlaxCandidate(given)


def _torch(given: Any) -> Candidate:
    return import_module("mnist1d.lab.candidates.torch").TorchCandidate(given)
