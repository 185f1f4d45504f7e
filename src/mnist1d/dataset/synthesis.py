"""Synthesis: the deterministic computation of signals from templates, labels and random draws.

One function, `synthesise`, does all of it for a batch, on NumPy, JAX (also inside `jit` and `vmap`)
or PyTorch arrays. It uses elementwise arithmetic and gathers in a fixed order and no matrix
products, so that in NumPy a sample has the same bits in any batch.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mnist1d.dataset.config import DatasetConfig

__all__ = ["TransformDraws", "stretch", "synthesise"]

# NumPy, JAX and PyTorch arrays have no common type.
Array: TypeAlias = Any

# Keeps the digit apart from the padding, which is recognised by being exactly zero.
_OFFSET = 1e-8
SMOOTHING_WIDTH = 2.0
_SMOOTHING_RADIUS = 8
# Values of one intermediate array: what is in use at one time then fits the second-level cache.
_CHUNK_VALUES = 20_000


class TransformDraws(NamedTuple):
    """The random part of samples, one row per sample, in arrays of any one framework.

    Being a tuple, it is a pytree for `jax.jit` and `jax.vmap`.

    Attributes:
        padding: zeros appended to the template, integers, shape (n_samples,).
        scale: factor on the digit's height, shape (n_samples,).
        shift: circular shift to the right in points of the stretched signal, integers in
            [0, stretched_length), shape (n_samples,).
        correlated_noise: standard normal values that are smoothed and then fill the padding, shape
            (n_samples, stretched_length).
        white_noise: standard normal values of the white noise, same shape.
        shear: slope taken off the signal, in height over the whole length, shape (n_samples,).
    """

    padding: Array
    scale: Array
    shift: Array
    correlated_noise: Array
    white_noise: Array
    shear: Array


def synthesise(
    templates: np.ndarray, labels: Array, draws: TransformDraws, config: DatasetConfig
) -> Array:
    """Turn templates, labels and draws into signals, not yet standardised.

    In this order: pad the template with zeros, stretch it to the common length, scale it, shift it
    in a circle, replace what is still exactly zero by smoothed noise, add white noise, subtract a
    line, resample to the final length.

    Args:
        templates: heights of the clean signals, shape (n_classes, config.template_len). They are a
            constant of the computation: inside `jax.jit` they may not be traced.
        labels: which template each sample starts from, integers in [0, n_classes), shape
            (n_samples,).
        draws: the random part. Its arrays and `labels` are of one framework and on one device, and
            the arithmetic is done in the type of its noise. There may be several axes of samples
            or, except in NumPy, none.
        config: the strengths and lengths. Its number of samples and its seed do not matter here.

    Returns:
        Shape (n_samples, config.final_seq_length), of the framework and type of the noise.

    Raises:
        TypeError: if the arrays are of no supported framework.
        ValueError: if the length of the noise does not fit the configuration, or (NumPy only, as
            values are unknown while others trace) labels, padding or shift are out of range.

    Source:
        Greydanus & Kobak (2024), the construction of the dataset; the order of the steps and the
        stretching, which the paper does not mention, are those of the reference `transform`.

    >>> from mnist1d.dataset import draw_transforms
    >>> from mnist1d.dataset.templates import digit_templates
    >>> config = DatasetConfig(num_samples=10)
    >>> draws = draw_transforms(config, np.random.RandomState(config.seed))
    >>> synthesise(digit_templates().x, np.arange(10), draws, config).shape
    (10, 40)
    """
    length = config.stretched_length
    for noise in (draws.correlated_noise, draws.white_noise):
        if noise.shape[-1] != length:
            raise ValueError(
                f"the noise must have {length} points per sample (template_len + highest padding), "
                f"not {noise.shape[-1]}"
            )
    xp = _namespace(draws.correlated_noise)
    integer = xp.arange(1).dtype  # wide enough for an index, which the labels' type may not be
    labels = xp.asarray(labels, dtype=integer)
    draws = draws._replace(
        padding=xp.asarray(draws.padding, dtype=integer),
        shift=xp.asarray(draws.shift, dtype=integer),
    )
    lowest, highest = config.padding
    n_paddings = highest - lowest + 1
    pair = labels * n_paddings + (draws.padding - lowest)
    if not isinstance(pair, np.ndarray):
        table = _all_turns(_frozen(templates), lowest, highest, length)
        return _synthesis(table, draws.correlated_noise, config)(pair, draws)

    _check_range("labels", labels, 0, len(templates) - 1)
    _check_range("padding", draws.padding, lowest, highest)
    _check_range("shift", draws.shift, 0, length - 1)
    if len(templates) * n_paddings <= pair.size:
        table = _all_turns(_frozen(templates), lowest, highest, length)
    else:
        present, pair = np.unique(pair, return_inverse=True)
        table = _turns(templates[present // n_paddings], present % n_paddings + lowest, length)
    synthesise_chunk = _synthesis(table, draws.correlated_noise, config)
    signals = np.empty((*pair.shape, config.final_seq_length), draws.correlated_noise.dtype)
    size = max(1, _CHUNK_VALUES // length)
    for start in range(0, len(pair), size):
        rows = slice(start, start + size)
        chunk = TransformDraws(*(values[rows] for values in draws))
        signals[rows] = synthesise_chunk(pair[rows], chunk)
    return signals


def stretch(templates: np.ndarray, padding: np.ndarray, length: int) -> np.ndarray:
    """Append zeros to each template and stretch the result to a common length.

    The correlated noise goes where points are exactly zero. That depends on the last bit wherever
    two grid points coincide, so this is `numpy.interp` itself, in float64.

    Args:
        templates: shape (n_rows, template_length).
        padding: zeros to append to each row, integers, shape (n_rows,).
        length: points of the result.

    Returns:
        Shape (n_rows, length), float64. The template's own points are nonzero (they carry an offset
        of 1e-8), those of the padding exactly zero.

    Source:
        reference `pad`.

    >>> stretch(np.array([[1.0, 2.0]]), np.array([1]), 5).round(3).tolist()
    [[1.0, 1.5, 2.0, 1.0, 0.0]]
    """
    stretched = np.empty((len(templates), length))
    target = np.linspace(0, 1, length)
    n_points = templates.shape[1]
    sources = {int(p): np.linspace(0, 1, n_points + int(p)) for p in np.unique(padding)}
    for row, template, p in zip(stretched, templates, padding.tolist(), strict=True):
        padded = np.zeros(n_points + p)
        padded[:n_points] = template + _OFFSET
        row[:] = np.interp(target, sources[p], padded)
    return stretched


def _synthesis(
    table: np.ndarray, like: Array, config: DatasetConfig
) -> Callable[[Array, TransformDraws], Array]:
    """Return the synthesis of one chunk, its constants made for arrays like the given noise."""
    xp = _namespace(like)
    place = {"device": like.device} if xp.__name__ == "torch" else {}
    length = config.stretched_length
    column = (-1, *(1,) * (like.ndim - 1))

    def per_position(values: np.ndarray) -> Array:
        return xp.asarray(values.reshape(column), dtype=like.dtype, **place)

    turns = xp.asarray(table, dtype=like.dtype, **place)
    position = xp.reshape(xp.arange(length, 2 * length, **place), column)
    weights = smoothing_weights(config.corr_noise_scale)
    mirror = np.pad(np.arange(length), _SMOOTHING_RADIUS, mode="symmetric")
    left, right_weight = resampling(length, config.final_seq_length)
    left_share, right_share = per_position(1 - right_weight), per_position(right_weight)
    if xp is not np:
        # JAX remembers constants by identity, also across a change of its widest integers.
        left, mirror = left.astype(np.int32), mirror.astype(np.int32)
    line = per_position(np.linspace(-0.5, 0.5, config.final_seq_length))

    # Positions come first and samples last: every step then runs along contiguous memory.
    def synthesise_chunk(pair: Array, draws: TransformDraws) -> Array:
        signal = turns[(pair * (2 * length) - draws.shift)[None, ...] + position]
        signal *= draws.scale[None, ...]
        noise = _smooth(xp.moveaxis(draws.correlated_noise, -1, 0), mirror, weights)
        signal = xp.where(signal == 0, noise, signal)
        signal += config.iid_noise_scale * xp.moveaxis(draws.white_noise, -1, 0)
        resampled = left_share * signal[left]
        resampled += right_share * signal[left + 1]
        # Resampling a line gives a line, so the shear can wait for the smaller number of points.
        resampled -= line * draws.shear[None, ...]
        return xp.moveaxis(resampled, 0, -1)

    return synthesise_chunk


def _smooth(noise: Array, mirror: Array, weights: tuple[float, ...]) -> Array:
    """Filter along the first axis.

    The mirror holds the indices that continue the noise beyond its ends; the weights are those of
    the middle, of its two neighbours, of theirs, and so on.
    """
    radius, length = len(weights) - 1, noise.shape[0]
    mirrored = noise[mirror]

    def moved(by: int) -> Array:
        return mirrored[radius + by : radius + by + length]

    smoothed = weights[0] * moved(0)
    for i, weight in enumerate(weights[1:], start=1):
        smoothed += weight * (moved(-i) + moved(i))
    return smoothed


def smoothing_weights(strength: float) -> tuple[float, ...]:
    """Return the weights of a Gaussian filter, truncated at four widths, times the strength."""
    i = np.arange(-_SMOOTHING_RADIUS, _SMOOTHING_RADIUS + 1)
    weights = np.exp(-0.5 * (i / SMOOTHING_WIDTH) ** 2)
    weights *= strength / weights.sum()
    return tuple(weights[_SMOOTHING_RADIUS:].tolist())


@lru_cache(maxsize=16)
def resampling(length: int, final_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each final point the left one of its two neighbours and the right one's weight."""
    source = np.linspace(0, 1, length)
    target = np.linspace(0, 1, final_length)
    left = np.searchsorted(source, target, side="right") - 1
    left = np.minimum(left, length - 2)
    weight = (target - source[left]) / (source[left + 1] - source[left])
    return left, weight


