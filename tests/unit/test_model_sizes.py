"""Training many sizes: padding, shared programs, batches, resumption."""

import dataclasses
import functools
import threading

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

import mnist1d
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Compute, Store
from mnist1d.execution.executors import DaemonThreads
from mnist1d.experiments import double_descent
from mnist1d.experiments.double_descent import training
from mnist1d.experiments.double_descent.config import PUBLISHED_DATA, Config
from mnist1d.experiments.double_descent.method import _training
from mnist1d.experiments.double_descent.training import ARCHITECTURES, Trainer, sizes_together
from mnist1d.models import predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import (
    Programs,
    Training,
    cross_entropy,
    longest_first,
    sequential_batch,
    train,
)
from mnist1d.training.padding import pad_model

pytestmark = pytest.mark.usefixtures("quick_compilation", "one_device")

DATA = DatasetConfig(
    num_samples=1000, train_split=0.4, label_noise=0.15, label_noise_kind="published"
)
# The MLPs share a program.
CONFIG = Config(seeds=2, widths=(2, 5), channels=(3,), n_epochs=100, learning_rate=0.05, data=DATA)
TIMES = ["run_seconds", "compile_seconds"]


@functools.cache
def dataset():
    return mnist1d.generate(DATA)


def run(config=CONFIG, store=None):
    return double_descent.run(config, compute=Compute(store)).drop_vars(TIMES)


@functools.cache
def uninterrupted():
    return run()


@pytest.fixture
def trained(monkeypatch):
    """Note what is really trained: architecture, sizes that share a program, and seed."""
    noted = []
    original = Trainer._train

    def note(self, key, *others):
        noted.append((key["architecture"], tuple(key["together"]), key["seed"]))
        return original(self, key, *others)

    monkeypatch.setattr(Trainer, "_train", note)
    return noted


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "size", "larger"), [("MLP", 3, 7), ("CNN", 2, 5)])
def test_a_padded_model_trains_as_the_model_does_and_its_added_units_stay_zero(
    architecture, size, larger
):
    make = ARCHITECTURES[architecture]
    small, large = (make(n, key=jax.random.key(n)) for n in (size, larger))
    x, y = jnp.asarray(dataset().x, jnp.float32), jnp.asarray(dataset().y, jnp.int32)
    training = Training(
        batch=lambda data, step, _key: sequential_batch(data, step, 100),
        loss=lambda model, batch, _key: cross_entropy(predict(model, batch[0]), batch[1]),
        evaluate=lambda model, data: predict(model, data[0][:5]),
        optimizer=optax.sgd(0.1, momentum=0.9),
        n_steps=40,
    )
    key = jax.random.key(0)
    plain, plain_history = train(training, small, (x, y), key=key)
    padded, history = train(training, pad_model(small, large), (x, y), key=key)
    # Rounding (6e-8) grows little in 40 steps; wrong gradients would differ from the first.
    np.testing.assert_allclose(history.train_loss, plain_history.train_loss, rtol=1e-4)
    np.testing.assert_allclose(history.metrics, plain_history.metrics, rtol=1e-3, atol=1e-3)
    assert jnp.abs(plain.output.bias - small.output.bias).max() > 0.01
    for ours, short in zip(jax.tree.leaves(padded), jax.tree.leaves(plain), strict=True):
        kept = np.zeros(ours.shape, dtype=bool)
        kept[tuple(slice(n) for n in short.shape)] = True
        assert (np.asarray(ours)[~kept] == 0).all()


@pytest.mark.slow
def test_a_model_that_does_not_fit_is_refused_with_both_shapes():
    make = ARCHITECTURES["MLP"]
    small, large = (make(n, key=jax.random.key(0)) for n in (3, 7))
    with pytest.raises(ValueError, match=r"\(7, 40\) does not fit into \(3, 40\)"):
        pad_model(large, small)


def test_models_on_the_host_are_padded_there():
    shapes = eqx.filter_eval_shape(ARCHITECTURES["CNN"], 2, key=jax.random.key(0))
    larger = eqx.filter_eval_shape(ARCHITECTURES["CNN"], 5, key=jax.random.key(0))
    padded = pad_model(draw_layers(shapes, np.random.default_rng(0)), larger)
    leaves = jax.tree.leaves(padded)
    assert {(type(leaf), leaf.dtype) for leaf in leaves} == {(np.ndarray, np.dtype("float32"))}
    assert [leaf.shape for leaf in leaves] == [leaf.shape for leaf in jax.tree.leaves(larger)]


