"""The published interface: the transformations of one signal, drawn from NumPy's global state.

They are kept for programs written for the published package: same arguments, same results up to
rounding, the same random numbers in the same order. `mnist1d.dataset.synthesis` computes the same
for batches, from random numbers that it is given.
"""

# ruff: noqa: NPY002 (the global random state is the one that these functions are defined on)

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from mnist1d.published import reexports

__all__ = [
    "corr_noise_like",
    "iid_noise_like",
    "interpolate",
    "np",
    "pad",
    "shear",
    "transform",
    "translate",
]

_SMOOTHING_WIDTH = 2
_SMOOTHING_RADIUS = 8

_FOREIGN = {
    "gaussian_filter": "scipy.ndimage:gaussian_filter",
    "interp1d": "scipy.interpolate:interp1d",
    "scipy": "scipy",
}
# What is installed is known only now.
__all__ += reexports.installed(_FOREIGN)  # noqa: PLE0605
if not TYPE_CHECKING:
    __getattr__ = reexports.loader(__name__, _FOREIGN)


def pad(x: ArrayLike, padding: Sequence[int]) -> np.ndarray:
    """Append a random number of zeros to a signal.

    Draws one uniform number from NumPy's global random state.

    Args:
        x: the signal, shape (length,), or several, shape (..., length): all get the same number.
        padding: lowest and highest number of zeros, both possible. Reversed bounds count down from
            the first: (7, 3) gives 7, 6 or 5.

    Returns:
        New array of shape (..., length + number of zeros).

    Source:
        reference `pad`.

    >>> np.random.seed(13)
    >>> pad([1.0, 2.0], (1, 3))
    array([1., 2., 0., 0., 0.])
    """
    x = np.asarray(x)
    low, high = padding
    n_zeros = low + int(np.random.rand() * (high - low + 1))
    return np.concatenate([x, np.zeros((*x.shape[:-1], n_zeros))], axis=-1)


def shear(x: ArrayLike, scale: float = 10) -> np.ndarray:
    """Subtract a line of random slope.

    Draws one uniform number from NumPy's global random state.

    Args:
        x: the signal, shape (length,).
        scale: width of the range of the slope, in height over the whole length; uniform on
            -/+ scale / 2.

    Returns:
        New array, same shape.

    Source:
        reference `shear`.

    >>> np.random.seed(0)
    >>> shear([0.0, 0.0, 0.0], scale=1).round(3)
    array([ 0.024,  0.   , -0.024])
    """
    x = np.asarray(x)
    slope = scale * (np.random.rand() - 0.5)
    return np.asarray(x - slope * np.linspace(-0.5, 0.5, len(x)))


def translate(x: ArrayLike, max_translation: int | Sequence[int]) -> np.ndarray:
    """Rotate a signal to the right by a random number of points.

    Draws one bounded integer from NumPy's global random state, and nothing if only one is possible.

    Args:
        x: the signal, shape (length, ...).
        max_translation: number of possible shifts, which are 0 ... max_translation - 1; or the
            possible shifts themselves. One of the signal's length or beyond moves nothing.

    Returns:
        New array, same shape and type.

    Raises:
        ValueError: if no shift is possible.

    Source:
        reference `translate`.

    >>> np.random.seed(0)
    >>> translate([1, 2, 3, 4], 3)
    array([1, 2, 3, 4])
    >>> translate([1, 2, 3, 4], 3)
    array([4, 1, 2, 3])
    """
    x = np.asarray(x)
    shift = np.random.choice(max_translation)
    return np.concatenate([x[-shift:], x[:-shift]])


def corr_noise_like(x: ArrayLike, scale: float) -> np.ndarray:
    """Return noise in which neighbours are alike, in the shape of a signal.

    Draws as many standard normal numbers from NumPy's global random state as the signal has values.

    Args:
        x: the signal, of any shape; its values do not matter.
        scale: standard deviation before smoothing with a Gaussian of width 2 along all axes.

    Returns:
        New array, same shape.

    Source:
        reference `corr_noise_like`.

    >>> np.random.seed(0)
    >>> corr_noise_like(np.zeros(4), scale=1).round(3)
    array([1.262, 1.304, 1.378, 1.44 ])
    """
    return _smoothed(np.asarray(scale * np.random.randn(*np.shape(x))))


def iid_noise_like(x: ArrayLike, scale: float) -> np.ndarray:
    """Return independent normal noise in the shape of a signal.

    Draws as many standard normal numbers from NumPy's global random state as the signal has values.

    Args:
        x: the signal, of any shape; its values do not matter.
        scale: standard deviation.

    Returns:
        New array, same shape.

    Source:
        reference `iid_noise_like`.

    >>> np.random.seed(0)
    >>> iid_noise_like(np.zeros(2), scale=0.1).round(3)
    array([0.176, 0.04 ])
    """
    return np.asarray(scale * np.random.randn(*np.shape(x)))


