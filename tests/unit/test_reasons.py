"""What is said of a claim that is not reproduced, and of a single run beside the record."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from mnist1d.cli.output import tables
from mnist1d.harness.claims import Claim, judge
from mnist1d.harness.findings import Findings
from mnist1d.harness.verdicts.reasons import brief_reason, reason, runs_needed
from mnist1d.harness.verdicts.rules import AtLeast, Counted, Equals, NoData, Positive, Similar
from mnist1d.measures.replication import Spread
from mnist1d.measures.uncertainty import Estimate, estimate, estimate_proportion, in_percent

NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def runs(mean, sd, n=5):
    values = np.linspace(-1, 1, n)
    return estimate(mean + sd * values / values.std(ddof=1))


def judged(rule, found, *, full=True, name="name", recorded=None):
    claim = Claim(name, "the accuracy (%)", "Table 1", rule, lambda _: found)
    return judge([claim], xr.Dataset(), full=full, recorded=recorded)[0]


@pytest.mark.parametrize(
    ("rule", "found", "brief", "whole"),
    [
        (
            Equals(94, 2),
            runs(94, 2.5),
            "7 runs would tell",
            "Half of the 90 % interval is 2.38, and the margin 2: with this spread it takes 7",
        ),
        (
            Equals(94, 2),
            runs(92.5, 1.0),
            "within the spread of runs, not within the margin",
            "The mean is 1.5 from the published number",
        ),
        (Positive(), runs(1, 1.0), "7 runs would tell", "The interval reaches beyond what counts"),
        (Positive(), runs(-1, 1.5), "on the other side", "The mean lies on the other side"),
        (Similar(2), runs(1.9, 2.5), "more than 1,000 runs would tell", "more than 1,000 runs"),
        (
            AtLeast(90),
            in_percent(estimate_proportion([True] * 19 + [False])),
            "values would tell",
            "values",
        ),
        (Equals(94, 2), estimate([94.0]), "one run has no interval", "One run has no interval."),
        (NoData(30), NOTHING, "no data", "There are no data to compare with."),
        (Equals(94, 2), NOTHING, "no data", "The result has no data for it."),
        (Equals(94, 2), estimate([93, 94, math.nan]), "1 of 3 runs", "1 of 3 runs diverged."),
    ],
)
def test_an_open_claim_says_why(rule, found, brief, whole):
    judgement = judged(rule, found)
    assert judgement.verdict in ("imprecise", "consistent", "not checkable")
    assert brief in brief_reason(judgement)
    assert whole in reason(judgement)


def test_a_claim_that_holds_needs_no_reason():
    assert reason(judged(Equals(94, 2), runs(94, 0.5))) == ""
    assert reason(judged(Counted(96), Estimate(95.75, 93.3, 97.3, 400))) == ""


def test_what_differs_has_its_p_value():
    assert reason(judged(Equals(94, 2), runs(80, 0.5))).startswith("p = ")
    assert reason(judged(Counted(96), Estimate(90.0, 90.0, 90.0, 1))).startswith("It is counted")


def test_a_run_that_is_a_quick_one_says_so():
    judgement = judged(Equals(94, 2), runs(94, 0.5), full=False)
    assert brief_reason(judgement) == "not the full protocol"
    assert reason(judgement) == "Not the full protocol."


def test_runs_that_are_apart_from_the_others_are_counted():
    draws = [0.62, 0.621, 0.622, 0.623, 0.6225, 0.6215, 0.6205, 0.624, 0.3]
    assert "1 of 9 runs lies far from the others." in reason(
        judged(Equals(0.62, 0.01), estimate(draws))
    )
    assert "far from" not in reason(judged(Equals(94, 2), runs(94, 9.0, n=20)))


def test_as_many_runs_as_are_called_needed_do_hold():
    found = Spread(1.0, 1.0, 5, 4)
    needed = runs_needed(lambda each: Positive().assess(each).holds, found)
    for n, holds in ((needed, True), (needed - 1, False)):
        assert Positive().assess(found._replace(n=n, df=n - 1)).holds == holds
    assert runs_needed(lambda _: True, found._replace(sd=math.nan)) is None


def test_a_single_run_is_compared_with_the_record_and_with_the_paper():
    recorded = {"name": Spread(93.0, 1.0, 20, 19)}
    rows = []
    for ours in (93.2, 88.0):
        judgement = judged(Equals(94, 2), estimate([ours]), recorded=recorded)
        experiment = SimpleNamespace(
            NAME="tiny", TITLE="Tiny", CLAIMS=(judgement.claim,), PAPER_SEEDS=1
        )
        result = xr.Dataset({"a": ("seed", [ours])}, attrs={"protocol": "full"})
        console = Console(record=True, width=120)
        tables.show_summary(Findings(experiment, result, (judgement,), ()), console)
        rows.append(console.export_text())
    assert "record's range" in rows[0]
    assert "within" in rows[0]
    assert "outside" in rows[1]
    assert " compatible" in rows[0]
    assert "not compatible" in rows[1]
    assert "1 of 1 means lie where the package's record has 95 % of such runs" in rows[0]
