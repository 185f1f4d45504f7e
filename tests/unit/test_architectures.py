"""Architectures at equal size: the conditions that are trained, the samples, the measures."""

import dataclasses

import numpy as np
import pytest
import xarray as xr

from mnist1d.experiments.beyond import architectures
from mnist1d.experiments.beyond.architectures import method
from mnist1d.experiments.beyond.architectures.claims import samples_to_reach_mlp
from mnist1d.experiments.beyond.architectures.config import ORDERS, Config
from mnist1d.experiments.beyond.architectures.training import TEST_SETS, samples_of
from mnist1d.harness.claims import judge

TINY = dataclasses.replace(
    Config.quick(), models=("MLP", "TCN"), n_parameters=(5000, 15_000), rates=(0.1, 0.2)
)


class Recorded:
    """Takes the place of `Compute`: keeps the keys, and returns what a function of them says."""

    def __init__(self, accuracy):
        self.accuracy, self.keys = accuracy, []

    def __call__(self, tasks, make_runner, _, **options):
        assert options in ({}, {"devices": "none"})
        for task in tasks:
            self.keys.append(task.key)
            if make_runner is method.Trainer:
                yield task, {"accuracy": np.full(len(TEST_SETS), self.accuracy(task.key))}
            else:
                yield task, {"neighbours_accuracy": np.array(0.5)}


def test_the_rate_of_an_architecture_and_size_is_the_best_in_trials_of_their_own():
    def accuracy(key):
        # The best rate is another for every size; a diverged run is none.
        if key["trial"] < 10_000:
            return key["rate"]
        if key["model"] == "TCN" and key["rate"] == 0.2:
            return np.nan
        return key["rate"] if key["n_parameters"] == 5000 else -key["rate"]

    compute = Recorded(accuracy)
    result = method.run(TINY, compute=compute)
    assert result.chosen_rate.sel(model="MLP").to_numpy().tolist() == [0.2, 0.1]
    assert result.chosen_rate.sel(model="TCN").to_numpy().tolist() == [0.1, 0.1]
    # What is tested was trained with that rate, on other trials than those that chose it.
    for name in ("test_accuracy", "shuffled_accuracy", "size_accuracy", "shift_accuracy"):
        found = result[name].sel(model="MLP")
        found = found.sel(n_parameters=5000) if "n_parameters" in found.dims else found
        assert (found == 0.2).all(), name
    assert (result.test_accuracy.sel(n_parameters=15_000) == 0.1).all()


def test_every_condition_is_trained_once_and_has_its_place():
    compute = Recorded(lambda key: key["n_samples"] + 0.1 * (key["order"] == ORDERS[1]))
    result = method.run(TINY, compute=compute)
    final = [key for key in compute.keys if key["trial"] < 10_000 and "model" in key]
    # Two sizes of the training set, shuffled points, and the larger network: for 2 trials each.
    assert len(final) == 2 * 4 * 2
    assert len({str(key) for key in compute.keys}) == len(compute.keys)
    assert (result.size_accuracy == result.n_samples).all()
    assert (result.shuffled_accuracy == 4000.1).all()
    assert (result.test_accuracy == 4000).all()
    assert result.shift_accuracy.dims == ("model", "test_set", "seed")
    assert (result.neighbours_accuracy == 0.5).all()


def test_samples_are_those_of_the_trial_and_shuffled_alike():
    config = Config.quick()
    plain, shuffled = (samples_of(config, 0, order) for order in ORDERS)
    assert plain.x.shape == (4000, 40)
    assert plain.x_test.shape == (len(TEST_SETS), 200, 40)
    points = np.random.default_rng(0).permutation(40)
    np.testing.assert_array_equal(shuffled.x, plain.x[:, points])
    np.testing.assert_array_equal(shuffled.x_test, plain.x_test[..., points])
    np.testing.assert_array_equal(shuffled.y_test, plain.y_test)
    assert (samples_of(config, 1, ORDERS[0]).x != plain.x).any()
    assert (plain.x_test[0] != plain.x_test[1]).any()


def made_up(seeds=3):
    """Make a result in which ten times more samples add 0.1, and so do most architectures."""
    config = Config()
    models, sizes, n = list(config.models), list(config.n_parameters), np.array(config.n_samples)
    rng = np.random.default_rng(0)
    gain = np.array(
        [0.1 * (model != "MLP") - 0.2 * (model == "RandomFeatures") for model in models]
    )
    curve = 0.1 * np.log10(n)[None, :, None] + gain[:, None, None]
    noise = rng.normal(0, 1e-3, (len(models), len(n), seeds))
    accuracies = curve + noise
    middle = accuracies[:, 2]
    return xr.Dataset(
        {
            "tuning_accuracy": (
                ("model", "n_parameters", "rate", "tuning_seed"),
                np.zeros((len(models), 2, 5, 1)),
            ),
            "chosen_rate": (("model", "n_parameters"), np.full((len(models), 2), 0.1)),
            "test_accuracy": (
                ("model", "n_parameters", "seed"),
                np.stack([middle, middle + 0.02], axis=1),
            ),
            "shuffled_accuracy": (("model", "seed"), 0.9 * middle),
            "shift_accuracy": (("model", "test_set", "seed"), np.stack([0.8 * middle] * 4, axis=1)),
            "size_accuracy": (("model", "n_samples", "seed"), accuracies),
            "neighbours_accuracy": (("n_samples", "seed"), accuracies[0]),
        },
        {
            "model": models,
            "n_parameters": sizes,
            "n_samples": n,
            "rate": list(config.rates),
            "test_set": list(TEST_SETS[1:]),
            "seed": range(seeds),
        },
    )


def test_the_samples_that_a_model_needs_are_interpolated_and_within_those_tried():
    result = made_up()
    np.testing.assert_allclose(samples_to_reach_mlp("MLP").per_seed(result), 4000)
    np.testing.assert_allclose(samples_to_reach_mlp("CNN").per_seed(result), 500)
    for change, found in ((-0.05, 4000 / 10**0.5), (-0.15, 4000 * 10**0.5), (-0.3, 50_000)):
        changed = result.size_accuracy + change * (result.model == "GRU")
        reached = samples_to_reach_mlp("GRU").per_seed(result.assign(size_accuracy=changed))
        np.testing.assert_allclose(reached, found, rtol=0.1)


def test_all_claims_can_be_judged_and_shown():
    result = made_up()
    judgements = {each.claim.name: each for each in judge(architectures.CLAIMS, result, full=True)}
    assert len(judgements) == len(architectures.CLAIMS)
    assert all(each.verdict != "not checkable" for each in judgements.values())
    assert judgements["cnn-beats-mlp"].verdict == "reproduced"
    assert judgements["features-are-learned"].estimate.mean == pytest.approx(10, abs=0.2)
    rows = architectures.summarise(result)
    assert len(rows) == 21
    assert "20 of 20 architectures" in architectures.remarks(result)[1]
    assert architectures.plot(result).keys() == architectures.CAPTIONS.keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_parameters": (10_000,)}, "n_parameters must be 5000 or 15000, not 10000"),
        ({"n_samples": (500,)}, "n_samples must have 4000"),
        ({"batch_size": 501}, "batch_size must be from 1 to 500"),
        ({"models": ("Perceptron",)}, "must be one of 'MLP', .*, not 'Perceptron'"),
        ({"data": {"seed": 3}}, "data must leave seed as it is"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    if "data" in changes:
        changes = {"data": Config().data.replace(**changes["data"])}
    with pytest.raises((TypeError, ValueError), match=message):
        dataclasses.replace(Config(), **changes)
