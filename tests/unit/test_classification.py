"""What the classification experiment computes from its measurements."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Compute, Task
from mnist1d.experiments import classification
from mnist1d.experiments.classification import (
    claims,
    construction,
    human_expert,
    measures,
    method,
    usual_models,
)
from mnist1d.experiments.classification.config import Config
from mnist1d.experiments.classification.method import (
    MNIST_MODELS,
    MODELS,
    WIDE,
    _stop_early,
    _task,
)
from mnist1d.harness.claims import judge
from mnist1d.mnist import MNIST

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_module", "one_device")]

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
def diverged(quick_module, one_device):  # noqa: ARG001 (it compiles, for one)
    return classification.run(Config(seeds=2, n_steps=6, evaluate_every=3, learning_rate=1e30))


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
    for name in ("human-beats-cnn", "same-hard-samples", "same-hard-digits"):
        assert by_name[name].verdict == "not checkable"
        assert by_name[name].estimate.n_diverged == 1


def test_table_1_names_the_models_that_are_trained():
    for data, models in (("plain", MODELS), ("shuffled", MODELS), ("mnist", MNIST_MODELS)):
        assert [model for where, model in claims.TABLE_1 if where == data] == list(models)
    assert list(MODELS) == list(measures.MODELS)
    assert list(WIDE) == [measures.WIDE]
    assert {*measures.USUAL.values(), measures.WIDE} == {*usual_models.NETWORKS}


def test_an_exploded_loss_counts_as_diverged(monkeypatch):
    monkeypatch.setattr(method, "MODELS", {"MLP": MODELS["MLP"]})
    config = Config(seeds=1, n_steps=60, evaluate_every=30, learning_rate=1e4)
    assert classification.run(config).diverged.sel(model="MLP").all()


def test_other_data_and_folders_determine_only_what_they_change():
    plain, other = Config(), Config(data=DatasetConfig(label_noise=0.1), mnist="elsewhere")
    assert "dataset" not in _task(plain, "MNIST-1D", "CNN").key
    assert _task(other, "MNIST-1D", "CNN").key["dataset"]["label_noise"] == 0.1
    assert _task(other, "MNIST", "CNN").key == _task(plain, "MNIST", "CNN").key
    usual = Config(mnist_seeds=1, usual_steps=7)
    assert _task(usual, "MNIST-1D", "CNN").key == _task(plain, "MNIST-1D", "CNN").key


@pytest.fixture
def files():
    draw = np.random.default_rng(0).integers
    return MNIST(
        x=draw(256, size=(5200, 28, 28), dtype=np.uint8),
        y=draw(10, size=5200),
        x_test=draw(256, size=(300, 28, 28), dtype=np.uint8),
        y_test=draw(10, size=300),
    )


def test_on_a_cpu_the_runs_of_mnists_cnn_train_one_after_the_other(monkeypatch, files):
    monkeypatch.setattr(method, "_train", lambda *arguments: arguments[-1])
    run = method.mnist_trainer(files, Config(seeds=2))
    tasks = [Task({"model": name}, {}) for name in MNIST_MODELS]
    together = {
        task.labels["model"]: how["batched"] for task, how in run(tasks, None, lambda _: None)
    }
    assert together == {"Logistic": True, "MLP": True, "CNN": False, "GRU": True}


def test_mnist_is_trained_on_this_machine_whoever_trains_the_rest(monkeypatch, tmp_path, files):
    monkeypatch.setattr(method, "load_mnist", lambda *_, **__: files)
    for name in ("MODELS", "MNIST_MODELS"):
        monkeypatch.setattr(method, name, {"Logistic": getattr(method, name)["Logistic"]})
    networks = {"MLP 2 x 512": usual_models.NETWORKS["MLP 2 x 512"]}
    monkeypatch.setattr(usual_models, "NETWORKS", networks)
    asked = []

    class Elsewhere(ThreadPoolExecutor):
        def submit(self, *arguments):
            asked.append(arguments)
            return super().submit(*arguments)

    config = Config(
        seeds=2,
        n_steps=3,
        evaluate_every=1,
        mnist_evaluate_every=2,
        mnist=tmp_path,
        mnist_seeds=1,
        usual_steps=4,
    )
    with Elsewhere(1) as executor:
        result = method.run(config, compute=Compute(executor=executor))
    assert len(asked) == 2
    assert result.test_accuracy.dims == ("model", "data", "seed", "step")
    assert result.wide_test_accuracy.dims == ("data", "seed", "step")
    assert result.wide_n_parameters.item() == 40 * 256 + 256 + 256 * 256 + 256 + 2570
    assert "wide_test_prediction" not in result
    assert result.mnist_test_accuracy.dims == ("model", "seed", "mnist_step")
    assert result.mnist_step.values.tolist() == [0, 2]
    assert result.mnist_n_parameters.item() == 7850
    assert "mnist_test_prediction" not in result
    assert result.usual_test_accuracy.sizes == {"usual_model": 1, "usual_seed": 1}
    assert result.logistic_is_correct.sizes == {"usual_image": 300}
    assert 0 < result.usual_train_accuracy.item() < 0.3
    assert result.logistic_train_accuracy.item() > 0.3  # 785 weights per class fit much of 5,200


def test_usual_networks_of_several_seeds_learn_with_one_program():
    labels = np.arange(400) % 10
    x = np.random.default_rng(1).integers(60, size=(400, 28, 28), dtype=np.uint8)
    x[np.arange(400), 2 * labels] += 150  # a row of pixels tells the digit
    files = MNIST(x=x, y=labels, x_test=x[:100], y_test=labels[:100])
    run = usual_models.UsualRunner(files, Config(usual_steps=20))
    places = [{"usual_model": "MLP 256", "usual_seed": seed} for seed in (1000, 1001)]
    steps = []
    tasks = [Task(place, {}) for place in places]
    found = [arrays for _, arrays in run(tasks, jax.devices()[0], steps.append)]
    assert (steps[0], steps[-1]) == (0, 40)
    assert all(arrays["test_accuracy"] > 0.9 and not arrays["diverged"] for arrays in found)
    assert found[0]["compile_seconds"] == found[1]["compile_seconds"]


def test_dropout_keeps_the_mean_and_differs_between_layers():
    seen = []

    class Probe:
        def __call__(self, x, activation):
            seen.append(activation(jnp.ones((500, 40))))
            seen.append(activation(jnp.ones((500, 40))))
            return jnp.zeros((10, x.shape[1]))

    loss = usual_models.loss_with_dropout(0.2)
    loss(Probe(), (jnp.zeros((3, 784)), jnp.zeros(3, int)), jax.random.key(1000))
    for layer in seen:
        assert {0.0, 1.25} == {*np.unique(layer).tolist()}
        assert abs(layer.mean() - 1) < 5 * 0.5 / np.sqrt(20_000)
    assert (seen[0] != seen[1]).any()


def older(result):
    """Return a result from before the wide MLP and the usual models."""
    names = [name for name in result if str(name).startswith(("wide_", "usual_", "logistic_"))]
    return result.drop_vars(names)


def with_mnist(result, **more):
    """Add MNIST's curves to a result: those of the plain data."""
    plain = result.isel(data=0, drop=True).rename(step="mnist_step")
    names = ("train_accuracy", "test_accuracy", "early_stopped_accuracy")
    return result.assign({f"mnist_{name}": plain[name] for name in names} | more)


