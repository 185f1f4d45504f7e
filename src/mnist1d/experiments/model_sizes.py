"""Training models of many sizes, each run a unit that an interrupted command need not repeat.

Sizes are independent and differ a thousandfold in work. They are spread over the devices, the
longest first. The smallest sizes, whose steps are mostly overhead, are padded with zero units to a
common size and trained as one program: it takes about as long, and is compiled once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from mnist1d.dataset import Dataset
from mnist1d.experiments.units import Units
from mnist1d.models import count_parameters, predict
from mnist1d.models.layers import draw_layers
from mnist1d.models.padding import pad_model
from mnist1d.training import (
    RunProgram,
    Training,
    compile_runs,
    cross_entropy,
    longest_first,
    shuffled_order,
)

Make = Callable[..., Any]

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


class SizeTrainer:
    """Trains blocks of sizes and keeps every finished run.

    Args:
        dataset: with the labels before noise in `y_clean`.
        schedule: how every run is trained.
        makes: `(size, key=...) -> model`, by architecture.
        units: where finished runs are kept.
    """

    def __init__(
        self, dataset: Dataset, schedule: Schedule, makes: Mapping[str, Make], units: Units
    ) -> None:
        self._schedule, self._makes, self._units = schedule, makes, units
        self._n_train = n_train = len(dataset.x)
        # Training rows first: one pass over all rows evaluates both parts.
        self._x = np.concatenate([dataset.x, dataset.x_test]).astype(np.float32)
        self._labels = {
            noisy: np.concatenate([y, dataset.y_test]).astype(np.int32)
            for noisy, y in ((False, dataset.y_clean), (True, dataset.y))
        }
        self._orders: dict[int, np.ndarray] = {}
        self._training = Training(
            batch=_batch,
            loss=_loss,
            optimizer=optax.sgd(schedule.learning_rate, momentum=schedule.momentum),
            n_steps=schedule.n_steps,
            evaluate=partial(_evaluate, n_train=n_train),
        )

    def train(
        self,
        every_block: Iterable[Block],
        seeds: Sequence[int],
        report: Callable[[Block, Unit, dict[str, np.ndarray]], None],
    ) -> None:
        """Train whatever is not finished, spread over the devices.

        Args:
            every_block: the blocks.
            seeds: a block is trained once for each.
            report: told of every run, found or trained: its block, itself, and what was measured:
                `train_wrong` and `test_wrong` (numbers of samples), `train_loss` and `test_loss`
                (nats), `n_parameters`, and of its block `compile_seconds` and `run_seconds`.
        """
        tasks: list[tuple[Block, list[int]]] = []
        for block in every_block:
            missing = []
            for seed in seeds:
                found = {unit: self._load(block, unit) for unit in block.units(seed)}
                if None in found.values():
                    missing.append(seed)
                else:
                    for unit, arrays in found.items():
                        report(block, unit, arrays or {})
            if missing:
                tasks.append((block, missing))
        self.prepare({seed for _, missing in tasks for seed in missing})
        for block, unit, arrays in longest_first(tasks, self.train_block, cost=_cost):
            report(block, unit, arrays)

    def prepare(self, seeds: Iterable[int]) -> None:
        """Draw the batches of seeds: the same for all sizes."""
        schedule = self._schedule
        for seed in sorted(seeds):
            key = jax.random.fold_in(jax.random.key(seed), 0)
            order = shuffled_order(self._n_train, schedule.batch_size, schedule.n_steps, key=key)
            self._orders[seed] = np.asarray(order)

    def train_block(
        self, task: tuple[Block, list[int]], device: jax.Device
    ) -> Iterator[tuple[Block, Unit, dict[str, np.ndarray]]]:
        """Train a block on a device, once for every seed; the seeds have been prepared."""
        block, seeds = task
        program: RunProgram | None = None
        for seed in seeds:
            units = block.units(seed)
            keys = jax.random.split(jax.random.key(seed), len(units))  # nothing draws from them
            models, n_parameters = self._draw_models(block, seed)
            labels = np.stack([self._labels[unit.noisy] for unit in units])
            data = (self._x, labels, self._orders[seed])
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
            for row, unit in enumerate(units):
                arrays = {name: values[row] for name, values in measured.items()} | {
                    "n_parameters": np.array(n_parameters[unit.size]),
                    "compile_seconds": np.array(trained.compile_seconds),
                    "run_seconds": np.array(trained.run_seconds),
                }
                self._units.save(arrays, **self._key(block, unit))
                yield block, unit, arrays

    def _draw_models(self, block: Block, seed: int) -> tuple[Any, dict[int, int]]:
        """Draw the initial models of a block, padded and stacked in the order of its units.

        The weights of a size depend on it and the seed alone: with and without label noise a run
        begins at the same point.
        """
        make = self._makes[block.architecture]
        drawn, n_parameters = [], {}
        for size in block.sizes:
            shapes = eqx.filter_eval_shape(make, size, key=jax.random.key(0))
            model = draw_layers(shapes, np.random.default_rng((seed, size)))
            n_parameters[size] = count_parameters(model)
            drawn += [model] * len(block.noises)
        padded = [pad_model(model, drawn[-1]) for model in drawn]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *padded), n_parameters

    def _load(self, block: Block, unit: Unit) -> dict[str, np.ndarray] | None:
        return self._units.load(**self._key(block, unit))

    def _key(self, block: Block, unit: Unit) -> dict[str, Any]:
        return {
            "architecture": block.architecture,
            "together": list(block.sizes),
            "noises": list(block.noises),
            **unit._asdict(),
            **vars(self._schedule),
        }


def _cost(task: tuple[Block, list[int]]) -> float:
    (architecture, sizes, noises), seeds = task
    return len(seeds) * len(noises) * len(sizes) * work_per_step(architecture, sizes[-1])


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
