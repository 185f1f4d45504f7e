"""Flow matching: straight paths from noise to signals, and the integration of a velocity.

A velocity field v(x, t) carries noise at time 0 to signals at time 1. Its optimum in the squared
error is the mean velocity of all straight lines from noise to signals that pass x at time t.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Velocity = Callable[[Float[Array, "..."], Float[Array, ""]], Float[Array, "..."]]
"""`(x, time) -> dx / dtime` of all points at one time, of the shape of x."""

METHODS = ("euler", "heun")


def on_path(
    noise: Float[Array, "*shape"], signals: Float[Array, "*shape"], time: Float[Array, "..."]
) -> Float[Array, "*shape"]:
    """Return points on the straight lines from noise to signals.

    Args:
        noise: where lines begin.
        signals: where they end.
        time: 0 to 1, of a shape that can be broadcast to that of the signals.

    Source: Lipman et al. (2023), arXiv:2210.02747, equation 22 with a last width of zero; Liu et
        al. (2023), arXiv:2209.03003.

    >>> on_path(jnp.zeros(3), jnp.ones(3), jnp.array(0.25)).tolist()
    [0.25, 0.25, 0.25]
    """
    return (1 - time) * noise + time * signals


def velocity_target(
    noise: Float[Array, "*shape"], signals: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """Return the velocities of the straight lines, which a network is to predict on them.

    >>> velocity_target(jnp.ones(2), jnp.array([3.0, 0.0])).tolist()
    [2.0, -1.0]
    """
    return signals - noise


def integrate(
    velocity: Velocity,
    start: Float[Array, "*shape"],
    n_steps: int | Int[Array, ""],
    *,
    method: str = "heun",
) -> Float[Array, "*shape"]:
    """Follow a velocity from time 0 to time 1 in equal steps.

    Args:
        velocity: `(x, time) -> velocity`, of all points.
        start: points at time 0.
        n_steps: 1 or more; may be traced, so that one program makes any number of them.
        method: "euler", whose error falls with the number of steps, or "heun", whose error falls
            with its square, and which asks for the velocity twice per step.

    Raises: ValueError: if there is no such method.

    Source: Heun's as in Karras et al. (2022), arXiv:2206.00364, algorithm 1.

    >>> round(float(integrate(lambda x, time: x, jnp.array(1.0), 1000, method="euler")), 3)
    2.717
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    step = 1 / jnp.asarray(n_steps, start.dtype)
    if method == "euler":
        return jax.lax.fori_loop(
            0, n_steps, lambda number, x: x + step * velocity(x, number * step), start
        )

    def evaluate(number: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        # The velocity is asked for at one place in the program, which is compiled once.
        x, before = carry
        is_second = number % 2 == 1
        ahead = jnp.where(is_second, x + step * before, x)
        found = velocity(ahead, (number + 1) // 2 * step)
        return jnp.where(is_second, x + step / 2 * (before + found), x), found

    return jax.lax.fori_loop(0, 2 * n_steps, evaluate, (start, jnp.zeros_like(start)))[0]
