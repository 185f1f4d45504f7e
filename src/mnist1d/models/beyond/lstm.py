"""The bidirectional long short-term memory."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Linear, block_diagonal, run_both_ways, uniform


class LSTM(eqx.Module):
    """One bidirectional LSTM layer; all its outputs, flattened, feed one affine map, as in `GRU`.

    With 40 scalar inputs and 6 hidden units per direction there are 5,242 parameters.

    Gate order i, f, g, o: i = sigmoid(W_ii x + b_ii + W_hi h + b_hi), f and o likewise,
    g = tanh(W_ig x + b_ig + W_hg h + b_hg), c' = f * c + i * g, h' = o * tanh(c'); h and c start
    at 0.

    Args:
        n_timesteps: length of the sequence.
        features: inputs per time step; the signal is `n_timesteps * features` long, time-major.
        hidden_size: hidden units per direction.
        n_classes: number of classes.
        key: for the initial weights (PyTorch's defaults: every tensor U[-1/sqrt(hidden_size), ..]).

    Source: Hochreiter & Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735; forget gates: Gers,
        Schmidhuber & Cummins (2000), doi:10.1162/089976600300015015.

    >>> LSTM(key=jax.random.key(0))(jnp.ones((40, 3))).shape
    (10, 3)
    """

    input_weight: Float[Array, "gates=4 directions=2 hidden features"]
    hidden_weight: Float[Array, "gates=4 directions=2 hidden hidden"]
    input_bias: Float[Array, "gates=4 directions=2 hidden"]
    hidden_bias: Float[Array, "gates=4 directions=2 hidden"]
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
        gates = (4, 2, hidden_size)
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
        input_weight = block_diagonal(self.input_weight)
        hidden_weight = block_diagonal(self.hidden_weight)
        bias = (self.input_bias + self.hidden_bias).reshape(-1, 1)

        def step(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], Array]:
            hidden, cell = state
            gates = input_weight @ x + bias + hidden_weight @ hidden
            i, f, g, o = jnp.split(gates, 4)
            cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
            hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
            return (hidden, cell), hidden

        dtype = jnp.result_type(inputs, hidden_weight)
        initial = jnp.zeros((2 * self.hidden_weight.shape[-1], inputs.shape[-1]), dtype)
        return lax.scan(step, (initial, initial), inputs)[1]
