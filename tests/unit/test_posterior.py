"""The posterior of classes: where the truth is known, where it can be integrated, and by chance."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.standardisation import standardisation
from mnist1d.dataset.templates import digit_templates
from mnist1d.measures.posterior import Posterior
from mnist1d.stream import Stream

STILL = {"max_translation": 1, "padding": (4, 4), "final_seq_length": 16}
"""A digit that is always in the same place."""

SMALL = {**STILL, "padding": (4, 6), "max_translation": 3, "classes": (3, 8, 9)}


def test_two_signals_in_white_noise_are_told_apart_as_often_as_theory_says():
    # No point is resampled, so that noise is independent: the error is that of a normal variable.
    heights = 0.03 * np.random.default_rng(0).normal(size=(2, 12))
    config = DatasetConfig(
        templates=heights,
        max_translation=1,
        padding=(0, 0),
        final_seq_length=12,
        scale_coeff=0,
        shear_scale=0,
        iid_noise_scale=0.05,
    )
    distance = np.linalg.norm(heights[0] - heights[1]) / config.iid_noise_scale
    x, y = Stream(config)[0:20_000]
    found = Posterior(config)(x)
    error = float((found.argmax(axis=1) != y).mean())
    expected = NormalDist().cdf(-distance / 2)
    assert 0.05 < expected < 0.45
    assert error == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / len(y)))
    # And the logarithm of the odds is linear in the signal.
    mean, std = standardisation(config)
    raw = x * np.float64(std) + mean
    odds = ((raw - heights.mean(axis=0)) @ (heights[1] - heights[0])) / 0.05**2
    np.testing.assert_allclose(found[:, 1] - found[:, 0], odds, atol=1e-3)


def test_scale_and_slope_are_integrated_as_by_a_dense_grid():
    config = DatasetConfig(**SMALL, iid_noise_scale=0.3)
    x, _ = Stream(config, seed=3)[0:20]
    found = np.exp(Posterior(config)(x)[:, [3, 8, 9]])
    mean, std = standardisation(config)
    raw = x * np.float64(std) + mean
    digits, precisions = dense_parts(config)
    line = np.linspace(-0.5, 0.5, config.final_seq_length)
    midpoints = (np.arange(40) + 0.5) / 40 - 0.5
    joint = np.zeros((len(raw), 3))
    _, determinants = np.linalg.slogdet(precisions)
    for scale in 1 + config.scale_coeff * midpoints:
        for slope in config.shear_scale * midpoints:
            rest = raw[:, None, None, :] + slope * line - scale * digits
            squares = np.einsum("npcl,plm,npcm->npc", rest, precisions, rest, optimize=True)
            joint += np.exp(-squares / 2 + determinants[:, None] / 2).sum(axis=1)
    expected = joint / joint.sum(axis=1, keepdims=True)
    assert expected.max(axis=1).min() < 0.9  # some are in doubt
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_densities_shifts_and_scales_are_those_of_a_dense_grid():
    # Classes of unequal shares, and noise in which shifts and scales are in doubt.
    config = DatasetConfig(**SMALL, iid_noise_scale=0.3, class_proportions=(1, 2, 5))
    x, _ = Stream(config, seed=3)[0:20]
    found = Posterior(config).infer(x)
    np.testing.assert_array_equal(found.label, Posterior(config)(x).argmax(axis=1))
    mean, std = standardisation(config)
    raw = x * np.float64(std) + mean
    digits, precisions = dense_parts(config)
    length = config.final_seq_length
    line = np.linspace(-0.5, 0.5, length)
    midpoints = (np.arange(40) + 0.5) / 40 - 0.5
    _, determinants = np.linalg.slogdet(precisions)
    prior = np.array([1, 2, 5]) / 8 / len(digits) / 40**2
    normal = np.exp(determinants / 2) / (2 * np.pi) ** (length / 2)
    by_place, of_scale = 0.0, 0.0
    for scale in 1 + config.scale_coeff * midpoints:
        for slope in config.shear_scale * midpoints:
            rest = raw[:, None, None, :] + slope * line - scale * digits
            squares = np.einsum("npcl,plm,npcm->npc", rest, precisions, rest, optimize=True)
            part = (np.exp(-squares / 2) * normal[:, None] * prior).sum(axis=2)
            by_place = by_place + part
            of_scale = of_scale + scale * part.sum(axis=1)
    density = by_place.sum(axis=1)
    np.testing.assert_allclose(found.log_density, np.log(density) + length * np.log(std), atol=5e-3)
    np.testing.assert_allclose(found.scale, of_scale / density, atol=2e-3)
    # Places are padding by padding, each with all shifts.
    by_shift = by_place.reshape(20, 3, 3).sum(axis=1)
    np.testing.assert_array_equal(found.shift, by_shift.argmax(axis=1))
    assert len(set(found.shift)) == 3


def test_a_density_is_one_of_what_is_seen_and_has_no_number_far_away():
    config = DatasetConfig(**STILL)
    x, _ = Stream(config, seed=1)[0:5]
    own = Posterior(config)
    mean, std = standardisation(config)
    wide = own.infer((x * std + mean) / 2, constants=(0.0, 2.0)).log_density
    np.testing.assert_allclose(wide - own.infer(x).log_density, 16 * np.log(2 / std))
    far = own.infer(np.full((1, 16), 1e4) * np.linspace(-1, 1, 16))
    assert all(np.isnan(each).all() for each in far)
    assert own.infer(np.empty((0, 16))).scale.shape == (0,)


def dense_parts(config):
    """Return clean digits and inverse covariances, by matrices that follow the paper's text."""
    length, final = config.stretched_length, config.final_seq_length
    smooth = config.corr_noise_scale * gaussian_filter1d(np.eye(length), 2, axis=0)
    grid, new_grid = np.linspace(0, 1, length), np.linspace(0, 1, final)
    resample = np.stack([np.interp(new_grid, grid, unit) for unit in np.eye(length)], axis=1)
    digits, precisions = [], []
    for padding in range(config.padding[0], config.padding[1] + 1):
        for shift in range(config.max_translation):
            padded = np.pad(digit_templates().x + 1e-8, ((0, 0), (0, padding)))
            old_grid = np.linspace(0, 1, padded.shape[1])
            stretched = [np.interp(grid, old_grid, padded[label]) for label in config.labels]
            moved = np.roll(stretched, shift, axis=1)
            noise = np.diag(moved[0] == 0) @ smooth
            covariance = noise @ noise.T + config.iid_noise_scale**2 * np.eye(length)
            digits.append(moved @ resample.T)
            precisions.append(np.linalg.inv(resample @ covariance @ resample.T))
    return np.array(digits), np.array(precisions)


