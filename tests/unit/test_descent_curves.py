"""Threshold and peak on curves whose truth is known."""

import numpy as np
import pytest

from mnist1d.experiments.double_descent.curves import LEARNING, find_peak, find_threshold

SIZES = [2, 4, 8, 16, 32, 64]


def test_the_threshold_is_the_first_zero_and_lies_above_the_size_before():
    assert find_threshold(SIZES, [0.8, 0.5, 0.1, 0.0, 0.001, 0.0]) == (16.0, 8.0)


def test_a_training_error_that_is_almost_zero_is_no_threshold():
    assert np.isnan(find_threshold(SIZES, [0.8, 0.5, 0.1, 1e-4, 1e-4, 1e-4])).all()


def test_where_the_smallest_size_fits_nothing_is_known_below():
    size, below = find_threshold(SIZES, [0.0] * 6)
    assert size == 2
    assert np.isnan(below)


@pytest.mark.parametrize("place", range(6))
def test_a_curve_with_a_diverged_run_has_neither_threshold_nor_peak(place):
    train = np.array([0.8, 0.4, 0.1, 0.0, 0.0, 0.0])
    train[place] = np.nan
    assert np.isnan(find_threshold(SIZES, train)).all()
    test = np.where(np.isnan(train), np.nan, 0.5)
    assert np.isnan(find_peak(SIZES, test, train)).all()


def test_the_peak_is_the_highest_rise_above_the_lowest_point_before():
    train = [0.9, 0.4, 0.2, 0.1, 0.0, 0.0]
    peak = find_peak(SIZES, [90.0, 60.0, 45.0, 50.0, 58.0, 40.0], train)
    assert (peak.error, peak.valley_size, peak.valley_error) == (58.0, 8.0, 45.0)
    assert (peak.height, peak.descent, peak.last_error) == (13.0, 18.0, 40.0)


def test_a_rise_among_sizes_that_cannot_learn_is_no_peak():
    train = [0.9, 0.7, LEARNING, 0.4, 0.0, 0.0]
    peak = find_peak(SIZES, [60.0, 55.0, 70.0, 50.0, 51.0, 40.0], train)
    assert peak.height == 1.0
    assert peak.valley_size == 16.0


def test_a_falling_curve_has_a_peak_of_height_zero():
    peak = find_peak(SIZES, [60.0, 50.0, 40.0, 30.0, 20.0, 10.0], [0.4] * 6)
    assert peak.height == 0.0


def test_without_a_size_that_learns_only_the_last_error_is_known():
    *others, last = find_peak(SIZES, [80.0] * 6, [0.7] * 6)
    assert np.isnan(others).all()
    assert last == 80.0


@pytest.mark.parametrize("top", [8.5, 11.0, 14.0])
def test_the_size_at_the_peak_is_the_vertex_of_a_parabola_over_log_sizes(top):
    curve = 50 - np.log(np.array(SIZES) / top) ** 2
    assert find_peak(SIZES, curve, [0.4] * 6).size == pytest.approx(top)


def test_a_peak_at_the_largest_size_is_that_size():
    peak = find_peak(SIZES, [60.0, 50.0, 40.0, 45.0, 50.0, 55.0], [0.4] * 6)
    assert (peak.size, peak.descent) == (pytest.approx(64.0), 0.0)


def test_curves_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="a value per size"):
        find_threshold(SIZES, [0.0])
    with pytest.raises(ValueError, match="sizes must rise"):
        find_threshold([4, 2], [0.1, 0.0])
