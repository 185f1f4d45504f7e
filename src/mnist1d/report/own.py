"""Experiments of one's own in a report, from what `mnist1d run` stored with their results."""

import re
from collections import Counter
from collections.abc import Callable, Container
from pathlib import Path

from mnist1d.harness import record
from mnist1d.harness.findings import Findings
from mnist1d.harness.stored.findings import RESULT, needs_of
from mnist1d.harness.stored.own import ATTRIBUTE, stored_findings
from mnist1d.report.contents import Section

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def read_own(
    folder: Path, taken: Container[str], describe: Callable[[Findings], Section]
) -> tuple[list[Section], dict[str, str]]:
    """Read the results of experiments of one's own.

    Args:
        folder: with a folder per experiment.
        taken: names of other experiments.
        describe: makes a section of findings.

    Returns: a section per experiment, and what is wrong with the results that cannot be read, by
        experiment.
    """
    sections, damaged = [], {}
    for path in sorted(folder.glob(f"*/{RESULT}")):
        name = path.parent.name
        if name in taken or not NAME.fullmatch(name):
            continue
        try:
            result = record.read(path)
            if result.attrs.get("experiment") != name or ATTRIBUTE not in result.attrs:
                continue  # a comparison, a grid of settings
            with needs_of(name, path):
                sections.append(describe(stored_findings(result)))
        except ValueError as error:
            damaged[name] = str(error)
    return sections, damaged


def tally(section: Section) -> str:
    """Write how many claims of a section have which verdict."""
    counts = Counter[str](judged.verdict for judged in section.claims)
    return ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items())) or "no claims"
