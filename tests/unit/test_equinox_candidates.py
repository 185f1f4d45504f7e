"""Runs of a candidate train as one program, and as each of them would alone."""

import copy
import pickle
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist1d.lab.candidates.compiled import programs as compiled_programs
from mnist1d.lab.candidates.contract import CandidateError, Run, Schedule, Sets, batch_order
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.models import MLP, Logistic, predict
from mnist1d.training import (
    Training,
    accuracy,
    compile_runs,
    cross_entropy,
    initialise,
    train_runs,
)

SCHEDULE = Schedule(n_steps=20, batch_size=50, evaluate_every=10)
pytestmark = pytest.mark.usefixtures("quick_compilation")


def make_sets(seed, n=200):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(10, 40))

    def draw(n):
        y = rng.integers(0, 10, n).astype(np.int32)
        return (centres[y] + rng.normal(size=(n, 40))).astype(np.float32), y

    (x, y), (x_validation, y_validation), (x_test, _) = draw(n), draw(70), draw(530)
    return Sets(x, y, {"validation": x_validation, "train": x, "test": x_test}, y_validation)


SETS = {"a": make_sets(0), "b": make_sets(1), "few": make_sets(2, n=100)}


class Narrow(MLP):
    def __init__(self, width=10, *, key):
        super().__init__(hidden_size=width, key=key)


def train(candidate, runs, report=lambda _done, _total: None):
    outcomes = dict(candidate.train(runs, SETS, SCHEDULE, report))
    return [outcomes[i] for i in range(len(runs))]


@pytest.fixture
def programs(monkeypatch):
    """Count the programs, and the runs in each."""
    counted = []

    def counting(*arguments, keys, **more):
        counted.append(len(keys))
        return compile_runs(*arguments, keys=keys, **more)

    monkeypatch.setattr(compiled_programs, "compile_runs", counting)
    return counted


def assert_same(one, other):
    for name, classes in one.predictions.items():
        np.testing.assert_array_equal(classes, other.predictions[name])
    np.testing.assert_array_equal(one.validation_accuracy, other.validation_accuracy)
    np.testing.assert_allclose(one.train_loss, other.train_loss, rtol=1e-5)


@pytest.mark.slow
def test_rates_seeds_and_data_are_one_program_that_equals_separate_trainings(programs):
    candidate = EquinoxCandidate(Narrow)
    runs = [
        Run({"learning_rate": rate}, seed, data)
        for rate, seed, data in [(0.01, 0, "a"), (0.1, 0, "b"), (0.1, 5, "few"), (0.001, 1, "a")]
    ]
    together = train(candidate, runs)
    assert programs == [4]
    for i in (1, 2):
        assert_same(together[i], train(candidate, [runs[i]])[0])


@pytest.mark.slow
def test_further_runs_are_done_by_the_program_that_is_there(programs):
    candidate = EquinoxCandidate(Narrow)
    n_devices = jax.device_count()
    runs = [Run({"learning_rate": 0.01 * (1 + seed)}, seed, "a") for seed in range(n_devices + 3)]
    reports = []
    tuned = train(candidate, runs, lambda done, total: reports.append((done, total)))
    assert reports[-1] == (20 * len(runs), 20 * len(runs))
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    final = [Run({"learning_rate": 0.02}, seed, "b") for seed in range(10, 11 + n_devices)]
    found = train(candidate, final)
    assert programs == [n_devices]
    assert sum(outcome.compile_seconds for outcome in tuned) > 0
    assert sum(outcome.compile_seconds for outcome in found) == 0
    for run, outcome in ((runs[-1], tuned[-1]), (final[-1], found[-1])):
        assert_same(outcome, train(EquinoxCandidate(Narrow), [run])[0])


class Relu(eqx.Module):
    def __call__(self, x):
        return jax.nn.relu(x)


class Zero(eqx.Module):
    def __call__(self, x):
        return 0 * x


