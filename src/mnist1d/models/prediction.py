"""Prediction: a model of one example, applied to many."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num


def predict(
    model: Any, inputs: Num[Array, "n length"], *, chunk_size: int | None = None
) -> Float[Array, "n classes"]:
    """Apply a model of one example to a batch.

    Args:
        model: maps `(length,)` to `(classes,)`; with `batch_last = True` it is called once on
            `(length, n)`, otherwise mapped over the examples.
        inputs: shape (n, length).
        chunk_size: examples held in memory at a time; None for all at once. `n` need not be a
            multiple of it.

    Returns: logits, shape (n, classes).

    >>> from mnist1d.models import Logistic
    >>> model = Logistic(key=jax.random.key(0))
    >>> predict(model, jax.numpy.ones((7, 40)), chunk_size=3).shape
    (7, 10)
    """
    if chunk_size is None or chunk_size >= len(inputs):
        return _predict(model, inputs)
    n_whole = len(inputs) // chunk_size * chunk_size
    chunks = inputs[:n_whole].reshape(-1, chunk_size, *inputs.shape[1:])
    logits = jax.lax.map(lambda chunk: _predict(model, chunk), chunks)
    logits = logits.reshape(n_whole, *logits.shape[2:])
    if n_whole == len(inputs):
        return logits
    return jax.numpy.concatenate([logits, _predict(model, inputs[n_whole:])])


def _predict(model: Any, inputs: Array) -> Array:
    if getattr(model, "batch_last", False):
        return model(inputs.T).T
    return jax.vmap(model)(inputs)


def count_parameters(model: Any) -> int:
    """Count the trainable parameters of a model, or of the shapes of one.

    >>> from mnist1d.models import CNN
    >>> count_parameters(CNN(key=jax.random.key(0)))
    5210
    >>> shapes = eqx.filter_eval_shape(lambda: CNN(key=jax.random.key(0)))  # computes nothing
    >>> count_parameters(shapes)
    5210
    """

    def is_counted(leaf: Any) -> bool:
        if isinstance(leaf, jax.ShapeDtypeStruct):
            return jnp.issubdtype(leaf.dtype, jnp.inexact)
        return eqx.is_inexact_array(leaf)

    leaves = [leaf for leaf in jax.tree.leaves(model) if is_counted(leaf)]
    return sum(math.prod(leaf.shape) for leaf in leaves)
