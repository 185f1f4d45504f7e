"""The published random stream: NumPy's legacy one, drawn from in the published order."""

from collections.abc import Iterator

import numpy as np

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.synthesis import TransformDraws

__all__ = ["draw_transforms"]


def draw_transforms(
    config: DatasetConfig, rng: np.random.RandomState, n_samples: int | None = None
) -> TransformDraws:
    """Draw the random part of samples, exactly as the published generator does.

    The published stream is NumPy's legacy one, which is frozen across NumPy's versions. Per sample
    it gives, in this order: two uniform numbers (padding, scale), an integer below
    `max_translation` (none if that is 1), standard normals for both noises, a uniform number
    (shear). Strengths of zero use up the same numbers.

    Args:
        config: the configuration; its seed and split do not matter here.
        rng: a legacy generator, left where the published one would be. The next call goes on from
            there, so that draws made in pieces are those made at once.
        n_samples: how many samples to draw, at least 1; those of the whole dataset if omitted.

    Returns:
        One row per sample, in order of generation: all samples of class 0, of class 1, and so on.

    Raises:
        TypeError: if `rng` is not a `RandomState` on the MT19937 bit generator.
        ValueError: if `n_samples` is below 1.

    Source:
        reference `transform`.

    >>> draws = draw_transforms(DatasetConfig(num_samples=10), np.random.RandomState(42))
    >>> draws.padding[:3].tolist(), draws.shift[:3].tolist()
    ([45, 53, 52], [42, 19, 31])
    """
    if (
        not isinstance(rng, np.random.RandomState)
        or rng.get_state(legacy=False)["bit_generator"] != "MT19937"
    ):
        raise TypeError(f"rng must be a numpy.random.RandomState on MT19937, not {rng!r}")
    if n_samples is None:
        n_samples = config.n_samples
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, not {n_samples}")
    length = config.stretched_length
    random_sample, standard_normal = rng.random_sample, rng.standard_normal
    shifts = _integers_below(config.max_translation, rng)
    shift = []
    normal = np.empty((n_samples, 2 * length))
    uniform = [random_sample(2)]
    for i in range(n_samples):
        shift.append(next(shifts))
        # Both noises in one call: their number is even, so no spare normal is left behind.
        normal[i] = standard_normal(2 * length)
        # The last number of this sample together with the first two of the next.
        uniform.append(random_sample(3 if i + 1 < n_samples else 1))
    padding, scale, shear = np.concatenate(uniform).reshape(n_samples, 3).T
    lowest, highest = config.padding
    drawn = np.array(shift)
    return TransformDraws(
        padding=lowest + np.floor((highest - lowest + 1) * padding).astype(np.int64),
        scale=1 + config.scale_coeff * (scale - 0.5),
        # The published shift cuts a signal in two pieces; one beyond its end leaves it whole.
        shift=np.where(drawn < length, drawn, 0),
        correlated_noise=normal[:, :length],
        white_noise=normal[:, length:],
        shear=config.shear_scale * (shear - 0.5),
    )


def _integers_below(bound: int, rng: np.random.RandomState) -> Iterator[int]:
    """Yield what `rng.randint(0, bound)` would, at a fraction of the price per call."""
    largest = bound - 1
    if not 0 < largest < 2**32:
        while True:
            yield int(rng.randint(0, bound, dtype=np.int64))
    # Legacy bounded integers: low bits of 32-bit words, until they are not too large.
    next_word = rng._bit_generator.random_raw  # noqa: SLF001 (nothing public gives single words)
    mask = 2 ** largest.bit_length() - 1
    while True:
        while (value := next_word() & mask) > largest:
            pass
        yield value