def _turns(templates: np.ndarray, padding: np.ndarray, length: int) -> np.ndarray:
    """Return every stretched row twice, in one flat array, so that any shift of it is a window."""
    stretched = stretch(templates, padding, length)
    return np.concatenate([stretched, stretched], axis=1).reshape(-1)


@lru_cache(maxsize=4)
def _all_turns(
    templates: tuple[tuple[float, ...], ...], lowest: int, highest: int, length: int
) -> np.ndarray:
    padding = np.arange(lowest, highest + 1)
    rows = np.repeat(np.array(templates), len(padding), axis=0)
    return _turns(rows, np.tile(padding, len(templates)), length)


def _frozen(templates: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, np.asarray(templates, dtype=np.float64).tolist()))


def _check_range(name: str, values: np.ndarray, lowest: int, highest: int) -> None:
    if values.size and (values.min() < lowest or values.max() > highest):
        raise ValueError(
            f"{name} must be from {lowest} to {highest}, not from {values.min()} to {values.max()}"
        )


def _namespace(array: Array) -> Any:
    if hasattr(array, "__array_namespace__"):
        return array.__array_namespace__()
    # PyTorch lacks the method, but has the standard's names for all that is used here.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        return torch
    raise TypeError(
        f"arrays must be of NumPy, JAX, PyTorch or another library with the array API, "
        f"not {type(array).__name__}"
    )
