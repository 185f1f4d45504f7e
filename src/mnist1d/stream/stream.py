"""The native stream: endless samples, each a pure function of configuration and index.

`mnist1d.generate` follows the published generator, whose samples depend on all those before them.
Here sample i has the same bits in every process and on every machine, and does not depend on which
samples were computed before. For speed, noise is drawn in whole numbers, small enough that matrix
products of them are exact in float32, in any order of summation.

`docs/stream-specification.md` defines the stream completely enough for other implementations.
"""

from collections.abc import Iterator
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import SAMPLE_PARAMETERS, DatasetConfig
from mnist1d.dataset.generation import configured, time_axis
from mnist1d.dataset.synthesis import TransformDraws
from mnist1d.dataset.variants import fixed_order
from mnist1d.stream.bits import (
    CORRELATED,
    FACTORS,
    WHITE,
    Words,
    below,
    centred,
    class_places,
    noisy_places,
)
from mnist1d.stream.tables import LARGEST_LENGTH, NORMAL_UNIT, Block, Tables, normal_table

__all__ = ["LARGEST_INDEX", "STREAM_VERSION", "Stream"]

STREAM_VERSION = 1
"""Version of the definition: as long as it stays, so does every bit of every sample."""

LARGEST_INDEX = 2**62
"""Samples of a stream are numbered from 0 to below this."""

# The parameters of sets, which a stream does not have.
_OF_SETS = (
    "num_samples",
    "train_split",
    "train",
    "validation",
    "test",
    "stratified",
    "shifted_tests",
)
SIZES = frozenset(_OF_SETS)
"""Parameters of sets, which a stream does not have."""
# The others: derived from the rest, without effect on values, or checked by themselves.
_OTHERS = ("template_len", "class_names", "dtype", "shuffle_seq", "seed")

# Samples at multiples of this number begin at the start of a 64-bit word of 16-bit numbers.
_ALIGNMENT = 4
# Rows of one matrix product: too few for a library to start threads.
_ROWS = 32
# Values of one kind of noise per chunk, those of 4096 samples of the published length: every step
# then takes long enough that threads seldom wait for the interpreter lock, and the arrays of two
# threads still fit into a cache.
_CHUNK_VALUES = 294_912
# Chunks whose factors are drawn together, as these steps are short.
_CHUNKS_AHEAD = 16
# Small batches are computed several at once: a call costs as much as a few hundred samples.
_BATCHED_SAMPLES = 4096


