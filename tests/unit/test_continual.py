"""Continual learning: methods and replaced units against slow derivations in NumPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d.measures.representations import dead_units
from mnist1d.models import MLP
from mnist1d.models.layers import Linear, draw_layers
from mnist1d.training.continual import Method, Tasks, learn, outputs_of
from mnist1d.training.continual_backpropagation import new_units, next_units, replaced

WIDTH, N_SAMPLES, N_TASKS, N_STEPS, BATCH = 6, 12, 3, 5, 4
CALL = jax.jit(lambda *arguments: learn(*arguments, maturity=3, key=jax.random.key(7)))


def network_of(seed=0):
    shapes = eqx.filter_eval_shape(MLP, hidden_size=WIDTH, residual=False, key=jax.random.key(0))
    return draw_layers(shapes, np.random.default_rng(seed))


def tasks_of(seed=0):
    rng = np.random.default_rng(seed)
    return Tasks(
        rng.normal(size=(40, N_SAMPLES)).astype(np.float32),
        np.stack([rng.permutation(40) for _ in range(N_TASKS)]),
        rng.integers(0, 10, (N_TASKS, N_SAMPLES)),
        rng.integers(0, N_SAMPLES, (N_TASKS, N_STEPS, BATCH)),
    )


def learned(tasks, network=None, **method):
    numbers = Method(*(np.float32(each) for each in Method(**method)))
    found = CALL(network or network_of(), numbers, tasks)
    return {name: np.asarray(each) for name, each in found.items()}


def slowly_chosen(activities, outgoing, rate, maturity, decay):
    """Return the unit that is replaced at every step, by the published algorithm, in loops."""
    n = activities.shape[1]
    utility, age, due, chosen = [0.0] * n, [0] * n, 0.0, []
    for activity in activities:
        eligible = []
        for unit in range(n):
            age[unit] += 1
            added = activity[unit] * sum(abs(outgoing[k][unit]) for k in range(len(outgoing)))
            utility[unit] = decay * utility[unit] + (1 - decay) * added
            if age[unit] > maturity:
                eligible.append(unit)
        due += rate * len(eligible)
        if due > 1 and eligible:
            least = min(eligible, key=lambda unit: utility[unit])
            utility[least], age[least], due = 0.0, 0, due - 1
            chosen.append(least)
        else:
            chosen.append(-1)
    return chosen, utility, age


def test_units_are_replaced_as_by_the_published_algorithm():
    rng = np.random.default_rng(0)
    activities, outgoing = rng.uniform(size=(400, 8)), rng.normal(size=(3, 8))
    settings = {"rate": 1 / 32, "maturity": 9, "decay": 0.9}
    units, found = new_units(8), []
    weights = jnp.asarray(outgoing)
    step = jax.jit(lambda units, activity: next_units(units, activity, weights, **settings))
    for activity in activities:
        units, unit = step(units, activity)
        found.append(int(unit))
    chosen, utility, age = slowly_chosen(activities, outgoing, **settings)
    assert found == chosen
    assert len(set(found)) > 4  # others are replaced, and most steps replace none
    assert found.count(-1) > 200
    np.testing.assert_allclose(units.utility, utility, rtol=1e-5)
    np.testing.assert_array_equal(units.age, age)


@pytest.mark.slow
def test_a_replaced_unit_adds_nothing_and_others_stay_as_they_are():
    first, second = (Linear(4, 4, key=jax.random.key(n)) for n in range(2))
    drawn = (jnp.arange(4.0), jnp.array(9.0))
    new_first, new_second = replaced(first, second, jnp.array(2), drawn)
    np.testing.assert_array_equal(new_first.weight[2], drawn[0])
    np.testing.assert_array_equal(new_second.weight[:, 2], 0)
    others = np.array([0, 1, 3])
    np.testing.assert_array_equal(new_first.weight[others], first.weight[others])
    np.testing.assert_array_equal(new_second.weight[:, others], second.weight[:, others])
    np.testing.assert_array_equal(new_second.bias, second.bias)
    same = replaced(first, second, jnp.array(-1), drawn)
    assert eqx.tree_equal(same, (first, second))


def slowly_learned(tasks, *, adam_rate, sgd_rate, decay, decay_to_start):
    """Learn tasks in float64, with gradients and Adam written out."""
    network = network_of()
    layers = (network.hidden, network.second, network.output)
    weights = [part.astype(float) for layer in layers for part in (layer.weight, layer.bias)]
    start = [each.copy() for each in weights]
    means, squares = ([np.zeros_like(each) for each in weights] for _ in range(2))
    accuracies, sizes, count = [], [], 0
    for order, labels, rows in zip(tasks.orders, tasks.labels, tasks.rows, strict=True):
        hits = []
        for chosen in rows:
            x, y = tasks.x[order][:, chosen].astype(float), labels[chosen]
            w1, b1, w2, b2, w3, b3 = weights
            first = np.maximum(w1 @ x + b1[:, None], 0)
            second = np.maximum(w2 @ first + b2[:, None], 0)
            logits = w3 @ second + b3[:, None]
            hits.append((logits.argmax(axis=0) == y).mean())
            shares = np.exp(logits - logits.max(axis=0))
            shares /= shares.sum(axis=0)
            d3 = (shares - np.eye(10)[:, y]) / len(y)
            d2 = (w3.T @ d3) * (second > 0)
            d1 = (w2.T @ d2) * (first > 0)
            slopes = [d1 @ x.T, d1.sum(1), d2 @ first.T, d2.sum(1), d3 @ second.T, d3.sum(1)]
            count += 1
            for number, slope in enumerate(slopes):
                weight = weights[number]
                whole = slope + decay * weight + decay_to_start * (weight - start[number])
                means[number] = 0.9 * means[number] + 0.1 * whole
                squares[number] = 0.999 * squares[number] + 0.001 * whole**2
                mean, square = (
                    means[number] / (1 - 0.9**count),
                    squares[number] / (1 - 0.999**count),
                )
                weights[number] = (
                    weight - adam_rate * mean / (np.sqrt(square) + 1e-8) - sgd_rate * whole
                )
        accuracies.append(np.mean(hits))
        sizes.append(np.abs(np.concatenate([each.ravel() for each in weights[::2]])).mean())
    return accuracies, sizes


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        {"adam_rate": 0.01, "sgd_rate": 0.0, "decay": 0.0, "decay_to_start": 0.0},
        {"adam_rate": 0.0, "sgd_rate": 0.3, "decay": 0.1, "decay_to_start": 0.0},
        {"adam_rate": 0.01, "sgd_rate": 0.0, "decay": 0.02, "decay_to_start": 0.3},
    ],
    ids=["Adam", "SGD with L2", "Adam with both"],
)
def test_methods_do_what_is_written_out_in_numpy(method):
    found = learned(tasks_of(), **method)
    accuracies, sizes = slowly_learned(tasks_of(), **method)
    np.testing.assert_allclose(found["accuracy"], accuracies, atol=1e-6)
    np.testing.assert_allclose(found["weight_size"], sizes, rtol=1e-4)


@pytest.mark.slow
def test_a_new_network_knows_nothing_of_earlier_tasks_and_a_kept_one_does():
    tasks = tasks_of()
    labels = tasks.labels.copy()
    labels[0] = (labels[0] + 1) % 10
    other = tasks._replace(labels=labels)
    for anew, same in (({"shrink": 1.0, "noise": 1.0}, True), ({}, False)):
        one, two = (learned(each, adam_rate=0.02, **anew) for each in (tasks, other))
        agree = one["weight_size"][1:] == two["weight_size"][1:]
        assert agree.all() if same else not agree.any()


@pytest.mark.slow
def test_shrinking_makes_weights_smaller_before_each_task_but_the_first():
    found = learned(tasks_of(), shrink=0.5)["weight_size"]
    np.testing.assert_allclose(found / found[0], [1, 0.5, 0.25], rtol=1e-5)


@pytest.mark.slow
def test_replacement_changes_a_network_that_does_not_learn():
    tasks, network = tasks_of(), network_of()
    sizes = learned(tasks, network, replacement=0.1)["weight_size"]
    size_before = learned(tasks, network)["weight_size"]
    assert (size_before == size_before[0]).all()
    assert (sizes < size_before).all()  # outgoing weights become 0


@pytest.mark.slow
def test_normalised_layers_do_not_depend_on_the_scale_of_their_weights():
    network, x = jax.tree.map(jnp.asarray, (network_of(), tasks_of().x))
    scaled = eqx.tree_at(
        lambda each: (each.hidden.weight, each.hidden.bias),
        network,
        (100 * network.hidden.weight, 100 * network.hidden.bias),
    )
    for normalise, same in ((1.0, True), (0.0, False)):
        one, two = (outputs_of(each, x, normalise)[0] for each in (network, scaled))
        assert np.allclose(one, two, atol=1e-3) == same


@pytest.mark.slow
def test_units_that_died_are_counted_and_the_training_goes_on():
    network = network_of()
    dead = eqx.tree_at(lambda each: each.second.bias, network, np.full(WIDTH, -1e6, np.float32))
    found = learned(tasks_of(), dead, adam_rate=0.01)
    assert (found["dead_units"] >= 0.5).all()
    assert (found["effective_rank"] == 0).all()
    assert dead_units(np.array([[0.0, 1.0], [0.0, 0.0]])).tolist() == [True, False]


@pytest.mark.slow
def test_a_training_that_diverged_has_no_number():
    network = network_of()
    far = eqx.tree_at(lambda each: each.hidden.weight, network, network.hidden.weight * np.inf)
    assert all(np.isnan(each).all() for each in learned(tasks_of(), far).values())
