"""Random integers of the native stream, from the counter-based generator Philox.

Each block of random bits is a function of key and counter, so that any part of a sequence can be
computed without the parts before it. NumPy guarantees the raw output of its bit generators, but not
the output of its distributions, so that none of these is used here.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from mnist1d.dataset.config import DatasetConfig

__all__ = [
    "CORRELATED",
    "FACTORS",
    "LABELS",
    "NOISE",
    "WHITE",
    "Words",
    "below",
    "centred",
    "class_places",
    "noisy_places",
]

# The highest word of the counter says which of several independent sequences it is.
LABELS, FACTORS, CORRELATED, WHITE, NOISE = range(5)

# The second half of the key: programs that seed Philox with small numbers get other bits.
_KEY = int.from_bytes(b"mnist1d\x01", "little")
_WORDS_PER_BLOCK = 4
# The lowest bits of a word are replaced by the class that is sorted by it.
_CLASS_BITS = np.uint64(2**16 - 1)


class Words:
    """A sequence of 64-bit random words, read in order from any word on.

    Args:
        seed: which stream, 0 to 2**64 - 1.
        kind: which sequence of it.
        first: number of the first word to read.

    >>> Words(42, LABELS).take(6)[4:] == Words(42, LABELS, first=4).take(2)
    array([ True,  True])
    """

    def __init__(self, seed: int, kind: int, first: int = 0) -> None:
        block, skipped = divmod(first, _WORDS_PER_BLOCK)
        high, low = divmod(block, 2**64)
        self._generator = np.random.Philox(
            key=np.array([seed, _KEY], dtype=np.uint64),
            counter=np.array([low, high, 0, kind], dtype=np.uint64),
        )
        self._generator.random_raw(skipped)

    def take(self, n: int) -> np.ndarray:
        """Return the next n words, uint64, in memory with the lowest byte first."""
        return self._generator.random_raw(n).astype("<u8", copy=False)


def below(bound: int, numbers: np.ndarray) -> np.ndarray:
    """Turn 32-bit numbers into equally probable ones below a bound of up to 2**63.

    >>> below(10, np.array([0, 2**31, 2**32 - 1], dtype=np.uint64)).tolist()
    [0, 5, 9]
    """
    high, low = divmod(bound, 2**32)
    products = (numbers * np.uint64(low)) >> np.uint64(32)
    if high:
        products += numbers * np.uint64(high)
    return products


def centred(numbers: np.ndarray) -> np.ndarray:
    """Turn 32-bit numbers into the midpoints of as many parts of the interval from -1/2 to 1/2.

    >>> centred(np.array([2**31], dtype=np.uint64)).tolist() == [2.0**-33]
    True
    """
    return (numbers + 0.5) * 2.0**-32 - 0.5


def class_places(config: DatasetConfig, start: int, stop: int) -> np.ndarray:
    """Return the class of each sample of a range, as an index into `config.labels`, before noise.

    With equal class sizes, every block of as many samples as there are classes has each class once,
    in the order of sorted random words. With proportions, each sample draws its own class.

    Args:
        config: seed, classes and proportions.
        start: index of the first sample.
        stop: the index after the last.

    Returns: int64, shape (stop - start,), from 0 to below the number of classes.

    >>> class_places(DatasetConfig(classes=(3, 8)), 0, 6).tolist()
    [0, 1, 0, 1, 1, 0]
    """
    n = len(config.labels)
    if config.class_proportions is not None:
        words = Words(config.seed, LABELS, start).take(stop - start)
        return np.searchsorted(_thresholds(config), words, side="right")
    first, last = start // n, -(-stop // n)
    keys = Words(config.seed, LABELS, first * n).take((last - first) * n).reshape(-1, n)
    keys &= ~_CLASS_BITS
    keys |= np.arange(n, dtype=np.uint64)
    keys.sort(axis=1)
    keys &= _CLASS_BITS
    skipped = start - first * n
    return keys.reshape(-1)[skipped : skipped + stop - start].astype(np.int64)


def noisy_places(
    config: DatasetConfig, places: np.ndarray, start: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of samples after label noise, as indices into `config.labels`.

    Args:
        config: seed, classes, strength and kind of the noise, "symmetric" or "other".
        places: those before noise, of consecutive samples.
        start: index of the first sample.

    Returns: places, int64, and which of them were redrawn, bool, both of shape (n_samples,).

    >>> config = DatasetConfig(label_noise=1.0, label_noise_kind="other", classes=(3, 8))
    >>> noisy_places(config, np.array([0, 0, 1]), 0)[0].tolist()
    [1, 1, 0]
    """
    words = Words(config.seed, NOISE, start).take(len(places))
    chance, choice = words & np.uint64(2**32 - 1), words >> np.uint64(32)
    selected = chance < np.uint64(int(config.label_noise * 2**32))
    n = len(config.labels)
    if config.label_noise_kind == "symmetric":
        others = below(n, choice).astype(np.int64)
    else:
        others = (places + 1 + below(n - 1, choice).astype(np.int64)) % n
    return np.where(selected, others, places), selected


def _thresholds(config: DatasetConfig) -> np.ndarray:
    """Return the first word of every class but the first, as exact shares of 2**64."""
    shares: Any = [Fraction(share) for share in config.class_proportions or ()]
    total, reached = sum(shares), Fraction(0)
    thresholds = []
    for share in shares[:-1]:
        reached += share
        thresholds.append(min(int(2**64 * reached / total), 2**64 - 1))
    return np.array(thresholds, dtype=np.uint64)
