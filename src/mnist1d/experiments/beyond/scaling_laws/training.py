"""Training on endless and on fixed numbers of samples, and the best that any network can do."""

from functools import lru_cache
from threading import Lock
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array
from optax.contrib import schedule_free_adamw, schedule_free_eval_params

from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.scaling_laws.config import Config
from mnist1d.measures.posterior import Posterior
from mnist1d.models import CNN, MLP, predict
from mnist1d.models.layers import draw_layers
from mnist1d.stream import Stream
from mnist1d.training import Programs, Training, accuracy, cross_entropy

FIRST_SEED = 42
"""Seed of the stream of trial 0, that of the published set."""

TUNING_TRIAL = 10_000
"""Number of the trial that chooses learning rates."""

TEST_START, VALIDATION_START = 2**40, 2**41
"""Where in the stream samples are that no training reaches."""

SETS_HELD = 6
"""Trials whose samples are in memory, about 100 MB each."""

_lock = Lock()


@lru_cache(SETS_HELD)
def _samples(data: DatasetConfig, trial: int, start: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = Stream(data, seed=FIRST_SEED + trial)[start : start + n]
    return x, y.astype(np.int32)


def samples_of(config: Config, trial: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of a trial: signals, shape (n, 40), and labels, shape (n,).

    Args:
        config: the settings.
        trial: its number.
        part: "train", "test" or "validation".

    >>> samples_of(Config.quick(), 0, "test")[0].shape
    (100, 40)
    """
    n_train = max(config.n_steps, config.fixed_steps) * config.batch_size
    parts = {
        "train": (0, n_train),
        "test": (TEST_START, config.n_test),
        "validation": (VALIDATION_START, config.n_validation),
    }
    with _lock:  # so that two threads do not compute the same
        if part == "train":
            return _samples(config.data, trial, *parts[part])
        return _samples.__wrapped__(config.data, trial, *parts[part])


def initial_network(model: str, size: int, trial: int) -> Any:
    """Draw the initial weights of a network of a trial, the same for all rates and samples.

    Args:
        model: "MLP" or "CNN".
        size: width of the MLP's layers, or channels of the CNN.
        trial: number of the trial.
    """

    def made(key: Any) -> Any:
        if model == "MLP":
            return MLP(hidden_size=size, key=key)
        return CNN(channels=size, key=key)

    shapes = eqx.filter_eval_shape(made, jax.random.key(0))
    return draw_layers(shapes, np.random.default_rng((trial, size)))


def rows_of(n_samples: int, n_steps: int, batch_size: int, trial: int) -> np.ndarray:
    """Return the samples of every batch: all, in an order of its own in every pass.

    Args:
        n_samples: of the training set, `batch_size` or more.
        n_steps: number of batches.
        batch_size: samples per batch.
        trial: determines the orders, with the number of samples.

    Returns: int32, shape (n_steps, batch_size).

    >>> rows_of(4, 3, 2, trial=0).reshape(-1)[:4].tolist()
    [2, 3, 1, 0]
    """
    n_seen = n_steps * batch_size
    # Weights and other experiments have other seeds.
    rng = np.random.default_rng((trial, n_samples, 2))
    passes = [rng.permutation(n_samples) for _ in range(-(-n_seen // n_samples))]
    return np.concatenate(passes)[:n_seen].reshape(n_steps, batch_size).astype(np.int32)


def training_of(n_steps: int, evaluate_every: int) -> Training:
    """Return the training of a network at the rate and on the rows that its data name."""

    def batch(data: Any, step: Array, _: Any) -> Any:
        rows = data["rows"][step]
        return jax.tree.map(lambda leaf: leaf[rows], data["train"])

    def loss(network: Any, batch: tuple[Array, Array], _: Any) -> Array:
        return cross_entropy(predict(network, batch[0]), batch[1])

    def evaluate(network: Any, data: Any) -> dict[str, Array]:
        (x, labels), (more, more_labels) = data["test"], data["validation"]
        logits = predict(network, x, chunk_size=1000)
        return {
            "test_loss": cross_entropy(logits, labels),
            "test_accuracy": accuracy(logits, labels),
            "validation_loss": cross_entropy(predict(network, more, chunk_size=1000), more_labels),
        }

    def averaged(network: Any, state: Any) -> Any:
        weights, rest = eqx.partition(network, eqx.is_inexact_array)
        return eqx.combine(schedule_free_eval_params(state, weights), rest)

    return Training(
        batch=batch,
        loss=loss,
        optimizer=lambda data: schedule_free_adamw(data["rate"], weight_decay=0.0),
        n_steps=n_steps,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
        evaluate_first=evaluate_every - 1,
        evaluation_model=averaged,
    )


class Trainer(OneByOne):
    """Trains networks; compiles every network and number of steps once.

    The arrays of a network are of shape (evaluations,): `test_loss` and `validation_loss` in nats,
    and `test_accuracy`, a fraction.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._programs = config, Programs()

    def _arrays(self, task: Task, device: Any) -> Arrays:
        config, key = self._config, task.key
        model, size, trial, n_steps = (key[name] for name in ("model", "size", "trial", "n_steps"))
        n_seen = n_steps * config.batch_size
        # What is seen once comes in the stream's order.
        rows = (
            np.arange(n_seen, dtype=np.int32).reshape(n_steps, config.batch_size)
            if key["n_samples"] == n_seen
            else rows_of(key["n_samples"], n_steps, config.batch_size, trial)
        )
        parts = ("train", "test", "validation")
        data: dict[str, Any] = {part: samples_of(config, trial, part) for part in parts}
        data |= {"rows": rows, "rate": np.float32(key["rate"])}
        networks = jax.tree.map(lambda leaf: leaf[None], initial_network(model, size, trial))
        keys = jax.random.split(jax.random.key(0), 1)  # not used for random numbers
        program = self._programs.get(
            (model, size, n_steps, device),
            training_of(n_steps, key["evaluate_every"]),
            networks,
            data,
            keys=keys,
            devices=[device],
        )
        metrics = program(networks, data, keys=keys).history.metrics
        return {name: np.asarray(each[0]) for name, each in metrics.items()}


class BestClassifier(OneByOne):
    """Computes what the posterior of the generator reaches on the test samples of trials.

    The arrays of a trial are numbers: `bayes_loss` (nats), `bayes_error` (a fraction), and
    `bayes_entropy` (nats), the mean entropy of the posterior, which is its expected loss.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._posterior = config, Posterior(config.data)

    def _arrays(self, task: Task, device: Any) -> Arrays:
        del device
        x, labels = samples_of(self._config, task.key["trial"], "test")
        logs = self._posterior(x)
        found = np.exp(logs)
        entropies = -(found * np.where(found > 0, logs, 0)).sum(axis=1)
        return {
            "bayes_loss": np.array(-logs[np.arange(len(labels)), labels].mean()),
            "bayes_error": np.array((logs.argmax(axis=1) != labels).mean()),
            "bayes_entropy": np.array(entropies.mean()),
        }
