"""LeNet: two convolutions with max pooling, for images."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Convolution, Linear


class LeNet(eqx.Module):
    """Two convolutions, each with max pooling and relu, then a hidden layer and an affine map.

    Kernels of 5 x 5 pixels without padding, pooling of 2 x 2. On images of 28 x 28 pixels the sides
    are 12 and 4 after pooling, and there are 233,196 parameters.

    Args:
        image_size: side of the image in pixels, a multiple of 4 from 16 on.
        channels: channels of the two convolutions.
        hidden_size: width of the hidden layer.
        n_classes: number of classes.
        key: for the initial weights (PyTorch's defaults).

    Source: LeCun et al. (1998), Gradient-based learning applied to document recognition, with the
        relu and the max pooling of later practice.

    >>> LeNet(key=jax.random.key(0))(jnp.ones((784, 3))).shape
    (10, 3)
    """

    convolutions: tuple[Convolution, Convolution]
    hidden: Linear
    output: Linear
    image_size: int = eqx.field(static=True)
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        image_size: int = 28,
        channels: tuple[int, int] = (20, 50),
        hidden_size: int = 256,
        n_classes: int = 10,
        *,
        key: PRNGKeyArray,
    ) -> None:
        first_key, second_key, hidden_key, output_key = jax.random.split(key, 4)
        first, second = channels
        self.convolutions = (
            Convolution(1, first, 5, n_axes=2, key=first_key),
            Convolution(first, second, 5, n_axes=2, key=second_key),
        )
        side = ((image_size - 4) // 2 - 4) // 2
        self.hidden = Linear(second * side**2, hidden_size, key=hidden_key)
        self.output = Linear(hidden_size, n_classes, key=output_key)
        self.image_size = image_size

    def __call__(self, x: Float[Array, "pixels *batch"]) -> Float[Array, "classes *batch"]:
        """Map flattened images `(pixels, *batch)` to logits `(classes, *batch)`."""
        batch = x.shape[1:]
        hidden = x.reshape(1, self.image_size, self.image_size, *batch)
        for convolution in self.convolutions:
            # The relu of the maximum is the maximum of the relus, of a quarter of the values.
            hidden = jax.nn.relu(_max_pool(convolution(hidden)))
        return self.output(jax.nn.relu(self.hidden(hidden.reshape(-1, *batch))))


def _max_pool(x: Array) -> Array:
    """Take the maxima of squares of 2 x 2 along the second and the third axis."""
    pairs = jnp.maximum(x[:, :, 0::2], x[:, :, 1::2])
    return jnp.maximum(pairs[:, 0::2], pairs[:, 1::2])
