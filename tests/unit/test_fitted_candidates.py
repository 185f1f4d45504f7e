"""Candidates with a `fit` of their own: clones, seeds, settings, and what is said of bad ones."""

# ruff: noqa: ARG001, ARG002, ARG005 (functions have the arguments that they are called with)
# ruff: noqa: NPY002, S311 (the global generators are what is tested)

import importlib.util
import inspect
import random

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("jax", reason="JAX is not installed")

import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mnist1d
from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.lab.candidates.contract import CandidateError, Run, Schedule, Sets
from mnist1d.lab.candidates.fitted import FunctionCandidate, SklearnCandidate

SHORT = Schedule(n_steps=12, batch_size=100, evaluate_every=6)


def classifiers():
    """Return those of scikit-learn by name; `all_estimators` would import private parts, too."""
    parts = [importlib.util.find_spec(f"sklearn.{name}") for name in sklearn.__all__]
    modules = [importlib.import_module(part.name) for part in parts if part is not None]
    kinds = {pair for each in modules for pair in inspect.getmembers(each, inspect.isclass)}
    return {
        name: kind
        for name, kind in sorted(kinds, key=lambda pair: pair[0])
        if issubclass(kind, ClassifierMixin)
        and issubclass(kind, BaseEstimator)
        and not inspect.isabstract(kind)
    }


CLASSIFIERS = classifiers()


@pytest.fixture(scope="module")
def sets():
    data = mnist1d.load()
    x, y = data.x[:600].astype(np.float32), data.y[:600].astype(np.int32)
    x_test, y_test = data.x_test[:300].astype(np.float32), data.y_test[:300].astype(np.int32)
    return Sets(x, y, {"validation": x_test, "train": x}, y_test)


def outcomes(candidate, sets, *runs):
    runs = [Run(settings, seed, "only") for settings, seed in runs]
    done = candidate.train(runs, {"only": sets}, SHORT, lambda steps, total: None)
    return [outcome for _, outcome in sorted(done, key=lambda pair: pair[0])]


def test_an_estimator_fits_as_it_does_alone(sets):
    candidate = SklearnCandidate(KNeighborsClassifier(), search={"n_neighbors": [1, 9]})
    assert candidate.check(sets, SHORT) is None
    runs = [({"n_neighbors": n}, 0) for n in (1, 9)]
    for (settings, _), outcome in zip(runs, outcomes(candidate, sets, *runs), strict=True):
        alone = KNeighborsClassifier(**settings).fit(sets.x, sets.y)
        expected = alone.predict(sets.evaluated["validation"])
        np.testing.assert_array_equal(outcome.predictions["validation"], expected)
        assert outcome.validation_accuracy == [np.mean(expected == sets.y_validation)]
        assert np.isnan(outcome.train_loss).all()
    assert not hasattr(candidate.estimator, "classes_")  # what was given is not fitted itself


def test_the_seed_reaches_every_random_state(sets):
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=3, max_depth=3))
    candidate = SklearnCandidate(pipeline)
    first, again, other = outcomes(candidate, sets, ({}, 0), ({}, 0), ({}, 1))
    alone = RandomForestClassifier(n_estimators=3, max_depth=3, random_state=1)
    alone.fit(StandardScaler().fit_transform(sets.x), sets.y)
    scaled = StandardScaler().fit(sets.x).transform(sets.x)
    np.testing.assert_array_equal(other.predictions["train"], alone.predict(scaled))
    np.testing.assert_array_equal(first.predictions["train"], again.predictions["train"])
    assert (first.predictions["train"] != other.predictions["train"]).any()


def test_a_function_that_makes_an_estimator_is_one(sets):
    made = SklearnCandidate(RidgeClassifier, search={"alpha": [1.0, 1e6]})
    given = SklearnCandidate(RidgeClassifier(), search={"alpha": [1.0, 1e6]})
    run = ({"alpha": 1e6}, 0)
    (first,), (second,) = outcomes(made, sets, run), outcomes(given, sets, run)
    np.testing.assert_array_equal(first.predictions["train"], second.predictions["train"])
    (default,) = outcomes(given, sets, ({"alpha": 1.0}, 0))
    assert (default.predictions["train"] != first.predictions["train"]).any()


def test_a_setting_that_an_estimator_lacks_is_refused():
    with pytest.raises(ValueError, match="search has C, which the estimator does not have; it has"):
        SklearnCandidate(KNeighborsClassifier(), search={"C": [1]})
    for given in ("KNN", StandardScaler()):
        with pytest.raises(TypeError, match="estimator must have fit and predict"):
            SklearnCandidate(given)
    with pytest.raises(ValueError, match=r"search needs an estimator with .* which Bare"):
        SklearnCandidate(Bare(), search={"width": [1]})


