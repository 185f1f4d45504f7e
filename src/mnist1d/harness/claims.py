"""Claims of a paper as data, judged on a result: each has a rule that gives its verdict.

What a verdict means is described with the rules (`harness.verdicts.rules`). A claim "differs" only
if its p value is below 5 % after Holm's correction over all claims of the experiment: then one or
more claims of an experiment differ by chance alone in at most 5 % of replications.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mnist1d.harness.verdicts.rules import (
    ALPHA,
    VERDICTS,
    Assessment,
    Fact,
    NoData,
    Rule,
    Verdict,
)
from mnist1d.measures.replication import Spread, prediction_interval, spread_of
from mnist1d.measures.text import with_interval
from mnist1d.measures.uncertainty import Estimate, holm

if TYPE_CHECKING:
    import xarray as xr

Kind = Literal["sentence", "table", "figure", "notebook", "beyond"]
"""A sentence of the paper's text or of a caption, a cell of a table, a reading of a figure, a print
of the published notebooks, or a statement beyond the paper."""

OWN_WORDS: Mapping[str, str] = {
    "reproduced": "confirmed",
    "differs slightly": "slightly off",
    "differs": "refuted",
}
"""What verdicts are called where there is nothing to reproduce: of claims beyond the paper when
they are shown, and of an experiment of one's own."""
OWN_VERDICTS: tuple[str, ...] = tuple(OWN_WORDS.get(each, each) for each in VERDICTS)
WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(itertools.chain.from_iterable(zip(VERDICTS, OWN_VERDICTS, strict=True)))
)
"""All words for verdicts, in the order of the verdicts."""


def word_for(verdict: str, kind: str) -> str:
    """Return the word for a verdict on a claim of a kind, which beyond the paper is another.

    >>> word_for("reproduced", "table"), word_for("reproduced", "beyond")
    ('reproduced', 'confirmed')
    """
    return OWN_WORDS.get(verdict, verdict) if kind == "beyond" else verdict


@dataclass(frozen=True)
class Claim:
    """One statement that is true or false.

    Attributes:
        name: identifies the claim within its experiment.
        statement: the sentence, with its unit.
        source: where the paper says it: "Section 5.2, Figure 5", "Table 1", "Figure 9, caption",
            "Figure 8b", "Runs of Figure 9, printed", "Beyond the paper"; `kind` is read from it.
        rule: when it counts as reproduced; to be fixed before the run that it judges.
        measure: `result -> Estimate`, in the unit of the statement.
        needs: variable without which the result cannot speak to the claim (MNIST was absent,
            say): the claim is then left out.
    """

    name: str
    statement: str
    source: str
    rule: Rule
    measure: Callable[[xr.Dataset], Estimate]
    needs: str | None = None

    @property
    def kind(self) -> Kind:
        """What the statement is, by its source.

        >>> Claim("loss", "the loss (nats)", "Figure 6", NoData(1), lambda _: None).kind
        'figure'
        """
        source = self.source.lower()
        if source.startswith("beyond the paper"):
            return "beyond"
        if source.startswith("runs of"):
            return "notebook"
        if source.startswith("section") or "caption" in source:
            return "sentence"
        return "table" if source.startswith("table") else "figure"


@dataclass(frozen=True, repr=False)
class Judgement:
    """A claim with what was measured.

    Attributes:
        claim: the claim.
        estimate: what was measured.
        verdict: whether the claim holds.
        assessment: what the rule found, before the correction for the number of claims.
        p_corrected: the assessment's p value after Holm's correction over the experiment.
        reason: what was missing for a verdict; or that the claim differs, but no longer after the
            correction; empty otherwise.
        recorded: the same measure in the record that comes with the package, if it is there.
    """

    claim: Claim
    estimate: Estimate
    verdict: Verdict
    assessment: Assessment
    p_corrected: float
    reason: str = ""
    recorded: Spread | None = None

    def __repr__(self) -> str:
        measured = with_interval(self.estimate, self.estimate.n)
        return f"<Judgement of {self.claim.name}: {measured}, {self.verdict}>"

    @property
    def word(self) -> str:
        """The verdict as it is shown."""
        return word_for(self.verdict, self.claim.kind)

    @property
    def is_compatible(self) -> bool | None:
        """Whether the published statement can be true, given these runs; None without a test."""
        p = self.p_corrected
        return None if np.isnan(p) else bool(p >= ALPHA)

    @property
    def record_range(self) -> tuple[float, float]:
        """Where the mean of as many runs lies in 95 % of cases, by the package's record."""
        if self.recorded is None or not self.estimate.n:
            return np.nan, np.nan
        return prediction_interval(self.recorded, self.estimate.n)

    @property
    def is_within_record(self) -> bool | None:
        """Whether the mean lies in the record's range; None where there is none."""
        low, high = self.record_range
        # Values that all agree have a range without width, up to rounding.
        slack = 1e-6 * max(abs(low), abs(high))
        if np.isnan(low):
            return None
        return bool(low - slack <= self.estimate.mean <= high + slack)

    def record(self, experiment: str, *, full: bool) -> dict[str, Any]:
        """Make the record of `claims.json`; numbers that do not exist are None."""
        note = "" if full else "[quick run, not the full protocol] "
        estimate, rule, found = self.estimate, self.claim.rule, self.assessment
        numbers = {
            "published": rule.published,
            "published_sd": getattr(rule, "sd", None),
            "margin": getattr(rule, "margin", None),
            "ours": estimate.mean,
            "sd": spread_of(estimate).sd,
            "ci_low": estimate.low,
            "ci_high": estimate.high,
            "prediction_low": found.prediction[0],
            "prediction_high": found.prediction[1],
            "p": found.p,
            "p_corrected": self.p_corrected,
        }
        return {
            "experiment": experiment,
            "claim": self.claim.name,
            "kind": self.claim.kind,
            "statement": note + self.claim.statement,
            "source": self.claim.source,
            **{name: _finite(number) for name, number in numbers.items()},
            "n": estimate.n,
            "verdict": self.verdict,
            "reason": self.reason,
            "compatible": self.is_compatible,
            "within_record": self.is_within_record,
        }


