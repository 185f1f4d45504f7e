"""The layers of the published models, with the batch as the last axis.

A signal is a column: arrays are `(features, *batch)`, so one example is `(features,)` and a
batch `(features, n)`. One definition serves both. On a CPU the last axis is the contiguous one,
and a long contiguous batch axis makes every matrix product and every elementwise operation of
these small networks several times faster than the usual `(n, features)`.
"""

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.pytorch_stream import PyTorchStream


def uniform(key: PRNGKeyArray, shape: tuple[int, ...], fan_in: int) -> Array:
    """Draw independent entries from U[-b, b], b = 1 / sqrt(fan_in): PyTorch's default.

    Source: PyTorch's `Linear` and `Conv1d` (Kaiming-uniform with slope sqrt(5): the same bound).

    >>> weights = uniform(jax.random.key(0), (100, 40), fan_in=40)
    >>> bool(abs(weights).max() <= 1 / math.sqrt(40))
    True
    """
    bound = 1 / math.sqrt(fan_in)
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


def affine(
    weight: Float[Array, "out_size in_size"],
    bias: Float[Array, " out_size"],
    x: Float[Array, "in_size *rest"],
) -> Float[Array, "out_size *rest"]:
    """Apply `weight @ x + bias` along the leading axis of `x`.

    >>> affine(jnp.ones((2, 3)), jnp.zeros(2), jnp.ones((3, 4, 5))).shape
    (2, 4, 5)
    """
    # One matrix of all columns: XLA's products on a CPU are nearly twice as fast.
    columns = x.reshape(len(x), -1)
    return (weight @ columns + bias[:, None]).reshape(-1, *x.shape[1:])


class Linear(eqx.Module):
    """An affine map `weight @ x + bias`.

    Args:
        in_size: number of input features.
        out_size: number of output features.
        key: for the initial values (PyTorch's defaults, `uniform`).

    >>> Linear(40, 10, key=jax.random.key(0))(jnp.ones((40, 7))).shape
    (10, 7)
    """

    weight: Float[Array, "out_size in_size"]
    bias: Float[Array, " out_size"]

    def __init__(self, in_size: int, out_size: int, *, key: PRNGKeyArray) -> None:
        weight_key, bias_key = jax.random.split(key)
        self.weight = uniform(weight_key, (out_size, in_size), in_size)
        self.bias = uniform(bias_key, (out_size,), in_size)

    def __call__(self, x: Float[Array, "in_size *batch"]) -> Float[Array, "out_size *batch"]:
        """Map `(in_size, *batch)` to `(out_size, *batch)`."""
        return affine(self.weight, self.bias, x)


class Convolution(eqx.Module):
    """A convolution with zero padding over one or more axes, computed as one matrix product.

    Five times faster on a CPU than `lax.conv_general_dilated` at these sizes: the patches of the
    whole batch form one matrix, so the layer is a single product.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: taps per channel and axis.
        n_axes: axes that the kernel moves along: 1 for signals, 2 for images.
        stride: distance of neighbouring outputs, in points.
        padding: zeros added at both ends of every axis, or a pair of how many before and after it.
        dilation: distance of neighbouring taps, in points.
        key: for the initial values (PyTorch's defaults, `uniform`).

    >>> layer = Convolution(1, 25, 5, stride=2, padding=1, key=jax.random.key(0))
    >>> layer(jnp.ones((1, 40, 7))).shape
    (25, 19, 7)
    >>> layer = Convolution(1, 25, 5, n_axes=2, stride=2, padding=1, key=jax.random.key(0))
    >>> layer(jnp.ones((1, 28, 28, 7))).shape
    (25, 13, 13, 7)
    """

    weight: Float[Array, "out_channels *kernel in_channels"]
    bias: Float[Array, " out_channels"]
    stride: int = eqx.field(static=True)
    padding: int | tuple[int, int] = eqx.field(static=True)
    dilation: int = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        n_axes: int = 1,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int = 1,
        key: PRNGKeyArray,
    ) -> None:
        weight_key, bias_key = jax.random.split(key)
        kernel = (kernel_size,) * n_axes
        fan_in = in_channels * math.prod(kernel)
        self.weight = uniform(weight_key, (out_channels, *kernel, in_channels), fan_in)
        self.bias = uniform(bias_key, (out_channels,), fan_in)
        self.stride, self.padding, self.dilation = stride, padding, dilation

    def __call__(self, x: Float[Array, "in_channels *axes_batch"]) -> Float[Array, "out *rest"]:
        """Map `(in_channels, *axes, *batch)` to `(out_channels, *out_axes, *batch)`.

        Along every axis `out_size = (size + zeros - span) // stride + 1`, with `zeros` added by the
        padding, where a kernel spans `(kernel_size - 1) * dilation + 1` points.
        """
        *kernel, _ = self.weight.shape[1:]
        taps = [range(0, size * self.dilation, self.dilation) for size in kernel]
        x = _windows(x, taps, self.stride, self.padding)
        return affine(self.weight.reshape(len(self.weight), -1), self.bias, x)


