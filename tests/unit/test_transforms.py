"""Synthesis against a sample-by-sample derivation, across frameworks and across chunks."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mnist1d import DatasetConfig, TransformDraws, digit_templates, draw_transforms, synthesise
from mnist1d.dataset import synthesis

TEMPLATES = digit_templates().x
CONFIGS = [
    DatasetConfig(num_samples=300),
    DatasetConfig(num_samples=300, padding=(0, 61), max_translation=100, final_seq_length=73),
    # More pairs of class and padding than samples, and a length at which grids share points.
    DatasetConfig(num_samples=300, padding=(2, 88), final_seq_length=17),
    # With 9 zeros the first of them coincides with a point of the stretched signal up to rounding,
    # which decides whether the correlated noise reaches it.
    DatasetConfig(num_samples=300, padding=(9, 14)),
]
CASES = ["published", "upsampled", "varied", "delicate"]
configs = pytest.mark.parametrize("config", CONFIGS, ids=CASES)


def labels_and_draws(config):
    labels = np.repeat(np.arange(10), config.n_samples // 10)
    return labels, draw_transforms(config, np.random.RandomState(config.seed))


def in_float32(draws):
    return TransformDraws(*(v if v.dtype.kind == "i" else v.astype(np.float32) for v in draws))


def one_sample(label, draws, i, config):
    """Follow the published description literally, one operation after the other."""

    def at_length(values, n):
        return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(values)), values)

    length = config.stretched_length
    padded = np.concatenate([TEMPLATES[label] + 1e-8, np.zeros(draws.padding[i])])
    signal = np.roll(at_length(padded, length) * draws.scale[i], draws.shift[i])
    kernel = np.exp(-(np.arange(-8, 9) ** 2) / 8)
    mirrored = np.pad(config.corr_noise_scale * draws.correlated_noise[i], 8, mode="symmetric")
    noise = np.convolve(mirrored, kernel / kernel.sum(), mode="valid")
    signal = np.where(signal != 0, signal, noise)
    signal = signal + config.iid_noise_scale * draws.white_noise[i]
    signal = signal - draws.shear[i] * np.linspace(-0.5, 0.5, length)
    return at_length(signal, config.final_seq_length)


@configs
def test_equals_the_steps_one_sample_at_a_time(config):
    labels, draws = labels_and_draws(config)
    expected = [one_sample(label, draws, i, config) for i, label in enumerate(labels)]
    np.testing.assert_allclose(
        synthesise(TEMPLATES, labels, draws, config), expected, rtol=0, atol=1e-14
    )


@configs
@pytest.mark.parametrize("values", [1, 1000, 12_345, 10**9])
def test_chunks_do_not_change_a_bit(config, values, monkeypatch):
    labels, draws = labels_and_draws(config)
    expected = synthesise(TEMPLATES, labels, draws, config)
    monkeypatch.setattr(synthesis, "_CHUNK_VALUES", values)
    np.testing.assert_array_equal(synthesise(TEMPLATES, labels, draws, config), expected)


@configs
def test_a_sample_has_the_same_bits_in_any_company_and_thread(config):
    labels, draws = labels_and_draws(config)
    expected = synthesise(TEMPLATES, labels, draws, config)

    def part(rows):
        return synthesise(
            TEMPLATES, labels[rows], TransformDraws(*(v[rows] for v in draws)), config
        )

    order = np.random.RandomState(0).permutation(config.n_samples)
    parts = np.split(order, [1, 3, 40, 41, 200])
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(part, parts))
    np.testing.assert_array_equal(np.concatenate(results), expected[order])


@configs
def test_float32_in_float32_out(config):
    labels, draws = labels_and_draws(config)
    signals = synthesise(TEMPLATES, labels, in_float32(draws), config)
    assert signals.dtype == np.float32
    expected = synthesise(TEMPLATES, labels, draws, config)
    np.testing.assert_allclose(signals, expected, rtol=0, atol=1e-6)


@pytest.mark.slow
@configs
@pytest.mark.parametrize("mode", ["eager", "jit", "vmap over samples", "vmap over groups"])
def test_jax_equals_numpy(config, mode):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    labels, draws = labels_and_draws(config)
    expected = synthesise(TEMPLATES, labels, draws, config)
    arguments = jax.tree.map(jax.numpy.asarray, (labels, in_float32(draws)))

    def synthesis(labels, draws):
        return synthesise(TEMPLATES, labels, draws, config)

    if mode == "vmap over groups":
        arguments = jax.tree.map(lambda a: a.reshape(10, -1, *a.shape[1:]), arguments)
    if mode != "eager":
        synthesis = jax.jit(jax.vmap(synthesis) if mode.startswith("vmap") else synthesis)
    signals = synthesis(*arguments)
    assert isinstance(signals, jax.Array)
    assert signals.dtype == np.float32
    np.testing.assert_allclose(signals.reshape(expected.shape), expected, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_jax_in_float64_equals_numpy_to_rounding():
    pytest.importorskip("jax", reason="JAX is not installed")
    program = """
