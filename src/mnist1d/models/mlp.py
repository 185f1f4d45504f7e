"""The multilayer perceptron with two or more hidden layers."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Linear


class MLP(eqx.Module):
    """Two hidden layers of equal width, or more; 15,210 parameters by default.

    With `a = relu(W1 x)`, the second hidden layer is `a + relu(W2 a)` (residual, as in the
    published classification and lottery experiments) or `relu(W2 a)` (as in double descent).
    Further layers, which the paper does not have, are like the second.

    Args:
        input_size: length of the signal.
        hidden_size: width of both hidden layers.
        n_classes: number of classes.
        residual: whether the second layer adds to the first.
        depth: number of hidden layers, 2 or more.
        key: for the initial weights (PyTorch's defaults).

    Source: Greydanus & Kobak (2024), sections 4 and 5.2, and their notebooks.

    >>> import jax.numpy as jnp
    >>> MLP(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    hidden: Linear
    second: Linear
    output: Linear
    more: tuple[Linear, ...]
    residual: bool = eqx.field(static=True)
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        hidden_size: int = 100,
        n_classes: int = 10,
        *,
        residual: bool = True,
        depth: int = 2,
        key: PRNGKeyArray,
    ) -> None:
        hidden_key, second_key, output_key = jax.random.split(key, 3)
        self.hidden = Linear(input_size, hidden_size, key=hidden_key)
        self.second = Linear(hidden_size, hidden_size, key=second_key)
        self.output = Linear(hidden_size, n_classes, key=output_key)
        more_keys = jax.random.split(jax.random.fold_in(key, 1), depth - 2)
        self.more = tuple(Linear(hidden_size, hidden_size, key=each) for each in more_keys)
        self.residual = residual

    def __call__(
        self,
        x: Float[Array, "length *batch"],
        activation: Callable[[Array], Array] = jax.nn.relu,
    ) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`.

        Args:
            x: signals.
            activation: in place of the published relu, element by element.
        """
        hidden = activation(self.hidden(x))
        for layer in (self.second, *self.more):
            further = activation(layer(hidden))
            hidden = hidden + further if self.residual else further
        return self.output(hidden)
