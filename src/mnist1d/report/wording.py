"""Texts of a report: durations, settings, counts of verdicts."""

import json
from collections.abc import Mapping
from typing import Any

from mnist1d.execution.commit import CHANGED, UNKNOWN as UNKNOWN_COMMIT
from mnist1d.experiments import PAPER
from mnist1d.harness.verdicts.rules import SINCE
from mnist1d.harness.verdicts.runtime import time_apart
from mnist1d.measures.text import UNKNOWN
from mnist1d.report.contents import SAID, Report, Section

COVERAGE = (
    "Ours is the mean over seeds with its 95 % interval (Student's t; of proportions Wilson's), n "
    "the number of values behind it; it covers the runs' initial weights and order of samples, "
    "not the choice of the data set."
)
VERDICTS_MEAN = (
    "A published number is compatible with ours if it lies where "
    "95 % of such runs lie (prediction interval, Holm's correction over the claims of an "
    "experiment). Reproduced: compatible, and our 90 % interval lies within a margin of it that "
    "was fixed for the kind of quantity; of an ordering, the 95 % interval lies on the right side. "
    "Consistent: compatible, not all within the margin, though half the interval is no wider. "
    "Imprecise: more seeds are needed to tell. Differs slightly: not compatible, yet within the "
    "margin. Differs: not compatible. Verified: a number that is counted, not estimated. Not "
    "checkable: no data, not the full protocol, or a run diverged. Beyond the paper confirmed "
    "stands for reproduced, refuted for differs."
)
RULES_MEAN = (
    "Rules: ≥ 90 is what a sentence is taken to say, 68 ± 2 a published number with its standard "
    "deviation, and > 0 (+38) means more than 0, where the published runs have +38."
)
HOW_TO_READ = f"{COVERAGE} {RULES_MEAN} {VERDICTS_MEAN}"
_FEW_TAGS = 3
HOW_OWN = (
    "A claim is a statement of an experiment's file, with a rule for its verdict. Measured is the "
    "mean over seeds with its 95 % interval (Student's t), n the number of values behind it. "
    "Confirmed: the rule holds. Refuted: it does not (Holm's correction over the claims). "
    "Consistent or imprecise: more seeds are needed. Not checkable: there are no data, a run "
    "diverged, or the settings were not the default ones, which decide no claim."
)


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
    """Write a setting; a long list is shortened.

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
    """Return a text with a capital first letter.

    >>> sentence("quick run of the MLP")
    'Quick run of the MLP'
    """
    return text[:1].upper() + text[1:]


def scope_of(report: Report) -> str:
    """Say which experiments a report has."""
    n, n_beyond = len(report.paper), len(report.beyond)
    where = "all experiments" if n == len(PAPER) else f"{n} of {len(PAPER)} experiments"
    if n_beyond:
        where += f" of the paper and in {n_beyond} beyond it"
    return f"Claims checked in {where}."


def tally_of(report: Report) -> str:
    """Say in a sentence how many of the paper's own statements hold; empty if there is none."""
    counts = next((counts for name, counts in report.groups.items() if name == SAID), {})
    if not counts:
        return ""
    n_differ = counts["differs"] + counts["differs slightly"]
    n_open = counts["consistent"] + counts["imprecise"]
    return (
        f"Of {sum(counts.values())} {SAID} {counts['reproduced'] + counts['verified']} hold, "
        f"{n_differ} do not, {n_open} are open and {counts['not checkable']} cannot be checked."
    )


def summary_of(report: Report) -> str:
    """Return a summary of a report in one sentence, by kinds of claims."""
    groups = [
        f"{sum(counts.values())} {name}: {verdicts_of(counts)}"
        for name, counts in report.groups.items()
    ]
    return f"{scope_of(report)} {'; '.join(groups) or 'None'}."


def verdicts_of(counts: Mapping[str, int]) -> str:
    """Write the number of claims per verdict.

    >>> verdicts_of({"reproduced": 3, "consistent": 0, "differs": 1})
    '3 reproduced, 1 differs'
    """
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n) or "none"


