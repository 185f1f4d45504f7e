"""The straight line between two networks, averages of weights, and the barrier between them.

Source of the barrier: Entezari, Sedghi, Saukh & Neyshabur (2022), arXiv:2110.06296, definition 2.1.
"""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def places_on_line(n: int) -> np.ndarray:
    """Return n equally distant places from 0 to 1, both ends included; shape (n,), n at least 2.

    >>> places_on_line(3).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.linspace(0, 1, n)


def on_line(first: Any, second: Any, place: float) -> Any:
    """Return the network at a place of the straight line between two others.

    Args:
        first: any pytree of arrays; the network at place 0.
        second: another like it; the network at place 1.
        place: where; beyond 0 and 1, too.

    >>> on_line([np.array([1.0, 3.0])], [np.array([2.0, 3.0])], 0.25)[0].tolist()
    [1.25, 3.0]
    """
    return _tree().map(lambda one, other: (1 - place) * one + place * other, first, second)


def average(networks: Any) -> Any:
    """Return the network whose weights are the means over the leading axis of every array.

    >>> average([np.array([[1.0, 3.0], [2.0, 5.0]])])[0].tolist()
    [1.5, 4.0]
    """
    return _tree().map(lambda leaf: leaf.mean(axis=0), networks)


def barrier(values: ArrayLike, axis: int = -1) -> np.ndarray:
    """Return how far a loss or an error rises above the straight line between its ends.

    Where both ends are equal, this is also the barrier of Ainsworth et al. (2023) and the
    instability of Frankle et al. (2020), who compare with the mean of both ends.

    Args:
        values: at equally distant places of a line, both ends included.
        axis: the axis of places.

    Returns: the largest excess, 0 or more; NaN where a value is; of the shape without `axis`.
    Raises: ValueError: if there are fewer than two places.

    >>> barrier([1.0, 4.0, 2.0]), barrier([1.0, 0.0, 2.0])
    (array(2.5), array(0.))
    """
    heights = np.moveaxis(np.asarray(values, float), axis, -1)
    n = heights.shape[-1]
    if n < 2:
        raise ValueError(f"a barrier needs values at 2 places or more, not {n}")
    places = places_on_line(n)
    straight = (1 - places) * heights[..., :1] + places * heights[..., -1:]
    # At both ends there is none, but for rounding.
    excess = (heights - straight)[..., 1:-1]
    return np.asarray(np.maximum(0, excess.max(axis=-1, initial=0)))


def _tree() -> Any:
    return import_module("jax").tree  # which those who read results do without
