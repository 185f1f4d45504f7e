"""Multinomial logistic regression."""

from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Linear


class Logistic(eqx.Module):
    """One affine map from the signal to the class scores: 410 parameters by default.

    Args:
        input_size: length of the signal.
        n_classes: number of classes.
        key: for the initial weights (PyTorch's defaults).

    Source: Greydanus & Kobak (2024), section 4, "logistic regression".

    >>> import jax, jax.numpy as jnp
    >>> Logistic(key=jax.random.key(0))(jnp.ones(40)).shape
    (10,)
    """

    output: Linear
    batch_last: ClassVar[bool] = True

    def __init__(self, input_size: int = 40, n_classes: int = 10, *, key: PRNGKeyArray) -> None:
        self.output = Linear(input_size, n_classes, key=key)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        return self.output(x)
