"""Training of children and of independent networks, and evaluation between them."""

from collections.abc import Sequence
from functools import lru_cache, partial
from threading import Lock
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, Float

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.mode_connectivity.config import (
    BY_ACTIVATIONS,
    BY_WEIGHTS,
    MEASURES,
    Config,
)
from mnist1d.measures.lines import average, on_line, places_on_line
from mnist1d.measures.matching import match_activations, match_weights, mlp_axes, permuted
from mnist1d.models import CNN, MLP, predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import Data, Programs, Training, as_data, cross_entropy

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

BATCHED_UP_TO = 50
"""Width up to which both MLPs of a pair take every step together; products of wider networks, and
of the CNN, use a whole core."""

FIRST_INDEPENDENT = 1000
"""Orders of samples up to this number are those of children."""

CHUNK = 2000
"""Samples that are evaluated at a time."""

AXES = mlp_axes()

_lock = Lock()


@lru_cache(8)
def _generated(data: DatasetConfig, n_samples: int, n_test: int, trial: int) -> Data:
    return as_data(generate(data, train=n_samples, test=n_test, seed=FIRST_SEED + trial))


def samples_of(config: Config, trial: int) -> Data:
    """Generate the training and test samples of a trial."""
    with _lock:  # so that two threads do not generate the same
        return _generated(config.data, config.n_samples, config.n_test, trial)


def initial_network(model: str, size: int, trial: int, number: int) -> Any:
    """Draw initial weights.

    Args:
        model: "MLP" or "CNN".
        size: width or channels.
        trial: number of the trial.
        number: of the network in it; all children have 0.
    """

    def made(key: Any) -> Any:
        return MLP(hidden_size=size, key=key) if model == "MLP" else CNN(channels=size, key=key)

    shapes = eqx.filter_eval_shape(made, jax.random.key(0))
    return draw_layers(shapes, np.random.default_rng((trial, size, number)))


