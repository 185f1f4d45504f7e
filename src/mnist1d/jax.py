"""Fresh labelled batches in JAX: drawn from a key on the device, inside a training step."""

from functools import partial
from typing import Any, TypeAlias

import numpy as np

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.dataset import Dataset, Samples
from mnist1d.dataset.imports import required
from mnist1d.dataset.standardisation import Standardisation, standardisation
from mnist1d.dataset.synthesis import TransformDraws, synthesise
from mnist1d.dataset.variants import fixed_order

jax = required("jax", extra="jax")
jnp = required("jax.numpy", extra="jax")

__all__ = ["draw_batch", "draw_transforms"]

# A type checker must not need JAX.
Array: TypeAlias = Any


def draw_batch(
    key: Array,
    config: DatasetConfig | Dataset | None = None,
    batch_size: int = 100,
    *,
    constants: tuple[float, float] | None = None,
) -> Samples:
    """Draw a batch of new labelled samples.

    A pure function, to be called inside `jax.jit`, `jax.vmap` or a loop of JAX, with everything but
    the key fixed: the samples are generated on the device, so that training never waits for data
    and never sees a sample twice. The distribution is that of `mnist1d.generate`; the random
    numbers are JAX's own. Classes are drawn independently, in their proportions.

    Args:
        key: for the draws; one batch per key.
        config: a configuration, the published one if omitted. Sizes, seed, split and shifted test
            sets do not matter; label noise does. Or a dataset: the batch then has its order of
            points and is standardised with its constants, as `fresh_samples` are.
        batch_size: number of samples, at least 1.
        constants: mean and standard deviation that the signals are standardised with; those of the
            dataset, or of the distribution (`mnist1d.standardisation`), if omitted. They never
            depend on the batch.

    Returns:
        Signals of shape (batch_size, length), or (batch_size, 1, length) with
        `config.channel_axis`, of the configuration's type as far as JAX has it (float64 needs
        `jax_enable_x64`), and labels, int32, shape (batch_size,).

    Raises:
        TypeError: if `config` is neither a configuration nor a dataset.
        ValueError: if the batch size is below 1, or the configuration asks for what only exists in
            the published stream: `shuffle_seq` without its dataset, or label noise of the kind
            "published".

    >>> x, y = draw_batch(jax.random.key(0), DatasetConfig(classes=(3, 8)), 16)
    >>> x.shape, y.shape, sorted(set(y.tolist()))
    ((16, 40), (16,), [3, 8])
    """
    order, config, (mean, std) = _settled(config, constants)
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    # Fields that do not change the values would only compile the same program again.
    config = config.replace(seed=0, shifted_tests={}, positions="original", shuffle_seq=False)
    return _batch(key, order, mean, std, config=config, batch_size=int(batch_size))


# Compiled by itself, so that it is fast outside of a compiled function as well.
@partial(jax.jit, static_argnames=("config", "batch_size"))
def _batch(
    key: Array,
    order: Array | None,
    mean: Array,
    std: Array,
    *,
    config: DatasetConfig,
    batch_size: int,
) -> Samples:
    label_key, transform_key, noise_key = jax.random.split(key, 3)
    labels = _draw_labels(label_key, config, batch_size)
    draws = draw_transforms(transform_key, config, batch_size)
    x = synthesise(config.class_templates().x, labels, draws, config)
    if order is not None:
        x = x[:, order]
    x = (x - mean) / std
    if config.channel_axis:
        x = x[:, None, :]
    return Samples(x, _add_noise(noise_key, labels, config))


