"""Intervals against SciPy's own, and against what they promise."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from mnist1d.measures.uncertainty import (
    Estimate,
    estimate,
    estimate_median,
    estimate_proportion,
    holm,
    in_percent,
    interval,
    paired_difference,
    paired_p_value,
)

ACCURACIES = np.array([0.922, 0.941, 0.931, 0.917, 0.945])


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_a_mean_has_the_interval_of_scipy(n, confidence):
    values = ACCURACIES[:n]
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    ours = estimate(values, confidence)
    expected = [values.mean(), expected.low, expected.high, n, 0]
    np.testing.assert_allclose(ours[:5], expected, rtol=1e-12)
    assert ours.values == tuple(values)
    assert estimate(list(values)) == estimate(values)


def test_a_difference_is_paired_as_in_scipy():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=6)
    first, second = shared + 0.01 * rng.normal(size=(2, 6))
    expected = stats.ttest_rel(first, second).confidence_interval(0.95)
    ours = paired_difference(first, second)
    np.testing.assert_allclose(
        ours[:5], [(first - second).mean(), expected.low, expected.high, 6, 0], rtol=1e-9
    )
    # The spread that both share cancels.
    assert ours.high - ours.low < 0.1 * (estimate(first).high - estimate(first).low)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_a_p_value_is_that_of_scipy_without_pairs_that_diverged(n):
    rng = np.random.default_rng(n)
    first, second = rng.normal(size=(2, n + 1)) + np.array([[0.5], [0.0]])
    expected = stats.ttest_rel(first[:n], second[:n]).pvalue
    first[n] = np.nan
    assert 0 < expected < 1
    np.testing.assert_allclose(paired_p_value(first, second), expected, rtol=1e-12)


@pytest.mark.parametrize(("n", "repetitions"), [(2, 4000), (3, 4000), (10, 4000)])
def test_the_interval_covers_the_mean_as_often_as_it_says(n, repetitions):
    samples = np.random.default_rng(1).normal(3.0, 2.0, size=(repetitions, n))
    _, low, high = interval(samples, axis=1)
    covered = np.mean((low <= 3) & (high >= 3))
    # Binomial: standard deviation sqrt(0.95 * 0.05 / 4000) = 0.0034; four of them.
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / repetitions)


def test_an_interval_of_half_the_confidence_covers_half_as_often():
    samples = np.random.default_rng(2).normal(size=(4000, 3))
    _, low, high = interval(samples, axis=1, confidence=0.5)
    assert abs(np.mean((low <= 0) & (high >= 0)) - 0.5) < 4 * math.sqrt(0.25 / 4000)


def test_intervals_along_an_axis_equal_estimates_one_by_one():
    values = np.random.default_rng(3).normal(size=(4, 5, 3))
    values[0, 1, 2] = np.nan
    values[:, 0, 0] = np.inf
    values[1:, 2, 1] = np.nan
    for axis in (0, 1, -1):
        moved = np.moveaxis(values, axis, 0)
        together = interval(values, axis=axis)
        for index in np.ndindex(moved.shape[1:]):
            one = estimate(moved[(slice(None), *index)])
            np.testing.assert_allclose([array[index] for array in together], one[:3], rtol=1e-12)


def test_runs_that_diverged_are_left_out_and_counted():
    with_gaps = [0.5, np.nan, 0.75, np.inf, 1.0, -np.inf]
    found = estimate(with_gaps)
    assert found[:3] == estimate([0.5, 0.75, 1.0])[:3]
    assert (found.n, found.n_diverged) == (3, 3)
    np.testing.assert_array_equal(found.values, with_gaps)


def test_no_value_has_no_mean_and_one_value_no_interval():
    np.testing.assert_array_equal(estimate([])[:5], [np.nan, np.nan, np.nan, 0, 0])
    np.testing.assert_array_equal(estimate([np.nan, np.inf])[:5], [np.nan, np.nan, np.nan, 0, 2])
    np.testing.assert_array_equal(estimate([0.25])[:5], [0.25, np.nan, np.nan, 1, 0])
    np.testing.assert_array_equal(estimate([np.nan, 0.25])[:5], [0.25, np.nan, np.nan, 1, 1])
    np.testing.assert_array_equal(paired_difference([0.5], [0.25])[:4], [0.25, np.nan, np.nan, 1])


def test_equal_values_have_an_interval_without_width():
    assert estimate([0.5, 0.5, 0.5]) == Estimate(0.5, 0.5, 0.5, 3, 0, (0.5, 0.5, 0.5))


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_pair_needs_both_of_its_runs(lost):
    difference = paired_difference([lost, 3.0, 5.0, 4.0], [1.0, 2.0, 3.0, lost])
    assert difference.n == 2
    assert difference.n_diverged == 2
    assert difference.mean == 1.5
    np.testing.assert_array_equal(np.isfinite(difference.values), [False, True, True, False])
    assert difference.values[1:3] == (1.0, 2.0)


def test_a_pair_of_runs_that_both_diverged_counts_once_and_raises_no_warning():
    difference = paired_difference([np.inf, 3.0], [np.inf, 2.0])
    assert (difference.mean, difference.n, difference.n_diverged) == (1.0, 1, 1)


@given(
    values=st.lists(st.floats(-100, 100), min_size=2, max_size=8),
    shift=st.floats(-10, 10),
    scale=st.floats(0.1, 10),
)
def test_estimates_move_and_stretch_with_the_values(values, shift, scale):
    values = np.array(values)
    before, after = np.array(estimate(values)[:3]), np.array(estimate(scale * values + shift)[:3])
    np.testing.assert_allclose(after, scale * before + shift, rtol=1e-9, atol=1e-9)
    assert before[1] <= before[0] <= before[2]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter(values, random):
    shuffled = random.sample(values, len(values))
    np.testing.assert_allclose(estimate(shuffled)[:5], estimate(values)[:5], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(0, 40), (383, 400), (40, 40), (1, 1)])
def test_a_proportion_has_the_interval_of_wilson(successes, n):
    ours = estimate_proportion(np.arange(n) < successes)
    p, z = successes / n, stats.norm.ppf(0.975)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half_width = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    np.testing.assert_allclose(
        ours[:5], [p, centre - half_width, centre + half_width, n, 0], rtol=1e-9, atol=1e-12
    )


def test_per_cent_are_hundred_times_the_fractions():
    half = Estimate(0.5, 0.25, 0.75, 2, 1, (0.25, 0.75, np.inf))
    assert in_percent(half) == Estimate(50, 25, 75, 2, 1, (25, 75, np.inf))


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, np.nan])
def test_a_confidence_that_is_no_probability_is_refused(confidence):
    for function in (estimate, interval, estimate_proportion):
        with pytest.raises(ValueError, match=rf"confidence must be in \(0, 1\), got {confidence}"):
            function([0.0, 1.0, 1.0], confidence=confidence)


def test_values_of_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"one-dimensional, got shape \(2, 2\)"):
        estimate(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"one-dimensional, got shape \(\)"):
        estimate(0.5)
    with pytest.raises(ValueError, match=r"equal shapes, got \(2,\) and \(3,\)"):
        paired_difference([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="one-dimensional, not empty"):
        estimate_proportion([])


@pytest.mark.parametrize("n", [2, 3, 8])
def test_a_paired_p_value_is_that_of_the_t_statistic_of_finite_pairs(n):
    rng = np.random.default_rng(n)
    first, second = np.array([[0.5], [0]]) + rng.normal(size=(2, n))
    difference = first - second
    t = difference.mean() / (difference.std(ddof=1) / math.sqrt(n))
    expected = 2 * stats.t.sf(abs(t), n - 1)
    np.testing.assert_allclose(paired_p_value(first, second), expected, rtol=1e-9)
    diverged = paired_p_value([*first, np.nan], [*second, 3.0])
    np.testing.assert_allclose(diverged, expected, rtol=1e-9)


def test_pairs_that_are_equal_or_too_few_are_not_significant():
    assert paired_p_value([0.1, 0.2], [0.1, 0.2]) == 1
    assert paired_p_value([2.0, 3.0], [1.0, 2.0]) == 0
    assert paired_p_value([0.3, 0.5, 0.9], [0.1, 0.3, 0.7]) == 0  # the same but for rounding
    assert math.isnan(paired_p_value([0.1], [0.2]))
    assert math.isnan(paired_p_value([np.nan, 0.1], [0.2, 0.2]))


@given(
    st.lists(st.floats(0, 1) | st.just(math.nan), max_size=8),
    st.floats(0.001, 0.999),
)
def test_corrected_values_reject_what_holms_steps_reject(p_values, level):
    rejected = set()
    tests = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    for step, (p, i) in enumerate(tests):
        if p * (len(tests) - step) >= level:
            break
        rejected.add(i)
    corrected = holm(p_values)
    assert {i for i, p in enumerate(corrected) if p < level} == rejected
    assert np.isnan(corrected).tolist() == np.isnan(p_values).tolist()


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_a_median_has_the_interval_of_the_binomial_quantiles_of_scipy(confidence):
    for n in range(1, 120):
        found = estimate_median(np.arange(n), confidence)
        below = stats.binom.ppf((1 - confidence) / 2, n, 0.5)
        expected = (below - 1, n - below) if below >= 1 else (np.nan, np.nan)
        np.testing.assert_array_equal((found.low, found.high), expected)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 400])
def test_a_proportion_is_to_the_last_bit_that_of_scipy(n):
    for successes in {0, 1, n // 3, n - 1, n}:
        found = estimate_proportion(np.arange(n) < successes)
        expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
        assert (found.low, found.high) == (expected.low, expected.high)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_a_p_value_is_to_the_last_bits_that_of_scipy(n):
    for seed in range(20):
        first, second = np.random.default_rng([n, seed]).normal(size=(2, n))
        expected = stats.ttest_rel(first, second).pvalue
        np.testing.assert_allclose(paired_p_value(first, second), expected, rtol=1e-14)


@pytest.mark.parametrize("n", [6, 20, 101])
def test_the_interval_of_a_median_holds_it_as_often_as_it_says(n):
    random = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        found = estimate_median(random.standard_cauchy(n))
        held += found.low <= 0 <= found.high
    assert held / 1000 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 1000)


def test_a_median_of_few_values_has_no_interval_and_diverged_ones_are_counted():
    found = estimate_median([1.0, 2.0, 9.0, np.nan])
    assert (found.mean, found.n, found.n_diverged) == (2.0, 3, 1)
    assert np.isnan([found.low, found.high]).all()
    assert estimate_median([np.nan]).n == 0