class Activated(eqx.Module):
    first: eqx.nn.Linear
    second: eqx.nn.Linear
    activation: object

    def __init__(self, key, activation=None, scale=None):
        a, b = jax.random.split(key)
        self.first, self.second = eqx.nn.Linear(40, 50, key=a), eqx.nn.Linear(50, 10, key=b)
        self.activation = activation or (lambda x: jnp.where(scale > 0, 1.0, 0.0) * x)

    def __call__(self, x):
        return self.second(self.activation(self.first(x)))


def local(activation):
    class Local(eqx.Module):
        def __call__(self, x):
            return activation(x)

    return Local()


LONG = np.ones((2, 4000), np.float32)
LONG[1, 2000] = -1  # which is not shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("activation", (Zero(), Relu())),
        ("activation", (local(lambda x: 0 * x), local(jax.nn.relu))),
        ("scale", tuple(map(jnp.asarray, LONG))),
    ],
    ids=["classes alike", "classes of one name", "long arrays"],
)
def test_settings_that_print_alike_train_as_what_they_are(name, values):
    search = {name: values}
    make = Activated
    if name == "scale":

        def make(key, scale):
            return Activated(key, scale=scale[2000])

    runs = [Run({name: value}, 0, "a") for value in values]
    together = train(EquinoxCandidate(make, search=search), runs)
    for run, outcome in zip(runs, together, strict=True):
        assert_same(outcome, train(EquinoxCandidate(make, search=search), [run])[0])
    assert together[0].train_loss[-1] != together[1].train_loss[-1]


FACTOR = 1.0


@pytest.mark.slow
def test_a_candidate_whose_code_changed_gets_another_program(programs, monkeypatch):
    candidate = EquinoxCandidate(Narrow, loss=lambda logits, y: FACTOR * cross_entropy(logits, y))
    runs = [Run({"learning_rate": 0.01}, 0, "a")]
    (before,) = train(candidate, runs)
    monkeypatch.setitem(globals(), "FACTOR", 2.0)
    (after,) = train(candidate, runs)
    assert programs == [1, 1]
    np.testing.assert_allclose(after.train_loss[0], 2 * before.train_loss[0], rtol=0.01)


def check(candidate):
    return candidate.check(SETS["a"], Schedule(n_steps=2, batch_size=50, evaluate_every=2))


class Wave(eqx.Module):
    frequency: float
    output: eqx.nn.Linear

    def __init__(self, key):
        self.frequency = float(jax.random.uniform(key))
        self.output = eqx.nn.Linear(40, 10, key=key)

    def __call__(self, x):
        return self.output(jnp.sin(self.frequency * x))


class StaticWave(Wave):
    frequency: float = eqx.field(static=True)


class OwnWidth(Wave):
    def __init__(self, key):
        self.frequency = 1.0
        width = int(jax.random.randint(key, (), 2, 100))
        self.output = eqx.nn.MLP(40, 10, width, 1, key=key)


@pytest.mark.slow
@pytest.mark.parametrize("model", [Wave, StaticWave, OwnWidth])
def test_plain_numbers_that_depend_on_the_key_are_an_error(model):
    with pytest.raises(CandidateError, match=r"had others with another key: .* arrays"):
        check(EquinoxCandidate(model))


@pytest.mark.slow
def test_functions_made_for_every_model_are_no_such_numbers():
    class Own(Wave):
        activation: object = eqx.field(static=True)

        def __init__(self, key):
            self.frequency, self.activation = 1.0, partial(jnp.multiply, 2.0)
            self.output = eqx.nn.Linear(40, 10, key=key)

    candidate = EquinoxCandidate(Own)
    check(candidate)
    runs = [Run({"learning_rate": 0.01}, seed, "a") for seed in range(3)]
    assert len({outcome.train_loss[-1] for outcome in train(candidate, runs)}) == 3