def test_an_older_result_is_judged_and_new_claims_have_no_data(diverged):
    result = with_mnist(older(diverged))
    by_name = {one.claim.name: one for one in judge(classification.CLAIMS, result, full=True)}
    for name in ("test-accuracy-mnist-cnn", "mlp-of-width-256-plain"):
        assert (by_name[name].verdict, by_name[name].reason) == ("not checkable", "no data")
    assert by_name["mnist-94-is-training-accuracy"].reason == "no data"
    rows = classification.summarise(result)
    assert "MLP 256" not in {row.condition for row in rows}
    assert "MNIST, usual models" not in {row.group for row in rows}
    assert not any("width" in name for name in classification.explain(result))


def test_usual_models_are_judged_by_their_own_numbers(diverged):
    networks = list(usual_models.NETWORKS)
    test = np.array([[0.98, 0.981], [0.97, 0.971], [0.992, 0.993], [0.99, 0.991]])
    result = with_mnist(
        diverged,
        usual_test_accuracy=(("usual_model", "usual_seed"), test),
        usual_train_accuracy=(("usual_model", "usual_seed"), np.full((4, 2), 0.999)),
        logistic_train_accuracy=0.9401,
        logistic_is_correct=("usual_image", np.arange(10_000) < 9240),
    ).assign_coords(usual_model=networks)
    by_name = {one.claim.name: one for one in judge(classification.CLAIMS, result, full=True)}
    assert by_name["test-accuracy-mnist-cnn"].estimate.mean == pytest.approx(99.25)
    assert by_name["test-accuracy-mnist-mlp"].estimate.mean == pytest.approx(98.05)
    logistic = by_name["test-accuracy-mnist-logistic"].estimate
    assert (logistic.mean, logistic.n) == (pytest.approx(92.4), 10_000)
    assert logistic.low < 92
    assert logistic.high > 92.8
    assert by_name["test-accuracy-mnist-logistic"].verdict == "differs"
    assert by_name["mnist-94-is-training-accuracy"].verdict == "verified"
    assert by_name["does-not-fit-training-set-mnist-logistic"].verdict == "verified"
    assert "98.0 %" in classification.explain(result)["test-accuracy-mnist-mlp"]
    rows = {(row.group, row.condition): row for row in classification.summarise(result)}
    assert rows["MNIST, usual models", "LeNet"].claim == "test-accuracy-mnist-cnn"
    assert rows["MNIST, usual models", "MLP 256"].claim is None


