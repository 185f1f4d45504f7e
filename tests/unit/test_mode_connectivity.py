"""Mode connectivity: who is trained on what, what is between them, and what measures find there."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.execution import Task
from mnist1d.experiments.beyond import mode_connectivity
from mnist1d.experiments.beyond.mode_connectivity import measures, method as experiment
from mnist1d.experiments.beyond.mode_connectivity.config import (
    AVERAGES,
    BY_WEIGHTS,
    ENSEMBLE,
    INDEPENDENT,
    LATE,
    MEASURES,
    MODELS,
    ONE,
    SOUP,
    SWA,
    UNMATCHED,
    Config,
)
from mnist1d.experiments.beyond.mode_connectivity.training import (
    Trainer,
    batches,
    children_batches,
    hidden_outputs,
    initial_network,
    samples_of,
)
from mnist1d.harness.claims import judge
from mnist1d.models import predict
from mnist1d.training import accuracy, cross_entropy

CONFIG = Config()
QUICK = Config.quick()

ERRORS = {ONE: 0.2, SWA: 0.17, SOUP: 0.171, ENSEMBLE: 0.17}
"""Made up, of children of a late split."""


def height(key, matching):
    """Return the made-up barrier of errors: lower after late splits, in wide networks, matched."""
    if key["split"] is not None:
        return 0.3 if key["split"] < 300 else 0.001
    return (0.5 if matching == UNMATCHED else 0.04) / key["size"] ** 0.5


class Recorded:
    """Takes the place of `Compute`: keeps the tasks, and returns arrays that a key determines."""

    def __init__(self):
        self.tasks = []

    def __call__(self, tasks, *_):
        self.tasks += tasks
        for task in tasks:
            key, arrays = task.key, {}
            noise = 1 + 0.01 * key["trial"]
            place = np.linspace(0, 1, key["n_places"])
            curves = [
                0.2 + height(key, matching) * noise * 4 * place * (1 - place)
                for matching in key["matchings"]
            ]
            if curves:
                arrays |= {f"line {name}": np.array(curves) for name in MEASURES}
            if key["is_averaged"]:
                # Independent ones: a soup that guesses, and an ensemble that is better.
                other = {SOUP: 0.9, ENSEMBLE: 0.12} if key["split"] is None else {}
                errors = np.array([{**ERRORS, **other}[each] for each in AVERAGES]) * noise
                losses = errors + np.array([each == SWA for each in AVERAGES])
                arrays |= {
                    f"average {name}": errors if name.endswith("error") else losses
                    for name in MEASURES
                }
            yield task, arrays


@pytest.fixture(scope="module")
def made_up():
    """Return a result in which the literature is right, and its tasks."""
    compute = Recorded()
    return experiment.run(dataclasses.replace(CONFIG, seeds=3), compute=compute), compute.tasks


def test_every_task_is_there_once_and_has_its_place(made_up):
    result, tasks = made_up
    assert len({str(task.key) for task in tasks}) == len(tasks) == 3 * (2 * 7 + 3 + 1)
    assert {task.key["n_networks"] for task in tasks if task.key["is_averaged"]} == {4}
    assert {task.key["n_networks"] for task in tasks if not task.key["is_averaged"]} == {2}
    averaged = [task for task in tasks if task.key["is_averaged"]]
    places = {(task.key["model"], task.key["size"], task.key["split"]) for task in averaged}
    assert places == {("MLP", 100, 2000), ("MLP", 100, None), ("CNN", 25, 2000), ("CNN", 25, None)}
    assert all(result[name].notnull().all() for name in result)
    middle = result.independent_train_error.sel(width=25, matching=BY_WEIGHTS, place=0.5, seed=2)
    assert middle == pytest.approx(0.2 + 0.04 / 5 * 1.02)
    found = result.average_test_error.sel(model="CNN", origin=INDEPENDENT, averaged=SOUP, seed=0)
    assert found == 0.9


def test_measures_are_barriers_in_nats_and_points(made_up):
    result, _ = made_up
    noise = 1 + 0.01 * np.arange(3)
    found = measures.children_barrier("MLP", 0, "test_error").per_seed(result)
    np.testing.assert_allclose(found, 30 * noise)
    found = measures.independent_barrier(25, UNMATCHED, "train_loss").per_seed(result)
    np.testing.assert_allclose(found, 0.1 * noise)
    found = measures.width_factor(25, 400).per_seed(result)
    np.testing.assert_allclose(found, 2, atol=1e-4)
    turned = result.transpose("place", "seed", ...)
    np.testing.assert_array_equal(measures.width_factor(25, 400).per_seed(turned), found)
    assert measures.children_barrier("MLP", 7, "test_error")(result).n == 0
    # No barrier at all is no infinite factor.
    flat = result.assign(independent_train_loss=0 * result.independent_train_loss)
    np.testing.assert_array_equal(measures.width_factor(25, 400).per_seed(flat), 0)


def test_claims_hold_in_a_world_in_which_the_literature_is_right(made_up):
    result, _ = made_up
    judgements = judge(mode_connectivity.CLAIMS, result, full=True)
    assert {each.verdict for each in judgements} == {"reproduced"}
    assert len(mode_connectivity.summarise(result)) == 2 * 7 + 3 * 3 + 2 * 2 * 4
    said = mode_connectivity.remarks(result)
    assert "21 places" in said[0]
    assert "the MLP is stable from step 300 on" in said[1]
    assert mode_connectivity.plot(result).keys() == mode_connectivity.CAPTIONS.keys()


def test_remarks_and_reasons_have_numbers_of_the_result(made_up):
    result, _ = made_up
    said = " ".join(mode_connectivity.remarks(result))
    # Heights of `height` are 0.5 / sqrt(width) and, matched, 0.04 / sqrt(width); trials add 1 %.
    assert "by widths 25, 100 and 400, the barrier of the training loss is 0.10, 0.05 and" in said
    assert "0.03 nats, that of the test error 10, 5 and 3 points" in said
    assert "From 25 to 100 that of the training loss changes by -1.00" in said
    assert "leaves, by the same widths, 0.08, 0.08 and 0.08" in said
    reasons = mode_connectivity.explain(result)
    assert reasons.keys() == {"matching-leaves-none", "swa-fits-less"}
    assert reasons["matching-leaves-none"].startswith("No lower barrier")
    assert "0.2 points, by weights 0.2;" in reasons["matching-leaves-none"]
    better = result.copy(deep=True)
    better["independent_test_error"].loc[{"matching": "by activations"}] = 0.2
    assert mode_connectivity.explain(better)["matching-leaves-none"].startswith("An order with")
    one = result.isel(seed=[0])
    texts = [*mode_connectivity.remarks(one), *mode_connectivity.explain(one).values()]
    assert "nan" not in f"{said} {reasons} {texts}"


def test_only_bars_that_are_cut_lose_their_error_bars(made_up):
    result, _ = made_up
    wide = result.copy(deep=True)
    wide["average_test_error"].loc[{"averaged": ONE, "seed": 0}] = 0.5
    axes = mode_connectivity.plot(wide)["figure-averages"].axes[0]
    ends = measures.average_of("MLP", LATE, ONE, "test_error")(wide).high
    assert axes.get_ylim()[1] > ends
    assert any("91" in text.get_text() for text in axes.texts)


def test_claims_differ_in_another_world(made_up):
    result, _ = made_up
    same = result.sel(split=0, drop=True).expand_dims(split=result.split)
    children = {name: same[name] for name in result if "children" in name}
    wide = {name: result[name].roll(width=1) for name in result if "independent" in name}
    averages = {name: result[name].roll(averaged=1) for name in result if "average" in name}
    changed = result.assign(**children, **wide, **averages)
    found = {each.claim.name: each for each in judge(mode_connectivity.CLAIMS, changed, full=True)}
    for name in ("stable-early-mlp", "stable-early-cnn", "barrier-falls-with-width", "swa-better"):
        assert found[name].verdict == "differs", name
    assert found["unstable-at-start-mlp"].verdict == "reproduced"
    assert "stable at none of the splits" in mode_connectivity.remarks(changed)[1]


def test_a_training_that_diverged_has_no_number(made_up):
    result, _ = made_up
    lost = result.children_test_error.where((result.seed != 1) | (result.place < 1))
    changed = result.assign(children_test_error=lost)
    found = measures.children_barrier("CNN", 300, "test_error").per_seed(changed)
    assert np.isnan(found).tolist() == [False, True, False]


def test_children_share_the_batches_before_the_split_and_no_others():
    first, second = (children_batches(QUICK, 1, 20, child) for child in (1, 2))
    parent = batches(QUICK, 1, 0)
    np.testing.assert_array_equal(first[:20], parent[:20])
    np.testing.assert_array_equal(second[:20], parent[:20])
    assert (first[20:] != second[20:]).any(axis=1).all()
    assert (first[20:] != parent[20:]).any(axis=1).all()
    # Four batches of 50 are an epoch of all 200 samples.
    epochs = np.sort(parent.reshape(10, 200), axis=1)
    np.testing.assert_array_equal(epochs, np.broadcast_to(np.arange(200), (10, 200)))
    assert (batches(QUICK, 2, 0) != parent).any()


def test_hidden_outputs_are_what_the_last_layer_sees():
    network = initial_network("MLP", 12, 0, 3)
    x = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    outputs = hidden_outputs(network, x)
    assert outputs.shape == (12, 10)
    logits = network.output.weight @ outputs[:, 5:] + network.output.bias[:, None]
    placed = jax.tree.map(jnp.asarray, network)
    np.testing.assert_allclose(logits.T, predict(placed, jnp.asarray(x)), atol=1e-5)


def trained_by_hand(config, rows, network, data):
    """Return the weights after every step of Adam, by a loop of gradients."""
    network = jax.tree.map(jnp.asarray, network)
    optimizer = optax.adam(config.learning_rate)
    state, found = optimizer.init(eqx.filter(network, eqx.is_array)), []

    @eqx.filter_jit
    def step(network, state, x, labels):
        gradient = eqx.filter_grad(lambda each: cross_entropy(predict(each, x), labels))(network)
        updates, state = optimizer.update(gradient, state)
        return eqx.apply_updates(network, updates), state

    for chosen in rows:
        network, state = step(network, state, *(jnp.asarray(part[chosen]) for part in data))
        found.append(network)
    return found


@pytest.mark.slow
def test_lines_and_averages_are_those_of_networks_trained_by_hand():
    config = dataclasses.replace(
        QUICK,
        n_samples=100,
        n_steps=12,
        splits=(0, 5),
        soup_split=5,
        average_from=8,
        average_every=2,
    )
    (task,) = [
        task
        for task in experiment.tasks_of(config)
        if task.key["trial"] == 1 and task.key["model"] == "MLP" and task.key["split"] == 5
    ]
    ((_, arrays),) = Trainer(config)([task], jax.devices()[0], lambda _: None)
    data = samples_of(config, 1)
    start = initial_network("MLP", 16, 1, 0)
    runs = [
        trained_by_hand(config, children_batches(config, 1, 5, child), start, data["train"])
        for child in (1, 2)
    ]
    x, labels = map(jnp.asarray, data["test"])

    def measured(logits):
        return float(cross_entropy(logits, labels)), 1 - float(accuracy(logits, labels))

    def mean(networks):
        return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *networks)

    def of_all(networks):
        return np.mean([measured(predict(each, x)) for each in networks], axis=0)

    last = [run[-1] for run in runs]
    probabilities = sum(jax.nn.softmax(predict(each, x)) for each in last) / 2
    expected = {
        ONE: of_all(last),
        SWA: of_all([mean([run[9], run[11]]) for run in runs]),
        SOUP: of_all([mean(last)]),
        ENSEMBLE: measured(jnp.log(probabilities)),
    }
    for place, name in enumerate(AVERAGES):
        found = [arrays[f"average test_{part}"][place] for part in ("loss", "error")]
        np.testing.assert_allclose(found, expected[name], atol=1e-4, err_msg=name)
    line = arrays["line test_loss"]
    assert line.shape == (1, config.n_places)
    ends = [measured(predict(each, x))[0] for each in last]
    np.testing.assert_allclose(line[0, [0, -1]], ends, atol=1e-4)
    assert line[0, 2] == pytest.approx(expected[SOUP][0], abs=1e-4)


def test_groups_share_a_network_and_a_split():
    tasks: list[Task] = experiment.tasks_of(QUICK)
    groups = {task.group for task in tasks}
    assert len(groups) == len(MODELS) * len(QUICK.splits) + len(QUICK.widths) + 1
    assert {task.labels["origin"] for task in tasks} == {LATE, INDEPENDENT}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"splits": (0, 4000)}, "splits must be from 0 to 3999, not 4000"),
        ({"splits": (0, 10)}, "soup_split must be one of splits, .*, not 2000"),
        ({"hidden_size": 50}, "hidden_size must be one of widths, .*, not 50"),
        ({"average_from": 4000}, "average_from must be from 0 to 3999, not 4000"),
        ({"average_every": 30}, "average_every must divide the 1000 steps after average_from"),
        ({"n_averaged": 3}, "n_averaged must be a multiple of 2"),
        ({"batch_size": 20_000}, "batch_size must be from 1 to 16000"),
        ({"data": CONFIG.data.replace(seed=3)}, "data must leave seed as it is"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataclasses.replace(CONFIG, **changes)
