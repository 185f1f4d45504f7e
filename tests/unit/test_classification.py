"""What the classification experiment computes from its measurements."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Compute
from mnist1d.experiments import classification
from mnist1d.experiments.classification import claims, human_expert, method
from mnist1d.experiments.classification.config import Config
from mnist1d.experiments.classification.method import MNIST_MODELS, MODELS, _stop_early, _task
from mnist1d.harness.claims import judge
from mnist1d.mnist import MNIST

pytestmark = pytest.mark.slow

ANSWERS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "human_answers.csv"


@pytest.mark.parametrize(
    "field", ["seeds", "n_steps", "evaluate_every", "batch_size", "mnist_evaluate_every"]
)
def test_a_count_below_one_is_refused_by_name(field):
    with pytest.raises(ValueError, match=rf"{field} must be at least 1, not 0"):
        Config(**{field: 0})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("batch_size", 4001),
        ("validation_samples", 9),
        ("validation_samples", 15),
        ("validation_seed", 42),
        ("validation_seed", -1),
    ],
)
def test_a_bad_setting_is_refused_by_name_and_value(field, value):
    with pytest.raises(ValueError, match=rf"{field} .*{value}"):
        Config(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seeds", 3.0),
        ("seeds", "3"),
        ("n_steps", None),
        ("learning_rate", "0.01"),
        ("batch_size", True),
        ("mnist", 3),
        ("download_mnist", "yes"),
    ],
)
def test_a_setting_of_the_wrong_type_is_refused_by_name(field, value):
    with pytest.raises(TypeError, match=f"{field} must be"):
        Config(**{field: value})


def test_human_answers_equal_the_published_file():
    if not ANSWERS.exists():
        pytest.skip(f"the published answers are not at {ANSWERS}")
    with ANSWERS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    once = [row for row in rows if row["repeat_of_quiz_1"] == "0"]
    assert [int(row["test_index"]) for row in once] == human_expert.TEST_INDEX.tolist()
    assert [row["correct"] == "1" for row in once] == human_expert.is_correct().tolist()
    assert {
        int(row["test_index"]): int(row["answer"]) for row in once if row["correct"] == "0"
    } == human_expert.ERRORS
    accuracy = [np.mean([int(row["correct"]) for row in rows if row["quiz"] == q]) for q in "12345"]
    assert tuple(accuracy) == human_expert.PUBLISHED_QUIZ_ACCURACY


def result_of(**accuracies):
    """Make a result of one model, one data set, two seeds and four evaluations."""
    dims = ("model", "data", "seed", "step")
    return xr.Dataset(
        {name: (dims, np.array([[values]])) for name, values in accuracies.items()},
        coords={"step": [0, 250, 500, 750], "seed": [0, 1]},
    )


def test_early_stopping_takes_the_first_of_the_best_validation_accuracies():
    result = _stop_early(
        result_of(
            validation_accuracy=[[0.1, 0.5, 0.5, 0.4], [0.1, 0.2, 0.3, 0.4]],
            test_accuracy=[[0.11, 0.51, 0.99, 0.41], [0.99, 0.21, 0.31, 0.41]],
        )
    )
    np.testing.assert_array_equal(result.early_stopped_step.squeeze(), [250, 750])
    np.testing.assert_array_equal(result.early_stopped_accuracy.squeeze(), [0.51, 0.41])


def test_early_stopping_of_a_diverged_run_is_no_number():
    nothing = [np.nan] * 4
    result = _stop_early(
        result_of(
            validation_accuracy=[nothing, [0.1, 0.2, 0.3, 0.4]],
            test_accuracy=[nothing, [0.1, 0.2, 0.3, 0.4]],
        )
    )
    np.testing.assert_array_equal(result.early_stopped_accuracy.squeeze(), [np.nan, 0.4])


@pytest.fixture(scope="module")
def diverged():
    return classification.run(Config(seeds=2, n_steps=60, evaluate_every=30, learning_rate=1e30))


def test_a_rate_that_diverges_is_reported_as_divergence(diverged):
    mlp = diverged.sel(model="MLP")
    assert mlp.diverged.all()
    assert mlp.test_accuracy.isnull().all()
    row = next(row for row in classification.summarise(diverged) if row.condition == "MLP")
    assert {estimate.n for estimate in row.estimates.values()} == {0}
    assert {estimate.n_diverged for estimate in row.estimates.values()} == {2}


def test_nothing_is_claimed_of_runs_that_diverged(diverged):
    assert diverged.diverged.all()
    for judgement in judge(classification.CLAIMS, diverged, full=True):
        if not judgement.claim.name.startswith(("test-accuracy-plain-human", "data-")):
            assert judgement.verdict == "not checkable", judgement
            assert judgement.estimate.n == 0, judgement
    assert np.isnan(human_expert.cnn_errors_per_digit(diverged)).all()


def test_one_diverged_run_of_several_leaves_claims_unchecked(diverged):
    sound = xr.zeros_like(diverged.diverged)
    predictions = xr.zeros_like(diverged.test_prediction)
    early = xr.zeros_like(diverged.early_stopped_step)
    partly = diverged.assign(
        diverged=sound | (sound.seed == 1), test_prediction=predictions, early_stopped_step=early
    )
    by_name = {one.claim.name: one for one in judge(classification.CLAIMS, partly, full=True)}
    for name in ("human-beats-cnn", "same-hard-samples"):
        assert by_name[name].verdict == "not checkable"
        assert by_name[name].estimate.n_diverged == 1


def test_table_1_names_the_models_that_are_trained():
    for data, models in (("plain", MODELS), ("shuffled", MODELS), ("mnist", MNIST_MODELS)):
        assert [model for where, model in claims.TABLE_1 if where == data] == list(models)


def test_an_exploded_loss_counts_as_diverged():
    config = Config(seeds=1, n_steps=60, evaluate_every=30, learning_rate=1e4)
    assert classification.run(config).diverged.sel(model="MLP").all()


def test_other_data_and_folders_determine_only_what_they_change():
    plain, other = Config(), Config(data=DatasetConfig(label_noise=0.1), mnist="elsewhere")
    assert "dataset" not in _task(plain, "MNIST-1D", "CNN").key
    assert _task(other, "MNIST-1D", "CNN").key["dataset"]["label_noise"] == 0.1
    assert _task(other, "MNIST", "CNN").key == _task(plain, "MNIST", "CNN").key


def test_mnist_is_trained_on_this_machine_whoever_trains_the_rest(monkeypatch, tmp_path):
    draw = np.random.default_rng(0).integers
    files = MNIST(
        x=draw(256, size=(5200, 28, 28), dtype=np.uint8),
        y=draw(10, size=5200),
        x_test=draw(256, size=(300, 28, 28), dtype=np.uint8),
        y_test=draw(10, size=300),
    )
    monkeypatch.setattr(method, "load_mnist", lambda *_, **__: files)
    for name in ("MODELS", "MNIST_MODELS"):
        monkeypatch.setattr(method, name, {"Logistic": getattr(method, name)["Logistic"]})
    asked = []

    class Elsewhere(ThreadPoolExecutor):
        def submit(self, *arguments):
            asked.append(arguments)
            return super().submit(*arguments)

    config = Config(seeds=2, n_steps=3, evaluate_every=1, mnist_evaluate_every=2, mnist=tmp_path)
    with Elsewhere(1) as executor:
        result = method.run(config, compute=Compute(executor=executor))
    assert len(asked) == 1
    assert result.test_accuracy.dims == ("model", "data", "seed", "step")
    assert result.mnist_test_accuracy.dims == ("model", "seed", "mnist_step")
    assert result.mnist_step.values.tolist() == [0, 2]
    assert result.mnist_n_parameters.item() == 7850
    assert "mnist_test_prediction" not in result
