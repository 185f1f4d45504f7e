"""Views of signals and the losses that compare them: as published, and as plain loops say."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import mnist1d
from mnist1d.experiments.self_supervised.views import ViewDraws, apply_views, draw_views, level
from mnist1d.training import losses

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_compilation")]

info_nce, nt_xent = (jax.jit(loss, static_argnums=2) for loss in (losses.info_nce, losses.nt_xent))
PUBLISHED_VIEWS = {"max_shift": 10, "slope_scale": 0.04, "offset_scale": 0.3}


def random_signals(n, seed=0):
    return np.random.default_rng(seed).normal(size=(40, n)).astype(np.float32)


def columns(n, seed, size=7):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(size, n)).astype(np.float32) for _ in range(2)]


# Views


def test_levelled_signals_have_neither_mean_nor_slope():
    x = random_signals(9) + 3 * np.linspace(-1, 2, 40, dtype=np.float32)[:, None]
    levelled = np.asarray(level(jnp.asarray(x)), float)
    np.testing.assert_allclose(levelled.mean(axis=0), 0, atol=1e-5)
    slopes = np.polyfit(np.arange(40), levelled, 1)[0]
    np.testing.assert_allclose(slopes, 0, atol=1e-5)


def test_levelling_removes_any_added_line():
    x = random_signals(5)
    line = 2 - 0.1 * np.arange(40, dtype=np.float32)[:, None]
    once, again = level(jnp.asarray(x)), level(jnp.asarray(x + line))
    np.testing.assert_allclose(again, once, rtol=0, atol=1e-5)


@pytest.mark.parametrize("max_shift", [1, 10, 40])
def test_views_equal_the_published_steps_one_signal_at_a_time(max_shift):
    x = np.asarray(level(jnp.asarray(random_signals(50))))
    draws = draw_views(
        50, max_shift=max_shift, slope_scale=0.04, offset_scale=0.3, key=jax.random.key(3)
    )
    shift, slope, offset = map(np.asarray, draws)
    expected = np.stack(
        [
            np.roll(x[:, i], shift[i]) + slope[i] * (np.arange(40) - 19.5) + offset[i]
            for i in range(50)
        ],
        axis=1,
    )
    views = apply_views(jnp.asarray(x), draws, max_shift=max_shift)
    np.testing.assert_allclose(views, expected, rtol=0, atol=1e-5)


def test_a_view_without_shift_is_the_signal_up_to_a_line():
    x = level(jnp.asarray(random_signals(6)))
    draws = draw_views(6, **PUBLISHED_VIEWS, key=jax.random.key(0))
    draws = ViewDraws(jnp.zeros_like(draws.shift), draws.slope, draws.offset)
    view = apply_views(x, draws, max_shift=10)
    np.testing.assert_allclose(level(view), x, rtol=0, atol=1e-5)
    np.testing.assert_allclose(view.mean(axis=0), draws.offset, rtol=0, atol=1e-5)


def test_draws_have_the_published_distributions():
    n = 20_000
    draws = draw_views(n, **PUBLISHED_VIEWS, key=jax.random.key(1))
    counts = np.bincount(draws.shift, minlength=10)
    assert len(counts) == 10  # 0 to 9, never 10
    # Five standard errors: of a count, and of a standard deviation (s / sqrt(2 n)).
    assert np.abs(counts - n / 10).max() < 5 * math.sqrt(n * 0.1 * 0.9)
    for values, scale in ((draws.slope, 0.04), (draws.offset, 0.3)):
        assert abs(np.mean(values)) < 5 * scale / math.sqrt(n)
        assert abs(np.std(values) - scale) < 5 * scale / math.sqrt(2 * n)
    assert abs(np.corrcoef(draws.slope, draws.offset)[0, 1]) < 5 / math.sqrt(n)


# The numbers that the scales come from


def test_the_published_scales_are_those_of_the_training_signals():
    # Section 5.5 of the paper.
    x = mnist1d.load().x
    slopes = np.polyfit(np.arange(40), x.T, 1)[0]
    assert [round(float(x.mean(axis=1).std()), 2), round(float(slopes.std()), 2)] == [0.30, 0.04]


# Losses


def test_info_nce_at_chance_is_log_100_and_at_its_best_what_cosines_allow():
    same = jnp.ones((16, 100))
    assert info_nce(same, same, 0.5) == pytest.approx(math.log(100), abs=1e-5)
    orthogonal = jnp.eye(100)
    best = -2 + math.log(math.exp(2) + 99)
    assert info_nce(orthogonal, 5 * orthogonal, 0.5) == pytest.approx(best, abs=1e-5)


def cosine(a, b):
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


def test_info_nce_equals_a_double_loop():
    first, second = columns(11, 0)
    total = 0.0
    for i in range(11):
        row = [math.exp(cosine(first[:, i], second[:, j]) / 0.5) for j in range(11)]
        total += -math.log(row[i] / sum(row))
    assert info_nce(jnp.asarray(first), jnp.asarray(second), 0.5) == pytest.approx(
        total / 11, rel=1e-5
    )


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_nt_xent_equals_a_double_loop(temperature):
    first, second = columns(9, 1)
    views = [*first.T, *second.T]
    total = 0.0
    for i, view in enumerate(views):
        partner = (i + 9) % 18
        below = sum(
            math.exp(cosine(view, other) / temperature) for j, other in enumerate(views) if j != i
        )
        total += -math.log(math.exp(cosine(view, views[partner]) / temperature) / below)
    found = nt_xent(jnp.asarray(first), jnp.asarray(second), temperature)
    assert found == pytest.approx(total / 18, rel=1e-5)


@pytest.mark.parametrize("loss", [info_nce, nt_xent])
def test_losses_ignore_lengths_and_their_gradient_is_finite_even_at_zero(loss):
    first, second = map(jnp.asarray, columns(6, 2))
    assert loss(3 * first, 0.1 * second, 0.5) == pytest.approx(
        float(loss(first, second, 0.5)), rel=1e-5
    )
    # Without a projector an output can be all zeros.
    gradient = jax.jit(jax.grad(lambda first: loss(jax.nn.relu(first), second, 0.5)))(
        first.at[:, 0].set(0)
    )
    assert np.isfinite(gradient).all()
