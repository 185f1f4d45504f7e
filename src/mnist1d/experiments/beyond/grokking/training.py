"""Training of networks whose initial weights have several scales, evaluated on the way."""

from functools import lru_cache
from threading import Lock
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.grokking.config import PER_DECADE, Config
from mnist1d.measures.representations import linear_cka
from mnist1d.models import MLP, predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import Data, Programs, Training, accuracy, as_data
from mnist1d.training.losses import squared_error
from mnist1d.training.schedules import even_in_log

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

N_COMPARED = 500
"""Test samples whose features are compared with the initial ones: five times as many as features,
as similarity is high for any two representations of fewer."""

_lock = Lock()


@lru_cache(8)
def _generated(config: Config, trial: int) -> Data:
    train = config.n_samples[-1]
    return as_data(generate(config.data, train=train, test=config.n_test, seed=FIRST_SEED + trial))


def samples_of(config: Config, trial: int) -> Data:
    """Generate the largest training set of a trial, and its test samples."""
    with _lock:  # so that two threads do not generate the same
        return _generated(config, trial)


def initial_networks(config: Config, trial: int) -> MLP:
    """Draw the initial weights of a trial and multiply them; leaves of shape (scales, ...)."""
    shapes = eqx.filter_eval_shape(MLP, hidden_size=config.hidden_size, key=jax.random.key(0))
    network = draw_layers(shapes, np.random.default_rng((trial, config.hidden_size)))
    scales = np.array(config.scales, np.float32)
    networks: MLP = jax.tree.map(lambda leaf: np.multiply.outer(scales, leaf), network)
    return networks


def last_features(network: MLP, x: Float[Array, "n length"]) -> Float[Array, "n width"]:
    """Return what the last layer of an MLP of the paper sees."""
    hidden = jax.nn.relu(network.hidden(x.T))
    return (hidden + jax.nn.relu(network.second(hidden))).T


def trained_samples(data: Any) -> tuple[Array, Array]:
    """Return the samples that are trained on, `data["n"]`, each as often.

    The largest training set has a whole number of copies of each, so that means are the same, and
    one program is for all sizes.
    """
    x, labels = data["train"]
    rows = jnp.arange(len(labels)) % data["n"]
    return x[rows], labels[rows]


def evaluate(network: MLP, data: Any) -> dict[str, Array]:
    """Measure accuracies (fractions), the training loss, the norm of all weights, and features."""
    x, labels = trained_samples(data)
    x_test, y_test = data["test"]
    outputs = predict(network, x)
    compared = x_test[:N_COMPARED]
    features = [last_features(each, compared) for each in (network, data["initial"])]
    return {
        "train_accuracy": accuracy(outputs, labels),
        "test_accuracy": accuracy(predict(network, x_test), y_test),
        "train_loss": squared_error(outputs, labels),
        "norm": optax.tree.norm(eqx.filter(network, eqx.is_inexact_array)),
        "similarity": linear_cka(*features),
    }


def training_of(config: Config) -> Training:
    """Return the training of a network on as many samples, with the decay, that its data name."""

    def batch(data: Any, _: Any, __: Any) -> tuple[Array, Array]:
        return trained_samples(data)

    def loss(network: MLP, batch: tuple[Array, Array], _: Any) -> Float[Array, ""]:
        return squared_error(predict(network, batch[0]), batch[1])

    return Training(
        batch=batch,
        loss=loss,
        optimizer=lambda data: optax.adamw(config.learning_rate, weight_decay=data["decay"]),
        n_steps=config.n_steps,
        evaluate=evaluate,
        evaluate_at=tuple(n - 1 for n in even_in_log(config.n_steps, PER_DECADE)),
    )


class Trainer(OneByOne):
    """Trains networks with all initial scales together; compiles once.

    The arrays of a task are what `evaluate` measures, of shape (scales, evaluations).

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._training, self._programs = config, training_of(config), Programs()

    def _arrays(self, task: Task, device: Any) -> Arrays:
        key, n_scales = task.key, len(self._config.scales)
        networks = initial_networks(self._config, key["trial"])
        data: dict[str, Any] = {
            **samples_of(self._config, key["trial"]),
            "n": np.int32(key["n_samples"]),
            "decay": np.float32(key["decay"]),
            "initial": networks,
        }
        keys = jax.random.split(jax.random.key(0), n_scales)  # not used for random numbers
        program = self._programs.get(
            device,
            self._training,
            networks,
            data,
            keys=keys,
            data_axes={**dict.fromkeys(data), "initial": 0},
            devices=[device],
        )
        metrics = program(networks, data, keys=keys).history.metrics
        return {name: np.asarray(values) for name, values in metrics.items()}
