import numpy as np
import pytest
import xarray as xr

from mnist1d.harness.claims import AtLeast, Claim, Equals, Positive, judge
from mnist1d.measures.uncertainty import Estimate

RESULT = xr.Dataset({"present": ("seed", [1.0, 2.0])})


def claim(rule, measured, needs=None):
    return Claim("name", "statement (%)", "Table 1", rule, lambda _: measured, needs)


@pytest.mark.parametrize(
    ("rule", "low", "high", "verdict"),
    [
        (Equals(94, 2), 92.0, 96.0, "reproduced"),
        (Equals(94, 2), 91.9, 95.0, "undecided"),
        (Equals(94, 2), 90.0, 98.0, "undecided"),
        (Equals(94, 2), 90.0, 91.9, "differs"),
        (Equals(94, 2), 96.1, 97.0, "differs"),
        (AtLeast(99), 99.0, 99.5, "reproduced"),
        (AtLeast(99), 98.9, 99.5, "undecided"),
        (AtLeast(99), 98.0, 98.9, "differs"),
        (Positive(), 0.1, 2.0, "reproduced"),
        (Positive(), 0.0, 2.0, "undecided"),
        (Positive(), -1.0, 2.0, "undecided"),
        (Positive(), -1.0, -0.1, "differs"),
    ],
)
def test_verdict_of_every_rule(rule, low, high, verdict):
    measured = Estimate((low + high) / 2, low, high, 5)
    assert judge([claim(rule, measured)], RESULT, full=True)[0].verdict == verdict


@pytest.mark.parametrize(
    ("measured", "full"),
    [
        (Estimate(94.0, 93.0, 95.0, 5), False),
        (Estimate(94.0, np.nan, np.nan, 1), True),
        (Estimate(np.nan, np.nan, np.nan, 0), True),
        (Estimate(94.0, 93.0, 95.0, 4, n_diverged=1), True),
    ],
    ids=["reduced protocol", "one run", "no data", "a run diverged"],
)
def test_nothing_is_decided_without_protocol_interval_and_all_runs(measured, full):
    assert judge([claim(Equals(94, 2), measured)], RESULT, full=full)[0].verdict == "undecided"


def test_a_claim_without_its_data_is_left_out():
    measured = Estimate(94.0, 93.0, 95.0, 5)
    claims = [
        claim(Equals(94, 2), measured, needs="absent"),
        claim(Equals(94, 2), measured, needs="present"),
    ]
    assert [judged.claim for judged in judge(claims, RESULT, full=True)] == [claims[1]]


def test_a_record_has_the_documented_keys_and_no_nan():
    (judged,) = judge([claim(Positive(), Estimate(1.0, np.nan, np.nan, 1))], RESULT, full=True)
    assert judged.record("experiment", full=True) == {
        "experiment": "experiment",
        "claim": "name",
        "statement": "statement (%)",
        "source": "Table 1",
        "published": None,
        "ours": 1.0,
        "ci_low": None,
        "ci_high": None,
        "n": 1,
        "verdict": "undecided",
    }


def test_a_record_of_a_reduced_run_says_so():
    (judged,) = judge([claim(Positive(3), Estimate(1.0, 0.5, 1.5, 3))], RESULT, full=False)
    assert "not the full protocol" in judged.record("experiment", full=False)["statement"]
