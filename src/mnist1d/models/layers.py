"""The two layers of the published models, with the batch as the last axis.

A signal is a column: arrays are `(features, *batch)`, so one example is `(features,)` and a
batch `(features, n)`. One definition serves both. On a CPU the last axis is the contiguous one,
and a long contiguous batch axis makes every matrix product and every elementwise operation of
these small networks several times faster than the usual `(n, features)`.
"""

import math
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
        padding: zeros added at both ends of every axis.
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
    padding: int = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        n_axes: int = 1,
        stride: int = 1,
        padding: int = 0,
        key: PRNGKeyArray,
    ) -> None:
        weight_key, bias_key = jax.random.split(key)
        kernel = (kernel_size,) * n_axes
        fan_in = in_channels * math.prod(kernel)
        self.weight = uniform(weight_key, (out_channels, *kernel, in_channels), fan_in)
        self.bias = uniform(bias_key, (out_channels,), fan_in)
        self.stride, self.padding = stride, padding

    def __call__(self, x: Float[Array, "in_channels *axes_batch"]) -> Float[Array, "out *rest"]:
        """Map `(in_channels, *axes, *batch)` to `(out_channels, *out_axes, *batch)`.

        Along every axis `out_size = (size + 2 * padding - kernel_size) // stride + 1`.
        """
        *kernel, _ = self.weight.shape[1:]
        for axis in reversed(range(len(kernel))):
            x = _windows(x, kernel[axis], self.stride, self.padding, axis=1 + axis)
        return affine(self.weight.reshape(len(self.weight), -1), self.bias, x)


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


def _windows(x: Array, size: int, stride: int, padding: int, *, axis: int) -> Array:
    """Stack the windows along `axis` onto the leading axis: `(size * channels, ...)`."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = (padding, padding)
    padded = jnp.pad(x, widths)
    span = padded.shape[axis] - size
    return jnp.concatenate(
        [
            jax.lax.slice_in_dim(padded, tap, tap + span // stride * stride + 1, stride, axis)
            for tap in range(size)
        ]
    )
