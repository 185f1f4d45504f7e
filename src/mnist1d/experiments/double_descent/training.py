"""Training models of many sizes, each run a unit that an interrupted command need not repeat.

Sizes are independent and differ a thousandfold in work. They are spread over the devices, the
longest first. The smallest sizes, whose steps are mostly overhead, are padded with zero units to a
common size and trained as one program: it takes about as long, and is compiled once.
"""

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.dataset import Dataset
from mnist1d.execution.work import Result, Told, Work
from mnist1d.harness.settings import with_data
from mnist1d.models import CNN, MLP, count_parameters, predict
from mnist1d.models.layers import draw_layers
from mnist1d.models.padding import pad_model
from mnist1d.training import (
    RunProgram,
    Training,
    compile_runs,
    cross_entropy,
    shuffled_order,
)

PUBLISHED_DATA = DatasetConfig(
    num_samples=16_000, train_split=0.25, label_noise=0.15, label_noise_kind="published"
)
"""The set that the paper trains on."""

ARCHITECTURES: Mapping[str, Callable[..., Any]] = {
    "MLP": lambda size, key, **shape: MLP(hidden_size=size, residual=False, key=key, **shape),
    "CNN": lambda size, key, **shape: CNN(channels=size, key=key, **shape),
}
"""How a model of a size is made; `shape` may have `input_size` and `n_classes`."""

SIDE_BY_SIDE_UP_TO = 50
"""The largest size whose runs, with and without label noise, take every step together.

The matrix products of larger models fill a core; those of smaller ones are mostly overhead.
"""


class Unit(NamedTuple):
    """One training run.

    Attributes:
        size: of the model.
        noisy: whether on the labels with noise.
        seed: number of its key.
    """

    size: int
    noisy: bool
    seed: int


class Block(NamedTuple):
    """Runs of one seed that are one program.

    Attributes:
        architecture: name of the kind of model.
        sizes: the sizes; models are padded to the last one.
        noises: for every size, one run without or with label noise each.
    """

    architecture: str
    sizes: tuple[int, ...]
    noises: tuple[bool, ...]

    def units(self, seed: int) -> list[Unit]:
        """Return the runs in the order of the program."""
        return [Unit(size, noisy, seed) for size in self.sizes for noisy in self.noises]


@dataclass(frozen=True)
class Schedule:
    """How every run is trained.

    Attributes:
        n_steps: number of updates.
        batch_size: samples per batch, reshuffled every epoch.
        learning_rate: of gradient descent.
        momentum: as PyTorch has it.
    """

    n_steps: int
    batch_size: int
    learning_rate: float
    momentum: float


def blocks(
    sizes: Sequence[int], architecture: str, noises: tuple[bool, ...], together_up_to: int
) -> list[Block]:
    """Put the small sizes into one block, every other into a block of its own.

    What is in a block depends on the sizes alone, never on what is finished already: rounding may
    depend on it.

    Args:
        sizes: rising.
        architecture: passed on.
        noises: passed on.
        together_up_to: the largest size that shares a block with others.

    >>> [block.sizes for block in blocks((2, 3, 4, 9, 16, 40), "MLP", (True,), 9)]
    [(2, 3, 4, 9), (16,), (40,)]
    """
    small = tuple(size for size in sizes if size <= together_up_to)
    alone = [(size,) for size in sizes if size > together_up_to]
    return [Block(architecture, group, noises) for group in ([small] if small else []) + alone]


def work_per_step(architecture: str, size: int, batch_size: int = 100) -> float:
    """Floating-point operations of a step: what the matrix products need.

    Args:
        architecture: "MLP" or "CNN", with the inputs of MNIST-1D.
        size: hidden units or channels.
        batch_size: samples per batch.

    >>> work_per_step("CNN", 100) / work_per_step("MLP", 2) > 1000
    True
    """
    products = 3 * size**2 + 110 * size if architecture == "MLP" else 135 * size**2 + 340 * size
    return 2.0 * batch_size * products


class Task(NamedTuple):
    """The runs of a block with one seed: their results come together."""

    block: Block
    seed: int


@dataclass(frozen=True)
class SizeWork(Work[Task]):
    """Training blocks of sizes; a unit is a run.

    The arrays of a run are `train_wrong` and `test_wrong` (numbers of samples), `train_loss` and
    `test_loss` (nats), `n_parameters`, and of its block `compile_seconds` and `run_seconds`.

    Attributes:
        schedule: how every run is trained.
        data: what it is trained on, with the labels of runs with label noise.
    """

    schedule: Schedule
    data: DatasetConfig = PUBLISHED_DATA

    def start(self) -> "SizeTrainer":
        """Generate the data."""
        return SizeTrainer(generate(self.data), self.schedule)

    def keys(self, task: Task) -> Sequence[Mapping[str, Any]]:
        """Return what determines the runs, in the order of the block."""
        block, seed = task
        common = {
            "architecture": block.architecture,
            "together": list(block.sizes),
            "noises": list(block.noises),
            **vars(self.schedule),
        }
        common = with_data(common, self.data, PUBLISHED_DATA)
        return [{**common, **unit._asdict()} for unit in block.units(seed)]

    def cost(self, task: Task) -> float:
        """Return the operations of a step, padding included."""
        architecture, sizes, noises = task.block
        return len(noises) * len(sizes) * work_per_step(architecture, sizes[-1])

    def together(self, task: Task) -> Hashable:
        """Let a device train a block with all its seeds: one program."""
        return task.block


