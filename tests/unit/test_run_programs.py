"""Programs of many runs: shared by threads, and in groups of as many as a core's cache holds."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.training import Programs, Training, compile_runs, runs

N_THREADS = 4
TRAINING = Training(
    batch=lambda data, step, _: data[step],
    loss=lambda model, batch, _: ((model.value - batch) ** 2).sum(),
    optimizer=optax.sgd(0.1),
    n_steps=50,
    evaluate=lambda model, _: model.value,
)


class Numbers(eqx.Module):
    value: jax.Array


def arguments(number):
    models = Numbers(jnp.full((1, 3), float(number)))
    data = np.random.default_rng(number).normal(size=(50, 3)).astype(np.float32)
    return models, data, jax.random.split(jax.random.key(number), 1)


def trained(programs, number):
    models, data, keys = arguments(number)
    device = jax.devices()[0]
    program = programs.get("numbers", TRAINING, models, data, keys=keys, devices=[device])
    return np.asarray(program(models, data, keys=keys).models.value[0])


def descended(number):
    """Descend in NumPy."""
    models, data, _ = arguments(number)
    value = np.asarray(models.value[0])
    for batch in data:
        value = value - 0.2 * (value - batch)
    return value


def test_threads_compile_a_program_once_and_run_it_together(monkeypatch):
    n_compiled, together = [], threading.Barrier(N_THREADS)
    compile_runs = runs.compile_runs

    def compiling(*arguments, **options):
        n_compiled.append(1)
        return compile_runs(*arguments, **options)

    def run(number):
        together.wait(60)
        return [trained(programs, N_THREADS * repeat + number) for repeat in range(5)]

    monkeypatch.setattr(runs, "compile_runs", compiling)
    programs = Programs()
    with ThreadPoolExecutor(N_THREADS) as pool:
        found = list(pool.map(run, range(N_THREADS)))
    assert n_compiled == [1]
    assert programs.n_compiled == 1
    for number, values in enumerate(found):
        for repeat, value in enumerate(values):
            expected = descended(N_THREADS * repeat + number)
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


def test_a_program_that_could_not_be_compiled_is_tried_again(monkeypatch):
    programs, failing = Programs(), [True]
    compile_runs = runs.compile_runs

    def compiling(*arguments, **options):
        if failing:
            raise RuntimeError("no memory")
        return compile_runs(*arguments, **options)

    monkeypatch.setattr(runs, "compile_runs", compiling)
    with pytest.raises(RuntimeError, match="no memory"):
        trained(programs, 0)
    assert programs.n_compiled == 0
    failing.clear()
    np.testing.assert_allclose(trained(programs, 0), descended(0), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("patience", [None, 2])
@pytest.mark.parametrize("n_runs", [1, 4, 5, 9])
def test_runs_in_groups_are_those_of_all_together(monkeypatch, n_runs, patience):
    training = TRAINING
    if patience:
        training = replace(
            TRAINING,
            evaluate=lambda model, _: -((model.value - 5) ** 2).sum(),
            evaluate_every=3,
            patience=patience,
        )
    models = Numbers(jnp.arange(3.0 * n_runs).reshape(n_runs, 3))
    data = np.random.default_rng(0).normal(size=(n_runs, 50, 3)).astype(np.float32)
    keys = jax.random.split(jax.random.key(0), n_runs)

    def outcome():
        program = compile_runs(
            training, models, data, keys=keys, data_axes=0, devices=jax.devices()[:2]
        )
        heard = []
        found = program(models, data, keys=keys, on_evaluation=lambda step, _: heard.append(step))
        return found.models.value, found.history, heard

    value, history, heard = outcome()
    assert history.train_loss.shape == (n_runs, 50)
    monkeypatch.setattr(runs, "_MOST_TOGETHER", 2)
    in_groups = outcome()
    np.testing.assert_allclose(in_groups[0], value, rtol=1e-6)
    for each, expected in zip(*map(jax.tree.leaves, (in_groups[1], history)), strict=True):
        np.testing.assert_allclose(each, expected, rtol=1e-5, atol=1e-6)
    assert in_groups[2] == heard
