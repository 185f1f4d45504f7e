"""Rules of claims: whether a measured number agrees with a sentence.

Every rule computes two things of an estimate: whether the sentence can be true (`p`, small if not),
and whether the runs are enough to confirm it (`holds`). `claims.judge` makes the verdict of both,
after Holm's correction over the claims of an experiment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np

from mnist1d.measures.replication import (
    Spread,
    interval_of_mean,
    p_below,
    p_compatible,
    prediction_interval,
)

Verdict = Literal[
    "reproduced",
    "consistent",
    "imprecise",
    "differs slightly",
    "differs",
    "verified",
    "not checkable",
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

ALPHA = 0.05
SINCE = "2026-11-29"
"""The day since which these rules and margins are in force; `docs/rules.md` has earlier ones."""


class Assessment(NamedTuple):
    """What a rule finds.

    Attributes:
        p: how probable a deviation as large would be if the sentence were true; NaN without a test.
        holds: whether the interval shows that the sentence is true, within the margin if there is
            one.
        precise: whether the interval is narrow enough to show it.
        prediction: where the published number would lie in 95 % of replications, if it is one.
    """

    p: float
    holds: bool
    precise: bool = False
    prediction: tuple[float, float] = (np.nan, np.nan)


class Rule(Protocol):
    """Assesses runs; says itself in words."""

    @property
    def published(self) -> float | None:
        """The published number, if the paper gives one."""

    @property
    def accepted(self) -> tuple[float, float]:
        """Where the interval has to lie; an end may be infinite."""

    def assess(self, found: Spread) -> Assessment:
        """Assess the mean of runs."""

    def verdict(self, found: Assessment, p: float) -> Verdict:
        """Give the verdict, with the p value corrected for the number of claims."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Equals:
    """A number: compatible with the published one, and near enough to it.

    Attributes:
        published: the published number.
        margin: how large a difference does not matter, fixed beforehand for a stated reason; never
            the published standard deviation.
        sd: standard deviation of the published runs, if it is given.
        n: number of published runs.
        digits: after the point, of a published number that is rounded more coarsely than it was
            measured: it is compatible if any number that rounds to it is. None if it is exact.

    | compatible | 90 % interval | verdict |
    |---|---|---|
    | yes | within the margin | reproduced |
    | yes | not within, though half of it is no wider | consistent |
    | yes | wider | imprecise |
    | no | within the margin | differs slightly |
    | no | not within | differs |

    >>> rule = Equals(68, 2, sd=2, n=3)
    >>> found = rule.assess(Spread(60.1, 1.5, 20, 19))
    >>> rule.verdict(found, found.p)
    'differs'
    """

    published: float
    margin: float
    sd: float | None = None
    n: int = 1
    digits: int | None = None

    @property
    def accepted(self) -> tuple[float, float]:
        """The published number give or take the margin."""
        return self.published - self.margin, self.published + self.margin

    @property
    def rounding(self) -> float:
        """How far the published number may be from the one that was measured."""
        return 0.0 if self.digits is None else _half_unit(self.digits)

    def assess(self, found: Spread) -> Assessment:
        """Assess the mean of runs."""
        low, high = interval_of_mean(found, 1 - 2 * ALPHA)
        away = np.clip(found.mean - self.published, -self.rounding, self.rounding)
        least, most = prediction_interval(found, self.n, self.sd, 1 - ALPHA)
        return Assessment(
            p_compatible(found, self.published + float(away), self.n, self.sd),
            _within((low, high), self.accepted),
            (high - low) / 2 <= self.margin,
            (least - self.rounding, most + self.rounding),
        )

    def verdict(self, found: Assessment, p: float) -> Verdict:
        """Give the verdict."""
        if p < ALPHA:
            return "differs slightly" if found.holds else "differs"
        if found.holds:
            return "reproduced"
        return "consistent" if found.precise else "imprecise"

    def __str__(self) -> str:
        return _with_sd(self.published, self.sd)


