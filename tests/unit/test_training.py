"""The engine: one run, many runs, and the promises between them."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
import textwrap

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings, strategies as st

from mnist1d.models import MLP, predict
from mnist1d.training import (
    Training,
    accuracy,
    compile_runs,
    cross_entropy,
    sequential_batch,
    shuffled_order,
    train,
    train_runs,
)
from mnist1d.training.loop import segments
from mnist1d.training.schedules import even_in_log

pytestmark = pytest.mark.usefixtures("quick_compilation")


class Counter(eqx.Module):
    """One number that every update of gradient descent at rate 1 raises by 1."""

    count: jax.Array


def counting(n_steps, evaluate_every, evaluate_first=0):
    return Training(
        batch=lambda _data, _step, _key: (),
        loss=lambda model, _batch, _key: -model.count,
        optimizer=optax.sgd(1.0),
        n_steps=n_steps,
        evaluate_every=evaluate_every,
        evaluate_first=evaluate_first,
        evaluate=lambda model, _data: {"count": model.count, "both": model.count * jnp.ones(2)},
    )


class Masked(eqx.Module):
    """A linear map of which only unmasked entries count, with leaves that are not trained."""

    weight: jax.Array
    mask: jax.Array
    label_of_class: jax.Array

    def __call__(self, x):
        return (jnp.where(self.mask, self.weight, 0) @ x)[self.label_of_class]


def classification(**changes):
    """Train a small network on 60 examples in 3 batches, evaluated after every fifth step."""
    settings = {
        "batch": lambda data, step, _key: sequential_batch(data, step, 20),
        "loss": lambda model, batch, _key: cross_entropy(predict(model, batch[0]), batch[1]),
        "evaluate": lambda model, data: {"accuracy": accuracy(predict(model, data[0]), data[1])},
        "optimizer": optax.sgd(0.1, momentum=0.9),
        "n_steps": 12,
        "evaluate_every": 5,
    }
    return Training(**settings | changes)


def small_data(seed=0):
    rng = np.random.default_rng(seed)
    x = jnp.array(rng.normal(size=(60, 4)), jnp.float32)
    return x, jnp.array(rng.integers(0, 3, 60), jnp.int32)


def small_models(n_runs):
    """Draw the weights in NumPy: nothing is compiled, and run i is the same with any other runs."""
    rng = np.random.default_rng(1)
    shapes = eqx.filter_eval_shape(
        lambda key: MLP(input_size=4, hidden_size=5, n_classes=3, key=key), jax.random.key(0)
    )
    return jax.tree.map(
        lambda leaf: jnp.asarray(rng.uniform(-0.45, 0.45, (6, *leaf.shape))[:n_runs], leaf.dtype),
        shapes,
    )


@functools.cache
def run_keys(n_runs, seed=2):
    return jax.random.split(jax.random.key(seed), 6)[:n_runs]


def take(tree, run):
    # Indexing in NumPy, as in JAX each shape would be compiled.
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[run]), tree)


def assert_equal(first, second, tolerance=0.0):
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


# A few steps of these small networks amplify float32 rounding (6e-8) by less than 1000.
ROUNDING = 5e-5


@pytest.mark.slow
def test_a_run_that_diverges_shows_no_number():
    data, models = small_data(), small_models(2)
    broken = jax.tree.map(
        lambda leaf: leaf * jnp.array([1, 1e30]).reshape(2, *[1] * (leaf.ndim - 1)), models
    )
    trained = train_runs(classification(), broken, data, keys=run_keys(2))
    measured = trained.history.metrics["accuracy"]
    assert np.isfinite(measured[0]).all()
    assert not np.isfinite(trained.history.train_loss[1]).any()
    assert np.isnan(measured[1]).all()


def test_published_runs_are_evaluated_at_the_published_steps():
    np.testing.assert_array_equal(
        counting(6001, 250).evaluation_steps, np.linspace(0, 6000, 25)
    )  # Table 1
    np.testing.assert_array_equal(
        counting(1502, 100).evaluation_steps, np.linspace(0, 1500, 16)
    )  # section 5.1
    np.testing.assert_array_equal(counting(20_000, 0).evaluation_steps, [19_999])  # section 5.2
    np.testing.assert_array_equal(
        counting(8000, 400, 399).evaluation_steps, np.linspace(399, 7999, 20)
    )  # section 5.5


@pytest.mark.slow
def test_a_run_is_evaluated_at_the_steps_that_it_names_as_one_evaluated_everywhere():
    steps = tuple(n - 1 for n in even_in_log(40, 6))
    assert steps[:4] == (0, 1, 2, 3)
    assert steps[-1] == 39
    everywhere, some = (
        train_runs(training, Counter(10.0 * jnp.arange(3.0)), None, keys=run_keys(3)).history
        for training in (
            counting(40, 1),
            dataclasses.replace(counting(40, 0), evaluate_at=steps),
        )
    )
    np.testing.assert_array_equal(some.train_loss, everywhere.train_loss)
    for name, values in some.metrics.items():
        np.testing.assert_array_equal(values, everywhere.metrics[name][:, steps])


@pytest.mark.parametrize("n_steps", [1, 2, 9, 1000, 20_000])
def test_numbers_even_in_their_logarithm_rise_from_one_to_all(n_steps):
    found = np.array(even_in_log(n_steps, 16))
    assert found[0] == 1
    assert found[-1] == n_steps
    assert (np.diff(found) >= 1).all()
    large = np.diff(np.log10(found[found > 100]))
    assert (abs(large - 1 / 16) < 0.01).all()


@pytest.mark.parametrize("steps", [(3, 2), (1, 1), (-1, 3), (0, 12)])
def test_steps_of_evaluations_that_a_run_does_not_have_are_refused(steps):
    with pytest.raises(ValueError, match="evaluate_at must be rising steps from 0 to 11, got"):
        classification(evaluate_every=0, evaluate_at=steps)
    with pytest.raises(ValueError, match="evaluate_at goes without evaluate_every"):
        classification(evaluate_at=(1, 2))


@settings(deadline=None)
@given(n_steps=st.integers(1, 200), evaluate_every=st.integers(0, 250), data=st.data())
def test_segments_cover_every_step_once_and_end_at_evaluations(n_steps, evaluate_every, data):
    first = data.draw(st.integers(0, n_steps - 1))
    training = counting(n_steps, evaluate_every, first)
    starts, stops = segments(training)
    assert starts[0] == 0
    assert stops[-1] == n_steps
    assert (starts[1:] == stops[:-1]).all()
    assert (starts < stops).all()
    steps = training.evaluation_steps
    np.testing.assert_array_equal(stops[: len(steps)] - 1, steps)
    assert len(stops) - len(steps) <= 1


@pytest.mark.parametrize(
    "settings",
    [
        (13, 5),
        (7, 0),
        (3, 10),
        (9, 3, 1),
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ((11, 5), (1, 0), (4, 1), (12, 4, 3), (12, 4, 11))
        ),
    ],
)
def test_evaluation_sees_the_updated_model_and_every_step_is_taken(settings):
    training, n_steps = counting(*settings), settings[0]
    model, history = eqx.filter_jit(train)(
        training, Counter(jnp.array(0.0)), None, key=jax.random.key(0)
    )
    updates = training.evaluation_steps + 1
    assert model.count == n_steps
    np.testing.assert_array_equal(history.train_loss, -np.arange(n_steps))
    np.testing.assert_array_equal(history.metrics["count"], updates)
    np.testing.assert_array_equal(history.metrics["both"], np.stack([updates, updates], axis=1))


@pytest.mark.parametrize(
    ("n_steps", "evaluate_every"),
    [
        (13, 5),
        (7, 0),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((25, 1), (48, 2), (40, 4))),
    ],
)
def test_many_runs_are_evaluated_as_one_and_report_their_progress(n_steps, evaluate_every):
    training, reports = counting(n_steps, evaluate_every), []
    trained = train_runs(
        training,
        Counter(10.0 * jnp.arange(3.0)),
        None,
        keys=run_keys(3),
        report=lambda *progress: reports.append(progress),
    )
    starts = 10.0 * np.arange(3)[:, None]
    np.testing.assert_array_equal(trained.models.count, starts[:, 0] + n_steps)
    np.testing.assert_array_equal(trained.history.train_loss, -starts - np.arange(n_steps))
    np.testing.assert_array_equal(
        trained.history.metrics["count"], starts + training.evaluation_steps + 1
    )
    assert trained.history.metrics["both"].shape == (3, len(training.evaluation_steps), 2)
    assert trained.compile_seconds > 0
    assert trained.run_seconds > 0
    assert reports[0] == (0, n_steps)
    assert reports[-1] == (n_steps, n_steps)
    assert reports == sorted(set(reports))
    assert len(reports) <= 11


@pytest.mark.parametrize(
    ("name", "value"), [("n_steps", 0), ("n_steps", -3), ("evaluate_every", -1)]
)
def test_settings_that_make_no_run_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least ., got {value}"):
        classification(**{name: value})


@pytest.mark.slow
def test_draws_differ_by_step_run_and_purpose_but_not_by_cadence():
    training = {
        "batch": lambda _data, _step, key: jax.random.uniform(key),
        "loss": lambda model, batch, key: (
            jnp.stack([batch, jax.random.uniform(key)]).sum() + 0 * model.count
        ),
        "evaluate": lambda _model, _data: (),
        "n_steps": 7,
    }
    either = classification(**training)
    other = classification(**training | {"evaluate_every": 0})
    only_batch = classification(
        **training | {"loss": lambda model, batch, _key: batch + 0 * model.count}
    )
    models, keys = Counter(jnp.zeros(3)), run_keys(3)
    first, second, batches = (
        train_runs(each, models, None, keys=keys).history.train_loss
        for each in (either, other, only_batch)
    )
    np.testing.assert_array_equal(first, second)
    draws = np.concatenate([batches, first - batches]).ravel()
    # 42 uniform draws: the nearest two are about 1 / 42^2 apart.
    assert np.diff(np.sort(draws)).min() > 1e-6


def noisy(model, batch, key):
    """Compute a loss that draws: the labels' logits are jittered."""
    logits = predict(model, batch[0])
    return cross_entropy(logits + 0.1 * jax.random.normal(key, logits.shape), batch[1])


