"""An estimate as text: two significant digits of half its interval, everywhere the same."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from mnist1d.measures.text import interval_of, mean_of, mean_with_interval, number, with_interval
from mnist1d.measures.uncertainty import Estimate, estimate


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        (92.2264, 0.0561, "92.226 ± 0.056"),
        (97.334, 0.376, "97.33 ± 0.38"),
        (93.98, 1.04, "94.0 ± 1.0"),
        (59.6, 14.3, "60 ± 14"),
        (1234.0, 151.0, "1234 ± 151"),
        (99.304, 0.0996, "99.30 ± 0.10"),
        (-0.02, 0.31, "-0.02 ± 0.31"),
        (-0.0004, 0.31, "0.00 ± 0.31"),
        (0.62, 1e-9, "0.620 ± 0"),
        (0.0, 0.0, "0 ± 0"),
    ],
)
def test_the_interval_decides_how_many_decimals_there_are(mean, half, text):
    assert with_interval(Estimate(mean, mean - half, mean + half, 5), 5) == text


@given(mean=st.floats(-1000, 1000), half=st.floats(1e-2, 1000))
def test_half_the_interval_is_shown_to_five_per_cent(mean, half):
    text = with_interval(Estimate(mean, mean - half, mean + half, 5), 5)
    shown_mean, _, shown = text.partition(" ± ")
    assert float(shown) == pytest.approx(half, rel=0.0501)
    # No digit says more than the interval does.
    assert len(shown.partition(".")[2]) == len(shown_mean.partition(".")[2])
    assert len(shown.lstrip("0.").replace(".", "")) == max(2, len(f"{half:.0f}"))


def test_an_interval_that_is_not_symmetric_is_written_by_its_ends():
    found = Estimate(99.92, 99.70, 100.0, 5)
    assert with_interval(found, 5) == "99.92, 99.70 to 100.00"
    assert with_interval(found._replace(n=4), 5) == "99.92, 99.70 to 100.00, n = 4"


def test_a_number_without_an_interval_has_three_digits():
    assert with_interval(estimate([93.987]), 1) == "94.0"
    assert with_interval(estimate([93.987]), 5) == "94.0, n = 1"
    assert [number(value) for value in (0.0123456, 0.5, 12345.6, 0)] == [
        "0.0123",
        "0.500",
        "12346",
        "0",
    ]


def test_diverged_runs_are_mentioned_unless_the_others_are_requested():
    found = estimate([0.5, 0.7, np.inf])
    assert mean_of(found) == with_interval(found, 3) == "diverged (1 of 3 runs)"
    assert interval_of(found) == "—"
    assert mean_with_interval(found, 3) == "0.6 ± 1.3, n = 2"
    nothing = Estimate(math.nan, math.nan, math.nan, 0)
    assert with_interval(nothing, 3) == mean_of(nothing) == "no data"
    assert number(math.inf) == "—"
