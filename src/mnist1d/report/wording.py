"""Numbers and facts in words, the same in both documents."""

import json
import math
from collections.abc import Mapping
from typing import Any

from mnist1d.measures.uncertainty import Estimate
from mnist1d.report.contents import Report, Section

UNKNOWN = "—"

HOW_TO_READ = (
    "A claim is a sentence of the paper that is true or false, with a rule for its verdict that "
    "was fixed before the run. Ours is the mean over seeds with its 95 % interval (Student's t), n "
    "the number of values behind it. Other intervals are the range of runs that draw nothing (the "
    "published weights), that of proportions (Wilson), and none where a number is counted once; "
    "one of width 0 means that all seeds agree, not that others would. Reproduced: the whole "
    "interval keeps the rule. Differs: all of it breaks the rule. Undecided: the interval does "
    "both, or there is none, or a run diverged."
)


def decimals_of(estimate: Estimate) -> int:
    """Return how many decimals an estimate is shown with: as many as its interval lets mean much.

    >>> decimals_of(Estimate(93.98, 92.94, 95.02, 5)), decimals_of(Estimate(0.44, 0.10, 0.79, 5))
    (1, 2)
    """
    half = (estimate.high - estimate.low) / 2
    if not half > 1e-6 * abs(estimate.mean):  # none, or rounding error
        return _by_size(estimate.mean)
    if half >= 0.95 or (half >= 0.095 and abs(estimate.mean) >= 10):
        return 1
    return 2 if half >= 0.0095 else 3 if half >= 0.00095 else 4


def _by_size(value: float) -> int:
    size = abs(value)
    return 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 3


def number(value: float, decimals: int | None = None) -> str:
    """Write a number, or a dash where there is none.

    >>> number(93.98), number(-0.02), number(float("nan"))
    ('94.0', '-0.020', '—')
    """
    if not math.isfinite(value):
        return UNKNOWN
    text = f"{value:.{_by_size(value) if decimals is None else decimals}f}"
    # Rounding leaves no minus before a zero.
    return text.removeprefix("-") if float(text) == 0 else text


def mean_of(estimate: Estimate) -> str:
    """Write an estimate's mean, or why there is none."""
    if estimate.n_diverged:
        return f"diverged ({estimate.n_diverged} of {estimate.n + estimate.n_diverged} runs)"
    return "no data" if estimate.n == 0 else number(estimate.mean, decimals_of(estimate))


def interval_of(estimate: Estimate) -> str:
    """Write an estimate's interval, with the decimals of its mean.

    >>> interval_of(Estimate(93.98, 92.94, 95.02, 5))
    '92.9 to 95.0'
    """
    if estimate.n_diverged or not math.isfinite(estimate.low):
        return UNKNOWN
    decimals = decimals_of(estimate)
    return f"{number(estimate.low, decimals)} to {number(estimate.high, decimals)}"


def with_interval(estimate: Estimate, n: int) -> str:
    """Write mean and interval in one, and the number of values where it is not `n`.

    >>> with_interval(Estimate(93.98, 92.94, 95.02, 5), 5)
    '94.0 ± 1.0'
    >>> with_interval(Estimate(95.75, 93.3, 97.3, 400), 5)
    '95.8, 93.3 to 97.3 (n = 400)'
    """
    mean, interval = mean_of(estimate), interval_of(estimate)
    if estimate.n_diverged or estimate.n == 0:
        return mean
    note = "" if estimate.n == n else f" (n = {estimate.n})"
    if interval == UNKNOWN:
        return mean + (note or f" (n = {n})" if n == 1 else note)
    decimals = decimals_of(estimate)
    below, above = estimate.mean - estimate.low, estimate.high - estimate.mean
    if abs(below - above) < 0.5 * 10**-decimals:
        return f"{number(estimate.mean, decimals)} ± {number(above, decimals)}{note}"
    return f"{mean}, {interval}{note}"


def seconds(value: float) -> str:
    """Write a duration.

    >>> seconds(5.2), seconds(305.7), seconds(4000)
    ('5 s', '5 min 6 s', '1 h 7 min')
    """
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def setting(value: Any) -> str:
    """Write a setting; a long list is cut short in the middle.

    >>> setting([1, 2, 3]), setting(None), setting(True), setting(0.01)
    ('1, 2, 3', 'none', 'yes', '0.01')
    >>> setting(list(range(40)))
    '0, 1, 2, 3, 4, 5, …, 39 (40 values)'
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        written = [setting(one) for one in value]
        if len(written) > 12:
            return f"{', '.join(written[:6])}, …, {written[-1]} ({len(written)} values)"
        return ", ".join(written)
    return value if isinstance(value, str) else json.dumps(value)


def sentence(text: str) -> str:
    """Begin a text with a capital.

    >>> sentence("quick run of the MLP")
    'Quick run of the MLP'
    """
    return text[:1].upper() + text[1:]


def summary_of(report: Report) -> str:
    """Sum a report up in one sentence."""
    counts = report.counts
    n_all = len(report.sections) + len(report.missing)
    where = (
        "all experiments"
        if not report.missing
        else f"{len(report.sections)} of {n_all} experiments"
    )
    return (
        f"{sum(counts.values())} claims of the paper, checked in {where}: "
        f"{counts['reproduced']} reproduced, {counts['differs']} differ, "
        f"{counts['undecided']} undecided."
    )


def wall_time_of(section: Section) -> str:
    """Say how long an experiment took in a table; a resumed run took longer than its last part."""
    return seconds(section.seconds) + (" (resumed)" if section.units_found else "")


def time_of(section: Section) -> str:
    """Say how long an experiment took, and what else there is to know about it."""
    parts = [seconds(section.seconds)]
    if section.compile_seconds is not None:
        parts.append(f"{seconds(section.compile_seconds)} of compilation, all threads together")
    if section.units_found:
        parts.append(f"{section.units_found} units of its work were finished before")
    return "; ".join(parts)


def compilation_of(report: Report) -> Mapping[str, str]:
    """Return what compilation took, by experiment; empty if no result knows."""
    if all(section.compile_seconds is None for section in report.sections):
        return {}
    return {
        section.name: UNKNOWN
        if section.compile_seconds is None
        else seconds(section.compile_seconds)
        for section in report.sections
    }
