"""The temporal convolutional network: causal convolutions with growing gaps between their taps."""

import math
from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Convolution, Linear


class Block(eqx.Module):
    """Two causal dilated convolutions, each with relu, added to the input; relu of the sum.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output; if they differ, a convolution of one point maps the
            input to them before the sum.
        kernel_size: taps of both convolutions.
        dilation: distance of neighbouring taps, in points.
        key: for the initial weights.

    >>> import jax.numpy as jnp
    >>> Block(1, 8, 3, 4, key=jax.random.key(0))(jnp.ones((1, 40, 2))).shape
    (8, 40, 2)
    """

    first: Convolution
    second: Convolution
    shortcut: Convolution | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int,
        *,
        key: PRNGKeyArray,
    ) -> None:
        first_key, second_key, shortcut_key = jax.random.split(key, 3)
        self.first, self.second = (
            Convolution(
                n,
                out_channels,
                kernel_size,
                # Zeros before the start alone: no output sees a later point.
                padding=((kernel_size - 1) * dilation, 0),
                dilation=dilation,
                key=layer_key,
            )
            for n, layer_key in ((in_channels, first_key), (out_channels, second_key))
        )
        self.shortcut = (
            None
            if in_channels == out_channels
            else Convolution(in_channels, out_channels, 1, key=shortcut_key)
        )

    def __call__(self, x: Float[Array, "in_channels length *batch"]) -> Float[Array, "out *rest"]:
        """Map `(in_channels, length, *batch)` to `(out_channels, length, *batch)`."""
        hidden = jax.nn.relu(self.second(jax.nn.relu(self.first(x))))
        return jax.nn.relu(hidden + (x if self.shortcut is None else self.shortcut(x)))


class TCN(eqx.Module):
    """Blocks of causal convolutions whose dilation doubles; the last point feeds one affine map.

    With kernels of 3 points and dilations 1, 2, 4 and 8 the last point sees the 60 before it.
    5,080 parameters by default. Simplified: no weight normalisation, no dropout.

    Args:
        input_size: length of the signal.
        channels: channels of every convolution.
        n_classes: number of classes.
        kernel_size: taps of every convolution, 2 or more.
        depth: number of blocks; None for as many as the last point needs to see the whole signal.
        key: for the initial weights (PyTorch's defaults; the source draws from N(0, 0.01²)).

    Source: Bai, Kolter & Koltun (2018), arXiv:1803.01271.

    >>> import jax.numpy as jnp
    >>> TCN(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    blocks: tuple[Block, ...]
    output: Linear
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        channels: int = 15,
        n_classes: int = 10,
        *,
        kernel_size: int = 3,
        depth: int | None = None,
        key: PRNGKeyArray,
    ) -> None:
        if depth is None:
            # Every block sees 2 (kernel_size - 1) dilations further back.
            reach = (input_size - 1) / (2 * (kernel_size - 1))
            depth = math.ceil(math.log2(reach + 1))
        output_key, *block_keys = jax.random.split(key, 1 + depth)
        self.blocks = tuple(
            Block(1 if i == 0 else channels, channels, kernel_size, 2**i, key=block_key)
            for i, block_key in enumerate(block_keys)
        )
        self.output = Linear(channels, n_classes, key=output_key)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        hidden = x[None]
        for block in self.blocks:
            hidden = block(hidden)
        return self.output(hidden[:, -1])
