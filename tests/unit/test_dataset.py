"""Datasets as values: their parts, their independence, the promise about random state."""

import copy
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import mnist1d
from mnist1d import DatasetConfig, draw_transforms, fresh_samples, generate
from mnist1d.dataset import generation


def arrays_of(dataset):
    named = {name: getattr(dataset, name) for name in ("x", "y", "x_test", "y_test", "t")}
    named |= {f"templates.{name}": a for name, a in dataset.templates._asdict().items()}
    if dataset.column_order is not None:
        named["column_order"] = dataset.column_order
    return named


def assert_equal_datasets(a, b):
    assert arrays_of(a).keys() == arrays_of(b).keys()
    for name, values in arrays_of(a).items():
        np.testing.assert_array_equal(values, arrays_of(b)[name])
    assert (a.config, a.mean, a.std) == (b.config, b.mean, b.std)


def test_parameters_a_configuration_and_both_say_the_same():
    by_parameters = generate(num_samples=200, seed=5)
    assert_equal_datasets(generate(DatasetConfig(num_samples=200, seed=5)), by_parameters)
    assert_equal_datasets(generate(DatasetConfig(num_samples=200), seed=5), by_parameters)
    assert by_parameters.config == DatasetConfig(num_samples=200, seed=5)


def test_load_is_the_default():
    assert mnist1d.load().config == DatasetConfig()


def test_shapes_types_and_the_dropped_remainder():
    dataset = generate(num_samples=219, train_split=0.75, final_seq_length=33)
    assert dataset.x.shape == (157, 33)
    assert dataset.x_test.shape == (53, 33)
    assert dataset.t.shape == (33,)
    assert {a.dtype for a in (dataset.x, dataset.x_test, dataset.t)} == {np.dtype(np.float64)}
    assert {a.dtype for a in (dataset.y, dataset.y_test)} == {np.dtype(np.int64)}
    counts = np.bincount(np.concatenate([dataset.y, dataset.y_test]))
    assert counts.tolist() == [21] * 10


@pytest.mark.parametrize("shuffle_seq", [False, True])
def test_arrays_are_writeable_contiguous_and_of_one_call_only(shuffle_seq):
    first = generate(num_samples=100, shuffle_seq=shuffle_seq)
    untouched = copy.deepcopy(first)
    for values in arrays_of(first).values():
        assert values.flags.writeable
        assert values.flags.c_contiguous
        values[:] = 0
    assert_equal_datasets(generate(num_samples=100, shuffle_seq=shuffle_seq), untouched)


def test_dictionary_has_the_published_keys_in_their_order_and_its_own_arrays():
    dataset = generate(num_samples=100)
    made = dataset.as_dict()
    assert list(made) == ["x", "x_test", "y", "y_test", "t", "templates"]
    assert list(made["templates"]) == ["x", "t", "y"]
    for name in ("x", "x_test", "y", "y_test", "t"):
        np.testing.assert_array_equal(made[name], getattr(dataset, name), strict=True)
        made[name][:] = 0
    made["templates"]["x"][:] = 0
    assert_equal_datasets(dataset, generate(num_samples=100))


def test_is_frozen_and_survives_pickling():
    dataset = generate(num_samples=100, shuffle_seq=True)
    with pytest.raises(FrozenInstanceError):
        dataset.mean = 0
    assert_equal_datasets(pickle.loads(pickle.dumps(dataset)), dataset)  # noqa: S301


def test_repr_is_short_and_names_what_differs_from_the_published():
    assert repr(mnist1d.load()) == (
        "Dataset(4000 train, 1000 test, 40 points; published configuration)"
    )
    assert repr(generate(num_samples=100, seed=3, padding=[1, 2])) == (
        "Dataset(80 train, 20 test, 40 points; num_samples=100, padding=(1, 2), seed=3)"
    )


def test_constants_undo_the_standardisation():
    dataset = generate(num_samples=100)
    both = np.concatenate([dataset.x, dataset.x_test]) * dataset.std + dataset.mean
    assert both.mean() == pytest.approx(dataset.mean, abs=1e-14)
    assert both.std() == pytest.approx(dataset.std)


def test_pieces_do_not_change_a_bit(monkeypatch):
    expected = generate(num_samples=300)
    monkeypatch.setattr(generation, "_PIECE_VALUES", 1000)
    assert_equal_datasets(generate(num_samples=300), expected)


def test_global_random_state_is_neither_read_nor_changed():
    expected, fresh = generate(num_samples=100), fresh_samples(mnist1d.load(), 50, seed=1)
    np.random.seed(987)  # noqa: NPY002 (the global state is what this test is about)
    np.random.standard_normal(3)  # noqa: NPY002 (leaves a spare normal behind)
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    assert_equal_datasets(generate(num_samples=100), expected)
    np.testing.assert_array_equal(fresh_samples(mnist1d.load(), 50, seed=1)[0], fresh[0])
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    np.testing.assert_array_equal(before["state"]["key"], after["state"]["key"])
    assert before["state"]["pos"] == after["state"]["pos"]
    assert (before["has_gauss"], before["gauss"]) == (after["has_gauss"], after["gauss"])


