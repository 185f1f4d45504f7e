"""The precomputed tables, matrices and constants of a stream's configuration.

Values that decide a branch, or that a library sums in an order of its own, are whole numbers here,
so that no machine and no version of NumPy can round them differently. The letters are those of
`docs/stream-specification.md`: a stretched signal has L points, a finished one F.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple, TypeAlias

import numpy as np

from mnist1d.dataset.config import DatasetConfig

__all__ = ["LARGEST_LENGTH", "NORMAL_UNIT", "Block", "Tables", "normal_table"]

LARGEST_LENGTH = 4096
"""Up to this many points, all sums of whole numbers stay exact in their types."""

NORMAL_UNIT = 512
"""Standard normal values are whole multiples of the reciprocal."""
# Slightly more than the unit: 65536 quantiles have a variance slightly below 1.
_NORMAL_SCALE = 512.0043
# A Gaussian filter of width 2: the weight of the centre, of its two neighbours, and so on.
_SMOOTHING = (817, 721, 496, 265, 111, 36, 9, 2)
_SMOOTHING_UNIT = 4096
# The tallest template is rounded to this many bits, all others to the same unit.
_HEIGHT_BITS = 24
# Of the midpoints of 2**32 equal parts of an interval of length 1, to a relative error of 1e-19.
_UNIFORM_VARIANCE = 1 / 12
# Thousands of squares of this size still have a finite sum.
_LARGEST_SQUARE = 1e300
# Larger tables are not stored; their rows are computed when they are needed.
_LARGEST_TABLE = 2**22
# Columns of one block, by measurement: narrow ones have fewer zeros, wide ones fewer products.
_NARROW, _WIDE = 20, 64

Entries: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows, columns and values of the entries of a matrix; values in the same place are added."""


class Block(NamedTuple):
    """Some neighbouring columns of a matrix, without the rows that are zero in all of them.

    Attributes:
        rows: where its rows lie in the matrix.
        columns: where its columns lie.
        values: whole numbers in float32.
    """

    rows: slice
    columns: slice
    values: np.ndarray


@lru_cache(maxsize=1)
def normal_table() -> np.ndarray:
    """Return the standard normal value of every 16-bit number, times 512.

    They are the quantiles in the middle of 65536 equally probable parts, rounded to whole numbers.

    Returns: float32, shape (65536,), whole numbers from -2214 to 2214, read-only.

    >>> values = normal_table() / NORMAL_UNIT
    >>> values[0].item(), round(float(values.var()), 5)
    (-4.32421875, 1.0)
    """
    quantile = NormalDist().inv_cdf
    upper = [round(_NORMAL_SCALE * quantile((u + 0.5) / 65_536)) for u in range(32_768, 65_536)]
    half = np.array(upper, dtype=np.float32)
    table = np.concatenate([-half[::-1], half])
    table.flags.writeable = False
    return table


