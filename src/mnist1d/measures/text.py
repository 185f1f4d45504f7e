"""Estimates as text, the same on the terminal and in every document.

A mean has as many decimals as half its interval has with two significant digits: 92.233 ± 0.062,
94.0 ± 1.0, 54 ± 12. A number without an interval has three significant digits.
"""

import math

from mnist1d.measures.uncertainty import Estimate

UNKNOWN = "—"
"""Text in place of a number that does not exist."""

_ROUNDING_ERROR = 1e-6
"""An interval that is narrower, relative to its mean, counts as of no width: all values agree."""


def decimals_of(found: Estimate) -> int:
    """Return how many decimals the numbers of an estimate are written with.

    >>> [decimals_of(Estimate(94.0, 94 - half, 94 + half, 5)) for half in (12, 1.04, 0.0996)]
    [0, 1, 2]
    """
    if _has_width(found):
        return _decimals((found.high - found.low) / 2, digits=2)
    return _decimals(found.mean, digits=3)


def number(value: float, decimals: int | None = None) -> str:
    """Write a number, or a dash where there is none.

    Args:
        value: the number.
        decimals: how many; None for three significant digits.

    >>> number(93.98), number(-0.0212), number(1234.5), number(float("nan"))
    ('94.0', '-0.0212', '1234', '—')
    >>> number(-0.04, 1)
    '0.0'
    """
    if not math.isfinite(value):
        return UNKNOWN
    text = f"{value:.{_decimals(value, digits=3) if decimals is None else decimals}f}"
    # Rounding leaves no minus before a zero.
    return text.removeprefix("-") if float(text) == 0 else text


def mean_of(found: Estimate) -> str:
    """Write an estimate's mean, or why there is none.

    >>> mean_of(Estimate(93.98, 92.94, 95.02, 5)), mean_of(Estimate(93.98, 92.94, 95.02, 4, 1))
    ('94.0', 'diverged (1 of 5 runs)')
    """
    if found.n_diverged:
        return f"diverged ({found.n_diverged} of {found.n + found.n_diverged} runs)"
    return "no data" if found.n == 0 else number(found.mean, decimals_of(found))


def interval_of(found: Estimate) -> str:
    """Write an estimate's interval, with the decimals of its mean.

    >>> interval_of(Estimate(93.98, 92.94, 95.02, 5))
    '92.9 to 95.0'
    """
    if found.n_diverged or not math.isfinite(found.low):
        return UNKNOWN
    decimals = decimals_of(found)
    return f"{number(found.low, decimals)} to {number(found.high, decimals)}"


def with_ends(found: Estimate) -> str:
    """Write an estimate's mean, and in brackets its interval, if there is one.

    >>> with_ends(Estimate(-0.27, -0.42, -0.13, 5)), with_ends(Estimate(7.0, math.nan, math.nan, 1))
    ('-0.27 (-0.42 to -0.13)', '7.00')
    """
    ends = interval_of(found)
    return mean_of(found) if ends == UNKNOWN else f"{mean_of(found)} ({ends})"


def with_interval(found: Estimate, n: int) -> str:
    """Write mean and interval as one text; if runs diverged, only how many.

    Args:
        found: the estimate.
        n: number of values that needs no mention.

    >>> with_interval(Estimate(93.98, 92.94, 95.02, 5), 5)
    '94.0 ± 1.0'
    >>> with_interval(Estimate(95.75, 93.3, 97.3, 400), 5)
    '95.8, 93.3 to 97.3, n = 400'
    """
    return mean_of(found) if found.n_diverged else mean_with_interval(found, n)


def mean_with_interval(found: Estimate, n: int) -> str:
    """Write mean and interval as one text, even if other runs diverged.

    >>> mean_with_interval(Estimate(0.93214, 0.91, 0.9543, 4, 1), 5)
    '0.932 ± 0.022, n = 4'
    """
    if found.n == 0:
        return "no data"
    decimals = decimals_of(found)
    text = number(found.mean, decimals)
    if math.isfinite(found.low):
        below, above = found.mean - found.low, found.high - found.mean
        if not _has_width(found):
            text += " ± 0"
        elif abs(below - above) < 0.5 * 10**-decimals:
            text += f" ± {number(above, decimals)}"
        else:
            text += f", {number(found.low, decimals)} to {number(found.high, decimals)}"
    return text if found.n == n else f"{text}, n = {found.n}"


def _has_width(found: Estimate) -> bool:
    return (found.high - found.low) / 2 > _ROUNDING_ERROR * abs(found.mean)


def _decimals(value: float, digits: int) -> int:
    if value == 0 or not math.isfinite(value):
        return 0
    # Of the rounded number: 0.0996 is 0.10, not 0.100.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return max(0, digits - 1 - exponent)
