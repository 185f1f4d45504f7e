"""Training many sizes: padding, blocks, batches, resumption."""

import functools
import threading

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import mnist1d
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.units import Units
from mnist1d.experiments.double_descent import training
from mnist1d.experiments.double_descent.training import (
    ARCHITECTURES,
    PUBLISHED_DATA,
    Block,
    Schedule,
    SizeTrainer,
    SizeWork,
    Task,
    Unit,
    blocks,
)
from mnist1d.models import predict
from mnist1d.models.layers import draw_layers
from mnist1d.models.padding import pad_model
from mnist1d.training import Training, cross_entropy, longest_first, sequential_batch, train

pytestmark = pytest.mark.usefixtures("quick_compilation")

SCHEDULE = Schedule(n_steps=400, batch_size=100, learning_rate=0.05, momentum=0.9)
MLPS = Block("MLP", (2, 5), (False, True))
CNNS = Block("CNN", (3,), (True,))
MEASURED = ("train_wrong", "test_wrong", "train_loss", "test_loss", "n_parameters")


DATA = DatasetConfig(
    num_samples=1000, train_split=0.4, label_noise=0.15, label_noise_kind="published"
)


@functools.cache
def dataset():
    return mnist1d.generate(DATA)


def run(units, every_block=(MLPS, CNNS), seeds=(0, 1), schedule=SCHEDULE, stop_after=None):
    """Train; returns what was found by architecture and unit."""
    found = {}
    tasks = [Task(block, seed) for block in every_block for seed in seeds]
    for (block, seed), result in units.compute(tasks, SizeWork(schedule, DATA)):
        for unit, arrays in zip(block.units(seed), result, strict=True):
            found[block.architecture, *unit] = {name: arrays[name] for name in MEASURED}
        if stop_after is not None and len(found) >= stop_after:
            break
    return found


@functools.cache
def uninterrupted():
    return run(Units())


@pytest.fixture
def counted(monkeypatch):
    """Count the runs that are really trained."""
    trained = []
    original = SizeTrainer.__call__

    def count(self, tasks, device, told):
        for (block, seed), result in original(self, tasks, device, told):
            trained.extend((block.architecture, *unit) for unit in block.units(seed))
            yield Task(block, seed), result

    monkeypatch.setattr(SizeTrainer, "__call__", count)
    return trained


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


def test_a_model_that_does_not_fit_is_refused_with_both_shapes():
    make = ARCHITECTURES["MLP"]
    small, large = (make(n, key=jax.random.key(0)) for n in (3, 7))
    with pytest.raises(ValueError, match=r"\(7, 40\) does not fit into \(3, 40\)"):
        pad_model(large, small)


def test_blocks_hold_every_size_once_and_only_small_ones_share():
    sizes = (2, 3, 4, 5, 7, 9, 12, 16, 21)
    found = [block.sizes for block in blocks(sizes, "MLP", (True,), 7)]
    assert found == [(2, 3, 4, 5, 7), (9,), (12,), (16,), (21,)]
    assert [block.sizes for block in blocks((9, 12), "MLP", (True,), 7)] == [(9,), (12,)]


def test_initial_weights_are_drawn_with_the_fan_in_of_the_true_size():
    trainer = SizeTrainer(dataset(), SCHEDULE)
    models, n_parameters = trainer._draw_models(Block("MLP", (4, 8), (False, True)), seed=3)
    assert n_parameters == {4: 234, 8: 490}
    weight = models.second.weight
    assert weight.shape == (4, 8, 8)
    assert np.abs(weight[:2]).max() > 1 / np.sqrt(8)
    assert np.abs(weight[:2]).max() <= 1 / np.sqrt(4)
    assert (weight[:2, 4:] == 0).all()
    # The same with and without label noise, so that the two are paired.
    np.testing.assert_array_equal(weight[0], weight[1])
    assert (weight[2] != weight[0]).any()


