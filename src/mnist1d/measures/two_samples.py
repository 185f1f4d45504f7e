"""Comparing two sets of samples: distributions of a number, and nearest neighbours."""

import numpy as np
from numpy.typing import ArrayLike

_CHUNK_VALUES = 2 * 10**7
"""Distances that are in memory at a time."""


def kolmogorov_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Return the largest difference of two empirical distribution functions.

    Args:
        first: numbers, one or more.
        second: numbers, one or more.

    Returns: 0 to 1; NaN if a number is.
    Raises: ValueError: if one of them has no numbers.

    Source: the statistic of Kolmogorov and Smirnov for two samples.

    >>> kolmogorov_distance([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    a, b = (np.sort(np.asarray(each, dtype=float).reshape(-1)) for each in (first, second))
    if not a.size or not b.size:
        raise ValueError(f"both need a number, not {a.size} and {b.size}")
    if np.isnan(a[-1]) or np.isnan(b[-1]):  # NaN is sorted to the end
        return float("nan")
    every = np.concatenate([a, b])
    below = (np.searchsorted(each, every, side="right") / each.size for each in (a, b))
    return float(abs(np.subtract(*below)).max())


def nearest_distances(points: ArrayLike, others: ArrayLike, n: int = 2) -> np.ndarray:
    """Return the Euclidean distances of points to the nearest others.

    Args:
        points: shape (points, features).
        others: shape (others, features), `n` or more.
        n: how many of the nearest.

    Returns: float64, shape (points, n), from the nearest on; exact to about 1e-7 of the lengths of
        the points.

    Raises: ValueError: if there are too few others, or shapes do not fit.

    >>> nearest_distances([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0], [0.0, 2.0]]).tolist()
    [[1.0, 2.0]]
    """
    a, b = (np.asarray(each, dtype=float) for each in (points, others))
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"points and others must be rows of one length, not {a.shape}, {b.shape}")
    if not 1 <= n <= len(b):
        raise ValueError(f"n must be from 1 to the number of others, {len(b)}, not {n}")
    rows = max(1, _CHUNK_VALUES // len(b))
    squares = (b**2).sum(axis=1)
    found = np.empty((len(a), n))
    for start in range(0, len(a), rows):
        part = a[start : start + rows]
        # The squares of the points themselves do not change the order.
        distances = squares - 2 * part @ b.T
        chosen = np.argpartition(distances, n - 1, axis=1)[:, :n]
        # Of few, so that what cancels above is computed again.
        exact = np.linalg.norm(part[:, None] - b[chosen], axis=2)
        found[start : start + rows] = np.sort(exact, axis=1)
    return found
