"""What a result says: every claim judged, every row of the table, computed once."""

from dataclasses import dataclass

import xarray as xr

from mnist1d.harness.claims import Judgement, judge
from mnist1d.harness.interface import Experiment, Row, is_other_data


@dataclass(frozen=True)
class Findings:
    """What an experiment found, for the terminal, for `claims.json` and for the report.

    Attributes:
        experiment: its module.
        result: what it returned.
        judgements: of all claims that the result can speak to; none on other data.
        rows: of its table.
    """

    experiment: Experiment
    result: xr.Dataset
    judgements: tuple[Judgement, ...]
    rows: tuple[Row, ...]

    @property
    def is_full(self) -> bool:
        """Whether the result came from the full protocol."""
        return self.result.attrs.get("protocol") == "full"

    def judgement(self, claim: str | None) -> Judgement | None:
        """Return the judgement of a claim by its name, if there is one."""
        return next((each for each in self.judgements if each.claim.name == claim), None)


def findings_of(experiment: Experiment, result: xr.Dataset) -> Findings:
    """Judge the claims of an experiment on its result, and make its table."""
    return Findings(
        experiment, result, tuple(judged(experiment, result)), tuple(experiment.summarise(result))
    )


def judged(experiment: Experiment, result: xr.Dataset) -> list[Judgement]:
    """Judge the claims of an experiment on its result; on other data they say nothing."""
    if is_other_data(result):
        return []
    return judge(experiment.CLAIMS, result, full=result.attrs.get("protocol") == "full")
