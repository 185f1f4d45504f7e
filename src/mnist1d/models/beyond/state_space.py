"""The diagonal state-space model: linear recurrences, computed as convolutions."""

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.beyond.layers import LayerNorm
from mnist1d.models.layers import Linear


class DiagonalRecurrence(eqx.Module):
    """A linear recurrence of complex states for every channel, plus a multiple of the input.

    State n of a channel follows dh/dt = p h + u, with the pole p = -exp(log_decay) + i frequency,
    held constant over steps of length exp(log_step): h_t = exp(step p) h_(t-1) + (exp(step p) - 1)
    / p u_t. The output is y_t = skip u_t + 2 Re(sum over n of readout_n h_(n, t)).

    It equals a convolution with a kernel as long as the signal, which is made of powers of the
    poles and applied as a triangular matrix; at 40 points this takes a fraction of the scan's time.

    Args:
        channels: independent recurrences.
        n_states: complex states of each; they stand for themselves and their conjugates.
        steps: lowest and highest of the steps, which are log-uniform at first.
        key: for the initial values: poles -1/2 + i pi n (S4D-Lin), readouts of unit variance.

    Source: Gu et al. (2022), arXiv:2206.11893 (S4D).

    >>> recurrence = DiagonalRecurrence(8, 4, (0.01, 0.1), key=jax.random.key(0))
    >>> recurrence(jnp.ones((8, 40, 3))).shape
    (8, 40, 3)
    """

    log_step: Float[Array, " channels"]
    log_decay: Float[Array, "channels states"]
    frequency: Float[Array, "channels states"]
    readout: Float[Array, "parts=2 channels states"]
    skip: Float[Array, " channels"]

    def __init__(
        self,
        channels: int,
        n_states: int,
        steps: tuple[float, float],
        *,
        key: PRNGKeyArray,
    ) -> None:
        step_key, readout_key, skip_key = jax.random.split(key, 3)
        low, high = map(math.log, steps)
        shape = (channels, n_states)
        self.log_step = jax.random.uniform(step_key, (channels,), minval=low, maxval=high)
        self.log_decay = jnp.full(shape, math.log(0.5))
        self.frequency = jnp.tile(math.pi * jnp.arange(float(n_states)), (channels, 1))
        self.readout = math.sqrt(0.5) * jax.random.normal(readout_key, (2, *shape))
        self.skip = jax.random.normal(skip_key, (channels,))

    def kernel(self, length: int) -> Float[Array, "channels length"]:
        """Return the answers of all channels to a one followed by zeros, without the skip.

        Args:
            length: number of points.
        """
        step = jnp.exp(self.log_step)[:, None]
        decay, angle = jnp.exp(self.log_decay) * step, self.frequency * step
        exponent = lax.complex(-decay, angle)
        # In units of the step, which is real.
        amplitude = lax.complex(*self.readout) * (jnp.exp(exponent) - 1) / exponent
        times = jnp.arange(length, dtype=step.dtype).reshape(1, 1, -1)
        powers = jnp.exp(lax.complex(-decay[..., None] * times, angle[..., None] * times))
        return 2 * step * (amplitude[..., None] * powers).sum(1).real

    def __call__(
        self, x: Float[Array, "channels length *batch"]
    ) -> Float[Array, "channels length *batch"]:
        """Map `(channels, length, *batch)` to the same shape, causally."""
        matrix = _triangular(self.kernel(x.shape[1]))
        answer = jnp.einsum("cst,cs...->ct...", matrix, x)
        return answer + self.skip.reshape(-1, *(1,) * (x.ndim - 1)) * x


class Block(eqx.Module):
    """A recurrence of the normalised features, gelu, and a gated affine map, added to the input.

    Args:
        width: features of every point.
        n_states: complex states of each.
        steps: lowest and highest of the recurrences' steps at first.
        key: for the initial weights.

    >>> Block(8, 4, (0.01, 0.1), key=jax.random.key(0))(jnp.ones((8, 40, 3))).shape
    (8, 40, 3)
    """

    norm: LayerNorm
    recurrence: DiagonalRecurrence
    gated: Linear

    def __init__(
        self, width: int, n_states: int, steps: tuple[float, float], *, key: PRNGKeyArray
    ) -> None:
        recurrence_key, gated_key = jax.random.split(key)
        self.norm = LayerNorm(width)
        self.recurrence = DiagonalRecurrence(width, n_states, steps, key=recurrence_key)
        self.gated = Linear(width, 2 * width, key=gated_key)

    def __call__(
        self, x: Float[Array, "width length *batch"]
    ) -> Float[Array, "width length *batch"]:
        """Map `(width, length, *batch)` to the same shape."""
        hidden = jax.nn.gelu(self.recurrence(self.norm(x)), approximate=False)
        value, gate = jnp.split(self.gated(hidden), 2)
        return x + value * jax.nn.sigmoid(gate)


class StateSpace(eqx.Module):
    """Blocks of diagonal linear recurrences over points; the mean over points feeds one affine map.

    4,970 parameters by default. Simplified: no dropout, and one learning rate for all parameters,
    where the source has a lower one for those of the recurrences. The steps are at first between
    0.4 and 4 divided by the length of the signal, 0.01 and 0.1 for 40 points; the source has 0.001
    and 0.1, for thousands of points.

    Args:
        input_size: length of the signal.
        width: features of every point.
        depth: number of blocks.
        n_classes: number of classes.
        n_states: complex states of every feature in a block.
        key: for the initial weights: those of the source, affine maps by PyTorch's defaults.

    Source: Gu et al. (2022), arXiv:2206.11893 (S4D); blocks: Gu, Goel & Ré (2022),
        arXiv:2111.00396 (S4), with normalisation first.

    >>> StateSpace(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    embedding: Linear
    blocks: tuple[Block, ...]
    norm: LayerNorm
    output: Linear
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        width: int = 20,
        depth: int = 3,
        n_classes: int = 10,
        *,
        n_states: int = 8,
        key: PRNGKeyArray,
    ) -> None:
        embedding_key, output_key, *block_keys = jax.random.split(key, 2 + depth)
        self.embedding = Linear(1, width, key=embedding_key)
        steps = 0.4 / input_size, 4 / input_size
        self.blocks = tuple(
            Block(width, n_states, steps, key=block_key) for block_key in block_keys
        )
        self.norm = LayerNorm(width)
        self.output = Linear(width, n_classes, key=output_key)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        hidden = self.embedding(x[None])
        for block in self.blocks:
            hidden = block(hidden)
        return self.output(self.norm(hidden).mean(1))


def _triangular(kernel: Float[Array, "channels n"]) -> Float[Array, "channels n n"]:
    """Return the matrices with kernel[t - s] at [s, t] if t >= s, and 0 elsewhere.

    Rows of a repeated sequence that are one shorter than its period move by one each: no index is
    computed, and the gradient is a sum over rows in place of a scatter.
    """
    channels, n = kernel.shape
    period = jnp.concatenate([kernel, jnp.zeros_like(kernel)], axis=1)
    repeated = jnp.tile(period, (1, n))[:, : n * (2 * n - 1)]
    return repeated.reshape(channels, n, 2 * n - 1)[:, :, :n]
