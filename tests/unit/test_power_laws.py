"""Fits of power laws: laws that are known come back, and what is no law says why."""

import numpy as np
import pytest

from mnist1d.measures.power_laws import best_size, fit_power_law, power_of

SIZES = np.geomspace(100, 100_000, 8)


@pytest.mark.parametrize("constant", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("exponent", [0.2, 0.5, 1.2])
def test_a_law_with_little_noise_comes_back(constant, exponent):
    noise = np.exp(1e-4 * np.random.default_rng(0).normal(size=len(SIZES)))
    law = fit_power_law((constant + 5 * SIZES**-exponent) * noise, SIZES)
    assert law.reason == ""
    assert law.exponents[0] == pytest.approx(exponent, rel=0.1)
    assert law.constant == pytest.approx(constant, abs=0.02)
    assert law.residual < 3e-3
    np.testing.assert_allclose(law(SIZES), constant + 5 * SIZES**-exponent, rtol=5e-3)


def test_a_law_of_two_sizes_comes_back_and_says_how_the_best_grow():
    n, d = (each.ravel() for each in np.meshgrid(SIZES, 10 * SIZES))
    law = fit_power_law(0.1 + 8 * n**-0.4 + 300 * d**-0.6, n, d)
    assert law.constant == pytest.approx(0.1, rel=0.01)
    assert law.exponents == pytest.approx((0.4, 0.6), rel=0.01)
    assert law.factors == pytest.approx((8, 300), rel=0.05)
    assert law.best_share == pytest.approx(0.6, rel=0.01)
    # The best first size at fixed products, found on a grid.
    work = np.geomspace(1e9, 1e11, 5)
    grid = np.geomspace(1e2, 1e9, 20_001)
    best = [grid[law(grid, each / grid).argmin()] for each in work]
    assert power_of(work, best) == pytest.approx(law.best_share, abs=0.01)


def test_one_odd_loss_does_not_decide():
    losses = 0.2 + 5 * SIZES**-0.5
    odd = losses.copy()
    odd[4] *= 1.5
    law = fit_power_law(odd, SIZES)
    assert law.exponents[0] == pytest.approx(0.5, rel=0.1)
    assert law.constant == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ([1.0, 0.5, 0.25], "3 losses do not determine a law of 3 numbers"),
        ([1.0, 0.5, np.nan, 0.1], "a loss is not finite and above 0"),
        ([1.0, 0.5, 0.0, 0.1], "a loss is not finite and above 0"),
        ([1.0, 1.0, 1.0, 1.0], "the losses hardly fall"),
        ((SIZES[:4] / 100) ** -7.0, "an exponent is at an end"),
    ],
)
def test_a_failure_is_no_number_and_a_reason(losses, reason):
    law = fit_power_law(losses, SIZES[: len(losses)])
    assert reason in law.reason
    assert np.isnan([law.constant, *law.factors, *law.exponents, law.residual]).all()
    assert np.isnan(law(SIZES)).all()


def test_the_best_size_is_that_of_the_parabola():
    sizes = np.geomspace(10, 1000, 7)
    losses = np.exp(0.3 * np.log(sizes / 77) ** 2)
    assert best_size(sizes, losses) == pytest.approx(77)
    missing = np.where(sizes > 500, np.nan, losses)
    assert best_size(sizes, missing) == pytest.approx(77)


@pytest.mark.parametrize(
    "losses",
    [[3, 2, 1], [1, 2, 3], [1, 1, 1], [np.nan, 1, 2], [np.nan] * 3],
)
def test_there_is_no_best_size_at_an_end(losses):
    assert np.isnan(best_size([1, 10, 100], losses))


def test_powers_leave_out_what_is_missing():
    x = np.array([1, 10, 100, 1000])
    assert power_of(x, np.where(x == 10, np.nan, 3 * x**0.7)) == pytest.approx(0.7)
    assert np.isnan(power_of(x[:2], x[:2]))
    assert np.isnan(power_of([5, 5, 5], [1, 2, 3]))
