"""The shape of a sampled function: its number of extrema, and a piecewise linear fit."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Pieces(NamedTuple):
    """A piecewise linear function; the outer pieces are infinitely long.

    Attributes:
        breaks: boundaries of the pieces, rising, shape (pieces - 1,).
        slopes: shape (pieces,).
        intercepts: the piece's value at 0, shape (pieces,).
    """

    breaks: NDArray[np.float64]
    slopes: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def __call__(self, x: ArrayLike) -> NDArray[np.float64]:
        """Evaluate the function; at a break the left piece counts."""
        x = np.asarray(x, dtype=float)
        piece = np.searchsorted(self.breaks, x)
        return self.slopes[piece] * x + self.intercepts[piece]


PUBLISHED_PIECES = Pieces(
    np.array([-2, -1, -0.25, 0.1, 0.6]),
    np.array([0.15, -0.25, -1.2, -0.5, 0.2, 1.2]),
    np.array([0.9, 0.1, -0.85, -0.75, -0.85, -1.4]),
)
"""The paper's fit to its learned function."""


def count_extrema(values: ArrayLike, least: float) -> int:
    """Count the local extrema of a sampled function, without small ones.

    A maximum counts if the function rises to it and falls from it by `least` or more, a minimum
    likewise; the ends of the range are no extrema.

    Args:
        values: of the function in the order of its argument, shape (n,).
        least: the smallest rise or fall that counts, above 0.

    >>> count_extrema([0.1, 0.5, -0.9, 4.0], least=0.1)
    2
    >>> count_extrema([0.0, 0.5, 0.45, 1.0], least=0.1)
    0
    """
    values = np.asarray(values, dtype=float)
    low = high = values[0]
    direction, n_extrema = 0, 0
    for value in values[1:]:
        if direction >= 0:
            high = max(high, value)
        if direction <= 0:
            low = min(low, value)
        if direction >= 0 and value <= high - least:
            n_extrema += direction == 1
            direction, low = -1, value
        elif direction <= 0 and value >= low + least:
            n_extrema += direction == -1
            direction, high = 1, value
    return n_extrema


def fit_pieces(x: ArrayLike, y: ArrayLike, n_pieces: int, least: int = 4) -> Pieces:
    """Fit a piecewise linear function to a sampled function.

    Every piece is the least-squares line through its samples; the breaks, midway between two
    samples, are those with the smallest sum of squared errors of all (dynamic programming), every
    piece having `least` samples or more. The function need not be continuous.

    Args:
        x: rising, shape (n,).
        y: shape (n,).
        n_pieces: number of pieces, at least 1.
        least: samples of a piece, at least 2.

    Raises: ValueError: if there are too few samples.

    >>> x = np.linspace(-1, 1, 21)
    >>> fit_pieces(x, abs(x - 0.05), 2).breaks.round(3)
    array([0.05])
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    n = len(x)
    if least < 2 or n < n_pieces * least:
        raise ValueError(f"{n_pieces} pieces need {n_pieces * max(least, 2)} samples, got {n}")
    lines = {}
    errors = np.full((n + 1, n + 1), np.inf)
    for start in range(n):
        for stop in range(start + least, n + 1):
            slope, intercept = _line(x[start:stop], y[start:stop])
            lines[start, stop] = (slope, intercept)
            residuals = y[start:stop] - slope * x[start:stop] - intercept
            errors[start, stop] = residuals @ residuals
    best = errors[0]
    starts = []
    for _ in range(n_pieces - 1):
        through = best[:, None] + errors
        starts.append(through.argmin(axis=0))
        best = through.min(axis=0)
    edges = [n]
    for start in reversed(starts):
        edges.append(int(start[edges[-1]]))
    edges = [0, *edges[::-1]]
    chosen = np.array([lines[pair] for pair in pairwise(edges)])
    inner = np.array(edges[1:-1], dtype=int)
    return Pieces((x[inner - 1] + x[inner]) / 2, chosen[:, 0], chosen[:, 1])


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    return slope, float(y.mean() - slope * x.mean())
