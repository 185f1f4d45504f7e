"""The interpolation threshold and the peak of a curve of errors over model sizes.

A curve belongs to one seed; intervals over seeds are those of its numbers, not of averaged curves.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

LEARNING = 0.5
"""The search for a peak begins at the first size whose training error is below this.

Smaller models cannot fit half of the labels, and their error varies by several points with their
initial weights, so that its rises are no peaks.
"""


WINDOW = (36, 80)
"""Widths among which the place of a peak is fitted: the published ones on either side of 47 and 61,
between which the published run reaches zero training errors."""
LEAST_SIZES = 10
"""A fit to fewer sizes is moved too far by the noise of single runs."""


class Threshold(NamedTuple):
    """The first size at which a curve of training errors is 0.

    Attributes:
        size: the smallest size that fits all labels; NaN if none does.
        below: the next smaller size, which does not: the threshold lies between the two. NaN if no
            size fits all labels, or even the smallest does.
    """

    size: float
    below: float


class Peak(NamedTuple):
    """The highest rise of a curve of test errors, in the unit of the errors.

    Attributes:
        size: at the vertex of the parabola through the highest point and its two neighbours over
            the logarithm of the size; at the end of the curve the size of the highest point.
        error: the error at the highest point.
        valley_size: the size with the lowest error before the peak.
        valley_error: that error.
        last_error: the error of the largest size.
    """

    size: float
    error: float
    valley_size: float
    valley_error: float
    last_error: float

    @property
    def height(self) -> float:
        """How far the peak rises above the valley before it; 0 if the curve only falls."""
        return self.error - self.valley_error

    @property
    def descent(self) -> float:
        """How far the curve falls from the peak to the largest size."""
        return self.error - self.last_error


def find_threshold(sizes: ArrayLike, train_error: ArrayLike) -> Threshold:
    """Find the interpolation threshold: the smallest size whose training error is 0.

    Args:
        sizes: rising, shape (sizes,).
        train_error: of one seed, any unit, shape (sizes,); NaN where a run diverged, which makes
            the threshold NaN.

    >>> find_threshold([4, 8, 16, 32], [0.6, 0.1, 0.0, 0.0])
    Threshold(size=16.0, below=8.0)
    >>> find_threshold([4, 8], [0.6, 0.1])
    Threshold(size=nan, below=nan)
    """
    sizes, train_error = _curve(sizes, train_error)
    fits = np.flatnonzero(train_error == 0)
    if np.isnan(train_error).any() or not fits.size:
        return Threshold(np.nan, np.nan)
    first = int(fits[0])
    return Threshold(float(sizes[first]), float(sizes[first - 1]) if first else np.nan)


def find_peak(sizes: ArrayLike, test_error: ArrayLike, train_error: ArrayLike) -> Peak:
    """Find the peak of a curve: the point that is highest above the lowest point before it.

    Args:
        sizes: rising, shape (sizes,).
        test_error: the curve of one seed, an error or a loss, shape (sizes,).
        train_error: a fraction, shape (sizes,): the search starts at the first size that is below
            `LEARNING`.

    Returns: the peak; its numbers are NaN if a run diverged or, but for the error of the largest
        size, if no size gets below `LEARNING`.

    >>> sizes, train = [2, 4, 8, 16, 32], [0.7, 0.4, 0.2, 0.0, 0.0]
    >>> peak = find_peak(sizes, [80.0, 50.0, 45.0, 60.0, 40.0], train)
    >>> peak.error, peak.valley_size, peak.height, peak.descent, round(peak.size, 1)
    (60.0, 8.0, 15.0, 20.0, 15.2)
    """
    sizes, test_error = _curve(sizes, test_error)
    _, train_error = _curve(sizes, train_error)
    start = np.flatnonzero(train_error < LEARNING)
    if np.isnan(test_error).any() or np.isnan(train_error).any():
        return Peak(*(np.nan,) * 5)
    if not start.size:
        return Peak(*(np.nan,) * 4, float(test_error[-1]))
    sizes, curve = sizes[start[0] :], test_error[start[0] :]
    top = int((curve - np.minimum.accumulate(curve)).argmax())
    valley = int(curve[: top + 1].argmin())
    return Peak(
        _vertex(np.log(sizes), curve, top),
        float(curve[top]),
        float(sizes[valley]),
        float(curve[valley]),
        float(curve[-1]),
    )


def fit_peak(sizes: ArrayLike, test_error: ArrayLike) -> float:
    """Fit the place of the peak near the threshold, which no single run decides.

    Args:
        sizes: rising, shape (sizes,).
        test_error: of one seed, any unit, shape (sizes,).

    Returns: the size at the vertex of the parabola that fits the errors from 36 to 80 units best,
        over the logarithm of the size; an end of these sizes if the parabola has no peak between
        them; NaN if a run diverged or there are fewer than `LEAST_SIZES` sizes.

    >>> sizes = np.arange(36, 81, 4)
    >>> errors = 50 - np.log(sizes / 55) ** 2, sizes / 10
    >>> [round(fit_peak(sizes, each), 1) for each in errors]
    [55.0, 80.0]
    """
    sizes, test_error = _curve(sizes, test_error)
    near = (sizes >= WINDOW[0]) & (sizes <= WINDOW[1])
    if near.sum() < LEAST_SIZES or np.isnan(test_error[near]).any():
        return np.nan
    places = np.log(sizes[near])
    bend, slope, _ = np.polyfit(places - places.mean(), test_error[near], 2)
    if bend >= 0:
        return float(np.exp(places[-1 if slope > 0 else 0]))
    vertex = places.mean() - slope / (2 * bend)
    return float(np.exp(np.clip(vertex, places[0], places[-1])))


def _vertex(log_sizes: np.ndarray, curve: np.ndarray, top: int) -> float:
    """Size at the vertex of the parabola through a point and its neighbours."""
    if 0 < top < len(curve) - 1 and curve[top] >= max(curve[top - 1], curve[top + 1]):
        near = slice(top - 1, top + 2)
        bend, slope, _ = np.polyfit(log_sizes[near] - log_sizes[top], curve[near], 2)
        if bend < 0:
            return float(np.exp(log_sizes[top] - slope / (2 * bend)))
    return float(np.exp(log_sizes[top]))


def _curve(sizes: ArrayLike, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    sizes, values = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    if sizes.ndim != 1 or sizes.shape != values.shape or not sizes.size:
        raise ValueError(f"a curve needs a value per size, got {sizes.shape} and {values.shape}")
    if (np.diff(sizes) <= 0).any():
        raise ValueError(f"sizes must rise, got {sizes.tolist()}")
    return sizes, values
