"""The network that predicts the velocity of a signal at a time, given its class."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mnist1d.models.layers import Convolution, Linear, draw_layers

N_FREQUENCIES = 8
"""Of the features of the time, each with sine and cosine."""


class VelocityNetwork(eqx.Module):
    """A small U-Net: the signal is halved twice, mixed as a whole, and doubled twice.

    Time and class multiply and shift the channels of every layer. The output is added to the best
    velocity for independent normal points, so that the network learns what signals have beyond.

    Args:
        length: of the signals, a multiple of 4.
        n_classes: number of classes.
        channels: at full length; at half and quarter length there are two and three times as many.
        key: for the initial weights.

    Source: a U-Net as in Ho et al. (2020), arXiv:2006.11239; modulation as in Perez et al. (2018),
        arXiv:1709.07871.

    >>> network = initial_network(40, 10, 4, trial=0, twin=0)
    >>> found = eqx.filter_eval_shape(
    ...     network, jnp.ones((40, 3)), jnp.zeros(3), jnp.array([1, 2, 3])
    ... )
    >>> found.shape
    (40, 3)
    """

    first: Convolution
    down: tuple[Convolution, Convolution]
    middle: tuple[Linear, Linear]
    up: tuple[Convolution, Convolution, Convolution]
    output: Convolution
    given: Linear
    widths: tuple[int, ...] = eqx.field(static=True)
    n_classes: int = eqx.field(static=True)

    def __init__(self, length: int, n_classes: int, channels: int, *, key: PRNGKeyArray) -> None:
        full, half, quarter = channels, 2 * channels, 3 * channels
        whole = quarter * (length // 4)
        self.widths = (full, half, quarter, whole // 4, half, full, full)
        keys = jax.random.split(key, 10)
        self.first = Convolution(2, full, 5, padding=2, key=keys[0])
        self.down = (
            Convolution(full, half, 4, stride=2, padding=1, key=keys[1]),
            Convolution(half, quarter, 4, stride=2, padding=1, key=keys[2]),
        )
        self.middle = (
            Linear(whole, whole // 4, key=keys[3]),
            Linear(whole // 4, whole, key=keys[4]),
        )
        self.up = (
            Convolution(quarter, half, 3, padding=1, key=keys[5]),
            Convolution(half, full, 3, padding=1, key=keys[6]),
            Convolution(full, full, 3, padding=1, key=keys[7]),
        )
        self.output = Convolution(full, 1, 1, key=keys[8])
        self.given = Linear(2 * N_FREQUENCIES + n_classes, 2 * sum(self.widths), key=keys[9])
        self.n_classes = n_classes

    def __call__(
        self, x: Float[Array, "length n"], time: Float[Array, " n"], labels: Int[Array, " n"]
    ) -> Float[Array, "length n"]:
        """Return the velocities of signals.

        Args:
            x: points on the way from noise to signals.
            time: 0 (noise) to 1 (signals).
            labels: the class of each.
        """
        length, n = x.shape
        angles = jnp.pi * jnp.outer(jnp.arange(N_FREQUENCIES, dtype=x.dtype), time)
        classes = jax.nn.one_hot(labels, self.n_classes, dtype=x.dtype, axis=0)
        given = self.given(jnp.concatenate([jnp.cos(angles), jnp.sin(angles), classes]))
        ends = np.cumsum([2 * width for width in self.widths])[:-1]
        factors = jnp.split(given, ends.tolist())

        def modulated(hidden: Array, layer: int) -> Array:
            factor, shift = jnp.split(factors[layer], 2)
            if hidden.ndim == 3:
                factor, shift = factor[:, None], shift[:, None]
            return jax.nn.silu(hidden * (1 + factor) + shift)

        # Where on the signal a point is, which a convolution does not know.
        line = jnp.broadcast_to(jnp.linspace(-1, 1, length, dtype=x.dtype)[:, None], x.shape)
        full = modulated(self.first(jnp.stack([x, line])), 0)
        half = modulated(self.down[0](full), 1)
        quarter = modulated(self.down[1](half), 2)
        mixed = self.middle[1](modulated(self.middle[0](quarter.reshape(-1, n)), 3))
        quarter = quarter + mixed.reshape(quarter.shape)
        half = half + jnp.repeat(modulated(self.up[0](quarter), 4), 2, axis=1)
        full = full + jnp.repeat(modulated(self.up[1](half), 5), 2, axis=1)
        full = full + modulated(self.up[2](full), 6)
        return self.output(full)[0] + best_of_white_noise(time)[None] * x


def best_of_white_noise(time: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Return the slope of the best velocity if signals were independent standard normal points.

    >>> best_of_white_noise(jnp.array([0.0, 0.5, 1.0])).tolist()
    [-1.0, 0.0, 1.0]
    """
    return (2 * time - 1) / (time**2 + (1 - time) ** 2)


def initial_network(
    length: int, n_classes: int, channels: int, *, trial: int, twin: int
) -> VelocityNetwork:
    """Draw the initial weights of one of the networks of a trial, for any number of samples.

    Args:
        length: of the signals.
        n_classes: number of classes.
        channels: at full length.
        trial: number of the trial.
        twin: 0, or 1 for the network that sees other samples.
    """
    shapes = eqx.filter_eval_shape(
        VelocityNetwork, length, n_classes, channels, key=jax.random.key(0)
    )
    network: VelocityNetwork = draw_layers(shapes, np.random.default_rng((trial, twin, 3)))
    return network
