"""Why a claim is not reproduced, in words, from the numbers of its judgement."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mnist1d.harness.claims import Judgement
from mnist1d.harness.verdicts.rules import ALPHA, Equals, NoData, Rule
from mnist1d.measures.replication import Spread, interval_of_mean, spread_of
from mnist1d.measures.text import decimals_of, number

MOST_RUNS = 1000
"""From here on a number of runs is called larger than this."""
_FAR, _MANY = 8.0, 8
"""Of this many runs or more, one that is that many times as far from the median as the typical one
(median) is apart from the others."""


def reason(judgement: Judgement) -> str:
    """Say in a sentence why a claim is neither reproduced nor verified; empty if it is.

    Args:
        judgement: with any verdict. For one that differs the sentence has the numbers alone: causes
            are the experiment's own to explain.

    >>> from mnist1d.harness.claims import Claim, judge
    >>> from mnist1d.measures.uncertainty import estimate
    >>> import xarray as xr
    >>> claim = Claim("a", "the accuracy (%)", "Table 1", Equals(94, 2),
    ...               lambda _: estimate([90.0, 94.0, 97.0]))
    >>> reason(judge([claim], xr.Dataset(), full=True)[0])
    'Half of the 90 % interval is 5.92, and the margin 2: with this spread it takes 11 runs.'
    """
    verdict = judgement.verdict
    if verdict in ("reproduced", "verified"):
        return ""
    if verdict == "not checkable":
        return _not_checkable(judgement)
    if verdict.startswith("differs"):
        return _differs(judgement)
    if judgement.estimate.n == 1:
        return "One run has no interval."
    sentences = [_open(judgement), _apart(judgement)]
    if judgement.reason:
        sentences.append(f"{judgement.reason[:1].upper()}{judgement.reason[1:]}.")
    return " ".join(filter(None, sentences))


def brief_reason(judgement: Judgement) -> str:
    """Say in a few words why a claim is open: neither reproduced, nor verified, nor different.

    >>> from mnist1d.harness.claims import Claim, judge
    >>> from mnist1d.measures.uncertainty import estimate
    >>> import xarray as xr
    >>> claim = Claim("a", "the accuracy (%)", "Table 1", Equals(94, 2),
    ...               lambda _: estimate([90.0, 94.0, 97.0]))
    >>> brief_reason(judge([claim], xr.Dataset(), full=True)[0])
    '11 runs would tell'
    """
    found, rule = spread_of(judgement.estimate), judgement.claim.rule
    if judgement.verdict == "not checkable":
        return "no data" if isinstance(rule, NoData) else judgement.reason
    if judgement.reason or judgement.estimate.n == 1:
        return judgement.reason or "one run has no interval"
    if judgement.verdict == "consistent":
        return "within the spread of runs, not within the margin"
    if isinstance(rule, Equals):
        return f"{_runs(judgement, _runs_to_margin(found, rule.margin))} would tell"
    if _is_accepted(found, rule):
        return f"{_runs(judgement, _runs_to_hold(found, rule))} would tell"
    return "on the other side, by no more than chance"


def runs_needed(holds: Callable[[Spread], bool], found: Spread) -> int | None:
    """Return the smallest number of runs with which something holds, for the same mean and spread.

    Args:
        holds: whether it does, for a spread with another number of runs.
        found: of the runs that there are.

    Returns: the number; None if `MOST_RUNS` are not enough, or the spread is unknown.

    >>> runs_needed(lambda found: found.error < 0.1, Spread(0.0, 0.5, 5, 4))
    26
    """
    if not np.isfinite(found.sd):
        return None
    tried = (
        found._replace(n=n, df=found.df if found.df == math.inf else n - 1)
        for n in range(found.n, MOST_RUNS + 1)
    )
    return next((each.n for each in tried if holds(each)), None)


def _not_checkable(judgement: Judgement) -> str:
    if isinstance(judgement.claim.rule, NoData):
        return "There are no data to compare with."
    if judgement.reason == "no data":
        return "The result has no data for it."
    return f"{judgement.reason[:1].upper()}{judgement.reason[1:]}."


def _open(judgement: Judgement) -> str:
    found, rule = spread_of(judgement.estimate), judgement.claim.rule
    if isinstance(rule, Equals):
        low, high = interval_of_mean(found, 1 - 2 * ALPHA)
        half = (high - low) / 2
        if judgement.verdict == "imprecise":
            needed = _runs(judgement, _runs_to_margin(found, rule.margin))
            return (
                f"Half of the 90 % interval is {number(half)}, and the margin {rule.margin:g}: "
                f"with this spread it takes {needed}."
            )
        away = number(abs(found.mean - rule.published), decimals_of(judgement.estimate))
        return (
            f"The mean is {away} from the published number: not more than runs differ among "
            f"themselves, but together with the interval more than the margin of {rule.margin:g}."
        )
    if _is_accepted(found, rule):
        return (
            "The interval reaches beyond what counts: with this mean and spread it takes "
            f"{_runs(judgement, _runs_to_hold(found, rule))}."
        )
    return "The mean lies on the other side, but no further than chance may bring it."


def _is_accepted(found: Spread, rule: Rule) -> bool:
    low, high = rule.accepted
    return low <= found.mean <= high


def _runs_to_hold(found: Spread, rule: Rule) -> int | None:
    return runs_needed(lambda each: rule.assess(each).holds, found)


def _runs_to_margin(found: Spread, margin: float) -> int | None:
    return runs_needed(lambda each: _half(each) <= margin, found)


def _half(found: Spread) -> float:
    low, high = interval_of_mean(found, 1 - 2 * ALPHA)
    return (high - low) / 2


def _differs(judgement: Judgement) -> str:
    p = judgement.p_corrected
    if not np.isfinite(p):
        return "It is counted, and another number."
    return f"p = {p:.1g} after the correction for the number of claims."


def _runs(judgement: Judgement, needed: int | None) -> str:
    # A proportion is one of values of another kind, such as samples.
    what = "runs" if judgement.estimate.values else "values"
    return f"more than {MOST_RUNS:,} {what}" if needed is None else f"{needed} {what}"


def _apart(judgement: Judgement) -> str:
    """Say that a few runs are far from the others, which no interval of a mean describes."""
    values = np.asarray(judgement.estimate.values)
    values = values[np.isfinite(values)]
    if len(values) < _MANY:
        return ""
    distances = np.abs(values - np.median(values))
    n = int((distances > _FAR * np.median(distances)).sum())
    if not n or not np.median(distances):
        return ""
    return f"{n} of {len(values)} runs {'lies' if n == 1 else 'lie'} far from the others."
