"""Mean and standard deviation of a configuration's distribution, without drawing from it."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mnist1d.dataset import synthesis
from mnist1d.dataset.config import DatasetConfig

__all__ = ["Standardisation", "standardisation"]


class Standardisation(NamedTuple):
    """The constants that standardise raw values: `(raw - mean) / std`.

    Attributes:
        mean: subtracted from every value.
        std: what every value is then divided by.
    """

    mean: float
    std: float


@lru_cache(maxsize=64)
def standardisation(config: DatasetConfig) -> Standardisation:
    """Return the constants of a configuration: those of the distribution, not of any sample.

    They are the limits of mean and standard deviation over all values of a generated set as it
    grows, computed from the formulae of the synthesis: factors, slopes and noise are independent of
    each other and of class, padding and shift, and the latter have finitely many values. Endless
    data is standardised with them, so that every batch has the same scale.

    Args:
        config: the configuration. Sizes, seed, label noise and order of points do not matter.

    Returns:
        Constants for raw values.

    Raises:
        ValueError: if all values are the same.

    >>> mean, std = standardisation(DatasetConfig())
    >>> round(mean, 6), round(std, 6)
    (-0.006051, 0.154694)
    """
    length = config.stretched_length
    moments = _shifted(_moments(config), config)
    left, right = synthesis.resampling(length, config.final_seq_length)
    variance, covariance = _noise_moments(length, config.corr_noise_scale)
    single = (1 + config.scale_coeff**2 / 12) * moments.square + moments.outside * variance
    pair = (1 + config.scale_coeff**2 / 12) * moments.product + moments.outside_both * covariance
    line = np.linspace(-0.5, 0.5, config.final_seq_length)
    mean = float(((1 - right) * moments.height[left] + right * moments.height[left + 1]).mean())
    second = (
        (1 - right) ** 2 * (single[left] + config.iid_noise_scale**2)
        + right**2 * (single[left + 1] + config.iid_noise_scale**2)
        + 2 * right * (1 - right) * pair[left]
        + config.shear_scale**2 / 12 * line**2
    )
    spread = float(second.mean()) - mean**2
    # Rounding leaves about 1e-18 of either sign, depending on the linear algebra library.
    rounding = np.finfo(float).eps * float(np.abs(moments.square).max())
    if spread <= max(1e-12 * mean**2, rounding):
        raise ValueError(
            f"all values are the same and cannot be standardised: {config} needs a larger "
            "final_seq_length or max_translation, or one of the strengths above zero"
        )
    return Standardisation(mean, float(np.sqrt(spread)))


class _Moments(NamedTuple):
    """Averages over classes and paddings for every point of a stretched signal.

    Attributes:
        height: of the digit.
        square: of the height squared.
        product: of the height times that of the next point, round the end.
        outside: share of signals that the digit does not reach.
        outside_both: share of signals whose digit reaches neither this point nor the next.
    """

    height: np.ndarray
    square: np.ndarray
    product: np.ndarray
    outside: np.ndarray
    outside_both: np.ndarray


def _moments(config: DatasetConfig) -> _Moments:
    length = config.stretched_length
    labels = list(config.labels)
    templates = config.class_templates().x[labels]
    shares = np.array(config.class_proportions or (1.0,) * len(labels))
    shares /= shares.sum()
    totals = np.zeros((5, length))
    lowest, highest = config.padding
    for padding in range(lowest, highest + 1):
        height = synthesis.stretch(templates, np.full(len(labels), padding), length)
        following = np.roll(height, -1, axis=1)
        empty = height == 0
        both = empty & (following == 0)
        totals += [shares @ values for values in (height, height**2, height * following)] + [
            shares @ values for values in (empty, both)
        ]
    return _Moments(*totals / (highest - lowest + 1))


def _shifted(moments: _Moments, config: DatasetConfig) -> _Moments:
    """Average over the shifts; one as long as the signal or longer moves nothing."""
    length, bound = config.stretched_length, config.max_translation
    weights = np.full(min(bound, length), 1 / bound)
    weights[0] = 1 - (len(weights) - 1) / bound
    weights = np.pad(weights, (0, length - len(weights)))
    # A circular convolution, by Fourier transform: a sum would take length squared products.
    spectrum = np.fft.rfft(weights)
    return _Moments(*(np.fft.irfft(np.fft.rfft(values) * spectrum, length) for values in moments))


def _noise_moments(length: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Return variance of the smoothed noise, and covariance with the next point, round the end."""
    weights = np.array(synthesis.smoothing_weights(strength))
    radius = len(weights) - 1
    offsets = np.arange(-radius, radius + 1)
    taps = weights[np.abs(offsets)]
    mirror = np.pad(np.arange(length), radius, mode="symmetric")
    source = mirror[np.arange(length)[:, None] + radius + offsets]
    variance, covariance = np.zeros(length), np.zeros(length)
    following = np.roll(source, -1, axis=0)
    for i, tap in enumerate(taps):
        here = source[:, i, None]
        variance += tap * ((here == source) * taps).sum(axis=1)
        covariance += tap * ((here == following) * taps).sum(axis=1)
    return variance, covariance
