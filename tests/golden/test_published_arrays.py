"""The published dataset and the recorded numbers of other settings come back."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import mnist1d

FROZEN = Path(__file__).parents[3] / "shared" / "reference" / "mnist1d_frozen.npz"


@pytest.fixture(scope="module")
def dataset():
    return mnist1d.load()


@pytest.fixture(scope="module")
def frozen():
    if not FROZEN.exists():
        pytest.skip(f"the published arrays are not at {FROZEN}")
    with np.load(FROZEN) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", ["x", "x_test"])
def test_signals_are_the_published_ones(dataset, frozen, name):
    ours, published = getattr(dataset, name), frozen[name]
    assert ours.dtype == published.dtype
    # Observed 1.8e-15; the authors' generator itself comes within 8.9e-16 of its own arrays.
    np.testing.assert_allclose(ours, published, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(ours.astype(np.float32), published.astype(np.float32))


@pytest.mark.parametrize("name", ["y", "y_test", "t"])
def test_labels_and_time_are_exactly_the_published_ones(dataset, frozen, name):
    np.testing.assert_array_equal(getattr(dataset, name), frozen[name], strict=True)


@pytest.mark.parametrize("name", ["x", "t", "y"])
def test_templates_are_exactly_the_published_ones(dataset, frozen, name):
    ours = getattr(dataset.templates, name)
    np.testing.assert_array_equal(ours, frozen[f"templates_{name}"], strict=True)


@pytest.mark.parametrize(
    ("name", "dtype", "sha256"),
    [
        ("x", "<f4", "d53506bddd12d3b72c7153b1ae7f34807724b1dd078a7273809bf9d0792319f6"),
        ("x_test", "<f4", "30addc43827c82aafa5db8bc97cea63349ca687e87db2f201cc4f5415d9a4ebd"),
        ("y", "<i8", "d97dc7aecec8ad6b5d8f143ba3e9c4bd7e25c420d7dfc2eb990591cfc0ed3e15"),
        ("y_test", "<i8", "8de99be3ff9dab15ae0dc072c3d6ced7cf6b33d365888ce4a386fc944489452c"),
    ],
)
def test_checksums_of_the_published_arrays(dataset, name, dtype, sha256):
    values = getattr(dataset, name).astype(dtype)
    assert hashlib.sha256(values.tobytes()).hexdigest() == sha256


def test_constants_and_time_axis(dataset):
    assert dataset.std == pytest.approx(0.15467803420593054, rel=1e-13)
    np.testing.assert_allclose(
        dataset.t, np.linspace(-5 / 6, 5 / 6, 40) / dataset.std, rtol=0, atol=1e-13
    )
    assert dataset.t[-1] == pytest.approx(5.387535, abs=1e-6)


def test_class_sizes_and_extremes(dataset):
    train = [398, 396, 411, 394, 394, 402, 401, 404, 402, 398]
    assert np.bincount(dataset.y).tolist() == train
    assert np.bincount(dataset.y_test).tolist() == [500 - n for n in train]
    assert dataset.x.min() == pytest.approx(-5.479419, abs=1e-6)
    both = np.concatenate([dataset.x, dataset.x_test])
    assert both.max() == pytest.approx(4.533516, abs=1e-6)
    assert both.mean() == pytest.approx(0, abs=1e-13)
    assert both.std() == pytest.approx(1, abs=1e-13)


def test_draws_of_the_published_stream():
    config = mnist1d.DatasetConfig()
    rng = np.random.RandomState(42)
    draws = mnist1d.draw_transforms(config, rng)
    anchors = {
        0: (45, 1.18028572, 42, 0.47386083, -0.93376284, -0.20981921),
        1: (53, 1.12380042, 19, -1.06230371, -1.37766937, -0.32207344),
        2: (52, 0.81060452, 31, 0.11351735, 0.85765962, -0.27448858),
        500: (58, 0.96920907, 3, 0.25139669, 1.01070968, 0.06140464),
        4999: (58, 0.87192352, 46, 0.17510400, 1.61319937, 0.24789168),
    }
    for i, anchor in anchors.items():
        drawn = (
            draws.padding[i],
            draws.scale[i],
            draws.shift[i],
            draws.correlated_noise[i, 0],
            draws.white_noise[i, 0],
            draws.shear[i],
        )
        np.testing.assert_allclose(drawn, anchor, rtol=0, atol=5e-9)
    order = rng.permutation(5000)
    assert order[:10].tolist() == [1472, 3385, 2210, 2638, 3156, 3147, 3103, 233, 1586, 670]


def test_seed_43():
    dataset = mnist1d.generate(seed=43)
    first = [0.79027827, 0.81387517, 0.96495485, 0.72122595]
    np.testing.assert_allclose(dataset.x_test[0, :4], first, rtol=0, atol=5e-9)
    assert dataset.y_test[:10].tolist() == [8, 9, 7, 8, 3, 6, 6, 2, 7, 5]
    sizes = [97, 94, 97, 91, 97, 112, 101, 114, 101, 96]
    assert np.bincount(dataset.y_test).tolist() == sizes


def test_ten_thousand_samples():
    dataset = mnist1d.generate(num_samples=10_000)
    assert (len(dataset.x), len(dataset.x_test)) == (8000, 2000)
    assert dataset.y[:10].tolist() == [4, 2, 4, 4, 2, 1, 3, 9, 4, 6]
    first = [-0.0866928, -0.40828485, -1.58309338]
    np.testing.assert_allclose(dataset.x[0, :3], first, rtol=0, atol=5e-9)


def test_sixteen_thousand_samples_with_a_quarter_for_training():
    dataset = mnist1d.generate(num_samples=16_000, train_split=0.25)
    assert dataset.y[:12].tolist() == [5, 6, 2, 6, 8, 3, 2, 0, 6, 9, 3, 4]


def test_shuffled_columns(dataset):
    shuffled = mnist1d.generate(shuffle_seq=True)
    q = (
        "19 22 4 32 17 18 28 31 11 24 23 7 25 35 34 6 3 13 12 26 "
        "1 27 20 10 36 9 37 29 8 30 5 38 16 15 33 39 14 21 0 2"
    )
    order = [int(column) for column in q.split()]
    assert shuffled.column_order.tolist() == order
    np.testing.assert_allclose(shuffled.x, dataset.x[:, order], rtol=0, atol=1e-13)
    np.testing.assert_array_equal(shuffled.y_test, dataset.y_test)
