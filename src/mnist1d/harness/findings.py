"""Findings: the judged claims and the table of a result, computed once."""

from dataclasses import dataclass

import xarray as xr

from mnist1d.harness.claims import Judgement, judge
from mnist1d.harness.interface import Experiment, Row, is_full, is_other_data
from mnist1d.harness.verdicts.reference import recorded


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
