import math
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from mnist1d.harness.claims import Claim, judge
from mnist1d.harness.findings import Findings
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.reference import as_record, recorded
from mnist1d.harness.verdicts.rules import (
    AtLeast,
    AtMost,
    Counted,
    CountedAtLeast,
    Equals,
    NoData,
    NoGain,
    Positive,
    Similar,
)
from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.measures.replication import Spread
from mnist1d.measures.uncertainty import Estimate, estimate

RESULT = xr.Dataset({"present": ("seed", [1.0, 2.0])})


def claim(rule, measured, needs=None, name="name"):
    return Claim(name, "statement (%)", "Table 1", rule, lambda _: measured, needs)


def runs(mean, sd, n=5):
    """Return an estimate of runs with just this mean and standard deviation."""
    values = np.linspace(-1, 1, n)
    return estimate(mean + sd * values / values.std(ddof=1))


def verdict(rule, measured):
    return judge([claim(rule, measured)], RESULT, full=True)[0].verdict


@pytest.mark.parametrize(
    ("rule", "mean", "sd", "expected"),
    [
        # 90 % interval: ± 0.95 sd; 95 % prediction interval of one run: ± 3.04 sd.
        (Equals(94, 2), 93.5, 1.0, "reproduced"),
        (Equals(94, 2), 92.5, 1.0, "consistent"),
        (Equals(94, 2), 94.0, 2.5, "imprecise"),
        (Equals(94, 2), 92.8, 0.3, "differs slightly"),
        (Equals(94, 2), 90.0, 1.0, "differs"),
        # Three published runs that scatter by 2 have a mean that scatters, too.
        (Equals(94, 2, sd=2, n=3), 90.9, 0.5, "consistent"),
        (Equals(94, 2), 90.9, 0.5, "differs"),
        # An uncertainty that is stated without a number of runs is taken to be known.
        (Equals(94, 2, sd=2), 90.9, 0.5, "consistent"),
        (Equals(94, 2, sd=2), 89.9, 0.5, "differs"),
        # What rounds to 94 may have been 93.5.
        (Equals(94, 2), 92.8, 0.35, "differs slightly"),
        (Equals(94, 2, digits=0), 92.8, 0.35, "reproduced"),
        (Equals(94, 2, digits=1), 92.8, 0.35, "differs slightly"),
        (AtLeast(99), 99.5, 0.2, "reproduced"),
        (AtLeast(99), 99.1, 0.2, "imprecise"),
        (AtLeast(99), 98.0, 0.2, "differs"),
        (Positive(), 2.0, 1.0, "reproduced"),
        (Positive(), 1.0, 1.0, "imprecise"),
        (Positive(), -2.0, 1.0, "differs"),
        (Positive(least=2), 3.0, 1.0, "imprecise"),
        (Similar(2), 0.5, 1.0, "reproduced"),
        (Similar(2), -1.5, 1.0, "imprecise"),
        (Similar(2), -4.0, 1.0, "differs"),
        (Similar(15, center=50), 52.0, 5.0, "reproduced"),
        (Similar(15, center=50), 80.0, 5.0, "differs"),
        (NoGain(2), -2.3, 3.0, "reproduced"),
        (NoGain(2), 1.5, 1.0, "imprecise"),
        (NoGain(2), 4.0, 1.0, "differs"),
        (Counted(96), 95.75, 1.0, "verified"),
        (Counted(96), 95.4, 1.0, "differs"),
        (CountedAtLeast(1), 1.0, 0.0, "verified"),
        (CountedAtLeast(1), 0.0, 0.0, "differs"),
        (AtMost(10), 9.0, 5.0, "verified"),
        (AtMost(10), 11.0, 5.0, "differs"),
        (NoData(30, 10), 30.0, 1.0, "not checkable"),
    ],
)
def test_verdict_of_every_rule(rule, mean, sd, expected):
    assert verdict(rule, runs(mean, sd)) == expected


def test_a_published_number_is_compatible_exactly_within_the_prediction_interval():
    for published in np.linspace(88, 98, 101):
        for rule in (Equals(published, 2), Equals(published, 2, digits=0)):
            (judged,) = judge([claim(rule, runs(93, 0.9))], RESULT, full=True)
            low, high = judged.assessment.prediction
            assert judged.is_compatible == (low <= published <= high)


