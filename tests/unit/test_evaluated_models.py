"""What is evaluated in place of the last weights: averages of them, or those of an earlier step."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.lab.candidates.averaging import EMA, SWA
from mnist1d.lab.candidates.contract import CandidateError, Run, Schedule, Sets, batch_order
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.outcomes import has_diverged
from mnist1d.lab.statistics.stored import measure
from mnist1d.models import Logistic, predict
from mnist1d.training import Training, cross_entropy, train
from mnist1d.training.stateful import Stateful

SCHEDULE = Schedule(n_steps=20, batch_size=50, evaluate_every=2)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 40)).astype(np.float32)
Y = (X[:, :10] @ RNG.normal(size=(10, 10))).argmax(axis=1)
SETS = Sets(X, Y, {"train": X, "validation": X[:70]}, Y[:70])
RUN = Run({"learning_rate": 0.1}, 3, "a")
pytestmark = pytest.mark.usefixtures("quick_compilation", "mixed_types")


def trained(candidate, run=RUN):
    ((_, outcome),) = candidate.train([run], {"a": SETS}, SCHEDULE, lambda *_: None)
    return outcome


@pytest.mark.parametrize(
    ("average", "by_hand"),
    [
        (EMA(0.5), lambda weights: _exponential(weights, 0.5)),
        (EMA(0), lambda weights: weights[-1]),
        (SWA(0.75), lambda weights: np.mean(weights[15:], axis=0)),
        (SWA(0.5, every=4), lambda weights: np.mean(weights[10::4], axis=0)),
        (SWA(0.99), lambda weights: weights[-1]),
    ],
    ids=["EMA 0.5", "EMA 0", "SWA 0.75", "SWA 0.5 every 4", "SWA 0.99"],
)
def test_shares_make_the_average(average, by_hand):
    weights = RNG.normal(size=20)
    mean = 0.0
    for share, new in zip(average.shares(20), weights, strict=True):
        mean = (1 - share) * mean + share * new
    np.testing.assert_allclose(mean, by_hand(weights))


def _exponential(weights, decay):
    mean = weights[0]
    for each in weights[1:]:
        mean = decay * mean + (1 - decay) * each
    return mean


@pytest.mark.slow
def test_an_average_of_the_weights_is_evaluated():
    model, optimizer, every = Logistic(key=jax.random.key(3)), optax.adam(0.1), []
    state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model, state, x, y):
        gradient = eqx.filter_grad(lambda model: cross_entropy(predict(model, x), y))(model)
        updates, state = optimizer.update(gradient, state)
        return eqx.apply_updates(model, updates), state

    for rows in batch_order(len(X), SCHEDULE, 3):
        model, state = step(model, state, jnp.asarray(X[rows]), jnp.asarray(Y[rows]))
        every.append(model)
    mean = jax.tree.map(lambda *leaves: jnp.stack(leaves).mean(axis=0), *every[10:])
    found = trained(EquinoxCandidate(Logistic, average=SWA(0.5)))
    classes = predict(mean, jnp.asarray(X[:70])).argmax(axis=1)
    np.testing.assert_array_equal(found.predictions["validation"], classes)
    np.testing.assert_allclose(
        found.train_loss, trained(EquinoxCandidate(Logistic)).train_loss, rtol=1e-6
    )


class Counter(Stateful):
    """Counts its steps, by which it is judged."""


def counting(metric, patience, n_steps=20):
    """Train for at most n_steps, evaluated after every second one; metrics are of the steps."""
    training = Training(
        batch=lambda data, step, key: data,  # noqa: ARG005
        loss=lambda model, batch, key: (model.model.sum(), model.state + 1),  # noqa: ARG005
        optimizer=optax.sgd(1.0),
        n_steps=n_steps,
        evaluate_every=2,
        evaluate_first=1,
        evaluate=lambda model, data: metric(model.state),  # noqa: ARG005
        patience=patience,
    )
    start = Counter(model=jnp.zeros(1), state=jnp.zeros(()))
    run = jax.jit(lambda model: train(training, model, (), key=jax.random.key(0)))
    return run(start)


@pytest.mark.slow
@pytest.mark.parametrize("patience", [1, 2, 10])
def test_a_run_ends_some_evaluations_after_its_best_one(patience):
    # It rises until step 6, and is a little higher at step 16.
    model, history = counting(lambda n: jnp.where(n == 16, 7.0, -jnp.abs(n - 6)), patience)
    best = 16 if patience == 10 else 6
    assert int(model.state) == best
    assert -float(model.model[0]) == best
    assert history.metrics.step[-1] == best
    last = min(20, best + 2 * patience)
    assert np.isfinite(history.train_loss).tolist() == [i < last for i in range(20)]
    assert (np.diff(history.metrics.metric) >= 0).all()


@pytest.mark.slow
def test_evaluations_without_a_number_are_no_better():
    model, history = counting(lambda n: jnp.where(n == 4, 1.0, jnp.nan), patience=3)
    assert int(model.state) == 4
    np.testing.assert_array_equal(history.metrics.metric[:3], [np.nan, 1.0, 1.0])
    never, history = counting(lambda n: n * jnp.nan, patience=3)
    assert int(never.state) == 0
    assert np.isnan(history.metrics.metric).all()


def test_patience_is_a_number_of_evaluations():
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        counting(lambda n: n, patience=0)


@pytest.mark.slow
def test_early_stopping_takes_the_model_of_the_best_evaluation():
    """The rate is so high that the first evaluations are not the worst."""
    run = Run({"learning_rate": 30.0}, 0, "a")
    all_steps = trained(EquinoxCandidate(Logistic), run)
    kept = trained(EquinoxCandidate(Logistic, patience=10), run)
    best = int(all_steps.validation_accuracy.argmax())
    assert best < 9, "the last evaluation is the best, so that nothing is tested"
    assert kept.step == 2 * (best + 1)
    np.testing.assert_allclose(
        kept.validation_accuracy, np.maximum.accumulate(all_steps.validation_accuracy)
    )
    right = (kept.predictions["validation"] == SETS.y_validation).mean()
    np.testing.assert_allclose(right, kept.validation_accuracy[-1])
    short = trained(EquinoxCandidate(Logistic, patience=1), run)
    assert np.isnan(short.train_loss[-1])
    assert not has_diverged(short)


def test_what_cannot_be_evaluated_is_an_error():
    for values, message in (
        ({"average": 0.9}, r"average must be EMA\(decay\) or SWA\(start\), not 0\.9"),
        ({"average": EMA(), "evaluation_model": max}, "average must be left out with"),
        ({"patience": 0}, "patience must be .*, not 0"),
        ({"patience": True}, "patience must be .*, not True"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            EquinoxCandidate(Logistic, **values)
    with pytest.raises(ValueError, match="decay must be from 0 to below 1, not 1"):
        EMA(1)
    with pytest.raises(ValueError, match=r"start must be from 0 to below 1, not 1\.5"):
        SWA(1.5)


@pytest.mark.slow
def test_an_average_beside_that_of_the_optimizer_is_an_error():
    free = EquinoxCandidate(Logistic, optax.contrib.schedule_free_sgd, average=EMA())
    with pytest.raises(CandidateError, match="average must be left out with an optimizer that has"):
        free.check(SETS, SCHEDULE)


def test_stored_runs_of_candidates_without_the_fields_are_still_found():
    plain = EquinoxCandidate(Logistic).source()
    names = {line.partition(":")[0] for line in plain.splitlines()}
    assert not {"average", "patience"} & names
    texts = {
        EquinoxCandidate(Logistic, **more).source()
        for more in ({}, {"average": EMA(0.9)}, {"average": EMA(0.8)}, {"patience": 3})
    }
    assert len(texts) == 4
    assert all(text.startswith(plain) for text in texts)


@pytest.mark.slow
def test_a_comparison_says_what_was_evaluated(tmp_path):
    candidates = {
        "plain": Logistic,
        "stopped": EquinoxCandidate(Logistic, average=EMA(0.9), patience=1),
    }
    small = {"seeds": 2, "tuning_seeds": 1, "n_steps": 40, "evaluate_every": 10, "shifts": ()}
    small |= {"learning_rates": (0.1,), "references": False, "shuffled": False}
    found = compare(candidates, folder=tmp_path, **small)
    lines = found.document()["protocol"]
    assert "the state after the last step, unless it says otherwise below." in lines[2]
    assert lines[-1] == (
        "stopped is evaluated by the exponential moving average of its weights (decay 0.9), as of "
        "the evaluation with the highest validation accuracy; a run ends after 1 in a row without "
        "a higher one."
    )
    assert lines[-1] in found.result.attrs["protocol"]
    steps = found.result.judged_step
    assert steps.sel(candidate="plain").isnull().all()
    assert set(steps.sel(candidate="stopped").values) <= {10, 20, 30, 40}
    assert "final runs are judged by their states after" in str(found)
    assert not found.failures
    again = compare(candidates, folder=tmp_path, **small)
    assert again.result.attrs["units_found"] == 4
    np.testing.assert_array_equal(again.result.judged_step, steps)
    assert json.loads(again.to_json())["protocol"] == lines


@pytest.mark.slow
def test_a_run_that_stopped_early_is_tested_as_one_of_so_many_steps():
    """The rate is so high that the accuracy falls from one evaluation to another."""
    small = {"seeds": 2, "tuning_seeds": 1, "evaluate_every": 20, "shifts": ()}
    small |= {"learning_rates": (30.0,), "references": False, "shuffled": False}
    small |= {"target_accuracy": 0.05}
    stopping = EquinoxCandidate(Logistic, patience=1)
    found = compare({"stopped": stopping}, n_steps=400, **small).result.isel(candidate=0)
    ends = found.step.where(found.train_loss.notnull()).max("step")
    judged = found.judged_step
    assert (ends < 400).all(), "no run stopped early, so that nothing is tested"
    assert (ends - judged).values.tolist() == [20, 20]
    np.testing.assert_allclose(
        measure(found, "cpu_seconds_to_target"), found.cpu_seconds * found.steps_to_target / ends
    )
    for n_steps in sorted(set(judged.values.astype(int).tolist())):
        plain = compare({"plain": Logistic}, n_steps=n_steps, **small).result.isel(candidate=0)
        for seed in judged.seed.values[judged.values == n_steps]:
            one, other = found.sel(seed=seed), plain.sel(seed=seed)
            assert float((one.test_prediction == other.test_prediction).mean()) > 0.99
            np.testing.assert_allclose(
                one.validation_accuracy[-1], other.validation_accuracy[-1], atol=0.003
            )
