"""Activation functions by name, and networks with an activation function of their own."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array


def snake(x: Array) -> Array:
    """Evaluate x + sin² x, element by element.

    Source: Ziyin, Hartwig & Ueda (2020), arXiv:2006.08195, with its factor a = 1.

    >>> round(float(snake(jnp.array(jnp.pi / 2))), 4)
    2.5708
    """
    return x + jnp.sin(x) ** 2


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "elu": jax.nn.elu,
    "swish": jax.nn.silu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "tanh": jnp.tanh,
    "snake": snake,
    "sine": jnp.sin,
}
"""Functions of one number, applied element by element."""


class Equipped(eqx.Module):
    """A network with an activation function of its own, as `MLP` and `CNN` take one.

    Args:
        network: called with a signal and the function.
        activation: the function.

    >>> from mnist1d.models import MLP
    >>> Equipped(MLP(key=jax.random.key(0)), ACTIVATIONS["snake"])(jnp.ones((40, 3))).shape
    (10, 3)
    """

    network: Any
    activation: Callable[[Array], Array]
    batch_last: ClassVar[bool] = True

    def __call__(self, x: Array) -> Array:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        return self.network(x, self.activation)