@pytest.mark.slow
def test_a_candidate_that_trained_can_be_copied_and_sent(programs):
    candidate = EquinoxCandidate(Narrow)
    runs = [Run({"learning_rate": 0.01}, 0, "a")]
    (outcome,) = train(candidate, runs)
    for other in (copy.deepcopy(candidate), pickle.loads(pickle.dumps(candidate))):  # noqa: S301
        assert other == candidate
        assert_same(train(other, runs)[0], outcome)
    assert programs == [1, 1, 1]


@pytest.mark.slow
def test_a_loss_may_have_another_precision():
    def loss(logits, y):
        return cross_entropy(logits, y).astype(jnp.bfloat16)

    candidate = EquinoxCandidate(Narrow, loss=loss)
    check(candidate)
    (outcome,) = train(candidate, [Run({"learning_rate": 0.01}, 0, "a")])
    assert np.isfinite(outcome.train_loss).all()


def test_the_logits_that_are_not_finite_are_shown():
    class Often(Narrow):
        def __call__(self, x):
            return super().__call__(x) / jnp.where(x[:1] > 0, 1.0, 0.0)

    sets = SETS["a"]
    assert (sets.x[:20, 0] > 0).any()
    with pytest.raises(CandidateError, match=r"finite logits, and gave .*(inf|nan)"):
        check(EquinoxCandidate(Often))


@pytest.mark.slow
def test_a_run_equals_a_loop_written_by_hand():
    run, sets = Run({"learning_rate": 0.03}, 3, "a"), SETS["a"]
    (outcome,) = train(EquinoxCandidate(Narrow), [run])
    model = Narrow(key=jax.random.key(3))
    optimizer = optax.adam(0.03)
    state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
    losses, accuracies = [], []

    @eqx.filter_jit
    def step(model, state, x, y):
        loss, gradient = eqx.filter_value_and_grad(
            lambda model: cross_entropy(predict(model, x), y)
        )(model)
        updates, state = optimizer.update(gradient, state)
        return eqx.apply_updates(model, updates), state, loss

    for i, rows in enumerate(batch_order(200, SCHEDULE, seed=3)):
        model, state, loss = step(
            model, state, jnp.asarray(sets.x[rows]), jnp.asarray(sets.y[rows])
        )
        losses.append(float(loss))
        if i % 10 == 9:
            logits = predict(model, jnp.asarray(sets.evaluated["validation"]))
            accuracies.append(float(accuracy(logits, jnp.asarray(sets.y_validation))))
    np.testing.assert_allclose(outcome.train_loss, np.reshape(losses, (2, 10)).mean(1), rtol=1e-4)
    np.testing.assert_allclose(outcome.validation_accuracy, accuracies, atol=1e-6)
    classes = predict(model, jnp.asarray(sets.evaluated["test"])).argmax(1)
    assert (outcome.predictions["test"] == classes).mean() > 0.99
    assert {name: len(each) for name, each in outcome.predictions.items()} == {
        "validation": 70,
        "train": 200,
        "test": 530,
    }


@pytest.mark.slow
def test_numbers_of_the_optimiser_share_a_program_and_shapes_do_not(programs):
    candidate = EquinoxCandidate(
        Narrow,
        optax.adamw,
        search={"learning_rate": (0.01,), "weight_decay": (0.1, 3.0), "width": (5, 10)},
    )
    runs = [
        Run({"learning_rate": 0.01, "weight_decay": decay, "width": width}, 0, "a")
        for decay in (0.1, 3.0)
        for width in (5, 10)
    ]
    reports = []
    outcomes = train(candidate, runs, lambda done, total: reports.append((done, total)))
    assert sorted(programs) == [2, 2]
    assert reports[-1] == (80, 80)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    by_hand = EquinoxCandidate(
        lambda key: Narrow(5, key=key), lambda rate: optax.adamw(rate, weight_decay=3.0)
    )
    assert_same(outcomes[2], train(by_hand, [Run({"learning_rate": 0.01}, 0, "a")])[0])


