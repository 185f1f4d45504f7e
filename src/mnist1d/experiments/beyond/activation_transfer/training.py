"""Training of networks of all sizes with every function, one compiled program per network."""

from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from mnist1d.dataset import fresh_samples, generate
from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.experiments.beyond.activation_transfer.config import FUNCTIONS, KNOWN, Config
from mnist1d.experiments.beyond.activation_transfer.learning import GRID, MODELS, rng_of
from mnist1d.models import predict
from mnist1d.models.activations import ACTIVATIONS, Equipped
from mnist1d.models.layers import draw_layers
from mnist1d.models.scalar_network import LearnedFunction
from mnist1d.training import Programs, Training, accuracy, cross_entropy, sequential_batch

MEASURES = ("validation_accuracy", "test_accuracy")
N_VALIDATION, VALIDATION_SEED = 2000, 1
N_TEST, TEST_SEED = 10_000, 2

SETTINGS: dict[str, dict[str, dict[str, int]]] = {
    "MLP": {
        "table-1": {},
        "2-times-as-wide": {"hidden_size": 200},
        "4-times-as-wide": {"hidden_size": 400},
        "1-layer-more": {"depth": 3},
        "2-layers-more": {"depth": 4},
    },
    "CNN": {
        "table-1": {},
        "2-times-as-wide": {"channels": 50},
        "4-times-as-wide": {"channels": 100},
        "1-layer-more": {"depth": 4},
        "2-layers-more": {"depth": 5},
    },
}
"""Arguments of every network."""

COSTS = {
    "MLP": dict(zip(SETTINGS["MLP"], (1.0, 2.5, 8.0, 1.5, 2.0), strict=True)),
    "CNN": dict(zip(SETTINGS["CNN"], (3.0, 7.0, 20.0, 4.0, 5.0), strict=True)),
}
"""Time of training a network, in any unit."""


def initial_network(architecture: str, size: str, seed: int, *, tuning: bool) -> Any:
    """Draw initial weights, the same for all functions and rates."""
    make, settings = MODELS[architecture], SETTINGS[architecture][size]
    shapes = eqx.filter_eval_shape(lambda key: make(**settings, key=key), jax.random.key(0))
    return draw_layers(shapes, rng_of(seed, 2, tuning=tuning))


def training_of(config: Config) -> Training:
    """Return the training of a network with the function and the rate that its data name."""

    def equip(network: Any, data: Any) -> Equipped:
        learned = [LearnedFunction(terms, GRID).__call__ for terms in data["terms"]]
        functions = [*(ACTIVATIONS[name] for name in KNOWN), *learned]
        return Equipped(network, lambda x: jax.lax.switch(data["choice"], functions, x))

    def batch(data: Any, step: Any, _: Any) -> Any:
        return data, sequential_batch(data["train"], step, config.batch_size)

    def loss(network: Any, batch: Any, _: Any) -> Array:
        data, (x, labels) = batch
        return cross_entropy(predict(equip(network, data), x), labels)

    def evaluate(network: Any, data: Any) -> dict[str, Array]:
        # Together, as every prediction compiles all functions once more.
        x, labels = data["evaluated"]
        logits = predict(equip(network, data), x, chunk_size=200)
        parts = {"validation": slice(N_VALIDATION), "test": slice(N_VALIDATION, None)}
        return {
            f"{name}_accuracy": accuracy(logits[rows], labels[rows]) for name, rows in parts.items()
        }

    return Training(
        batch=batch,
        loss=loss,
        optimizer=lambda data: optax.adam(lambda step: data["rate"] * _left(step, config.n_steps)),
        n_steps=config.n_steps,
        evaluate=evaluate,
    )


def _left(step: Array, n_steps: int) -> Array:
    """Return the share of the learning rate that is left at a step: a cosine."""
    return (1 + jnp.cos(jnp.pi * step.astype(jnp.float32) / n_steps)) / 2


class Trainer:
    """Trains a network with every function; compiles it once for every device.

    The arrays of a network are `validation_accuracy` and `test_accuracy` (fractions), both of shape
    (functions,); NaN where a training diverged.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._training, self._programs = training_of(config), Programs()
        dataset = generate(config.data)
        validation = fresh_samples(dataset, N_VALIDATION, seed=VALIDATION_SEED)
        test = fresh_samples(dataset, N_TEST, seed=TEST_SEED)
        parts = {
            "train": (dataset.x, dataset.y),
            "evaluated": tuple(map(np.concatenate, zip(validation, test, strict=True))),
        }
        self._data = {
            name: (x.astype(np.float32), y.astype(np.int32)) for name, (x, y) in parts.items()
        }

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train networks on a device, one after the other."""
        for number, task in enumerate(tasks, start=1):
            arrays = self._train(task, device)
            on_step(number)
            yield task, arrays

    def _train(self, task: Task, device: Any) -> Arrays:
        architecture, size = task.labels["architecture"], task.labels["size"]
        tuning, n_runs = task.key["tuning"], len(FUNCTIONS)
        network = initial_network(architecture, size, task.labels["seed"], tuning=tuning)
        networks = jax.tree.map(lambda leaf: np.repeat(leaf[None], n_runs, axis=0), network)
        own = {
            "choice": np.arange(n_runs, dtype=np.int32),
            "rate": np.array(task.key["rates"], np.float32),
        }
        data = {**self._data, **own, "terms": task.inputs["terms"]}
        keys = jax.random.split(jax.random.key(0), n_runs)  # not used for random numbers
        program = self._programs.get(
            (architecture, size, device),
            self._training,
            networks,
            data,
            keys=keys,
            data_axes=dict.fromkeys(data) | dict.fromkeys(own, 0),
            devices=[device],
            batched=False,
        )
        metrics = program(networks, data, keys=keys).history.metrics
        return {name: metrics[name][:, 0] for name in MEASURES}
