"""The complete double descent: what is trained and fitted, and what is measured."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from mnist1d.execution import Compute
from mnist1d.experiments.beyond import double_descent_complete
from mnist1d.experiments.beyond.double_descent_complete import method as experiment
from mnist1d.experiments.beyond.double_descent_complete.config import (
    FEATURES,
    NETWORKS,
    PART_DIMS,
    Config,
)
from mnist1d.experiments.beyond.double_descent_complete.features import (
    Fitter,
    fit_ridges,
    random_features,
)
from mnist1d.experiments.beyond.double_descent_complete.measures import (
    at,
    best_decay,
    ends,
    epoch_fall,
    epoch_rise,
    fall_after_fit,
    halvings,
    highest_rise,
    lowest_before,
    most_fitted,
    peak_size,
)
from mnist1d.experiments.beyond.double_descent_complete.training import (
    Trainer,
    batches,
    initial_network,
    last_features,
    samples_of,
)
from mnist1d.harness.claims import judge
from mnist1d.measures.collapse import Collapse
from mnist1d.models import predict

CONFIG = Config()


def test_a_fit_with_a_ridge_solves_its_equations_and_without_one_is_the_smallest():
    rng = np.random.default_rng(0)
    for n, n_features in ((20, 7), (7, 20)):
        x, y = rng.normal(size=(n, n_features)) + 1, rng.normal(size=(n, 3))
        new = rng.normal(size=(5, n_features))
        (found,) = fit_ridges(x, y, [new], [0, 0.5])
        centred = x - x.mean(axis=0)
        matrix = centred.T @ centred + 0.5 * n * np.eye(n_features)
        solved = np.linalg.solve(matrix, centred.T @ y)
        smallest = np.linalg.pinv(centred) @ y
        for outputs, weights in zip(found, (smallest, solved), strict=True):
            expected = (new - x.mean(axis=0)) @ weights + y.mean(axis=0)
            np.testing.assert_allclose(outputs, expected, rtol=1e-8, atol=1e-8)


def test_features_of_a_trial_begin_with_the_fewer_ones():
    x = np.random.default_rng(0).normal(size=(4, 40))
    many, few = (random_features(x, n, trial=3) for n in (9, 5))
    assert (many[:, :5] == few).all()
    assert (many >= 0).all()
    assert (random_features(x, 5, trial=4) != few).any()


def test_every_epoch_has_an_order_of_its_own_of_the_first_samples():
    rows = batches(25, 10, 7, trial=1)
    assert rows.shape == (7, 10)
    for epoch in rows[:6].reshape(3, 20):
        assert len(set(epoch.tolist())) == 20
        assert epoch.max() < 25
    assert (rows[:2] != rows[2:4]).any()
    assert (batches(25, 10, 7, trial=2) != rows).any()


@pytest.mark.slow
def test_padded_networks_compute_the_same_and_show_all_features_to_the_last_layer():
    network = jax.tree.map(jnp.asarray, initial_network("MLP", 8, trial=0))
    assert network.second.weight.shape == (20, 20)
    assert (network.second.weight[8:] == 0).all()
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 40)), jnp.float32)
    hidden = last_features(network, x)
    outputs = hidden @ network.output.weight.T + network.output.bias[None]
    np.testing.assert_allclose(predict(network, x), outputs, rtol=1e-5, atol=1e-6)
    assert (hidden[:, 8:] == 0).all()


@pytest.mark.slow
def test_a_trained_network_has_the_numbers_of_its_description():
    config = dataclasses.replace(
        Config.quick(), n_steps=20, evaluate_every=2, n_evaluated=60, samples=60
    )
    (task,) = (
        each for each in experiment.tasks_of(config, "width", [3]) if each.labels["width"] == 4
    )
    ((_, arrays),) = Trainer(config)([task], jax.devices()[0], lambda _: None)
    assert {each.shape for each in arrays.values()} == {(2, 10)}
    # The same training, step by step: momentum on the gradient with the decay added to it.
    data = samples_of(config, 3)
    x, y = jnp.asarray(data.x, jnp.float32), data.y.astype(np.int32)
    for row, decay in enumerate(config.decays):
        network = initial_network("MLP", 4, trial=3)
        speed = jax.tree.map(np.zeros_like, network)

        def loss(network, rows):
            return -jax.nn.log_softmax(predict(network, x[rows]))[
                np.arange(len(rows)), y[rows]
            ].mean()

        for rows in batches(60, config.batch_size, 20, trial=3):
            gradient = jax.grad(loss)(network, rows)
            speed = jax.tree.map(
                lambda v, g, w, decay=decay: config.momentum * v + g + decay * w,
                speed, gradient, network,
            )  # fmt: skip
            network = jax.tree.map(lambda w, v: w - config.learning_rate * v, network, speed)
        logits = np.asarray(predict(network, jnp.asarray(data.x_test, jnp.float32)))
        test_error = (logits.argmax(axis=1) != data.y_test).mean()
        assert arrays["test_error"][row, -1] == pytest.approx(test_error, abs=0.02)
        train_loss = float(loss(network, np.arange(60)))
        assert arrays["train_loss"][row, -1] == pytest.approx(train_loss, rel=1e-3)


def test_fits_use_the_first_samples_and_right_labels_for_tests():
    config = dataclasses.replace(Config.quick(), n_features=(20, 40), seeds=1)
    (task, *_) = experiment.tasks_of(config, "features", [0])
    ((_, arrays),) = Fitter(config)([task], None, lambda _: None)
    data = samples_of(config, 0)
    x, x_test = (random_features(each, 20, 0) for each in (data.x[:50], data.x_test))
    (outputs,) = fit_ridges(x, np.eye(10)[data.y[:50]], [x_test], config.ridges)
    expected = (outputs.argmax(axis=2) != data.y_test).mean(axis=1)
    assert arrays["test_error"].tolist() == expected.tolist()
    # The paper's noise redraws 15 % of the training labels, and none of the others.
    assert 0.05 < (data.y != data.y_clean).mean() < 0.25


class Recorded:
    """Takes the place of `Compute`: keeps the keys, and returns arrays that a key determines."""

    def __init__(self, arrays_of):
        self.keys, self._arrays_of = [], arrays_of

    def __call__(self, tasks, _, config, **__):
        for task in tasks:
            self.keys.append(task.key)
            yield task, self._arrays_of(task, config)


def curves(task, config, errors):
    """Return arrays with the same errors for all parts and measures."""
    if task.labels["part"] in FEATURES:
        shape, names = (len(config.ridges),), experiment.CURVES
    else:
        names = (*experiment.CURVES, *Collapse._fields)
        shape = (len(task.key["decays"]), config.n_steps // config.evaluate_every)
    return {name: np.broadcast_to(errors, shape).astype(float) for name in names}


def test_every_size_and_trial_is_computed_once_and_has_its_place():
    config = Config.quick()
    compute = Recorded(lambda task, config: curves(task, config, task.labels["seed"] + 1))
    result = experiment.run(config, compute=compute)
    sizes = sum(len(config.coords[dim]) for dim in PART_DIMS.values())
    assert len(compute.keys) == sizes * config.seeds
    assert (result.width_test_error.sel(seed=1) == 2).all()
    assert (result.features_test_loss.sel(seed=0) == 1).all()
    for part in NETWORKS:
        assert result[f"{part}_test_error"].sizes["decay"] == len(config.coords["decay"])
    assert "epochs_variability" not in result
    # A network of several parts is trained once if it is the same.
    same = [str(key) for key in compute.keys if key.get("size") == 12 and key["n_samples"] == 100]
    assert len(same) == 3 * len(set(same)) == 3 * config.seeds


def made_up(seeds=3, config=CONFIG):
    """Make a result that has all that the claims say.

    Without decay curves over sizes peak at their threshold, with decay they are flat; the CNN's
    error falls, rises and falls; neural collapse goes on after the first quarter.
    """
    peaks = {"width": 44, "samples": 500, "features": 500, "feature_samples": 500, "epochs": 1}
    peaks |= {"collapse": 1}
    n = config.n_steps // config.evaluate_every
    share = np.linspace(0, 1, n)

    def arrays_of(task, _):
        part = task.labels["part"]
        size = task.labels[PART_DIMS[part]]
        noise = 1e-3 * np.random.default_rng(task.labels["seed"]).normal()
        fall = 0.1 / np.log2(size + 2)
        height = 0.3 * np.exp(-4 * np.log(size / peaks[part]) ** 2) + fall
        weights = task.key["ridges"] if part in FEATURES else task.key["decays"]
        errors = np.array([height if weight == 0 else fall for weight in weights]) + noise
        if part not in FEATURES:
            errors = np.broadcast_to(errors[:, None], (len(weights), n)).copy()
        if part == "epochs":
            errors = 0.3 - 0.2 * np.minimum(1, 5 * share) + np.zeros_like(errors) + noise
            errors[0] += 0.2 * np.exp(-(((share - 0.5) / 0.1) ** 2))
        found = dict.fromkeys(experiment.CURVES, errors)
        if part in NETWORKS:
            is_fitted = size <= 700 if part == "samples" else size >= 40
            is_late = share > (0.5 if part == "epochs" else 0.25)
            found["train_error"] = np.where(is_late, 0.0 if is_fitted else 0.2, 0.3) + 0 * errors
            for name in Collapse._fields:
                found[name] = (1 / size) * 2.0 ** (-4 * share) * np.exp(noise) + 0 * errors
            found["test_loss"] = 10 * errors
        return found

    return experiment.run(dataclasses.replace(config, seeds=seeds), compute=Recorded(arrays_of))


@pytest.fixture(scope="module")
def result():
    return made_up()


def test_the_best_decay_is_that_of_the_validation_samples_at_every_size(result):
    validation = result.width_validation_error.copy()
    validation[...] = 0.5
    validation.loc[{"decay": 0.003}] = 0.4
    validation.loc[{"decay": 0.01, "width": 20, "seed": 1}] = 0.3
    validation.loc[{"decay": 0.02}] = np.nan
    changed = result.assign(width_validation_error=validation)
    decays = result.decay.to_numpy()[best_decay(changed, "width")]
    place = result.width.to_numpy().tolist().index(20)
    assert decays[place].tolist() == [0.003, 0.01, 0.003]
    assert (np.delete(decays, place, axis=0) == 0.003).all()
    # Test errors have no say.
    tests = changed.assign(width_test_error=1 - changed.width_test_error)
    assert (best_decay(tests, "width") == best_decay(changed, "width")).all()
    picked = ends(changed, "width", "test_error", best=True)
    expected = result.width_test_error.sel(decay=0.003).isel(step=-1).transpose("width", "seed")
    np.testing.assert_allclose(picked[0], expected[0])


def test_measures_of_curves():
    result = made_up()
    assert (peak_size("features", "test_loss").per_seed(result) == 500).all()
    assert (most_fitted(result) == 700).all()
    errors = result.features_test_error.sel(ridge=0)
    lowest = lowest_before("features", "test_error", 500, scale=100).per_seed(result)
    np.testing.assert_allclose(
        lowest, 100 * errors.sel(n_features=slice(25, 450)).min("n_features")
    )
    assert (lowest > 100 * errors.min("n_features")).all()
    np.testing.assert_allclose(
        highest_rise("features", "test_loss", best=True).per_seed(result), 0, atol=1e-9
    )
    assert (highest_rise("features", "test_loss", best=False).per_seed(result) > 100).all()
    rises, falls = epoch_rise().per_seed(result), epoch_fall().per_seed(result)
    np.testing.assert_allclose(rises, 20, atol=1)
    share = np.linspace(0, 1, CONFIG.n_steps // CONFIG.evaluate_every)
    bump = 20 * np.exp(-(((share - 0.5) / 0.1) ** 2))
    np.testing.assert_allclose(falls, bump[share <= 0.5][-5:].mean(), atol=0.1)
    ratio = halvings(*(at("width", "variability", width) for width in (16, 64)))
    np.testing.assert_allclose(ratio.per_seed(result), 2)
    never = result.assign(epochs_train_error=0 * result.epochs_train_error + 0.02)
    assert np.isnan(epoch_fall().per_seed(never)).all()
    np.testing.assert_allclose(epoch_rise(best=True).per_seed(result), 0, atol=1e-6)
    # From a quarter to the mean of the last tenths, at four halvings over the whole.
    expected = np.log2(2 ** (-4 * share[share > 0.25][0]) / (2 ** (-4 * share[-10:])).mean())
    np.testing.assert_allclose(fall_after_fit("variability", 0.003).per_seed(result), expected)
    never = result.assign(collapse_train_error=0 * result.collapse_train_error + 0.02)
    assert np.isnan(fall_after_fit("variability", 0.003).per_seed(never)).all()


def test_a_size_that_a_result_lacks_has_no_estimate_and_a_diverged_one_no_number(result):
    assert at("width", "test_error", 99)(result).n == 0
    lost = result.features_test_loss.where((result.seed != 1) | (result.n_features != 50))
    found = peak_size("features", "test_loss").per_seed(result.assign(features_test_loss=lost))
    assert np.isnan(found).tolist() == [False, True, False]


def test_all_claims_can_be_judged_and_shown(result):
    claims = double_descent_complete.CLAIMS
    judgements = {each.claim.name: each for each in judge(claims, result, full=True)}
    assert len(judgements) == len(claims)
    assert {name: each.verdict for name, each in judgements.items()} == dict.fromkeys(
        judgements, "reproduced"
    )
    rows = double_descent_complete.summarise(result)
    assert len(rows) == sum(len(CONFIG.coords[dim]) for dim in PART_DIMS.values())
    assert "from 40 units on" in double_descent_complete.remarks(result)[0]
    figures = double_descent_complete.plot(result)
    assert figures.keys() == double_descent_complete.CAPTIONS.keys()


def test_explanations_are_of_claims_and_have_the_numbers_of_the_result(result):
    texts = double_descent_complete.explain(result)
    assert {*texts} < {claim.name for claim in double_descent_complete.CLAIMS}
    narrow, wide = (at("width", "angles", each)(result).mean for each in ((12, 16, 20), 128))
    assert f"It is {narrow:.2f} before and {wide:.2f} beyond." in texts["nc2-through-threshold"]
    assert "at 100 features" in texts["features-modern-beats-classical"]
    # Other sizes or decays than the claims' leave nothing to explain.
    other = result.sel(width=[5, 9], n_features=[25, 50], decay=[0, 0.01])
    assert double_descent_complete.explain(other) == {}


@pytest.mark.slow
def test_a_quick_run_computes_every_part():
    result = experiment.run(dataclasses.replace(Config.quick(), seeds=1), compute=Compute())
    for name in result:
        values = result[name]
        assert np.isfinite(values.to_numpy()).any(), name
    assert double_descent_complete.plot(result)
    assert isinstance(result, xr.Dataset)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decays": (0.1, 0.2)}, "decays must begin with 0, not 0.1"),
        ({"ridges": (1, 2)}, "ridges must begin with 0, not 1"),
        ({"batch_size": 300}, "batch_size must be from 1 to 250, not 300"),
        ({"n_steps": 500}, "n_steps must be at least 2000, not 500"),
        ({"n_steps": 5050}, "n_steps must be a multiple of evaluate_every=200, not 5050"),
        ({"widths": (8, 4)}, "widths must rise"),
        ({"data": CONFIG.data.replace(seed=3)}, "data must leave seed as it is"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataclasses.replace(CONFIG, **changes)