def batch_of_order(data, step, _key):
    (x, y), order = data["examples"], data["order"]
    return x[order[step]], y[order[step]]


NOISY = classification(loss=noisy)
train_jitted = eqx.filter_jit(train)


@pytest.fixture(scope="module")
def six():
    """Train six runs at once, fully optimised: on four devices the last rows are padding."""
    models = small_models(6)
    return models, train_runs(NOISY, models, small_data(), keys=run_keys(6))


@pytest.mark.slow
def test_many_runs_equal_one_by_one(six):
    models, trained = six
    assert trained.history.train_loss.shape == (6, 12)
    assert trained.history.metrics["accuracy"].shape == (6, 3)
    for run, key in enumerate(run_keys(6)):
        model, history = train_jitted(NOISY, take(models, run), small_data(), key=key)
        assert_equal(take(trained.models, run), model, ROUNDING)
        assert_equal(take(trained.history, run), history, ROUNDING)


@pytest.mark.slow
def test_many_devices_equal_one(six, monkeypatch):
    devices = jax.devices()
    if len(devices) < 2:
        pytest.skip("JAX has one device alone")
    models, trained = six
    monkeypatch.setattr(jax, "devices", lambda: devices[:1])
    alone = train_runs(NOISY, models, small_data(), keys=run_keys(6))
    assert_equal(trained[:2], alone[:2], ROUNDING)


