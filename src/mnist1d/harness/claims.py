"""Claims of the paper, each with a rule for its verdict that is fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np

from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr

Verdict = Literal["reproduced", "differs", "undecided"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Rule(Protocol):
    """Turns an interval into a verdict; its text is what it accepts."""

    @property
    def published(self) -> float | None:
        """The published number, if the paper gives one."""

    @property
    def accepted(self) -> tuple[float, float]:
        """The range in which the whole interval has to lie; an end may be infinite."""

    def judge(self, low: float, high: float) -> Verdict:
        """Judge the 95 % interval from `low` to `high`."""

    def __str__(self) -> str: ...


def _compare(low: float, high: float, least: float, most: float) -> Verdict:
    if least <= low and high <= most:
        return "reproduced"
    if high < least or most < low:
        return "differs"
    return "undecided"


@dataclass(frozen=True)
class Equals:
    """A number: `published` with its uncertainty.

    Reproduced if our whole interval lies within `published` ± `tolerance`, differs if the two
    do not touch, undecided if they overlap in part.

    >>> Equals(94, 2).judge(92.1, 93.5), Equals(68, 2).judge(64.0, 65.5)
    ('reproduced', 'differs')
    """

    published: float
    tolerance: float

    @property
    def accepted(self) -> tuple[float, float]:
        """The published number plus or minus the tolerance."""
        return self.published - self.tolerance, self.published + self.tolerance

    def judge(self, low: float, high: float) -> Verdict:
        """Judge an interval."""
        return _compare(low, high, *self.accepted)

    def __str__(self) -> str:
        return f"{self.published:g} ± {self.tolerance:g}"


@dataclass(frozen=True)
class AtLeast:
    """A lower bound: reproduced if our whole interval is above it, differs if it is below.

    >>> AtLeast(99).judge(98.1, 98.6)
    'differs'
    """

    published: float

    @property
    def accepted(self) -> tuple[float, float]:
        """The published number and all above."""
        return self.published, np.inf

    def judge(self, low: float, high: float) -> Verdict:
        """Judge an interval."""
        return _compare(low, high, *self.accepted)

    def __str__(self) -> str:
        return f"≥ {self.published:g}"


@dataclass(frozen=True)
class Positive:
    """An ordering: the whole interval of the (paired) difference is positive.

    Attributes:
        published: the difference of the published numbers, if the paper gives them.
        least: bound that the difference has to exceed. It is above zero for the difference of an
            extreme, chosen separately in each run, which is positive by chance alone.

    >>> Positive().judge(0.2, 3.1), Positive().judge(-0.2, 3.1), Positive().judge(-3.1, -0.2)
    ('reproduced', 'undecided', 'differs')
    >>> Positive(7.1, least=2).judge(1.9, 3.1), str(Positive(7.1, least=2))
    ('undecided', '> 2 (+7.1)')
    """

    published: float | None = None
    least: float = 0.0

    @property
    def accepted(self) -> tuple[float, float]:
        """All above `least`."""
        return self.least, np.inf

    def judge(self, low: float, high: float) -> Verdict:
        """Judge an interval."""
        if low > self.least:
            return "reproduced"
        return "differs" if high < self.least else "undecided"

    def __str__(self) -> str:
        least = f"> {self.least:g}"
        return least if self.published is None else f"{least} ({self.published:+g})"


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper that is true or false.

    Attributes:
        name: identifies the claim within its experiment.
        statement: the sentence, with its unit.
        source: where the paper says it.
        rule: when it counts as reproduced; fixed before the run.
        measure: `result -> Estimate`, in the unit of the statement.
        needs: variable without which the claim cannot be judged and is left out, as without MNIST.
    """

    name: str
    statement: str
    source: str
    rule: Rule
    measure: Callable[[xr.Dataset], Estimate]
    needs: str | None = None


@dataclass(frozen=True)
class Judgement:
    """A claim with its measurement and verdict."""

    claim: Claim
    estimate: Estimate
    verdict: Verdict

    def record(self, experiment: str, *, full: bool) -> dict[str, Any]:
        """Make the record of `claims.json`; numbers that do not exist are None."""
        note = "" if full else "[quick run, not the full protocol] "
        mean, low, high = (
            round(float(value), 6) if np.isfinite(value) else None for value in self.estimate[:3]
        )
        return {
            "experiment": experiment,
            "claim": self.claim.name,
            "statement": note + self.claim.statement,
            "source": self.claim.source,
            "published": self.claim.rule.published,
            "ours": mean,
            "ci_low": low,
            "ci_high": high,
            "n": self.estimate.n,
            "verdict": self.verdict,
        }


def judge(claims: Sequence[Claim], result: xr.Dataset, *, full: bool) -> list[Judgement]:
    """Judge every claim whose variables the result has.

    A verdict needs the full protocol, an interval (two runs or more), and no run that diverged:
    otherwise it is "undecided".

    Args:
        claims: the claims of an experiment.
        result: what the experiment returned.
        full: whether the run followed the full protocol.

    >>> claim = Claim(
    ...     "mean", "the mean is at least 1", "section 1", AtLeast(1),
    ...     lambda result: Estimate(float(result.loss.mean()), 1.5, 2.5, n=3),
    ... )
    >>> import xarray as xr
    >>> judge([claim], xr.Dataset({"loss": ("seed", [1.0, 2.0, 3.0])}), full=True)[0].verdict
    'reproduced'
    """
    judgements = []
    for claim in claims:
        if claim.needs is not None and claim.needs not in result:
            continue
        measured = claim.measure(result)
        decidable = full and measured.n_diverged == 0 and np.isfinite(measured.low)
        verdict = claim.rule.judge(measured.low, measured.high) if decidable else "undecided"
        judgements.append(Judgement(claim, measured, verdict))
    return judgements
