"""Training with a method and a learning rate, and the sharpness on the way."""

from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.edge_of_stability.config import (
    ADAM,
    BETA_1,
    BETA_2,
    CROSS_ENTROPY,
    EPSILON,
    MOMENTUM,
    SAM,
    Config,
)
from mnist1d.measures.curvature import sharpness
from mnist1d.models import MLP, predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import Data, Programs, Training, accuracy, as_data, cross_entropy
from mnist1d.training.losses import squared_error

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

N_TEST = 1000


@lru_cache(16)
def samples_of(data: DatasetConfig, n_samples: int, trial: int) -> Data:
    """Generate the training set of a trial, and test samples."""
    return as_data(generate(data, train=n_samples, test=N_TEST, seed=FIRST_SEED + trial))


def initial_network(hidden_size: int, trial: int) -> MLP:
    """Draw the initial weights of a trial, the same for all methods and rates."""
    shapes = eqx.filter_eval_shape(MLP, hidden_size=hidden_size, key=jax.random.key(0))
    network: MLP = draw_layers(shapes, np.random.default_rng((trial, hidden_size)))
    return network


def optimiser_of(method: str, rate: Any, config: Config) -> optax.GradientTransformation:
    """Return the optimiser of a method, at a rate that may be traced."""
    if method == MOMENTUM:
        return optax.sgd(rate, momentum=config.momentum)
    if method == ADAM:
        return optax.adam(rate, b1=BETA_1, b2=BETA_2, eps=EPSILON)
    if method == SAM:
        ascent = optax.chain(optax.contrib.normalize(), optax.sgd(config.radius))
        return optax.contrib.sam(optax.sgd(rate), ascent, opaque_mode=True)
    return optax.sgd(rate)


def preconditioner_of(state: Any) -> Any:
    """Return what Adam divides its updates by, per parameter, with its corrections of the bias.

    Source: Cohen et al. (2022), arXiv:2207.14484, section 2.
    """
    count = optax.tree.get(state, "count").astype(jnp.float32)
    squares = optax.tree.get(state, "nu")
    return jax.tree.map(
        lambda square: (1 - BETA_1**count) * (jnp.sqrt(square / (1 - BETA_2**count)) + EPSILON),
        squares,
    )


def training_of(method: str, batch_size: int | None, config: Config) -> Training:
    """Return the training by a method, at the rate that its data name.

    Args:
        method: one of `Config.methods`.
        batch_size: of SGD; None for all samples.
        config: the settings.
    """
    compared = cross_entropy if method == CROSS_ENTROPY else squared_error

    def batch(data: Any, step: Array, _: Any) -> Any:
        if batch_size is None:
            return data["train"]
        rows = data["rows"][step]
        return jax.tree.map(lambda leaf: leaf[rows], data["train"])

    def loss(network: Any, batch: tuple[Array, Array], _: Any) -> Float[Array, ""]:
        return compared(predict(network, batch[0]), batch[1])

    def evaluate(network: MLP, data: Any, state: Any) -> dict[str, Array]:
        parameters, static = eqx.partition(network, eqx.is_inexact_array)

        def whole_loss(parameters: Any) -> Float[Array, ""]:
            return loss(eqx.combine(parameters, static), data["train"], None)

        value, gradient = jax.value_and_grad(whole_loss)(parameters)
        found = sharpness(
            whole_loss,
            parameters,
            preconditioner=preconditioner_of(state) if method == ADAM else None,
            n_iterations=config.n_iterations,
        )
        x_test, y_test = data["test"]
        return {
            "train_loss": value,
            "gradient_norm": optax.tree.norm(gradient),
            "sharpness": found.value,
            "sharpness_error": found.error,
            "test_accuracy": accuracy(predict(network, x_test), y_test),
        }

    return Training(
        batch=batch,
        loss=loss,
        optimizer=lambda data: optimiser_of(method, data["rate"], config),
        n_steps=config.n_steps,
        evaluate=evaluate,
        evaluate_optimizer=True,
        evaluate_every=config.evaluate_every,
        evaluate_first=config.evaluate_every - 1,
    )


class Trainer(OneByOne):
    """Trains networks; compiles every method once.

    The arrays of a network are of shape (measurements,), after 1, 2, ... times `evaluate_every`
    updates: `train_loss` of all training samples, `gradient_norm` of it, `sharpness` (of Adam the
    preconditioned one) and its `sharpness_error`, `rises`, the share of steps since the measurement
    before over which the loss rose (not of SGD, whose loss is of other samples every time), and
    `test_accuracy`, a fraction.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._programs = config, Programs()

    def _arrays(self, task: Task, device: Any) -> Arrays:
        config, key = self._config, task.key
        method, batch_size, trial = key["method"], key["batch_size"], key["trial"]
        data: dict[str, Any] = {
            **samples_of(config.data, config.n_samples, trial),
            "rate": np.float32(key["rate"]),
        }
        if batch_size is not None:
            # Every epoch has an order of its own; weights have another seed.
            rng = np.random.default_rng((trial, batch_size, 1))
            n_epochs = -(-config.n_steps // (config.n_samples // batch_size))
            used = config.n_samples // batch_size * batch_size
            orders = [rng.permutation(config.n_samples)[:used] for _ in range(n_epochs)]
            rows = np.concatenate(orders).reshape(-1, batch_size)[: config.n_steps]
            data["rows"] = rows.astype(np.int32)
        network = initial_network(config.hidden_size, trial)
        networks = jax.tree.map(lambda leaf: leaf[None], network)
        keys = jax.random.split(jax.random.key(0), 1)  # not used for random numbers
        program = self._programs.get(
            (method, batch_size, device),
            training_of(method, batch_size, config),
            networks,
            data,
            keys=keys,
            devices=[device],
        )
        history = program(networks, data, keys=keys).history
        found = {name: np.asarray(each[0]) for name, each in history.metrics.items()}
        if batch_size is None:
            losses = np.append(history.train_loss[0], found["train_loss"][-1])
            rose = np.diff(losses) > 0
            found["rises"] = rose.reshape(-1, config.evaluate_every).mean(axis=1)
        return found
