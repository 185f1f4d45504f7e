"""Findings: the judged claims and the table of a result, computed once."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import xarray as xr

from mnist1d.harness.claims import Judgement, judge
from mnist1d.harness.interface import Experiment, Row, is_full, is_other_data
from mnist1d.harness.verdicts.reference import recorded
from mnist1d.measures.text import with_interval


@dataclass(frozen=True)
class Findings:
    """The findings of an experiment, for the terminal, for `claims.json` and for the report.

    Attributes:
        experiment: its module.
        result: what it returned.
        judgements: of all claims that can be judged; none on other data than the published.
        rows: of its table.
    """

    experiment: Experiment
    result: xr.Dataset
    judgements: tuple[Judgement, ...]
    rows: tuple[Row, ...]

    @property
    def is_full(self) -> bool:
        """Whether the result came from the full protocol."""
        return is_full(self.result)

    def judgement(self, claim: str | None) -> Judgement | None:
        """Return the judgement of a claim by its name, if there is one."""
        return next((each for each in self.judgements if each.claim.name == claim), None)

    def _repr_html_(self) -> str:
        """Return the experiment's table and its claims, for a notebook."""
        n = self.result.sizes.get("seed", 1)
        columns = list(dict.fromkeys(column for row in self.rows for column in row.estimates))
        rows = [
            (
                row.group,
                row.condition,
                *(
                    with_interval(row.estimates[column], n) if column in row.estimates else ""
                    for column in columns
                ),
            )
            for row in self.rows
        ]
        claims: list[tuple[str, ...]] = [
            (
                each.claim.statement,
                with_interval(each.estimate, n),
                str(each.claim.rule),
                each.verdict,
            )
            for each in self.judgements
        ]
        title = f"{self.experiment.TITLE}; mean ± half the 95 % interval, n = {n} unless stated"
        tables = [(title, ["", "", *columns], rows)] if rows else []
        tables += [("Claims", ["claim", "ours", "published", "verdict"], claims)] if claims else []
        return "".join(_html_table(*table) for table in tables)


def _html_table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str], kind: str) -> str:
        inside = "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells)
        return f"<tr>{inside}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return (
        f"<table><caption>{escape(title)}</caption><thead>{line(head, 'th')}</thead>"
        f"<tbody>{body}</tbody></table>"
    )


def findings_of(experiment: Experiment, result: xr.Dataset) -> Findings:
    """Judge the claims of an experiment on its result, and make its table."""
    return Findings(
        experiment, result, tuple(judged(experiment, result)), tuple(experiment.summarise(result))
    )


def judged(experiment: Experiment, result: xr.Dataset) -> list[Judgement]:
    """Judge the claims of an experiment on its result; none on other data than the published."""
    if is_other_data(result):
        return []
    return judge(experiment.CLAIMS, result, full=is_full(result), recorded=recorded(experiment))