@pytest.mark.slow
def test_the_same_keys_give_the_same_bits(six):
    jax.config.update("jax_disable_most_optimizations", False)  # as `six` was compiled
    models, trained = six
    again = train_runs(NOISY, models, small_data(), keys=run_keys(6))
    assert_equal(trained[:2], again[:2])


@pytest.mark.slow
@pytest.mark.parametrize("n_runs", [1, 4])
def test_a_run_does_not_depend_on_other_runs(six, n_runs):
    models, trained = six
    few = train_runs(NOISY, take(models, slice(n_runs)), small_data(), keys=run_keys(n_runs))
    assert_equal(take(trained[:2], slice(n_runs)), few[:2], ROUNDING)


ORDERED = classification(
    batch=batch_of_order,
    evaluate=lambda model, data: {
        "accuracy": accuracy(predict(model, data["examples"][0]), data["examples"][1])
    },
)


@pytest.mark.slow
@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("variant", ["all by run", "examples by run", "order by run"])
def test_data_may_be_shared_or_each_run_its_own(variant, batched):
    examples = [small_data(seed) for seed in range(5)]
    orders = [shuffled_order(60, 20, 12, key=key) for key in run_keys(5, 3)]
    examples_by_run = variant in {"all by run", "examples by run"}
    order_by_run = variant in {"all by run", "order by run"}
    data = {
        "examples": jax.tree.map(lambda *leaves: np.stack(leaves), *examples)
        if examples_by_run
        else examples[0],
        "order": np.stack(orders) if order_by_run else orders[0],
    }
    axes = {
        "all by run": 0,
        "examples by run": {"examples": (0, 0), "order": None},
        "order by run": {"examples": None, "order": 0},
    }[variant]
    models, keys = small_models(5), run_keys(5)
    program = compile_runs(
        ORDERED, models, data, keys=keys, data_axes=axes, devices=jax.devices()[:3], batched=batched
    )
    trained = program(models, data, keys=keys)
    for run in range(5):
        own = {
            "examples": examples[run if examples_by_run else 0],
            "order": orders[run if order_by_run else 0],
        }
        model, history = train_jitted(ORDERED, take(models, run), own, key=keys[run])
        assert_equal(take(trained.models, run), model, ROUNDING)
        assert_equal(take(trained.history, run), history, ROUNDING)


