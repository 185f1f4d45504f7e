"""Datasets: drawing the published random stream, generating, standardising, splitting."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from mnist1d.config import DatasetConfig
from mnist1d.templates import Templates, digit_templates
from mnist1d.transforms import TransformDraws, synthesise

__all__ = ["Dataset", "draw_transforms", "fresh_samples", "generate", "load"]

# Values of one kind of noise that are drawn before they are used and dropped.
_PIECE_VALUES = 2**20


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Dataset:
    """A training and a test set with all that is needed to make more of the same.

    Attributes:
        x: training signals, standardised, float64, shape (n_train, length).
        y: training labels 0 ... 9, int64, shape (n_train,).
        x_test: test signals, float64, shape (n_test, length).
        y_test: test labels, int64, shape (n_test,).
        t: time axis of the signals, float64, shape (length,), divided by `std` like them.
        templates: the clean signals that the samples were made from.
        config: the parameters.
        mean: mean of all values of both parts before standardisation.
        std: their population standard deviation.
        column_order: with `shuffle_seq`, the position that each column came from, int64, shape
            (length,); otherwise None.
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    t: np.ndarray
    templates: Templates
    config: DatasetConfig
    mean: float
    std: float
    column_order: np.ndarray | None

    def as_dict(self) -> dict[str, Any]:
        """Return copies of the arrays in the form that the published package returns.

        Returns:
            Dictionary with the keys x, x_test, y, y_test, t, templates in this order; templates is
            a dictionary with the keys x, t, y.

        >>> list(load().as_dict())
        ['x', 'x_test', 'y', 'y_test', 't', 'templates']
        """
        arrays = {name: getattr(self, name).copy() for name in ("x", "x_test", "y", "y_test", "t")}
        templates = {name: values.copy() for name, values in self.templates._asdict().items()}
        return {**arrays, "templates": templates}

    def __repr__(self) -> str:
        published = DatasetConfig()
        changed = [
            f"{field.name}={getattr(self.config, field.name)!r}"
            for field in fields(DatasetConfig)
            if getattr(self.config, field.name) != getattr(published, field.name)
        ]
        return (
            f"Dataset({len(self.x)} train, {len(self.x_test)} test, {self.x.shape[1]} points; "
            f"{', '.join(changed) or 'published configuration'})"
        )


def generate(config: DatasetConfig | None = None, /, **parameters: Any) -> Dataset:
    """Generate the dataset of a configuration.

    The result agrees with what the published package makes of the same parameters and seed: labels
    exactly, signals up to rounding. Nothing is read from or written to NumPy's global random state,
    and every call returns arrays of its own.

    Args:
        config: the configuration; the published one if omitted.
        **parameters: fields of `DatasetConfig` to set or to replace.

    Returns:
        The dataset. The classes are of equal size over both parts together; the split is random.

    Raises:
        TypeError: if a parameter is unknown (the nearest real one is named) or of a wrong type.
        ValueError: if a parameter is out of range, or if all values come out the same and cannot
            be standardised: the two end points of templates that nothing was done to.

    Source:
        Greydanus & Kobak (2024), Table 2; reference `make_dataset`.

    >>> generate(num_samples=1000, seed=7)
    Dataset(800 train, 200 test, 40 points; num_samples=1000, seed=7)
    >>> generate(DatasetConfig(num_samples=1000), shuffle_seq=True).x.shape
    (800, 40)
    >>> generate(sead=7)
    Traceback (most recent call last):
        ...
    TypeError: unknown parameter 'sead'; did you mean 'seed'?
    """
    config = _configured(config, parameters)
    templates = digit_templates()
    rng = _stream(config)
    x, y = _samples(templates, config, rng)
    column_order = None
    if config.shuffle_seq:
        column_order = rng.permutation(config.final_seq_length)
        x = x.take(column_order, axis=1)
    mean = float(x.mean())
    x -= mean
    std = float(np.sqrt(np.square(x).mean()))
    if std <= 1e-12 * abs(mean):
        raise ValueError(
            f"all values are the same and cannot be standardised: {config} needs a larger "
            "final_seq_length or max_translation, or one of the strengths above zero"
        )
    x /= std
    n_train = config.n_train
    return Dataset(
        x=x[:n_train],
        y=y[:n_train],
        x_test=x[n_train:],
        y_test=y[n_train:],
        t=_time_axis(templates.t, config) / std,
        templates=templates,
        config=config,
        mean=mean,
        std=std,
        column_order=column_order,
    )


