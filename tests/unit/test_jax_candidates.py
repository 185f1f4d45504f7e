"""Models of plain JAX and of Flax train on the batches of all candidates, as by hand."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.lab.candidates.contract import CandidateError, Run, Schedule, Sets, batch_order
from mnist1d.lab.candidates.plain_jax import JaxCandidate
from mnist1d.training import cross_entropy

SCHEDULE = Schedule(n_steps=10, batch_size=50, evaluate_every=5)
RNG = np.random.default_rng(0)
X = (3 + 2 * RNG.normal(size=(200, 40))).astype(np.float32)
Y = (X[:, :10] @ RNG.normal(size=(10, 10))).argmax(axis=1)
SETS = Sets(X, Y, {"train": X, "validation": X[:70]}, Y[:70])
RUN = Run({"learning_rate": 0.1}, 3, "a")
pytestmark = pytest.mark.usefixtures("quick_compilation", "mixed_types")


def train(candidate, run=RUN):
    ((_, outcome),) = candidate.train([run], {"a": SETS}, SCHEDULE, lambda *_: None)
    return outcome


def assert_same(outcome, classes, losses):
    np.testing.assert_array_equal(outcome.predictions["validation"], classes)
    np.testing.assert_allclose(outcome.train_loss, np.reshape(losses, (2, 5)).mean(1), rtol=1e-4)


def init(key, width=8):
    a, b = jax.random.split(key)
    hidden = {"w": jax.random.normal(a, (40, width)) / 6, "b": np.zeros(width)}
    return {"hidden": hidden, "out": jax.random.normal(b, (width, 10)) / 3}


def apply(parameters, x):
    return (
        jax.nn.relu(x @ parameters["hidden"]["w"] + parameters["hidden"]["b"]) @ parameters["out"]
    )


@pytest.mark.slow
def test_two_functions_are_a_model_that_trains_as_by_hand():
    candidate = as_candidate("plain", (init, apply))
    assert (candidate.framework, candidate.check(SETS, SCHEDULE)) == ("JAX", 40 * 8 + 8 + 80)
    parameters, optimizer = init(jax.random.key(3)), optax.adam(0.1)
    state, losses = optimizer.init(parameters), []

    @jax.jit
    def step(parameters, state, x, y):
        loss, gradient = jax.value_and_grad(lambda p: cross_entropy(apply(p, x), y))(parameters)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, loss

    for rows in batch_order(len(X), SCHEDULE, 3):
        batch = jnp.asarray(X[rows]), jnp.asarray(Y[rows])
        parameters, state, loss = step(parameters, state, *batch)
        losses.append(float(loss))
    assert_same(train(candidate), apply(parameters, X[:70]).argmax(axis=1), losses)


class Transformed(NamedTuple):
    """As Haiku returns it."""

    init: object
    apply: object


@pytest.mark.slow
def test_functions_may_have_settings_a_key_and_a_state():
    def init_with_state(key, width):
        return init(key, width), {"mean": jnp.zeros(40), "n": 0}

    def apply_with_state(parameters, x, *, state, key, train, keep):
        mean = x.mean(axis=0) if train else state["mean"]
        if train:
            assert key is not None
            state = {"mean": 0.9 * state["mean"] + 0.1 * mean, "n": state["n"] + 1}
            x = jnp.where(jax.random.bernoulli(key, keep, x.shape), x / keep, mean)
        return apply(parameters, x - mean), state

    pair = Transformed(init_with_state, apply_with_state)
    candidate = JaxCandidate(pair, optax.adam(0.1), search={"width": [3, 5], "keep": [0.5, 1.0]})
    assert candidate.check(SETS, SCHEDULE) == 40 * 3 + 3 + 30
    assert candidate.count({"width": 5, "keep": 1.0}, SETS) == 40 * 5 + 5 + 50
    kept, dropped = (
        train(candidate, Run({"width": 5, "keep": keep}, 0, "a")) for keep in (1.0, 0.5)
    )
    assert kept.train_loss[0] < dropped.train_loss[0]
    # Predicted with a mean that follows the data's, which is 3.
    assert kept.validation_accuracy[-1] > 0.2


def wrong_shape(parameters, x):
    return apply(parameters, x)[:, :3]


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((init, wrong_shape), r"a batch of shape \(n, 40\) to logits of .*gave shape \(3, 3\)"),
        ((init, lambda *given: (apply(*given), 0.0)), "logits alone, .* as a training function"),
        ((init, lambda _, x, state: (x, state)), r"init .*\(parameters, state\), as"),
        (
            (lambda key: (init(key), 0.0), lambda parameters, x, state: apply(parameters, x)),  # noqa: ARG005
            r"apply was expected to give \(logits, state\)",
        ),
        (
            (
                lambda key: (init(key), 0.0),
                lambda parameters, x, state: (apply(parameters, x), x[0] + state),
            ),
            r"a state of the same structure, shapes and types .* gave f32\[40\] for f32\[\]",
        ),
    ],
)
def test_functions_that_do_not_fit_are_an_error(pair, message):
    with pytest.raises(CandidateError, match=message):
        JaxCandidate(pair).check(SETS, SCHEDULE)


def test_what_is_no_pair_is_an_error():
    with pytest.raises(TypeError, match=r"make must be two functions, \(init, apply\), not"):
        JaxCandidate(init)
    with pytest.raises(ValueError, match="search must have names of arguments"):
        JaxCandidate((init, apply), search={"widht": [3]})
    with pytest.raises(ValueError, match="first argument learning_rate, not 'lr'"):
        JaxCandidate((init, apply), lambda lr: optax.adam(2 * lr), search={"lr": [0.1]})


@pytest.mark.slow
def test_a_module_of_flax_linen_is_the_pair_that_the_document_says():
    linen = pytest.importorskip("flax.linen", reason="Flax is not installed")
    module = linen.Sequential([linen.Dense(12), linen.relu, linen.Dense(10)])
    pair = (lambda key: module.init(key, jnp.zeros((1, 40))), module.apply)
    candidate = as_candidate("linen", pair)
    assert candidate.check(SETS, SCHEDULE) == 40 * 12 + 12 + 12 * 10 + 10
    for given in (module, linen.Dense):
        with pytest.raises(TypeError, match=r"linen must be two functions .* module\.apply\)"):
            as_candidate("linen", given)


def flax_network(nnx):
    class Network(nnx.Module):
        """As Flax's documentation writes it."""

        def __init__(self, width=8, *, rngs):
            self.first = nnx.Linear(40, width, rngs=rngs)
            self.norm = nnx.BatchNorm(width, rngs=rngs)
            self.dropout = nnx.Dropout(0.2, rngs=rngs)
            self.output = nnx.Linear(width, 10, rngs=rngs)

        def __call__(self, x):
            return self.output(self.dropout(nnx.relu(self.norm(self.first(x)))))

    return Network