@pytest.mark.slow
def test_probabilities_are_calibrated_on_data_that_leave_doubt():
    # Where the posterior says 80 %, 80 % are right; and its entropy is its loss.
    config = DatasetConfig(iid_noise_scale=0.15, padding=(36, 40), max_translation=12)
    x, y = Stream(config, seed=5)[0:4000]
    logs = Posterior(config)(x)
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1)
    surest, right = np.exp(logs.max(axis=1)), logs.argmax(axis=1) == y
    losses = -logs[np.arange(len(y)), y]
    entropies = -(np.exp(logs) * logs).sum(axis=1)
    assert 0.3 < losses.mean() < 1.5
    difference = losses - entropies
    assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(y))
    for low, high in ((0.3, 0.6), (0.6, 0.9), (0.9, 1.0)):
        group = (surest >= low) & (surest < high)
        spread = math.sqrt((surest * (1 - surest))[group].sum()) / group.sum()
        assert group.sum() > 100
        assert right[group].mean() == pytest.approx(surest[group].mean(), abs=4 * spread)


@pytest.mark.parametrize("kind", ["symmetric", "other"])
def test_noise_of_labels_is_in_the_probabilities_of_labels(kind):
    config = DatasetConfig(**SMALL, label_noise=0.3, label_noise_kind=kind)
    x, y = Stream(config, seed=2)[0:3000]
    found = Posterior(config)(x)
    wrong = 0.3 * (1 if kind == "other" else 2 / 3)
    assert (found.argmax(axis=1) != y).mean() == pytest.approx(wrong, abs=0.04)
    expected = -(1 - wrong) * math.log(1 - wrong) - wrong * math.log(wrong / 2)
    assert -found[np.arange(len(y)), y].mean() == pytest.approx(expected, abs=0.05)
    assert np.isneginf(found[:, 0]).all()


def test_order_of_points_and_shares_of_classes_are_known_to_it():
    config = DatasetConfig(**SMALL, positions="flipped", class_proportions=(1, 1, 8))
    x, y = Stream(config, seed=2)[0:2000]
    assert (Posterior(config)(x).argmax(axis=1) == y).mean() > 0.98
    noise = np.full((1, 16), 0.0)
    blurred = config.replace(iid_noise_scale=3.0)
    expected = [0.1, 0.1, 0.8]
    found = np.exp(Posterior(blurred)(noise)[0, [3, 8, 9]])
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_generated_sets_have_constants_of_their_own():
    data = generate(num_samples=500, seed=9, **STILL)
    config = data.config
    constants = (data.mean, data.std)
    found = Posterior(config)(data.x, constants=constants)
    assert (found.argmax(axis=1) == data.y).mean() > 0.95
    own = (data.x * data.std + data.mean - 0.1) / 2
    np.testing.assert_allclose(Posterior(config)(own, constants=(0.1, 2.0)), found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iid_noise_scale": 0}, "iid_noise_scale must not be 0"),
        ({"shuffle_seq": True}, "shuffle_seq must be off"),
        ({"padding": (0, 10**5)}, "must have fewer combinations than"),
    ],
)
def test_what_has_no_posterior_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Posterior(DatasetConfig(**changes))


def test_signals_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"x must be of shape \(n, 16\), not \(3, 40\)"):
        Posterior(DatasetConfig(**STILL))(np.zeros((3, 40)))