def batches(config: Config, trial: int, number: int) -> np.ndarray:
    """Draw the rows of every step, every epoch in an order of its own.

    Args:
        config: the settings.
        trial: number of the trial.
        number: of the order in it.

    Returns: int32, shape (n_steps, batch_size).
    """
    # Weights have seeds of as many numbers, but no such last one.
    rng = np.random.default_rng((trial, config.n_samples, number, 1))
    per_epoch = config.n_samples // config.batch_size
    orders = [
        rng.permutation(config.n_samples)[: per_epoch * config.batch_size]
        for _ in range(-(-config.n_steps // per_epoch))
    ]
    rows = np.concatenate(orders).reshape(-1, config.batch_size)
    return rows[: config.n_steps].astype(np.int32)


def children_batches(config: Config, trial: int, split: int, number: int) -> np.ndarray:
    """Draw the rows of a child: those of its parent before the split, and then its own.

    Args:
        config: the settings.
        trial: number of the trial.
        split: step after which a child has its own.
        number: of the child, from 1.

    Returns: int32, shape (n_steps, batch_size).

    >>> first, second = (children_batches(Config.quick(), 0, 20, child) for child in (1, 2))
    >>> bool((first[:20] == second[:20]).all()), bool((first[20:] == second[20:]).all())
    (True, False)
    """
    parent, own = (batches(config, trial, each) for each in (0, number))
    return np.concatenate([parent[:split], own[split:]])


def training_of(config: Config) -> Training:
    """Return the training of a network, which records the weights that SWA averages."""

    def batch(data: Any, step: Array, _: Any) -> Any:
        rows = data["rows"][step]
        return jax.tree.map(lambda leaf: leaf[rows], data["train"])

    def loss(network: Any, batch: tuple[Array, Array], _: Any) -> Float[Array, ""]:
        return cross_entropy(predict(network, batch[0]), batch[1])

    return Training(
        batch=batch,
        loss=loss,
        optimizer=optax.adam(config.learning_rate),
        n_steps=config.n_steps,
        evaluate=lambda network, _: eqx.filter(network, eqx.is_inexact_array),
        evaluate_every=config.average_every,
        evaluate_first=config.average_from + config.average_every - 1,
    )


@jax.jit
def log_probabilities(network: Any, x: Float[Array, "n length"]) -> Float[Array, "n classes"]:
    """Compute the logarithms of the probabilities that a network gives to classes."""
    return jax.nn.log_softmax(predict(network, x, chunk_size=CHUNK))


def measures_of(logs: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> np.ndarray:
    """Measure losses (nats) and errors (fractions) on training and on test samples.

    Args:
        logs: logarithms of probabilities, shape (n, classes), of both.
        labels: shape (n,), of both.

    Returns: in the order of `MEASURES`; NaN where a probability is.

    >>> halves = np.log(np.full((2, 2), 0.5))
    >>> measures_of([halves, halves], [np.array([0, 1]), np.array([0, 0])]).round(2).tolist()
    [0.69, 0.5, 0.69, 0.0]
    """
    found = []
    for part, correct in zip(logs, labels, strict=True):
        wrong = (part.argmax(axis=1) != correct).mean()
        loss = -part[np.arange(len(part)), correct].mean(dtype=float)
        found += [loss, np.where(np.isnan(part).any(), np.nan, wrong)]
    return np.array(found)


def hidden_outputs(network: MLP, x: np.ndarray) -> np.ndarray:
    """Return what the hidden units of an MLP compute, both layers side by side.

    Args:
        network: an MLP whose second layer adds to the first.
        x: signals, shape (n, 40).

    Returns: shape (width, 2 n).
    """
    first = np.maximum(network.hidden.weight @ x.T + network.hidden.bias[:, None], 0)
    second = np.maximum(network.second.weight @ first + network.second.bias[:, None], 0)
    return np.concatenate([first, first + second], axis=1)


class Trainer(OneByOne):
    """Trains networks and evaluates between them; compiles every network once.

    The arrays of a task are named by what they are of and by a measure: `line train_loss`, of shape
    (matchings, places), between its first two networks, and `average train_loss`, of shape
    (averages,), of all its networks.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._training, self._programs = config, training_of(config), Programs()

    def _arrays(self, task: Task, device: Any) -> Arrays:
        key = task.key
        data = samples_of(self._config, key["trial"])
        (x, _), (x_test, _) = data["train"], data["test"]
        signals = jax.device_put(np.concatenate([x, x_test]), device)
        labels = [data[part][1] for part in ("train", "test")]
        last, averaged = self._train(key, data, device)

        def logs_of(network: Any) -> list[np.ndarray]:
            logs = np.asarray(log_probabilities(jax.device_put(network, device), signals))
            return [logs[: len(x)], logs[len(x) :]]

        def evaluate(network: Any) -> np.ndarray:
            return measures_of(logs_of(network), labels)

        arrays: dict[str, np.ndarray] = {}
        lines = []
        for matching in key["matchings"]:
            other = _matched(matching, last[0], last[1], x)
            places = places_on_line(key["n_places"]).tolist()
            lines.append([evaluate(on_line(last[0], other, place)) for place in places])
        if lines:
            arrays |= _named("line", np.array(lines))
        if key["is_averaged"]:
            logs = [logs_of(network) for network in last]
            ensemble = [
                np.logaddexp.reduce(part) - np.log(len(part)) for part in zip(*logs, strict=True)
            ]
            soup = average(jax.tree.map(lambda *leaves: np.stack(leaves), *last))
            found = [
                np.mean([measures_of(each, labels) for each in logs], axis=0),
                np.mean([evaluate(network) for network in averaged], axis=0),
                evaluate(soup),
                measures_of(ensemble, labels),
            ]
            arrays |= _named("average", np.array(found))
        return arrays

    def _train(self, key: Any, data: Data, device: Any) -> tuple[list[Any], list[Any]]:
        """Train the networks of a task in pairs; return the last, and the averages of weights."""
        config = self._config
        model, size, trial, split = (key[name] for name in ("model", "size", "trial", "split"))
        last, averaged = [], []
        for first in range(1, key["n_networks"], 2):
            pair = (first, first + 1)
            drawn = [
                initial_network(model, size, trial, 0 if split is not None else number)
                for number in pair
            ]
            rows = [
                batches(config, trial, FIRST_INDEPENDENT + number)
                if split is None
                else children_batches(config, trial, split, number)
                for number in pair
            ]
            networks = jax.tree.map(lambda *leaves: np.stack(leaves), *drawn)
            shown = {"train": data["train"], "rows": np.stack(rows)}
            keys = jax.random.split(jax.random.key(0), 2)  # not used for random numbers
            program = self._programs.get(
                (model, size, device),
                self._training,
                networks,
                shown,
                keys=keys,
                data_axes={"train": None, "rows": 0},
                devices=[device],
                batched=model == "MLP" and size <= BATCHED_UP_TO,
            )
            trained = program(networks, shown, keys=keys)
            for number in range(2):
                pick = partial(_picked, number)
                last.append(jax.tree.map(pick, trained.models))
                averaged.append(average(jax.tree.map(pick, trained.history.metrics)))
        return last, averaged


def _picked(number: int, leaf: Any) -> np.ndarray:
    return np.asarray(leaf)[number]


def _matched(matching: str, first: Any, second: Any, x: np.ndarray) -> Any:
    """Bring the units of the second network into the order of the first."""
    if matching == BY_WEIGHTS:
        return permuted(second, AXES, match_weights(first, second, AXES))
    if matching == BY_ACTIVATIONS:
        outputs = ({"hidden": hidden_outputs(network, x)} for network in (first, second))
        return permuted(second, AXES, match_activations(*outputs))
    return second


def _named(what: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Name measures, the last axis of values."""
    return {f"{what} {name}": values[..., place] for place, name in enumerate(MEASURES)}
