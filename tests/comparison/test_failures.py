"""What goes wrong is named, and the others' results are kept."""

import json

import equinox as eqx
import jax
import numpy as np
import optax
import pytest

from mnist1d.harness.interface import InputError
from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.lab.candidates.contract import CandidateError
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison import data
from mnist1d.lab.comparison.compare import compare
from mnist1d.models import MLP, Logistic


def jax_key(seed):
    return jax.random.key(seed)


COUNTER = iter(range(1000))


BROKEN = {
    "shape": (
        lambda key: MLP(n_classes=9, key=key),
        r"logits of shape \(10,\), and gave shape \(9,\)",
    ),
    "layout": (
        lambda key: eqx.nn.Conv1d(1, 10, 40, key=key),
        r"to map an example of shape \(40,\) to logits \(10,\), and raised \w+Error: ",
    ),
    "NaN": (lambda key: lambda x: Logistic(key=key)(x) * np.nan, "finite logits, and gave"),
    "key": (lambda _key: Logistic(key=jax_key(next(COUNTER))), "the same twice with the same key"),
    "raises": (lambda _key: 1 / 0, "raised ZeroDivisionError: division by zero"),
    "loss": (
        EquinoxCandidate(Logistic, loss=lambda logits, _labels: logits),
        "to take a training step, and raised TypeError: .*scalar",
    ),
    "augment": (
        EquinoxCandidate(Logistic, augment=lambda x, _key: x[:, 1:]),
        r"augment was expected to give the shape \(100, 40\).* gave \(100, 39\)",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_a_candidate_that_cannot_work_is_named_before_anything_runs(what, oracle, quick):
    broken, expected = BROKEN[what]
    sets = data.DataSets(quick).sets(data.Variant())
    with pytest.raises(CandidateError, match=expected):
        as_candidate(what, broken).check(sets, quick.schedule)
    said = []
    found = compare(
        {what: broken, "sound": oracle(oracle.best_at(0.01))},
        quick,
        progress=lambda task, _done, _total: said.append(task),
    )
    assert said[0].startswith(f"{what} will be left out: ")
    assert list(found.failures) == [what]
    assert np.isnan(found.result.test_accuracy.sel(candidate=what)).all()
    assert np.isfinite(found.result.test_accuracy.sel(candidate="sound")).all()
    assert f"{what} failed: " in str(found)
    found.plot()


def test_a_candidate_that_raises_in_the_middle_keeps_what_it_has(oracle, quick):
    candidates = {
        "weak": oracle(oracle.best_at(0.01), fail_at=1),
        "sound": oracle(oracle.best_at(0.01)),
    }
    found = compare(candidates, quick)
    assert "RuntimeError: out of luck" in found.failures["weak"]
    weak, sound = (found.result.test_accuracy.sel(candidate=name) for name in candidates)
    assert np.isfinite(weak).values.tolist() == [True, False]
    assert np.isfinite(sound).all()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p: p[:-1], "expected 200 integers as predictions for test, got int64 of shape"),
        (lambda p: p / 2, "got float64"),
        (lambda p: p + 1, "expected classes from 0 to 9 as predictions for test, got 1 to 10"),
    ],
)
def test_predictions_that_are_none_are_named(change, expected, oracle, quick):
    class Wrong(oracle):
        def train(self, *arguments):
            for i, outcome in super().train(*arguments):
                test = {n: change(p) if n == "test" else p for n, p in outcome.predictions.items()}
                yield i, outcome._replace(predictions=test)

    found = compare(
        {"wrong": Wrong(oracle.best_at(0.01)), "sound": oracle(oracle.best_at(0.01))}, quick
    )
    assert expected in found.failures["wrong"]
    assert set(found.failures) == {"wrong"}


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_diverged_runs_are_counted_and_never_chosen(quick):
    wild = EquinoxCandidate(Logistic, optax.sgd, search={"learning_rate": (3e38, 0.1)})
    lost = EquinoxCandidate(Logistic, optax.sgd, search={"learning_rate": (3e38,)})
    found = compare({"wild": wild, "lost": lost}, quick)
    assert json.loads(found.result.settings.sel(candidate="wild").item()) == {"learning_rate": 0.1}
    assert found.result.diverged.sum("seed").values.tolist() == [0, 2]
    assert np.isnan(found.result.test_accuracy.sel(candidate="lost")).all()
    assert "lost: 2 of 2 runs diverged" in str(found)
    found.plot()