class Tables:
    """The fixed part of the synthesis of one configuration, standardised.

    Args:
        config: the configuration. Seed, sizes, label noise and order of points do not matter here.

    Attributes:
        mean: mean of all values of the distribution, before standardisation.
        std: their standard deviation.
        n_paddings: number of different paddings.
        n_shifts: number of different shifts.
        smoothing: from L normal values to the smoothed noise at the left neighbours of all final
            points, followed by that at the right neighbours.
        resampling: from L normal values to the final points.
        white: factor on the resampled white noise.
        scale_unit: what factors on the height are divided by, and digits multiplied by, so that
            both fit float32.
        line: what one unit of slope subtracts, float32, shape (F,).
        offset: what is subtracted last.

    Raises:
        ValueError: if all values are the same and cannot be standardised.
    """

    def __init__(self, config: DatasetConfig) -> None:
        self._grid = grid = _Grid(config)
        self._config = config
        self.n_paddings = config.padding[1] - config.padding[0] + 1
        self.n_shifts = min(config.max_translation, grid.length)
        self.mean, self.std = _constants(grid, config)
        final = grid.final
        self.scale_unit = max(1.0, abs(config.scale_coeff))
        self.white = np.float32(config.iid_noise_scale / (NORMAL_UNIT * (final - 1)) / self.std)
        self.line = (config.shear_scale * grid.line / self.std).astype(np.float32)
        self.offset = np.float32(self.mean / self.std)
        ends = np.concatenate([grid.left, grid.left + 1])
        self.smoothing = _blocks(
            2 * final,
            2 * final if grid.length <= 2 * _WIDE else _WIDE,
            lambda columns: _smoothing_entries(ends[columns], grid.length),
        )
        self.resampling = _blocks(
            final, _NARROW if final <= 2 * _WIDE else _WIDE, grid.resampling_entries
        )
        self._digit: np.ndarray | None = None
        self._strength: np.ndarray | None = None
        n_places = self.n_paddings * self.n_shifts
        if len(grid.heights) * n_places * final <= _LARGEST_TABLE:
            place = np.arange(n_places)
            self._strength = self._strengths(place)
            self._digit = np.concatenate(
                [self._digits(np.full(n_places, row), place) for row in range(len(grid.heights))]
            )

    def digits(self, label: np.ndarray, place: np.ndarray, out: np.ndarray) -> None:
        """Write clean digits of scale 1.

        Args:
            label: their classes, as numbers within `config.labels`, shape (n_samples,).
            place: number of their padding, from 0, times `n_shifts`, plus their shift.
            out: where they go, float32, shape (n_samples, F).
        """
        if self._digit is None:
            out[:] = self._digits(label, place)
        else:
            row = label * (self.n_paddings * self.n_shifts) + place
            # The indices are in range by construction; "clip" only avoids the check.
            np.take(self._digit, row, axis=0, out=out, mode="clip")

    def strengths(self, place: np.ndarray, out: np.ndarray) -> None:
        """Write the factors on the smoothed noise, at left and at right neighbours.

        They are zero where the neighbour is part of the digit.

        Args:
            place: as in `digits`.
            out: where they go, float32, shape (n_samples, 2 F).
        """
        if self._strength is None:
            out[:] = self._strengths(place)
        else:
            np.take(self._strength, place, axis=0, out=out, mode="clip")

    def _digits(self, label: np.ndarray, place: np.ndarray) -> np.ndarray:
        grid = self._grid
        left, right = (
            grid.stretched_heights(label[:, None], *self._sources(place, side))
            for side in (grid.left, grid.left + 1)
        )
        heights = (grid.final - 1 - grid.right_share) * left + grid.right_share * right
        unit = (grid.length - 1) * (grid.final - 1) / grid.height_unit
        return (heights / unit * self.scale_unit / self.std).astype(np.float32)

    def _strengths(self, place: np.ndarray) -> np.ndarray:
        grid = self._grid
        factor = self._config.corr_noise_scale / (NORMAL_UNIT * _SMOOTHING_UNIT) / self.std
        strengths = []
        for side, share in (
            (grid.left, grid.final - 1 - grid.right_share),
            (grid.left + 1, grid.right_share),
        ):
            source, _ = self._sources(place, side)
            outside = share / (grid.final - 1) * factor
            strengths.append(np.where(source < grid.template_length, 0, outside))
        return np.concatenate(strengths, axis=1).astype(np.float32)

    def _sources(self, place: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find, for every sample and position, the position in the padded template."""
        padding, shift = np.divmod(place[:, None], self.n_shifts)
        unshifted = (position - shift) % self._grid.length
        return self._grid.sources(unshifted, padding + self._config.padding[0])


class _Grid:
    """The grids of points of padded templates, stretched and finished signals, in whole numbers.

    Attributes:
        length: points of a stretched signal, L.
        final: points of a finished signal, F.
        left: for every final point, its left neighbour among the stretched ones.
        right_share: the weight of its right neighbour, in units of 1 / (F - 1).
        line: heights of a line over the final points, from -1/2 to 1/2.
        heights: whole numbers, one row per class that occurs, two zeros after the template.
        height_unit: the height that a 1 stands for.
        template_length: points of a template.
    """

    def __init__(self, config: DatasetConfig) -> None:
        self.length, self.final = config.stretched_length, config.final_seq_length
        self.left, self.right_share = np.divmod(
            np.arange(self.final) * (self.length - 1), self.final - 1
        )
        # The last point lies on a stretched one that has no right neighbour.
        self.left[-1], self.right_share[-1] = self.length - 2, self.final - 1
        self.line = np.arange(1 - self.final, self.final, 2) / (2 * (self.final - 1))
        templates = config.class_templates().x[list(config.labels)]
        _, exponent = math.frexp(float(np.abs(templates).max()))
        self.height_unit = math.ldexp(1.0, exponent - _HEIGHT_BITS)
        whole = np.rint(templates / self.height_unit).astype(np.int64)
        self.heights = np.pad(whole, ((0, 0), (0, 2)))
        self.template_length = templates.shape[1]

    def sources(self, position: np.ndarray, padding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return left neighbours in padded templates, and the right ones' weight in 1 / (L - 1).

        A stretched point belongs to the digit if its left neighbour is a point of the template.
        """
        return np.divmod(position * (self.template_length - 1 + padding), self.length - 1)

    def stretched_heights(
        self, label: np.ndarray, left: np.ndarray, right_share: np.ndarray
    ) -> np.ndarray:
        """Return heights of stretched digits in units of `height_unit` / (L - 1)."""
        left = np.minimum(left, self.template_length)
        return (self.length - 1 - right_share) * self.heights[label, left] + (
            right_share * self.heights[label, left + 1]
        )

    def resampling_entries(self, columns: slice) -> Entries:
        """Return entries of the matrix that resamples, in units of 1 / (F - 1)."""
        left, right_share = self.left[columns], self.right_share[columns]
        row = np.stack([left, left + 1])
        column = np.broadcast_to(np.arange(len(left)), row.shape)
        return row, column, np.stack([self.final - 1 - right_share, right_share])


def _smoothing_entries(position: np.ndarray, length: int) -> Entries:
    """Return the entries of the smoothing matrix for the given positions.

    Beyond its ends the noise is mirrored, the end point repeated.
    """
    radius = len(_SMOOTHING) - 1
    distance = np.arange(-radius, radius + 1)
    row = (position + distance[:, None]) % (2 * length)
    row = np.where(row < length, row, 2 * length - 1 - row)
    column = np.broadcast_to(np.arange(len(position)), row.shape)
    value = np.broadcast_to(np.take(_SMOOTHING, np.abs(distance))[:, None], row.shape)
    return row, column, value


def _blocks(n_columns: int, width: int, entries: Callable[[slice], Entries]) -> tuple[Block, ...]:
    blocks = []
    for start in range(0, n_columns, width):
        columns = slice(start, min(start + width, n_columns))
        row, column, value = entries(columns)
        first = int(row.min())
        values = np.zeros((int(row.max()) + 1 - first, columns.stop - start), dtype=np.float32)
        np.add.at(values, (row - first, column), value)
        blocks.append(Block(slice(first, first + len(values)), columns, values))
    return tuple(blocks)


class _Moments(NamedTuple):
    """Averages over classes and paddings, for every point of a stretched signal.

    Attributes:
        height: of the digit.
        square: of the height squared.
        product: of the height times that of the next point, round the end.
        outside: share of signals whose digit does not cover the point.
        outside_both: share of signals whose digit covers neither this point nor the next.
    """

    height: np.ndarray
    square: np.ndarray
    product: np.ndarray
    outside: np.ndarray
    outside_both: np.ndarray


def _constants(grid: _Grid, config: DatasetConfig) -> tuple[float, float]:
    """Return mean and standard deviation of all values of the distribution.

    Factors, slopes and noise are independent of each other and of class, padding and shift, which
    have finitely many values, so that only sums over those remain. Every sum is taken in a fixed
    order or rounded once, so that the result is the same everywhere.
    """
    left, right = grid.left, grid.right_share / (grid.final - 1)
    moments = _shifted(_moments(grid, config), config)
    variance, covariance = _smoothed_covariance(grid.length)
    normal_variance = float(np.square(normal_table(), dtype=np.float64).sum()) / 65_536
    normal_variance /= NORMAL_UNIT * NORMAL_UNIT

    def squared(strength: float) -> float:
        return strength * strength

    def resampled(single: np.ndarray, pair: np.ndarray) -> np.ndarray:
        """Second moment of a final point, from those of its neighbours and of their product."""
        return (
            (1 - right) * (1 - right) * single[left]
            + 2 * right * (1 - right) * pair[left]
            + right * right * single[left + 1]
        )

    means = (1 - right) * moments.height[left] + right * moments.height[left + 1]
    mean = math.fsum(means) / grid.final
    smoothed = squared(config.corr_noise_scale / _SMOOTHING_UNIT) * normal_variance
    with np.errstate(over="ignore"):  # the height of own templates and its factor multiply
        scaled = (1 + squared(config.scale_coeff) * _UNIFORM_VARIANCE) * resampled(
            moments.square, moments.product
        )
    if not scaled.max() < _LARGEST_SQUARE:
        raise ValueError(
            f"the values are too large to be standardised: {config} needs lower templates, or a "
            "smaller scale_coeff"
        )
    parts = (
        scaled,
        smoothed * resampled(moments.outside * variance, moments.outside_both * covariance),
        squared(config.iid_noise_scale)
        * normal_variance
        * ((1 - right) * (1 - right) + right * right),
        squared(config.shear_scale) * _UNIFORM_VARIANCE * grid.line * grid.line,
    )
    second = math.fsum(np.concatenate(parts)) / grid.final
    spread = second - mean * mean
    if spread <= 1e-12 * second:
        raise ValueError(
            f"all values are the same and cannot be standardised: {config} needs a larger "
            "final_seq_length or max_translation, or one of the strengths above zero"
        )
    return mean, math.sqrt(spread)


def _moments(grid: _Grid, config: DatasetConfig) -> _Moments:
    position, labels = np.arange(grid.length), np.arange(len(grid.heights))
    shares = config.class_proportions or (1.0,) * len(labels)
    lowest, highest = config.padding
    sums = _Moments(*np.zeros((5, grid.length)))
    for padding in range(lowest, highest + 1):
        left, right_share = grid.sources(position, np.array(padding))
        heights = grid.stretched_heights(labels[:, None], left, right_share)
        for share, height in zip(
            shares, heights * (grid.height_unit / (grid.length - 1)), strict=True
        ):
            sums.height[:] += share * height
            sums.square[:] += share * height * height
            sums.product[:] += share * height * np.roll(height, -1)
        outside = np.where(left < grid.template_length, 0.0, 1.0)
        sums.outside[:] += outside
        sums.outside_both[:] += outside * np.roll(outside, -1)
    n_paddings = highest - lowest + 1
    weight = n_paddings * math.fsum(shares)
    return _Moments(
        sums.height / weight,
        sums.square / weight,
        sums.product / weight,
        sums.outside / n_paddings,
        sums.outside_both / n_paddings,
    )


def _shifted(moments: _Moments, config: DatasetConfig) -> _Moments:
    """Average over the shifts; one as long as the signal or longer moves nothing."""
    length, bound = config.stretched_length, config.max_translation

    def average(values: np.ndarray) -> np.ndarray:
        total = values * float(1 + max(0, bound - length))
        for shift in range(1, min(bound, length)):
            total += np.roll(values, shift)
        return total / bound

    return _Moments(*(average(values) for values in moments))


def _smoothed_covariance(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return variance of smoothed noise and covariance with the next point, in 1 / 4096**2."""
    row, _, value = _smoothing_entries(np.arange(length), length)
    following = np.roll(row, -1, axis=1)
    variance, covariance = np.zeros(length), np.zeros(length)
    for row_a, value_a in zip(row, value, strict=True):
        for row_b, following_b, value_b in zip(row, following, value, strict=True):
            variance += np.where(row_a == row_b, value_a * value_b, 0)
            covariance += np.where(row_a == following_b, value_a * value_b, 0)
    return variance, covariance
