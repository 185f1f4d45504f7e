"""The bidirectional gated recurrent unit."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Linear, block_diagonal, run_both_ways, uniform


class GRU(eqx.Module):
    """One bidirectional GRU layer; all its outputs, flattened, feed one affine map.

    With 40 scalar inputs and 6 hidden units per direction there are 5,134 parameters. Both
    directions advance together, the backward one over the reversed sequence, so that one
    block-diagonal product per time step serves both.

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
        features = self.input_weight.shape[-1]
        return self.output(run_both_ways(self._recur, x, features))

    def _recur(
        self, inputs: Float[Array, "time inputs batch"]
    ) -> Float[Array, "time hidden batch"]:
        size = 2 * self.hidden_weight.shape[-1]
        input_weight = block_diagonal(self.input_weight)
        hidden_weight = block_diagonal(self.hidden_weight)
        # r and z depend on the sum of the two biases alone; n needs them separately.
        input_bias = (self.input_bias.at[:2].add(self.hidden_bias[:2])).reshape(-1, 1)
        hidden_bias = self.hidden_bias[2].reshape(-1, 1)

        def step(hidden: Array, x: Array) -> tuple[Array, Array]:
            from_input = input_weight @ x + input_bias
            from_hidden = hidden_weight @ hidden
            r = jax.nn.sigmoid(from_input[:size] + from_hidden[:size])
            z = jax.nn.sigmoid(from_input[size : 2 * size] + from_hidden[size : 2 * size])
            n = jnp.tanh(from_input[2 * size :] + r * (from_hidden[2 * size :] + hidden_bias))
            hidden = n + z * (hidden - n)
            return hidden, hidden

        dtype = jnp.result_type(inputs, hidden_weight)
        initial = jnp.zeros((size, inputs.shape[-1]), dtype)
        return lax.scan(step, initial, inputs)[1]
