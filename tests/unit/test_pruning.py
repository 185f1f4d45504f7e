"""Masks: sparsity as asked, nested, per layer with biases; controls keep what they promise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings, strategies as st

from mnist1d.measures.adjacency import adjacency_probability, runs_per_unit
from mnist1d.models import CNN, GRU, MLP, MaskedMLP, masks, predict
from mnist1d.models.layers import Linear, draw_layers
from mnist1d.models.masked_mlp import Needed, needed_units, rounded_product
from mnist1d.training import Training, cross_entropy, train

RNG = np.random.default_rng(0)


def drawn(make, **settings):
    """Draw a network without compiling anything, as every process does that looks for tests."""
    shapes = eqx.filter_eval_shape(lambda: make(**settings, key=jax.random.key(0)))
    return jax.tree.map(jnp.asarray, draw_layers(shapes, RNG))


NETWORK = drawn(MLP, hidden_size=30)


def layers(tree):
    return jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, Linear))


def parameters(layer):
    return np.concatenate([np.ravel(layer.weight), layer.bias])


@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_every_layer_loses_the_asked_share_rounded_down(fraction, seed):
    rng = np.random.default_rng(seed)
    for mask in (
        masks.magnitude_mask(NETWORK, fraction),
        masks.random_mask(NETWORK, fraction, rng),
    ):
        for layer, own in zip(layers(mask), layers(NETWORK), strict=True):
            n = parameters(own).size
            assert (~parameters(layer)).sum() == int(fraction * n)


@pytest.mark.parametrize("fraction", [0.3, 0.9])
def test_magnitude_keeps_exactly_the_largest_weights_and_biases(fraction):
    mask = masks.magnitude_mask(NETWORK, fraction)
    for layer, own in zip(layers(mask), layers(NETWORK), strict=True):
        kept, values = parameters(layer), np.abs(parameters(own))
        assert values[kept].min() > values[~kept].max()


def test_masks_of_growing_sparsity_are_nested_after_any_training():
    rng = np.random.default_rng(0)
    mask = masks.full_mask(NETWORK)
    for fraction in np.linspace(0, 1, 12):
        trained = jax.tree.map(
            lambda kept: np.where(kept, rng.normal(size=kept.shape), 0).astype("float32"), mask
        )
        following = masks.magnitude_mask(trained, fraction)
        jax.tree.map(lambda new, old: np.testing.assert_array_less(new & ~old, 1), following, mask)
        mask = following
    assert masks.sparsity(mask) == 1


x = jnp.asarray(RNG.normal(size=(20, 40)), jnp.float32)
y = jnp.asarray(np.arange(20) % 10, jnp.int32)
optimizer = optax.adam(0.02)
training = Training(
    batch=lambda data, _step, _key: data,
    loss=lambda model, batch, _key: cross_entropy(predict(model, batch[0]), batch[1]),
    evaluate=lambda model, data: predict(model, data[0]),
    optimizer=optimizer,
    n_steps=15,
)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_a_masked_network_trains_like_one_whose_weights_are_zeroed_before_every_step():
    """In the published loop (section 5.1) the mask multiplies in place and gradients are free."""
    mask = masks.random_mask(NETWORK, 0.6, np.random.default_rng(1))
    model, history = train(training, MaskedMLP(NETWORK, mask), (x, y), key=jax.random.key(2))

    @jax.jit
    def step(network, state):
        network = masks.masked(network, mask)
        gradient = jax.grad(lambda own: cross_entropy(predict(own, x), y))(network)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(network, updates), state

    network, state = NETWORK, jax.jit(optimizer.init)(NETWORK)
    for _ in range(15):
        network, state = step(network, state)
    expected = eqx.filter_jit(predict)(masks.masked(network, mask), x)
    np.testing.assert_allclose(history.metrics[0], expected, atol=2e-4)
    # What is masked stays at exactly 0.
    jax.tree.map(
        lambda kept, own: np.testing.assert_array_equal(own[~kept], 0), mask, model.network
    )


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize(("fraction", "multiple"), [(0.8, 1), (0.9, 7), (0.95, 1), (1.0, 5)])
def test_units_that_cannot_make_a_difference_can_be_left_out(fraction, multiple):
    mask = masks.random_mask(NETWORK, fraction, np.random.default_rng(2))
    needed = needed_units(mask, multiple)
    assert needed.n_second < 30
    assert needed.n_second % multiple == 0
    small = MaskedMLP(needed.take_from(NETWORK), needed.take_from(mask))
    model, history = train(training, small, (x, y), key=jax.random.key(2))
    whole, whole_history = train(training, MaskedMLP(NETWORK, mask), (x, y), key=jax.random.key(2))
    np.testing.assert_allclose(history.metrics, whole_history.metrics, atol=2e-5)
    jax.tree.map(
        lambda own, other: np.testing.assert_allclose(own, other, atol=2e-5),
        masks.masked(needed.put_into(NETWORK, model.network), mask),
        whole.network,
    )


def test_several_small_networks_are_put_into_as_many_whole_ones():
    needed = Needed(np.array([4, 0, 7]), 2)
    small = needed.take_from(NETWORK)
    both = jax.tree.map(lambda leaf: np.stack([leaf, leaf + 1]), small)
    whole = needed.put_into(NETWORK, both)
    jax.tree.map(lambda own, other: np.testing.assert_array_equal(own[0], other), whole, NETWORK)
    np.testing.assert_array_equal(whole.second.weight[1, 4, 7], NETWORK.second.weight[4, 7] + 1)
    np.testing.assert_array_equal(whole.second.weight[1, 7], NETWORK.second.weight[7])


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_products_in_bfloat16_differ_by_its_rounding_alone():
    model = MaskedMLP(NETWORK, masks.full_mask(NETWORK))
    rounded = MaskedMLP(NETWORK, masks.full_mask(NETWORK), "bfloat16")
    x = jax.random.normal(jax.random.key(1), (50, 40))
    exact, coarse, one = eqx.filter_jit(
        lambda: (predict(model, x), predict(rounded, x), rounded(x[0]))
    )()
    assert coarse.dtype == jnp.float32
    error = float(jnp.abs(exact - coarse).max())
    assert 0 < error < 0.02
    assert one.shape == (10,)
    np.testing.assert_allclose(one, coarse[0], atol=1e-6)


@pytest.mark.slow
def test_gradients_of_products_in_bfloat16_are_those_of_rounded_factors():
    def rounded(values):
        return np.asarray(jnp.asarray(values, jnp.float32).astype(jnp.bfloat16), np.float64)

    x, weight, gradient = (RNG.normal(size=shape) for shape in ((7, 4), (5, 4), (7, 5)))
    product, backward = jax.vjp(
        rounded_product, *(jnp.asarray(a, jnp.float32) for a in (x, weight))
    )
    of_x, of_weight = backward(jnp.asarray(gradient, jnp.float32))
    for found, first, second in (
        (product, x, weight.T),
        (of_x, gradient, weight),
        (of_weight, gradient.T, x),
    ):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, rounded(first) @ rounded(second), rtol=1e-5, atol=1e-6)
        assert np.abs(found - first @ second).max() > 1e-4


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_networks_with_products_in_bfloat16_can_be_mapped():
    """A GPU trains many networks as one, their masks and all."""
    x, labels = jax.random.normal(jax.random.key(1), (6, 40)), jnp.arange(6)
    mask = jax.tree.map(lambda leaf: RNG.random(leaf.shape) < 0.5, NETWORK)
    both = [MaskedMLP(NETWORK, each, "bfloat16") for each in (mask, masks.full_mask(NETWORK))]

    def gradient(model):
        return eqx.filter_grad(lambda model: cross_entropy(predict(model, x), labels))(model)

    together = jax.jit(jax.vmap(gradient))(jax.tree.map(lambda *leaves: np.stack(leaves), *both))
    alone = jax.jit(gradient)
    for i, model in enumerate(both):
        for one, other in zip(
            jax.tree.leaves(alone(model)), jax.tree.leaves(together), strict=True
        ):
            np.testing.assert_allclose(one, other[i], rtol=1e-4, atol=1e-6)


kept_masks = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).random((12, 40)) < 0.01 + seed % 90 / 100
)


@given(kept_masks, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_random_masks_of_the_same_degrees_keep_both_degrees(kept, seed):
    other = masks.with_same_degrees(kept, np.random.default_rng(seed))
    np.testing.assert_array_equal(other.sum(0), kept.sum(0))
    np.testing.assert_array_equal(other.sum(1), kept.sum(1))


@given(kept_masks, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_random_masks_of_the_same_runs_keep_all_adjacency(kept, seed):
    other = masks.with_same_runs(kept, np.random.default_rng(seed))
    for length in range(1, 6):
        np.testing.assert_array_equal(runs_per_unit(other, length), runs_per_unit(kept, length))


def test_places_of_runs_are_uniform():
    """One run of 2 in 5 places: four arrangements, 4000 draws, each within five deviations."""
    kept = np.tile(np.array([1, 1, 0, 0, 0], bool), (4000, 1))
    other = masks.with_same_runs(kept, np.random.default_rng(0))
    counts = np.bincount(other.argmax(axis=1), minlength=5)
    assert counts[4] == 0
    assert np.abs(counts[:4] - 1000).max() < 5 * np.sqrt(1000 * 0.75)


def test_degrees_alone_forget_adjacency():
    kept = np.zeros((200, 40), bool)
    for row, start in enumerate(np.random.default_rng(0).integers(0, 36, 200)):
        kept[row, start : start + 4] = True
    other = masks.with_same_degrees(kept, np.random.default_rng(1))
    assert adjacency_probability(kept, 3) > 10 * adjacency_probability(other, 3)


def test_adjacency_counts_positions_and_divides_by_their_number():
    kept = np.zeros((2, 40), bool)
    kept[0, 3:7] = True
    np.testing.assert_array_equal(runs_per_unit(kept, 2), [3, 0])
    assert adjacency_probability(kept, 4) == pytest.approx(1 / 37 / 2)


@pytest.mark.slow
def test_bits_of_another_network_are_refused():
    bits = masks.pack(masks.full_mask(NETWORK))
    with pytest.raises(ValueError, match=r"a mask of \d+ parameters cannot be made of \d+ bytes"):
        masks.unpack(bits, drawn(MLP, hidden_size=31))


@pytest.mark.parametrize(
    "make",
    [
        lambda: drawn(CNN),
        pytest.param(
            lambda: [
                eqx.nn.Conv1d(1, 3, 5, use_bias=False, key=jax.random.key(0)),
                eqx.nn.Linear(4, 5, key=jax.random.key(1)),
            ],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["ours", "Equinox's"],
)
def test_convolutions_lose_their_smallest_weights_too(make):
    network = make()
    mask = masks.magnitude_mask(network, 0.5)

    def by_layer(tree):
        found = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, masks.LAYERS))
        return [
            np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(each)]) for each in found
        ]

    for kept, values in zip(by_layer(mask), by_layer(network), strict=True):
        assert (~kept).sum() == values.size // 2
        assert abs(values)[kept].min() > abs(values)[~kept].max()
    pruned = masks.masked(network, mask)
    assert jax.tree.structure(pruned) == jax.tree.structure(network)


@pytest.mark.slow
def test_weights_outside_of_layers_are_refused():
    with pytest.raises(TypeError, match=r"not ArrayImpl of shape \(3, 2, 6, 1\) outside of one"):
        masks.magnitude_mask(GRU(key=jax.random.key(0)), 0.5)
