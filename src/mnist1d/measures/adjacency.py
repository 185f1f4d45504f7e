"""Adjacency of masks: how often neighbouring weights of a unit are kept.

Source: Greydanus & Kobak (2024), section 5.1, Figure 4 g.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

N_TRADES = 20
"""Exchanges of every unit between a mask and the random one that is made of it: ten per pair of
units, above which Neal (2023, arXiv 2305.04937) finds no trace of the given mask."""


def runs_per_unit(kept: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Count, for every unit, the positions from which `length` neighbouring weights are kept.

    Args:
        kept: mask of a layer's weights, shape (..., units, inputs).
        length: 1 or more neighbours.

    Returns: shape (..., units).

    >>> runs_per_unit(np.array([[1, 1, 1, 0, 1, 1]], bool), 2)
    array([3])
    """
    n_positions = kept.shape[-1] - length + 1
    return np.all(
        [kept[..., offset : offset + n_positions] for offset in range(length)], axis=0
    ).sum(axis=-1)


def adjacency_probability(kept: NDArray[np.bool_], length: int) -> NDArray[np.float64]:
    """Return the share of positions from which `length` neighbouring weights are kept.

    Args:
        kept: mask of a layer's weights, shape (..., units, inputs).
        length: 1 or more neighbours.

    Returns: mean over units, shape (...).

    >>> adjacency_probability(np.array([[1, 1, 1, 0], [0, 0, 0, 0]], bool), 2).item()
    0.333...
    """
    return np.asarray(runs_per_unit(kept, length).mean(axis=-1) / (kept.shape[-1] - length + 1))


def draw_with_same_degrees(
    kept: NDArray[np.bool_], n_draws: int, rng: np.random.Generator
) -> Iterator[NDArray[np.bool_]]:
    """Draw random masks with as many weights for every unit, and for every input, as this one.

    They have the adjacency that these numbers imply and no other: what chance means for a mask. All
    units are put in random pairs, and each pair divides the weights that only one of the two has,
    `N_TRADES` times ("global curveball").

    Args:
        kept: shape (units, inputs).
        n_draws: number of masks; independent, as each is made of `kept`.
        rng: source of randomness.

    Yields: masks of the shape of `kept`.
    Source: Carstens, Berger & Strona (2016), arXiv 1609.05137.

    >>> kept = np.random.default_rng(0).random((30, 40)) < 0.2
    >>> (other,) = draw_with_same_degrees(kept, 1, np.random.default_rng(1))
    >>> (other.sum(0) == kept.sum(0)).all(), (other.sum(1) == kept.sum(1)).all()
    (np.True_, np.True_)
    >>> bool((other == kept).all())
    False
    """
    connected = np.flatnonzero(kept.any(axis=1))
    half = len(connected) // 2
    for _ in range(n_draws):
        drawn = kept.copy()
        for _ in range(N_TRADES if half else 0):
            first, second = rng.permutation(connected)[: 2 * half].reshape(2, half)
            ours, theirs = drawn[first], drawn[second]
            either = ours != theirs
            n_ours = (ours & either).sum(axis=1)
            scores = np.where(either, rng.random(either.shape), 2)
            # The weights with the smallest scores, as many as before, are ours.
            limits = np.sort(scores, axis=1)[np.arange(half), n_ours - 1]
            now_ours = either & (scores <= limits[:, None]) & (n_ours > 0)[:, None]
            drawn[first] = (ours & theirs) | now_ours
            drawn[second] = (ours & theirs) | (either & ~now_ours)
        yield drawn
