"""Scaling laws: what is trained on what, where it goes, and what measures find in known laws."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mnist1d.experiments.beyond import scaling_laws
from mnist1d.experiments.beyond.scaling_laws import measures, method as experiment
from mnist1d.experiments.beyond.scaling_laws.config import MODELS, Config
from mnist1d.experiments.beyond.scaling_laws.training import (
    TUNING_TRIAL,
    BestClassifier,
    Trainer,
    rows_of,
    samples_of,
    training_of,
)
from mnist1d.harness.claims import judge
from mnist1d.measures.power_laws import PowerLaw
from mnist1d.stream import Stream

CONFIG = Config()
LAW = PowerLaw(0.02, (25.0, 100.0), (0.5, 0.5), 0.0)
"""With equal exponents: the best number of parameters grows as the square root of the work."""


class Recorded:
    """Takes the place of `Compute`: keeps the tasks, and returns arrays that a key determines."""

    def __init__(self):
        self.tasks = []

    def __call__(self, tasks, runner, *_, **__):
        for task in tasks:
            self.tasks.append((runner, task))
            if runner is BestClassifier:
                names = ("bayes_loss", "bayes_error", "bayes_entropy")
                yield task, {name: np.array(0.001) for name in names}
                continue
            key = task.key
            n = key["n_steps"] // key["evaluate_every"]
            seen = np.linspace(0, key["n_steps"], n + 1)[1:] * key["batch_size"]
            parameters = experiment.parameters_of(key["size"])
            losses = LAW(np.full(n, parameters), seen) * (1 + 1e-3 * (key["trial"] % 7))
            losses = losses * (1 + abs(np.log(key["rate"] / 0.03)))
            if key["n_samples"] < key["n_steps"] * key["batch_size"]:
                factor = 0.5 if key["model"] == "CNN" else 1.0
                # The best is in the middle: later it is another's turn.
                losses = np.full(n, 0.1 + factor * 40 / key["n_samples"] ** 0.5)
                losses[n // 2 + 1 :] += 1
                losses[: n // 2] += 2
            yield (
                task,
                {
                    "test_loss": losses,
                    "validation_loss": losses,
                    "test_accuracy": np.exp(-losses),
                },
            )


@pytest.fixture(scope="module")
def made_up():
    """Return a result in which all losses are those of laws, and its tasks."""
    compute = Recorded()
    return experiment.run(dataclasses.replace(CONFIG, seeds=3), compute=compute), compute.tasks


@pytest.mark.slow
def test_every_network_is_trained_once_on_what_its_labels_say(made_up):
    _, tasks = made_up
    networks = [task for runner, task in tasks if runner is Trainer]
    posteriors = [task for runner, task in tasks if runner is BestClassifier]
    assert len({str(task.key) for task in networks}) == len(networks)
    tuning = [task for task in networks if task.key["trial"] == TUNING_TRIAL]
    assert len(tuning) == len(CONFIG.networks) * len(CONFIG.rates)
    n_fixed = len(MODELS) * len(CONFIG.n_samples)
    assert len(networks) - len(tuning) == 3 * (len(CONFIG.widths) + n_fixed)
    assert [task.key["trial"] for task in posteriors] == [0, 1, 2]
    for task in networks:
        key, labels = task.key, task.labels
        all_new = key["n_samples"] == key["n_steps"] * key["batch_size"]
        assert all_new == (labels.get("n_samples", 320_000) == 320_000)
        is_endless = key["model"] == "MLP" and "n_samples" not in labels
        assert key["n_steps"] == (6400 if is_endless else 3200)
        if task not in tuning:
            assert key["rate"] == pytest.approx(0.03)
    # A program for every group: six widths, and the two networks on fixed samples.
    assert len({task.group for task in networks}) == 8


def test_losses_have_their_places(made_up):
    result, _ = made_up
    assert result.n_parameters.to_numpy()[[0, -1]].tolist() == [490, 78_858]
    assert (result.chosen_rate == 0.03).all()
    expected = LAW(490, 10_000) * 1.002
    assert result.test_loss.sel(width=8, seen=10_000, seed=2) == pytest.approx(float(expected))
    found = result.fixed_loss.sel(model="CNN", n_samples=500, seed=0)
    assert found == pytest.approx(0.1 + 20 / 500**0.5)
    assert result.fixed_accuracy.sel(model="CNN", n_samples=500, seed=0) == pytest.approx(
        np.exp(-float(found))
    )
    assert result.bayes_loss.dims == ("seed",)


def test_fits_find_the_laws_that_losses_are_of(made_up):
    result, _ = made_up
    numbers = {
        measures.constant(measures.joint_law): 0.02,
        measures.exponent(measures.joint_law, 0): 0.5,
        measures.exponent(measures.joint_law, 1): 0.5,
        measures.joint_growth(): 0.5,
        # With the other size fixed, its term is part of the constant.
        measures.constant(measures.samples_law): 0.02 + 25 / 78_858**0.5,
        measures.exponent(measures.samples_law): 0.5,
        measures.constant(measures.parameters_law): 0.02 + 100 / 640_000**0.5,
        measures.exponent(measures.parameters_law): 0.5,
        measures.residual(measures.joint_law): 0,
    }
    for measure, expected in numbers.items():
        np.testing.assert_allclose(measure.per_seed(result), expected, atol=0.01, rtol=0.01)
    # By parabolas through widths that are factors of three apart.
    np.testing.assert_allclose(measures.best_growth().per_seed(result), 0.5, atol=0.05)


def test_fits_leave_out_the_first_sixteenth(made_up):
    result, _ = made_up
    seen = result.seen.to_numpy()[measures.fitted_places(result)]
    assert seen[0] == 40_000
    assert seen[-1] == 640_000
    early = result.test_loss.where(result.seen >= 40_000, 9.0)
    found = measures.exponent(measures.joint_law).per_seed(result.assign(test_loss=early))
    np.testing.assert_allclose(found, 0.5, atol=0.01)


def test_losses_at_fixed_work_are_read_between_evaluations(made_up):
    result, _ = made_up
    work = np.array([6 * 7434.0 * 123_456])
    found = measures.losses_at(result, 0, work)[:, 0]
    seen = work / (6 * result.n_parameters.to_numpy())
    inside = (seen >= 10_000) & (seen <= 640_000)
    assert np.isfinite(found).tolist() == inside.tolist()
    # The logarithm of c + d**-p bends by p**2 / 4 at most, and evaluations are a doubling apart.
    bend = 0.5**2 / 4 * np.log(2) ** 2 / 8
    np.testing.assert_allclose(
        found[inside], LAW(result.n_parameters.to_numpy(), seen)[inside], rtol=bend
    )


def test_comparisons_of_widths_are_those_of_the_law(made_up):
    result, _ = made_up
    # Where the widest reaches the last loss of the narrower, solved for the samples.
    target = LAW(7434, 640_000) - 0.02 - 25 / 78_858**0.5
    expected = np.log2(640_000 / (100 / target) ** 2)
    found = measures.head_start(64, 256).per_seed(result)
    np.testing.assert_allclose(found, expected, atol=0.02)
    # A wider one that stays behind is no missing number: it needs more samples.
    turned = result.assign(test_loss=result.test_loss.roll(width=3))
    found = measures.head_start(8, 64).per_seed(result)
    assert (found > 1).all()
    np.testing.assert_allclose(measures.head_start(8, 64).per_seed(turned), -found)
    work = 6 * 2698 * 640_000
    lower = 100 * (1 - LAW(7434, work / 6 / 7434) / LAW(2698, 640_000))
    np.testing.assert_allclose(measures.gain_of_stopping(32, 64).per_seed(result), lower, atol=0.05)
    four = 100 * (
        (0.1 + 40 / 80_000**0.5) / result.fixed_loss.sel(model="MLP").isel(n_samples=-1) - 1
    )
    np.testing.assert_allclose(measures.extra_loss("MLP", 80_000).per_seed(result), four)
    assert measures.head_start(64, 100)(result).n == 0


def test_a_network_that_diverged_has_no_number_and_a_reason(made_up):
    result, _ = made_up
    lost = result.test_loss.where((result.seed != 1) | (result.width != 64))
    changed = result.assign(test_loss=lost)
    for measure in (measures.constant(measures.joint_law), measures.head_start(64, 256)):
        assert np.isnan(measure.per_seed(changed)).tolist() == [False, True, False]
    said = " ".join(scaling_laws.remarks(changed))
    assert "Law of both, all MLPs: 1 fits failed, the first: a loss is not finite" in said
    scaling_laws.plot(changed)


def test_all_claims_can_be_judged_and_shown(made_up):
    result, _ = made_up
    judgements = {each.claim.name: each for each in judge(scaling_laws.CLAIMS, result, full=True)}
    assert len(judgements) == len(scaling_laws.CLAIMS)
    true = ("joint-law", "equal-shares", "constant-is-best-joint", "stop-early", "best-size-grows")
    assert {judgements[name].verdict for name in true} == {"reproduced"}
    assert judgements["mostly-parameters"].verdict == "differs"
    rows = scaling_laws.summarise(result)
    assert {row.group for row in rows} > {"What is possible", "Best parameters ~ work^p"}
    assert scaling_laws.plot(result).keys() == scaling_laws.CAPTIONS.keys()


def test_samples_are_those_of_the_stream_and_no_part_meets_another():
    config = Config.quick()
    x, y = samples_of(config, 3, "train")
    expected = Stream(seed=45)[0 : 160 * 20]
    np.testing.assert_array_equal(x, expected[0])
    np.testing.assert_array_equal(y, expected[1])
    parts = [samples_of(config, 3, part)[0] for part in ("train", "test", "validation")]
    together = np.concatenate(parts)
    assert len(np.unique(together, axis=0)) == len(together)


def test_every_pass_has_all_samples_in_an_order_of_its_own():
    rows = rows_of(60, 9, 20, trial=1)
    passes = rows.reshape(3, 60)
    assert (np.sort(passes, axis=1) == np.arange(60)).all()
    assert (passes[0] != passes[1]).any()
    np.testing.assert_array_equal(rows, rows_of(60, 9, 20, trial=1))
    assert (rows != rows_of(60, 9, 20, trial=2)).any()


def test_evaluations_are_those_that_the_result_names():
    training = training_of(CONFIG.n_steps, CONFIG.evaluate_every)
    assert ((training.evaluation_steps + 1) * CONFIG.batch_size).tolist() == list(CONFIG.seen)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_steps": 1500}, "n_steps must be at least 1600, not 1500"),
        ({"n_steps": 6450}, "n_steps must be a multiple of evaluate_every=100, not 6450"),
        ({"evaluate_fixed": 300}, "fixed_steps must be a multiple of evaluate_fixed=300, not 3200"),
        ({"n_samples": (500, 1000)}, "n_samples must end with fixed_steps x batch_size = 320000"),
        ({"n_samples": (50, 320_000)}, "n_samples must be from 100 to 320000, not 50"),
        ({"fixed_width": 100}, "fixed_width must be one of widths, .*, not 100"),
        ({"data": CONFIG.data.replace(seed=3)}, "data must leave seed as it is"),
        ({"data": CONFIG.data.replace(iid_noise_scale=0)}, "data must have iid_noise_scale other"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataclasses.replace(CONFIG, **changes)


def test_results_without_seed_order_are_read_by_their_dimensions(made_up):
    result, _ = made_up
    turned = result.transpose("seen", "width", ...)
    assert isinstance(turned, xr.Dataset)
    expected = measures.constant(measures.joint_law).per_seed(result)
    np.testing.assert_array_equal(measures.constant(measures.joint_law).per_seed(turned), expected)