@pytest.mark.parametrize(("architecture", "size"), [("MLP", 60), ("CNN", 40)])
def test_layers_drawn_with_numpy_have_the_distribution_of_constructed_ones(architecture, size):
    make = ARCHITECTURES[architecture]
    constructed = make(size, key=jax.random.key(0))
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


def test_runs_without_label_noise_learn_other_labels_than_those_with_it():
    found = uninterrupted()
    for seed in (0, 1):
        clean, noisy = (found["MLP", 5, noise, seed] for noise in (False, True))
        assert clean["train_loss"] < noisy["train_loss"]


def test_the_same_key_gives_the_same_numbers_and_another_key_others():
    first, again = uninterrupted(), run(Units())
    assert first == again
    assert first["CNN", 3, True, 0] != first["CNN", 3, True, 1]


def test_an_interrupted_run_goes_on_where_it_was_and_ends_the_same(tmp_path, counted):
    part = run(Units(tmp_path), stop_after=3)
    for thread in threading.enumerate():  # what was being trained is finished, and of no use
        if thread.daemon and thread.name.startswith("device"):
            thread.join(60)
    assert 3 <= len(part) < len(uninterrupted())
    counted.clear()
    assert run(Units(tmp_path)) == uninterrupted()
    assert set(counted) == uninterrupted().keys() - part.keys()
    counted.clear()
    assert run(Units(tmp_path)) == uninterrupted()
    assert not counted


def test_more_seeds_use_what_fewer_had_found(tmp_path, counted):
    run(Units(tmp_path), [CNNS], seeds=(0,))
    counted.clear()
    found = run(Units(tmp_path), [CNNS], seeds=(0, 1))
    assert counted == [("CNN", 3, True, 1)]
    assert found["CNN", 3, True, 0] == uninterrupted()["CNN", 3, True, 0]


def test_the_units_of_the_published_data_are_known_by_what_they_always_were():
    (key,) = SizeWork(SCHEDULE).keys(Task(CNNS, 1))
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
    (other,) = SizeWork(SCHEDULE, DATA).keys(Task(CNNS, 1))
    assert other == key | {"dataset": DATA.to_dict()}
    assert PUBLISHED_DATA.n_train == 4000


def test_a_run_of_another_schedule_is_not_taken_for_this_one(tmp_path, counted):
    run(Units(tmp_path), [CNNS], seeds=(0,))
    counted.clear()
    run(Units(tmp_path), [CNNS], seeds=(0,), schedule=Schedule(401, 100, 0.05, 0.9))
    assert counted == [("CNN", 3, True, 0)]


def test_errors_are_counted_against_the_labels_trained_on(monkeypatch):
    monkeypatch.setattr(model_sizes, "predict", lambda model, _, **__: jax.nn.one_hot(model, 3))
    data = (jnp.zeros((5, 40)), jnp.array([0, 1, 0, 2, 1]), None)
    measured = training._evaluate(jnp.array([0, 1, 2, 2, 1]), data, n_train=3)
    assert measured["train_wrong"] == 1
    assert measured["test_wrong"] == 0
    assert measured["train_loss"] > measured["test_loss"]


def test_work_is_that_of_the_matrix_products():
    # A forward pass of 3 c^2 products at 10 and at 5 positions; three times that with gradients.
    large = training.work_per_step("CNN", 1000, 1) / 1000**2
    assert large == pytest.approx(2 * 3 * 45, rel=0.01)


def test_the_longest_task_is_begun_first_on_every_device():
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
    assert sorted(begun[:2]) == [4, 5]
    assert begun[2] == 3
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


def test_a_unit_names_size_labels_and_seed():
    assert MLPS.units(7) == [
        Unit(2, noisy=False, seed=7),
        Unit(2, noisy=True, seed=7),
        Unit(5, noisy=False, seed=7),
        Unit(5, noisy=True, seed=7),
    ]