def test_only_small_sizes_share_a_program():
    sizes = (2, 3, 4, 5, 7, 9, 12, 16, 21)
    found = [sizes_together(size, sizes, 7) for size in sizes]
    assert found == [(2, 3, 4, 5, 7)] * 5 + [(9,), (12,), (16,), (21,)]
    assert [sizes_together(size, (9, 12), 7) for size in (9, 12)] == [(9,), (12,)]


def test_initial_weights_are_drawn_with_the_fan_in_of_the_true_size():
    runs = [(4, False), (4, True), (8, False), (8, True)]
    models, n_parameters = Trainer(CONFIG)._initial_models("MLP", runs, seed=3)
    assert n_parameters == {4: 234, 8: 490}
    weight = models.second.weight
    assert weight.shape == (4, 8, 8)
    assert np.abs(weight[:2]).max() > 1 / np.sqrt(8)
    assert np.abs(weight[:2]).max() <= 1 / np.sqrt(4)
    assert (weight[:2, 4:] == 0).all()
    # The same with and without label noise, so that the two are paired.
    np.testing.assert_array_equal(weight[0], weight[1])
    assert (weight[2] != weight[0]).any()


@pytest.mark.parametrize(
    ("architecture", "size"), [pytest.param("MLP", 60, marks=pytest.mark.slow), ("CNN", 40)]
)
def test_layers_drawn_with_numpy_have_the_distribution_of_constructed_ones(architecture, size):
    make = ARCHITECTURES[architecture]
    constructed = eqx.filter_jit(make)(size, key=jax.random.key(0))
    shapes = eqx.filter_eval_shape(make, size, key=jax.random.key(0))
    drawn = draw_layers(shapes, np.random.default_rng(0))
    assert jax.tree.structure(drawn) == jax.tree.structure(constructed)
    for ours, built in zip(jax.tree.leaves(drawn), jax.tree.leaves(constructed), strict=True):
        assert (ours.shape, ours.dtype) == (built.shape, built.dtype)
        theirs = np.asarray(built)
        if ours.size > 100:
            # Standard error of the deviation of n uniform numbers: 0.45 / sqrt(n) of it.
            assert ours.std() == pytest.approx(theirs.std(), rel=4 * 0.64 / np.sqrt(ours.size))
            assert abs(ours).max() == pytest.approx(abs(theirs).max(), rel=10 / ours.size)
            assert abs(ours.mean()) < 4 * ours.std() / np.sqrt(ours.size)


@pytest.mark.slow
def test_runs_without_label_noise_learn_other_labels_than_those_with_it():
    losses = uninterrupted().train_loss.isel(rank=1)
    assert (losses.sel(series="mlp") < losses.sel(series="mlp-noise")).all()


@pytest.mark.slow
def test_the_same_key_gives_the_same_numbers_and_another_key_others():
    found = uninterrupted()
    xr.testing.assert_identical(run(), found)
    losses = found.train_loss.sel(series="cnn-noise").isel(rank=0)
    assert losses[0] != losses[1]


@pytest.mark.slow
@pytest.mark.parametrize("n_kept", [3, 6, 9])
def test_an_interrupted_run_goes_on_where_it_was_and_ends_the_same(
    n_kept, tmp_path, trained, monkeypatch
):
    class StopError(Exception):
        pass

    saved, original = [], Store.save

    def save(self, *arguments, **key):
        if len(saved) >= n_kept:
            raise StopError
        original(self, *arguments, **key)
        saved.append((key["architecture"], tuple(key["together"]), key["seed"]))

    monkeypatch.setattr(Store, "save", save)
    # On one device, so that nothing is still trained when it is stopped.
    executor = DaemonThreads(1)
    with pytest.raises(StopError):
        double_descent.run(CONFIG, compute=Compute(Store(tmp_path), executor))
    executor.shutdown(cancel_futures=True)
    monkeypatch.setattr(Store, "save", original)
    trained.clear()
    store = Store(tmp_path)
    xr.testing.assert_identical(run(store=store), uninterrupted())
    assert store.n_found == n_kept
    n_runs = {("MLP", (2, 5)): 4, ("CNN", (3,)): 1}
    # All runs of a program and a seed again if only one is missing, and none if none is.
    assert sorted(trained) == sorted(
        (*program, seed)
        for program, n in n_runs.items()
        for seed in (0, 1)
        if saved.count((*program, seed)) < n
    )
    trained.clear()
    xr.testing.assert_identical(run(store=Store(tmp_path)), uninterrupted())
    assert not trained


