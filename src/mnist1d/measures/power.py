"""What paired runs can show: that a difference is small, and which differences n pairs can see.

A difference that is not significant need not be small. Two questions remain, and both need a
number that is fixed before the runs, the smallest difference that matters. *Equivalence*: is the
difference smaller than that? *Power*: would runs as many as these have shown one so large?

Power is computed for a difference that is given, never for the one that was observed: that would
say no more than the p value (Hoenig & Heisey 2001).

Sources: Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach
for assessing the equivalence of average bioavailability, Journal of Pharmacokinetics and
Biopharmaceutics 15(6). Lakens (2017), Equivalence tests, Social Psychological and Personality
Science 8(4). Cohen (1988), Statistical power analysis for the behavioral sciences, for 80 % and the
noncentral t distribution. Hoenig & Heisey (2001), The abuse of power, The American Statistician
55(1).
"""

import math
from importlib import import_module
from typing import Any

from numpy.typing import ArrayLike

from mnist1d.measures.uncertainty import paired_difference

POWER = 0.8
"""How often a difference should be found that is there: the usual value."""
MOST_PAIRS = 10**6
"""Numbers of pairs above this are of no use to anybody."""


def equivalence_p_value(first: ArrayLike, second: ArrayLike, margin: float) -> float:
    """Test whether two conditions differ by less than a margin, paired by run: two one-sided tests.

    The value is below 5 % exactly where the 90 % interval of the mean difference lies within the
    margin on both sides of 0.

    Args:
        first: one value per run, shape (n,).
        second: the values of the same runs under the other condition, shape (n,).
        margin: the smallest difference that matters, above 0.

    Returns: the larger p value of the two tests; NaN with fewer than two finite pairs, and if all
        differences are equal, as there is no variance to test with.
    Raises: ValueError: if the shapes differ or the margin is not above 0.

    >>> equivalence_p_value([0.70, 0.72, 0.71, 0.73], [0.71, 0.71, 0.72, 0.72], 0.05) < 0.01
    True
    >>> equivalence_p_value([0.70, 0.72, 0.71, 0.73], [0.71, 0.71, 0.72, 0.72], 0.01) > 0.05
    True
    """
    if not margin > 0:
        raise ValueError(f"margin must be above 0, got {margin}")
    mean, low, high, n, *_ = paired_difference(first, second)
    if n < 2 or high - low <= 1e-12 * max(abs(mean), margin):
        return math.nan
    special = _special()
    error = (high - mean) / special.stdtrit(n - 1, 0.975)  # of the mean, from its 95 % interval
    return float(special.stdtr(n - 1, (abs(mean) - margin) / error))


def power_of_paired_test(difference: float, sd: float, n: int, alpha: float = 0.05) -> float:
    """Return how often a two-sided paired t test finds a difference that is there.

    Args:
        difference: the true mean of the differences.
        sd: their standard deviation, above 0, in the same unit.
        n: number of pairs, at least 2.
        alpha: level of the test, in (0, 1).

    >>> round(power_of_paired_test(difference=1.0, sd=1.0, n=10), 3)
    0.803
    >>> round(power_of_paired_test(difference=0.0, sd=1.0, n=10), 3)
    0.05
    """
    _check(sd, alpha)
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    return _power(abs(difference) / sd, n, alpha)


def smallest_visible_difference(
    sd: float, n: int, alpha: float = 0.05, power: float = POWER
) -> float:
    """Return the smallest difference that a two-sided paired t test finds often enough.

    Args:
        sd: standard deviation of the differences, above 0.
        n: number of pairs, at least 2.
        alpha: level of the test, in (0, 1).
        power: how often it has to be found, above `alpha` and below 1; 0.8 if omitted.

    Returns: the difference, in the unit of `sd`.

    >>> round(smallest_visible_difference(sd=1.0, n=10), 2)
    1.0
    >>> round(smallest_visible_difference(sd=1.0, n=5, alpha=0.05 / 3), 2)
    2.29
    """
    _check(sd, alpha, power)
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    most = 1.0
    while _power(most, n, alpha) < power:
        most *= 2
    low, high = 0.0, most
    # Halved until no number is between: `scipy.optimize` is faster, but loads more slowly.
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if _power(middle, n, alpha) >= power else (middle, high)
    return high * sd


def pairs_needed(difference: float, sd: float, alpha: float = 0.05, power: float = POWER) -> int:
    """Return how many pairs a two-sided paired t test needs to find a difference often enough.

    Args:
        difference: the true mean of the differences, other than 0.
        sd: their standard deviation, above 0, in the same unit.
        alpha: level of the test, in (0, 1).
        power: how often it has to be found, above `alpha` and below 1; 0.8 if omitted.

    Returns: the number of pairs; a million also where more are needed.

    >>> pairs_needed(difference=1.0, sd=1.0)
    10
    >>> pairs_needed(difference=1.0, sd=2.0)
    34
    """
    _check(sd, alpha, power)
    if not difference:
        raise ValueError("difference must be other than 0: no number of pairs finds none")
    effect = abs(difference) / sd
    low, high = 1, 2
    while high < MOST_PAIRS and _power(effect, high, alpha) < power:
        low, high = high, min(2 * high, MOST_PAIRS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(effect, middle, alpha) >= power else (middle, high)
    return high


def _power(effect: float, n: int, alpha: float) -> float:
    """Return the power for a difference in standard deviations, by the noncentral t distribution.

    A difference of the wrong sign counts as found, too, as the test is two-sided. Then it is the
    square of t that decides, whose distribution is the noncentral F.
    """
    special, df = _special(), n - 1
    limit = special.stdtrit(df, 1 - alpha / 2)
    below = special.ncfdtr(1, df, n * effect**2, limit**2)
    # Where nothing of the distribution lies below the limit, SciPy finds NaN.
    return 1.0 if math.isnan(below) else float(1 - below)


def _check(sd: float, alpha: float, power: float | None = None) -> None:
    if not 0 < sd < math.inf:
        raise ValueError(f"sd must be above 0 and finite, got {sd}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    if power is not None and not alpha < power < 1:
        raise ValueError(f"power must be above alpha = {alpha} and below 1, got {power}")


def _special() -> Any:
    # Loaded when it is needed, as in `uncertainty`.
    return import_module("scipy.special")
