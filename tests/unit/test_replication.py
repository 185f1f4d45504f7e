import math

import numpy as np
import pytest
from scipy import stats

from mnist1d.measures.replication import (
    Spread,
    interval_of_mean,
    p_below,
    p_compatible,
    prediction_interval,
    spread_of,
)
from mnist1d.measures.uncertainty import Estimate, estimate, estimate_proportion

VALUES = np.array([92.1, 93.4, 94.0, 92.8, 93.9])


def test_welchs_test_is_that_of_scipy_on_runs_with_the_published_spread():
    published = np.array([90.0, 92.0, 94.0])
    expected = stats.ttest_ind(VALUES, published, equal_var=False).pvalue
    found = p_compatible(spread_of(estimate(VALUES)), 92.0, n=3, sd=published.std(ddof=1))
    assert found == pytest.approx(expected, rel=1e-12)


def test_one_published_run_is_tested_as_one_more_of_our_own():
    expected = stats.ttest_ind(VALUES, [96.0]).pvalue
    assert p_compatible(spread_of(estimate(VALUES)), 96.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("df", [1, 2.5, 4, 30, math.inf])
def test_quantiles_and_p_values_are_to_the_last_bit_those_of_scipy(df):
    distribution = stats.norm() if math.isinf(df) else stats.t(df)
    found = Spread(0.0, 1.0, 1, df)
    for confidence in (0.5, 0.9, 0.95):
        half = distribution.ppf((1 + confidence) / 2)
        assert interval_of_mean(found, confidence) == (-half, half)
    for bound in (0.1, 1.0, 2.0, 7.5):
        assert p_below(found, bound) == 2 * distribution.sf(bound)


def test_the_interval_of_the_mean_is_students():
    expected = stats.t.interval(0.9, 4, VALUES.mean(), stats.sem(VALUES))
    assert interval_of_mean(spread_of(estimate(VALUES)), 0.9) == pytest.approx(expected)


def test_a_bound_is_tested_two_sided():
    found = p_below(spread_of(estimate(VALUES)), 94.0)
    expected = stats.ttest_1samp(VALUES, 94.0).pvalue
    assert found == pytest.approx(expected)
    assert p_below(spread_of(estimate(VALUES)), 93.0) == 1


def test_the_prediction_interval_holds_a_new_mean_as_often_as_it_says():
    random = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        values = random.normal(0, 1, 8)
        low, high = prediction_interval(spread_of(estimate(values[:5])), n=3)
        held += low <= values[5:].mean() <= high
    assert held / 2000 == pytest.approx(0.95, abs=0.02)


def test_a_proportion_has_the_spread_of_its_interval():
    found = spread_of(estimate_proportion([True] * 19 + [False]))
    wilson = estimate_proportion([True] * 19 + [False])
    assert interval_of_mean(found, 0.95) == pytest.approx((wilson.low, wilson.high))
    assert math.isinf(found.df)
    # At the upper end of its interval it does not differ from the bound significantly.
    assert p_below(found, wilson.high) == pytest.approx(0.05)


def test_nothing_is_known_of_one_run():
    found = spread_of(estimate([94.0]))
    assert (found.mean, found.n) == (94.0, 1)
    assert math.isnan(found.sd)
    assert math.isnan(p_compatible(found, 94.0))
    assert math.isnan(p_below(found, 95.0))
    assert np.isnan(interval_of_mean(found, 0.9)).all()


def test_runs_that_all_agree_are_compatible_with_what_they_say_alone():
    found = Spread(47.0, 0.0, 5, 4)
    assert p_compatible(found, 47.0 + 1e-12) == 1
    assert p_compatible(found, 48.0) == 0
    assert spread_of(Estimate(math.nan, math.nan, math.nan, 0)).n == 0
