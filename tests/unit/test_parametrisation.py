"""Parametrisations: numbers by hand, another form of the same, and what grows with the width."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.models import CNN, MLP, predict
from mnist1d.models.beyond.resnet import ResNet
from mnist1d.models.layers import draw_layers
from mnist1d.training import cross_entropy
from mnist1d.training.parametrisation import MAXIMAL_UPDATE, STANDARD, scale_by

BASE = 8


def shapes_of(width):
    return eqx.filter_eval_shape(MLP, hidden_size=width, key=jax.random.key(0))


def drawn(width, seed=0):
    return draw_layers(shapes_of(width), np.random.default_rng(seed))


def numbers(network):
    return [
        (float(layer.weight), float(layer.bias))
        for layer in (network.hidden, network.second, network.output)
    ]


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_at_the_base_width_both_are_the_same(optimizer):
    network = drawn(BASE)
    for parametrisation in (STANDARD, MAXIMAL_UPDATE):
        made = parametrisation.initialised(network, shapes_of(BASE))
        for leaf, same in zip(jax.tree.leaves(made), jax.tree.leaves(network), strict=True):
            assert leaf.dtype == np.float32
            np.testing.assert_array_equal(leaf, same)
        rates = parametrisation.multipliers(network, shapes_of(BASE), optimizer)
        assert numbers(rates) == [(1, 1)] * 3


def test_at_four_times_the_width_factors_are_those_of_the_table():
    network = drawn(4 * BASE)
    made = MAXIMAL_UPDATE.initialised(network, shapes_of(BASE))
    found = [
        (float(np.ptp(layer.weight) / np.ptp(old.weight)), np.ptp(layer.bias) / np.ptp(old.bias))
        for layer, old in (
            (made.hidden, network.hidden),
            (made.second, network.second),
            (made.output, network.output),
        )
    ]
    # By PyTorch, weights and biases of the last two layers are already half as large.
    np.testing.assert_allclose(found, [(1, 1), (1, 2), (0.5, 2)], rtol=1e-6)
    adam, sgd = (
        numbers(MAXIMAL_UPDATE.multipliers(network, shapes_of(BASE), name))
        for name in ("Adam", "SGD")
    )
    assert adam == [(1, 1), (0.25, 1), (0.25, 1)]
    assert sgd == [(4, 4), (1, 4), (0.25, 1)]
    assert numbers(STANDARD.multipliers(network, shapes_of(BASE), "SGD")) == [(1, 1)] * 3


def test_channels_of_a_convolution_count_as_its_width():
    small, wide = (
        eqx.filter_eval_shape(CNN, channels=channels, key=jax.random.key(0)) for channels in (5, 15)
    )
    rates = MAXIMAL_UPDATE.multipliers(wide, small, "SGD")
    weights = [float(leaf) for leaf in jax.tree.leaves(rates)][::2]
    np.testing.assert_allclose(weights, [3, 1, 1, 1 / 3], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_a_factor_behind_the_output_is_the_same_with_other_rates(optimizer):
    """Table 8 of Yang et al.: outputs are divided by m, and weights before them keep their size."""
    m, rate, n_steps = 4, 0.01 if optimizer == "Adam" else 0.1, 5
    base = shapes_of(BASE)
    network = MAXIMAL_UPDATE.initialised(drawn(m * BASE), base)
    rng = np.random.default_rng(1)
    x = jnp.array(rng.normal(size=(20, 40)), jnp.float32)
    labels = jnp.array(rng.integers(0, 10, 20))

    def loss(network):
        return cross_entropy(predict(network, x), labels)

    made = {"Adam": optax.adam(rate, eps=1e-16), "SGD": optax.sgd(rate)}[optimizer]
    own = optax.chain(made, scale_by(MAXIMAL_UPDATE.multipliers(network, base, optimizer)))
    state = own.init(eqx.filter(network, eqx.is_inexact_array))

    other = {
        "w1": jnp.array(network.hidden.weight),
        "b1": jnp.array(network.hidden.bias),
        "w2": jnp.array(network.second.weight),
        "b2": jnp.array(network.second.bias),
        "w3": jnp.array(network.output.weight) * m,
        "b3": jnp.array(network.output.bias),
    }
    theirs = {
        "Adam": {"w1": 1, "b1": 1, "w2": 1 / m, "b2": 1, "w3": 1, "b3": 1},
        "SGD": {"w1": m, "b1": m, "w2": 1, "b2": m, "w3": m, "b3": 1},
    }[optimizer]

    def other_loss(p):
        h = jax.nn.relu(x @ p["w1"].T + p["b1"][None])
        h = h + jax.nn.relu(h @ p["w2"].T + p["b2"][None])
        return cross_entropy(h @ p["w3"].T / m + p["b3"][None], labels)

    other_state = made.init(other)

    @jax.jit
    def step(network, state):
        updates, state = own.update(jax.grad(loss)(network), state)
        return optax.apply_updates(network, updates), state

    @jax.jit
    def other_step(p, state):
        updates, state = made.update(jax.grad(other_loss)(p), state)
        return {name: p[name] + theirs[name] * updates[name] for name in p}, state

    network = jax.tree.map(jnp.asarray, network)
    for _ in range(n_steps):
        network, state = step(network, state)
        other, other_state = other_step(other, other_state)
    loss_of, other_loss_of = jax.jit(loss), jax.jit(other_loss)
    assert float(loss_of(network)) < 2.2
    np.testing.assert_allclose(network.output.weight, other["w3"] / m, atol=2e-6)
    np.testing.assert_allclose(network.second.weight, other["w2"], atol=2e-6)
    assert float(loss_of(network)) == pytest.approx(float(other_loss_of(other)), rel=1e-5)


def change_of_outputs(parametrisation, width, rate=0.001):
    """Make the first step of Adam, which goes by signs, and return how far activations move."""
    made = parametrisation.initialised(drawn(width), shapes_of(BASE))
    rates = parametrisation.multipliers(made, shapes_of(BASE), "Adam")
    layers = [
        [np.float64(made.hidden.weight), np.float64(made.hidden.bias)],
        [np.float64(made.second.weight), np.float64(made.second.bias)],
        [np.float64(made.output.weight), np.float64(made.output.bias)],
    ]
    x = np.random.default_rng(2).normal(size=(40, 1))

    def forward():
        first = layers[0][0] @ x + layers[0][1][:, None]
        a = np.maximum(first, 0)
        second = layers[1][0] @ a + layers[1][1][:, None]
        b = a + np.maximum(second, 0)
        return first, second, layers[2][0] @ b + layers[2][1][:, None], a, b

    first, second, logits, a, b = forward()
    exponentials = np.exp(logits - logits.max())
    at_logits = exponentials / exponentials.sum() - np.eye(10)[:, :1]
    at_b = layers[2][0].T @ at_logits
    at_second = at_b * (second > 0)
    at_first = (at_b + layers[1][0].T @ at_second) * (first > 0)
    gradients = [(at_first, x), (at_second, a), (at_logits, b)]
    for layer, (out, into), (weight, bias) in zip(layers, gradients, numbers(rates), strict=True):
        layer[0] -= rate * weight * np.sign(out @ into.T)
        layer[1] -= rate * bias * np.sign(out[:, 0])
    moved = zip(forward()[:3], (first, second, logits), strict=True)
    return [float(np.sqrt(np.mean((new - old) ** 2))) for new, old in moved]


def test_what_changes_with_the_width_under_the_standard_one_does_not_under_maximal_update():
    widths = [128, 256, 512, 1024]
    slopes = {
        parametrisation.name: np.polyfit(
            np.log2(widths),
            np.log2([change_of_outputs(parametrisation, width) for width in widths]),
            1,
        )[0]
        for parametrisation in (STANDARD, MAXIMAL_UPDATE)
    }
    np.testing.assert_allclose(slopes["maximal update"], 0, atol=0.15)
    first, second, logits = slopes["standard"]
    assert abs(first) < 0.15
    assert second == pytest.approx(1, abs=0.2)
    assert 0.8 < logits < 1.6


def test_what_has_no_rule_is_refused():
    with pytest.raises(ValueError, match="optimizer must be one of Adam, SGD, not 'Lion'"):
        MAXIMAL_UPDATE.multipliers(shapes_of(16), shapes_of(BASE), "Lion")
    deeper = eqx.filter_eval_shape(MLP, depth=3, key=jax.random.key(0))
    with pytest.raises(ValueError, match="the network at another width, with the same layers"):
        MAXIMAL_UPDATE.initialised(deeper, shapes_of(BASE))
    other = eqx.filter_eval_shape(ResNet, key=jax.random.key(0))
    with pytest.raises(ValueError, match="in Linear and Convolution layers alone"):
        MAXIMAL_UPDATE.initialised(other, other)
