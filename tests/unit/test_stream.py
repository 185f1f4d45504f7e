"""The stream: the same bits in any order, batches and process; equal to the synthesis."""

import functools
import hashlib
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest

from mnist1d import DatasetConfig, synthesise
from mnist1d.dataset import synthesis
from mnist1d.stream import stream as stream_module, tables as tables_module
from mnist1d.stream.stream import LARGEST_INDEX, Stream
from mnist1d.stream.tables import _SMOOTHING

pytestmark = pytest.mark.usefixtures("kept_tables")

OWN_TEMPLATES = [[0, 1, 2, 3, 0.5], [1e-3, -1, 1, -1, 0], [5, 5, 5, 0, 0]]
STREAMS = {
    "published": {},
    "upsampled": {"padding": (0, 61), "max_translation": 100, "final_seq_length": 73},
    # Lengths at which samples begin in the middle of a random word.
    "odd": {"padding": (3, 89), "final_seq_length": 17},
    "wide": {"padding": (0, 400), "max_translation": 413, "final_seq_length": 300},
    "short": {"templates": [[0, 1], [1, 0]], "padding": (0, 3), "final_seq_length": 2},
    "own templates": {"templates": OWN_TEMPLATES, "padding": (10, 20)},
    "rare": {"class_proportions": tuple(range(1, 11)), "label_noise": 0.3},
    "strong": {"scale_coeff": 1e100, "corr_noise_scale": -1e99, "shear_scale": 1e98},
    "no noise": {"corr_noise_scale": 0, "iid_noise_scale": 0, "max_translation": 2**63},
}
streams = pytest.mark.parametrize("name", STREAMS)


def bits(samples):
    return [array.tobytes() for array in samples]


@functools.cache
def stream_of(name):
    """Return a stream, whose tables take longer to make than samples, and which has no state."""
    return Stream(**STREAMS[name])


@functools.cache
def usual_bits(name, start, stop):
    """Return samples as they are usually computed: to be called before anything is replaced."""
    return bits(stream_of(name).samples(start, stop))


@streams
def test_any_piece_is_what_it_is_in_the_whole(name):
    stream = stream_of(name)
    x, y = stream.samples(0, 2000)
    assert np.isfinite(x).all()
    for start, stop in [(0, 0), (0, 1), (1, 2), (2, 35), (1023, 1025), (999, 1990), (1999, 2000)]:
        assert bits(stream.samples(start, stop)) == bits((x[start:stop], y[start:stop]))
        np.testing.assert_array_equal(stream.labels(start, stop), y[start:stop])


@streams
@pytest.mark.parametrize("values", [1, 5000, 50_000])
def test_the_size_of_chunks_changes_no_bit(name, values, monkeypatch):
    expected = usual_bits(name, 77, 1200)
    monkeypatch.setattr(stream_module, "_CHUNK_VALUES", values)
    assert bits(stream_of(name).samples(77, 1200)) == expected


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        if name in {"upsampled", "wide", "strong"}
        else name
        for name in STREAMS
    ],
)
@pytest.mark.parametrize(
    ("where", "replaced", "value"),
    [
        (stream_module, "_float_products_are_exact", lambda: False),
        (stream_module, "_ROWS", 8),
        (stream_module, "_CHUNKS_AHEAD", 1),
        (tables_module, "_LARGEST_TABLE", 0),
        (tables_module, "_NARROW", 1000),
        (tables_module, "_WIDE", 3),
    ],
    ids=[
        "whole-number products",
        "rows",
        "one chunk of factors",
        "no tables",
        "one block",
        "many blocks",
    ],
)
def test_how_it_is_computed_changes_no_bit(name, where, replaced, value, monkeypatch):
    expected = usual_bits(name, 5, 200)
    monkeypatch.setattr(where, replaced, value)
    monkeypatch.setattr(stream_module, "Tables", tables_module.Tables)  # made again
    assert bits(Stream(**STREAMS[name]).samples(5, 200)) == expected


def test_products_in_float32_are_exact_here():
    assert stream_module._float_products_are_exact()


def test_threads_do_not_disturb_each_other():
    stream = Stream()
    x, y = stream.samples(0, 20_000)
    with ThreadPoolExecutor(4) as pool:
        pieces = list(pool.map(lambda i: stream[i : i + 1000], range(0, 20_000, 1000)))
    assert np.concatenate([piece[0] for piece in pieces]).tobytes() == x.tobytes()
    assert np.concatenate([piece[1] for piece in pieces]).tobytes() == y.tobytes()


@pytest.mark.parametrize("threads", [pytest.param("1", marks=pytest.mark.slow), "4"])
def test_other_processes_make_the_same(threads):
    program = (
        "import hashlib; from mnist1d.stream import Stream; x, y = Stream()[12345:23456]; "
        "print(hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest())"
    )
    env = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    x, y = Stream()[12345:23456]
    printed = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest()


