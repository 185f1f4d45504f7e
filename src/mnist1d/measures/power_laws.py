"""Power laws: a loss that falls with one size or with several, and the sizes that are best.

Sources: Hestness et al. (2017), arXiv:1712.00409 (one size, with a constant); Hoffmann et al.
(2022), arXiv:2203.15556, section 3 (two sizes, the fit of logarithms, and the best sizes).
"""

from functools import lru_cache
from importlib import import_module
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

HUBER = 0.01
"""Deviation of a logarithm from which on it counts in proportion, and not squared: one per cent."""

EXPONENTS = (0.01, 5.0)
"""The least and the largest exponent that a fit may have; one that ends there has failed."""

FALLS = 0.01
"""Share of the largest loss that every power has at the smallest size, or the fit has failed."""

_GRID = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Exponents among which the search begins, for every size."""

_STARTS = 3
"""Searches, from the best places of the grid."""

_SMALLEST = -7.0
"""Least logarithm of the constant, relative to the smallest loss: a thousandth, as good as none."""


class PowerLaw(NamedTuple):
    """A law: the constant plus, for every size, `factor * size**-exponent`.

    Attributes:
        constant: what is left at infinite sizes.
        factors: one per size.
        exponents: one per size, above 0.
        residual: root mean square deviation of the logarithms of the losses from the law.
        reason: why there is none, all numbers being NaN; otherwise empty.

    >>> PowerLaw(0.5, (8.0,), (1.0,), 0.0)([4, 16]).tolist()
    [2.5, 1.0]
    """

    constant: float
    factors: tuple[float, ...]
    exponents: tuple[float, ...]
    residual: float
    reason: str = ""

    def __call__(self, *sizes: ArrayLike) -> np.ndarray:
        """Return the losses of the law; sizes of one shape, one array for each factor.

        >>> PowerLaw(0.5, (8.0,), (1.0,), 0.0)([4, 16]).tolist()
        [2.5, 1.0]
        """
        terms = [
            factor * np.asarray(size, dtype=float) ** -exponent
            for size, factor, exponent in zip(sizes, self.factors, self.exponents, strict=True)
        ]
        return np.asarray(self.constant + sum(terms))

    @property
    def best_share(self) -> float:
        """How the first size grows with the work, `work**share`, if work is the sizes' product.

        With L = E + A N^-a + B D^-b and N D fixed, the least loss has N in proportion to
        (N D)^(b / (a + b)).

        Source: Hoffmann et al. (2022), equation 4.

        >>> PowerLaw(1.7, (406.0, 411.0), (0.34, 0.28), 0.0).best_share.__round__(2)
        0.45
        """
        first, second = self.exponents
        return second / (first + second)


def fit_power_law(losses: ArrayLike, *sizes: ArrayLike) -> PowerLaw:
    """Fit a constant and a power of every size, robustly, to the logarithms of losses.

    Large deviations count in proportion and not squared, so that one odd run does not decide. The
    search begins at the best laws of a grid of exponents; there is no chance in it.

    Args:
        losses: above 0, shape (points,).
        *sizes: above 0, shape (points,) each.

    Returns: the law; one of NaN, with the reason, if there is none: too few points, a loss that is
        not finite, no convergence, an exponent at an end of `EXPONENTS`, or losses that do not
        fall.

    Source: Hoffmann et al. (2022), section 3.3: Huber loss of logarithms, from a grid of starts.

    >>> n = np.array([100.0, 200, 400, 800, 1600])
    >>> law = fit_power_law(0.2 + 30 / n**0.8, n)
    >>> round(law.constant, 3), round(law.factors[0], 2), round(law.exponents[0], 3)
    (0.2, 30.0, 0.8)
    >>> fit_power_law([1.0, 0.5], [1, 2]).reason
    '2 losses do not determine a law of 3 numbers'
    """
    columns = tuple(tuple(np.asarray(size, dtype=float).tolist()) for size in sizes)
    return _fitted(tuple(np.asarray(losses, dtype=float).tolist()), columns)


@lru_cache(512)
def _fitted(losses: tuple[float, ...], columns: tuple[tuple[float, ...], ...]) -> PowerLaw:
    n_sizes, found, logs = len(columns), np.array(losses), np.log(np.array(columns))
    if reason := _unfit(found, 2 * n_sizes + 1):
        return _failed(n_sizes, reason)
    targets = np.log(found)
    middle = logs.mean(axis=1)

    def terms_of(parameters: np.ndarray) -> np.ndarray:
        """Logarithms of the terms, shape (1 + sizes, points)."""
        heights, exponents = parameters[1 : n_sizes + 1], parameters[n_sizes + 1 :]
        terms = heights[:, None] - exponents[:, None] * (logs - middle[:, None])
        return np.concatenate([np.full((1, len(found)), parameters[0]), terms])

    def deviations(parameters: np.ndarray) -> np.ndarray:
        return np.asarray(np.logaddexp.reduce(terms_of(parameters), axis=0) - targets)

    def slopes(parameters: np.ndarray) -> np.ndarray:
        terms = terms_of(parameters)
        shares = np.exp(terms - np.logaddexp.reduce(terms, axis=0))
        by_exponent = -shares[1:] * (logs - middle[:, None])
        return np.concatenate([shares, by_exponent]).T

    lowest = targets.min()
    low = [lowest + _SMALLEST, *(lowest - 15 for _ in columns), *(EXPONENTS[0] for _ in columns)]
    high = [lowest + 1e-6, *(targets.max() + 5 for _ in columns), *(EXPONENTS[1] for _ in columns)]
    optimize = import_module("scipy.optimize")

    def start_at(exponents: tuple[float, ...]) -> tuple[float, np.ndarray]:
        """Return how far the best law with these exponents is from the losses, and the law."""
        terms = np.exp(-np.array(exponents)[:, None] * (logs - middle[:, None]))
        # With exponents fixed, the law is linear in what is left.
        shares = np.concatenate([np.ones((1, len(found))), terms]) / found
        heights, distance = optimize.nnls(shares.T, np.ones(len(found)))
        with np.errstate(divide="ignore"):
            return distance, np.array([*np.log(heights), *exponents])

    grid = [start_at(exponents) for exponents in product(_GRID, repeat=n_sizes)]
    inside = np.array(low) + 1e-3, np.array(high) - 1e-3
    tried = [
        optimize.least_squares(
            deviations,
            np.clip(start, *inside),
            slopes,
            (low, high),
            loss="huber",
            f_scale=HUBER,
            max_nfev=1000,
            # With the default, 1e-8, processors differ in the sixth digit.
            **dict.fromkeys(("ftol", "xtol", "gtol"), 1e-13),
        )
        for _, start in sorted(grid, key=lambda each: each[0])[:_STARTS]
    ]
    best = min(tried, key=lambda each: (not each.success, each.cost))
    if not best.success:
        return _failed(n_sizes, "the fit did not converge")
    exponents = best.x[n_sizes + 1 :]
    if (np.abs(exponents - np.array(EXPONENTS)[:, None]) < 1e-3).any():
        return _failed(n_sizes, f"an exponent is at an end of {EXPONENTS}")
    heights = best.x[1 : n_sizes + 1]
    # What the terms are at the smallest sizes, relative to all of the loss there.
    largest = heights + exponents * (middle - logs.min(axis=1)) - targets.max()
    if (largest < np.log(FALLS)).any():
        return _failed(n_sizes, "the losses hardly fall with a size")
    factors = np.exp(heights + exponents * middle)
    residual = float(np.sqrt(np.mean(deviations(best.x) ** 2)))
    return PowerLaw(
        float(np.exp(best.x[0])), tuple(factors.tolist()), tuple(exponents.tolist()), residual
    )


def _unfit(losses: np.ndarray, n_numbers: int) -> str:
    """Return why losses determine no law of so many numbers, or nothing if they may."""
    if len(losses) <= n_numbers:
        return f"{len(losses)} losses do not determine a law of {n_numbers} numbers"
    if not (np.isfinite(losses).all() and (losses > 0).all()):
        return "a loss is not finite and above 0"
    if losses.min() > (1 - FALLS) * losses.max():
        return "the losses hardly fall"
    return ""


def _failed(n_sizes: int, reason: str) -> PowerLaw:
    nothing = (np.nan,) * n_sizes
    return PowerLaw(np.nan, nothing, nothing, np.nan, reason)


def best_size(sizes: ArrayLike, losses: ArrayLike) -> float:
    """Return the size of the least loss, by a parabola through it and its two neighbours.

    Args:
        sizes: rising, above 0, shape (points,); the parabola is over their logarithms.
        losses: above 0, shape (points,), NaN where there is none; over their logarithms.

    Returns: the size; NaN if the least loss is at an end, or next to a loss that is missing.

    Source: Hoffmann et al. (2022), section 3.2.

    >>> round(best_size([10, 100, 1000], [2.0, 1.0, 2.0]), 6)
    100.0
    >>> best_size([10, 100, 1000], [1.0, 2.0, 3.0])
    nan
    """
    heights, places = np.log(np.asarray(losses, float)), np.log(np.asarray(sizes, float))
    if not np.isfinite(heights).any():
        return np.nan
    least = int(np.nanargmin(heights))
    if least in {0, len(heights) - 1}:
        return np.nan
    near = slice(least - 1, least + 2)
    if not np.isfinite(heights[near]).all():
        return np.nan
    square, slope, _ = np.polyfit(places[near] - places[least], heights[near], 2)
    if square <= 0:  # all three are the same
        return np.nan
    return float(np.exp(places[least] - slope / (2 * square)))


def power_of(x: ArrayLike, y: ArrayLike) -> float:
    """Return the power p of y ~ x**p, by least squares of logarithms; NaN for fewer than three.

    Args:
        x: above 0, shape (points,).
        y: above 0, shape (points,); points that are NaN are left out.

    >>> round(power_of([1, 10, 100], [3, 30, 300]), 6)
    1.0
    """
    logs = np.log(np.asarray(x, float)), np.log(np.asarray(y, float))
    known = np.isfinite(logs[0]) & np.isfinite(logs[1])
    if known.sum() < 3 or np.ptp(logs[0][known]) == 0:
        return np.nan
    return float(np.polyfit(logs[0][known], logs[1][known], 1)[0])