@pytest.mark.slow
@pytest.mark.usefixtures("mixed_types")
def test_a_schedule_that_decides_by_its_rate_gets_a_program_per_rate(programs):
    def deciding(rate):
        return optax.adam(optax.warmup_cosine_decay_schedule(0.0, rate if rate > 0 else 1.0, 5, 20))

    runs = [Run({"learning_rate": rate}, 0, "a") for rate in (0.01, 0.1)]
    outcomes = train(EquinoxCandidate(Logistic, deciding), runs)
    assert programs == [1, 1]
    assert outcomes[0].train_loss[-1] != outcomes[1].train_loss[-1]


@pytest.mark.slow
@pytest.mark.usefixtures("mixed_types")
def test_a_schedule_of_a_traced_rate_is_one_program(programs):
    def cosine(rate):
        return optax.sgd(optax.cosine_decay_schedule(rate, 20))

    runs = [Run({"learning_rate": rate}, 0, "a") for rate in (0.01, 0.1)]
    train(EquinoxCandidate(Logistic, cosine), runs)
    assert programs == [2]


@pytest.mark.slow
def test_a_fixed_transformation_has_nothing_to_tune():
    candidate = EquinoxCandidate(Logistic, optax.adam(0.1))
    assert candidate.search == {}
    (fixed,) = train(candidate, [Run({}, 0, "a")])
    (given,) = train(EquinoxCandidate(Logistic), [Run({"learning_rate": 0.1}, 0, "a")])
    assert_same(fixed, given)


@pytest.mark.slow
def test_loss_and_augmentation_are_the_candidates_own():
    runs = [Run({"learning_rate": 0.1}, 0, "a")]
    (plain,) = train(EquinoxCandidate(Logistic), runs)
    (blind,) = train(EquinoxCandidate(Logistic, augment=lambda x, _key: 0 * x), runs)
    assert plain.validation_accuracy[-1] > 0.5 > blind.validation_accuracy[-1]
    (doubled,) = train(EquinoxCandidate(Logistic, loss=lambda a, b: 2 * cross_entropy(a, b)), runs)
    np.testing.assert_allclose(doubled.train_loss[0], 2 * plain.train_loss[0], rtol=0.1)


@pytest.mark.slow
def test_parameters_are_counted_with_the_settings_of_the_model():
    candidate = EquinoxCandidate(Narrow, search={"width": (5, 10)})
    counts = [candidate.count({"width": width}, SETS["a"]) for width in (5, 10)]
    assert counts == [5 * 40 + 5 + 30 + 50 + 10, 400 + 10 + 110 + 100 + 10]
    assert candidate.check(SETS["a"], SCHEDULE) == counts[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "drawing",
    [
        {"augment": lambda x, _key: x + np.float32(np.random.normal(size=x.shape))},  # noqa: NPY002
        {"loss": lambda a, b: np.random.uniform() * cross_entropy(a, b)},  # noqa: NPY002
    ],
)
def test_draws_without_a_key_are_an_error(drawing):
    with pytest.raises(CandidateError, match="training step was expected to be the same twice"):
        EquinoxCandidate(Logistic, **drawing).check(SETS["a"], SCHEDULE)
    sound = EquinoxCandidate(Logistic, augment=lambda x, key: x + jax.random.normal(key, x.shape))
    assert sound.check(SETS["a"], SCHEDULE) == 410


def test_numbers_of_numpy_are_searched_as_pythons():
    search = {"learning_rate": np.array([0.1, 0.01]), "width": (np.int64(5), 10)}
    found = EquinoxCandidate(Narrow, search=search).search
    assert found == {"learning_rate": [0.1, 0.01], "width": (5, 10)}
    assert type(found["width"][0]) is int


class Dropped(eqx.Module):
    output: eqx.nn.Linear
    dropout: eqx.nn.Dropout

    def __init__(self, rate=0.5, *, key):
        self.output, self.dropout = eqx.nn.Linear(40, 10, key=key), eqx.nn.Dropout(rate)

    def __call__(self, x, key=None):
        return self.output(self.dropout(x, key=key))