def draw_transforms(key: Array, config: DatasetConfig, n_samples: int) -> TransformDraws:
    """Draw the random part of samples with JAX, from the distribution of `mnist1d.draw_transforms`.

    Args:
        key: for the draws.
        config: the configuration; sizes and seed do not matter.
        n_samples: number of samples.

    Returns:
        Arrays of JAX, one row per sample.

    >>> draw_transforms(jax.random.key(0), DatasetConfig(), 5).white_noise.shape
    (5, 72)
    """
    dtype = jax.dtypes.canonicalize_dtype(config.dtype)
    length, bound = config.stretched_length, config.max_translation
    padding_key, scale_key, shift_key, noise_key, shear_key = jax.random.split(key, 5)
    lowest, highest = config.padding
    if bound <= length:
        shift = jax.random.randint(shift_key, (n_samples,), 0, bound)
    else:
        # Shifts as long as the signal or longer move nothing.
        moves_key, shift_key = jax.random.split(shift_key)
        moves = jax.random.bernoulli(moves_key, (length - 1) / bound, (n_samples,))
        shift = jnp.where(moves, jax.random.randint(shift_key, (n_samples,), 1, length), 0)
    noise = jax.random.normal(noise_key, (2, n_samples, length), dtype)
    return TransformDraws(
        padding=jax.random.randint(padding_key, (n_samples,), lowest, highest + 1),
        scale=1 + config.scale_coeff * _centred(scale_key, n_samples, dtype),
        shift=shift,
        correlated_noise=noise[0],
        white_noise=noise[1],
        shear=config.shear_scale * _centred(shear_key, n_samples, dtype),
    )


def _settled(
    config: DatasetConfig | Dataset | None, constants: tuple[float, float] | None
) -> tuple[np.ndarray | None, DatasetConfig, tuple[float, float]]:
    """Return order of points, configuration and constants."""
    if isinstance(config, Dataset):
        order, own = config.column_order, Standardisation(config.mean, config.std)
        config = config.config
    else:
        config = DatasetConfig() if config is None else config
        if not isinstance(config, DatasetConfig):
            raise TypeError(
                f"config must be a DatasetConfig or a Dataset, not {type(config).__name__}"
            )
        if config.shuffle_seq:
            raise ValueError(
                "the order of shuffle_seq comes from the published stream; give the dataset in "
                "place of its configuration, or use positions='shuffled'"
            )
        order, own = fixed_order(config), standardisation(config)
    if config.label_noise and config.label_noise_kind == "published":
        raise ValueError(
            "label noise of the kind 'published' comes from the published stream; use 'symmetric', "
            "which is distributed alike"
        )
    order = None if order is None else order.astype(np.int32)
    return order, config, constants or own


def _centred(key: Array, n: int, dtype: np.dtype) -> Array:
    return jax.random.uniform(key, (n,), dtype, -0.5, 0.5)


def _draw_labels(key: Array, config: DatasetConfig, n: int) -> Array:
    classes = jnp.asarray(np.array(config.labels, dtype=np.int32))
    shares = config.class_proportions
    if shares is None:
        return classes[jax.random.randint(key, (n,), 0, len(classes))]
    share = np.array(shares) / np.sum(shares)
    cumulative = jnp.asarray(np.cumsum(share)[:-1], dtype=np.float32)
    uniform = jax.random.uniform(key, (n,), cumulative.dtype)
    return classes[jnp.searchsorted(cumulative, uniform, side="right")]


def _add_noise(key: Array, labels: Array, config: DatasetConfig) -> Array:
    if config.label_noise == 0:
        return labels
    select_key, other_key = jax.random.split(key)
    n, classes = len(labels), np.array(config.labels, dtype=np.int32)
    selected = jax.random.bernoulli(select_key, config.label_noise, (n,))
    if config.label_noise_kind == "symmetric":
        others = jnp.asarray(classes)[jax.random.randint(other_key, (n,), 0, len(classes))]
    else:
        place = np.zeros(config.n_classes, dtype=np.int32)
        place[classes] = np.arange(len(classes))
        steps = jax.random.randint(other_key, (n,), 1, len(classes))
        others = jnp.asarray(classes)[(jnp.asarray(place)[labels] + steps) % len(classes)]
    return jnp.where(selected, others, labels)