def load() -> Dataset:
    """Return the published MNIST-1D, 4000 training and 1000 test samples, generated on the spot.

    No file and no network is needed. Labels, time axis and templates equal the published arrays;
    the signals differ from them by less than 1e-14, as the authors' own generator's do, and not at
    all once they are cast to float32.

    Source:
        Greydanus & Kobak (2024); reference `get_dataset`.

    >>> load()
    Dataset(4000 train, 1000 test, 40 points; published configuration)
    >>> load().y[:10].tolist()
    [2, 6, 4, 5, 6, 6, 6, 0, 3, 1]
    """
    return generate()


def fresh_samples(
    dataset: Dataset, num_samples: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw further samples from the distribution that a dataset was drawn from.

    They are standardised with the constants of the given dataset and have its order of columns, so
    that a model trained on it can be judged on them. As a validation set they leave the test set
    for the end, and cost no training data.

    Args:
        dataset: the dataset whose configuration, constants and column order are used.
        num_samples: number of samples, at least 10; the same for every class, a remainder of the
            division by 10 is dropped.
        seed: seed of the samples, 0 to 2**32 - 1, other than that of the dataset.

    Returns:
        Signals of shape (n_samples, length), float64, and labels of shape (n_samples,), int64, in
        random order.

    Raises:
        TypeError: if number or seed is no integer.
        ValueError: if number or seed is out of range, or the seed is that of the dataset, whose
            samples would come back.

    >>> x, y = fresh_samples(load(), 200, seed=1)
    >>> x.shape, np.bincount(y).tolist()
    ((200, 40), [20, 20, 20, 20, 20, 20, 20, 20, 20, 20])
    """
    # No split is made here, so it may not be what refuses a small number of samples.
    config = replace(dataset.config, num_samples=num_samples, seed=seed, train_split=0.5)
    if config.seed == dataset.config.seed:
        raise ValueError(
            f"seed must differ from that of the dataset, {config.seed}, or its own samples would "
            "come back"
        )
    x, y = _samples(dataset.templates, config, _stream(config))
    if dataset.column_order is not None:
        x = x.take(dataset.column_order, axis=1)
    x -= dataset.mean
    x /= dataset.std
    return x, y


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


def _configured(config: DatasetConfig | None, parameters: dict[str, Any]) -> DatasetConfig:
    if config is not None and not isinstance(config, DatasetConfig):
        raise TypeError(f"config must be a DatasetConfig, not {type(config).__name__}")
    known = [field.name for field in fields(DatasetConfig)]
    for name in parameters:
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0)[0]
            raise TypeError(f"unknown parameter {name!r}; did you mean {nearest!r}?")
    return replace(config or DatasetConfig(), **parameters)


def _stream(config: DatasetConfig) -> np.random.RandomState:
    return np.random.RandomState(config.seed)


def _samples(
    templates: Templates, config: DatasetConfig, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Return signals, not yet standardised, and labels, in random order."""
    labels = np.repeat(templates.y, config.n_samples // len(templates.y))
    signals = np.empty((config.n_samples, config.final_seq_length))
    # In pieces, as the draws take several times the memory of the signals they become.
    size = max(1, _PIECE_VALUES // config.stretched_length)
    for start in range(0, config.n_samples, size):
        piece = slice(start, start + size)
        draws = draw_transforms(config, rng, len(labels[piece]))
        signals[piece] = synthesise(templates.x, labels[piece], draws, config)
    order = rng.permutation(config.n_samples)
    return signals[order], labels[order]


def _time_axis(t: np.ndarray, config: DatasetConfig) -> np.ndarray:
    """Take the time axis of the templates through both changes of length."""
    for length in (config.stretched_length, config.final_seq_length):
        t = np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(t)), t)
    return t
