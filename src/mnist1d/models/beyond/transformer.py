"""The transformer: attention between patches."""

from typing import ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.beyond.layers import FeedForward, LayerNorm, SelfAttention, n_patches, patches
from mnist1d.models.layers import Linear


class Block(eqx.Module):
    """Attention and a two-layer map, each of the normalised features and added to them.

    Args:
        size: features of every position.
        n_heads: attention heads.
        hidden_size: features inside the two-layer map.
        key: for the initial weights.

    >>> import jax.numpy as jnp
    >>> Block(8, 2, 16, key=jax.random.key(0))(jnp.ones((8, 5, 3))).shape
    (8, 5, 3)
    """

    attention_norm: LayerNorm
    attention: SelfAttention
    feed_forward_norm: LayerNorm
    feed_forward: FeedForward

    def __init__(self, size: int, n_heads: int, hidden_size: int, *, key: PRNGKeyArray) -> None:
        attention_key, feed_forward_key = jax.random.split(key)
        self.attention_norm = LayerNorm(size)
        self.attention = SelfAttention(size, n_heads, key=attention_key)
        self.feed_forward_norm = LayerNorm(size)
        self.feed_forward = FeedForward(size, hidden_size, key=feed_forward_key)

    def __call__(
        self, x: Float[Array, "size positions *batch"]
    ) -> Float[Array, "size positions *batch"]:
        """Map `(size, positions, *batch)` to the same shape."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class Transformer(eqx.Module):
    """An encoder over patches with learned positions; the mean over patches feeds one affine map.

    Normalisation comes before attention and before the two-layer map (gelu), and once more at the
    end. 4,890 parameters by default. Simplified: no dropout, no class token.

    Args:
        input_size: length of the signal.
        width: features of every patch, a multiple of `n_heads`.
        depth: number of blocks.
        n_classes: number of classes.
        patch_size: points of a patch, which must divide `input_size`; 1 for points.
        n_heads: attention heads.
        expansion: features inside the two-layer maps, in multiples of `width`.
        key: for the initial weights: those of PyTorch's `Linear`, positions N(0, 0.02²) as in the
            vision transformer.

    Raises: ValueError: if `width` or `input_size` is no multiple as required.
    Source: Vaswani et al. (2017), arXiv:1706.03762; patches: Dosovitskiy et al. (2021),
        arXiv:2010.11929; normalisation first: Xiong et al. (2020), arXiv:2002.04745; the mean in
        place of a class token: Beyer, Zhai & Kolesnikov (2022), arXiv:2205.01580.

    >>> import jax.numpy as jnp
    >>> Transformer(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    embedding: Linear
    positions: Float[Array, "width patches"]
    blocks: tuple[Block, ...]
    norm: LayerNorm
    output: Linear
    patch_size: int = eqx.field(static=True)
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        width: int = 16,
        depth: int = 2,
        n_classes: int = 10,
        *,
        patch_size: int = 4,
        n_heads: int = 4,
        expansion: int = 2,
        key: PRNGKeyArray,
    ) -> None:
        embedding_key, positions_key, output_key, *block_keys = jax.random.split(key, 3 + depth)
        n_positions = n_patches(input_size, patch_size)
        self.embedding = Linear(patch_size, width, key=embedding_key)
        self.positions = 0.02 * jax.random.normal(positions_key, (width, n_positions))
        self.blocks = tuple(
            Block(width, n_heads, expansion * width, key=block_key) for block_key in block_keys
        )
        self.norm = LayerNorm(width)
        self.output = Linear(width, n_classes, key=output_key)
        self.patch_size = patch_size

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        hidden = self.embedding(patches(x, self.patch_size))
        hidden = hidden + self.positions.reshape(*self.positions.shape, *(1,) * (x.ndim - 1))
        for block in self.blocks:
            hidden = block(hidden)
        return self.output(self.norm(hidden).mean(1))
