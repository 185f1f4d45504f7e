"""What is chosen and measured: by validation data alone, on other seeds, from predictions."""

import json

import numpy as np
import optax
import pytest
import xarray as xr

import mnist1d
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison import data
from mnist1d.lab.comparison.compare import compare
from mnist1d.models import MLP, Logistic


def test_the_setting_with_the_best_validation_accuracy_trains_on_other_seeds(oracle, quick):
    candidate = oracle(oracle.best_at(0.01))
    found = compare({"oracle": candidate}, quick).result.isel(candidate=0)
    assert json.loads(found.settings.item()) == {"learning_rate": 0.01}
    assert {seed for _, seed, _ in candidate.tuned} == {10_000, 10_001}
    assert [seed for _, seed, _ in candidate.final] == [0, 1]
    assert all(settings == {"learning_rate": 0.01} for settings, _, _ in candidate.final)
    np.testing.assert_allclose(found.test_accuracy, [0.9, 0.91])
    np.testing.assert_allclose(found.train_accuracy, [0.9, 0.91], atol=0.002)
    np.testing.assert_allclose(found.tuning_accuracy.mean("tuning_seed"), [0.805, 0.905, 0.805])
    assert found.n_parameters == 7


def test_settings_may_be_chosen_by_their_steps_to_the_target(oracle, quick):
    class Runner(oracle):
        """Is fast with high rates, and in the end more accurate with low ones."""

        def train(self, runs, *arguments):
            for i, outcome in super().train(runs, *arguments):
                rate, seed = runs[i].settings["learning_rate"], runs[i].seed
                curve = {0.001: [0.5, 0.9], 0.01: [0.7, 0.8], 0.1: [0.7, 0.4 + 0.3 * (seed % 2)]}
                yield i, outcome._replace(validation_accuracy=np.array(curve[rate]))

    def chosen(**settings):
        found = compare({"a": Runner(oracle.best_at(0.01))}, quick, **settings)
        rate = json.loads(found.result.settings.item())["learning_rate"]
        return rate, str(found)

    assert chosen()[0] == 0.001
    rate, text = chosen(chosen_by="steps")
    assert rate == 0.01  # as fast as 0.1, and better in the end
    assert "by steps to 60 % validation accuracy" in " ".join(text.split())
    assert chosen(chosen_by="steps", target_accuracy=0.85)[0] == 0.001
    assert chosen(chosen_by="steps", target_accuracy=0.95)[0] == 0.001  # which none reaches
    with pytest.raises(ValueError, match="chosen_by must be"):
        chosen(chosen_by="speed")


def test_tuning_is_given_no_test_data(oracle, quick):
    candidate = oracle(oracle.best_at(0.01))
    compare({"oracle": candidate}, quick, shuffled=True, shifts=("noise",))
    assert all(parts == {"train", "validation"} for _, _, parts in candidate.tuned)
    assert {"test", "noise"} < candidate.final[0][2]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_other_test_labels_change_no_choice(monkeypatch, quick):
    candidates = {"Logistic": Logistic}
    before = compare(candidates, quick).result
    generate = mnist1d.generate

    def permuted(config):
        dataset = generate(config)
        dataset.y_test[:] = (dataset.y_test + 1) % 10
        return dataset

    monkeypatch.setattr(data, "generate", permuted)
    after = compare(candidates, quick).result
    xr.testing.assert_equal(before.tuning_accuracy, after.tuning_accuracy)
    xr.testing.assert_equal(before.settings, after.settings)
    assert (before.test_accuracy != after.test_accuracy).all()


def test_a_choice_at_the_edge_of_the_grid_is_reported(oracle, quick):
    text = str(compare({"oracle": oracle(oracle.best_at(0.1))}, quick))
    assert "oracle: chose learning_rate = 0.1, the highest of its values: better ones" in " ".join(
        text.split()
    )
    assert "lie beyond" not in str(compare({"oracle": oracle(oracle.best_at(0.01))}, quick))


def test_drops_shifts_and_steps_come_from_predictions(oracle, quick):
    found = compare(
        {"oracle": oracle(lambda _, seed: 0.8 + 0.1 * seed, search={})},
        quick,
        shuffled=True,
        shifts=("noise",),
        target_accuracy=0.43,
        train_sizes=(100, 400),
    )
    result = found.result.isel(candidate=0)
    for name in ("test_accuracy", "shuffled_accuracy"):
        np.testing.assert_allclose(result[name], [0.8, 0.9])
    np.testing.assert_allclose(result.shift_accuracy.sel(test_set="noise"), [0.8, 0.9])
    np.testing.assert_allclose(result.size_accuracy, [[0.8, 0.8], [0.9, 0.9]])
    assert result.steps_to_target.values.tolist() == [20, 10]
    right = (result.test_prediction == result.test_label).mean("sample")
    np.testing.assert_allclose(right, result.test_accuracy)


def test_parameters_are_those_of_the_chosen_setting(oracle, quick):
    class Counted(oracle):
        def count(self, settings, sets):
            assert sets.x.shape == (400, 40)
            return round(1000 * settings["learning_rate"])

    found = compare({"a": Counted(oracle.best_at(0.1)), "b": Counted(oracle.best_at(0.01))}, quick)
    assert found.result.n_parameters.values.tolist() == [100, 10]


def test_a_learning_rate_that_is_not_tuned_is_reported(oracle, quick):
    class Untuned(oracle):
        untuned_rate = "0.07"

    found = compare({"a": Untuned(lambda *_: 0.5, {"width": (1, 2)})}, quick)
    assert "a: learning_rate not tuned: it is 0.07" in str(found)
    assert "not tuned" not in str(compare({"a": Untuned(oracle.best_at(0.01))}, quick))
    assert EquinoxCandidate(MLP, search={"hidden_size": (5,)}).untuned_rate == "0.01"
    assert not EquinoxCandidate(MLP, optax.adam(0.1)).untuned_rate


def test_candidates_without_steps_have_no_steps_to_a_target(oracle, quick):
    class Stepless(oracle):
        def train(self, *arguments):
            for i, outcome in super().train(*arguments):
                yield (
                    i,
                    outcome._replace(
                        validation_accuracy=outcome.validation_accuracy[-1:],
                        train_loss=np.array([np.nan]),
                    ),
                )

    for evaluate_every in (10, 20):
        found = compare({"a": Stepless(lambda *_: 0.9, {})}, quick, evaluate_every=evaluate_every)
        assert np.isnan(found.result.steps_to_target).all()
        assert "reached by" not in str(found)
    never = str(compare({"a": oracle(lambda *_: 0.5, {})}, quick))
    assert "reached by" in never
    assert "0 of 2" in never
