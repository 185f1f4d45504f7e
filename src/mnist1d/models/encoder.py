"""The network of self-supervised learning: the convolutional backbone and a projection head."""

from collections.abc import Sequence
from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Convolution, Linear


class Encoder(eqx.Module):
    """Three convolutions of stride 2, each with relu, then affine maps with relu between them.

    The backbone is that of `CNN`; its classifier is replaced by the projection head, which may be
    empty. `layers` returns the output of every layer, for probes.

    Args:
        input_size: length of the signal.
        channels: channels of every convolution.
        projection: outputs of the affine maps of the head, the last without relu; () for no head:
            the output is then that of the third convolution, after relu.
        key: for the initial weights (PyTorch's defaults).

    Source: Greydanus & Kobak (2024), section 5.5, and its notebook. The published heads: (125, 16),
        () and (125, 125, 125, 16).

    >>> import jax.numpy as jnp
    >>> encoder = Encoder(key=jax.random.key(0))
    >>> encoder(jnp.ones((40, 3))).shape
    (16, 3)
    >>> [len(layer) for layer in encoder.layers(jnp.ones((40, 3)))]
    [475, 250, 125, 125, 16]
    """

    convolutions: tuple[Convolution, ...]
    head: tuple[Linear, ...]
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        channels: int = 25,
        projection: Sequence[int] = (125, 16),
        *,
        key: PRNGKeyArray,
    ) -> None:
        *convolution_keys, head_key = jax.random.split(key, 4)
        size, in_channels = input_size, 1
        convolutions = []
        for kernel_size, layer_key in zip((5, 3, 3), convolution_keys, strict=True):
            convolutions.append(
                Convolution(in_channels, channels, kernel_size, stride=2, padding=1, key=layer_key)
            )
            size = (size + 2 - kernel_size) // 2 + 1
            in_channels = channels
        self.convolutions = tuple(convolutions)
        sizes = (channels * size, *projection)
        self.head = tuple(
            Linear(in_size, out_size, key=jax.random.fold_in(head_key, i))
            for i, (in_size, out_size) in enumerate(zip(sizes, projection, strict=False))
        )

    def layers(self, x: Float[Array, "length *batch"]) -> list[Float[Array, "features *batch"]]:
        """Map signals `(length, *batch)` to the outputs of every layer, `(features, *batch)` each.

        Convolutions come flattened and after relu, affine maps after relu, but for the last map.
        """
        batch = x.shape[1:]
        hidden = x[None]
        outputs = []
        for convolution in self.convolutions:
            hidden = jax.nn.relu(convolution(hidden))
            outputs.append(hidden.reshape(-1, *batch))
        for i, linear in enumerate(self.head, start=1):
            affine = linear(outputs[-1])
            outputs.append(affine if i == len(self.head) else jax.nn.relu(affine))
        return outputs

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "features *batch"]:
        """Map signals `(length, *batch)` to the output of the last layer."""
        return self.layers(x)[-1]