import jax, numpy as np
from mnist1d import DatasetConfig, digit_templates, draw_transforms, synthesise
config, templates = DatasetConfig(num_samples=100, padding=(0, 61)), digit_templates().x
labels, draws = np.arange(100) % 10, draw_transforms(config, np.random.RandomState(0))
signals = jax.jit(lambda y, d: synthesise(templates, y, d, config))(labels, draws)
assert signals.dtype == np.float64
print(np.abs(signals - synthesise(templates, labels, draws, config)).max())
"""
    env = {**os.environ, "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert float(result.stdout) < 1e-14


@configs
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pytorch_equals_numpy(config, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    labels, draws = labels_and_draws(config)
    expected = synthesise(TEMPLATES, labels, draws, config)
    if dtype == np.float32:
        draws = in_float32(draws)
    tensors = TransformDraws(*map(torch.asarray, draws))
    signals = synthesise(TEMPLATES, torch.asarray(labels), tensors, config)
    assert isinstance(signals, torch.Tensor)
    atol = 1e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(signals.numpy(), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64])
def test_the_type_of_the_labels_does_not_matter(dtype):
    config = DatasetConfig(num_samples=100, padding=(0, 300))
    labels, draws = labels_and_draws(config)
    expected = synthesise(TEMPLATES, labels, draws, config)
    signals = synthesise(TEMPLATES, labels.astype(dtype), draws, config)
    np.testing.assert_array_equal(signals, expected)


def test_no_samples():
    config = CONFIGS[0]
    labels, draws = labels_and_draws(config)
    none = TransformDraws(*(values[:0] for values in draws))
    assert synthesise(TEMPLATES, labels[:0], none, config).shape == (0, 40)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("padding", 35, r"padding must be from 36 to 60, not from 35"),
        ("padding", 61, r"padding must be from 36 to 60"),
        ("shift", 72, r"shift must be from 0 to 71"),
        ("labels", -1, r"labels must be from 0 to 9, not from -1"),
        ("labels", 10, r"labels must be from 0 to 9"),
    ],
)
def test_indices_out_of_range_are_refused(field, value, message):
    labels, draws = labels_and_draws(CONFIGS[0])
    values = labels if field == "labels" else getattr(draws, field)
    values[17] = value
    with pytest.raises(ValueError, match=message):
        synthesise(TEMPLATES, labels, draws, CONFIGS[0])


def test_noise_of_another_length_is_refused():
    labels, draws = labels_and_draws(CONFIGS[0])
    with pytest.raises(ValueError, match=r"72 points per sample .*, not 71"):
        synthesise(
            TEMPLATES, labels, draws._replace(white_noise=draws.white_noise[:, 1:]), CONFIGS[0]
        )


def test_lists_are_no_arrays():
    labels, draws = labels_and_draws(CONFIGS[0])

    class Shaped(list):
        shape = (300, 72)

    with pytest.raises(TypeError, match="not Shaped"):
        synthesise(TEMPLATES, labels, draws._replace(correlated_noise=Shaped()), CONFIGS[0])


def test_the_digit_is_nonzero_and_the_padding_exactly_zero():
    padding = np.arange(36, 61)
    for template in TEMPLATES:
        stretched = synthesis.stretch(np.tile(template, (25, 1)), padding, 72)
        # The digit reaches up to, and not including, the first padded zero.
        digit = np.linspace(0, 1, 72) < 12 / (12 + padding[:, None] - 1)
        np.testing.assert_array_equal(stretched != 0, digit)


@pytest.mark.parametrize("final_length", [2, 12, 71, 72, 73, 200])
def test_resampling_a_line_gives_a_line(final_length):
    left, weight = synthesis.resampling(72, final_length)
    line = np.linspace(-0.5, 0.5, 72)
    resampled = (1 - weight) * line[left] + weight * line[left + 1]
    np.testing.assert_allclose(resampled, np.linspace(-0.5, 0.5, final_length), rtol=0, atol=1e-15)


def test_smoothing_weights_are_those_of_a_unit_filter():
    weights = synthesis.smoothing_weights(0.25)
    assert len(weights) == 9
    assert 2 * sum(weights) - weights[0] == pytest.approx(0.25, rel=1e-15)
    assert weights[2] / weights[0] == pytest.approx(np.exp(-0.5))
