"""Metalearning an activation function: its gradient, and its table of the learned function."""

import dataclasses
import runpy
from pathlib import Path
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d.experiments.metalearn_activation import outer_loop
from mnist1d.experiments.metalearn_activation.activation import Direct, Tabulated, grid_of
from mnist1d.experiments.metalearn_activation.config import Config
from mnist1d.experiments.metalearn_activation.inner_loop import Data, train
from mnist1d.experiments.metalearn_activation.outer_loop import draw_network, draw_rest
from mnist1d.models import CNN, MLP, count_parameters
from mnist1d.models.scalar_network import Grid, LearnedFunction, elu, lookup, tabulate

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_compilation")]

ROOT = Path(__file__).parents[2]

meta_gradient = jax.jit(outer_loop.meta_gradient, static_argnums=0)


def drawn(*hidden):
    """Draw a network without compiling anything."""
    return draw_network(Config(network=hidden), 3)


def in_double(tree):
    return jax.tree.map(
        lambda leaf: leaf.astype(np.float64) if leaf.dtype == np.float32 else leaf, tree
    )


def small_problem(hidden=(5,), **settings):
    """Make a configuration, and its network, draws and data in float64, to be used with x64 on."""
    config = Config(
        **{
            "inner_steps": 7,
            "objective_steps": 4,
            "hidden_size": 6,
            "network": hidden,
            "evaluation": "direct",
            "grid_bound": 8.0,
            "grid_cells": 1024,
        }
        | settings
    )
    rng = np.random.default_rng(0)
    signals, labels = rng.normal(size=(60, 40)), rng.integers(0, 10, 60)
    data = Data.of(signals, labels, signals[:30], labels[:30], 20)
    return config, *(in_double(t) for t in (draw_network(config, 0), draw_rest(config, 0), data))


def flat(tree):
    return np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(tree)])


def by_autodiff(config, network, draws, data):
    """Return objective and gradient, written the plain way and differentiated twice by JAX."""

    def outer(network):
        def loss(parameters, call, x, y):
            z = parameters.hidden @ x
            g = network.derivatives(z.ravel(), tuple(n[call] for n in draws.network), 0)[0]
            f = jax.nn.elu(z) + config.scale * g.reshape(z.shape)
            logits = parameters.output @ (f + draws.hidden[call][:, None])
            logits = logits + parameters.bias[:, None]
            return -(y * jax.nn.log_softmax(logits, axis=0)).sum() / x.shape[1]

        parameters = draws.start
        square = jax.tree.map(jnp.ones_like, parameters)
        losses = []
        for step in range(config.inner_steps):
            x, y = (part[step % len(data.x)] for part in (data.x, data.y))
            value, gradient = jax.value_and_grad(loss)(parameters, step, x, y)
            square = jax.tree.map(lambda s, g: 0.4 * s + 0.6 * g * g, square, gradient)
            parameters = jax.tree.map(
                lambda p, g, s: p - 0.01 * g / (jnp.sqrt(s) + 1e-8), parameters, gradient, square
            )
            losses.append(value)
        return jnp.stack(losses)[-config.objective_steps :].mean()

    return jax.jit(jax.value_and_grad(outer))(network)


@pytest.mark.parametrize("hidden", [(5,), (4, 3)])
def test_the_gradient_written_by_hand_is_that_of_automatic_differentiation(hidden):
    with jax.enable_x64(True):
        config, network, draws, data = small_problem(hidden)
        gradient, forward, finite = meta_gradient(config, network, draws, data)
        value, expected = by_autodiff(config, network, draws, data)
        assert finite.all()
        assert float(forward.losses[-4:].mean()) == pytest.approx(float(value), rel=1e-12)
        np.testing.assert_allclose(flat(gradient), flat(expected), rtol=1e-9, atol=1e-14)


def test_losses_and_gradient_are_those_of_a_plain_pytorch_loop():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    reference = SimpleNamespace(**runpy.run_path(str(ROOT / "benchmarks" / "torch_activation.py")))

    def tensor(array):
        return torch.from_numpy(np.array(array)).requires_grad_()

    with jax.enable_x64(True):
        config, network, draws, data = small_problem()
        gradient, forward, _ = meta_gradient(config, network, draws, data)
    meta = [tensor(part) for layer in network.layers for part in (layer.weight, layer.bias)]
    hidden, output, bias = (np.asarray(part) for part in draws.start)
    parameters = [tensor(part) for part in (hidden[:, :-1], hidden[:, -1], output, bias)]
    x = torch.from_numpy(np.concatenate(np.asarray(data.x)[:, :-1], axis=1).T.copy())
    y = torch.from_numpy(np.concatenate(np.asarray(data.y), axis=1).argmax(axis=0))
    noise = [torch.from_numpy(np.array(part)) for part in (draws.hidden, draws.network[0])]
    losses, expected, _ = reference.meta_gradient(meta, parameters, noise, x, y, 7, 4, 20)
    np.testing.assert_allclose(forward.losses, losses.numpy(), rtol=1e-12)
    expected = np.concatenate([part.numpy().ravel() for part in expected])
    np.testing.assert_allclose(flat(gradient), expected, rtol=1e-9, atol=1e-14)


