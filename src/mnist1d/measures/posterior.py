"""The posterior of a sample's class: the generator inverted, and with it the best classifier.

A sample is a template, padded, stretched, scaled, shifted and sheared, in Gaussian noise. Padding,
shift and class have finitely many values. Given these, a signal is Gaussian, with a mean that is
linear in scale and slope and a covariance that is known, and scale and slope are uniform. So the
integral over the slope is a normal probability, that over the scale is one of a smooth function
between two bounds, and the rest is a sum: nothing is drawn.
"""

import math
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.standardisation import standardisation
from mnist1d.dataset.synthesis import TransformDraws, synthesise
from mnist1d.dataset.variants import fixed_order

NEGLIGIBLE = 25.0
"""Nats below the most probable place from which on a place is left out."""

LARGEST_TABLE = 10**8
"""Numbers of the table of all covariances, about a gigabyte."""

_CHUNK = 500
# With nodes as far apart as a Gaussian is wide, the sum is its integral within 1e-8.
_MOST_NODES = 400


class Inferred(NamedTuple):
    """What the generator says of signals; NaN where no class could have made one.

    Attributes:
        log_density: logarithm of the density of standardised signals, whatever their class, in
            nats, shape (n,).
        shift: the most probable shift, in points of the stretched signal, shape (n,).
        scale: the mean of the scale, given the signal, shape (n,).
        label: the most probable label, as `Posterior` itself has it, shape (n,).
    """

    log_density: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    label: np.ndarray


class _Joint(NamedTuple):
    """Joint densities of signals with all that made them, as shares of the highest bound.

    Attributes:
        bounds: logarithms of the largest density over the scale, shape (n, places, classes).
        highest: the highest of each signal, shape (n, 1, 1).
        sample: index of the signal of every combination that is not negligible.
        place: its place.
        label: its class, as an index of those that occur.
        found: its density over the nodes of the scale, shape (combinations, nodes).
    """

    bounds: np.ndarray
    highest: np.ndarray
    sample: np.ndarray
    place: np.ndarray
    label: np.ndarray
    found: np.ndarray


