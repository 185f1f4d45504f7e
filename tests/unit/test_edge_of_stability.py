"""The edge of stability: where methods are unstable, what is trained, and what is measured."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

from mnist1d.experiments.beyond import edge_of_stability
from mnist1d.experiments.beyond.edge_of_stability import method as experiment
from mnist1d.experiments.beyond.edge_of_stability.config import (
    ADAM,
    BETA_1,
    CROSS_ENTROPY,
    GD,
    MOMENTUM,
    SAM,
    Config,
    is_sgd,
    sgd,
)
from mnist1d.experiments.beyond.edge_of_stability.measures import (
    falls_in_the_long_run,
    highest_sharpness,
    reached_after,
    relative_sharpness,
    rises_after,
    rises_before,
    sharpening,
)
from mnist1d.experiments.beyond.edge_of_stability.training import optimiser_of, preconditioner_of
from mnist1d.harness.claims import judge

pytestmark = pytest.mark.usefixtures("quick_compilation")
CONFIG = Config()
RATE = 0.1


def edge_of(method, gradient_norm=1.0):
    settings = {"momentum": CONFIG.momentum, "radius": CONFIG.radius}
    return float(experiment.edge(method, RATE, np.array(gradient_norm), **settings))


def steps_on_quadratic(optimiser, curvature, n_steps, start=1.0):
    """Minimise half the curvature times the squared number, and return where each step leads."""
    place = jnp.array([start])
    state, places = optimiser.init(place), []
    for _ in range(n_steps):
        more = {"grad_fn": lambda at, _: curvature * at} if has_second_gradient(optimiser) else {}
        updates, state = optimiser.update(curvature * place, state, place, **more)
        place = optax.apply_updates(place, updates)
        places.append(float(place[0]))
    return np.array(places)


def has_second_gradient(optimiser):
    return "opaque" in optimiser.update.__name__


@pytest.mark.parametrize("method", [GD, MOMENTUM, ADAM])
def test_a_method_settles_below_its_edge_and_not_above(method):
    # Of Adam, what is left when the preconditioner stands still: a running mean of gradients.
    running_mean = optax.chain(optax.ema(BETA_1, debias=False), optax.scale(-RATE))
    optimiser = running_mean if method == ADAM else optimiser_of(method, RATE, CONFIG)
    below, above = (
        np.abs(steps_on_quadratic(optimiser, factor * edge_of(method), 150))[-10:].max()
        for factor in (0.97, 1.03)
    )
    assert below < 0.5
    assert above > 2


@pytest.mark.parametrize("gradient_norm", [0.01, 1.0, 100.0])
def test_at_its_edge_sharpness_aware_minimisation_jumps_to_the_other_side(gradient_norm):
    curvature = edge_of(SAM, gradient_norm)
    start = gradient_norm / curvature
    (found,) = steps_on_quadratic(optimiser_of(SAM, RATE, CONFIG), curvature, 1, start)
    assert found == pytest.approx(-start, rel=1e-4)
    assert curvature < edge_of(GD)


def test_the_preconditioner_is_what_adam_divides_its_mean_of_gradients_by():
    optimiser = optimiser_of(ADAM, RATE, CONFIG)
    place = jnp.array([1.0, -3.0])
    state = optimiser.init(place)
    update = jax.jit(optimiser.update)
    for step in range(3):
        updates, state = update(place * (step + 1), state, place)
        expected = -RATE * optax.tree.get(state, "mu") / preconditioner_of(state)
        np.testing.assert_allclose(updates, expected, rtol=1e-5)


class Recorded:
    """Takes the place of `Compute`: keeps the keys, and returns curves that a key determines."""

    def __init__(self):
        self.keys = []

    def __call__(self, tasks, _, config):
        n = config.n_steps // config.evaluate_every
        for task in tasks:
            self.keys.append(task.key)
            names = ("train_loss", "gradient_norm", "sharpness", "sharpness_error", "rises")
            arrays = {name: np.full(n, task.key["rate"]) for name in names}
            if is_sgd(task.key["method"]):
                del arrays["rises"]
            yield task, {**arrays, "test_accuracy": np.linspace(0, task.key["rate"], n)}


def test_every_method_and_rate_is_trained_once_and_has_its_place():
    config, compute = Config.quick(), Recorded()
    result = experiment.run(config, compute=compute)
    n_rates = sum(map(len, config.methods.values()))
    assert len({str(key) for key in compute.keys}) == len(compute.keys) == n_rates * config.seeds
    sizes = {key["method"]: key["batch_size"] for key in compute.keys}
    assert sizes == {**dict.fromkeys(config.methods), sgd(10): 10}
    assert result.step.to_numpy().tolist() == list(range(5, 101, 5))
    for method, rates in config.methods.items():
        tried = result.sharpness.sel(optimizer=method).notnull().all(("step", "seed"))
        assert result.rate.to_numpy()[tried.to_numpy()].tolist() == list(rates)
        for rate in rates:
            place = {"optimizer": method, "rate": rate}
            assert (result.test_accuracy.sel(place) == rate).all()
            assert result.rises.sel(place).isnull().all() == is_sgd(method)
    assert (result.edge.sel(optimizer=GD, rate=0.1) == 20).all()
    assert (result.edge.sel(optimizer=SAM, rate=0.1) < 20).all()


def made_up(seeds=3):
    """Make a result in which sharpness rises for half of the steps and then stays at the edge.

    On the cross-entropy it falls again, with SGD and sharpness-aware minimisation it is lower.
    """
    result = experiment.run(dataclasses.replace(CONFIG, seeds=seeds), compute=Recorded())
    n = result.sizes["step"]
    shape = xr.DataArray(np.minimum(np.linspace(2 / n, 2, n), 1), {"step": result.step})
    noise = xr.DataArray(
        1e-3 * np.random.default_rng(0).normal(size=(n, seeds)), dims=("step", "seed")
    )
    sharpness = result.edge * (shape + noise * (shape == 1))
    # A rate that lets the loss rise at every second step of the second half.
    rises = result.rises.where(result.rises.isnull(), 0.5 * (shape == 1))
    loss = xr.DataArray(np.geomspace(1, 0.1, n), {"step": result.step})
    result = result.assign(sharpness=sharpness, rises=rises, train_loss=loss + 0 * sharpness)
    falling = 1 - 0.5 * np.maximum(0, np.linspace(-2, 1, n))
    for name, factor in {CROSS_ENTROPY: falling, sgd(100): 0.8, sgd(10): 0.6}.items():
        change = xr.DataArray(np.broadcast_to(factor, n), {"step": result.step})
        result["sharpness"] = result.sharpness.where(result.optimizer != name, sharpness * change)
    return result.assign(sharpness_error=0.01 * result.sharpness)


def test_measures_find_the_edge_and_what_is_before_and_after_it():
    result = made_up()
    n = result.sizes["step"]
    first = reached_after(GD, 0.1).per_seed(result)
    assert (abs(first - 0.95 * CONFIG.n_steps / 2) <= CONFIG.evaluate_every).all()
    assert np.isnan(reached_after(sgd(10), 0.1).per_seed(result)).all()
    expected = {
        relative_sharpness: 100,
        highest_sharpness: 100,
        sharpening: 100,
        rises_before: 0,
        rises_after: 50,
        falls_in_the_long_run: 100,
    }
    for measure, value in expected.items():
        np.testing.assert_allclose(measure(GD, 0.1).per_seed(result), value, atol=0.2)
    # A loss that rises in one of the five windows at the edge, which four differences compare.
    window = n // 10
    twice = xr.DataArray(1 + (np.arange(n) // window == 7), {"step": result.step})
    changed = result.assign(train_loss=result.train_loss * twice)
    fallen = falls_in_the_long_run(GD, 0.1).per_seed(changed)
    np.testing.assert_allclose(fallen, 100 * 3 / 4)


def test_a_training_that_diverged_has_no_number():
    result = made_up()
    lost = result.sharpness.where((result.seed != 1) | (result.step < CONFIG.n_steps))
    found = relative_sharpness(GD, 0.1).per_seed(result.assign(sharpness=lost))
    assert np.isnan(found).tolist() == [False, True, False]


def test_all_claims_can_be_judged_and_shown():
    result = made_up()
    judgements = {
        each.claim.name: each for each in judge(edge_of_stability.CLAIMS, result, full=True)
    }
    assert len(judgements) == len(edge_of_stability.CLAIMS)
    assert {each.verdict for each in judgements.values()} == {"reproduced"}
    rows = edge_of_stability.summarise(result)
    assert len(rows) == sum(map(len, CONFIG.methods.values()))
    unreached = [row.group for row in rows if "at edge after (steps)" not in row.estimates]
    assert all(map(is_sgd, unreached))
    assert len(unreached) == len(CONFIG.batch_sizes)
    assert "1 %" in edge_of_stability.remarks(result)[1]
    assert edge_of_stability.plot(result).keys() == edge_of_stability.CAPTIONS.keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shared_rate": 0.3}, "shared_rate must be one of rates, .*, not 0.3"),
        ({"batch_sizes": (10, 2000)}, "batch_sizes must be from 1 to 1000"),
        ({"n_steps": 100}, "n_steps must be at least 800, not 100"),
        ({"n_steps": 4010}, "n_steps must be a multiple of evaluate_every=.*, not 4010"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1"),
        ({"data": CONFIG.data.replace(seed=3)}, "data must leave seed as it is"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataclasses.replace(CONFIG, **changes)
