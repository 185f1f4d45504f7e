"""Equinox models with a state, such as those with batch normalisation, as programs train them."""

import operator
from collections.abc import Hashable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from mnist1d.lab.candidates.compiled.network import Network
from mnist1d.lab.candidates.contract import CandidateError
from mnist1d.lab.candidates.search_space import named, needs

_AXIS = "batch"
"""The name of the axis of examples, if no layer says another."""


class EquinoxNetwork(Network):
    """A module of one example whose call needs more than that: a state, a key, or both.

    The examples of a batch share the state, and are an axis with a name.
    """

    axis: Hashable = eqx.field(static=True)
    of_batch: ClassVar[bool] = False

    def __call__(self, x: Array) -> Array:
        """Predict."""
        return self._mapped(x.T, None)[0].T

    def takes_key(self) -> bool:
        """Return whether the call of the module takes a key."""
        return named(type(self.model).__call__, "key")

    def in_training(self, x: Array, key: PRNGKeyArray) -> tuple[Array, Any]:
        """Return logits of a batch and the state after it."""
        return self._mapped(x, jax.random.split(key, len(x)))

    def _mapped(self, x: Array, keys: Array | None) -> tuple[Array, Any]:
        def one(x: Array, state: Any, key: PRNGKeyArray | None) -> tuple[Array, Any]:
            more = {"key": key} if self.takes_key() else {}
            if state is None:
                return self.model(x, **more), None
            found = self.model(x, state=_of_kind(_State, state), **more)
            if not _has_two_parts(found):
                raise CandidateError(
                    "the model was expected to give (logits, state), as it has layers with a "
                    f"state, and gave {type(found).__name__}"
                )
            return found[0], _of_kind(eqx.nn.State, found[1])

        by_example = (0, None, None if keys is None else 0)
        return jax.vmap(one, by_example, (0, None), axis_name=self.axis)(x, self.state, keys)


@jax.tree_util.register_pytree_node_class
class _State(eqx.nn.State):
    """A state whose values may be set to constants in programs of several devices.

    Equinox compares what a value was and is, of which a constant lacks the axis of the devices.
    """

    def set(self, item: Any, value: Any) -> eqx.nn.State:
        known = self.get(item)
        structures = (jax.tree.structure(each) for each in (known, value))
        if operator.eq(*structures):
            value = jax.tree.map(_placed_like, known, value)
        return _of_kind(_State, super().set(item, value))


def _of_kind(kind: type[eqx.nn.State], state: eqx.nn.State) -> Any:
    values, names = state.tree_flatten()
    return kind.tree_unflatten(names, values)


def _placed_like(known: Array, value: Any) -> Array:
    new = jnp.asarray(value)
    is_alike = (new.shape, new.dtype) == (known.shape, known.dtype)
    if not is_alike or jax.typeof(new) == jax.typeof(known):
        return new
    return jnp.where(jnp.ones_like(known, bool), new, known)


def _has_two_parts(found: Any) -> bool:
    return isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], eqx.nn.State)


def as_network(made: Any) -> Any:
    """Return an Equinox model as programs train it; as it is, if its call needs one example alone.

    Args:
        made: a model, or a model and its state as `eqx.nn.make_with_state` returns them.

    Raises: CandidateError: if its layers have a state, and its call does not take it, or their axes
        have several names.
    """
    model, state = made, None
    if _has_two_parts(made):
        model, state = made
    elif _has_state(made):
        model, state = eqx.nn.make_with_state(lambda: made)()
    call = type(model).__call__ if callable(model) else None
    if call is None or (state is None and not needs(call, "key")):
        return model
    if state is not None and not named(call, "state"):
        raise CandidateError(
            "the model was expected to take the state of its layers, such as eqx.nn.BatchNorm, and "
            "does not: write `def __call__(self, x, state)`, hand the state on as in "
            "`x, state = self.norm(x, state)`, and return logits and state"
        )
    return EquinoxNetwork(model=model, state=state, axis=_axis_of(model))


def _has_state(model: Any) -> bool:
    return any(isinstance(each, eqx.nn.StateIndex) for each in _nodes(model, eqx.nn.StateIndex))


def _axis_of(model: Any) -> Hashable:
    """Return the name of the axis over which layers normalise."""
    names: set[Hashable] = set()
    for each in _nodes(model, eqx.nn.BatchNorm):
        if isinstance(each, eqx.nn.BatchNorm):
            axis = each.axis_name
            names |= set(axis) if isinstance(axis, list | tuple) else {axis}
    if len(names) > 1:
        raise CandidateError(
            "the model was expected to have one axis_name in all its layers, that of the batch, "
            f"and has {', '.join(sorted(map(repr, names)))}"
        )
    return names.pop() if names else _AXIS


def _nodes(model: Any, kind: type) -> list[Any]:
    return jax.tree.leaves(model, is_leaf=lambda each: isinstance(each, kind))