class Bare:
    """Fits and predicts, and nothing else; draws from the global generators."""

    random_state = None

    def __init__(self):
        self.drawn = [np.random.normal(), random.random()]
        self.n_fitted = 0

    def fit(self, x, y):
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        self.n_fitted += 1
        assert self.n_fitted == 1
        self.drawn += [np.random.normal(), random.random(), self.random_state]

    def predict(self, x):
        return np.full(len(x), int(1000 * abs(self.drawn[-3])) % 10)


def test_what_fits_and_predicts_is_an_estimator_seeded_by_the_run(sets):
    for given in (Bare(), Bare, lambda: Bare()):  # noqa: PLW0108 (a function is what is tested)
        candidate = as_candidate("a", given)
        assert isinstance(candidate, SklearnCandidate)
        candidate.check(sets, SHORT)
        before = np.random.get_state()[1].tolist(), random.getstate()
        found = outcomes(candidate, sets, *[({}, seed) for seed in range(5)])
        assert len({outcome.predictions["train"][0] for outcome in found}) > 1
        assert (np.random.get_state()[1].tolist(), random.getstate()) == before


def test_draws_from_pytorch_are_the_runs():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Network(Bare):
        def fit(self, x, y):
            self.drawn += [torch.randn(()).item(), 0, 0]
            return self

    candidate = SklearnCandidate(Network)
    x, y = np.zeros((600, 40), np.float32), np.zeros(600, np.int64)
    sets = Sets(x, y, {"validation": x, "train": x}, y)
    state = torch.get_rng_state()
    candidate.check(sets, SHORT)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_of_scikit_learn_is_accepted_alone_and_in_a_pipeline(name):
    make = CLASSIFIERS[name]
    inner = {"estimator": RidgeClassifier(), "estimators": [("a", RidgeClassifier())]}
    inner["base_estimator"] = inner["estimator"]  # its name before scikit-learn 1.7
    needs = [each for each in inner if needed(make, each)]
    estimator = make(**{each: inner[each] for each in needs})
    for given in (estimator, make_pipeline(StandardScaler(), estimator)):
        assert as_candidate("a", given).framework == "scikit-learn"


def needed(function, name):
    parameter = inspect.signature(function).parameters.get(name)
    return parameter is not None and parameter.default is parameter.empty


class Restless(ClassifierMixin, BaseEstimator):
    rng = np.random.default_rng(0)

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return self.rng.integers(10, size=len(x))


class Raising(Restless):
    def fit(self, x, y):
        raise ArithmeticError("no")


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (LinearRegression(), "expected classes from 0 to 9, got "),
        (StandardScaler, "expected a classifier with fit and predict, got StandardScaler"),
        (make_pipeline(StandardScaler()), "AttributeError: This 'Pipeline' has no attribute"),
        (Restless(), "not the same twice with the same seed: .* of 200 predictions differ"),
        (Raising(), "it raised with 600 samples .*ArithmeticError: no"),
    ],
)
def test_a_bad_estimator_is_explained(estimator, message, sets):
    with pytest.raises(CandidateError, match=message):
        SklearnCandidate(estimator).check(sets, SHORT)


def test_other_parameters_are_another_source():
    one, other = (SklearnCandidate(RidgeClassifier(alpha=alpha)).source() for alpha in (1.0, 2.0))
    assert one != other
    assert "RidgeClassifier" in one


def test_another_transformer_in_a_pipeline_is_another_source():
    def made(n):
        class Cut(BaseEstimator):
            def fit(self, x, y=None):
                return self

            def transform(self, x):
                return x[:, :n]

        return SklearnCandidate(make_pipeline(Cut(), RidgeClassifier())).source()

    assert made(3) == made(3) != made(4)


def nearest_mean(x, y, *, seed, x_validation, y_validation, shrinkage=0.0):
    """Classify by the nearest mean of a class, pulled towards the mean of all."""
    assert x_validation.shape == (len(y_validation), 40)
    means = np.array([x[y == label].mean(axis=0) for label in range(10)])
    means += shrinkage * (x.mean(axis=0) - means) + 1e-9 * seed
    x *= 0  # its own copy
    return lambda new: -((new[:, None] - means) ** 2).sum(axis=2)


def test_a_function_gets_samples_seed_and_settings(sets):
    before = sets.x.copy()
    candidate = FunctionCandidate(nearest_mean, search={"shrinkage": [0.0, 1.0]})
    assert candidate.check(sets, SHORT) is None
    kept, shrunk = outcomes(candidate, sets, ({"shrinkage": 0.0}, 0), ({"shrinkage": 1.0}, 0))
    assert kept.validation_accuracy[0] > 0.2
    assert kept.predictions["validation"].shape == (300,)
    assert kept.validation_accuracy[0] > shrunk.validation_accuracy[0]
    np.testing.assert_array_equal(sets.x, before)


