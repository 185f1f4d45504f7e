"""Losses and measures of classification."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int


def cross_entropy(logits: Float[Array, "n classes"], labels: Int[Array, " n"]) -> Float[Array, ""]:
    """Mean softmax cross-entropy in nats.

    >>> cross_entropy(jnp.zeros((2, 10)), jnp.array([3, 7])).round(4)
    Array(2.3026, dtype=float32)
    """
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def accuracy(logits: Float[Array, "n classes"], labels: Int[Array, " n"]) -> Float[Array, ""]:
    """Fraction of examples whose largest logit is the label's, in [0, 1].

    Logits of which a loss cannot be computed (not finite, or further apart than the largest
    number) say nothing: then the result is NaN, never a number.

    >>> accuracy(jnp.array([[0., 1.], [1., 0.]]), jnp.array([1, 1]))
    Array(0.5, dtype=float32)
    """
    correct = (logits.argmax(axis=1) == labels).mean(dtype=logits.dtype)
    return jnp.where(jnp.isfinite(jnp.ptp(logits, axis=1)).all(), correct, jnp.nan)