@pytest.mark.slow
def test_runs_that_share_a_program_are_trained_together_though_one_is_wanted():
    trainer = Trainer(CONFIG)
    wanted = _training(CONFIG, "mlp-noise", 1, 1)
    ((task, arrays),) = trainer([wanted], jax.devices()[0], lambda _: None)
    assert task is wanted
    programs = Programs()
    whole = trainer._train(wanted.key, jax.devices()[0], programs)
    assert list(whole) == [(2, False), (2, True), (5, False), (5, True)]
    measured = set(arrays) - set(TIMES)
    assert measured == {"train_wrong", "test_wrong", "train_loss", "test_loss", "n_parameters"}
    assert all(arrays[name] == whole[5, True][name] for name in measured)
    trainer._train(_training(CONFIG, "mlp-noise", 1, 0).key, jax.devices()[0], programs)
    assert programs.n_compiled == 1


@pytest.mark.slow
def test_more_seeds_use_what_fewer_had_found(tmp_path, trained):
    run(dataclasses.replace(CONFIG, seeds=1), Store(tmp_path))
    trained.clear()
    xr.testing.assert_identical(run(store=Store(tmp_path)), uninterrupted())
    assert sorted(trained) == [("CNN", (3,), 1), ("MLP", (2, 5), 1)]


def test_runs_on_the_published_data_are_known_by_what_they_always_were():
    config = Config(widths=(2, 5), channels=(3,), n_epochs=10, learning_rate=0.05)
    key = _training(config, "cnn-noise", 0, 1).key
    assert key == {
        "architecture": "CNN",
        "together": [3],
        "noises": [True],
        "size": 3,
        "noisy": True,
        "seed": 1,
        "n_steps": 400,
        "batch_size": 100,
        "learning_rate": 0.05,
        "momentum": 0.9,
    }
    mlp = {"architecture": "MLP", "together": [2, 5], "noises": [False, True], "size": 5}
    assert _training(config, "mlp", 1, 0).key == key | mlp | {"noisy": False, "seed": 0}
    other = _training(CONFIG, "cnn-noise", 0, 1).key
    assert other == key | {"dataset": DATA.to_dict()}
    assert PUBLISHED_DATA.n_train == 4000


@pytest.mark.slow
def test_a_run_of_another_length_is_not_taken_for_this_one(tmp_path, trained):
    config = dataclasses.replace(CONFIG, seeds=1)
    run(config, Store(tmp_path))
    trained.clear()
    run(dataclasses.replace(config, n_epochs=101), Store(tmp_path))
    assert sorted(trained) == [("CNN", (3,), 0), ("MLP", (2, 5), 0)]


@pytest.mark.slow
def test_errors_are_counted_against_the_labels_trained_on(monkeypatch):
    monkeypatch.setattr(training, "predict", lambda model, _, **__: jax.nn.one_hot(model, 3))
    data = (jnp.zeros((5, 40)), jnp.array([0, 1, 0, 2, 1]), None)
    measured = training._evaluate(jnp.array([0, 1, 2, 2, 1]), data, n_train=3)
    assert measured["train_wrong"] == 1
    assert measured["test_wrong"] == 0
    assert measured["train_loss"] > measured["test_loss"]


def test_work_is_that_of_the_matrix_products():
    # A forward pass of 3 c^2 products at 10 and at 5 positions; three times that with gradients.
    large = training.work_per_step("CNN", 1000, 1) / 1000**2
    assert large == pytest.approx(2 * 3 * 45, rel=0.01)


def test_the_longest_task_is_begun_first():
    begun = []

    def work(task, _device):
        begun.append(task)
        return [task]

    list(longest_first([1, 5, 3, 4, 2], work, cost=float, devices=jax.devices()[:1]))
    assert begun == [5, 4, 3, 2, 1]


def test_every_device_begins_with_one_of_the_longest_tasks():
    begun, used = [], []
    both = threading.Barrier(2)

    def work(task, device):
        begun.append(task)
        used.append(device)
        if len(begun) <= 2:
            both.wait(30)
        return [task]

    devices = jax.devices()[:2]
    results = list(longest_first([1, 5, 3, 4, 2], work, cost=float, devices=devices))
    # What follows these two is recorded by two threads at once, in either order.
    assert sorted(begun[:2]) == [4, 5]
    assert sorted(results) == [1, 2, 3, 4, 5]
    assert set(used[:2]) == set(devices)


def test_an_error_in_a_task_reaches_the_caller_and_ends_the_rest():
    begun = []

    def work(task, _device):
        begun.append(task)
        if task == 9:
            raise ValueError("task 9 failed")
        return [task]

    with pytest.raises(ValueError, match="task 9 failed"):
        list(longest_first(range(10), work, cost=float, devices=jax.devices()[:1]))
    assert begun == [9]
