"""Equivalence and power: SciPy's tests, published sample sizes, and simulated runs."""

import math

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from mnist1d.measures.power import (
    MOST_PAIRS,
    equivalence_p_value,
    pairs_needed,
    power_of_paired_test,
    smallest_visible_difference,
)
from mnist1d.measures.uncertainty import paired_difference


@pytest.mark.parametrize("n", [2, 5, 30])
@pytest.mark.parametrize("mean", [-1.5, -0.3, 0.0, 0.9])
def test_equivalence_is_two_one_sided_tests_of_scipy(n, mean):
    rng = np.random.default_rng(n)
    second = rng.normal(size=n)
    first = second + mean + 0.2 * rng.normal(size=n)
    above = scipy.stats.ttest_1samp(first - second, -1, alternative="greater").pvalue
    below = scipy.stats.ttest_1samp(first - second, 1, alternative="less").pvalue
    p = equivalence_p_value(first, second, 1)
    assert p == pytest.approx(max(above, below), rel=1e-9)
    low, high = paired_difference(first, second, confidence=0.9)[1:3]
    assert (p < 0.05) == (low > -1 and high < 1)


def test_without_a_spread_there_is_no_test_of_equivalence():
    assert math.isnan(equivalence_p_value([0.5], [0.5], 1))
    assert math.isnan(equivalence_p_value([0.5, 0.6], [0.5, 0.6], 1))
    assert math.isnan(equivalence_p_value([0.5, np.nan], [0.5, 0.6], 1))
    assert equivalence_p_value([0.5, 0.61, np.nan], [0.5, 0.6, 0.1], 1) < 0.01


@pytest.mark.parametrize(
    ("effect", "n", "power"),
    # As G*Power and textbooks have them, for one sample and a two-sided test at 5 %.
    [(0.5, 34, 0.808), (0.8, 15, 0.821), (0.2, 199, 0.802), (1.0, 10, 0.803)],
)
def test_power_is_that_of_textbooks(effect, n, power):
    assert power_of_paired_test(effect, 1, n) == pytest.approx(power, abs=1e-3)
    assert power_of_paired_test(-2 * effect, 2, n) == pytest.approx(power, abs=1e-3)
    assert pairs_needed(effect, 1) == n
    assert power_of_paired_test(effect, 1, n - 1) < 0.8


@pytest.mark.parametrize("n", [2, 3, 5, 20])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 66])
def test_the_smallest_visible_difference_is_found_as_often_as_it_says(n, alpha):
    rng = np.random.default_rng(0)
    difference = smallest_visible_difference(2.0, n, alpha)
    runs = rng.normal(difference, 2, (20_000, n))
    t = runs.mean(1) / (runs.std(1, ddof=1) / np.sqrt(n))
    found = np.abs(t) > scipy.stats.t.isf(alpha / 2, n - 1)
    assert found.mean() == pytest.approx(0.8, abs=0.012)
    assert pairs_needed(difference * (1 + 1e-3), 2.0, alpha) == n


@pytest.mark.parametrize("n", [2, 5, 100])
@pytest.mark.parametrize("alpha", [0.05, 1e-4])
@pytest.mark.parametrize("power", [0.3, 0.8, 0.99])
def test_the_smallest_visible_difference_is_the_root_that_scipy_finds(n, alpha, power):
    def missing(difference):
        return power_of_paired_test(difference, 0.5, n, alpha) - power

    found = smallest_visible_difference(0.5, n, alpha, power)
    expected = scipy.optimize.brentq(missing, 0, 1e5, xtol=1e-13)
    assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("n", [400, 1000, 100_000])
def test_many_pairs_see_as_little_as_the_normal_distribution_says(n):
    normal = scipy.stats.norm
    expected = (normal.ppf(0.975) + normal.ppf(0.8)) / math.sqrt(n)
    assert smallest_visible_difference(1, n) == pytest.approx(expected, rel=0.01)
    assert power_of_paired_test(10, 1, n) == 1
    assert pairs_needed(10, 1) < 5


def test_there_is_a_largest_number_of_pairs():
    assert pairs_needed(1e-6, 1) == MOST_PAIRS
    assert pairs_needed(1e6, 1) == 2


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: equivalence_p_value([1, 2], [1, 2], 0), "margin must be above 0, got 0"),
        (lambda: power_of_paired_test(1, 0, 5), "sd must be above 0 and finite, got 0"),
        (lambda: power_of_paired_test(1, 1, 1), "n must be at least 2, got 1"),
        (lambda: power_of_paired_test(1, 1, 5, alpha=1), r"alpha must be in \(0, 1\), got 1"),
        (lambda: smallest_visible_difference(1, 5, power=0.01), "power must be above alpha"),
        (lambda: smallest_visible_difference(1, 1), "n must be at least 2"),
        (lambda: pairs_needed(0, 1), "difference must be other than 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, expected):
    with pytest.raises(ValueError, match=expected):
        call()