def test_the_running_time_of_figure_2_leaves_usual_models_out():
    result = xr.Dataset(
        {"loss": ("seed", [1.0] * 3), "usual_seconds": 600.0}, attrs={"seconds": 900.0}
    )
    assert measures.minutes_without_usual_models(result).mean == 5
    assert measures.minutes_without_usual_models(result.drop_attrs()).n == 0


def test_signals_made_step_by_step_are_those_of_the_generator():
    # The checks of the text rest on these: the order of the code, noise in the padding alone.
    config, draws = DatasetConfig(), construction._first_draws()
    clean = construction._clean(draws, config.stretched_length)
    noise = construction._smoothed(draws.correlated_noise) * config.corr_noise_scale
    signals = np.where(clean == 0, noise, clean) + config.iid_noise_scale * draws.white_noise
    signals -= draws.shear[:, None] * np.linspace(-0.5, 0.5, config.stretched_length)
    old, new = (np.linspace(0, 1, n) for n in (config.stretched_length, config.final_seq_length))
    made = np.array([np.interp(new, old, signal) for signal in signals])
    np.testing.assert_allclose(made, construction._synthesised(draws, config), rtol=0, atol=1e-12)


def with_cnn_errors(share_by_digit, n_seeds=6):
    """Make a result whose CNNs err on a share of the samples of every digit."""
    labels = np.arange(1000) % 10
    rng = np.random.default_rng(0)
    wrong = rng.random((n_seeds, 1, 1000)) < np.asarray(share_by_digit)[labels]
    predictions = np.where(wrong, (labels + 1) % 10, labels).astype(np.uint8)
    return xr.Dataset(
        {
            "test_prediction": (("seed", "step", "sample"), predictions),
            "diverged": ("seed", np.zeros(n_seeds, bool)),
        },
        {"step": [3000], "seed": range(n_seeds), "test_label": ("sample", labels)},
    ).expand_dims(data=["plain"], model=["CNN"])


def test_errors_by_digit_correlate_with_all_uncertainty():
    labels = np.arange(1000) % 10
    rows = human_expert.TEST_INDEX
    of_person = np.bincount(labels[rows][~human_expert.is_correct()], minlength=10) / 40
    same = human_expert.same_hard_digits(with_cnn_errors(5 * of_person))
    opposite = human_expert.same_hard_digits(with_cnn_errors(0.6 - 5 * of_person))
    assert same.low > 0 > opposite.high
    assert same.high - same.low > 0.1


def test_errors_by_sample_correlate_with_the_uncertainty_of_samples_and_seeds():
    result = with_cnn_errors([0.1] * 10, n_seeds=6)
    result = result.assign(early_stopped_step=("seed", [3000] * 6))
    chance = human_expert.same_hard_samples(result)
    assert chance.low < 0 < chance.high
    hard = result.sample.isin(human_expert.TEST_INDEX[~human_expert.is_correct()])
    wrong = (result.test_label + 1) % 10
    same = human_expert.same_hard_samples(
        result.assign(test_prediction=result.test_prediction.where(~hard, wrong))
    )
    assert 0 < same.low < same.mean < same.high
    # Fisher's interval of 400 normal pairs would have a width below 0.2.
    assert same.high - same.low > 0.2
