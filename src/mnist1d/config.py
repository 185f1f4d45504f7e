"""The parameters of a dataset, checked when they are given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["DatasetConfig"]

_N_CLASSES = 10
_TEMPLATE_LENGTH = 12
# Lengths and counts are array sizes; beyond 32 bits no machine could hold the set in one piece.
_LARGEST_SIZE = 2**31 - 1
# NumPy's legacy integers are 64-bit and signed, and their upper bound is exclusive.
_LARGEST_TRANSLATION = 2**63
# Standardisation squares the signals, and the sum of the squares has to stay finite.
_LARGEST_STRENGTH = 1e100


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """Everything that decides the content of a dataset; the defaults are the published one.

    A sample starts as one of ten 12-point templates. It is padded with zeros, stretched to a common
    length, scaled, shifted in a circle, surrounded by smooth noise, covered with white noise,
    sheared, and resampled to its final length. Every parameter below controls one of these steps;
    the parameter names are those of the published package.

    Values are checked here, before any work. What the published generator can turn into finite
    data in a training and a test set is allowed, with these exceptions, which are refused because
    they are mistakes more often than wishes: a reversed `padding`, a `train_split` that leaves one
    side empty, a final length of one point, a truth value where a number is meant and the reverse,
    and (until templates of one's own exist) a `template_len` other than 12. NumPy's integers and
    floats count as numbers, and any two integers will do for `padding`; what is stored is plain
    Python.

    Attributes:
        num_samples: samples in both parts together, 10 to 2**31 - 1. Every digit gets
            `num_samples // 10` of them; the remainder is dropped, as published. More make learning
            easier.
        train_split: fraction of the samples that form the training set, above 0 and below 1;
            rounded down to whole samples, and neither side may be empty.
        template_len: points of a template, 12.
        padding: lowest and highest number of zeros appended to the template, both inclusive,
            0 <= lowest <= highest < 2**31 - 12. The padded signal is always stretched to
            `template_len + highest` points, so that a wider range means more varied widths of the
            digit, and more padding a narrower digit that is harder to find.
        scale_coeff: width of the range of the factor on the digit's height, which is uniform on
            1 -/+ scale_coeff / 2. From 2 on some digits vanish or turn over. Finite, at most 1e100
            in size; the sign makes no difference but mirrors the draws.
        max_translation: number of possible circular shifts to the right, in points of the
            stretched signal, 1 to 2**63: the shift is uniform on 0 ... max_translation - 1, so 1
            means none. Larger shifts ask for more shift invariance. A shift drawn as long as the
            stretched signal or longer moves nothing, as published.
        corr_noise_scale: standard deviation, before smoothing with a Gaussian of width 2, of the
            noise that fills the padding, in units of the digit's height (about 0.5). More of it
            makes more distractors that look like digits. The digit itself carries none. Finite, at
            most 1e100 in size; a negative value mirrors the noise.
        iid_noise_scale: standard deviation of the white noise on every point, in the same units.
            It blurs the fine differences between digits. Finite, at most 1e100 in size; a negative
            value mirrors the noise.
        shear_scale: width of the range of the slope, in height over the whole length, that is
            taken off the signal; uniform on -/+ shear_scale / 2. A model must learn to ignore it.
            Finite, at most 1e100 in size; a negative value mirrors the draws.
        shuffle_seq: whether the positions of all samples are put into one common random order. It
            destroys the neighbourhood that convolutions live on, and nothing else.
        final_seq_length: points of a finished sample, 2 to 2**31 - 1. Fewer lose detail.
        seed: seed of the legacy random stream, 0 to 2**32 - 1. A parameter set to zero still uses
            up its random numbers, so that sets of one seed differ in that parameter alone
            (`max_translation=1` is the exception: it draws nothing).

    Raises:
        TypeError: if a value is of the wrong type. The message names field, value and what is
            allowed, here and below.
        ValueError: if a value is out of range, not finite, or contradicts another one.

    Source:
        Greydanus & Kobak (2024), Table 2, which omits `scale_coeff`; reference `get_dataset_args`.

    >>> DatasetConfig(num_samples=20_000, padding=[10, 20]).padding
    (10, 20)
    >>> DatasetConfig(train_split=1.0)
    Traceback (most recent call last):
        ...
    ValueError: train_split must lie strictly between 0 and 1, not 1.0
    """

    num_samples: int = 5000
    train_split: float = 0.8
    template_len: int = 12
    padding: tuple[int, int] = (36, 60)
    scale_coeff: float = 0.4
    max_translation: int = 48
    corr_noise_scale: float = 0.25
    iid_noise_scale: float = 0.02
    shear_scale: float = 0.75
    shuffle_seq: bool = False
    final_seq_length: int = 40
    seed: int = 42

    def __post_init__(self) -> None:
        checked = {
            "num_samples": _integer("num_samples", self.num_samples, _N_CLASSES, _LARGEST_SIZE),
            "train_split": _real("train_split", self.train_split),
            "template_len": _integer(
                "template_len", self.template_len, _TEMPLATE_LENGTH, _TEMPLATE_LENGTH
            ),
            "padding": _padding(self.padding),
            "scale_coeff": _strength("scale_coeff", self.scale_coeff),
            "max_translation": _integer(
                "max_translation", self.max_translation, 1, _LARGEST_TRANSLATION
            ),
            "corr_noise_scale": _strength("corr_noise_scale", self.corr_noise_scale),
            "iid_noise_scale": _strength("iid_noise_scale", self.iid_noise_scale),
            "shear_scale": _strength("shear_scale", self.shear_scale),
            "shuffle_seq": _truth("shuffle_seq", self.shuffle_seq),
            "final_seq_length": _integer(
                "final_seq_length", self.final_seq_length, 2, _LARGEST_SIZE
            ),
            "seed": _integer("seed", self.seed, 0, 2**32 - 1),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if not 0 < self.train_split < 1:
            raise ValueError(
                f"train_split must lie strictly between 0 and 1, not {self.train_split!r}"
            )
        if not 0 < self.n_train < self.n_samples:
            raise ValueError(
                f"train_split={self.train_split!r} leaves {self.n_train} of the {self.n_samples} "
                f"samples for training (num_samples={self.num_samples}); both parts need at least "
                "one sample"
            )

    @property
    def n_samples(self) -> int:
        """Samples in both parts together, after the remainder is dropped."""
        return self.num_samples // _N_CLASSES * _N_CLASSES

    @property
    def n_train(self) -> int:
        """Samples in the training part."""
        return int(self.n_samples * self.train_split)

    @property
    def stretched_length(self) -> int:
        """Points of a signal between stretching and the final resampling, 72 by default."""
        return self.template_len + self.padding[1]


def _integer(name: str, value: Any, lowest: int, highest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, not {_typed(value)}")
    number = int(value)
    if not lowest <= number <= highest:
        allowed = f"{lowest}" if lowest == highest else f"from {lowest} to {highest}"
        raise ValueError(f"{name} must be {allowed}, not {_shown(value)}")
    return number


def _real(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {_typed(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, not {_shown(value)}")
    return number


def _strength(name: str, value: Any) -> float:
    number = _real(name, value)
    if abs(number) > _LARGEST_STRENGTH:
        raise ValueError(
            f"{name} must be from -{_LARGEST_STRENGTH:g} to {_LARGEST_STRENGTH:g}, "
            f"not {_shown(value)}"
        )
    return number


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {_typed(value)}")
    return bool(value)


def _padding(value: Any) -> tuple[int, int]:
    bounds = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(bounds, str | bytes) or not isinstance(bounds, Sequence):
        raise TypeError(f"padding must be two integers (lowest, highest), not {_typed(value)}")
    if len(bounds) != 2:
        raise ValueError(f"padding must be two integers (lowest, highest), not {_shown(value)}")
    largest = _LARGEST_SIZE - _TEMPLATE_LENGTH
    lowest = _integer("padding[0], the lowest,", bounds[0], 0, largest)
    highest = _integer("padding[1], the highest,", bounds[1], 0, largest)
    if lowest > highest:
        raise ValueError(
            f"padding must be (lowest, highest) with lowest <= highest, not {_shown(value)}"
        )
    return lowest, highest


def _shown(value: Any) -> str:
    """Return the value as an error message shows it: recognisable, and never pages long."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print integers of thousands of digits
        return "a number of very many digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _typed(value: Any) -> str:
    return f"{_shown(value)} of type {type(value).__name__}"
