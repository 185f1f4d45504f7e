"""The convolutional network of three strided layers or more, for signals and for images."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Convolution, Linear


class CNN(eqx.Module):
    """Three convolutions of stride 2, each with relu, then one affine map.

    Kernels 5, 3, 3 with padding 1; on signals of length 40 the lengths are 19, 10 and 5, and with
    25 channels there are 5,210 parameters. With `image_size` the same three layers are
    two-dimensional and the input is a flattened square image (MNIST: sides 13, 7 and 4). Further
    convolutions, which the paper does not have, have kernel 3 and stride 1 and keep the length.

    Args:
        input_size: length of the signal; ignored for images.
        channels: channels of every convolution.
        n_classes: number of classes.
        image_size: side of the image in pixels, or None for signals.
        depth: number of convolutions, 3 or more.
        key: for the initial weights (PyTorch's defaults).

    Source: Greydanus & Kobak (2024), sections 4, 5.2 and 5.5 (backbone), and their notebooks.

    >>> import jax.numpy as jnp
    >>> CNN(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    >>> CNN(image_size=28, key=jax.random.key(0))(jnp.ones(784)).shape
    (10,)
    """

    convolutions: tuple[Convolution, ...]
    output: Linear
    more: tuple[Convolution, ...]
    image_size: int | None = eqx.field(static=True)
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        channels: int = 25,
        n_classes: int = 10,
        *,
        image_size: int | None = None,
        depth: int = 3,
        key: PRNGKeyArray,
    ) -> None:
        *convolution_keys, output_key = jax.random.split(key, 4)
        n_axes = 1 if image_size is None else 2
        size = input_size if image_size is None else image_size
        convolutions = []
        for kernel_size, in_channels, layer_key in zip(
            (5, 3, 3), (1, channels, channels), convolution_keys, strict=True
        ):
            convolutions.append(
                Convolution(
                    in_channels,
                    channels,
                    kernel_size,
                    n_axes=n_axes,
                    stride=2,
                    padding=1,
                    key=layer_key,
                )
            )
            size = (size + 2 - kernel_size) // 2 + 1
        self.convolutions = tuple(convolutions)
        self.output = Linear(channels * size**n_axes, n_classes, key=output_key)
        self.more = tuple(
            Convolution(channels, channels, 3, n_axes=n_axes, padding=1, key=layer_key)
            for layer_key in jax.random.split(jax.random.fold_in(key, 1), depth - 3)
        )
        self.image_size = image_size

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
        batch = x.shape[1:]
        sides = x.shape[:1] if self.image_size is None else (self.image_size,) * 2
        hidden = x.reshape(1, *sides, *batch)
        for convolution in (*self.convolutions, *self.more):
            hidden = activation(convolution(hidden))
        return self.output(hidden.reshape(-1, *batch))