def test_a_difference_among_many_claims_is_corrected_for_their_number():
    alone = claim(Equals(94, 2), runs(90.5, 1.0))
    assert judge([alone], RESULT, full=True)[0].verdict == "differs"
    others = [claim(Equals(94, 2), runs(94, 1.0), name=f"other {i}") for i in range(39)]
    found, *_ = judge([alone, *others], RESULT, full=True)
    assert found.assessment.p < 0.05 < found.p_corrected
    assert found.verdict == "consistent"
    assert found.reason.startswith("differs before the correction")


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised():
    # 200 experiments of 20 claims that are all true, 6 runs each against one published run.
    random = np.random.default_rng(0)
    n_alarms = 0
    for _ in range(200):
        values = random.normal(90, 1.5, (20, 7))
        claims = [
            claim(Equals(each[0], 2), estimate(each[1:]), name=f"claim {i}")
            for i, each in enumerate(values)
        ]
        judged = judge(claims, RESULT, full=True)
        n_alarms += any(each.verdict.startswith("differs") for each in judged)
    # 5 % of 200, and what chance makes of it at most.
    assert n_alarms <= 10 + 3 * math.sqrt(200 * 0.05 * 0.95)


@pytest.mark.parametrize(
    ("measured", "full", "reason"),
    [
        (runs(94, 1), False, "not the full protocol"),
        (Estimate(math.nan, math.nan, math.nan, 0), True, "no data"),
        (estimate([93.0, 94.0, math.nan]), True, "1 of 3 runs diverged"),
    ],
    ids=["reduced protocol", "no data", "a run diverged"],
)
def test_nothing_is_checked_without_protocol_data_and_all_runs(measured, full, reason):
    (judged,) = judge([claim(Equals(94, 2), measured)], RESULT, full=full)
    assert (judged.verdict, judged.reason) == ("not checkable", reason)
    assert judged.is_compatible is None


def test_one_run_is_imprecise():
    (judged,) = judge([claim(Equals(94, 2), estimate([94.0]))], RESULT, full=True)
    assert judged.verdict == "imprecise"
    assert judged.is_compatible is judged.is_within_record is None


@pytest.mark.parametrize(
    ("ours", "within", "compatible"),
    [(93.0, True, True), (90.0, False, False), (96.2, False, True)],
)
def test_one_run_is_compared_with_the_record_and_by_its_spread_with_the_paper(
    ours, within, compatible
):
    record = {"name": Spread(93.0, 1.0, 20, 19)}
    (judged,) = judge([claim(Equals(95, 2), estimate([ours]))], RESULT, full=True, recorded=record)
    assert (judged.is_within_record, judged.is_compatible) == (within, compatible)
    assert judged.verdict == "imprecise"


def test_runs_that_all_agree_lie_within_their_own_record():
    record = {"name": Spread(47.0, 0.0, 20, 19)}
    (judged,) = judge([claim(Equals(47, 5), estimate([47.0]))], RESULT, full=True, recorded=record)
    assert judged.is_within_record


def test_a_record_is_written_next_to_an_experiment_and_read_again(tmp_path):
    about = {"__file__": str(tmp_path / "__init__.py"), "VERSION": 3}
    experiment = SimpleNamespace(**about, PAPER_SEEDS=1)
    assert recorded(experiment) == {}
    claims = [
        claim(Equals(94, 2), runs(93, 1.0, n=20)),
        claim(Counted(15), Estimate(14.4, 14.4, 14.4, 4000), name="counted"),
        claim(Equals(1, 2), estimate([1.0, math.nan]), name="diverged"),
    ]
    text = as_record(experiment, judge(claims, RESULT, full=True), commit="abc")
    (tmp_path / "record.json").write_text(text, encoding="utf-8")
    ((name, found),) = recorded(experiment).items()
    assert name == "name"
    assert recorded(SimpleNamespace(**about)) == {}  # a file beside one of a user's own
    assert found[:4] == pytest.approx((93, 1, 20, 19))
    experiment.VERSION = 4
    assert recorded(experiment) == {}


def test_a_time_is_that_of_the_papers_number_of_runs_unless_the_run_was_resumed():
    whole = xr.Dataset({"loss": ("seed", [1.0] * 20)}, attrs={"seconds": 2400.0, "units_found": 0})
    takes = Claim("time", "takes (minutes)", "caption", AtMost(5), minutes(3))
    (judged,) = judge([takes], whole, full=True)
    assert (judged.estimate.mean, judged.verdict) == (6.0, "differs")
    (resumed,) = judge([takes], whole.assign_attrs(units_found=2), full=True)
    assert (resumed.verdict, resumed.reason) == ("not checkable", "no data")
    apart = whole.assign_attrs(units_found=2, time_apart='{"seconds": 90, "seeds": 1}')
    (judged,) = judge([takes], apart, full=True)
    assert (judged.estimate.mean, judged.verdict) == (4.5, "verified")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("Table 1", "table"),
        ("Table 1, caption", "sentence"),
        ("Section 5.2, Figure 5", "sentence"),
        ("Figure 5b", "figure"),
        ("Runs of Figure 9, printed", "notebook"),
        ("Beyond the paper", "beyond"),
    ],
)
def test_the_kind_of_a_claim_is_read_from_its_source(source, kind):
    assert Claim("name", "statement", source, Counted(1), lambda _: None).kind == kind


