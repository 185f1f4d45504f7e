"""Training the classifier with each of the functions that are compared."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from mnist1d.experiments.metalearn_activation.activation import Activation
from mnist1d.experiments.metalearn_activation.config import BASELINES, Config
from mnist1d.experiments.metalearn_activation.inner_loop import (
    Data,
    Parameters,
    measure_accuracy,
    train,
)
from mnist1d.experiments.metalearn_activation.outer_loop import Draws, activation_of
from mnist1d.models.scalar_network import Jet, Network


class Choice(NamedTuple):
    """One of `CONDITIONS`, chosen at run time, so that one program serves all.

    Attributes:
        which: index in `CONDITIONS`.
        pieces: breaks, slopes and intercepts of a function of straight pieces.
        learned: the learned function.
    """

    which: Int[Array, ""]
    pieces: tuple[Array, Array, Array]
    learned: Activation

    def __call__(self, call: Int[Array, ""], x: Array) -> Jet:
        """Evaluate the function; second derivatives are 0, as only metalearning needs them."""

        def known(function: Callable[[Array], Array], x: Array) -> Jet:
            value, first = jax.jvp(function, (x,), (jnp.ones_like(x),))
            return Jet(value, first, jnp.zeros_like(x))

        def straight(x: Array) -> Jet:
            breaks, slopes, intercepts = self.pieces
            piece = (x[..., None] > breaks[None, None]).sum(axis=-1)
            first = slopes[piece]
            return Jet(first * x + intercepts[piece], first, jnp.zeros_like(x))

        functions: list[Callable[[Array], Jet]] = [
            *(partial(known, getattr(jax.nn, name)) for name in BASELINES),
            straight,
            straight,
            lambda x: self.learned(call, x),
        ]
        return jax.lax.switch(self.which, functions, x)


@partial(jax.jit, static_argnums=0)
def train_with(
    config: Config,
    which: Int[Array, ""],
    pieces: tuple[Array, Array, Array],
    network: Network,
    draws: Draws,
    data: Data,
) -> tuple[Float[Array, " steps"], Float[Array, " steps"]]:
    """Train the classifier with one of `CONDITIONS`.

    Returns: loss before every step, and test accuracy after it.
    """
    function, test = (
        Choice(which, pieces, activation_of(config, network, noise))
        for noise in (draws.network, draws.test_network)
    )

    def measure(step: Int[Array, ""], parameters: Parameters) -> Float[Array, ""]:
        return measure_accuracy(test, step, parameters, draws.test_hidden[step], data)

    forward, _ = train(config, function, draws.start, draws.hidden, data, measure)
    return forward.losses, forward.accuracies
