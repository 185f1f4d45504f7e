"""Flow matching: velocities that are known, and what integrating them gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d.training.flow_matching import METHODS, integrate, on_path, velocity_target

pytestmark = pytest.mark.usefixtures("quick_compilation")
MEAN, SPREAD = 1.5, 0.5


def of_gaussian(x, time):
    """Return the best velocity to a Gaussian: the mean of all straight lines that pass a point."""
    # Noise z and signal y are normal, and x = (1 - t) z + t y: E[y - z | x] by regression.
    variance = (1 - time) ** 2 + (time * SPREAD) ** 2
    slope = (time * SPREAD**2 - (1 - time)) / variance
    return MEAN + slope * (x - time * MEAN)


def test_the_best_velocity_is_the_mean_of_the_targets_at_a_point():
    rng = np.random.default_rng(0)
    noise = jnp.asarray(rng.normal(size=400_000))
    signals = jnp.asarray(MEAN + SPREAD * rng.normal(size=noise.size))
    for time in (0.2, 0.7):
        points = np.asarray(on_path(noise, signals, jnp.array(time)))
        targets = np.asarray(velocity_target(noise, signals))
        for place in (0.0, 1.0):
            near = abs(points - place) < 0.02
            error = targets[near].std() / np.sqrt(near.sum())
            assert targets[near].mean() == pytest.approx(of_gaussian(place, time), abs=5 * error)


@pytest.mark.parametrize("method", METHODS)
def test_following_the_best_velocity_gives_the_gaussian(method):
    # The flow of it is affine: every quantile goes to its quantile.
    start = jnp.linspace(-3, 3, 13)
    found = integrate(of_gaussian, start, 2000, method=method)
    np.testing.assert_allclose(found, MEAN + SPREAD * start, atol=2e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_steps", [1, 7])
def test_a_single_signal_is_reached_on_straight_lines(method, n_steps):
    start = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    signal = np.repeat(np.float32([[2.0], [-1.0], [0.5]]), 5, axis=1)

    @jax.jit
    def reached(start, signal):
        # Its best velocity points to it, and takes the time that is left. At time 1 all are there.
        found = integrate(
            lambda x, time: jnp.where(time < 1, (signal - x) / (1 - time), signal - start),
            start,
            n_steps,
            method=method,
        )
        return found, on_path(start, signal, jnp.array(0.5))

    found, half = reached(start, signal)
    np.testing.assert_allclose(found, signal, atol=1e-5)
    # Half of the steps are half of the way.
    np.testing.assert_allclose(half, (start + signal) / 2, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2)])
def test_errors_fall_with_the_order_of_the_method(method, order):
    with jax.enable_x64(True):
        start = jnp.array([-1.0, 0.5, 2.0], jnp.float64)
        exact = MEAN + SPREAD * start
        errors = [
            float(abs(integrate(of_gaussian, start, n, method=method) - exact).max())
            for n in (64, 128)
        ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_numbers_of_steps_may_be_traced_and_methods_have_names():
    follow = jax.jit(lambda n: integrate(lambda x, _: x, jnp.ones(2), n, method="euler"))
    np.testing.assert_allclose(follow(1), [2, 2])
    np.testing.assert_allclose(follow(2), [2.25, 2.25])
    with pytest.raises(ValueError, match="method must be one of euler, heun, not 'midpoint'"):
        integrate(lambda x, _: x, jnp.ones(2), 1, method="midpoint")