@pytest.mark.slow
def test_a_module_of_flax_trains_as_by_hand():
    nnx = pytest.importorskip("flax.nnx", reason="Flax is not installed")
    network = flax_network(nnx)
    candidate = as_candidate("flax", network)
    assert (candidate.framework, candidate.check(SETS, SCHEDULE)) == ("Flax", 328 + 16 + 90)
    model = network(rngs=nnx.Rngs(jax.random.key(3)))
    optimizer, losses = nnx.Optimizer(model, optax.adam(0.1), wrt=nnx.Param), []
    model.train()

    @nnx.jit
    def step(model, optimizer, x, y):
        loss, gradient = nnx.value_and_grad(lambda model: cross_entropy(model(x), y))(model)
        optimizer.update(model, gradient)
        return loss

    for rows in batch_order(len(X), SCHEDULE, 3):
        loss = step(model, optimizer, jnp.asarray(X[rows]), jnp.asarray(Y[rows]))
        losses.append(float(loss))
    model.eval()
    assert_same(train(candidate), model(jnp.asarray(X[:70])).argmax(axis=1), losses)


@pytest.mark.slow
def test_modules_of_flax_are_made_of_rngs_or_a_key():
    nnx = pytest.importorskip("flax.nnx", reason="Flax is not installed")
    network = flax_network(nnx)
    given = {
        "class": network,
        "rngs": lambda rngs: network(rngs=rngs),
        "key": lambda key: network(rngs=nnx.Rngs(key)),
    }
    found = {name: as_candidate(name, each) for name, each in given.items()}
    assert {each.framework for each in found.values()} == {"Flax"}
    assert {each.count({}, SETS) for each in found.values()} == {434}
    assert found["class"].model_settings() == ("width",)
    with pytest.raises(TypeError, match="not a finished model"):
        as_candidate("finished", network(rngs=nnx.Rngs(0)))


def test_what_makes_no_module_of_flax_is_an_error():
    pytest.importorskip("flax.nnx", reason="Flax is not installed")
    from mnist1d.lab import FlaxCandidate

    with pytest.raises(TypeError, match="make must be a function of rngs, not 3 of type int"):
        FlaxCandidate(3)
    with pytest.raises(CandidateError, match=r"give a module of flax\.nnx, and gave int"):
        FlaxCandidate(lambda rngs: 3).check(SETS, SCHEDULE)  # noqa: ARG005
