"""Models with a state: running statistics are carried while training, and used to predict."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.lab.candidates.contract import CandidateError, Run, Schedule, Sets, batch_order
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.training import cross_entropy

SCHEDULE = Schedule(n_steps=10, batch_size=50, evaluate_every=5)
RNG = np.random.default_rng(0)
X = (3 + 2 * RNG.normal(size=(200, 40))).astype(np.float32)
Y = (X[:, :10] @ RNG.normal(size=(10, 10))).argmax(axis=1)
SETS = Sets(X, Y, {"train": X, "validation": X[:70]}, Y[:70])
pytestmark = pytest.mark.usefixtures("quick_compilation", "mixed_types")


class Normed(eqx.Module):
    """A layer, normalised over the batch, as Equinox's documentation writes it."""

    first: eqx.nn.Linear
    norm: eqx.nn.BatchNorm
    dropout: eqx.nn.Dropout
    output: eqx.nn.Linear

    def __init__(self, rate=0.0, *, key):
        a, b = jax.random.split(key)
        self.first, self.output = eqx.nn.Linear(40, 8, key=a), eqx.nn.Linear(8, 10, key=b)
        self.norm = eqx.nn.BatchNorm(8, axis_name="batch", mode="batch")
        self.dropout = eqx.nn.Dropout(rate)

    def __call__(self, x, state, key=None):
        x, state = self.norm(self.first(x), state)
        return self.output(self.dropout(jax.nn.relu(x), key=key)), state


def train(candidate, runs, sets=SETS):
    outcomes = dict(candidate.train(runs, {"a": sets}, SCHEDULE, lambda *_: None))
    return [outcomes[i] for i in range(len(runs))]


def by_hand(rate, seed):
    """Train in a loop, as Equinox's documentation does; return validation classes and losses."""
    model, state = eqx.nn.make_with_state(Normed)(key=jax.random.key(seed))
    optimizer = optax.adam(rate)
    moments = optimizer.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model, state, moments, x, y):
        def loss(model, state):
            mapped = jax.vmap(model, in_axes=(0, None), out_axes=(0, None), axis_name="batch")
            logits, state = mapped(x, state)
            return cross_entropy(logits, y), state

        (value, state), gradient = eqx.filter_value_and_grad(loss, has_aux=True)(model, state)
        updates, moments = optimizer.update(gradient, moments)
        return eqx.apply_updates(model, updates), state, moments, value

    losses = []
    for rows in batch_order(len(X), SCHEDULE, seed):
        batch = jnp.asarray(X[rows]), jnp.asarray(Y[rows])
        model, state, moments, loss = step(model, state, moments, *batch)
        losses.append(float(loss))
    predicting = eqx.nn.inference_mode(model)
    logits = jax.vmap(lambda x: predicting(x, state)[0])(jnp.asarray(X[:70]))
    return np.asarray(logits.argmax(axis=1)), np.reshape(losses, (2, 5)).mean(axis=1)


@pytest.mark.slow
def test_batch_normalisation_is_that_of_a_loop_written_by_hand():
    runs = [Run({"learning_rate": rate}, seed, "a") for rate, seed in ((0.1, 0), (0.03, 5))]
    outcomes = train(EquinoxCandidate(Normed), runs)
    for (rate, seed), outcome in zip(((0.1, 0), (0.03, 5)), outcomes, strict=True):
        classes, losses = by_hand(rate, seed)
        np.testing.assert_array_equal(outcome.predictions["validation"], classes)
        np.testing.assert_allclose(outcome.train_loss, losses, rtol=1e-4)


@pytest.mark.slow
def test_a_model_may_come_with_its_state_and_only_weights_are_counted():
    made = EquinoxCandidate(eqx.nn.make_with_state(Normed))
    n = 40 * 8 + 8 + 2 * 8 + 8 * 10 + 10
    assert made.check(SETS, SCHEDULE) == EquinoxCandidate(Normed).check(SETS, SCHEDULE) == n
    assert made.count({}, SETS) == n
    run = Run({"learning_rate": 0.1}, 1, "a")
    one, other = (train(each, [run])[0] for each in (made, EquinoxCandidate(Normed)))
    np.testing.assert_array_equal(one.train_loss, other.train_loss)


@pytest.mark.slow
def test_a_sequence_of_layers_with_state_and_dropout_is_a_model():
    def sequence(key):
        a, b = jax.random.split(key)
        norm = eqx.nn.BatchNorm(8, axis_name="examples", mode="ema")
        layers = [eqx.nn.Linear(40, 8, key=a), norm, eqx.nn.Dropout(0.5)]
        return eqx.nn.Sequential([*layers, eqx.nn.Linear(8, 10, key=b)])

    candidate = EquinoxCandidate(sequence)
    assert candidate.check(SETS, SCHEDULE) == 40 * 8 + 8 + 16 + 90
    (outcome,) = train(candidate, [Run({"learning_rate": 0.1}, 0, "a")])
    assert np.isfinite(outcome.train_loss).all()
    assert outcome.validation_accuracy[-1] > 0.2


@pytest.mark.slow
def test_a_key_may_have_no_default():
    class Dropped(eqx.Module):
        output: eqx.nn.Linear
        dropout: eqx.nn.Dropout

        def __init__(self, key):
            self.output, self.dropout = eqx.nn.Linear(40, 10, key=key), eqx.nn.Dropout(0.5)

        def __call__(self, x, key):
            return self.output(self.dropout(x, key=key))

    candidate = EquinoxCandidate(Dropped)
    assert candidate.check(SETS, SCHEDULE) == 410
    (outcome,) = train(candidate, [Run({"learning_rate": 0.1}, 0, "a")])
    assert outcome.train_loss[-1] < outcome.train_loss[0]


class WithoutState(Normed):
    def __call__(self, x):
        return self.output(self.first(x))


class WithoutReturn(Normed):
    def __call__(self, x, state):
        return self.output(self.norm(self.first(x), state)[0])


class TwoAxes(Normed):
    second: eqx.nn.BatchNorm

    def __init__(self, *, key):
        super().__init__(key=key)
        self.second = eqx.nn.BatchNorm(8, axis_name="other", mode="batch")


class OfOneExample(Normed):
    counter: eqx.nn.StateIndex

    def __init__(self, *, key):
        super().__init__(key=key)
        self.counter = eqx.nn.StateIndex(jnp.zeros(40))

    def __call__(self, x, state):
        return self.output(self.first(x)), state.set(self.counter, x)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (WithoutState, r"take the state of its layers.* write `def __call__\(self, x, state\)`"),
        (WithoutReturn, r"\(logits, state\), as it has layers with a state, and gave"),
        (TwoAxes, r"one axis_name in all its layers.* and has 'batch', 'other'"),
        (OfOneExample, r"to map an example of shape \(40,\) to logits \(10,\), and raised .*vmap"),
    ],
)
def test_a_state_that_is_not_handed_on_is_an_error_that_says_how(model, message):
    with pytest.raises(CandidateError, match=message):
        EquinoxCandidate(model).check(SETS, SCHEDULE)
