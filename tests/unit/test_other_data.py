"""Every experiment on other data than the paper's: its own units, and no claims."""

import dataclasses

import numpy as np
import pytest

from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments import (
    EXPERIMENTS,
    classification,
    double_descent,
    lottery_tickets,
    metalearn_activation,
    self_supervised,
    tsne,
)
from mnist1d.experiments.classification import method
from mnist1d.experiments.double_descent.config import PUBLISHED_DATA
from mnist1d.experiments.lottery_tickets.method import network_task as lottery_network
from mnist1d.experiments.self_supervised.method import _task as encoder_task
from mnist1d.experiments.tsne.method import _embedding
from mnist1d.harness import record
from mnist1d.harness.findings import judged
from mnist1d.harness.stored.circumstances import differences_of_data, follows_protocol

every_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.NAME)


def noisy(experiment):
    config = experiment.Config()
    return dataclasses.replace(config, data=config.data.replace(corr_noise_scale=0.5))


def embedding_key(config, data):
    return _embedding(config, data, 0, np.zeros((100, 40)), np.zeros(100)).key


@every_experiment
def test_only_what_differs_from_its_own_dataset_is_other_data(experiment):
    assert differences_of_data(experiment.Config()) == ""
    assert differences_of_data(noisy(experiment)) == "corr_noise_scale=0.5"
    assert follows_protocol(experiment.Config())
    assert not follows_protocol(noisy(experiment))


@every_experiment
def test_what_is_no_dataset_or_has_another_shape_of_signals_is_refused(experiment):
    with pytest.raises(TypeError, match=r"data must be .*not 'noisy'.*preset\('noisy'\)"):
        experiment.Config(data="noisy")
    with pytest.raises(ValueError, match="channel_axis"):
        experiment.Config(data=DatasetConfig(channel_axis=True))


def lottery_key(config, part, **place):
    return lottery_network(config, part, place, np.ones(1, np.uint8)).key


@pytest.mark.parametrize(
    ("experiment", "keys"),
    [
        (lottery_tickets, lambda config: [lottery_key(config, "search", search="random")]),
        (lottery_tickets, lambda config: [lottery_key(config, "study", network="dense")]),
        (metalearn_activation, lambda config: [config.determining]),
        (
            self_supervised,
            lambda config: [
                encoder_task(config, "training", {"variant": "default", "seed": 0}).key
            ],
        ),
        (tsne, lambda config: [embedding_key(config, "MNIST-1D")]),
    ],
    ids=["search", "studies", "activation", "training", "embedding"],
)
def test_its_units_are_known_by_the_dataset_and_those_of_the_published_one_as_before(
    experiment, keys
):
    ((published,), (other,)) = keys(experiment.Config()), keys(noisy(experiment))
    assert {"data", "dataset"}.isdisjoint(published) or published["data"] == "MNIST-1D"
    assert other == published | {"dataset": noisy(experiment).data.to_dict()}


def test_mnist_is_the_same_with_any_data_for_mnist1d():
    assert embedding_key(noisy(tsne), "MNIST") == embedding_key(tsne.Config(), "MNIST")


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation", "one_device")
def test_double_descent_on_other_data_has_curves_and_no_claims():
    data = PUBLISHED_DATA.replace(train=400, test=200, final_seq_length=30, label_noise=0)
    config = double_descent.Config(seeds=2, widths=(2,), channels=(2,), n_epochs=1, data=data)
    assert config.n_steps == 4
    result = record.execute(double_descent, config)
    assert result.n_labels == 400
    assert result.n_wrong_labels == 0
    assert result.n_parameters.values.ravel().tolist()[:2] == [98, 98]
    assert "label_noise=0.0" in result.attrs["data"]
    assert judged(double_descent, result) == []
    assert double_descent.summarise(result)
    with pytest.raises(ValueError, match="batch_size must be from 1 to 400, not 450"):
        dataclasses.replace(config, batch_size=450)
    assert dataclasses.replace(config, n_epochs=3, batch_size=150).n_steps == 6


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation", "one_device")
def test_claims_say_nothing_about_other_data(monkeypatch):
    monkeypatch.setattr(method, "MODELS", {"CNN": method.MODELS["CNN"]})
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)
    data = DatasetConfig(train=60, test=20, final_seq_length=30, label_noise=0.1)
    config = classification.Config(
        seeds=2, n_steps=3, evaluate_every=1, batch_size=20, data=data, validation_samples=10
    )
    result = record.execute(classification, config)
    assert result.sizes["sample"] == 20
    assert result.attrs["data"] == ", ".join(data.differences())
    assert judged(classification, result) == []