@pytest.mark.slow
@pytest.mark.parametrize("one_core", [True, False])
def test_a_compiled_program_serves_other_models_and_data(one_core):
    models, keys = small_models(2), run_keys(2)
    program = compile_runs(NOISY, models, small_data(), keys=keys, batched=False, one_core=one_core)
    program(models, small_data(), keys=keys)
    others, other_keys = small_models(5), run_keys(5)
    chosen = take(others, slice(3, 5))
    trained = program(chosen, small_data(3), keys=other_keys[3:])
    expected = train_runs(NOISY, chosen, small_data(3), keys=other_keys[3:])
    assert_equal(trained[:2], expected[:2], ROUNDING)


@pytest.mark.slow
@pytest.mark.parametrize("batched", [True, False])
def test_masks_and_optimisers_with_gaps_go_through_both_ways_of_mapping(batched):
    """Masks are not trained: the optimiser's state has holes where they are."""
    rng = np.random.default_rng(6)
    models = Masked(
        jnp.asarray(rng.normal(size=(6, 3, 4)), jnp.float32),
        jnp.asarray(rng.random((6, 3, 4)) < 0.5),
        jnp.tile(jnp.arange(3), (6, 1)),
    )
    keys = run_keys(6)
    training = classification(optimizer=optax.adam(0.1))
    program = compile_runs(training, models, small_data(), keys=keys, batched=batched)
    trained = program(models, small_data(), keys=keys)
    for run, key in enumerate(keys):
        model, _ = train_jitted(training, take(models, run), small_data(), key=key)
        assert_equal(take(trained.models, run), model, ROUNDING)


