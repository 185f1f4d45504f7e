"""What a record has taught, by its claims: what holds, what does not, what is open or new."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mnist1d.harness.verdicts.reasons import brief_reason
from mnist1d.harness.verdicts.rules import ALPHA, Counted, Equals, Fact, NoData
from mnist1d.measures.text import interval_of, mean_of
from mnist1d.report.contents import Judged, Report, Section

HEADLINE_KINDS = ("sentence", "table")
"""What the paper says itself; readings of figures and prints of notebooks are left to the pages."""
HOLDS = ("reproduced", "verified")
_UNITS = {"percentage points": " points", "per cent": " %"} | {
    unit: f" {unit}"
    for unit in ("%", "% of it", "minutes", "nats", "points", "units", "per 100 weights")
}
_FEW = 3


class Part(NamedTuple):
    """Claims of one experiment.

    Attributes:
        section: the experiment.
        claims: the claims that are named.
        n: how many there are of which these are.
    """

    section: Section
    claims: tuple[Judged, ...]
    n: int


def what_holds(report: Report) -> list[Part]:
    """Return the headline claims that hold, by experiment, with the number of all that do.

    An experiment names its headline claims in `HEADLINES`; of one that does not, the first ones of
    its sentences count.
    """
    parts = []
    for section in report.paper:
        held = [judged for judged in _said(section) if judged.verdict in HOLDS]
        if held:
            parts.append(Part(section, _headlines(section, held), len(held)))
    return parts


def what_differs(report: Report) -> list[Part]:
    """Return all claims of the paper that differ, of any kind."""
    return _parts(report, lambda judged: judged.differs and judged.claim.kind != "beyond")


def what_is_open(report: Report, *, checkable: bool = True) -> list[Part]:
    """Return the sentences and table cells that neither hold nor differ.

    Args:
        report: the contents.
        checkable: whether those that were tested are wanted, or those that could not be.
    """

    def is_open(judged: Judged) -> bool:
        is_said = judged.claim.kind in HEADLINE_KINDS
        is_checkable = judged.verdict != "not checkable"
        is_settled = judged.differs or judged.verdict in HOLDS
        return is_said and not is_settled and is_checkable == checkable

    return _parts(report, is_open)


def what_is_new(report: Report) -> list[Part]:
    """Return the claims beyond the paper of the paper's experiments."""
    return _parts(report, lambda judged: judged.claim.kind == "beyond", among=report.paper)


def what_is_beyond(report: Report) -> list[Part]:
    """Return the headline claims of experiments beyond the paper, which may have none."""
    return [
        Part(section, _headlines(section, section.claims), len(section.claims))
        for section in report.beyond
    ]


def n_said(section: Section) -> int:
    """Count the sentences and table cells of an experiment."""
    return len(_said(section))


def in_words(judged: Judged, section: Section) -> str:
    """Write a claim with its measured number: the statement, mean, unit and interval.

    Of an ordering, what exactly was measured is left to the page; n is there if it is not the
    number of runs.
    """
    statement, unit = _parted(judged)
    estimate = judged.estimate
    if not estimate.n:
        return statement
    if estimate.n_diverged:
        return f"{statement}: {mean_of(estimate)}"
    about = [interval_of(estimate)] if estimate.low < estimate.high else []
    if estimate.n > 1 and estimate.low == estimate.high:
        about = ["all runs"]
    is_one_fact = estimate.n == 1 and isinstance(judged.claim.rule, Fact)
    if estimate.n != section.n_seeds and not is_one_fact:
        about += [f"n = {estimate.n:,}"]
    more = f" ({', '.join(about)})" if about else ""
    return f"{statement}: {mean_of(estimate)}{unit}{more}"


def against(judged: Judged) -> str:
    """Write what a measured number is compared with: the published one, or what a claim expects.

    Of an ordering the difference of the published numbers follows, if there is one.
    """
    rule = judged.claim.rule
    if isinstance(rule, Equals | Counted | NoData):
        return f"published {rule}"
    expected, _, published = str(rule).removesuffix(")").partition(" (")
    return f"expected {expected}" + (f", published {published}" if published else "")


def beside_published(judged: Judged) -> str:
    """Write the published number after a measured one that holds; of an ordering nothing."""
    return f", {against(judged)}" if isinstance(judged.claim.rule, Equals) else ""


def remark_on(judged: Judged) -> str:
    """Give the p value of a claim that would differ if it were the only one; empty of others."""
    p, corrected = judged.judgement.assessment.p, judged.judgement.p_corrected
    return f"; alone p = {p:.2g}" if p < ALPHA <= corrected else ""


def why_open(judged: Judged) -> str:
    """Say in a few words why a claim is open."""
    return brief_reason(judged.judgement)


def why_in_brief(judged: Judged) -> str:
    """Return the first sentence of the explanation why a claim differs; the page has the others."""
    return re.split(r"(?<=\.) (?=[A-Z])", judged.why or "", maxsplit=1)[0]


def _headlines(section: Section, claims: Sequence[Judged]) -> tuple[Judged, ...]:
    first = [each.claim.name for each in claims[:_FEW]]
    named = getattr(section.experiment, "HEADLINES", first)
    return tuple(judged for judged in claims if judged.claim.name in named)


def _parts(
    report: Report, is_one: Callable[[Judged], bool], among: Sequence[Section] | None = None
) -> list[Part]:
    found = [
        (section, tuple(judged for judged in section.claims if is_one(judged)))
        for section in (report.sections if among is None else among)
    ]
    return [Part(section, claims, len(claims)) for section, claims in found if claims]


def _said(section: Section) -> list[Judged]:
    return [judged for judged in section.claims if judged.claim.kind in HEADLINE_KINDS]


def _parted(judged: Judged) -> tuple[str, str]:
    """Part a statement from the unit in its last parentheses, and an ordering from its measure."""
    statement, unit = judged.claim.statement, ""
    for found in reversed(list(re.finditer(r" \(([^()]*)\)", statement))):
        name = found[1].partition(";")[0]
        if name in _UNITS:
            statement = statement[: found.start()] + statement[found.end() :]
            unit = _UNITS[name]
            break
    if not isinstance(judged.claim.rule, Equals | Counted | NoData):
        statement = statement.partition(": ")[0]
    return statement, unit