def test_the_gradient_is_that_of_finite_differences():
    with jax.enable_x64(True):
        config, network, draws, data = small_problem()
        gradient = flat(meta_gradient(config, network, draws, data)[0])
        leaves, structure = jax.tree.flatten(network)
        direct = jax.jit(
            lambda network: (
                train(
                    config,
                    Direct(network, draws.network, config.scale),
                    draws.start,
                    draws.hidden,
                    data,
                )[0]
                .losses[-4:]
                .mean()
            )
        )

        def objective(vector):
            parts = np.split(vector, np.cumsum([leaf.size for leaf in leaves])[:-1])
            shaped = [
                jnp.asarray(part.reshape(leaf.shape))
                for part, leaf in zip(parts, leaves, strict=True)
            ]
            return float(direct(jax.tree.unflatten(structure, shaped)))

        point, step = flat(network), 1e-5
        differences = [
            (objective(point + step * unit) - objective(point - step * unit)) / (2 * step)
            for unit in np.eye(len(point))
        ]
        np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("hidden", [(100,), (12, 7)])
def test_the_table_has_value_and_derivatives_of_the_network(hidden):
    with jax.enable_x64(True):
        config, network, draws, _ = small_problem(hidden)
        x = jnp.linspace(-7.99, 7.99, 777).reshape(7, 111)
        call = jnp.asarray(3)
        grid = grid_of(config)

        @jax.jit
        def both(network, call, x):
            tables = tabulate(network, draws.network, 0.2, grid)
            direct = Direct(network, draws.network, 0.2)(call, x)
            return tables, Tabulated(tables, grid)(call, x), direct

        tables, table, direct = both(network, call, x)
        assert len(tables.terms) == (1 if len(hidden) == 1 else 7)
        for ours, exact, tolerance in zip(table, direct, (1e-9, 1e-7, 3e-5), strict=True):
            np.testing.assert_allclose(ours, exact, atol=tolerance)


@pytest.mark.parametrize("hidden", [(30,), (4, 3)])
def test_the_table_has_the_gradient_of_the_network(hidden):
    with jax.enable_x64(True):
        config, network, draws, data = small_problem(hidden)
        direct = flat(meta_gradient(config, network, draws, data)[0])
        table = dataclasses.replace(config, evaluation="table")
        ours, forward, _ = meta_gradient(table, network, draws, data)
        assert int(forward.n_outside) == 0
        assert np.linalg.norm(flat(ours) - direct) < 1e-7 * np.linalg.norm(direct)


def test_the_gradient_is_exact_where_inputs_are_beyond_the_table():
    with jax.enable_x64(True):
        config, network, draws, data = small_problem(
            evaluation="table", grid_bound=0.5, grid_cells=4
        )
        gradient, forward, _ = meta_gradient(config, network, draws, data)
        assert int(forward.n_outside) > 100
        assert float(forward.max_abs_input) > 1
        direction = jax.tree.map(jnp.cos, network)

        def objective(step):
            moved = jax.tree.map(lambda p, d: p + step * d, network, direction)
            return meta_gradient(config, moved, draws, data)[1].losses[-4:].mean()

        slope = (objective(1e-5) - objective(-1e-5)) / 2e-5
        assert float(flat(gradient) @ flat(direction)) == pytest.approx(float(slope), rel=1e-6)


def test_beyond_the_table_g_goes_on_as_a_straight_line():
    grid = Grid(2.0, 128)
    network = drawn(9)

    @jax.jit
    def evaluate(x):
        terms = tabulate(network, (jnp.zeros((1, 9)),), 1.0, grid).terms[0]
        return lookup(terms, grid, x), network.derivatives(jnp.array([2.0, -2.0]), (), 1)

    (value, first, second), (edge, slope) = evaluate(jnp.array([2.0, 3.0, 7.0, -2.0, -4.0]))
    value, first, second, edge, slope = map(np.asarray, (value, first, second, edge, slope))
    np.testing.assert_allclose(value[1:3], edge[0] + slope[0] * np.array([1.0, 5.0]), rtol=1e-4)
    np.testing.assert_allclose(value[4], edge[1] - 2 * slope[1], rtol=1e-4)
    np.testing.assert_allclose(first[[2, 4]], slope, rtol=1e-4)
    assert second[1:3].tolist() == [0, 0]