def interpolate(x: ArrayLike, N: int) -> np.ndarray:
    """Resample a signal to another number of points, linearly.

    Draws nothing.

    Args:
        x: the signal, shape (length, ...), real or complex.
        N: number of points of the result, from the first to the last point of the signal.

    Returns:
        New array of shape (N, ...).

    Raises:
        ValueError: if there is nothing to interpolate between: no point, or a single one where
            several are wanted.

    Source:
        reference `interpolate`.

    >>> interpolate([0.0, 1.0, 0.0], 5)
    array([0. , 0.5, 1. , 0.5, 0. ])
    """
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.inexact):
        x = x.astype(np.float64)
    wanted = np.linspace(0, 1, N)
    if len(x) == 0 or (len(x) == 1 and len(wanted) > 1):
        raise ValueError(f"a signal of {len(x)} points cannot be resampled to {N}")
    given = np.linspace(0, 1, len(x))
    if x.ndim == 1 and x.dtype == np.float64:
        return np.asarray(np.interp(wanted, given, x))
    # Which points come out as exactly zero depends on the last bit, and so on this order.
    left = np.clip(np.searchsorted(given, wanted) - 1, 0, max(len(x) - 2, 0))
    right = np.minimum(left + 1, len(x) - 1)
    column = (-1, *(1,) * (x.ndim - 1))
    step = np.where(right > left, given[right] - given[left], 1).reshape(column)
    slope = (x[right] - x[left]) / step
    return np.asarray(slope * (wanted - given[left]).reshape(column) + x[left])


def transform(
    x: ArrayLike, y: ArrayLike, args: Any, eps: float = 1e-8
) -> tuple[np.ndarray, np.ndarray]:
    """Make a sample of a template: pad, stretch, scale, shift, add noise, shear, resample.

    Draws from NumPy's global random state, in this order: one uniform number (padding), another
    (scale), a bounded integer (shift), standard normal numbers twice over for all stretched points
    (correlated and white noise), one uniform number (shear). Strengths of zero draw them too.

    Args:
        x: the template, shape (template_length,).
        y: its time axis, same shape. It is stretched and resampled with the signal, nothing else.
        args: any object with the attributes padding, template_len, scale_coeff, max_translation,
            corr_noise_scale, iid_noise_scale, shear_scale and final_seq_length. The stretched
            signal has `template_len + padding[-1]` points, even if the template has another length.
        eps: offset that keeps the template apart from the padding, which is recognised by being
            exactly zero and filled with the correlated noise.

    Returns:
        The sample, not standardised, and its time axis, both of shape (final_seq_length,).

    Raises:
        AttributeError: if an argument is missing.
        ValueError, TypeError: if one cannot be used.

    Source:
        reference `transform`; Greydanus & Kobak (2024), the construction of the dataset.

    >>> from mnist1d.data import get_dataset_args, get_templates
    >>> templates = get_templates()
    >>> np.random.seed(42)
    >>> x, t = transform(templates["x"][0], templates["t"], get_dataset_args())
    >>> x.shape, t.shape
    ((40,), (40,))
    """
    x = interpolate(pad(np.asarray(x) + eps, args.padding), args.template_len + args.padding[-1])
    y = interpolate(y, args.template_len + args.padding[-1])
    x = x * (1 + args.scale_coeff * (np.random.rand() - 0.5))
    x = translate(x, args.max_translation)
    x = np.where(x != 0, x, corr_noise_like(x, args.corr_noise_scale))
    x = x + iid_noise_like(x, args.iid_noise_scale)
    x = shear(x, args.shear_scale)
    return interpolate(x, args.final_seq_length), interpolate(y, args.final_seq_length)


def _smoothed(noise: np.ndarray) -> np.ndarray:
    """Apply a Gaussian filter along every axis; beyond its ends the noise is mirrored."""
    if noise.size == 0:
        return noise
    i = np.arange(-_SMOOTHING_RADIUS, _SMOOTHING_RADIUS + 1)
    weights = np.exp(-0.5 * (i / _SMOOTHING_WIDTH) ** 2)
    weights /= weights.sum()
    for axis in range(noise.ndim):
        mirror = np.pad(np.arange(noise.shape[axis]), _SMOOTHING_RADIUS, mode="symmetric")
        noise = np.apply_along_axis(np.convolve, axis, noise.take(mirror, axis), weights, "valid")
    return noise
