"""Constants and tables of the stream against a second derivation, case by case."""

import numpy as np
import pytest

from mnist1d import DatasetConfig
from mnist1d.dataset import synthesis
from mnist1d.dataset.standardisation import standardisation
from mnist1d.stream.tables import _SMOOTHING, NORMAL_UNIT, Tables, normal_table

CONFIGS = {
    "published": DatasetConfig(),
    "shifts beyond the end": DatasetConfig(padding=(1, 7), max_translation=30),
    "own templates": DatasetConfig(
        templates=[[0, 1, 2], [1, 0, 5]], padding=(4, 6), class_proportions=(1, 3)
    ),
    "classes": DatasetConfig(classes=(3, 8), padding=(15, 17), scale_coeff=2, max_translation=1),
    "strong": DatasetConfig(padding=(5, 6), corr_noise_scale=1e99, iid_noise_scale=1e98),
}
configs = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def smoothing_matrix(length):
    """Filter every unit vector by convolution."""
    half = np.array(_SMOOTHING, dtype=float) / 4096
    taps = np.concatenate([half[:0:-1], half])
    mirrored = np.pad(np.eye(length), ((0, 0), (7, 7)), mode="symmetric")
    return np.array([np.convolve(row, taps, mode="valid") for row in mirrored]).T


def brute_force(config):
    """Average over every class, padding and shift there is, one after the other."""
    length, final = config.stretched_length, config.final_seq_length
    resample = np.array(
        [
            np.interp(np.linspace(0, 1, final), np.linspace(0, 1, length), row)
            for row in np.eye(length)
        ]
    ).T
    smooth = smoothing_matrix(length)
    labels = list(config.labels)
    templates = config.class_templates().x[labels]
    shares = np.array(config.class_proportions or np.ones(len(labels)))
    shifts = np.arange(config.max_translation)
    shifts[shifts >= length] = 0
    normal_variance = (normal_table().astype(float) ** 2).mean() / NORMAL_UNIT**2
    line = np.linspace(-0.5, 0.5, final)
    means, squares, weights = [], [], []
    for padding in range(config.padding[0], config.padding[1] + 1):
        heights = synthesis.stretch(templates, np.full(len(labels), padding), length)
        for height, share in zip(heights, shares, strict=True):
            for shift in shifts:
                moved = np.roll(height, shift)
                digit = resample @ moved
                noise = config.corr_noise_scale * (resample * (moved == 0)) @ smooth
                means.append(digit.mean())
                squares.append(
                    ((1 + config.scale_coeff**2 / 12) * digit**2).mean()
                    + normal_variance * (noise**2).sum(axis=1).mean()
                    + normal_variance * config.iid_noise_scale**2 * (resample**2).sum() / final
                    + config.shear_scale**2 / 12 * (line**2).mean()
                )
                weights.append(share)
    mean = np.average(means, weights=weights)
    return mean, np.sqrt(np.average(squares, weights=weights) - mean**2)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(each, marks=pytest.mark.slow if name == "published" else (), id=name)
        for name, each in CONFIGS.items()
    ],
)
def test_constants_are_averages_over_all_cases(config):
    tables = Tables(config)
    mean, std = brute_force(config)
    # The heights of the templates are rounded to 24 bits, and not moved up by 1e-8.
    assert tables.mean == pytest.approx(mean, abs=1e-7 * std)
    assert tables.std == pytest.approx(std, rel=1e-6)


@configs
def test_constants_are_nearly_those_of_endless_data_elsewhere(config):
    """Which differ by the rounding of normal values and of the smoothing."""
    tables = Tables(config)
    mean, std = standardisation(config)
    assert tables.mean == pytest.approx(mean, abs=1e-7 * std)
    assert tables.std == pytest.approx(std, rel=3e-4)


@configs
def test_blocks_hold_the_whole_matrices(config):
    tables = Tables(config)
    length, final = config.stretched_length, config.final_seq_length
    whole = np.zeros((length, 2 * final))
    for block in tables.smoothing:
        whole[block.rows, block.columns] = block.values
    left = np.minimum(np.arange(final) * (length - 1) // (final - 1), length - 2)
    matrix = smoothing_matrix(length) * 4096
    np.testing.assert_allclose(whole.T, matrix[np.concatenate([left, left + 1])], atol=1e-9)
    whole = np.zeros((length, final))
    for block in tables.resampling:
        whole[block.rows, block.columns] = block.values
    np.testing.assert_array_equal(whole.sum(axis=0), final - 1)
    ramp = np.arange(length) @ whole
    np.testing.assert_array_equal(ramp, np.arange(final) * (length - 1))


def test_largest_sums_stay_exact_in_float32():
    largest = float(normal_table().max())
    for length in (2, 12, 72, 4096):
        config = DatasetConfig(
            templates=[[0.0, 1.0]],
            padding=(0, length - 2),
            final_seq_length=4096,
            corr_noise_scale=1,
        )
        if length == 4096:
            config = config.replace(padding=(4094, 4094))
        tables = Tables(config)
        for block in (*tables.smoothing, *tables.resampling):
            assert largest * np.abs(block.values).sum(axis=0).max() < 2**24
