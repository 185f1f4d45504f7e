"""Statistics: estimates with intervals, paired tests, and corrections for several tests.

Runs differ by their seed alone, so a mean over seeds has Student's t interval. It is used in
place of a bootstrap because n is 3 to 20 here: of three values, the nominal 95 % interval of a
percentile bootstrap is their range, which covers the mean of a symmetric distribution 75 % of the
time; of five, it covers that of a normal one about 83 % of the time.
"""

import math
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Estimate(NamedTuple):
    """A mean over runs.

    Attributes:
        mean: mean of the finite values; NaN if there is none.
        low: lower end of the 95 % interval; NaN if n < 2.
        high: upper end of the 95 % interval; NaN if n < 2.
        n: number of finite values.
        n_diverged: number of values that are not finite: runs that diverged.
        values: the values that were averaged, in their order; empty if there were none.
    """

    mean: float
    low: float
    high: float
    n: int
    n_diverged: int = 0
    values: tuple[float, ...] = ()


def in_percent(fraction: Estimate) -> Estimate:
    """Turn an estimate of a fraction into one in per cent.

    >>> in_percent(Estimate(0.5, 0.25, 0.75, 3)).high
    75.0
    """
    mean, low, high, n, n_diverged, values = fraction
    in_order = tuple(100 * value for value in values)
    return Estimate(100 * mean, 100 * low, 100 * high, n, n_diverged, in_order)


