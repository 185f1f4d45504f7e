"""The bidirectional gated recurrent unit."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Linear, block_diagonal, run_both_ways, uniform

APART_FROM = 32
"""Hidden units per direction from which on both directions run one after the other.

Measured with batches of 100: a training step takes as long at 6 units, and less from 32 on.
"""


class GRU(eqx.Module):
    """One bidirectional GRU layer; all its outputs, flattened, feed one affine map.

    With 40 scalar inputs and 6 hidden units per direction there are 5,134 parameters. Both
    directions of a narrow one advance together, the backward one over the reversed sequence, so
    that one block-diagonal product per time step serves both.

    Gate order r, z, n: r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z likewise,
    n = tanh(W_in x + b_in + r * (W_hn h + b_hn)), h' = (1 - z) * n + z * h; h starts at 0.

    Args:
        n_timesteps: length of the sequence.
        features: inputs per time step; the signal is `n_timesteps * features` long, time-major.
        hidden_size: hidden units per direction.
        n_classes: number of classes.
        key: for the initial weights (PyTorch's defaults: every tensor U[-1/sqrt(hidden_size), ..]).

    Source: Greydanus & Kobak (2024), section 4, and its notebook.

    >>> GRU(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    input_weight: Float[Array, "gates=3 directions=2 hidden features"]
    hidden_weight: Float[Array, "gates=3 directions=2 hidden hidden"]
    input_bias: Float[Array, "gates=3 directions=2 hidden"]
    hidden_bias: Float[Array, "gates=3 directions=2 hidden"]
    output: Linear
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        n_timesteps: int = 40,
        features: int = 1,
        hidden_size: int = 6,
        n_classes: int = 10,
        *,
        key: PRNGKeyArray,
    ) -> None:
        weight_key, recurrent_key, bias_key, recurrent_bias_key, output_key = jax.random.split(
            key, 5
        )
        gates = (3, 2, hidden_size)
        self.input_weight = uniform(weight_key, (*gates, features), hidden_size)
        self.hidden_weight = uniform(recurrent_key, (*gates, hidden_size), hidden_size)
        self.input_bias = uniform(bias_key, gates, hidden_size)
        self.hidden_bias = uniform(recurrent_bias_key, gates, hidden_size)
        self.output = Linear(n_timesteps * 2 * hidden_size, n_classes, key=output_key)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        *_, hidden_size, features = self.input_weight.shape
        recur = self._recur_apart if hidden_size >= APART_FROM else self._recur
        return self.output(run_both_ways(recur, x, features))

    def _recur(
        self, inputs: Float[Array, "time inputs batch"]
    ) -> Float[Array, "time hidden batch"]:
        """Take steps of both directions by one product with a block-diagonal matrix."""
        input_weight = block_diagonal(self.input_weight)
        hidden_weight = block_diagonal(self.hidden_weight)
        input_bias, hidden_bias = (bias.reshape(-1, 1) for bias in self._biases())

        def step(hidden: Array, x: Array) -> tuple[Array, Array]:
            from_input = input_weight @ x + input_bias
            hidden = _gated(jnp.split(from_input, 3), hidden_weight @ hidden, hidden_bias, hidden)
            return hidden, hidden

        return _scanned(step, hidden_weight, inputs)

    def _recur_apart(
        self, inputs: Float[Array, "time inputs batch"]
    ) -> Float[Array, "time hidden batch"]:
        """Run one direction after the other, as half of a block-diagonal matrix is zeros."""
        forward, backward = jnp.split(inputs, 2, axis=1)
        return jnp.concatenate([self._one_way(0, forward), self._one_way(1, backward)], axis=1)

    def _one_way(
        self, direction: int, inputs: Float[Array, "time features batch"]
    ) -> Float[Array, "time hidden batch"]:
        input_weight = self.input_weight[:, direction]
        hidden_weight = self.hidden_weight[:, direction].reshape(-1, input_weight.shape[1])
        input_bias, hidden_bias = self._biases()
        own_bias = hidden_bias[direction, :, None]

        def step(hidden: Array, x: Array) -> tuple[Array, Array]:
            # Within the step and a product per gate: stored products of all time steps, and rows
            # of one product of all gates, take longer to read than these take to compute.
            gates = zip(input_weight, input_bias[:, direction], strict=True)
            from_input = [weight @ x + bias[:, None] for weight, bias in gates]
            hidden = _gated(from_input, hidden_weight @ hidden, own_bias, hidden)
            return hidden, hidden

        return _scanned(step, hidden_weight, inputs, unroll=2)

    def _biases(self) -> tuple[Array, Array]:
        """Return the biases of the input and of the hidden state of n, which needs its own."""
        # r and z depend on the sum of the two alone.
        return self.input_bias.at[:2].add(self.hidden_bias[:2]), self.hidden_bias[2]


def _gated(
    from_input: Sequence[Array], from_hidden: Array, hidden_bias: Array, hidden: Array
) -> Array:
    """Return the new hidden state; inputs, and rows of the product, are those of r, z and n."""
    of_r, of_z, of_n = jnp.split(from_hidden, 3)
    r = jax.nn.sigmoid(from_input[0] + of_r)
    z = jax.nn.sigmoid(from_input[1] + of_z)
    n = jnp.tanh(from_input[2] + r * (of_n + hidden_bias))
    return n + z * (hidden - n)


def _scanned(
    step: Callable[..., Any], hidden_weight: Array, inputs: Array, unroll: int = 1
) -> Array:
    """Return the hidden states of all time steps, from zeros."""
    dtype = jnp.result_type(inputs, hidden_weight)
    initial = jnp.zeros((hidden_weight.shape[-1], inputs.shape[-1]), dtype)
    return lax.scan(step, initial, inputs, unroll=unroll)[1]
