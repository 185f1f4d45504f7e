"""The residual network: pairs of convolutions with shortcuts around them."""

from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.beyond.layers import LayerNorm
from mnist1d.models.layers import Convolution, Linear


class Block(eqx.Module):
    """Two convolutions of three points, each normalised, added to every second point of the input.

    Args:
        channels: channels of input and output.
        key: for the initial weights.

    >>> import jax.numpy as jnp
    >>> Block(8, key=jax.random.key(0))(jnp.ones((8, 40, 3))).shape
    (8, 20, 3)
    """

    first: Convolution
    first_norm: LayerNorm
    second: Convolution
    second_norm: LayerNorm

    def __init__(self, channels: int, *, key: PRNGKeyArray) -> None:
        first_key, second_key = jax.random.split(key)
        self.first = Convolution(channels, channels, 3, stride=2, padding=1, key=first_key)
        self.first_norm = LayerNorm(channels, n_axes=2)
        self.second = Convolution(channels, channels, 3, padding=1, key=second_key)
        self.second_norm = LayerNorm(channels, n_axes=2)

    def __call__(
        self, x: Float[Array, "channels length *batch"]
    ) -> Float[Array, "channels half *batch"]:
        """Map `(channels, length, *batch)` to half the length."""
        hidden = jax.nn.relu(self.first_norm(self.first(x)))
        return jax.nn.relu(x[:, ::2] + self.second_norm(self.second(hidden)))


class ResNet(eqx.Module):
    """A convolution and residual blocks that halve the length; the mean over points is classified.

    A block is two convolutions of three points, the first of stride 2. 5,162 parameters by default.
    Simplified: all blocks have the same number of channels, so that shortcuts have no weights: they
    take every second point. Normalisation has no state: it is over all channels and points of an
    example (group normalisation with one group) in place of batch normalisation.

    Args:
        input_size: length of the signal, at least 2 ** depth; the weights do not depend on it.
        channels: channels of every convolution.
        n_classes: number of classes.
        depth: number of blocks.
        key: for the initial weights (PyTorch's defaults).

    Raises: ValueError: if the signal is too short for the blocks.
    Source: He et al. (2016), arXiv:1512.03385 (shortcuts: option A); for time series: Wang, Yan &
        Oates (2017), arXiv:1611.06455.

    >>> import jax.numpy as jnp
    >>> ResNet(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    stem: Convolution
    stem_norm: LayerNorm
    blocks: tuple[Block, ...]
    output: Linear
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        channels: int = 16,
        n_classes: int = 10,
        *,
        depth: int = 3,
        key: PRNGKeyArray,
    ) -> None:
        if input_size < 2**depth:
            raise ValueError(
                f"input_size must be at least 2 ** depth = {2**depth}, not {input_size}"
            )
        stem_key, output_key, *block_keys = jax.random.split(key, 2 + depth)
        self.stem = Convolution(1, channels, 3, padding=1, key=stem_key)
        self.stem_norm = LayerNorm(channels, n_axes=2)
        self.blocks = tuple(Block(channels, key=block_key) for block_key in block_keys)
        self.output = Linear(channels, n_classes, key=output_key)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        hidden = jax.nn.relu(self.stem_norm(self.stem(x[None])))
        for block in self.blocks:
            hidden = block(hidden)
        return self.output(hidden.mean(1))
