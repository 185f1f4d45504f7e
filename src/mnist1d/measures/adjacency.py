"""Adjacency of masks: how often neighbouring weights of a unit are kept.

Source: Greydanus & Kobak (2024), section 5.1, Figure 4 g.
"""

import numpy as np
from numpy.typing import NDArray


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