class _Sentence:
    """A sentence that is true on one side of a bound."""

    def verdict(self, found: Assessment, p: float) -> Verdict:
        """Give the verdict."""
        if p < ALPHA:
            return "differs"
        return "reproduced" if found.holds else "imprecise"


@dataclass(frozen=True)
class _LowerBound:
    published: float

    @property
    def accepted(self) -> tuple[float, float]:
        """All from the published number on."""
        return self.published, np.inf

    def __str__(self) -> str:
        return f"≥ {self.published:g}"


@dataclass(frozen=True)
class AtLeast(_LowerBound, _Sentence):
    """A lower bound: reproduced if the whole 95 % interval reaches it.

    >>> rule = AtLeast(99)
    >>> found = rule.assess(Spread(98.3, 0.2, 5, 4))
    >>> rule.verdict(found, found.p)
    'differs'
    """

    def assess(self, found: Spread) -> Assessment:
        """Assess the mean of runs."""
        low, _ = interval_of_mean(found, 1 - ALPHA)
        return Assessment(p_below(found, self.published), low >= self.published)


@dataclass(frozen=True)
class Positive(_Sentence):
    """An ordering: the 95 % interval of the (paired) difference lies above zero.

    Attributes:
        published: the difference of the published numbers, if the paper gives them.
        least: what the difference has to exceed. It is above zero where the difference is of an
            extreme that each run chooses for itself, which chance alone makes positive.

    >>> Positive().assess(Spread(2.0, 1.0, 5, 4)).holds, str(Positive(7.1, least=2))
    (True, '> 2 (+7.1)')
    """

    published: float | None = None
    least: float = 0.0

    @property
    def accepted(self) -> tuple[float, float]:
        """All above `least`."""
        return self.least, np.inf

    def assess(self, found: Spread) -> Assessment:
        """Assess the mean of runs."""
        low, _ = interval_of_mean(found, 1 - ALPHA)
        return Assessment(p_below(found, self.least), low > self.least)

    def __str__(self) -> str:
        least = f"> {self.least:g}"
        return least if self.published is None else f"{least} ({self.published:+g})"


@dataclass(frozen=True)
class Similar(_Sentence):
    """No difference that matters: the 90 % interval of the difference lies within the margin.

    Attributes:
        margin: how large a difference does not matter, fixed beforehand.
        published: the difference of the published numbers, if the paper gives them.
        center: what the value is compared with: 0 for a difference; or a number that is known to
            the margin alone, as a width of a grid that the paper calls "about 50".

    >>> Similar(2).assess(Spread(0.3, 1.0, 20, 19)).holds
    True
    """

    margin: float
    published: float | None = None
    center: float = 0.0

    @property
    def accepted(self) -> tuple[float, float]:
        """The center plus or minus the margin."""
        return self.center - self.margin, self.center + self.margin

    def assess(self, found: Spread) -> Assessment:
        """Assess the mean of runs."""
        difference = found._replace(mean=found.mean - self.center)
        negative = difference if difference.mean < 0 else _mirrored(difference)
        interval = interval_of_mean(found, 1 - 2 * ALPHA)
        return Assessment(p_below(negative, -self.margin), _within(interval, self.accepted))

    def __str__(self) -> str:
        if self.center:
            return f"{self.center:g} ± {self.margin:g}"
        margin = f"within {self.margin:g}"
        return margin if self.published is None else f"{margin} ({self.published:+g})"