def test_a_claim_without_its_data_is_left_out():
    claims = [
        claim(Equals(94, 2), runs(94, 1), needs="absent"),
        claim(Equals(94, 2), runs(94, 1), needs="present"),
    ]
    assert [judged.claim for judged in judge(claims, RESULT, full=True)] == [claims[1]]


def test_a_record_has_the_documented_keys_and_no_nan():
    (judged,) = judge([claim(Equals(2, 0.5, sd=0.1, n=3), estimate([1.0]))], RESULT, full=True)
    assert judged.record("experiment", full=True) == {
        "experiment": "experiment",
        "claim": "name",
        "kind": "table",
        "statement": "statement (%)",
        "source": "Table 1",
        "published": 2,
        "published_sd": 0.1,
        "margin": 0.5,
        "ours": 1.0,
        "sd": None,
        "ci_low": None,
        "ci_high": None,
        "prediction_low": None,
        "prediction_high": None,
        "p": None,
        "p_corrected": None,
        "n": 1,
        "verdict": "imprecise",
        "reason": "",
        "compatible": None,
        "within_record": None,
    }


def test_a_record_of_a_reduced_run_says_so():
    (judged,) = judge([claim(Positive(3), runs(1.0, 0.5))], RESULT, full=False)
    assert "not the full protocol" in judged.record("experiment", full=False)["statement"]


def test_findings_are_escaped_tables_of_a_notebook():
    claims = [claim(AtLeast(99), Estimate(99.25, 99.0, 99.5, 2))]
    rows = [Row("<group>", "MLP", {"test (%)": Estimate(94.0, 93.0, 95.0, 2)}, "name")]
    experiment = SimpleNamespace(NAME="digits", TITLE="Digits & more", CLAIMS=claims)
    (judged,) = judge(claims, RESULT, full=True)
    found = Findings(experiment, RESULT, (judged,), tuple(rows))
    table = found._repr_html_()
    title = "Digits &amp; more; mean ± half the 95 % interval, n = 2 unless stated (1 rows)"
    assert f"<details open><summary>{title}</summary>" in table
    assert "<tr><td>&lt;group&gt;</td><td>MLP</td><td>94.0 ± 1.0</td></tr>" in table
    assert f"<td>99.25 ± 0.25</td><td>≥ 99</td><td>{judged.verdict}</td></tr>" in table


def test_findings_are_a_line_of_counts_however_many_there_are():
    claims = [claim(AtLeast(99), Estimate(99.25, 99.0, 99.5, 2))]
    (judged,) = judge(claims, RESULT, full=True)
    assert repr(judged) == f"<Judgement of {claims[0].name}: 99.25 ± 0.25, {judged.verdict}>"
    rows = [Row("group", "MLP", {"test (%)": Estimate(94.0, 93.0, 95.0, 2)})] * 100
    experiment = SimpleNamespace(NAME="digits", TITLE="Digits", CLAIMS=claims)
    found = Findings(experiment, RESULT, (judged,), tuple(rows))
    assert (
        str(found)
        == repr(found)
        == (
            "<Findings of digits: 100 rows of its table (.rows), 1 claims (.judgements): "
            f"1 {judged.verdict}>"
        )
    )
    table = found._repr_html_()
    assert "<details><summary>Digits; " in table
    assert "<details open><summary>Claims (1)</summary>" in table
    assert table.count("<td>MLP</td>") == 100


def test_a_claim_beyond_the_paper_is_confirmed_or_refuted():
    measured = runs(93.5, 1.0)
    beyond = Claim("name", "statement (%)", "Beyond the paper", Equals(94, 2), lambda _: measured)
    far = Claim("far", "statement (%)", "Beyond the paper", Equals(60, 2), lambda _: measured)
    found = judge([beyond, far, claim(Equals(94, 2), measured)], RESULT, full=True)
    assert [each.verdict for each in found] == ["reproduced", "differs", "reproduced"]
    assert [each.word for each in found] == ["confirmed", "refuted", "reproduced"]
