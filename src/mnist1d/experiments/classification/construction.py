"""The construction of MNIST-1D: what the paper says of it, against what the generator does.

The published data are those of the generator, number for number, so that every difference here is a
slip of the description. Everything is computed, nothing estimated.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.dataset import draw_transforms
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.synthesis import (
    TransformDraws,
    smoothing_weights,
    stretch,
    synthesise,
)
from mnist1d.dataset.templates import digit_templates
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr

N_SAMPLES = 100
"""The first samples of the published set in order of generation, all of digit 0."""


def largest_shift(_: xr.Dataset | None) -> Estimate:
    """Largest circular shift of all samples of the published set, in points.

    >>> largest_shift(None).mean
    47.0
    """
    return _exactly(float(_published_draws().shift.max()))


def smoothed_share(_: xr.Dataset | None) -> Estimate:
    """Share of the digits' points that the noise and its Gaussian filter change, in per cent.

    Signals are taken at the length at which the noise is added, without white noise and shear.

    >>> smoothed_share(None).mean
    0.0
    """
    draws = _first_draws()
    config = DatasetConfig(iid_noise_scale=0.0)
    config = config.replace(final_seq_length=config.stretched_length)
    draws = draws._replace(shear=np.zeros(N_SAMPLES))
    signals = _synthesised(draws, config)
    clean = _clean(draws, config.stretched_length)
    is_digit = clean != 0
    is_changed = ~np.isclose(signals, clean, rtol=0, atol=1e-12)
    return _exactly(100 * float((is_digit & is_changed).sum() / is_digit.sum()))


def share_in_the_order_of_the_text(_: xr.Dataset | None) -> Estimate:
    """Share of samples that come out the same if the steps are taken as the text lists them.

    The text pads, shifts, scales, adds noise, adds a linear signal, smooths and downsamples. The
    signals are stretched to their common length after padding, which it leaves out.

    >>> share_in_the_order_of_the_text(None).mean
    0.0
    """
    draws, config = _first_draws(), DatasetConfig()
    length = config.stretched_length
    signals = _clean(draws, length)
    signals += config.corr_noise_scale * draws.correlated_noise
    signals += config.iid_noise_scale * draws.white_noise
    signals -= draws.shear[:, None] * np.linspace(-0.5, 0.5, length)
    signals = _smoothed(signals)
    old, new = np.linspace(0, 1, length), np.linspace(0, 1, config.final_seq_length)
    as_listed = np.array([np.interp(new, old, signal) for signal in signals])
    same = np.isclose(as_listed, _synthesised(draws, config), rtol=0, atol=1e-6).all(axis=1)
    return _exactly(100 * float(same.mean()))


def _exactly(number: float) -> Estimate:
    return Estimate(number, np.nan, np.nan, 1)


@cache
def _published_draws() -> TransformDraws:
    config = DatasetConfig()
    return draw_transforms(config, np.random.RandomState(config.seed))


def _first_draws() -> TransformDraws:
    return TransformDraws(*(values[:N_SAMPLES] for values in _published_draws()))


def _synthesised(draws: TransformDraws, config: DatasetConfig) -> np.ndarray:
    labels = np.zeros(N_SAMPLES, int)
    found: np.ndarray = synthesise(digit_templates().x, labels, draws, config)
    return found


def _clean(draws: TransformDraws, length: int) -> np.ndarray:
    """Return signals of digit 0: padded, stretched, shifted and scaled."""
    templates = np.repeat(digit_templates().x[:1], N_SAMPLES, axis=0)
    padded = stretch(templates, draws.padding, length)
    shifted = [np.roll(row, shift) for row, shift in zip(padded, draws.shift, strict=True)]
    return np.asarray(shifted) * draws.scale[:, None]


def _smoothed(signals: np.ndarray) -> np.ndarray:
    """Apply the Gaussian filter of the generator's noise to signals, mirrored at their ends."""
    half = smoothing_weights(1.0)
    weights, radius = [*half[:0:-1], *half], len(half) - 1
    mirrored = np.pad(signals, ((0, 0), (radius, radius)), mode="symmetric")
    return np.array([np.convolve(row, weights, mode="valid") for row in mirrored])