@pytest.mark.slow
def test_models_are_trained_without_touching_masks_or_the_models_given():
    rng = np.random.default_rng(6)
    weight = jnp.array(rng.normal(size=(3, 3, 4)), jnp.float32)
    mask = jnp.array(rng.random((3, 3, 4)) < 0.5)
    models = Masked(weight, mask, jnp.stack([jnp.array([2, 0, 1])] * 3))
    before = jax.tree.map(np.array, models)
    training = classification(optimizer=optax.adam(0.01))
    trained = train_runs(training, models, small_data(), keys=run_keys(3))
    assert_equal(models, before)
    np.testing.assert_array_equal(trained.models.mask, mask)
    np.testing.assert_array_equal(trained.models.label_of_class, before.label_of_class)
    assert trained.models.mask.dtype == bool
    assert trained.models.label_of_class.dtype == jnp.int32
    moved = np.asarray(trained.models.weight) != np.asarray(weight)
    np.testing.assert_array_equal(moved, mask)


@pytest.mark.parametrize("n_models", [3, 4, 6])
def test_models_and_keys_of_different_number_are_refused(n_models):
    with pytest.raises(ValueError, match=rf"leading axis of 5 runs.* got shape \({n_models},\)"):
        train_runs(counting(2, 0), Counter(jnp.zeros(n_models)), None, keys=run_keys(5))


def test_data_of_another_number_of_runs_are_refused():
    models, data = Counter(jnp.zeros(5)), (jnp.zeros((5, 2)), jnp.zeros(4))
    with pytest.raises(ValueError, match=r"leading axis of 5 runs.* got shape \(4,\)"):
        train_runs(counting(2, 0), models, data, keys=run_keys(5), data_axes=(None, 0))


def test_no_runs_at_all_are_refused():
    with pytest.raises(ValueError, match="at least one key"):
        train_runs(counting(2, 0), Counter(jnp.zeros(0)), None, keys=run_keys(1)[:0])


def in_new_process(script, **environment):
    """Run a script in a fresh Python and return the JSON that it prints."""
    kept = {name: os.environ[name] for name in os.environ if not name.startswith("JAX_")}
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=kept | {"JAX_PLATFORMS": "cpu"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(finished.stdout)


@pytest.mark.slow
def test_every_core_becomes_a_device_and_compiled_programs_are_kept(tmp_path):
    cores, unchanged, folder, used = in_new_process(
        """
        import json, pathlib
        import jax
        from mnist1d.training import keep_compiled_programs, use_all_cores
        use_all_cores()
        keep_compiled_programs()
        cores = jax.device_count()
        use_all_cores()  # JAX runs: nothing happens
        jax.jit(lambda x: jax.numpy.linalg.qr(x)[0])(jax.numpy.ones((30, 30)))
        folder = pathlib.Path(jax.config.jax_compilation_cache_dir)
        print(json.dumps([cores, jax.device_count(), str(folder), folder.is_dir()]))
        """,
        HOME=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())
    assert cores == unchanged == len(usable)
    assert str(tmp_path) in folder
    assert used


CHOSEN = {"JAX_NUM_CPU_DEVICES": "3"}, {"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}


@pytest.mark.slow
@pytest.mark.parametrize("chosen", CHOSEN)
def test_a_chosen_number_of_devices_and_cache_folder_are_left_alone(tmp_path, chosen):
    devices, folder = in_new_process(
        """
        import json, jax
        from mnist1d.training import keep_compiled_programs, use_all_cores
        use_all_cores()
        keep_compiled_programs()
        print(json.dumps([jax.device_count(), jax.config.jax_compilation_cache_dir]))
        """,
        **chosen,
        JAX_COMPILATION_CACHE_DIR=str(tmp_path / "chosen"),
    )
    assert devices == 3
    assert folder == str(tmp_path / "chosen")


@pytest.mark.slow
def test_programs_are_compiled_where_functions_are_not():
    (losses,) = in_new_process(
        """
        import json, jax, optax
        from mnist1d.lab import compare
        from mnist1d.models import Logistic
        small = {"seeds": 1, "tuning_seeds": 1, "n_steps": 20, "evaluate_every": 10}
        small |= {"references": False, "shuffled": False, "shifts": (), "learning_rates": (0.01,)}
        found = compare({"a": lambda key: Logistic(key=key)}, **small)
        print(json.dumps([found.result.train_loss.values.tolist()]))
        """,
        JAX_DISABLE_JIT="1",
    )
    assert losses
