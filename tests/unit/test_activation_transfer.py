"""Learned activation functions in larger networks: their gradient, their rates, their claims."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d.execution import Task
from mnist1d.experiments.beyond.activation_transfer import learning, method
from mnist1d.experiments.beyond.activation_transfer.claims import CLAIMS, explain, remarks
from mnist1d.experiments.beyond.activation_transfer.config import (
    ARCHITECTURES,
    FUNCTIONS,
    PLACES,
    SIZES,
    Config,
)
from mnist1d.experiments.beyond.activation_transfer.learning import (
    GRID,
    State,
    learnable,
    outer_optimizer,
    outer_step,
    terms_of,
    train_through,
)
from mnist1d.experiments.beyond.activation_transfer.training import initial_network
from mnist1d.harness.claims import judge
from mnist1d.models import CNN, MLP, count_parameters
from mnist1d.models.layers import draw_layers
from mnist1d.models.scalar_network import LearnedFunction, Network

TINY = Config(
    seeds=3, outer_steps=2, inner_steps=4, objective_steps=2, units=4, rates=(0.001, 0.01, 0.1)
)


def drawn(make, seed=0, **settings):
    shapes = jax.eval_shape(lambda key: make(**settings, key=key), jax.random.key(0))
    return draw_layers(shapes, np.random.default_rng(seed))


def in_double(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


def problem(make=MLP, **settings):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(TINY.inner_steps, 6, 40)).astype(np.float32)
    return drawn(Network, hidden=(4,)), drawn(make, **settings), x, rng.integers(0, 10, (4, 6))


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize(
    ("make", "settings"), [(MLP, {"hidden_size": 5}), (CNN, {"channels": 2, "depth": 4})]
)
def test_the_gradient_through_a_training_is_that_of_finite_differences(make, settings):
    with jax.enable_x64(True):
        network, model, x, labels = problem(make, **settings)
        network, model, x = in_double((network, model, x))
        objective = jax.jit(partial(train_through, TINY))
        gradient = jax.jit(jax.grad(partial(train_through, TINY)))(network, model, x, labels)
        direction = jax.tree.map(jnp.cos, network)
        slope = sum(
            float((a * b).sum())
            for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True)
        )

        def moved(step):
            return objective(
                jax.tree.map(lambda p, d: p + step * d, network, direction), model, x, labels
            )

        assert abs(slope) > 1e-6
        assert slope == pytest.approx(float(moved(1e-4) - moved(-1e-4)) / 2e-4, rel=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_function_that_is_learned_is_the_one_that_is_used():
    terms = terms_of(drawn(Network, hidden=(4,)))
    x = jnp.linspace(-20, 20, 101)
    learned, used = jax.jit(lambda: (learnable(terms, x), LearnedFunction(terms, GRID)(x)))()
    np.testing.assert_allclose(learned, used, atol=1e-6)
    assert np.abs(jax.jit(jax.grad(lambda table: learnable(table, x).sum()))(terms)).max() > 0


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize("broken", [False, True])
def test_a_gradient_that_is_not_finite_leaves_the_function_as_it_was(broken):
    network, model, x, labels = problem(hidden_size=5)
    state = State(network, outer_optimizer(TINY).init(network))
    signals = np.where(broken, np.nan, x).astype(np.float32)
    new, record = jax.jit(partial(outer_step, TINY))(state, model, signals, labels)
    same = [
        np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(new), strict=True)
    ]
    assert bool(record["left_out"]) is broken
    assert all(same) is broken
    assert bool(np.isfinite(record["objective"])) is not broken


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_learning_lowers_the_loss_of_trainings(monkeypatch):
    monkeypatch.setitem(learning.MODELS, "MLP", partial(MLP, hidden_size=20))
    config = Config(outer_steps=25, inner_steps=60, objective_steps=40, units=8)
    task = Task({"source": "MLP", "seed": 1000}, {"tuning": False})
    ((_, arrays),) = learning.Learner(config)([task], jax.devices()[0], lambda _: None)
    assert not arrays["left_out"].any()
    assert arrays["objective"][-5:].mean() < arrays["objective"][:5].mean() - 0.05
    assert arrays["function"].shape == PLACES.shape


def test_trials_that_tune_share_no_weights_with_those_that_claims_are_about():
    def weights(seed, **options):
        return np.asarray(initial_network("MLP", SIZES[0], seed, **options).hidden.weight)

    claims, tuning = weights(0, tuning=False), weights(0, tuning=True)
    np.testing.assert_array_equal(claims, weights(0, tuning=False))
    assert np.isin(claims, tuning).mean() < 0.01
    assert np.isin(claims, weights(1, tuning=False)).mean() < 0.01


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("MLP", (15_210, 50_410, 180_810, 25_310, 35_410)),
        ("CNN", (5_210, 17_910, 65_810, 7_110, 9_010)),
    ],
)
def test_networks_have_the_sizes_that_their_names_say(architecture, expected):
    found = [
        count_parameters(initial_network(architecture, size, 0, tuning=False)) for size in SIZES
    ]
    assert found == list(expected)


def pretended(tasks, *_, **__):
    """Compute tasks without computing anything: sine is best at 0.1, which diverges for ReLU."""
    for task in tasks:
        if "source" in task.labels:
            yield (
                task,
                {
                    "terms": np.full((3, 4), task.labels["seed"] + 100 * task.key["tuning"]),
                    "function": np.zeros(len(PLACES)),
                    "objective": np.ones(TINY.outer_steps),
                    "left_out": np.array([False, True]),
                    "best_step": np.array(1),
                },
            )
            continue
        assert (task.inputs["terms"] == task.labels["seed"] + 100 * task.key["tuning"]).all()
        rates = np.array(task.key["rates"])
        best = np.where(np.array(FUNCTIONS) == "sine", 0.1, 0.01)
        validation = 0.9 - abs(np.log10(rates / best)) / 10
        validation[0] = np.nan if rates[0] == 0.1 else validation[0]
        # At one rate for all, learned functions are twice as far ahead.
        points = 0.06 if rates[0] == Config.common_rate else 0.03
        ahead = np.array([points * name.startswith("learned") for name in FUNCTIONS])
        noise = np.random.default_rng(task.labels["seed"]).normal(0, 0.002, len(FUNCTIONS))
        # What the test set would choose is another rate.
        test = 0.6 + ahead + noise + 0.1 * (rates == 0.001)
        yield task, {"validation_accuracy": validation, "test_accuracy": test}


@pytest.fixture(scope="module")
def result():
    return method.run(TINY, compute=pretended)


def test_rates_are_chosen_by_validation_accuracy_alone(result):
    assert set(result.chosen_rate.sel(function="sine").to_numpy().ravel()) == {0.1}
    assert set(result.chosen_rate.drop_sel(function="sine").to_numpy().ravel()) == {0.01}
    assert np.isnan(result.tuning_accuracy.sel(function="relu", rate=0.1)).all()
    assert result.tuning_accuracy.sizes["tuning_seed"] == TINY.tuning_seeds
    assert result.test_accuracy.max() < 0.65


def test_claims_are_about_paired_differences_in_every_network(result):
    judgements = judge(CLAIMS, result, full=True)
    found = {each.claim.name: each for each in judgements}
    assert len(found) == len(CLAIMS) == 24
    for name, judgement in found.items():
        if name.startswith("own-beats-other"):
            assert abs(judgement.estimate.mean) < 1
        else:
            expected = 6 if name.startswith("ahead-untuned") else 3
            assert judgement.estimate.mean == pytest.approx(expected, abs=0.5)
            assert judgement.verdict in {"reproduced", "imprecise"}
    worse = result.copy(deep=True)
    place = {"architecture": "CNN", "size": "4-times-as-wide", "function": "learned in CNN"}
    worse.test_accuracy.loc[place] -= 0.06
    changed = {each.claim.name: each for each in judge(CLAIMS, worse, full=True)}
    assert changed["ahead-4-times-as-wide-cnn"].estimate.mean == pytest.approx(-3, abs=0.5)
    assert (
        changed["ahead-4-times-as-wide-mlp"].estimate == found["ahead-4-times-as-wide-mlp"].estimate
    )


def test_networks_that_were_not_trained_decide_nothing(result):
    few = result.sel(size=[SIZES[0]])
    verdicts = {each.claim.name: each.verdict for each in judge(CLAIMS, few, full=True)}
    assert verdicts["ahead-1-layer-more-mlp"] == "not checkable"
    assert verdicts["beats-relu-mlp"] != "not checkable"


def test_what_was_left_out_and_every_claim_have_a_word(result):
    text = " ".join(remarks(result))
    assert f"{result.sizes['seed'] * 2} of {result.left_out.size} outer steps" in text
    assert "10 of 90 functions and networks" in text
    words = explain(result)
    assert set(words) == {claim.name for claim in CLAIMS}
    assert "ReLU 6" in words["beats-relu-mlp"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("objective_steps", 201),
        ("sizes", ("width x 3",)),
        ("sizes", ()),
        ("rates", (0.0,)),
        ("rates", (0.1, 0.1)),
        ("units", 0),
        ("batch_size", 4001),
    ],
)
def test_a_bad_setting_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=rf"{field}.* must"):
        dataclasses.replace(Config(), **{field: value})


def test_functions_learned_in_both_architectures_are_tried():
    assert {f"learned in {name}" for name in ARCHITECTURES} < set(FUNCTIONS)