def judge(
    claims: Sequence[Claim],
    result: xr.Dataset,
    *,
    full: bool,
    recorded: Mapping[str, Spread] | None = None,
) -> list[Judgement]:
    """Judge every claim that the result can speak to.

    Without the full protocol, without data, or where a run diverged, a claim is not checkable.
    One run alone has no interval: its claims are imprecise; with the package's record, of which the
    spread of runs is known, they are compatible with the paper or not all the same.

    Args:
        claims: the claims of an experiment.
        result: what the experiment returned.
        full: whether the run followed the full protocol.
        recorded: what the package's record has measured, by name of the claim.

    >>> from mnist1d.harness.verdicts.rules import AtLeast
    >>> claim = Claim(
    ...     "mean", "the mean is at least 1", "section 1", AtLeast(1),
    ...     lambda result: Estimate(2.0, 1.5, 2.5, n=3, values=(1.8, 2.0, 2.2)),
    ... )
    >>> import xarray as xr
    >>> judge([claim], xr.Dataset({"loss": ("seed", [1.8, 2.0, 2.2])}), full=True)[0].verdict
    'reproduced'
    """
    claims = [claim for claim in claims if claim.needs is None or claim.needs in result]
    recorded = recorded or {}
    estimates = [claim.measure(result) for claim in claims]
    assessments = [
        claim.rule.assess(_spread(found, recorded.get(claim.name)))
        for claim, found in zip(claims, estimates, strict=True)
    ]
    reasons = [
        _missing(claim, found, full=full) for claim, found in zip(claims, estimates, strict=True)
    ]
    corrected = holm(
        [np.nan if reason else found.p for reason, found in zip(reasons, assessments, strict=True)]
    )
    return [
        Judgement(
            claim,
            estimate,
            _verdict(claim.rule, estimate, found, p, reason),
            found,
            float(p),
            reason or _before_correction(found, p),
            recorded.get(claim.name),
        )
        for claim, estimate, found, p, reason in zip(
            claims, estimates, assessments, corrected, reasons, strict=True
        )
    ]


def _spread(found: Estimate, recorded: Spread | None) -> Spread:
    ours = spread_of(found)
    if ours.n == 1 and np.isnan(ours.sd) and recorded is not None:
        return ours._replace(sd=recorded.sd, df=recorded.df)
    return ours


def _missing(claim: Claim, found: Estimate, *, full: bool) -> str:
    if found.n == 0 or isinstance(claim.rule, NoData):
        return "no data"
    if not full:
        return "not the full protocol"
    if found.n_diverged:
        return f"{found.n_diverged} of {found.n + found.n_diverged} runs diverged"
    return ""


def _before_correction(found: Assessment, p: float) -> str:
    if found.p < ALPHA <= p:
        return f"differs before the correction for the number of claims, p = {found.p:.2g}"
    return ""


def _verdict(rule: Rule, estimate: Estimate, found: Assessment, p: float, reason: str) -> Verdict:
    if reason:
        return "not checkable"
    if isinstance(rule, Fact):
        return rule.verdict(found, p)
    if np.isnan(found.p) or not np.isfinite(estimate.low):
        return "imprecise"
    return rule.verdict(found, p)


def _finite(number: float | None) -> float | None:
    return None if number is None or not np.isfinite(number) else round(float(number), 6)