@streams
def test_equals_the_synthesis_of_its_draws(name, monkeypatch):
    """With the weights of the smoothing rounded as here, up to rounding; with its own, nearly."""
    stream = stream_of(name)
    config, draws = stream.config, stream.draws(3, 500)
    x, y = stream.samples(3, 500)
    clean, _ = stream.clean_labels(3, 500)
    assert (clean == y).all() or config.label_noise
    # Where the first padded zero falls on a stretched point, the synthesis leaves it to the last
    # bit of a quotient whether that is part of the digit.
    last = config.template_len * (config.stretched_length - 1)
    plain = last % (config.template_len - 1 + draws.padding) != 0

    def differences():
        raw = synthesise(config.class_templates().x, clean, draws, config)
        return np.abs((raw - stream.mean) / stream.std - x)[plain].max()

    assert plain.mean() > 0.2
    assert differences() < 4e-3
    weights = (*(weight / 4096 for weight in _SMOOTHING), 0.0)
    monkeypatch.setattr(
        synthesis, "smoothing_weights", lambda strength: tuple(strength * w for w in weights)
    )
    assert differences() < 5e-6


def test_smoothing_weights_are_those_of_the_synthesis_to_twelve_bits():
    exact = np.array(synthesis.smoothing_weights(4096.0))
    np.testing.assert_array_equal(np.rint(exact), [*_SMOOTHING, 0])


def test_every_ten_samples_hold_each_class_once():
    labels = Stream().labels(0, 1000).reshape(-1, 10)
    assert (np.sort(labels, axis=1) == np.arange(10)).all()
    assert len({tuple(row) for row in labels.tolist()}) == 100


def test_chosen_classes_take_turns():
    labels = Stream(classes=(7, 3, 4)).labels(0, 999).reshape(-1, 3)
    assert (np.sort(labels, axis=1) == [3, 4, 7]).all()


def test_labels_depend_on_seed_and_classes_only():
    labels = Stream().labels(0, 100)
    other = Stream(padding=(1, 5), final_seq_length=7, shear_scale=0, positions="flipped")
    np.testing.assert_array_equal(other.labels(0, 100), labels)
    assert (Stream(seed=43).labels(0, 100) != labels).any()


def test_strengths_do_not_change_the_draws():
    plain, strong = Stream(), Stream(scale_coeff=1, iid_noise_scale=0, shear_scale=3)
    for name in ("padding", "shift", "correlated_noise", "white_noise"):
        np.testing.assert_array_equal(
            getattr(plain.draws(0, 50), name), getattr(strong.draws(0, 50), name)
        )


def test_label_noise_changes_labels_and_nothing_else():
    clean, noisy = Stream(), Stream(label_noise=0.4, label_noise_kind="other")
    (x, y), (x_noisy, y_noisy) = clean[100:600], noisy[100:600]
    np.testing.assert_array_equal(x, x_noisy)
    kept, mask = noisy.clean_labels(100, 600)
    np.testing.assert_array_equal(kept, y)
    np.testing.assert_array_equal(mask, y != y_noisy)
    assert 150 < mask.sum() < 250


def test_more_label_noise_keeps_what_less_did():
    little, much = Stream(label_noise=0.2), Stream(label_noise=0.6)
    _, mask = little.clean_labels(0, 500)
    assert (much.clean_labels(0, 500)[1] | ~mask).all()
    np.testing.assert_array_equal(little.labels(0, 500)[mask], much.labels(0, 500)[mask])


@pytest.mark.parametrize(
    ("positions", "order"),
    [
        ("flipped", np.arange(40)[::-1]),
        ("shuffled", np.random.RandomState(42).permutation(40)),
        ((*range(1, 40), 0), np.r_[1:40, 0]),
    ],
)
def test_positions_reorder_the_columns(positions, order):
    stream = Stream(positions=positions)
    np.testing.assert_array_equal(stream.column_order, order)
    np.testing.assert_array_equal(stream[7:99][0], Stream()[7:99][0][:, order])


def test_a_channel_axis_is_there_if_asked_for():
    assert Stream(channel_axis=True)[0:3][0].shape == (3, 1, 40)
    assert Stream(channel_axis=True)[5][0].shape == (1, 40)


def test_time_axis_is_that_of_a_dataset_of_this_scale():
    stream = Stream()
    np.testing.assert_allclose(stream.t, np.linspace(-5 / 6, 5 / 6, 40) / stream.std, atol=1e-13)


def test_the_last_sample_can_be_had():
    stream = Stream(padding=(3, 90))
    x, y = stream.samples(LARGEST_INDEX - 3, LARGEST_INDEX)
    assert bits(stream[LARGEST_INDEX - 2 : LARGEST_INDEX]) == bits((x[1:], y[1:]))
    assert np.isfinite(x).all()