@pytest.mark.slow
def test_a_model_of_one_example_with_dropout_trains_and_predicts_without():
    runs = [Run({"learning_rate": 0.1}, 0, "a")]
    assert EquinoxCandidate(Dropped).check(SETS["a"], SCHEDULE) == 410
    (dropped,) = train(EquinoxCandidate(Dropped), runs)
    (kept,) = train(EquinoxCandidate(lambda key: Dropped(0.0, key=key)), runs)
    assert dropped.train_loss[0] > kept.train_loss[0]
    assert dropped.validation_accuracy[-1] > 0.5


@pytest.mark.slow
def test_an_optimizer_may_follow_the_data_of_a_run():
    x = jnp.asarray(SETS["a"].x[:50]), jnp.asarray(SETS["a"].y[:50])
    keys = jax.random.split(jax.random.key(0), 3)
    models = initialise(lambda key: Logistic(key=key), keys)

    def training(optimizer):
        return Training(
            batch=lambda data, _step, _key: data["batch"],
            loss=lambda model, batch, _key: cross_entropy(predict(model, batch[0]), batch[1]),
            optimizer=optimizer,
            n_steps=5,
            evaluate=lambda _model, _data: (),
        )

    rates = jnp.asarray([0.01, 0.1, 1.0])
    data, axes = {"batch": x, "rate": rates}, {"batch": None, "rate": 0}
    own = train_runs(
        training(lambda data: optax.adam(data["rate"])), models, data, keys=keys, data_axes=axes
    )
    for i, rate in ((1, 0.1),):
        one = jax.tree.map(
            lambda leaf, i=i: leaf[i : i + 1] if eqx.is_array(leaf) else leaf, models
        )
        alone = train_runs(training(optax.adam(rate)), one, {"batch": x}, keys=keys[i : i + 1])
        np.testing.assert_allclose(
            own.history.train_loss[i], alone.history.train_loss[0], rtol=1e-4
        )


def scaled(model, factor):
    return jax.tree.map(lambda leaf: factor * leaf if eqx.is_inexact_array(leaf) else leaf, model)


@pytest.mark.slow
def test_what_is_evaluated_may_be_another_model_than_the_one_that_is_trained():
    run = Run({"learning_rate": 0.1}, 0, "a")
    found = train(EquinoxCandidate(Narrow, optax.sgd), [run])[0]
    opposite = EquinoxCandidate(
        Narrow, optax.sgd, evaluation_model=lambda model, _: scaled(model, 0.0)
    )
    nothing = train(opposite, [run])[0]
    assert {name: set(classes.tolist()) for name, classes in nothing.predictions.items()} == {
        name: {0} for name in nothing.predictions
    }
    np.testing.assert_allclose(
        nothing.validation_accuracy, (SETS["a"].y_validation == 0).mean(), rtol=1e-6
    )
    np.testing.assert_array_equal(nothing.train_loss, found.train_loss)
    assert opposite.source() != EquinoxCandidate(Narrow, optax.sgd).source()


def by_hand(optimizer, run, weights_of):
    """Train in a loop, and return the classes of validation samples."""
    model = Narrow(key=jax.random.key(run.seed))
    state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
    own = SETS[run.data]

    @eqx.filter_jit
    def step(model, state, x, y):
        weights, rest = eqx.partition(model, eqx.is_inexact_array)

        def loss(weights):
            return cross_entropy(predict(eqx.combine(weights, rest), x), y)

        updates, state = optimizer.update(jax.grad(loss)(weights), state, weights)
        return eqx.apply_updates(model, updates), state

    for rows in batch_order(len(own.x), SCHEDULE, run.seed):
        model, state = step(model, state, own.x[rows], own.y[rows])
    weights, rest = eqx.partition(model, eqx.is_inexact_array)
    evaluated = eqx.combine(weights_of(weights, state), rest)
    return np.asarray(predict(evaluated, jnp.asarray(own.evaluated["validation"]))).argmax(axis=1)


