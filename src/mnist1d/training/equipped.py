"""Training of a network with every activation function, known and learned, as one program."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from mnist1d.execution.task import Arrays, OnStep, Task, one_by_one
from mnist1d.models import predict
from mnist1d.models.activations import ACTIVATIONS, Equipped
from mnist1d.models.scalar_network import Grid, LearnedFunction
from mnist1d.training.batching import sequential_batch
from mnist1d.training.loop import Training
from mnist1d.training.losses import accuracy, cross_entropy
from mnist1d.training.runs import Programs

PARTS = ("validation", "test")
MEASURES = tuple(f"{part}_accuracy" for part in PARTS)
"""What evaluations measure: fractions."""


def equipped_training(
    known: Sequence[str],
    grid: Grid,
    *,
    optimizer: Callable[[Any], optax.GradientTransformation],
    batch_size: int,
    n_steps: int,
    evaluate_every: int = 0,
) -> Training:
    """Return the training of a network with the function and the rate that its data name.

    The data hold `train`, `validation` and `test` (signals and labels each), `terms` (the tables of
    the learned functions, shape (learned, cells, 4)), `choice` (the place of the function among the
    known and then the learned ones) and `rate`. Evaluations measure `MEASURES`.

    Args:
        known: functions by their names in `models.activations.ACTIVATIONS`.
        grid: cells of the tables.
        optimizer: `learning rate -> optimiser`.
        batch_size: samples per batch, in stored order.
        n_steps: number of updates.
        evaluate_every: steps between evaluations; 0 for one at the end.

    >>> training = equipped_training(["relu", "tanh"], Grid(16.0, 64), optimizer=optax.adam,
    ...                              batch_size=10, n_steps=5, evaluate_every=2)
    >>> training.evaluation_steps.tolist()
    [0, 2, 4]
    """

    def equip(network: Any, data: Any) -> Equipped:
        learned = [LearnedFunction(terms, grid).__call__ for terms in data["terms"]]
        functions = [*(ACTIVATIONS[name] for name in known), *learned]
        return Equipped(network, lambda x: jax.lax.switch(data["choice"], functions, x))

    def batch(data: Any, step: Any, _: Any) -> Any:
        return data, sequential_batch(data["train"], step, batch_size)

    def loss(network: Any, batch: Any, _: Any) -> Array:
        data, (x, labels) = batch
        return cross_entropy(predict(equip(network, data), x), labels)

    def evaluate(network: Any, data: Any) -> dict[str, Array]:
        # Together, as every prediction compiles all functions once more.
        x = jnp.concatenate([data[part][0] for part in PARTS])
        logits = predict(equip(network, data), x, chunk_size=200)
        own = jnp.split(logits, [len(data[PARTS[0]][1])])
        return {
            name: accuracy(each, data[part][1])
            for name, part, each in zip(MEASURES, PARTS, own, strict=True)
        }

    return Training(
        batch=batch,
        loss=loss,
        optimizer=lambda data: optimizer(data["rate"]),
        n_steps=n_steps,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
    )


class EquippedTrainer:
    """Trains networks with every function; compiles every network once.

    A task's key has `rates`, the learning rate of every function, and its inputs have `terms`. The
    arrays of a network are `validation_accuracy` and `test_accuracy` (fractions), NaN where a
    training diverged; both of shape (functions, evaluations), or (functions,) if
    `training.evaluate_every` is 0.

    Args:
        training: of `equipped_training`.
        samples: `train`, `validation` and `test`, signals and labels each.
        initial_network: `task -> network` with its initial weights, the same for all functions.
    """

    def __init__(
        self,
        training: Training,
        samples: Mapping[str, tuple[np.ndarray, np.ndarray]],
        initial_network: Callable[[Task], Any],
    ) -> None:
        self._training, self._programs = training, Programs()
        self._initial_network = initial_network
        self._samples = {
            part: (x.astype(np.float32), y.astype(np.int32)) for part, (x, y) in samples.items()
        }

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train networks on a device, one after the other."""
        return one_by_one(tasks, lambda task: self._train(task, device), on_step)

    def _train(self, task: Task, device: Any) -> Arrays:
        network, rates = self._initial_network(task), np.array(task.key["rates"], np.float32)
        n_runs = len(rates)
        networks = jax.tree.map(lambda leaf: np.repeat(leaf[None], n_runs, axis=0), network)
        own = {"choice": np.arange(n_runs, dtype=np.int32), "rate": rates}
        data = {**self._samples, **own, "terms": task.inputs["terms"]}
        keys = jax.random.split(jax.random.key(0), n_runs)  # not used for random numbers
        leaves, structure = jax.tree.flatten(network)
        program = self._programs.get(
            (structure, *map(np.shape, leaves), device),
            self._training,
            networks,
            data,
            keys=keys,
            data_axes=dict.fromkeys(data) | dict.fromkeys(own, 0),
            devices=[device],
            batched=False,
        )
        metrics = program(networks, data, keys=keys).history.metrics
        evaluations = np.s_[:] if self._training.evaluate_every else 0
        return {name: metrics[name][:, evaluations] for name in MEASURES}
