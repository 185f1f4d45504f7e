"""Layers of the models beyond the paper, with the batch as the last axis.

Arrays are `(features, positions, *batch)`: `Linear` and `LayerNorm` act on every position alike.
Normalisation has no state: it uses the numbers of one example, never those of the batch.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Linear

EPSILON = 1e-5
"""Added to variances, as in PyTorch."""


class LayerNorm(eqx.Module):
    """Features standardised over the leading axes, then scaled and shifted one by one.

    Args:
        size: number of features, the length of the leading axis.
        n_axes: leading axes that are standardised together: 1 for the features of every position
            (layer normalisation), 2 for all features of all positions (group normalisation with a
            single group).

    Scales are 1 and shifts 0 at first, as in PyTorch.

    Source: Ba, Kiros & Hinton (2016), arXiv:1607.06450; Wu & He (2018), arXiv:1803.08494.

    >>> normalised = LayerNorm(2)(jnp.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> normalised.round(2).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    weight: Float[Array, " size"]
    bias: Float[Array, " size"]
    n_axes: int = eqx.field(static=True)

    def __init__(self, size: int, n_axes: int = 1) -> None:
        self.weight = jnp.ones(size)
        self.bias = jnp.zeros(size)
        self.n_axes = n_axes

    def __call__(self, x: Float[Array, "size *rest"]) -> Float[Array, "size *rest"]:
        """Normalise `(size, *rest)`."""
        axes = tuple(range(self.n_axes))
        centred = x - x.mean(axes, keepdims=True)
        deviation = jnp.sqrt(jnp.square(centred).mean(axes, keepdims=True) + EPSILON)
        by_feature = (-1, *(1,) * (x.ndim - 1))
        scale, shift = self.weight.reshape(by_feature), self.bias.reshape(by_feature)
        return centred / deviation * scale + shift


class FeedForward(eqx.Module):
    """Two affine maps along the leading axis with gelu between them.

    Args:
        size: features of input and output.
        hidden_size: features between the maps.
        key: for the initial weights (PyTorch's defaults).

    >>> FeedForward(8, 16, key=jax.random.key(0))(jnp.ones((8, 5, 3))).shape
    (8, 5, 3)
    """

    inner: Linear
    outer: Linear

    def __init__(self, size: int, hidden_size: int, *, key: PRNGKeyArray) -> None:
        inner_key, outer_key = jax.random.split(key)
        self.inner = Linear(size, hidden_size, key=inner_key)
        self.outer = Linear(hidden_size, size, key=outer_key)

    def __call__(self, x: Float[Array, "size *rest"]) -> Float[Array, "size *rest"]:
        """Map `(size, *rest)` to the same shape."""
        return self.outer(jax.nn.gelu(self.inner(x), approximate=False))


class SelfAttention(eqx.Module):
    """Multi-head attention of all positions to all: softmax(QK' / sqrt(size of a head)) V.

    Args:
        size: features of input and output, a multiple of `n_heads`.
        n_heads: number of heads.
        key: for the initial weights: those of PyTorch's `Linear` for all maps, where PyTorch's
            `MultiheadAttention` has Xavier's for the inputs.

    Source: Vaswani et al. (2017), arXiv:1706.03762, section 3.2.

    >>> SelfAttention(8, 2, key=jax.random.key(0))(jnp.ones((8, 5, 3))).shape
    (8, 5, 3)
    """

    inputs: Linear
    output: Linear
    n_heads: int = eqx.field(static=True)

    def __init__(self, size: int, n_heads: int, *, key: PRNGKeyArray) -> None:
        if size % n_heads:
            raise ValueError(f"size must be a multiple of n_heads = {n_heads}, not {size}")
        inputs_key, output_key = jax.random.split(key)
        self.inputs = Linear(size, 3 * size, key=inputs_key)
        self.output = Linear(size, size, key=output_key)
        self.n_heads = n_heads

    def __call__(
        self, x: Float[Array, "size positions *batch"]
    ) -> Float[Array, "size positions *batch"]:
        """Map `(size, positions, *batch)` to the same shape."""
        head_size = len(x) // self.n_heads
        heads = self.inputs(x).reshape(3, self.n_heads, head_size, *x.shape[1:])
        queries, keys, values = heads
        scores = jnp.einsum("hfq...,hfk...->hqk...", queries, keys) / math.sqrt(head_size)
        weights = jax.nn.softmax(scores, axis=2)
        return self.output(jnp.einsum("hqk...,hfk...->hfq...", weights, values).reshape(x.shape))


def patches(x: Float[Array, "length *batch"], size: int) -> Float[Array, "size positions *batch"]:
    """Cut signals into patches that do not overlap.

    Args:
        x: signals, their length a multiple of `size`.
        size: points of a patch; 1 for every point alone.

    Source: Dosovitskiy et al. (2021), arXiv:2010.11929, for images.

    >>> patches(jnp.arange(6.0), 2).tolist()
    [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    """
    return x.reshape(-1, size, *x.shape[1:]).swapaxes(0, 1)


def n_patches(input_size: int, patch_size: int) -> int:
    """Return the number of patches of a signal.

    Raises: ValueError: if the signal is no multiple of a patch.

    >>> n_patches(40, 4)
    10
    """
    if input_size % patch_size:
        raise ValueError(f"patch_size must divide input_size = {input_size}, not be {patch_size}")
    return input_size // patch_size