def test_one_sample_by_its_index():
    stream = Stream()
    x, y = stream.samples(0, 20)
    signal, label = stream[np.int64(13)]
    np.testing.assert_array_equal(signal, x[13])
    assert (label, type(label)) == (y[13], int)


def test_slices():
    stream = Stream()
    assert bits(stream[:5]) == bits(stream.samples(0, 5))
    assert stream[5:3][0].shape == (0, 40)
    for wrong in (slice(0, None), slice(0, 10, 2)):
        with pytest.raises(ValueError, match="slice"):
            stream[wrong]
    for wrong in (-1, LARGEST_INDEX, slice(-5, 3), slice(0, LARGEST_INDEX + 1)):
        with pytest.raises(IndexError, match=r"an index of a stream must be at (least|most) "):
            stream[wrong]
    for wrong in (1.5, "1", None, True, [1, 2], slice(0.0, 3)):
        with pytest.raises(TypeError, match="an index of a stream must be an integer"):
            stream[wrong]


@pytest.mark.parametrize("batch_size", [1, 7, 4096, 5000])
def test_batches_are_consecutive(batch_size):
    stream = Stream()
    x, y = stream.samples(10, 10_010)
    batches = list(stream.batches(batch_size, start=10, stop=10_010))
    assert {len(labels) for _, labels in batches[:-1]} <= {batch_size}
    assert np.concatenate([signals for signals, _ in batches]).tobytes() == x.tobytes()
    assert np.concatenate([labels for _, labels in batches]).tobytes() == y.tobytes()


def test_batches_never_end_without_a_stop():
    batches = Stream().batches(3000, start=5)
    for i in range(4):
        _, y = next(batches)
        np.testing.assert_array_equal(y, Stream().labels(5 + 3000 * i, 3005 + 3000 * i))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "batch_size must be at least 1"),
        ((1.0,), TypeError, "batch_size must be an integer"),
        ((10, -1), ValueError, "start must be at least 0"),
        ((10, 5, 3), ValueError, "stop must be at least 5"),
    ],
)
def test_bad_batches_are_refused_at_once(arguments, error, message):
    with pytest.raises(error, match=message):
        Stream().batches(*arguments)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"num_samples": 5}, TypeError, "a stream has no num_samples"),
        ({"train_split": 0.5}, TypeError, "a stream has no train_split"),
        ({"test": 5}, TypeError, "a stream has no test"),
        ({"sead": 5}, TypeError, "did you mean 'seed'"),
        ({"shuffle_seq": True}, ValueError, "use positions='shuffled'"),
        ({"label_noise": 0.1, "label_noise_kind": "published"}, ValueError, "use 'symmetric'"),
        ({"dtype": "float64"}, ValueError, "dtype must be float32 in a stream"),
        ({"final_seq_length": 4097}, ValueError, "final_seq_length must be from 2 to 4096"),
        ({"padding": (0, 4085)}, ValueError, "stretched_length must be from 2 to 4096"),
        ({"corr_noise_scale": np.nan}, ValueError, "corr_noise_scale must be finite"),
    ],
)
def test_what_a_stream_does_not_have_is_refused_by_name(parameters, error, message):
    with pytest.raises(error, match=message):
        Stream(**parameters)


def test_a_signal_without_any_spread_cannot_be_standardised():
    nothing = dict.fromkeys(("corr_noise_scale", "iid_noise_scale", "shear_scale"), 0)
    with pytest.raises(ValueError, match="all values are the same"):
        Stream(**nothing, final_seq_length=2, max_translation=1)


def test_sizes_in_a_configuration_say_nothing():
    config = DatasetConfig(train=50, test=10, seed=3, dtype="float64")
    assert Stream(config) == Stream(seed=3)
    assert bits(Stream(config)[0:10]) == bits(Stream(seed=3)[0:10])


def test_equality_hash_copy_and_text():
    stream = Stream(seed=3, padding=(10, 20))
    copy = deepcopy(stream)
    assert copy == stream
    assert hash(copy) == hash(stream)
    assert len(pickle.dumps(stream)) < 2000
    assert stream not in {Stream(seed=3), Stream(padding=(10, 20)), 3}
    assert repr(stream) == "Stream(seed=3, padding=[10, 20])"
    assert bits(copy[0:10]) == bits(stream[0:10])


def test_nothing_but_numpy_is_loaded_and_no_global_state_touched():
    program = (
        "import sys, random; import numpy as np; from mnist1d.stream import Stream\n"
        "np.random.seed(1); random.seed(1); Stream()[0:100]\n"
        "print(np.random.random(), random.random())\n"
        "np.random.seed(1); random.seed(1); print(np.random.random(), random.random())\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    first, second, loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert first == second
    for heavy in ("jax", "matplotlib", "torch", "scipy", "pyarrow", "fsspec", "dask", "rich"):
        assert f"'{heavy}'" not in loaded
