"""The tables of differences, and how they are to be read."""

from collections.abc import Mapping

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from mnist1d.lab.statistics.differences import Difference, Statistics
from mnist1d.lab.statistics.plan import Plan
from mnist1d.lab.statistics.yardsticks import shown
from mnist1d.measures.power import MOST_PAIRS


def new_table(title: str, *columns: str | Text) -> Table:
    """Make an empty table in the style of all tables of a comparison."""
    table = Table(title=title, box=box.SIMPLE, title_justify="left", pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", overflow="fold")
    return table


def tables_of_pairs(found: Statistics, plan: Plan, notes: Mapping[str, str], n: int) -> list[Table]:
    """Make the table of the planned pairs and that of the yardsticks, those of them that have rows.

    Args:
        found: the differences.
        plan: that they were planned by.
        notes: what is unfair about the models of the paper, by name.
        n: number of seeds.
    """
    made = []
    if found.differences:
        made.append(_planned(found.differences, plan, notes, n))
    if found.yardsticks:
        made.append(_yardsticks(found.yardsticks, notes, n))
    return made


def _planned(
    differences: tuple[Difference, ...], plan: Plan, notes: Mapping[str, str], n: int
) -> Table:
    table = new_table("Planned differences of test accuracy (points), paired by seed", "")
    headings = ("difference", "95 % interval", "p (Holm)", "significant")
    power = (f"within\n±{plan.margin:g}", "sees", f"seeds\nfor {plan.margin:g}")
    for heading in (*headings, *power):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in differences:
        is_open = each.same_for_all_seeds
        table.add_row(
            _pair(each, notes),
            *_measured(each, n),
            _p(each.p_value),
            "same for all seeds" if is_open else ("[green]yes[/]" if each.told_apart else "no"),
            "" if np.isnan(each.p_equivalence) else ("[green]yes[/]" if each.equivalent else "no"),
            "" if np.isnan(each.smallest_visible) else f"{each.smallest_visible:.1f}",
            _seeds(each.seeds_needed),
        )
    return table


def _yardsticks(differences: tuple[Difference, ...], notes: Mapping[str, str], n: int) -> Table:
    recipes = ", ".join(dict.fromkeys(notes.values()))
    how = recipes or "tuned like all candidates"
    table = new_table(f"Beside the paper's models ({how}): points, paired, not tested", "")
    for heading in ("difference", "95 % interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in differences:
        table.add_row(_pair(each, notes), *_measured(each, n))
    return table


def _pair(each: Difference, notes: Mapping[str, str]) -> Text:
    # As `Text`, in which brackets and colons are no markup.
    return Text(f"{shown(each.first, notes)} - {shown(each.second, notes)}")


def _measured(each: Difference, n: int) -> tuple[str, str]:
    found = each.estimate
    pairs = "" if found.n == n else f", n = {found.n}"
    return (
        f"{found.mean:.1f}{pairs}" if found.n else "none",
        f"{found.low:.1f} to {found.high:.1f}" if np.isfinite(found.low) else "",
    )


def _p(value: float) -> str:
    return f"{value:.2g}" if np.isfinite(value) else ""


def _seeds(n: float) -> str:
    if np.isnan(n):
        return ""
    return f"{n:,.0f}" if n < MOST_PAIRS else f"> {MOST_PAIRS:,}"


def explained(found: Statistics, plan: Plan, n: int, *, vary_data: bool) -> list[Text]:
    """Say how the tables of pairs are to be read, and what cannot be tested.

    Args:
        found: the differences.
        plan: that they were planned by.
        n: number of seeds.
        vary_data: whether every seed has its own data.
    """
    lines = []
    m, margin = len(found.differences), f"{plan.margin:g}"
    points = f"{margin} {'point' if plan.margin == 1 else 'points'}"
    if m:
        pairs = "the one planned pair" if m == 1 else f"the {m} planned pairs"
        test = (
            "Significant: p < 0.05 in Student's paired t test after Holm's correction for "
            f"{pairs}. Within ±{margin}: two one-sided t tests, corrected alike, show that the "
            f"difference is smaller than {points}. Intervals are of each number alone."
        )
        power = (
            f"Sees: the smallest difference that {n} seeds find in 80 % of comparisons, at 5 %"
            f"{f'/{m}' if m > 1 else ''} and with the spread of these seeds, which is roughly "
            f"known if they are few. Seeds for {margin}: how many find one of {points}."
        )
        lines += [Text(test), Text(power)]
    if any(each.same_for_all_seeds for each in found.differences):
        needed = "" if vary_data else ", or vary_data=True if the candidates draw nothing"
        untested = (
            "A difference that is the same for all seeds has no variance and cannot be tested: "
            f"more seeds are needed{needed}."
        )
        lines.append(Text(untested, "yellow"))
    return lines