def test_what_is_not_a_number_is_looked_up_inside_the_table():
    grid = Grid(2.0, 8)
    terms = jnp.ones((8, 4))
    assert jnp.isnan(lookup(terms, grid, jnp.array([jnp.nan])).value).all()
    cell = grid.locate(jnp.array([jnp.nan, jnp.inf, -jnp.inf]))[0]
    assert ((cell >= 0) & (cell < 8)).all()


def test_noise_behind_the_last_hidden_layer_only_shifts_the_function():
    network = drawn(100)
    x, noise = np.linspace(-3, 3, 20, dtype=np.float32), np.full(100, 0.1, np.float32)
    value, slope = network.derivatives(x, (noise,), 1)
    plain, plain_slope = network.derivatives(x, (), 1)
    np.testing.assert_allclose(value - plain, network.output @ noise, rtol=1e-4)
    np.testing.assert_array_equal(slope, plain_slope)


def test_elu_has_its_derivatives():
    x = jnp.array([-3.0, -0.2, 0.7, 50.0])
    value, first, second = elu(x)
    np.testing.assert_allclose(value, jax.nn.elu(x), rtol=1e-6)
    np.testing.assert_allclose(first, jax.vmap(jax.grad(jax.nn.elu))(x), rtol=1e-6)
    np.testing.assert_allclose(second, jax.vmap(jax.grad(jax.grad(jax.nn.elu)))(x), rtol=1e-6)


def test_sizes_and_data_are_those_of_the_paper():
    config = Config()
    assert flat(draw_network(config, 0)).size == 301
    draws = draw_rest(config, 0)
    assert flat(draws.start).size == 6538
    assert draws.hidden.shape == (301, 128)
    assert draws.network[0].shape == (301, 100)
    assert 0.099 < float(jnp.abs(draws.hidden).max()) <= 0.1
    assert (config.grid_bound, config.inner_steps, config.objective_steps) == (16.0, 301, 200)
    assert (config.inner_learning_rate, config.inner_decay) == (0.01, 0.4)


def test_a_learned_function_differentiates_but_does_not_learn():
    grid = Grid(4.0, 1024)
    x = jnp.array([-0.7, 0.3])

    @jax.jit
    def derivatives(network):
        function = LearnedFunction.of(network, 0.2, grid)
        step = (function(x + 1e-2) - function(x - 1e-2)) / 2e-2
        at_table = jax.grad(lambda terms: LearnedFunction(terms, grid)(x).sum())
        return jax.vmap(jax.grad(function))(x), step, at_table(function.terms)

    slope, step, by_table = derivatives(drawn(5))
    np.testing.assert_allclose(slope, step, rtol=1e-3)
    assert not by_table.any()


@pytest.mark.parametrize("make", [MLP, CNN])
def test_models_use_relu_unless_given_another_function(make):
    model, x = make(key=jax.random.key(0)), jnp.sin(jnp.arange(80.0)).reshape(40, 2)
    plain, relu, tanh = eqx.filter_jit(
        lambda model: (model(x), model(x, jax.nn.relu), model(x, jnp.tanh))
    )(model)
    np.testing.assert_array_equal(plain, relu)
    assert np.abs(tanh - plain).max() > 1e-3
    assert count_parameters(model) == {MLP: 15_210, CNN: 5_210}[make]


def test_at_full_size_table_and_network_agree_to_rounding():
    config = Config(inner_steps=5, objective_steps=3)
    rng = np.random.default_rng(0)
    signals, labels = rng.normal(size=(200, 40)), rng.integers(0, 10, 200)
    data = Data.of(signals, labels, signals, labels, 100)
    found = []
    for evaluation in ("direct", "table"):
        one = dataclasses.replace(config, evaluation=evaluation)
        gradient, forward, _ = meta_gradient(one, draw_network(one, 0), draw_rest(one, 0), data)
        found.append((flat(gradient), forward.losses))
    (direct, direct_losses), (table, table_losses) = found
    assert np.linalg.norm(table - direct) < 3e-6 * np.linalg.norm(direct)
    np.testing.assert_allclose(table_losses, direct_losses, rtol=1e-6)
