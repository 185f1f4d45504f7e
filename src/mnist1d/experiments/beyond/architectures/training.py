"""Training of all architectures, one compiled program per architecture and size."""

from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.architectures.config import ORDERS, Config
from mnist1d.harness.settings import SHIFTS
from mnist1d.measures.probes import knn_accuracy
from mnist1d.models import of_size, predict
from mnist1d.training import Programs, Training, accuracy, cross_entropy, initialise
from mnist1d.training.schedules import cosine_schedule

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

FIRST_TUNING_TRIAL = 10_000
"""Number of the first trial that chooses learning rates."""

TEST_SETS = ("test", *SHIFTS)
SETS_HELD = 8
"""Trials whose samples are in memory, about 8 MB each."""

_lock = Lock()


class Samples(NamedTuple):
    """The samples of a trial: the largest training set, and all test sets.

    Attributes:
        x: training signals, shape (n, 40).
        y: their labels.
        x_test: shape (sets, n_test, 40), sets as in `TEST_SETS`.
        y_test: shape (sets, n_test).
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@lru_cache(SETS_HELD)
def _generated(data: DatasetConfig, n_train: int, n_test: int, trial: int) -> Samples:
    made = generate(data, train=n_train, test=n_test, seed=FIRST_SEED + trial, shifted_tests=SHIFTS)
    tests = [(made.x_test, made.y_test)]
    tests += [(made.shifted_tests[name].x, made.shifted_tests[name].y) for name in SHIFTS]
    x_test, y_test = (np.stack(parts) for parts in zip(*tests, strict=True))
    return Samples(
        made.x.astype(np.float32),
        made.y.astype(np.int32),
        x_test.astype(np.float32),
        y_test.astype(np.int32),
    )


def samples_of(config: Config, trial: int, order: str) -> Samples:
    """Return the samples of a trial, with their points in order or shuffled.

    Args:
        config: the settings.
        trial: its number.
        order: one of `ORDERS`; shuffled, all samples of the trial are permuted alike.

    >>> samples_of(Config.quick(), 0, "shuffled").x_test.shape
    (5, 200, 40)
    """
    with _lock:  # so that two threads do not generate the same
        samples = _generated(config.data, max(config.n_samples), config.n_test, trial)
    if order == ORDERS[0]:
        return samples
    points = np.random.default_rng(trial).permutation(samples.x.shape[1])
    return samples._replace(x=samples.x[:, points], x_test=samples.x_test[..., points])


def training_of(config: Config) -> Training:
    """Return the training of a network at the rate that its data name."""

    def loss(network: Any, batch: tuple[Array, Array], _: Any) -> Array:
        return cross_entropy(predict(network, batch[0]), batch[1])

    def evaluate(network: Any, data: Any) -> Array:
        x, labels = data["test"]
        logits = predict(network, x.reshape(-1, x.shape[-1]), chunk_size=500)
        by_set = logits.reshape(*labels.shape, -1)
        return jnp.stack([accuracy(*each) for each in zip(by_set, labels, strict=True)])

    return Training(
        batch=lambda data, step, _: jax.tree.map(lambda leaf: leaf[step], data["train"]),
        loss=loss,
        optimizer=lambda data: optax.adam(cosine_schedule(data["rate"], config.n_steps)),
        n_steps=config.n_steps,
        evaluate=evaluate,
    )


class Trainer(OneByOne):
    """Trains networks; compiles every architecture and size once.

    The array of a network is `accuracy` (fractions), shape (test sets,), as in `TEST_SETS`; NaN
    where the training diverged.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._training, self._programs = config, training_of(config), Programs()
        tuning = FIRST_TUNING_TRIAL + np.arange(config.tuning_seeds)
        self._trials = [*range(config.seeds), *tuning.tolist()]
        self._networks = lru_cache(2)(self._initialise)

    def _initialise(self, model: str, n_parameters: int) -> Any:
        """Draw the initial weights of all trials, which takes as long as one."""
        keys = jax.vmap(jax.random.key)(np.array(self._trials))
        networks = initialise(lambda key: of_size(model, n_parameters)(key=key), keys)
        return jax.tree.map(np.asarray, networks)

    def _arrays(self, task: Task, device: Any) -> Arrays:
        config, key = self._config, task.key
        place = self._trials.index(key["trial"])
        networks = self._networks(key["model"], key["n_parameters"])
        network = jax.tree.map(lambda leaf: leaf[place : place + 1], networks)
        samples = samples_of(config, key["trial"], key["order"])
        rows = np.arange(config.n_steps * config.batch_size) % key["n_samples"]
        rows = rows.reshape(config.n_steps, config.batch_size)
        data = {
            "train": (samples.x[rows], samples.y[rows]),
            "test": (samples.x_test, samples.y_test),
            "rate": np.float32(key["rate"]),
        }
        keys = jax.random.split(jax.random.key(0), 1)  # not used for random numbers
        program = self._programs.get(
            (key["model"], key["n_parameters"], device),
            self._training,
            network,
            data,
            keys=keys,
            devices=[device],
        )
        return {"accuracy": program(network, data, keys=keys).history.metrics[0, 0]}


class Neighbours(OneByOne):
    """Classifies test samples by their ten nearest neighbours among the training samples.

    The array of a task is `neighbours_accuracy`, a fraction.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def _arrays(self, task: Task, device: Any) -> Arrays:
        del device
        samples = samples_of(self._config, task.key["trial"], ORDERS[0])
        known = slice(task.key["n_samples"])
        test = samples.x_test[0], samples.y_test[0]
        found = knn_accuracy(samples.x[known], samples.y[known], *test, metric="euclidean")
        return {"neighbours_accuracy": np.array(found)}
