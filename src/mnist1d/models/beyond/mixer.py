"""The MLP-mixer: two-layer maps over patches and over features, in turn."""

from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.beyond.layers import FeedForward, LayerNorm, n_patches, patches
from mnist1d.models.layers import Linear


class Block(eqx.Module):
    """A map along the positions and one along the features, each added to what it is given.

    Args:
        n_positions: number of positions.
        size: features of every position.
        hidden_positions: width inside the map along the positions.
        hidden_size: width inside the map along the features.
        key: for the initial weights.

    >>> import jax.numpy as jnp
    >>> Block(5, 8, 6, 16, key=jax.random.key(0))(jnp.ones((8, 5, 3))).shape
    (8, 5, 3)
    """

    positions_norm: LayerNorm
    positions: FeedForward
    features_norm: LayerNorm
    features: FeedForward

    def __init__(
        self,
        n_positions: int,
        size: int,
        hidden_positions: int,
        hidden_size: int,
        *,
        key: PRNGKeyArray,
    ) -> None:
        positions_key, features_key = jax.random.split(key)
        self.positions_norm = LayerNorm(size)
        self.positions = FeedForward(n_positions, hidden_positions, key=positions_key)
        self.features_norm = LayerNorm(size)
        self.features = FeedForward(size, hidden_size, key=features_key)

    def __call__(
        self, x: Float[Array, "size positions *batch"]
    ) -> Float[Array, "size positions *batch"]:
        """Map `(size, positions, *batch)` to the same shape."""
        x = x + self.positions(self.positions_norm(x).swapaxes(0, 1)).swapaxes(0, 1)
        return x + self.features(self.features_norm(x))


class Mixer(eqx.Module):
    """Maps between patches and maps of every patch, in turn; their mean feeds one affine map.

    There is no attention and no convolution: which patches matter to which is learned once, as
    weights. Normalisation comes before every map (gelu), and once more at the end. 4,980 parameters
    by default. Simplified: no dropout.

    Args:
        input_size: length of the signal.
        width: features of every patch.
        depth: number of blocks.
        n_classes: number of classes.
        patch_size: points of a patch, which must divide `input_size`.
        expansion: width inside the maps, in multiples of their inputs.
        key: for the initial weights (PyTorch's defaults).

    Raises: ValueError: if `input_size` is no multiple of `patch_size`.
    Source: Tolstikhin et al. (2021), arXiv:2105.01601, for images.

    >>> import jax.numpy as jnp
    >>> Mixer(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    embedding: Linear
    blocks: tuple[Block, ...]
    norm: LayerNorm
    output: Linear
    patch_size: int = eqx.field(static=True)
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        width: int = 16,
        depth: int = 3,
        n_classes: int = 10,
        *,
        patch_size: int = 4,
        expansion: int = 2,
        key: PRNGKeyArray,
    ) -> None:
        embedding_key, output_key, *block_keys = jax.random.split(key, 2 + depth)
        n_positions = n_patches(input_size, patch_size)
        hidden = expansion * n_positions, expansion * width
        self.embedding = Linear(patch_size, width, key=embedding_key)
        self.blocks = tuple(
            Block(n_positions, width, *hidden, key=block_key) for block_key in block_keys
        )
        self.norm = LayerNorm(width)
        self.output = Linear(width, n_classes, key=output_key)
        self.patch_size = patch_size

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        hidden = self.embedding(patches(x, self.patch_size))
        for block in self.blocks:
            hidden = block(hidden)
        return self.output(self.norm(hidden).mean(1))
