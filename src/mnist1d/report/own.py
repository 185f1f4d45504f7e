"""What else a folder holds: experiments of one's own, grids of settings, comparisons.

All is made of what `mnist1d run` and `mnist1d compare` stored; nobody's code is run.
"""

import math
from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path

from mnist1d.harness.claims import OWN_VERDICTS
from mnist1d.harness.findings import Findings
from mnist1d.harness.interface import NAME, NAMES_ARE
from mnist1d.harness.results import load_result
from mnist1d.harness.stored.attributes import parsed
from mnist1d.harness.stored.findings import RESULT, needs_of
from mnist1d.harness.stored.own import stored_findings
from mnist1d.harness.stored.texts import one_line
from mnist1d.lab.comparison.result import Comparison
from mnist1d.report.contents import COMPARISON, Section, count_verdicts
from mnist1d.report.pictures import size_of_figure


def read_own(
    folder: Path, taken: Container[str], describe: Callable[[Findings], Section]
) -> tuple[list[Section], dict[str, str]]:
    """Read all results in a folder but those of the paper's experiments.

    Args:
        folder: with a folder per result.
        taken: names that are not read.
        describe: makes a section of findings.

    Returns: a section per result, and what is wrong with the results that cannot be read, by the
        name of their folder.
    """
    sections, damaged = [], {}
    for path in sorted(folder.glob(f"*/{RESULT}")):
        name = path.parent.name
        if name in taken:
            continue
        try:
            sections.append(_read(path, name, describe))
        except ValueError as error:
            damaged[name] = str(error)
    return sections, damaged


def _read(path: Path, name: str, describe: Callable[[Findings], Section]) -> Section:
    if not NAME.fullmatch(name):
        raise ValueError(f"{path} is in a folder whose name is not {NAMES_ARE}")
    result = load_result(path)
    is_comparison = result.attrs["experiment"] == COMPARISON
    if is_comparison:
        # Its figure has its name, and is of every comparison.
        result = result.assign_attrs(figures=f'["{COMPARISON}"]')
    with needs_of(name, path):
        section = describe(stored_findings(result, name))
        if is_comparison:
            section = replace(section, rows=(), remarks=(), table=str(Comparison(result)))
    return _without_lost_figures(section, path.parent)


def _without_lost_figures(section: Section, folder: Path) -> Section:
    """Say which figures are not there any more."""
    figures = parsed(section.result.attrs, "figures", [])
    lost = [each for each in figures if size_of_figure(folder, each) is None]
    failed = tuple(f"the figure {one_line(each)}.png is gone" for each in lost)
    return replace(section, failed=(*section.failed, *failed))


def tally(section: Section) -> str:
    """Write how many claims of a section have which verdict, or what it is without claims."""
    if section.kind == "grid":
        return f"grid of {math.prod(map(len, section.grid.values()))} points"
    if section.kind == COMPARISON:
        return f"comparison of {section.result.sizes['candidate']} candidates"
    counts = count_verdicts(section.claims, OWN_VERDICTS)
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n) or "no claims"
