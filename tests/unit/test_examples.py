"""Every example runs, at reduced size, and finds something that it could have missed."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import mnist1d

EXAMPLES = Path(mnist1d.__file__).parents[2] / "examples"
if not EXAMPLES.is_dir():
    pytest.skip("the examples are not in the package's folder", allow_module_level=True)
for needed in ("jax", "sklearn", "xarray"):
    pytest.importorskip(needed)

quickly = pytest.mark.usefixtures("quick_compilation")

SHORT = {
    "seeds": 2,
    "tuning_seeds": 1,
    "n_steps": 200,
    "evaluate_every": 100,
    "learning_rates": (0.01,),
    "validation_samples": 500,
    "references": False,
    "shuffled": False,
    "shifts": (),
}
SMALL = SHORT | {"data": mnist1d.DatasetConfig(train=1000, test=500)}


def example(name):
    """Load an example as a module, which does not run it."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses and sources are looked up
    spec.loader.exec_module(module)
    return module


def accuracies(comparison):
    result = comparison.result
    assert not comparison.failures
    means = result.test_accuracy.mean("seed").to_numpy()
    return dict(zip(result.candidate.values.tolist(), means, strict=True))


def test_all_examples_are_short_and_tested():
    files = sorted(EXAMPLES.glob("*.py"))
    text = Path(__file__).read_text("utf-8")
    assert len(files) == 10
    for file in files:
        assert len(file.read_text("utf-8").splitlines()) < 40, file
        assert f'example("{file.stem}")' in text


@pytest.mark.slow
@quickly
def test_a_new_activation_learns():
    found = accuracies(example("new_activation").main(**SMALL))
    assert set(found) == {"relu", "snake"}
    assert min(found.values()) > 0.4
    assert found["relu"] != found["snake"]


@pytest.mark.slow
@quickly
def test_an_optimiser_is_tuned_with_as_many_rates_as_adam():
    settings = SMALL | {"n_steps": 100, "learning_rates": (0.003, 0.01)}
    comparison = example("optimizers").main(**settings)
    assert comparison.result.n_tries.values.tolist() == [2, 2]
    found = accuracies(comparison)
    assert min(found.values()) > 0.3
    assert found["Adam"] != found["sign"]


@pytest.mark.slow
def test_a_pytorch_model_learns():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them wait for each other where others compute, too
    settings = SMALL | {"learning_rates": (0.003,), "n_steps": 100}
    comparison = example("pytorch_model").main(**settings)
    torch.set_num_threads(n_threads)
    assert accuracies(comparison)["attention"] > 0.2
    assert "PyTorch" in str(comparison)


@pytest.mark.slow
@quickly
def test_augmentation_changes_training_alone():
    found = accuracies(example("augmentation").main(**SMALL))
    assert len(set(found.values())) == 3
    assert min(found.values()) > 0.3


@pytest.mark.slow
@quickly
def test_label_noise_is_survived():
    gains = example("label_noise").main(shares=(0.0, 0.4), **SHORT)
    assert list(gains) == [0.0, 0.4]
    assert all(gain.n == 2 for gain in gains.values())
    assert gains[0.0] != gains[0.4]


def test_more_samples_are_worse_where_there_are_as_many_as_features():
    sizes = (100, 300, 1000)
    accuracy = example("samples_double_descent").main(train_sizes=sizes, **SMALL)
    few, as_many, all_samples = accuracy.mean("seed").to_numpy()
    assert as_many < few - 0.05
    assert as_many < all_samples - 0.05


@pytest.mark.slow
@quickly
def test_tickets_are_better_than_random_masks_on_other_noise():
    gain = example("ticket_transfer").main(seeds=3, n_steps=600)
    assert gain.n == 3
    assert gain.mean > 0.02


@pytest.mark.slow
def test_endless_data_is_worth_something():
    gain = example("endless_data").main(seeds=2, n_steps=1500)
    assert gain.n == 2
    assert gain.mean > 0.02


@pytest.mark.slow
def test_classifiers_of_scikit_learn_are_compared():
    comparison = example("sklearn_baseline").main(**SMALL | {"seeds": 1})
    found = accuracies(comparison)
    assert set(found) == {"SVM", "neighbours", "forest"}
    assert min(found.values()) > 0.3
    assert np.isnan(comparison.result.n_parameters).all()


@pytest.mark.slow
def test_an_experiment_of_ones_own_has_grids():
    from mnist1d.lab import run_grid

    assert example("own_experiment").NAME == "width"
    grid = {"hidden_size": [2, 50]}
    result = run_grid(EXAMPLES / "own_experiment.py", grid, seeds=2, n_steps=300)
    narrow, wide = result.test_accuracy.mean("seed").to_numpy()
    assert result.test_accuracy.dims == ("hidden_size", "seed")
    assert wide > narrow + 0.1