@pytest.mark.slow
@pytest.mark.usefixtures("mixed_types")
def test_schedule_free_optimisers_are_judged_by_their_averages():
    run = Run({"learning_rate": 0.5}, 3, "a")
    candidate = EquinoxCandidate(
        Narrow, lambda rate: optax.chain(optax.clip(1.0), optax.contrib.schedule_free_sgd(rate))
    )
    found = train(candidate, [run])[0].predictions["validation"]
    optimizer = candidate.optimizer(0.5)
    averaged = by_hand(
        optimizer,
        run,
        lambda weights, state: optax.contrib.schedule_free_eval_params(state[1], weights),
    )
    trained = by_hand(optimizer, run, lambda weights, _: weights)
    np.testing.assert_array_equal(found, averaged)
    assert (averaged != trained).any()


@pytest.mark.slow
@pytest.mark.usefixtures("mixed_types")
def test_sam_is_judged_between_its_steps():
    disturbance = optax.chain(optax.contrib.normalize(), optax.sgd(3.0))
    candidate = EquinoxCandidate(
        Narrow, lambda rate: optax.contrib.sam(optax.sgd(rate), disturbance, sync_period=3)
    )
    run = Run({"learning_rate": 0.5}, 3, "a")
    found = train(candidate, [run])[0].predictions["validation"]
    optimizer = candidate.optimizer(0.5)
    kept = by_hand(
        optimizer, run, lambda _, state: state.cache
    )  # after 20 steps, 18 of which count
    np.testing.assert_array_equal(found, kept)
    assert (found != by_hand(optimizer, run, lambda weights, _: weights)).any()


NEEDING_MORE = {
    "lbfgs": optax.lbfgs,
    "polyak_sgd": optax.polyak_sgd,
    "reduce_on_plateau": lambda rate: optax.chain(
        optax.adam(rate), optax.contrib.reduce_on_plateau(patience=1, accumulation_size=2)
    ),
    "momo": optax.contrib.momo,
    "opaque sam": lambda rate: optax.contrib.sam(
        optax.sgd(rate), optax.sgd(0.01), sync_period=2, opaque_mode=True
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("mixed_types")
@pytest.mark.parametrize("name", NEEDING_MORE)
def test_optimisers_that_need_the_loss_get_it(name):
    candidate = EquinoxCandidate(Narrow, NEEDING_MORE[name], search={"learning_rate": (0.1, 1.0)})
    candidate.check(SETS["a"], SCHEDULE)
    for outcome in train(candidate, [Run({"learning_rate": rate}, 0, "a") for rate in (0.1, 1.0)]):
        assert outcome.train_loss[-1] < outcome.train_loss[0]


class Forgetful(eqx.Module):
    """Drops out, and takes no key."""

    layer: eqx.nn.Linear
    dropout: eqx.nn.Dropout

    def __init__(self, key):
        self.layer, self.dropout = eqx.nn.Linear(40, 10, key=key), eqx.nn.Dropout(0.5)

    def __call__(self, x):
        return self.layer(self.dropout(x))


def test_dropout_without_a_key_says_what_to_write():
    with pytest.raises(CandidateError, match=r"requires a key.*def __call__\(self, x, key=None\)"):
        EquinoxCandidate(Forgetful).check(SETS["a"], SCHEDULE)


@pytest.mark.slow
def test_an_average_of_a_part_of_the_weights_is_refused_without_a_word_on_evaluation():
    def kinds(weights):
        return jax.tree.map(lambda leaf: "averaged" if leaf.ndim == 2 else "plain", weights)

    def optimizer(rate):
        parts = {"averaged": optax.contrib.schedule_free_sgd(rate), "plain": optax.sgd(rate)}
        return optax.partition(parts, kinds)

    with pytest.raises(CandidateError, match="say by evaluation_model which"):
        EquinoxCandidate(Narrow, optimizer).check(SETS["a"], SCHEDULE)
    explicit = EquinoxCandidate(Narrow, optimizer, evaluation_model=lambda model, _: model)
    with jax.numpy_dtype_promotion("standard"):
        explicit.check(SETS["a"], SCHEDULE)