@dataclass(frozen=True)
class NoGain(_Sentence):
    """No help: the 95 % interval of the gain ends below the margin (non-superiority).

    Attributes:
        margin: how large a gain does not matter, fixed beforehand.
        published: the published gain, if the paper gives it.

    >>> NoGain(2).assess(Spread(-2.3, 3.0, 5, 4)).holds
    True
    """

    margin: float
    published: float | None = None

    @property
    def accepted(self) -> tuple[float, float]:
        """All below the margin."""
        return -np.inf, self.margin

    def assess(self, found: Spread) -> Assessment:
        """Assess the mean of runs."""
        _, high = interval_of_mean(found, 1 - ALPHA)
        return Assessment(p_below(_mirrored(found), -self.margin), high < self.margin)

    def __str__(self) -> str:
        margin = f"< {self.margin:g}"
        return margin if self.published is None else f"{margin} ({self.published:+g})"


class Fact(ABC):
    """A number that is counted or computed, not estimated: there is no chance in its verdict."""

    @property
    @abstractmethod
    def accepted(self) -> tuple[float, float]:
        """Where the number has to be."""

    def assess(self, found: Spread) -> Assessment:
        """Compare the number with what is accepted."""
        low, high = self.accepted
        return Assessment(np.nan, bool(low <= found.mean <= high))

    def verdict(self, found: Assessment, p: float) -> Verdict:  # noqa: ARG002
        """Give the verdict."""
        return "verified" if found.holds else "differs"


@dataclass(frozen=True)
class Counted(Fact):
    """A number that is counted or computed, not estimated: it rounds to the published one or not.

    Attributes:
        published: the published number.
        digits: after the point, with which it was published; negative for tens and hundreds.

    >>> rule = Counted(96)
    >>> found = rule.assess(Spread(95.75, 0.0, 1, 0))
    >>> rule.verdict(found, found.p)
    'verified'
    """

    published: float
    digits: int = 0

    @property
    def accepted(self) -> tuple[float, float]:
        """What rounds to the published number."""
        half = _half_unit(self.digits)
        return self.published - half, self.published + half

    def __str__(self) -> str:
        return f"{self.published:g}"


@dataclass(frozen=True)
class AtMost(Fact):
    """An upper bound on a number that is counted or measured once, as a time.

    >>> rule = AtMost(10)
    >>> found = rule.assess(Spread(1.8, 0.0, 1, 0))
    >>> rule.verdict(found, found.p)
    'verified'
    """

    published: float

    @property
    def accepted(self) -> tuple[float, float]:
        """All up to the published number."""
        return -np.inf, self.published

    def __str__(self) -> str:
        return f"≤ {self.published:g}"


@dataclass(frozen=True)
class CountedAtLeast(_LowerBound, Fact):
    """A lower bound on a number that is counted, as of runs that came to their end.

    >>> rule = CountedAtLeast(1)
    >>> found = rule.assess(Spread(0.0, 0.0, 3, 0))
    >>> rule.verdict(found, found.p)
    'differs'
    """


@dataclass(frozen=True)
class NoData:
    """A published number for which there are no data to compare.

    Attributes:
        published: the published number.
        sd: its standard deviation, if it is given.

    >>> str(NoData(30, 10))
    '30 ± 10'
    """

    published: float
    sd: float | None = None

    @property
    def accepted(self) -> tuple[float, float]:
        """Nothing is known."""
        return np.nan, np.nan

    def assess(self, _: Spread) -> Assessment:
        """Assess nothing."""
        return Assessment(np.nan, holds=False)

    def verdict(self, _: Assessment, p: float) -> Verdict:  # noqa: ARG002
        """Give the only verdict there is."""
        return "not checkable"

    def __str__(self) -> str:
        return _with_sd(self.published, self.sd)


def _with_sd(published: float, sd: float | None) -> str:
    return f"{published:g}" if sd is None else f"{published:g} ± {sd:g}"


def _half_unit(digits: int) -> float:
    return 0.5 * 10.0**-digits


def _mirrored(found: Spread) -> Spread:
    below, above = found.sides
    return found._replace(mean=-found.mean, sides=(above, below))


def _within(inner: tuple[float, float], outer: tuple[float, float]) -> bool:
    return bool(outer[0] <= inner[0] and inner[1] <= outer[1])
