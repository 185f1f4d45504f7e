"""Variants of a generated set: the order of its points, its parts, and label noise."""

from __future__ import annotations

import numpy as np

from mnist1d.dataset.config import DatasetConfig, apportion

__all__ = ["derived_stream", "noisy_labels", "point_order", "stratified_order"]

# Streams that are independent of that of the samples, so that using one never changes another.
LABEL_NOISE, SHIFTED_TESTS, SHUFFLED_BLOCKS = 1, 2, 3


def derived_stream(seed: int, *purpose: int) -> np.random.RandomState:
    """Return a legacy stream of its own, independent of that of the samples.

    Its numbers are as frozen as those of the published stream: seed sequence and bit generator are
    guaranteed by NumPy, the distributions are the legacy ones.

    Args:
        seed: the seed of a configuration.
        *purpose: what the numbers are for: integers from 0, the first one of the constants above.
    """
    bits = np.random.MT19937(np.random.SeedSequence(seed, spawn_key=purpose))
    return np.random.RandomState(bits)


def point_order(config: DatasetConfig, rng: np.random.RandomState) -> np.ndarray | None:
    """Return which original point each point of the samples is, or None for the original order.

    Args:
        config: the configuration.
        rng: the stream of the samples, after they were drawn; only `shuffle_seq` draws from it.

    Returns:
        int64, shape (config.final_seq_length,), or None.

    Source:
        Greydanus & Kobak (2024); reference `make_dataset`; the notebooks of Table 1 and section
        5.1.

    >>> config = DatasetConfig(positions="chunked", final_seq_length=8)
    >>> point_order(config, np.random.RandomState(0))
    array([4, 5, 6, 7, 0, 1, 2, 3])
    """
    length = config.final_seq_length
    if config.shuffle_seq:
        return rng.permutation(length)
    return fixed_order(config)


def fixed_order(config: DatasetConfig) -> np.ndarray | None:
    """Return the order of points that needs no stream: every `positions`, not `shuffle_seq`."""
    length = config.final_seq_length
    if not isinstance(config.positions, str):
        return np.array(config.positions, dtype=np.int64)
    if config.positions == "original":
        return None
    if config.positions == "flipped":
        return np.arange(length)[::-1].copy()
    if config.positions == "chunked":
        return np.arange(length).reshape(4, -1)[[2, 3, 0, 1]].reshape(-1)
    own = config.seed if config.positions_seed is None else config.positions_seed
    seed = {"shuffled_classification": 42, "shuffled_lottery": 0}.get(config.positions, own)
    return np.random.RandomState(seed).permutation(length)


def stratified_order(labels: np.ndarray, config: DatasetConfig) -> np.ndarray:
    """Return an order of samples in which every part has the classes in the same shares.

    Args:
        labels: those of all parts together, shape (n_samples,).
        config: sizes of the parts.

    Returns:
        Indices of the samples, int64, shape (n_samples,): of every class the first ones for the
        training part, the next ones for the validation part, and so on; in a part as they were.

    >>> config = DatasetConfig(train=4, test=2, classes=(0, 1))
    >>> stratified_order(np.array([1, 1, 1, 0, 0, 0]), config)
    array([0, 1, 3, 4, 2, 5])
    """
    left = [np.flatnonzero(labels == label) for label in config.labels]
    parts = []
    for size in (config.n_train, config.n_validation, config.n_test):
        numbers = apportion(size, tuple(float(len(rows)) for rows in left))
        taken = [rows[:number] for rows, number in zip(left, numbers, strict=True)]
        left = [rows[number:] for rows, number in zip(left, numbers, strict=True)]
        parts.append(np.sort(np.concatenate(taken)))
    return np.concatenate(parts)


def noisy_labels(
    labels: np.ndarray, config: DatasetConfig, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Replace some labels by others.

    Args:
        labels: clean ones, shape (n_samples,).
        config: fraction, kind and classes.
        rng: the stream of the samples, after all else was drawn; only the published noise draws
            from it.

    Returns:
        Noisy labels and which ones were redrawn, both of shape (n_samples,). A redrawn
        label may be the old one, except with noise of the kind "other".

    Source:
        Greydanus & Kobak (2024), the notebook of section 5.2, for the published noise.

    >>> clean = np.zeros(1000, dtype=int)
    >>> config = DatasetConfig(label_noise=0.3, label_noise_kind="other")
    >>> noisy, mask = noisy_labels(clean, config, np.random.RandomState(0))
    >>> bool(((noisy != clean) == mask).all()), round(float(mask.mean()), 1)
    (True, 0.3)
    """
    if config.label_noise == 0:
        return labels.copy(), np.zeros(len(labels), dtype=np.bool_)
    classes = np.array(config.labels)
    if config.label_noise_kind == "published":
        return _published_noise(labels, classes, config.label_noise, rng)
    # One row per label: a label's noise depends neither on its neighbours nor on the fraction.
    drawn = derived_stream(config.seed, LABEL_NOISE).random_sample((len(labels), 2))
    selected = drawn[:, 0] < config.label_noise
    if config.label_noise_kind == "symmetric":
        others = classes[(drawn[:, 1] * len(classes)).astype(np.int64)]
    else:
        place = np.zeros(config.n_classes, dtype=np.int64)
        place[classes] = np.arange(len(classes))
        steps = 1 + (drawn[:, 1] * (len(classes) - 1)).astype(np.int64)
        others = classes[(place[labels] + steps) % len(classes)]
    return np.where(selected, others, labels), selected


def _published_noise(
    labels: np.ndarray, classes: np.ndarray, fraction: float, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    noisy, selected = labels.copy(), np.zeros(len(labels), dtype=np.bool_)
    for i in range(len(labels)):
        if rng.random_sample() < fraction:
            selected[i] = True
            noisy[i] = classes[rng.randint(0, len(classes))]
    return noisy, selected