@pytest.mark.parametrize("name", ["seed", "x_validation", "schedule"])
def test_what_a_function_gets_anyway_is_no_setting(name):
    def function(x, y, seed, x_validation, schedule):
        raise AssertionError("called")

    with pytest.raises(ValueError, match=f"search has {name}, which the comparison gives"):
        FunctionCandidate(function, search={name: (1,)})


def test_a_function_is_tuned_by_learning_rate_if_it_has_one():
    assert FunctionCandidate(nearest_mean).search == {}
    assert FunctionCandidate(lambda x, y, learning_rate: None).search is None
    assert FunctionCandidate(lambda x, y, learning_rate=0.1: None, search={}).search == {}
    with pytest.raises(ValueError, match="search has rate, which function does not take"):
        FunctionCandidate(nearest_mean, search={"rate": [1]})


def test_a_function_that_needs_a_learning_rate_has_to_search_it(sets):
    def needing(x, y, learning_rate, depth=1):
        return lambda new: np.zeros(len(new), int)

    with pytest.raises(CandidateError, match="function needs learning_rate, expected it in search"):
        FunctionCandidate(needing, search={"depth": np.array([1, 2])}).check(sets, SHORT)
    FunctionCandidate(needing).check(sets, SHORT)
    FunctionCandidate(needing, search={"learning_rate": [0.1]}).check(sets, SHORT)
    assert FunctionCandidate(lambda x, y, learning_rate=0.2: None, search={}).untuned_rate == "0.2"


def test_a_function_gets_labels_of_64_bits(sets):
    seen = []

    def watching(x, y, y_validation):
        seen.extend([x.dtype, y.dtype, y_validation.dtype])
        return lambda new: np.zeros(len(new), int)

    outcomes(FunctionCandidate(watching), sets, ({}, 0))
    assert seen == [np.float32, np.int64, np.int64]


def test_a_function_may_ask_how_long_others_train(sets):
    seen = []

    def asking(x, y, schedule):
        seen.append(schedule)
        return lambda new: np.zeros(len(new), int)

    outcomes(FunctionCandidate(asking), sets, ({}, 0))
    assert seen == [SHORT]


def test_a_candidate_that_needs_all_samples_or_steps_is_not_refused(sets):
    def annealed(x, y, schedule):
        epochs = range(0, schedule.n_steps, schedule.n_steps // 10)
        return lambda new: np.full(len(new), len(epochs) - 1)

    FunctionCandidate(annealed).check(sets, Schedule(30, 100, 10))
    SklearnCandidate(KNeighborsClassifier(250)).check(sets, SHORT)
    with pytest.raises(CandidateError, match=r"with 600 samples .*ValueError"):
        FunctionCandidate(annealed).check(sets, Schedule(9, 100, 3))


def predicting(output):
    return lambda x, y: lambda new: output(len(new))


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            predicting(lambda n: np.zeros((n, 9))),
            r"logits of shape \(200, 10\), got shape \(200, 9\)",
        ),
        (predicting(lambda n: np.zeros(n - 1)), r"got shape \(199,\)"),
        (predicting(lambda n: np.full(n, 10)), "expected classes from 0 to 9, got 10"),
        (predicting(lambda n: np.full(n, -1)), "expected classes from 0 to 9, got -1"),
        (predicting(lambda n: np.full(n, np.nan)), "expected classes from 0 to 9, got nan"),
        (predicting(lambda n: np.full((n, 10), np.inf)), "expected finite logits"),
        (predicting(lambda n: ["seven"] * n), "got list of type <U5"),
        (predicting(lambda n: None), "got NoneType"),
        (predicting(lambda n: RNG.normal(size=(n, 10))), "not the same twice"),
        (predicting(lambda n: 1 / 0), "ZeroDivisionError"),
        (lambda x, y: x, "expected a function that predicts.*got ndarray"),
        (
            lambda x, y: RidgeClassifier().fit(x, y),
            "RidgeClassifier; return its method predict",
        ),
        (lambda x: x, "TypeError"),
    ],
)
def test_a_bad_function_is_explained(function, message, sets):
    with pytest.raises(CandidateError, match=message):
        FunctionCandidate(function).check(sets, SHORT)


def test_what_fails_in_the_middle_is_named_and_earlier_runs_are_kept(sets):
    def unlucky(x, y, seed):
        return lambda new: np.full(len(new), 3 if seed == 0 else 12)

    candidate = FunctionCandidate(unlucky)
    runs = [Run({}, seed, "only") for seed in (0, 1)]
    running = candidate.train(runs, {"only": sets}, SHORT, lambda *_: None)
    assert next(running)[0] == 0
    with pytest.raises(CandidateError, match=r"failed with seed 1 and no settings: .* got 12"):
        next(running)


def test_logits_that_are_not_finite_are_a_run_that_diverged(sets):
    diverging = FunctionCandidate(predicting(lambda n: np.full((n, 10), np.nan)))
    (outcome,) = outcomes(diverging, sets, ({}, 0))
    assert np.isnan(outcome.validation_accuracy).all()
