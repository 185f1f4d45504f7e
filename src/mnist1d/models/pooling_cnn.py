"""The convolutional network of the pooling experiment, with and without pooling."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.dataset import checks
from mnist1d.models.layers import Convolution, Linear


def l2_norm(first: Array, second: Array) -> Array:
    """Take the root of the sum of squares, element by element: L2 pooling of pairs.

    Where both are 0, as they often are after relu, or their squares are 0 in float32, the
    derivative is defined as 0, as in PyTorch; the root's own would be 0 times infinity.

    Source: PyTorch's `LPPool1d`, which the paper's notebook uses (a sum, not a mean).

    >>> zero, three, four = jnp.array([0.0, 3.0, 4.0])
    >>> round(float(jax.grad(l2_norm)(three, four)), 6), float(jax.grad(l2_norm)(zero, zero))
    (0.6, 0.0)
    """
    squares = jnp.square(first) + jnp.square(second)
    is_zero = squares == 0
    # The inner `where` keeps the infinite slope out of the gradient; the outer one sets the value.
    return jnp.where(is_zero, 0, jnp.sqrt(jnp.where(is_zero, 1, squares)))


POOLS: Mapping[str, Callable[[Array, Array], Array]] = {
    "max_pool": jnp.maximum,
    "avg_pool": lambda first, second: (first + second) / 2,
    "l2_pool": l2_norm,
}
"""Functions that pool a pair of neighbouring points."""

VARIANTS = ("no_pool", "stride_2", *POOLS)


class PoolingCNN(eqx.Module):
    """Two convolutions, each with relu and perhaps pooling, then one affine map.

    Kernels of 3 points, padding 1. Pooling, or convolutions of stride 2, halve the length twice: on
    signals of 40 points there are 200 features and 3,310 parameters, without it 800 and 9,310.

    Args:
        variant: "no_pool"; "stride_2": convolutions of stride 2; "max_pool", "avg_pool", "l2_pool":
            the maximum, the mean, the root of the sum of squares of every two neighbouring points,
            a last point without neighbour being dropped.
        input_size: length of the signal, at least 4.
        channels: channels of both convolutions.
        n_classes: number of classes.
        key: for the initial weights (PyTorch's defaults). Under one key all variants have the same
            convolutions, and those that halve the length the same affine map.

    Raises: ValueError: if there is no such variant.
    Source: Greydanus & Kobak (2024), section 5.6, and its notebook.

    >>> PoolingCNN("l2_pool", key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    convolutions: tuple[Convolution, Convolution]
    output: Linear
    variant: str = eqx.field(static=True)
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        variant: str,
        input_size: int = 40,
        channels: int = 20,
        n_classes: int = 10,
        *,
        key: PRNGKeyArray,
    ) -> None:
        self.variant = checks.one_of("variant", variant, VARIANTS)
        *convolution_keys, output_key = jax.random.split(key, 3)
        stride = 2 if variant == "stride_2" else 1
        first, second = (
            Convolution(n, channels, 3, stride=stride, padding=1, key=layer_key)
            for n, layer_key in zip((1, channels), convolution_keys, strict=True)
        )
        self.convolutions = (first, second)
        size = input_size
        for _ in self.convolutions:
            size = (size - 1) // stride + 1
            size = size // 2 if variant in POOLS else size
        self.output = Linear(channels * size, n_classes, key=output_key)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        hidden = x[None]
        for convolution in self.convolutions:
            hidden = jax.nn.relu(convolution(hidden))
            if self.variant in POOLS:
                pairs = hidden[:, : hidden.shape[1] // 2 * 2]
                hidden = POOLS[self.variant](pairs[:, 0::2], pairs[:, 1::2])
        return self.output(hidden.reshape(-1, *x.shape[1:]))