def test_constant_signals_cannot_be_standardised():
    nothing = dict.fromkeys(
        ["scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"], 0
    )
    with pytest.raises(ValueError, match=r"cannot be standardised: .*final_seq_length=2"):
        generate(padding=(0, 0), max_translation=1, final_seq_length=2, **nothing)


@pytest.mark.parametrize("shuffle_seq", [False, True])
def test_fresh_samples_are_those_of_another_seed_on_the_scale_of_the_dataset(shuffle_seq):
    dataset = generate(num_samples=500, shuffle_seq=shuffle_seq)
    x, y = fresh_samples(dataset, 200, seed=9)
    other = generate(num_samples=200, seed=9)
    raw = np.concatenate([other.x, other.x_test]) * other.std + other.mean
    if shuffle_seq:
        raw = raw[:, dataset.column_order]
    np.testing.assert_allclose(x, (raw - dataset.mean) / dataset.std, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(y, np.concatenate([other.y, other.y_test]))
    assert (x.dtype, y.dtype) == (np.float64, np.int64)


def test_fresh_samples_need_a_dataset():
    with pytest.raises(TypeError, match="dataset must be a Dataset, not 'easy' of type str"):
        fresh_samples("easy", 10, seed=1)


def test_a_preset_as_a_parameter_is_answered_with_its_configuration():
    with pytest.raises(
        TypeError, match=r"parameter 'preset'; mnist1d.preset\('easy'\) is a config"
    ):
        generate(preset="easy")


def test_fresh_samples_of_a_dataset_with_an_extreme_split():
    dataset = generate(num_samples=1000, train_split=0.001)
    assert fresh_samples(dataset, 10, seed=1)[0].shape == (10, 40)


@pytest.mark.parametrize(
    ("n", "seed", "error", "message"),
    [
        (100, 42, ValueError, "seed must differ from that of the dataset, 42"),
        (9, 1, ValueError, "num_samples must be at least 10"),
        (100.0, 1, TypeError, "num_samples must be an integer, not 100.0"),
        (100, -1, ValueError, "seed must be from 0"),
        (100, None, TypeError, "seed must be an integer, not None"),
    ],
)
def test_fresh_samples_refuse_bad_arguments(n, seed, error, message):
    dataset = generate(num_samples=100)
    with pytest.raises(error, match=message):
        fresh_samples(dataset, n, seed=seed)


@pytest.mark.parametrize("max_translation", [1, 2, 3, 32, 48, 65, 2**31, 2**32, 2**32 + 1, 2**63])
def test_the_stream_is_that_of_the_plain_calls(max_translation):
    config = DatasetConfig(num_samples=30, max_translation=max_translation, padding=(3, 61))
    rng, plain = np.random.RandomState(7), np.random.RandomState(7)
    draws = draw_transforms(config, rng)
    for i in range(30):
        assert draws.padding[i] == 3 + int(59 * plain.random_sample())
        assert draws.scale[i] == 1 + 0.4 * (plain.random_sample() - 0.5)
        shift = plain.randint(0, max_translation, dtype=np.int64)
        # A shift beyond the end moves nothing.
        assert draws.shift[i] == (shift if shift < 73 else 0)
        np.testing.assert_array_equal(draws.correlated_noise[i], plain.standard_normal(73))
        np.testing.assert_array_equal(draws.white_noise[i], plain.standard_normal(73))
        assert draws.shear[i] == 0.75 * (plain.random_sample() - 0.5)
    np.testing.assert_array_equal(rng.random_sample(5), plain.random_sample(5))
    np.testing.assert_array_equal(rng.standard_normal(5), plain.standard_normal(5))


def test_draws_in_pieces_are_those_at_once():
    config = DatasetConfig(num_samples=50)
    rng = np.random.RandomState(0)
    pieces = [draw_transforms(config, rng, n) for n in (1, 19, 30)]
    whole = draw_transforms(config, np.random.RandomState(0))
    for *parts, expected in zip(*pieces, whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize(
    "rng",
    [42, None, np.random.default_rng(0), np.random.RandomState(np.random.PCG64(0))],
    ids=["seed", "none", "generator", "other bits"],
)
def test_only_the_legacy_stream_draws(rng):
    with pytest.raises(TypeError, match=r"rng must be a numpy.random.RandomState on MT19937"):
        draw_transforms(DatasetConfig(), rng)


def test_at_least_one_sample_is_drawn():
    with pytest.raises(ValueError, match="n_samples must be at least 1, not 0"):
        draw_transforms(DatasetConfig(), np.random.RandomState(0), 0)
