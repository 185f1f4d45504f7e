"""Contrastive training of encoders, a compiled program per variant."""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from mnist1d.dataset import Dataset, generate
from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.experiments.self_supervised.config import VARIANTS, Config
from mnist1d.experiments.self_supervised.views import apply_views, draw_views, level
from mnist1d.models import Encoder
from mnist1d.models.layers import draw_layers
from mnist1d.training import Programs, RunProgram, Training, info_nce, nt_xent, shuffled_order


def shapes_of(variant: str) -> Encoder:
    """Return the encoder of a variant with shapes in place of arrays."""
    return eqx.filter_eval_shape(Encoder, projection=VARIANTS[variant], key=jax.random.key(0))


def initial_encoder(variant: str, seed: int) -> Encoder:
    """Draw the initial encoder of a run, as NumPy arrays.

    Layers are drawn from the input on, so the variants of a seed share their backbone.

    >>> first, second = (initial_encoder(variant, 0) for variant in ("default", "no projector"))
    >>> bool((first.convolutions[2].weight == second.convolutions[2].weight).all())
    True
    """
    return draw_layers(shapes_of(variant), np.random.default_rng(seed))


def as_vector(encoder: Encoder) -> np.ndarray:
    """Return all weights of an encoder as one array, shape (parameters,), float32."""
    leaves = jax.tree.leaves(eqx.filter(encoder, eqx.is_array))
    return np.concatenate([np.ravel(leaf) for leaf in leaves])


def as_encoder(variant: str, vector: np.ndarray) -> Encoder:
    """Return the encoder that has the weights of a vector.

    Args:
        variant: a name in `VARIANTS`.
        vector: what `as_vector` returned, shape (parameters,).

    >>> vector = as_vector(initial_encoder("default", 0))
    >>> vector.shape, bool((as_vector(as_encoder("default", vector)) == vector).all())
    ((21716,), True)
    """
    leaves, structure = jax.tree.flatten(shapes_of(variant))
    ends = np.cumsum([leaf.size for leaf in leaves])
    parts = np.split(np.asarray(vector), ends[:-1])
    arrays = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, arrays)


def outputs_of_layers(encoder: Encoder, x: np.ndarray) -> list[np.ndarray]:
    """Return the outputs of every layer for signals.

    Args:
        encoder: any.
        x: shape (n, 40).

    Returns: one array of shape (n, features) per layer, float32, the first being the input.
    """
    x = np.asarray(x, np.float32)
    return [x, *map(np.asarray, _outputs(encoder, x))]


@eqx.filter_jit
def _outputs(encoder: Encoder, x: Any) -> list[jax.Array]:
    return [layer.T for layer in encoder.layers(x.T)]


def layer_sizes(variant: str) -> list[int]:
    """Return the number of features of every layer, that of the input first.

    >>> layer_sizes("default")
    [40, 475, 250, 125, 125, 16]
    """
    signal = jax.ShapeDtypeStruct((40,), jnp.float32)
    layers = jax.eval_shape(Encoder.layers, shapes_of(variant), signal)
    return [len(layer) for layer in (signal, *layers)]


def cost_of_pass(variant: str) -> float:
    """Return the multiplications of a signal's pass through an encoder."""
    head = sum(a * b for a, b in pairwise((125, *VARIANTS[variant])))
    return 25 * 5 * 19 + 25 * 75 * (10 + 5) + head


def all_signals(dataset: Dataset) -> np.ndarray:
    """Return the signals of training and test part, float32, shape (n, length)."""
    return np.concatenate([dataset.x, dataset.x_test]).astype(np.float32)


def training_signals(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Return the signals that encoders are trained on, float32, shape (n, length), and labels."""
    dataset, n = generate(config.data), config.n_signals
    return all_signals(dataset)[:n], np.concatenate([dataset.y, dataset.y_test])[:n]


class Trainer:
    """Trains encoders on two views of every signal.

    The arrays of an encoder are its `weights` at the evaluations, shape (evaluations, parameters),
    the `loss` of each epoch (mean over its batches, in nats), `run_seconds`, and `compile_seconds`
    (about 0 if the program had been compiled before; or that of another thread which compiles it).

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._training = config, contrastive(config)
        # The step that is common to all views of a signal is done once, before training.
        x, _ = training_signals(config)
        self._levelled = np.asarray(level(jnp.asarray(x.T)).T)
        self._programs = Programs()

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, _: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train encoders on a device, one after the other."""
        for task in tasks:
            yield task, self._train(task.labels["variant"], task.labels["seed"], device)

    def program(self, variant: str, device: Any, models: Any, data: Any, keys: Any) -> RunProgram:
        """Return the program of a variant for a device, compiled once."""
        return self._programs.get(
            (variant, device),
            self._training,
            models,
            data,
            keys=keys,
            devices=[device],
            batched=False,
            one_core=True,
        )

    def arguments(self, variant: str, seed: int) -> tuple[Any, Any, Any]:
        """Return models, data and keys of a program of one run; variants have the same batches."""
        models = jax.tree.map(lambda leaf: leaf[None], initial_encoder(variant, seed))
        batch_key, view_key = (jax.random.fold_in(jax.random.key(seed), i) for i in range(2))
        order = shuffled_order(
            len(self._levelled), self._config.batch_size, self._training.n_steps, key=batch_key
        )
        return models, (self._levelled, np.asarray(order)), jax.random.split(view_key, 1)

    def _train(self, variant: str, seed: int, device: Any) -> Arrays:
        models, data, keys = self.arguments(variant, seed)
        clock = time.perf_counter()
        program = self.program(variant, device, models, data, keys)
        compile_seconds = time.perf_counter() - clock
        trained = program(models, data, keys=keys)
        by_epoch = trained.history.train_loss[0].reshape(self._config.n_epochs, -1)
        return {
            "weights": trained.history.metrics[0],
            "loss": by_epoch.mean(axis=1),
            "run_seconds": np.array(trained.run_seconds),
            "compile_seconds": np.array(compile_seconds),
        }


def contrastive(config: Config) -> Training:
    """Return the training of a run, on levelled signals and the order of batches.

    Its evaluations, every `probe_every` epochs, are the weights.
    """
    loss_of = {"info-nce": info_nce, "nt-xent": nt_xent}[config.loss]
    n_batches = config.n_signals // config.batch_size  # of an epoch

    def batch(data: Any, step: Any, key: Any) -> jax.Array:
        levelled, order = data
        signals = levelled[order[step]].T
        # All first views, then all second ones, so that one pass encodes both.
        both = jnp.concatenate([signals, signals], axis=1)
        draws = draw_views(both.shape[1], **config.views, key=key)
        return apply_views(both, draws, max_shift=config.max_shift)

    def loss(encoder: Any, views: Any, _: Any) -> jax.Array:
        outputs = encoder(views)
        half = config.batch_size
        return loss_of(outputs[:, :half], outputs[:, half:], config.temperature)

    steps = n_batches * config.probe_every
    return Training(
        batch=batch,
        loss=loss,
        optimizer=optax.adam(config.learning_rate),
        n_steps=n_batches * config.n_epochs,
        evaluate=lambda encoder, _: ravel_pytree(eqx.filter(encoder, eqx.is_array))[0],
        evaluate_every=steps,
        evaluate_first=steps - 1,
    )
