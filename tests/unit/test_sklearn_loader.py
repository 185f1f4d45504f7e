"""MNIST-1D as `sklearn.datasets` would hand it out."""

import numpy as np
import pytest

import mnist1d
from mnist1d import DatasetConfig, generate
from mnist1d.sklearn import load_mnist1d


def test_signals_and_labels_alone():
    data = mnist1d.load()
    for subset, x, y in (("train", data.x, data.y), ("test", data.x_test, data.y_test)):
        X, target = load_mnist1d(subset=subset, return_X_y=True)
        np.testing.assert_array_equal(X, x, strict=True)
        np.testing.assert_array_equal(target, y, strict=True)


def test_everything_is_a_dictionary_with_attributes():
    bunch = load_mnist1d(num_samples=100, subset="all", class_names=list("abcdefghij"))
    assert bunch.data.shape == (100, 40)
    assert bunch["target"] is bunch.target
    assert bunch.feature_names == [f"x{i}" for i in range(40)]
    assert bunch.target_names == list("abcdefghij")
    assert bunch.frame is None
    assert bunch.DESCR.startswith("MNIST-1D, num_samples=100")
    assert bunch.dataset.config.num_samples == 100
    assert {"data", "target"} <= set(dir(bunch))
    bunch.extra = 1
    assert bunch["extra"] == 1
    with pytest.raises(AttributeError, match="tagret"):
        _ = bunch.tagret


def test_parts_of_a_dataset_that_is_there():
    source = generate(
        num_samples=100, validation=10, channel_axis=True, shifted_tests={"still": {}}
    )
    parts = {
        subset: load_mnist1d(subset=subset, source=source, return_X_y=True)
        for subset in ("train", "validation", "test", "still", "all")
    }
    assert {subset: X.shape for subset, (X, _) in parts.items()} == {
        "train": (70, 40), "validation": (10, 40), "test": (20, 40), "still": (20, 40),
        "all": (100, 40),
    }  # fmt: skip
    own = [parts[subset] for subset in ("train", "validation", "test")]
    np.testing.assert_array_equal(parts["all"][0], np.concatenate([X for X, _ in own]))
    np.testing.assert_array_equal(parts["all"][1], np.concatenate([y for _, y in own]))


def test_frames():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    bunch = load_mnist1d(source=DatasetConfig(num_samples=100), as_frame=True)
    assert isinstance(bunch.data, pandas.DataFrame)
    assert list(bunch.frame.columns) == [*bunch.feature_names, "target"]
    X, y = load_mnist1d(num_samples=100, as_frame=True, return_X_y=True)
    pandas.testing.assert_frame_equal(X, bunch.data)
    pandas.testing.assert_series_equal(y, bunch.target)
    assert y.name == "target"
    np.testing.assert_array_equal(X.to_numpy(), generate(num_samples=100).x)


def test_scikit_learn_takes_it():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is missing")
    X, y = load_mnist1d(return_X_y=True, classes=(0, 6), max_translation=1)
    model = linear_model.LogisticRegression().fit(X, y)
    assert model.score(X, y) > 0.99


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"subset": "validation"}, ValueError, "subset must be all or one of train, test, not 'va"),
        ({"sead": 1}, TypeError, "did you mean 'seed'"),
        ({"source": mnist1d.load(), "seed": 1}, TypeError, "seed cannot change a dataset"),
        ({"source": 5}, TypeError, "config must be a DatasetConfig"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        load_mnist1d(**arguments)
