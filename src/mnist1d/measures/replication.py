"""Do runs of one's own agree with a published number: is it compatible, is the difference small?

Two questions, as replication science asks them. A number is *compatible* if the published mean lies
in the prediction interval of the runs: the difference is no larger than runs of the same protocol
differ among themselves. It is *equivalent within a margin* if the 90 % interval of the mean lies
within the margin of it (two one-sided tests at 5 %).

Sources: Patil, Peng & Leek (2016), What should researchers expect when they replicate studies?
Perspectives on Psychological Science 11(4). Spence & Stanley (2016), Prediction interval: what to
expect when you're expecting a replication, PLoS ONE 11(9). Hedges & Schauer (2019), Statistical
analyses for studying replication, Psychological Methods 24(5). Lakens (2017), Equivalence tests,
Social Psychological and Personality Science 8(4).
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from mnist1d.measures.uncertainty import Estimate


class Spread(NamedTuple):
    """Mean and standard deviation of runs.

    Attributes:
        mean: of the runs; NaN if there is none.
        sd: standard deviation of one run; NaN if it is unknown.
        n: number of runs.
        df: degrees of freedom with which `sd` is known; infinite for a proportion.
        sides: how much longer than the standard error the intervals reach below the mean, and
            above it; a proportion near 100 % has no room above.
    """

    mean: float
    sd: float
    n: int
    df: float
    sides: tuple[float, float] = (1.0, 1.0)

    @property
    def error(self) -> float:
        """Standard error of the mean; NaN if it is unknown."""
        return self.sd / math.sqrt(self.n) if self.n else math.nan


UNKNOWN_SPREAD = Spread(np.nan, np.nan, 0, np.nan)


def spread_of(found: Estimate) -> Spread:
    """Return the spread of the runs behind an estimate; of others, that of their interval.

    Args:
        found: with its values, or else (a proportion, say) with a 95 % interval.

    >>> spread_of(Estimate(2.0, 0.7, 3.3, 4, values=(1.0, 2.0, 2.0, 3.0)))
    Spread(mean=2.0, sd=0.816..., n=4, df=3, sides=(1.0, 1.0))
    """
    values = np.asarray(found.values)
    values = values[np.isfinite(values)]
    if len(values) > 1:
        return Spread(found.mean, float(values.std(ddof=1)), len(values), len(values) - 1)
    if len(values) == 0 and np.isfinite(found.low):
        half = (found.high - found.low) / 2
        sd = half / _special().ndtri(0.975) * math.sqrt(found.n)
        sides = found.mean - found.low, found.high - found.mean
        below, above = (side / half if half else 1.0 for side in sides)
        return Spread(found.mean, float(sd), found.n, np.inf, (float(below), float(above)))
    return Spread(found.mean, np.nan, found.n, np.nan)


def interval_of_mean(found: Spread, confidence: float) -> tuple[float, float]:
    """Return Student's t interval of the mean; NaN where the spread is unknown.

    >>> [round(end, 2) for end in interval_of_mean(Spread(2.0, 1.0, 4, 3), 0.9)]
    [0.82, 3.18]
    """
    half = _quantile((1 + confidence) / 2, found.df) * found.error
    below, above = found.sides
    return found.mean - below * half, found.mean + above * half


def prediction_interval(
    found: Spread, n: int = 1, sd: float | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Return where the mean of other runs of the same protocol lies.

    Args:
        found: runs of one's own.
        n: number of the other runs.
        sd: their standard deviation; None if unknown: then it is taken to be that of `found`.
        confidence: how often the interval holds such a mean.

    >>> [round(end, 1) for end in prediction_interval(Spread(64.1, 1.5, 5, 4), n=3, sd=2.0)]
    [60.1, 68.1]
    """
    error, df = error_of_difference(found, n, sd)
    half = _quantile((1 + confidence) / 2, df) * error
    return found.mean - half, found.mean + half


def p_compatible(found: Spread, published: float, n: int = 1, sd: float | None = None) -> float:
    """Test whether a published mean can be of the same protocol as one's own runs.

    The value is below 5 % exactly where `prediction_interval` does not hold the published mean.

    Args:
        found: runs of one's own.
        published: the published mean.
        n: number of published runs.
        sd: their standard deviation (Welch's test); None if unknown.

    Returns: the two-sided p value; NaN where the spread is unknown.

    >>> round(p_compatible(Spread(64.1, 1.5, 5, 4), 68.0, n=3, sd=2.0), 2)
    0.05
    """
    error, df = error_of_difference(found, n, sd)
    return _two_sided(found.mean - published, error, df)


def p_below(found: Spread, least: float) -> float:
    """Test whether a mean can reach a bound, two-sided; 1 if it does, NaN if its spread is unknown.

    Two-sided, so that 5 % stands for 2.5 % on the side that counts.

    >>> p_below(Spread(2.0, 1.0, 4, 3), 1.0), round(p_below(Spread(2.0, 1.0, 4, 3), 5.0), 3)
    (1.0, 0.009)
    """
    if found.mean >= least:
        return 1.0
    return _two_sided(found.mean - least, found.sides[1] * found.error, found.df)


def error_of_difference(found: Spread, n: int = 1, sd: float | None = None) -> tuple[float, float]:
    """Return how much the means of one's own and of other runs of the same protocol differ.

    Args:
        found: runs of one's own.
        n: number of the other runs.
        sd: their standard deviation; None if unknown: then it is taken to be that of `found`. Of a
            single run it is a stated uncertainty, and taken to be known.

    Returns: standard deviation of the difference of the means, and its degrees of freedom.

    >>> error_of_difference(Spread(64.1, 2.0, 4, 3))
    (2.236..., 3)
    """
    if sd is None:
        return found.sd * math.sqrt(1 / n + 1 / found.n) if found.n else math.nan, found.df
    ours, theirs = found.error**2, sd**2 / n
    # Welch's and Satterthwaite's degrees of freedom; infinite if both are known.
    of_both = (ours**2 / found.df if ours else 0.0) + (theirs**2 / (n - 1) if n > 1 else 0.0)
    return math.sqrt(ours + theirs), (ours + theirs) ** 2 / of_both if of_both else math.inf


def _two_sided(difference: float, error: float, df: float) -> float:
    if not np.isfinite(difference) or not np.isfinite(error):
        return float("nan")
    if error == 0:
        return 1.0 if abs(difference) < 1e-9 else 0.0
    t = abs(difference) / error
    return float(2 * (_special().ndtr(-t) if df == np.inf else _special().stdtr(df, -t)))


def _quantile(level: float, df: float) -> float:
    """Return a quantile of Student's t distribution, the normal one if `df` is infinite."""
    special = _special()
    return float(special.ndtri(level) if df == np.inf else special.stdtrit(df, level))


def _special() -> Any:
    # Loaded when it is needed, as in `uncertainty`: a claim can be listed without.
    return import_module("scipy.special")
