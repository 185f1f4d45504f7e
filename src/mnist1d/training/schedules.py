"""Learning rates that fall during a run."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def cosine_schedule(
    rate: Float[Array, ""], n_steps: int
) -> Callable[[Int[Array, ""]], Float[Array, ""]]:
    """Return a learning rate that falls to zero along half a cosine, for an optimiser of Optax.

    `optax.cosine_decay_schedule` is the same; this one mixes no types of numbers.

    Args:
        rate: at step 0; it may differ from run to run of a compiled program.
        n_steps: the step at which it would be 0.

    Source: Loshchilov & Hutter (2017), arXiv:1608.03983, without restarts.

    >>> rate = cosine_schedule(jnp.float32(0.1), 800)
    >>> [round(float(rate(jnp.int32(step))), 4) for step in (0, 400, 800)]
    [0.1, 0.05, 0.0]
    """

    def left(step: Array) -> Array:
        return (1 + jnp.cos(jnp.pi * step.astype(jnp.float32) / n_steps)) / 2

    return lambda step: rate * left(step)