class Posterior:
    """The probability of every class given a signal, from the definition of the generator.

    Its classes are those with the least error and its probabilities those with the least
    cross-entropy that any classifier can have, however many samples it was trained on: what is left
    is irreducible. The price of a signal is about a millisecond.

    Args:
        config: the dataset, whose labels may be noisy. Sizes and seed do not matter.

    Attributes:
        places: number of combinations of padding and shift.

    Raises: ValueError: if there is no white noise, without which signals have no density, if the
        order of points comes from the published stream, or if there are too many combinations.

    Source: the generator's definition (`mnist1d.dataset.synthesise`), of Greydanus & Kobak (2024).

    >>> from mnist1d.dataset import generate
    >>> data = generate(num_samples=200, seed=1, max_translation=2, padding=(36, 38))
    >>> found = Posterior(data.config)(data.x, constants=(data.mean, data.std))
    >>> bool((found.argmax(axis=1) == data.y).mean() > 0.9)
    True
    """

    def __init__(self, config: DatasetConfig) -> None:
        if config.iid_noise_scale == 0:
            raise ValueError("iid_noise_scale must not be 0: signals would have no density")
        if config.shuffle_seq:
            raise ValueError("shuffle_seq must be off: its order comes from the published stream")
        self._config = config
        length, bound = config.stretched_length, config.max_translation
        n_shifts = min(bound, length)
        lowest, highest = config.padding
        self.places = (highest - lowest + 1) * n_shifts
        n_pairs = config.final_seq_length * (config.final_seq_length + 1) // 2
        n_rows = max(n_pairs, config.final_seq_length * len(config.labels))
        if self.places * n_rows > LARGEST_TABLE:
            raise ValueError(
                f"padding and max_translation must have fewer combinations than {self.places:,}: "
                "the covariances of all of them do not fit into memory"
            )
        self._constants = standardisation(config)
        shifts = np.arange(n_shifts)
        # A shift as long as the signal or longer moves nothing.
        share = np.full(n_shifts, 1 / bound)
        share[0] = 1 - (n_shifts - 1) / bound
        self._prior = np.tile(np.log(share), highest - lowest + 1)
        responses = [_responses(config, padding, shifts) for padding in range(lowest, highest + 1)]
        digits, covariances = (np.concatenate(parts) for parts in zip(*responses, strict=True))
        self._tabulate(digits, covariances)

    def _tabulate(self, digits: np.ndarray, covariances: np.ndarray) -> None:
        """Make what does not depend on the signals.

        Args:
            digits: of scale 1, shape (places, classes, length).
            covariances: shape (places, length, length).
        """
        config = self._config
        length = config.final_seq_length
        line = np.linspace(-0.5, 0.5, length)
        precisions = np.linalg.inv(covariances)
        first, second = np.triu_indices(length)
        twice = np.where(first == second, 1.0, 2.0)
        self._pairs = first, second
        self._squares = (precisions[:, first, second] * twice).T.copy()
        self._along_line = precisions @ line
        towards = np.einsum("pcl,plm->pcm", digits, precisions)
        self._towards_digits = towards.reshape(-1, length).T.copy()
        self._line_square = self._along_line @ line
        # Of the digit what is not along the line, in the metric of the noise.
        self._mixed = towards @ line
        self._digit_square = (towards * digits).sum(axis=2)
        width = abs(config.shear_scale)
        if width:
            self._digit_square -= self._mixed**2 / self._line_square[:, None]
        _, determinants = np.linalg.slogdet(covariances)
        self._constant = self._prior - determinants / 2
        if width:
            self._constant += np.log(2 * np.pi / self._line_square) / 2 - math.log(width)
        widest = abs(config.scale_coeff)
        sharpest = math.sqrt(max(float(self._digit_square.max()), 0.0))
        n_nodes = min(math.ceil(math.pi / 2 * widest * sharpest) + 8, _MOST_NODES)
        nodes, weights = np.polynomial.legendre.leggauss(n_nodes if widest else 1)
        self._scales = 1 + widest / 2 * nodes
        self._log_weights = np.log(weights / 2)

    def __call__(self, x: np.ndarray, *, constants: tuple[float, float] | None = None) -> Any:
        """Return the logarithms of the probabilities of all classes.

        Args:
            x: standardised signals, shape (n, length).
            constants: mean and standard deviation with which they were standardised; those of the
                distribution if omitted, as of a stream.

        Returns: float64, shape (n, classes), minus infinity for classes that do not occur; an upper
            bound below -20 for the least probable; NaN for signals that no class could have made,
            as their slope is far beyond all.

        Raises: ValueError: if signals are of another shape.
        """
        raw = self._raw(x, constants)
        found = np.full((len(raw), self._config.n_classes), -np.inf)
        labels = list(self._config.labels)
        for start in range(0, len(raw), _CHUNK):
            rows = slice(start, start + _CHUNK)
            found[rows, labels] = self._classes(self._joint(raw[rows]))
        return found

    def infer(self, x: np.ndarray, *, constants: tuple[float, float] | None = None) -> Inferred:
        """Return the density of signals, and the shift and scale that they were made with.

        Args:
            x: standardised signals, shape (n, length).
            constants: mean and standard deviation with which they were standardised; those of the
                distribution if omitted, as of a stream.

        Returns: density, shift and scale over all classes and paddings, and the label.
        Raises: ValueError: if signals are of another shape.

        >>> from mnist1d.stream import Stream
        >>> config = DatasetConfig(max_translation=4, padding=(36, 37))
        >>> found = Posterior(config).infer(Stream(config)[0:50][0])
        >>> draws = Stream(config).draws(0, 50)
        >>> bool((found.shift == draws.shift).all())
        True
        >>> bool(abs(found.scale - draws.scale).mean() < 0.03)
        True
        """
        raw = self._raw(x, constants)
        _, std = self._constants if constants is None else constants
        # What the joint densities leave out: the normal constant, and the chance of a padding.
        lowest, highest = self._config.padding
        rest = raw.shape[1] * (math.log(std) - math.log(2 * math.pi) / 2)
        rest -= math.log(highest - lowest + 1)
        parts = [
            self._inferred(raw[start : start + _CHUNK], rest)
            for start in range(0, len(raw), _CHUNK)
        ]
        if not parts:
            return Inferred(*np.empty((4, 0)))
        return Inferred(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _raw(self, x: np.ndarray, constants: tuple[float, float] | None) -> np.ndarray:
        """Return signals as the generator made them, before standardisation and reordering."""
        config = self._config
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != config.final_seq_length:
            raise ValueError(f"x must be of shape (n, {config.final_seq_length}), not {x.shape}")
        mean, std = self._constants if constants is None else constants
        raw = x * std + mean
        order = fixed_order(config)
        return raw if order is None else raw[:, np.argsort(order)]

    def _inferred(self, x: np.ndarray, rest: float) -> Inferred:
        n, joint = len(x), self._joint(x)
        shares = np.array(self._shares)
        weights = joint.found * (shares / shares.sum())[joint.label, None]
        each = weights.sum(axis=1)
        total = np.bincount(joint.sample, each, n)
        lowest, highest = self._config.padding
        n_shifts = self.places // (highest - lowest + 1)
        cells = joint.sample * n_shifts + joint.place % n_shifts
        by_shift = np.bincount(cells, each, n * n_shifts).reshape(n, n_shifts)
        scales = np.bincount(joint.sample, weights @ self._scales, n)
        with np.errstate(divide="ignore", invalid="ignore"):
            known = np.where(total > 0, 1.0, np.nan)
            return Inferred(
                (np.log(total) + joint.highest[:, 0, 0] + rest) * known,
                by_shift.argmax(axis=1) * known,
                scales / total,
                np.array(self._config.labels)[self._classes(joint).argmax(axis=1)] * known,
            )

    def _joint(self, x: np.ndarray) -> _Joint:
        """Return the joint densities of signals with place, class and scale."""
        n, n_classes = len(x), len(self._config.labels)
        first, second = self._pairs
        square = (x[:, first] * x[:, second]) @ self._squares
        along = x @ self._along_line.T
        towards = (x @ self._towards_digits).reshape(n, self.places, n_classes)
        width = abs(self._config.shear_scale)
        if width:
            square -= along**2 / self._line_square
            towards -= (along / self._line_square)[..., None] * self._mixed
        # The largest density over scale and slope bounds the integral over them.
        low, high = self._scales[0], self._scales[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            best = np.clip(towards / self._digit_square, low, high)
        best = np.where(self._digit_square > 0, best, 1.0)
        bounds = best * towards - best**2 * self._digit_square / 2
        bounds += (self._constant - square / 2)[..., None]
        highest = bounds.max(axis=(1, 2), keepdims=True)
        sample, place, label = np.nonzero(bounds > highest - NEGLIGIBLE)
        exponents = (
            self._scales * towards[sample, place, label, None]
            - self._scales**2 * self._digit_square[place, label, None] / 2
            + (self._constant[place] - square[sample, place] / 2)[:, None]
            + self._log_weights
        )
        found = np.exp(exponents - highest[sample, 0])
        if width:
            slope = self._scales * self._mixed[place, label, None] - along[sample, place, None]
            root = np.sqrt(self._line_square[place])[:, None]
            found *= _probability(slope / root, width / 2 * root)
        return _Joint(bounds, highest, sample, place, label, found)

    def _classes(self, densities: _Joint) -> np.ndarray:
        """Return the logarithms of the probabilities of the classes that occur."""
        bounds, highest, sample, _, label, found = densities
        n, n_classes = len(bounds), len(self._config.labels)
        cells = sample * n_classes + label
        joint = np.bincount(cells, found.sum(axis=1), n * n_classes).reshape(n, n_classes)
        joint *= np.array(self._shares)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(joint / joint.sum(axis=1, keepdims=True))
        # Of a class whose places are all left out, the bound is known.
        logs = np.where(np.isneginf(logs), bounds.max(axis=1) - highest[:, 0], logs)
        return self._with_noise(logs)

    @property
    def _shares(self) -> tuple[float, ...]:
        """Relative frequencies of the classes that occur."""
        return tuple(self._config.class_proportions or (1.0,) * len(self._config.labels))

    def _with_noise(self, logs: np.ndarray) -> np.ndarray:
        """Return the probabilities of labels, which may be redrawn, from those of classes."""
        share, n_classes = self._config.label_noise, len(self._config.labels)
        if share == 0:
            return logs
        clean = np.exp(logs)
        if self._config.label_noise_kind == "other":
            return np.log((1 - share) * clean + share * (1 - clean) / max(n_classes - 1, 1))
        return np.log((1 - share) * clean + share / n_classes)


def _probability(middle: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Return a normal variable's probability to be within a distance of 0.

    Args:
        middle: its mean, in standard deviations.
        reach: the distance, in standard deviations.
    """
    ndtr = import_module("scipy.special").ndtr
    # On the left tail, where differences of probabilities keep their digits.
    away = abs(middle)
    found: np.ndarray = ndtr(reach - away) - ndtr(-reach - away)
    return found


def _responses(
    config: DatasetConfig, padding: int, shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return clean digits and the noise's covariance at every shift, by asking the generator.

    Args:
        config: the dataset.
        padding: of the template.
        shifts: shape (shifts,).

    Returns: digits of scale 1 and slope 0, shape (shifts, classes, length), and covariances, shape
        (shifts, length, length).
    """
    length, labels = config.stretched_length, np.array(config.labels)
    templates = config.class_templates().x
    no_noise = np.zeros((len(shifts) * len(labels), length))
    digits = synthesise(
        templates,
        np.tile(labels, len(shifts)),
        _draws(padding, np.repeat(shifts, len(labels)), no_noise, no_noise),
        config,
    ).reshape(len(shifts), len(labels), -1)
    # Signals are linear in the noise: its unit vectors give the columns of the map.
    units, none = (
        np.tile(np.eye(length), (len(shifts), 1)),
        np.zeros((len(shifts) * length, length)),
    )
    draws = padding, np.repeat(shifts, length)
    same = np.full(len(units), labels[0])
    smooth, white = (
        synthesise(templates, same, _draws(*draws, *noises), config).reshape(
            len(shifts), length, -1
        )
        - digits[:, :1]
        for noises in ((units, none), (none, units))
    )
    covariances = sum(part.transpose(0, 2, 1) @ part for part in (smooth, white))
    return digits, np.asarray(covariances)


def _draws(
    padding: int, shift: np.ndarray, correlated: np.ndarray, white: np.ndarray
) -> TransformDraws:
    n = len(shift)
    return TransformDraws(np.full(n, padding), np.ones(n), shift, correlated, white, np.zeros(n))
