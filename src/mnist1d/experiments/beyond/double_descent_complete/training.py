"""Training of MLPs and CNNs with every weight decay, evaluated on the way."""

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
from mnist1d.dataset.dataset import Dataset
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.double_descent_complete.config import Config, padded_width
from mnist1d.measures.collapse import neural_collapse
from mnist1d.models import CNN, MLP, predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import Programs, Training, cross_entropy
from mnist1d.training.padding import pad_model

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

BATCHED_UP_TO = 50
"""Width up to which all weight decays take every step together; see `experiments.double_descent`.

Matrix products of wider networks, and of the CNN, use a whole core."""

_lock = Lock()


@lru_cache(8)
def _generated(config: Config, trial: int) -> Dataset:
    return generate(
        config.data,
        train=config.n_generated,
        validation=config.n_validation,
        test=config.n_test,
        seed=FIRST_SEED + trial,
    )


def samples_of(config: Config, trial: int) -> Dataset:
    """Generate the samples of a trial: the largest training set, validation and test samples."""
    with _lock:  # so that two threads do not generate the same
        return _generated(config, trial)


def initial_network(architecture: str, size: int, trial: int) -> Any:
    """Draw the initial weights of a trial, the same for all weight decays and training sets.

    Args:
        architecture: "MLP" or "CNN".
        size: width or channels.
        trial: its number.
    """

    def make(size: int) -> Any:
        key = jax.random.key(0)
        if architecture == "CNN":
            return CNN(channels=size, key=key)
        return MLP(hidden_size=size, residual=False, key=key)

    network = draw_layers(eqx.filter_eval_shape(make, size), np.random.default_rng((trial, size)))
    if architecture == "CNN":
        return network
    return pad_model(network, eqx.filter_eval_shape(make, padded_width(size)))


def batches(n_samples: int, batch_size: int, n_steps: int, trial: int) -> np.ndarray:
    """Draw the rows of every step, every epoch in an order of its own; shape (steps, batch)."""
    rng = np.random.default_rng((trial, n_samples, 1))
    per_epoch = n_samples // batch_size
    orders = [
        rng.permutation(n_samples)[: per_epoch * batch_size]
        for _ in range(-(-n_steps // per_epoch))
    ]
    return np.concatenate(orders).reshape(-1, batch_size)[:n_steps].astype(np.int32)


def last_features(network: MLP, x: Float[Array, "n length"]) -> Float[Array, "n width"]:
    """Return what the last layer of an MLP sees."""
    return jax.nn.relu(network.second(jax.nn.relu(network.hidden(x.T)))).T


def evaluate(network: Any, data: Any) -> dict[str, Array]:
    """Measure errors (fractions) and losses (nats) of all parts; of an MLP neural collapse, too."""
    found = {}
    for part in ("train", "validation", "test"):
        x, labels = data[part]
        if part == "train":
            x, labels = x[data["evaluated"]], labels[data["evaluated"]]
        logits = predict(network, x, chunk_size=500)
        finite = jnp.isfinite(logits).all()
        wrong = (logits.argmax(axis=1) != labels).mean(dtype=logits.dtype)
        found[f"{part}_error"] = jnp.where(finite, wrong, jnp.nan)
        found[f"{part}_loss"] = cross_entropy(logits, labels)
        if part == "train" and isinstance(network, MLP):
            layer = network.output
            collapse = neural_collapse(last_features(network, x), labels, layer.weight, layer.bias)
            found |= collapse._asdict()
    return found


def training_of(config: Config) -> Training:
    """Return the training of a network with the weight decay that its data name."""

    def batch(data: Any, step: Array, _: Any) -> Any:
        rows = data["rows"][step]
        return jax.tree.map(lambda leaf: leaf[rows], data["train"])

    def loss(network: Any, batch: tuple[Array, Array], _: Any) -> Float[Array, ""]:
        return cross_entropy(predict(network, batch[0]), batch[1])

    return Training(
        batch=batch,
        loss=loss,
        # Weight decay is the gradient of decay / 2 times the squared length of all parameters.
        optimizer=lambda data: optax.chain(
            optax.add_decayed_weights(data["decay"]),
            optax.sgd(config.learning_rate, momentum=config.momentum),
        ),
        n_steps=config.n_steps,
        evaluate=evaluate,
        evaluate_every=config.evaluate_every,
        evaluate_first=config.evaluate_every - 1,
    )


class Trainer(OneByOne):
    """Trains networks with every weight decay; compiles every size once.

    The arrays of a network are of shape (decays, evaluations): errors and losses of the training
    samples that are evaluated, of validation and test samples, and of an MLP the fields of
    `mnist1d.measures.collapse.Collapse`.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._training, self._programs = config, training_of(config), Programs()

    def _arrays(self, task: Task, device: Any) -> Arrays:
        config, key = self._config, task.key
        architecture, size, n, trial = (
            key[name] for name in ("architecture", "size", "n_samples", "trial")
        )
        decays = np.array(key["decays"], np.float32)
        parts = samples_of(config, trial).parts
        data: dict[str, Any] = {
            name: (part.x.astype(np.float32), part.y.astype(np.int32))
            for name, part in parts.items()
        }
        # The rows decide which samples a network sees, so that all numbers share a program.
        data["rows"] = batches(n, config.batch_size, config.n_steps, trial)
        data["evaluated"] = (np.arange(config.n_evaluated) % n).astype(np.int32)
        data["decay"] = decays
        network = initial_network(architecture, size, trial)
        networks = jax.tree.map(lambda leaf: np.repeat(leaf[None], len(decays), axis=0), network)
        keys = jax.random.split(jax.random.key(0), len(decays))  # not used for random numbers
        shared = padded_width(size) if architecture == "MLP" else size
        program = self._programs.get(
            (architecture, shared, len(decays), device),
            self._training,
            networks,
            data,
            keys=keys,
            data_axes={**dict.fromkeys(data), "decay": 0},
            devices=[device],
            batched=architecture == "MLP" and size <= BATCHED_UP_TO,
        )
        metrics = program(networks, data, keys=keys).history.metrics
        return {name: np.asarray(values) for name, values in metrics.items()}