def block_diagonal(
    weight: Float[Array, "gates directions=2 hidden columns"],
) -> Float[Array, "rows all_columns"]:
    """Put the weights of both directions of a recurrence into one matrix.

    Args:
        weight: of every gate and direction.

    Returns: shape (gates * 2 * hidden, 2 * columns); within a gate the forward direction is first.

    >>> block_diagonal(jnp.ones((1, 2, 1, 2))).tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    """
    gates, _, hidden, columns = weight.shape
    zeros = jnp.zeros((gates, hidden, columns), weight.dtype)
    forward = jnp.concatenate([weight[:, 0], zeros], axis=2)
    backward = jnp.concatenate([zeros, weight[:, 1]], axis=2)
    return jnp.concatenate([forward, backward], axis=1).reshape(gates * 2 * hidden, 2 * columns)


def run_both_ways(
    recur: Callable[[Array], Array], x: Float[Array, "length *batch"], features: int
) -> Float[Array, "outputs *batch"]:
    """Run a recurrence over a signal and over its reverse at the same time.

    Args:
        recur: maps inputs `(time, 2 * features, n)`, those of the reversed signal second, to
            outputs `(time, 2 * hidden, n)`, one matrix product per time step for both directions.
        x: signals, time-major.
        features: inputs per time step.

    Returns: all outputs, those of both directions at one place of the signal together; shape
        (time * 2 * hidden, *batch).

    >>> run_both_ways(lambda inputs: inputs.cumsum(0), jnp.array([1.0, 2.0, 3.0]), 1).tolist()
    [1.0, 6.0, 3.0, 5.0, 6.0, 3.0]
    """
    batch = x.shape[1:]
    sequence = x.reshape(-1, features, *batch)
    both = jnp.concatenate([sequence, sequence[::-1]], axis=1)
    outputs = recur(both.reshape(both.shape[0], 2 * features, -1))
    forward, backward = jnp.split(outputs, 2, axis=1)
    return jnp.concatenate([forward, backward[::-1]], axis=1).reshape(-1, *batch)


def draw_layers(model: Any, rng: np.random.Generator | PyTorchStream) -> Any:
    """Draw new parameters for the layers of a model by the rule of `uniform`, with NumPy.

    Constructors compile a program for every shape, about a second per model; this does not. The
    numbers differ from those of a key.

    Args:
        model: any pytree with `Linear` and `Convolution` layers, whose arrays may be shapes alone
            (`equinox.filter_eval_shape` of a constructor).
        rng: drawn from in PyTorch's order, layer by layer, weights before the bias: with a
            `PyTorchStream` the weights are PyTorch's.

    Returns: the model with NumPy arrays, float32, in its layers.

    >>> shapes = eqx.filter_eval_shape(Linear, 40, 10, key=jax.random.key(0))
    >>> layer = draw_layers(shapes, np.random.default_rng(0))
    >>> layer.weight.shape, bool(abs(layer.weight).max() <= 1 / math.sqrt(40))
    ((10, 40), True)
    """

    def is_layer(node: Any) -> bool:
        return isinstance(node, Linear | Convolution)

    def draw(node: Any) -> Any:
        if not is_layer(node):
            return node
        bound = 1 / math.sqrt(math.prod(node.weight.shape[1:]))
        arrays = tuple(
            rng.uniform(-bound, bound, leaf.shape).astype(np.float32)
            for leaf in (node.weight, node.bias)
        )
        return eqx.tree_at(lambda layer: (layer.weight, layer.bias), node, arrays)

    return jax.tree.map(draw, model, is_leaf=is_layer)


def _windows(x: Array, taps: Sequence[range], stride: int, padding: int | tuple[int, int]) -> Array:
    """Stack the points at the taps of every window: `(taps * channels, ...)`."""
    around = (padding, padding) if isinstance(padding, int) else padding
    rest = x.ndim - 1 - len(taps)
    padded = jnp.pad(x, [(0, 0), *[around] * len(taps), *[(0, 0)] * rest])
    lasts = [
        (size - own[-1] - 1) // stride * stride
        for size, own in zip(padded.shape[1:], taps, strict=False)
    ]
    strides = (1, *[stride] * len(taps), *[1] * rest)
    windows = []
    # All axes at once: one after the other, windows of windows are written, which takes longer.
    for first in product(*taps):
        ends = (tap + last + 1 for tap, last in zip(first, lasts, strict=True))
        limits = (len(x), *ends, *x.shape[x.ndim - rest :])
        windows.append(jax.lax.slice(padded, (0, *first, *[0] * rest), limits, strides))
    return jnp.concatenate(windows)