class SizeTrainer:
    """Trains blocks of sizes.

    Args:
        dataset: what they are trained on, without and with its label noise.
        schedule: how every run is trained.
    """

    def __init__(self, dataset: Dataset, schedule: Schedule) -> None:
        self._schedule = schedule
        self._n_train = n_train = len(dataset.x)
        self._shape = {
            "input_size": dataset.config.final_seq_length,
            "n_classes": dataset.config.n_classes,
        }
        # Training rows first: one pass over all rows evaluates both parts.
        self._x = np.concatenate([dataset.x, dataset.x_test]).astype(np.float32)
        self._labels = {
            noisy: np.concatenate([y, dataset.y_test]).astype(np.int32)
            for noisy, y in ((False, dataset.y_clean), (True, dataset.y))
        }
        self._orders: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()
        self._training = Training(
            batch=_batch,
            loss=_loss,
            optimizer=optax.sgd(schedule.learning_rate, momentum=schedule.momentum),
            n_steps=schedule.n_steps,
            evaluate=partial(_evaluate, n_train=n_train),
        )

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device, told: Told
    ) -> Iterator[tuple[Task, Result]]:
        """Train a block on a device, once for every seed."""
        program: RunProgram | None = None
        for number, task in enumerate(tasks, start=1):
            block, seed = task
            units = block.units(seed)
            keys = jax.random.split(jax.random.key(seed), len(units))  # nothing draws from them
            models, n_parameters = self._draw_models(block, seed)
            labels = np.stack([self._labels[unit.noisy] for unit in units])
            data = (self._x, labels, self._order(seed))
            if program is None:
                program = compile_runs(
                    self._training,
                    models,
                    data,
                    keys=keys,
                    data_axes=(None, 0, None),
                    devices=[device],
                    batched=block.sizes[-1] <= SIDE_BY_SIDE_UP_TO,
                )
            trained = program(models, data, keys=keys)
            measured = {name: values[:, 0] for name, values in trained.history.metrics.items()}
            result = [
                {name: values[row] for name, values in measured.items()}
                | {
                    "n_parameters": np.array(n_parameters[unit.size]),
                    "compile_seconds": np.array(trained.compile_seconds),
                    "run_seconds": np.array(trained.run_seconds),
                }
                for row, unit in enumerate(units)
            ]
            told(number)
            yield task, result

    def _order(self, seed: int) -> np.ndarray:
        """Draw the batches of a seed: the same for all sizes."""
        with self._lock:
            if seed not in self._orders:
                schedule = self._schedule
                key = jax.random.fold_in(jax.random.key(seed), 0)
                order = shuffled_order(
                    self._n_train, schedule.batch_size, schedule.n_steps, key=key
                )
                self._orders[seed] = np.asarray(order)
            return self._orders[seed]

    def _draw_models(self, block: Block, seed: int) -> tuple[Any, dict[int, int]]:
        """Draw the initial models of a block, padded and stacked in the order of its units.

        The weights of a size depend on it and the seed alone: with and without label noise a run
        begins at the same point.
        """
        make = partial(ARCHITECTURES[block.architecture], **self._shape)
        drawn, n_parameters = [], {}
        for size in block.sizes:
            shapes = eqx.filter_eval_shape(make, size, key=jax.random.key(0))
            model = draw_layers(shapes, np.random.default_rng((seed, size)))
            n_parameters[size] = count_parameters(model)
            drawn += [model] * len(block.noises)
        padded = [pad_model(model, drawn[-1]) for model in drawn]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *padded), n_parameters


def _batch(data: Any, step: Any, _: Any) -> Any:
    x, labels, order = data
    return x[order[step]], labels[order[step]]


def _loss(model: Any, batch: Any, _: Any) -> jax.Array:
    x, labels = batch
    return cross_entropy(predict(model, x), labels)


def _evaluate(model: Any, data: Any, *, n_train: int) -> dict[str, jax.Array]:
    """Count errors as integers: a fraction computed in float32 need not be exactly 0."""
    x, labels, _ = data
    logits = predict(model, x, chunk_size=200)
    wrong = logits.argmax(axis=1) != labels
    measured = {}
    for part, rows in (("train", slice(n_train)), ("test", slice(n_train, None))):
        measured[f"{part}_wrong"] = wrong[rows].sum(dtype=jnp.int32)
        measured[f"{part}_loss"] = cross_entropy(logits[rows], labels[rows])
    return measured