def interval(
    values: ArrayLike, axis: int = 0, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean over runs and Student's t interval, element by element.

    Args:
        values: one axis are runs; what is not finite (a run that diverged) is left out.
        axis: the axis of runs.
        confidence: coverage of the interval, in (0, 1).

    Returns: mean, low and high, each of the shape of `values` without `axis`; NaN where there is
        no finite value (mean) or fewer than two (low, high).
    Raises: ValueError: if `confidence` is not in (0, 1).

    >>> mean, low, high = interval([[1.0, 5.0], [3.0, 5.0]])
    >>> mean.tolist(), (high - low).round(1).tolist()
    ([2.0, 5.0], [25.4, 0.0])
    """
    _check_confidence(confidence)
    values = np.moveaxis(np.asarray(values, dtype=float), axis, 0)
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(finite, values, 0).sum(axis=0) / n
        variance = np.where(finite, (values - mean) ** 2, 0).sum(axis=0) / np.where(n > 1, n - 1, 0)
        half_width = _special().stdtrit(n - 1.0, (1 + confidence) / 2) * np.sqrt(variance / n)
    return mean, mean - half_width, mean + half_width


def estimate(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Estimate a mean over runs, with Student's t interval.

    Args:
        values: one value per run, shape (n,); what is not finite marks a run that diverged.
        confidence: coverage of the interval, in (0, 1).

    Raises: ValueError: if `values` is not one-dimensional or `confidence` not in (0, 1).

    >>> estimate([0.92, 0.94, 0.93])
    Estimate(mean=0.93, low=0.905..., high=0.954..., n=3, n_diverged=0, values=(0.92, 0.94, 0.93))
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"values must be one-dimensional, got shape {values.shape}")
    mean, low, high = (float(value) for value in interval(values, confidence=confidence))
    n = int(np.isfinite(values).sum())
    return Estimate(mean, low, high, n, values.size - n, tuple(values.tolist()))


def estimate_proportion(successes: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Estimate a proportion from independent yes-or-no trials, with Wilson's score interval.

    Student's interval would have no width when all trials agree.

    Args:
        successes: one truth value per trial, shape (n,).
        confidence: coverage of the interval, in (0, 1).

    Raises: ValueError: if there is no trial or `confidence` is not in (0, 1).

    >>> estimate_proportion([False] * 40)
    Estimate(mean=0.0, low=0.0, high=0.087..., n=40, n_diverged=0, values=())
    """
    _check_confidence(confidence)
    successes = np.asarray(successes, dtype=bool)
    if successes.ndim != 1 or not successes.size:
        raise ValueError(f"successes must be one-dimensional, not empty: {successes.shape}")
    n, n_successes = successes.size, int(successes.sum())
    p, z = n_successes / n, float(_special().ndtri(0.5 + 0.5 * confidence))
    scale = 2 * (n + z**2)
    centre, half = (2 * n * p + z**2) / scale, z / scale * math.sqrt(4 * n * p * (1 - p) + z**2)
    # The ends that rounding would miss.
    low = centre - half if n_successes else 0.0
    high = centre + half if n_successes < n else 1.0
    return Estimate(float(successes.mean()), low, high, n)


def estimate_median(values: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Estimate a median over runs, with an interval that assumes nothing of their distribution.

    For runs most of which agree and a few of which do not, where a mean says little. The interval
    goes from one ordered value to another, by the binomial distribution of those below the median.

    Args:
        values: one value per run, shape (n,); what is not finite marks a run that diverged.
        confidence: least coverage of the interval, in (0, 1).

    Returns: the median as `mean`, with its interval; NaN as ends if there are too few values.
    Raises: ValueError: if `values` is not one-dimensional or `confidence` not in (0, 1).

    >>> estimate_median([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 9.0])[:4]
    (0.4, 0.1, 9.0, 7)
    """
    _check_confidence(confidence)
    values = np.asarray(values, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"values must be one-dimensional, got shape {values.shape}")
    finite = np.sort(values[np.isfinite(values)])
    n = len(finite)
    n_diverged = len(values) - n
    if not n:
        return Estimate(np.nan, np.nan, np.nan, 0, n_diverged)
    # Values left out on each side: the quantile of the binomial distribution.
    below = int(np.searchsorted(_special().bdtr(np.arange(n), n, 0.5), (1 - confidence) / 2))
    if below < 1:
        return Estimate(float(np.median(finite)), np.nan, np.nan, n, n_diverged)
    low, high = float(finite[below - 1]), float(finite[n - below])
    return Estimate(float(np.median(finite)), low, high, n, n_diverged)


def paired_difference(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Estimate the mean of `first - second`, paired by run.

    Runs of the same seed share what the seed decides, so the difference has the smaller spread.

    Args:
        first: one value per run, shape (n,).
        second: the values of the same runs under the other condition, shape (n,).
        confidence: coverage of the interval, in (0, 1).

    Raises: ValueError: if the shapes differ.

    >>> paired_difference([0.93, 0.92, 0.94], [0.57, 0.56, 0.58]).mean.__round__(2)
    0.36
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"pairs need equal shapes, got {first.shape} and {second.shape}")
    with np.errstate(invalid="ignore"):  # inf - inf, where both diverged, is NaN
        difference = first - second
    return estimate(difference, confidence)


def paired_p_value(first: ArrayLike, second: ArrayLike) -> float:
    """Test whether two conditions have the same mean, paired by run: Student's t test, two-sided.

    Args:
        first: one value per run, shape (n,).
        second: the values of the same runs under the other condition, shape (n,).

    Returns: the p value; 1 if all pairs are equal, NaN with fewer than two finite pairs.
    Raises: ValueError: if the shapes differ.

    >>> paired_p_value([0.93, 0.92, 0.94], [0.57, 0.55, 0.59]) < 0.01
    True
    >>> paired_p_value([0.5, 0.6], [0.5, 0.6])
    1.0
    """
    mean, low, high, n, *_ = paired_difference(first, second)
    if n < 2:
        return float("nan")
    if high - low <= 1e-12 * abs(mean):  # the same but for rounding: the test would divide by zero
        return 1.0 if mean == 0 else 0.0
    pairs = np.array([first, second], dtype=float)
    ours, theirs = pairs[:, np.isfinite(pairs).all(axis=0)]
    differences = ours - theirs
    t = differences.mean() / np.sqrt(differences.var(ddof=1) / n)
    return float(2 * _special().stdtr(n - 1.0, -abs(t)))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Correct p values of several tests by Holm's method, without assumptions about them.

    If differences with a corrected value below 0.05 are called real, the probability that one or
    more of them are not is at most 5 %.

    Args:
        p_values: shape (tests,); NaN where there was no test.

    Returns: corrected values, at most 1, NaN where there was no test.
    Source: Holm (1979), A simple sequentially rejective multiple test procedure.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=float)
    corrected = np.full(p_values.shape, np.nan)
    order = np.argsort(p_values)[: int(np.isfinite(p_values).sum())]  # NaN comes last
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(factors * p_values[order]))
    return corrected


def _special() -> Any:
    # Loaded when it is needed: lists of claims do not need it. With its distributions intervals
    # and tests do without `scipy.stats`, which takes half a second to load.
    return import_module("scipy.special")


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
