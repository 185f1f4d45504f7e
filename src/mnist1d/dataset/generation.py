"""Generation of datasets, from the published random stream in the published order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig, apportion, check_known
from mnist1d.dataset.dataset import Dataset, Samples
from mnist1d.dataset.presets import checked_config
from mnist1d.dataset.synthesis import TransformDraws, synthesise
from mnist1d.dataset.templates import Templates
from mnist1d.dataset.variants import (
    SHIFTED_TESTS,
    derived_stream,
    noisy_labels,
    point_order,
    stratified_order,
)

__all__ = ["draw_transforms", "fresh_samples", "generate", "load"]

# Values of one kind of noise that are drawn before they are used and dropped.
_PIECE_VALUES = 2**20


def generate(config: DatasetConfig | None = None, /, **parameters: Any) -> Dataset:
    """Generate the dataset of a configuration.

    The result equals that of the published package for the same parameters and seed: labels
    exactly, signals up to rounding. NumPy's global random state is neither read nor changed, and
    every call returns new arrays.

    Args:
        config: the configuration; the published one if omitted.
        **parameters: fields of `DatasetConfig` to set or to replace.

    Returns:
        The dataset. The classes are of equal size (or in their proportions) over all parts
        together; the split is random, or `stratified`.

    Raises:
        TypeError: if a parameter is unknown (the nearest real one is named) or of a wrong type.
        ValueError: if a parameter is out of range; if all values are equal and cannot be
            standardised, as the two end points of untransformed templates are; if values are too
            large to be standardised or, in a shifted test set, to be float32.
        MemoryError: if the samples do not fit into memory.

    Source:
        Greydanus & Kobak (2024), Table 2; reference `make_dataset`.

    >>> generate(num_samples=1000, seed=7)
    Dataset(800 train, 200 test, 40 points; num_samples=1000, seed=7)
    >>> generate(DatasetConfig(num_samples=1000), shuffle_seq=True).x.shape
    (800, 40)
    >>> print(generate(train=400, validation=100, test=100, classes=[3, 8], label_noise=0.2))
    MNIST-1D, train=400, validation=100, test=100, classes=(3, 8), label_noise=0.2
           train: 400 x 40 float64, per class 203 197
      validation: 100 x 40 float64, per class 45 55
            test: 100 x 40 float64, per class 45 55
         classes: 3 8
     label noise: symmetric, 78 training labels redrawn, 37 wrong (9.2%)
      raw values: mean 0.001621, standard deviation 0.1615
    >>> generate(sead=7)
    Traceback (most recent call last):
        ...
    TypeError: unknown parameter 'sead'; did you mean 'seed'?
    """
    config = configured(config, parameters)
    templates = config.class_templates()
    rng = _stream(config)
    x, y = _samples(templates, config, rng)
    column_order = point_order(config, rng)
    if column_order is not None:
        x = x.take(column_order, axis=1)
    mean = float(x.mean())
    x -= mean
    with np.errstate(over="ignore"):  # the height of own templates and its factor multiply
        std = float(np.sqrt(np.square(x).mean()))
    if not np.isfinite(std):
        raise ValueError(
            f"the values are too large to be standardised: {config} needs lower templates, or a "
            "smaller scale_coeff"
        )
    if std <= 1e-12 * abs(mean):
        raise ValueError(
            f"all values are the same and cannot be standardised: {config} needs a larger "
            "final_seq_length or max_translation, or one of the strengths above zero"
        )
    x /= std
    x = _in_form(x, config)
    if config.stratified:
        order = stratified_order(y, config)
        x, y = x[order], y[order]
    stops = np.cumsum([config.n_train, config.n_validation])
    x_train, x_validation, x_test = np.split(x, stops)
    y_clean, y_validation, y_test = np.split(y, stops)
    y_train, noise_mask = noisy_labels(y_clean, config, rng)
    shifted_tests = {}
    for shift in config.shifted_tests:
        shifted = config.replace(**shift.changes)
        stream = derived_stream(config.seed, SHIFTED_TESTS)
        x, y = _samples(templates, shifted, stream, n_samples=config.n_test)
        x = _standardised(x, config, mean, std, column_order)
        if not np.isfinite(x).all():
            raise ValueError(
                f"shifted_tests[{shift.name!r}] must have weaker noise, scale or shear, or dtype "
                f"be 'float64': {config.dtype} cannot hold its values"
            )
        shifted_tests[shift.name] = Samples(x, y)
    return Dataset(
        x=x_train,
        y=y_train,
        x_validation=x_validation,
        y_validation=y_validation,
        x_test=x_test,
        y_test=y_test,
        y_clean=y_clean,
        noise_mask=noise_mask,
        shifted_tests=shifted_tests,
        t=(time_axis(templates.t, config) / std).astype(config.dtype, copy=False),
        templates=templates,
        config=config,
        mean=mean,
        std=std,
        column_order=column_order,
    )


def load() -> Dataset:
    """Return the published MNIST-1D, 4000 training and 1000 test samples, generated by this call.

    No file and no network is needed. Labels, time axis and templates equal the published arrays;
    the signals differ from them by less than 1e-14, as those of the authors' own generator do, and
    not at all after a cast to float32.

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
    that a model trained on it can be evaluated on them. As a validation set they cost no training
    data, and the test set need not be used before the end. Their labels are clean.

    Args:
        dataset: the dataset whose configuration, constants and column order are used.
        num_samples: number of samples, at least one per class; the same for every class, a
            remainder of the division by their number is dropped (with `class_proportions` they are
            in proportion, and none is dropped).
        seed: seed of the samples, 0 to 2**32 - 1, other than that of the dataset.

    Returns:
        Signals of shape (n_samples, length), of the dataset's type and layout, and labels of shape
        (n_samples,), int64, in random order.

    Raises:
        TypeError: if there is no dataset, or number or seed is no integer.
        ValueError: if number or seed is out of range, or the seed is that of the dataset, whose
            samples would come back.

    >>> x, y = fresh_samples(load(), 200, seed=1)
    >>> x.shape, np.bincount(y).tolist()
    ((200, 40), [20, 20, 20, 20, 20, 20, 20, 20, 20, 20])
    """
    if not isinstance(dataset, Dataset):
        raise TypeError(f"dataset must be a Dataset, not {checks.typed(dataset)}")
    # No split is made here, so that it must not refuse a small number of samples.
    config = dataset.config.replace(
        num_samples=num_samples, seed=seed, train_split=0.5, validation=0
    )
    if config.seed == dataset.config.seed:
        raise ValueError(
            f"seed must differ from that of the dataset, {config.seed}, or its own samples would "
            "come back"
        )
    x, y = _samples(dataset.templates, config, _stream(config))
    return _standardised(x, config, dataset.mean, dataset.std, dataset.column_order), y


def configured(config: DatasetConfig | None, parameters: dict[str, Any]) -> DatasetConfig:
    if config is None:
        check_known(parameters)
        return DatasetConfig(**parameters)
    return checked_config("config", config).replace(**parameters)


def _stream(config: DatasetConfig) -> np.random.RandomState:
    return np.random.RandomState(config.seed)


def _samples(
    templates: Templates,
    config: DatasetConfig,
    rng: np.random.RandomState,
    *,
    n_samples: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return signals, not yet standardised, and labels, in random order."""
    sizes = config.class_sizes
    if n_samples is not None:
        sizes = apportion(n_samples, config.class_proportions or (1.0,) * len(config.labels))
    signals = _room(sum(sizes), config.final_seq_length)
    labels = np.repeat(templates.y[list(config.labels)], sizes)
    # In pieces, as the draws take several times the memory of the signals.
    size = max(1, _PIECE_VALUES // config.stretched_length)
    for start in range(0, len(labels), size):
        piece = slice(start, start + size)
        draws = draw_transforms(config, rng, len(labels[piece]))
        signals[piece] = synthesise(templates.x, labels[piece], draws, config)
    order = rng.permutation(len(labels))
    return signals[order], labels[order]


def _room(n_samples: int, length: int) -> np.ndarray:
    try:
        return np.empty((n_samples, length))
    except MemoryError:
        size = n_samples * length * 8 / 2**30
        raise MemoryError(
            f"{n_samples} samples of {length} points take {size:.1f} GiB, which cannot be had at "
            "once; ask for fewer, or take them piece by piece from mnist1d.stream.Stream"
        ) from None


def _standardised(
    x: np.ndarray, config: DatasetConfig, mean: float, std: float, column_order: np.ndarray | None
) -> np.ndarray:
    """Bring raw signals to the scale, order and form of a dataset."""
    if column_order is not None:
        x = x.take(column_order, axis=1)
    x -= mean
    x /= std
    return _in_form(x, config)


def _in_form(x: np.ndarray, config: DatasetConfig) -> np.ndarray:
    with np.errstate(over="ignore"):  # values of shifted tests may overflow; refused by the caller
        x = x.astype(config.dtype, copy=False)
    return x[:, None, :] if config.channel_axis else x


def time_axis(t: np.ndarray, config: DatasetConfig) -> np.ndarray:
    """Resample the time axis of the templates as signals are: stretched, then to final length."""
    for length in (config.stretched_length, config.final_seq_length):
        t = np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(t)), t)
    return t


def draw_transforms(
    config: DatasetConfig, rng: np.random.RandomState, n_samples: int | None = None
) -> TransformDraws:
    """Draw the random part of samples, exactly as the published generator does.

    The published stream is NumPy's legacy one, which is frozen across NumPy's versions. Per sample
    are drawn, in this order: two uniform numbers (padding, scale), an integer below
    `max_translation` (none if that is 1), standard normals for both noises, a uniform number
    (shear). Strengths of zero use up the same numbers.

    Args:
        config: the configuration; its seed and split do not matter here.
        rng: a legacy generator, left in the state of the published one. The next call continues
            from there, so that draws made in pieces equal those made at once.
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
    """Yield what `rng.randint(0, bound)` would, at a fraction of its time per call."""
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
