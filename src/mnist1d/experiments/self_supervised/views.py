"""Views of signals for contrastive learning: the same digit, shifted and with another slope.

The encoder learns to recognise what views keep and to ignore what they change. Signals are columns
here, `(length, n)`, as the models take them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray


class ViewDraws(NamedTuple):
    """The random numbers of one view of n signals.

    Attributes:
        shift: points to the right, shape (n,), integers.
        slope: per point, shape (n,).
        offset: shape (n,).
    """

    shift: Int[Array, " n"]
    slope: Float[Array, " n"]
    offset: Float[Array, " n"]


def centred_time(length: int) -> Float[Array, " length"]:
    """Return the positions of a signal's points, their mean being zero.

    >>> centred_time(4).tolist()
    [-1.5, -0.5, 0.5, 1.5]
    """
    return jnp.asarray(np.arange(length) - (length - 1) / 2, jnp.float32)


def level(x: Float[Array, "length n"]) -> Float[Array, "length n"]:
    """Subtract from every signal its mean and then its linear slope.

    Args:
        x: shape (length, n).

    Source: Greydanus & Kobak (2024), the notebook of section 5.5.

    >>> bool(abs(level(2 + 3 * centred_time(40)[:, None])).max() < 1e-5)
    True
    """
    time = centred_time(len(x))
    x = x - x.mean(axis=0)[None]
    slope = time @ x / (time**2).sum()
    return x - time[:, None] * slope[None]


def draw_views(
    n: int, *, max_shift: int, slope_scale: float, offset_scale: float, key: PRNGKeyArray
) -> ViewDraws:
    """Draw the random numbers of `apply_views`.

    Args:
        n: number of signals.
        max_shift: shifts are 0 to `max_shift` - 1, all equally likely.
        slope_scale: standard deviation of the slopes, per point.
        offset_scale: standard deviation of the offsets.
        key: of these views alone.

    Source: Greydanus & Kobak (2024), the notebook of section 5.5.

    >>> draws = draw_views(
    ...     5, max_shift=1, slope_scale=0.04, offset_scale=0.3, key=jax.random.key(0)
    ... )
    >>> draws.shift.tolist(), draws.slope.shape
    ([0, 0, 0, 0, 0], (5,))
    """
    shift_key, line_key = jax.random.split(key)
    lines = jax.random.normal(line_key, (2, n))
    return ViewDraws(
        jax.random.randint(shift_key, (n,), 0, max_shift),
        slope_scale * lines[0],
        offset_scale * lines[1],
    )


def apply_views(
    levelled: Float[Array, "length n"], draws: ViewDraws, *, max_shift: int
) -> Float[Array, "length n"]:
    """Shift every levelled signal in a circle, then add its slope and offset.

    Args:
        levelled: what `level` returns, shape (length, n).
        draws: a shift, a slope and an offset for each signal.
        max_shift: all shifts are below it.

    Source: Greydanus & Kobak (2024), the notebook of section 5.5.

    >>> draws = ViewDraws(jnp.array([1]), jnp.array([0.0]), jnp.array([10.0]))
    >>> apply_views(jnp.array([[1.0], [2.0], [3.0]]), draws, max_shift=2)[:, 0].tolist()
    [13.0, 11.0, 12.0]
    """
    x = levelled
    # A shift as a sum of powers of two moves whole rows, in a tenth of the time of a gather.
    for bit in range((max_shift - 1).bit_length()):
        moves = (draws.shift >> bit) & 1 == 1
        x = jnp.where(moves[None], jnp.roll(x, 1 << bit, axis=0), x)
    return x + centred_time(len(x))[:, None] * draws.slope[None] + draws.offset[None]
