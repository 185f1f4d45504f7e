"""Matching of hidden units against all permutations, and barriers on lines of known heights."""

from itertools import permutations

import equinox as eqx
import jax
import numpy as np
import pytest

from mnist1d.measures.lines import average, barrier, on_line, places_on_line
from mnist1d.measures.matching import match_activations, match_weights, mlp_axes, permuted
from mnist1d.models import MLP, predict
from mnist1d.models.layers import draw_layers

pytestmark = pytest.mark.usefixtures("quick_compilation")
KINDS = [(True, 2), (False, 2), (True, 3), (False, 4)]


def network(seed, *, hidden_size=6, residual=True, depth=2):
    def made(key):
        return MLP(5, hidden_size, 3, residual=residual, depth=depth, key=key)

    shapes = eqx.filter_eval_shape(made, jax.random.key(0))
    return draw_layers(shapes, np.random.default_rng(seed))


def orders_of(axes, hidden_size, seed):
    names = dict.fromkeys(name for each in axes for name in each if name)
    rng = np.random.default_rng(seed)
    return {name: rng.permutation(hidden_size) for name in names}


def distance(first, second):
    """Return the squared distance of two networks, from no inner product."""
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return sum(float(((one.astype(float) - other) ** 2).sum()) for one, other in pairs)


@pytest.mark.parametrize(("residual", "depth"), KINDS)
def test_a_network_in_another_order_computes_the_same(residual, depth):
    axes = mlp_axes(depth, residual=residual)
    first = network(0, residual=residual, depth=depth)
    turned = permuted(first, axes, orders_of(axes, 6, 1))
    x = np.random.default_rng(2).normal(size=(7, 5)).astype(np.float32)
    outputs = [eqx.filter_jit(predict)(each, x) for each in (turned, first)]
    np.testing.assert_allclose(*outputs, atol=1e-6)
    assert distance(turned, first) > 1


@pytest.mark.parametrize(("residual", "depth"), KINDS)
def test_a_copy_in_another_order_is_found_exactly(residual, depth):
    axes = mlp_axes(depth, residual=residual)
    first = network(0, hidden_size=40, residual=residual, depth=depth)
    copy = permuted(first, axes, orders_of(axes, 40, 1))
    found = permuted(copy, axes, match_weights(first, copy, axes))
    assert distance(first, found) == 0


def test_one_layer_is_matched_as_well_as_any_of_all_permutations():
    rng = np.random.default_rng(0)
    axes = [("units", None), ("units",), (None, "units")]
    for _ in range(5):
        first, second = (
            [rng.normal(size=shape) for shape in ((6, 4), (6,), (3, 6))] for _ in range(2)
        )
        found = distance(first, permuted(second, axes, match_weights(first, second, axes)))
        tried = [
            distance(first, permuted(second, axes, {"units": np.array(order)}))
            for order in permutations(range(6))
        ]
        assert found == pytest.approx(min(tried), rel=1e-12)


@pytest.mark.parametrize("depth", [2, 3])
def test_no_permutation_of_a_single_layer_comes_nearer(depth):
    axes = mlp_axes(depth, residual=False)
    for seed in range(3):
        first, second = (
            network((seed, place), hidden_size=5, residual=False, depth=depth) for place in (0, 1)
        )
        orders = match_weights(first, second, axes)
        found = distance(first, permuted(second, axes, orders))
        for name in orders:
            for order in permutations(range(5)):
                changed = {**orders, name: np.array(order)}
                assert distance(first, permuted(second, axes, changed)) >= found - 1e-9


def test_layers_that_share_an_order_come_nearer_than_chance_and_nearly_as_near_as_possible():
    axes = mlp_axes()
    ratios = []
    for seed in range(8):
        first, second = (network((seed, place), hidden_size=5) for place in (0, 1))
        orders = match_weights(first, second, axes)
        tried = sorted(
            distance(first, permuted(second, axes, {"hidden": np.array(order)}))
            for order in permutations(range(5))
        )
        found = distance(first, permuted(second, axes, orders))
        assert found <= np.median(tried)
        ratios.append((found - tried[0]) / (np.median(tried) - tried[0]))
    assert np.mean(ratios) < 0.25


def test_activations_are_matched_as_well_as_by_any_of_all_permutations():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 6, 50))
    order = match_activations({"units": first}, {"units": second})["units"]
    found = ((first - second[order]) ** 2).sum()
    tried = [((first - second[list(each)]) ** 2).sum() for each in permutations(range(6))]
    assert found == pytest.approx(min(tried), rel=1e-12)
    copy = first[[3, 1, 4, 0, 5, 2]]
    (order,) = match_activations({"units": first}, {"units": copy}).values()
    np.testing.assert_array_equal(copy[order], first)


def test_a_network_that_diverged_is_left_as_it_is():
    first, second = network(0), jax.tree.map(lambda leaf: leaf * np.nan, network(1))
    assert match_weights(first, second, mlp_axes())["hidden"].tolist() == list(range(6))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda axes: axes[:-1], "axes must be those of 6 arrays, not of 5"),
        (lambda axes: [(None,), *axes[1:]], "axes of array 0 must have 2 names, not 1"),
        (
            lambda axes: [("hidden", "hidden"), *axes[1:]],
            "'hidden' must have one size, not 6 and 5",
        ),
    ],
)
def test_axes_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        match_weights(network(0), network(1), change(mlp_axes()))


def test_networks_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="both networks must have shapes"):
        match_weights(network(0), network(1, hidden_size=7), mlp_axes())
    with pytest.raises(ValueError, match="both networks must have the same names and shapes"):
        match_activations({"a": np.ones((2, 3))}, {"a": np.ones((2, 4))})


def test_the_barrier_is_the_excess_over_the_straight_line_between_the_ends():
    places = places_on_line(101)
    # 2 + 3 p plus a parabola whose top is 0.7 at the middle.
    heights = 2 + 3 * places + 0.7 * 4 * places * (1 - places)
    assert barrier(heights) == pytest.approx(0.7)
    np.testing.assert_allclose(barrier(np.stack([heights, -heights], 1), axis=0), [0.7, 0])
    assert barrier([1.0, 3.0]) == 0
    assert np.isnan(barrier([1.0, np.nan, 2.0]))
    assert np.isnan(barrier([1.0, 2.0, np.nan]))
    with pytest.raises(ValueError, match="2 places or more, not 1"):
        barrier([1.0])


def test_the_middle_of_a_line_is_the_average_and_its_ends_are_the_networks():
    first, second = network(0), network(1)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), first, second)
    assert distance(on_line(first, second, 0.5), average(stacked)) < 1e-10
    assert distance(on_line(first, second, 0.0), first) == 0
    assert distance(on_line(first, second, 1.0), second) == 0
    assert on_line(first, second, 0.3).hidden.weight.dtype == np.float32