def wall_time_of(section: Section) -> str:
    """Write the time of an experiment in a table; that of a resumed run is not on record."""
    return "resumed" if section.units_found else seconds(section.seconds)


def time_of(section: Section) -> str:
    """Write the time of an experiment, with compilation and tasks that were finished before."""
    parts = [seconds(section.seconds)]
    if section.compile_seconds is not None:
        parts.append(f"{seconds(section.compile_seconds)} of compilation, all threads together")
    if section.units_found:
        parts.append(f"{section.units_found} units of its work were finished before")
    if (apart := time_apart(section.result.attrs)) is not None:
        whole, n = apart
        parts.append(f"{n} whole run{'s' * (n > 1)} of the same code: {seconds(whole)}")
    return "; ".join(parts)


def commits_in_words(commits: Mapping[str, int]) -> str:
    """Write the commits of a result's code.

    Args:
        commits: with the number of tasks of those that made tasks only (`commits_of`).

    >>> commits_in_words({"0123456789abcdef": 0, "fedcba9876543210-dirty": 3, "unknown": 2})
    '0123456789ab; of tasks that were finished before: 3 fedcba987654-dirty, 2 unknown'
    >>> commits_in_words({"unknown": 0})
    'not stored'
    """
    if list(commits) == [UNKNOWN_COMMIT]:
        return "not stored"
    own = ", ".join(short_commit(name) for name, n in commits.items() if not n)
    others = ", ".join(f"{n} {short_commit(name)}" for name, n in commits.items() if n)
    return f"{own}; of tasks that were finished before: {others}" if others else own


def short_commit(name: str) -> str:
    """Shorten the name of a commit to twelve digits, as git does.

    >>> short_commit("0123456789abcdef-dirty"), short_commit("unknown")
    ('0123456789ab-dirty', 'unknown')
    """
    digits, changed, _ = name.partition(CHANGED)
    return digits[:12] + changed


def provenance_of(report: Report) -> str:
    """Say what was fixed before the runs of a report, and whether its results belong together.

    Returns: one or two sentences; empty if there is nothing to say: no plan, one commit, and no
        result older than the rules.
    """
    sections, sentences = report.sections, []
    if report.plan is not None:
        versions = sorted({report.plan.version_of(each.name) for each in sections})
        tags = [f"{tag} (commit {short_commit(commit)})" for tag, commit in versions]
        several = len(tags) > 1
        # Commits of a few are a line; of more they stand on the pages and in the plan.
        named = " and ".join(filter(None, (", ".join(tags[:-1]), tags[-1])))
        if len(tags) > _FEW_TAGS:
            named = f"{versions[0][0]} to {versions[-1][0]}"
        whose = "every result's page names its commit" if several else "all results are of it"
        return (
            f"Seeds, settings and rules were fixed before the runs, by the tag{'s' * several} "
            f"{named}; {whose}."
        )
    old = [each for each in sections if each.finished[: len(SINCE)] < SINCE]
    if old:
        sentences.append(
            f"{len(old)} of {len(sections)} results are older than the rules that judge them, "
            f"which are of {SINCE}: they did not wait for them."
        )
    commits: dict[str, list[str]] = {}
    for section in sections:
        for name in section.commits:
            commits.setdefault(short_commit(name), []).append(section.name)
    if list(commits) == [UNKNOWN_COMMIT] and old:
        sentences.append("No result says which commit of the code made it.")
    elif len(commits) > 1:
        parts = "; ".join(f"{name} ({', '.join(of)})" for name, of in commits.items())
        sentences.append(f"The results are of several commits of the code: {parts}.")
    return " ".join(sentences)


def compilation_of(report: Report) -> Mapping[str, str]:
    """Return the time of compilation by experiment; empty if no result has it."""
    if all(section.compile_seconds is None for section in report.sections):
        return {}
    return {
        section.name: UNKNOWN
        if section.compile_seconds is None
        else seconds(section.compile_seconds)
        for section in report.sections
    }
