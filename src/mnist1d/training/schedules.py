"""Learning rates that fall during a run, and steps that are even in their logarithm."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
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


def falling_at_end(
    rate: Float[Array, ""], n_steps: int, share: float
) -> Callable[[Int[Array, ""]], Float[Array, ""]]:
    """Return a learning rate that is constant and at the end falls to zero along a line.

    Args:
        rate: at the beginning; it may differ from run to run of a compiled program.
        n_steps: the step at which it would be 0.
        share: of the steps, over which it falls, above 0.

    Source: Hägele et al. (2024), arXiv:2405.18392, with a linear fall.

    >>> rate = falling_at_end(jnp.float32(0.1), 100, 0.2)
    >>> [round(float(rate(jnp.int32(step))), 4) for step in (0, 80, 90, 100)]
    [0.1, 0.1, 0.05, 0.0]
    """

    def left(step: Array) -> Array:
        return (n_steps - step.astype(jnp.float32)) / (share * n_steps)

    return lambda step: rate * jnp.clip(left(step), 0, 1)


def even_in_log(n_steps: int, per_decade: int) -> tuple[int, ...]:
    """Return numbers of updates from 1 to all of them, as even in their logarithm as integers are.

    Less 1 they are the steps after which to evaluate (`Training.evaluate_at`).

    Args:
        n_steps: number of updates of the run, 1 or more.
        per_decade: how many numbers there are from one power of ten to the next, where they are
            large enough to differ.

    >>> even_in_log(100, 4)
    (1, 2, 3, 6, 10, 18, 32, 56, 100)
    """
    n_numbers = 1 + round(per_decade * np.log10(n_steps))
    found = np.rint(np.geomspace(1, n_steps, max(2, n_numbers))).astype(int)
    return tuple(np.unique(found).tolist())