class Stream:
    """An endless sequence of standardised samples, with access to any of them by its index.

    The samples have the distribution of those of `mnist1d.generate`, but are others. Every ten
    samples that start at a multiple of ten are of ten different classes, in random order (with
    other `classes`, as many as there are; with `class_proportions`, each draws its own); all else
    is independent between samples. Signals are standardised with the mean and standard deviation of
    the distribution, so that no pass over the samples is needed and seeds do not differ in scale.

    A split is a choice of ranges, or of seeds: for example the first million samples for training
    and the next ten thousand for tests. Label noise is on all labels of a stream that has it;
    `clean_labels` returns the labels without it.

    A stream holds tables of a few megabytes and no state. Several threads may use it at once, and
    a pickle of it contains the configuration only.

    Args:
        config: the configuration; the published one if omitted. Its sizes, split, shifted test sets
            and `dtype` have no effect on a stream, whose signals are float32. Its `seed` has.
        **parameters: fields of `DatasetConfig` to set or to replace.

    Attributes:
        config: the configuration.
        mean: mean of all values of the distribution before standardisation.
        std: their standard deviation.
        t: time axis of the signals, float64, shape (length,), divided by `std` like them.
        column_order: with `positions`, the position that each column came from, int64, shape
            (length,); otherwise None.

    Raises:
        TypeError: if a parameter is unknown (the nearest real one is named), of a wrong type, or
            one that a stream does not have.
        ValueError: if a parameter is out of range, if the configuration asks for what only exists
            in the published stream (`shuffle_seq`, label noise of the kind "published"), if a
            length is above 4096, or if all values are the same and cannot be standardised.

    >>> stream = Stream(seed=7)
    >>> x, y = stream[1_000_000:1_000_005]
    >>> x.shape, x.dtype, y.tolist()
    ((5, 40), dtype('float32'), [2, 7, 0, 3, 5])
    >>> later, _ = stream[1_000_003:1_000_005]
    >>> np.array_equal(later, x[3:])
    True
    >>> Stream(num_samples=100)
    Traceback (most recent call last):
        ...
    TypeError: a stream has no num_samples: it is endless; take stream[0:1000]
    """

    def __init__(self, config: DatasetConfig | None = None, /, **parameters: Any) -> None:
        for name in _OF_SETS:
            if name in parameters:
                raise TypeError(f"a stream has no {name}: it is endless; take stream[0:1000]")
        self.config = config = configured(config, parameters)
        _check_offered(config, parameters)
        self._tables = Tables(config)
        self.mean, self.std = self._tables.mean, self._tables.std
        self.t = time_axis(config.class_templates().t, config) / self.std
        self.column_order = fixed_order(config)
        self._labels = np.array(config.labels, dtype=np.int64)

    def samples(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples from index `start` to before index `stop`.

        Args:
            start: first index, at least 0.
            stop: the index after the last, at least `start`, at most 2**62.

        Returns:
            Signals, float32, shape (stop - start, length), or (stop - start, 1, length) with
            `config.channel_axis`, and labels, int64, shape (stop - start,), in new arrays.

        Raises:
            TypeError: if an index is no integer.
            ValueError: if an index is out of range.

        >>> x, y = Stream().samples(0, 20_000)
        >>> f"{x.mean():.1f} {x.std():.1f}", np.bincount(y)[:3].tolist()
        ('0.0 1.0', [2000, 2000, 2000])
        """
        start, stop = _range(start, stop)
        config, tables, quantiles = self.config, self._tables, normal_table()
        length, final_length = config.stretched_length, config.final_seq_length
        signals = np.empty((stop - start, final_length), dtype=np.float32)
        first = start - start % _ALIGNMENT
        size = _chunk_size(stop - first, length)
        end = first + -(-(stop - first) // size) * size
        places = class_places(config, first, end)
        factors = self._factors_of_chunks(first, end, size)
        correlated = Words(config.seed, CORRELATED, first * length // 4)
        white = Words(config.seed, WHITE, first * length // 4)
        # In one block: allocators would get several from the system at each call, which is slow.
        block = np.empty(size * (length + 6 * final_length), dtype=np.float32)
        widths = (length, final_length, final_length, 2 * final_length, 2 * final_length)
        normal, signal, term, noise, strength = (
            part.reshape(size, width)
            for part, width in zip(
                np.split(block, np.cumsum(widths[:-1]) * size), widths, strict=True
            )
        )
        for chunk, (place, scale, slope) in zip(range(first, end, size), factors, strict=True):
            tables.digits(places[chunk - first : chunk - first + size], place, out=signal)
            signal *= scale

            _look_up(quantiles, correlated.take(size * length // 4), out=normal)
            _multiply(normal, tables.smoothing, out=noise)
            tables.strengths(place, out=strength)
            noise *= strength
            signal += noise[:, :final_length]
            signal += noise[:, final_length:]

            _look_up(quantiles, white.take(size * length // 4), out=normal)
            _multiply(normal, tables.resampling, out=term)
            term *= tables.white
            signal += term

            np.multiply(slope, tables.line, out=term)
            signal -= term
            wanted = slice(max(start - chunk, 0), min(stop - chunk, size))
            finished = signals[chunk + wanted.start - start : chunk + wanted.stop - start]
            np.subtract(signal[wanted], tables.offset, out=finished)
            if self.column_order is not None:
                finished[:] = finished.take(self.column_order, axis=1)
        if config.channel_axis:
            signals = signals[:, None, :]
        return signals, self._finished_labels(places[start - first : stop - first], start)

    def labels(self, start: int, stop: int) -> np.ndarray:
        """Return the labels of a range of samples, in a fraction of the samples' time.

        They depend on the seed, the classes and the label noise alone.

        Args:
            start: first index, at least 0.
            stop: the index after the last, at least `start`, at most 2**62.

        Returns: int64, shape (stop - start,).

        >>> Stream().labels(10, 20).tolist()
        [6, 0, 7, 9, 3, 5, 4, 1, 8, 2]
        """
        start, stop = _range(start, stop)
        return self._finished_labels(class_places(self.config, start, stop), start)

    def clean_labels(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels of a range of samples before label noise, and which ones it redrew.

        Args:
            start: first index, at least 0.
            stop: the index after the last, at least `start`, at most 2**62.

        Returns:
            Labels, int64, and which of them are redrawn, bool, both of shape (stop - start,). A
            redrawn label may be the old one, except with noise of the kind "other".

        >>> clean, noise_mask = Stream(label_noise=0.5, seed=7).clean_labels(0, 10)
        >>> sorted(clean.tolist()), noise_mask.sum()
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], np.int64(6))
        """
        start, stop = _range(start, stop)
        places = class_places(self.config, start, stop)
        return self._labels[places], noisy_places(self.config, places, start)[1]

    def draws(self, start: int, stop: int) -> TransformDraws:
        """Return the random part of a range of samples, as `mnist1d.synthesise` takes it.

        `synthesise` returns for them the samples of the stream before standardisation and before a
        change of the order of points, except that the stream's smoothing weights are rounded.

        Args:
            start: first index, at least 0.
            stop: the index after the last, at least `start`, at most 2**62.

        Returns: one row per sample, in float64.

        >>> draws = Stream().draws(0, 3)
        >>> draws.padding.tolist(), draws.shift.tolist(), draws.white_noise.shape
        ([39, 55, 58], [33, 31, 33], (3, 72))
        """
        start, stop = _range(start, stop)
        config, n_samples = self.config, stop - start
        length, first = config.stretched_length, start - start % _ALIGNMENT

        def normal(kind: int) -> np.ndarray:
            n_words = -(-(stop - first) // _ALIGNMENT) * length
            values = np.empty((n_words * 4 // length, length), dtype=np.float32)
            words = Words(config.seed, kind, first * length // 4).take(n_words)
            _look_up(normal_table(), words, out=values)
            return values[start - first : stop - first] / np.float64(NORMAL_UNIT)

        words = Words(config.seed, FACTORS, 2 * start).take(2 * n_samples)
        place, scale, slope = self._factors(words)
        padding, shift = np.divmod(place, self._tables.n_shifts)
        return TransformDraws(
            padding=padding + config.padding[0],
            scale=scale * self._tables.scale_unit,
            shift=shift,
            correlated_noise=normal(CORRELATED),
            white_noise=normal(WHITE),
            shear=slope * config.shear_scale,
        )

    def batches(
        self, batch_size: int, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Return an iterator over batches of consecutive samples.

        Args:
            batch_size: samples per batch, at least 1.
            start: index of the first sample.
            stop: the index after the last one; without it the batches never end. The last batch
                holds what is left.

        Returns: pairs of signals and labels, as `samples` gives them.

        Raises:
            TypeError: if an argument is no integer.
            ValueError: if an argument is out of range.

        >>> [len(x) for x, y in Stream().batches(100, start=50, stop=300)]
        [100, 100, 50]
        """
        batch_size = checks.integer("batch_size", batch_size, 1, LARGEST_INDEX)
        start, stop = _range(start, LARGEST_INDEX if stop is None else stop)
        return self._batches(batch_size, start, stop)

    def _batches(
        self, batch_size: int, start: int, stop: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        size = max(batch_size, _BATCHED_SAMPLES // batch_size * batch_size)
        for piece in range(start, stop, size):
            x, y = self.samples(piece, min(piece + size, stop))
            for row in range(0, len(y), batch_size):
                yield x[row : row + batch_size], y[row : row + batch_size]

    def record(self) -> dict[str, Any]:
        """Return all that determines the samples, and the constants, in the types of JSON.

        >>> record = Stream().record()
        >>> record["stream_version"], record["seed"], record["parameters"]["padding"]
        (1, 42, [36, 60])
        """
        parameters = self.config.to_dict()
        return {
            "stream_version": STREAM_VERSION,
            "seed": self.config.seed,
            "parameters": {name: parameters[name] for name in SAMPLE_PARAMETERS},
            "mean": self.mean,
            "std": self.std,
        }

    def __getitem__(self, rows: int | slice) -> tuple[np.ndarray, Any]:
        """Return one sample and its label, or a range of samples and their labels.

        Raises:
            TypeError: if `rows` is neither an integer nor a slice of integers.
            ValueError: if the slice has no end, or a step.
            IndexError: if an index is negative, as a stream has no end, or too large.
        """
        if not isinstance(rows, slice):
            i = _index(rows, LARGEST_INDEX - 1)
            x, y = self.samples(i, i + 1)
            return x[0], int(y[0])
        if rows.stop is None:
            raise ValueError("a stream has no end: give the slice one, as in stream[0:1000]")
        if rows.step not in {None, 1}:
            raise ValueError(f"a slice of a stream must not have a step, like {rows.step!r}")
        start = 0 if rows.start is None else _index(rows.start, LARGEST_INDEX)
        return self.samples(start, max(start, _index(rows.stop, LARGEST_INDEX)))

    def __eq__(self, other: object) -> bool:
        return self.record() == other.record() if isinstance(other, Stream) else NotImplemented

    def __hash__(self) -> int:
        return hash((Stream, self.config.seed, self.mean, self.std))

    def __reduce__(self) -> tuple[type["Stream"], tuple[DatasetConfig]]:
        return Stream, (self.config,)

    def __repr__(self) -> str:
        ours, published = self.record()["parameters"], DatasetConfig().to_dict()
        changed = [
            f"{name}={ours[name]!r}" for name in SAMPLE_PARAMETERS if ours[name] != published[name]
        ]
        return f"Stream({', '.join([f'seed={self.config.seed}', *changed])})"

    def _factors(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return place (index of padding and shift), factor on the height and slope of samples."""
        padding, scale, shift, slope = words.view("<u4").reshape(-1, 4).T.astype(np.uint64)
        bound, n_shifts = self.config.max_translation, self._tables.n_shifts
        shift = below(bound, shift)
        if bound > n_shifts:
            shift[shift >= n_shifts] = 0
        place = below(self._tables.n_paddings, padding) * np.uint64(n_shifts) + shift
        factor = (1 + self.config.scale_coeff * centred(scale)) / self._tables.scale_unit
        return place.astype(np.int64), factor, centred(slope)

    def _factors_of_chunks(
        self, first: int, end: int, size: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield places, and factors and slopes as columns of float32, of one chunk at a time."""
        words = Words(self.config.seed, FACTORS, 2 * first)
        for group in range(first, end, _CHUNKS_AHEAD * size):
            n_samples = min(_CHUNKS_AHEAD * size, end - group)
            place, *others = self._factors(words.take(2 * n_samples))
            scale, slope = (values.astype(np.float32)[:, None] for values in others)
            for row in range(0, n_samples, size):
                rows = slice(row, row + size)
                yield place[rows], scale[rows], slope[rows]

    def _finished_labels(self, places: np.ndarray, start: int) -> np.ndarray:
        if self.config.label_noise:
            places, _ = noisy_places(self.config, places, start)
        return self._labels[places]


def _check_offered(config: DatasetConfig, parameters: dict[str, Any]) -> None:
    """Refuse parameters that streams do not support, also those that `DatasetConfig` may gain."""
    if config.shuffle_seq:
        raise ValueError(
            "shuffle_seq must be False: its order comes from the published stream; "
            "use positions='shuffled'"
        )
    if config.label_noise and config.label_noise_kind == "published":
        raise ValueError(
            "label_noise_kind must not be 'published', which comes from the published stream; "
            "use 'symmetric', which is distributed alike"
        )
    if parameters.get("dtype", "float32") not in {"float32", np.float32}:
        raise ValueError(f"dtype must be float32 in a stream, not {parameters['dtype']!r}")
    for known in fields(config):
        asked = getattr(config, known.name)
        if known.name not in (*SAMPLE_PARAMETERS, *_OF_SETS, *_OTHERS) and asked != known.default:
            raise ValueError(f"{known.name} must be left out: streams do not offer it")
    for name in ("stretched_length", "final_seq_length"):
        checks.integer(name, getattr(config, name), 2, LARGEST_LENGTH)
    checks.integer("number of classes", len(config.labels), 1, 2**16)


def _look_up(table: np.ndarray, words: np.ndarray, out: np.ndarray) -> None:
    """Write the table's values at 16-bit indices, four to a word."""
    # The indices are in range by their type; "wrap" only avoids a copy.
    np.take(table, words.view("<u2"), out=out.reshape(-1), mode="wrap")


def _multiply(values: np.ndarray, blocks: tuple[Block, ...], out: np.ndarray) -> None:
    """Multiply rows of whole numbers by a matrix of whole numbers, exactly."""
    rows, target = (array.reshape(-1, _ROWS, array.shape[1]) for array in (values, out))
    for block in blocks:
        part, products = rows[..., block.rows], target[..., block.columns]
        if _float_products_are_exact():
            np.matmul(part, block.values, out=products)
        else:
            products[:] = part.astype(np.int64) @ block.values.astype(np.int64)


@lru_cache(maxsize=1)
def _float_products_are_exact() -> bool:
    """Check that the library for matrix products computes float32 products in float32.

    Sums of whole numbers below 2**24 are exact in float32 in any order; in a shorter type they are
    not. No library uses one by default, but some can be configured to.
    """
    left = normal_table()[: _ROWS * 1024 : 16].reshape(_ROWS, -1)
    right = np.arange(left.shape[1] * 80).reshape(-1, 80) % 60
    exact = left.astype(np.int64) @ right
    return np.array_equal(left @ right.astype(np.float32), exact)


def _chunk_size(n_samples: int, length: int) -> int:
    """Return the number of samples per chunk that divides a number of them evenly.

    >>> _chunk_size(10_000, 72), _chunk_size(8192, 72), _chunk_size(1, 72)
    (3360, 4096, 32)
    """
    n_products = max(1, -(-n_samples // _ROWS))
    n_chunks = -(-n_products // max(1, _CHUNK_VALUES // length // _ROWS))
    return -(-n_products // n_chunks) * _ROWS


def _range(start: int, stop: int) -> tuple[int, int]:
    start = checks.integer("start", start, 0, LARGEST_INDEX)
    return start, checks.integer("stop", stop, start, LARGEST_INDEX)


def _index(i: Any, largest: int) -> int:
    try:
        return checks.integer("an index of a stream", i, 0, largest)
    except ValueError as error:
        raise IndexError(str(error)) from None
