"""Models with a state: arrays that steps change without a gradient, such as running means."""

from dataclasses import fields
from typing import Any

import equinox as eqx


class Stateful(eqx.Module):
    """A model with a state, which is carried from step to step.

    Only `model` is trained, and only it is seen by the optimiser. The loss of `Training` gets the
    whole, and returns the new state beside the scalar.

    Attributes:
        model: any pytree, whose inexact arrays are trained.
        state: any pytree of arrays; its shapes and types stay as they are.

    >>> import jax.numpy as jnp
    >>> counted = Stateful(model=jnp.ones(3), state=jnp.zeros(()))
    >>> trained_part(counted).shape, trained_part(jnp.ones(3)).shape
    ((3,), (3,))
    """

    model: Any
    state: Any


def trained_part(model: Any) -> Any:
    """Return what an optimiser sees of a model: all of it, or that without the state."""
    return model.model if isinstance(model, Stateful) else model


def state_of(model: Any) -> Any:
    """Return the state of a model; None if it has none."""
    return model.state if isinstance(model, Stateful) else None


def with_parts(whole: Any, model: Any, state: Any) -> Any:
    """Return a model with another trained part and another state."""
    if not isinstance(whole, Stateful):
        return model
    own = {each.name: getattr(whole, each.name) for each in fields(whole)}
    return type(whole)(**own | {"model": model, "state": state})