@pytest.mark.parametrize(
    ("candidates", "settings", "expected"),
    [
        ({}, {}, "candidates must not be empty"),
        ([MLP], {}, "candidates must be a mapping"),
        ({"": MLP}, {}, "candidates must have names"),
        ({"a\0b": MLP}, {}, r"names of one line of printable text, not 'a\\x00b'"),
        ({"a\ud800": MLP}, {}, r"names of one line of printable text, not 'a\\ud800'"),
        ({"MLP (paper)": MLP}, {"references": True}, "other names than the paper's"),
        ({"a": 3}, {}, "candidate a: a must be .*, not 3 of type int"),
        ({"a": MLP}, {"seeds": 0}, "seeds must be from 1 to 10000, not 0"),
        ({"a": MLP}, {"tuning_seeds": 0}, "tuning_seeds must be from 1"),
        ({"a": MLP}, {"learning_rates": ()}, "learning_rates must not be empty"),
        ({"a": MLP}, {"learning_rates": (0.1, 0.1)}, "learning_rates must be .* all different"),
        ({"a": MLP}, {"learning_rates": (0.1, -1)}, r"learning_rates\[1\] must be above 0, not -1"),
        ({"a": MLP}, {"budget": 0}, "budget must be at least 1"),
        ({"a": MLP}, {"validation_samples": 100}, "at least 500, not 100: .* 4.6 points"),
        ({"a": MLP}, {"evaluate_every": 7}, "evaluate_every must divide the 20 steps, not 7"),
        ({"a": MLP}, {"batch_size": 401}, "batch_size must be from 1 to 400, not 401"),
        ({"a": MLP}, {"train_sizes": (99,)}, r"train_sizes\[0\] must be from 100 to 400, not 99"),
        ({"a": MLP}, {"train_sizes": (150, 150)}, "train_sizes must be different numbers from"),
        ({"a": MLP}, {"shifts": ("nose",)}, "did you mean 'noise'"),
        ({"a": MLP}, {"sedes": 3}, "no field 'sedes'; did you mean 'seeds'"),
        ({"a": MLP}, {"target_accuracy": 60}, "target_accuracy must be a fraction"),
        ({"a": lambda _key: 1 / 0}, {}, "no candidate works. a: .*ZeroDivisionError"),
    ],
)
def test_what_cannot_be_compared_is_an_error_before_anything_runs(
    candidates, settings, expected, oracle, quick
):
    candidate = oracle(oracle.best_at(0.01))
    more = (
        {"oracle": candidate}
        if candidates and "a" in candidates and "works" not in expected
        else {}
    )
    given = candidates | more if isinstance(candidates, dict) else candidates
    with pytest.raises(InputError, match=expected):
        compare(given, quick, **settings)
    assert candidate.done == []


def test_an_empty_search_space_is_refused(quick):
    with pytest.raises(InputError, match=r"candidate a: search\['learning_rate'\] must have one"):
        compare({"a": EquinoxCandidate(MLP, search={"learning_rate": ()})}, quick)
    with pytest.raises(ValueError, match="names of arguments of make or of optimizer, not 'widht'"):
        EquinoxCandidate(MLP, search={"widht": (1, 2)})


@pytest.mark.parametrize("rates", [(0.1, 0.1), (0.1, -1), (0.1, float("nan")), (0.1, np.inf)])
def test_a_search_has_learning_rates_above_0_all_different(rates, oracle, quick):
    with pytest.raises(InputError, match=r"candidate a: search\['learning_rate'\]"):
        compare({"a": oracle(oracle.best_at(0.01), search={"learning_rate": rates})}, quick)
