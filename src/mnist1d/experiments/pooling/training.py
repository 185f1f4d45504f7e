"""Training the variants of the pooling experiment on sets of many sizes.

The training sets of a trial lie end to end in one array, and a run is told where its own begins and
how long it is. So one compiled program serves all sizes of a variant. Runs are independent; they
are spread over the devices, and each is a unit that an interrupted command need not repeat.
"""

import math
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.work import Result, Told, Work
from mnist1d.experiments.classification.method import EXPLODED
from mnist1d.harness.settings import PUBLISHED_DATA, with_data
from mnist1d.models import PoolingCNN, count_parameters, predict
from mnist1d.models.layers import draw_layers
from mnist1d.stream.stream import Stream
from mnist1d.training import (
    RunProgram,
    Trained,
    Training,
    accuracy,
    compile_runs,
    cross_entropy,
)

N_TEST = 1000
"""Test samples of every set."""

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

MOST_TRAINING_SAMPLES = 50_000
"""Of larger training sets, the training accuracy is that on so many of the first samples."""

# Larger pieces leave the core's cache.
_EVALUATED_TOGETHER = 200

COSTS = {"no_pool": 54.0, "l2_pool": 32.0, "max_pool": 31.0, "avg_pool": 27.0, "stride_2": 15.0}
"""How long a step of a variant takes, in any unit: the longest are begun first."""


@dataclass(frozen=True)
class Schedule:
    """How every run is trained: the published loop, PAPER section C.1.

    Attributes:
        n_steps: number of updates.
        batch_size: samples per batch, in stored order; divides every size.
        learning_rate: of Adam.
        evaluate_every: steps between evaluations on the test set.
    """

    n_steps: int
    batch_size: int
    learning_rate: float
    evaluate_every: int

    def training(self) -> Training:
        """Return the loop."""

        def batch(data: Any, step: Any, _: Any) -> Any:
            start = data["first"] + step % (data["n"] // self.batch_size) * self.batch_size
            return tuple(
                jax.lax.dynamic_slice_in_dim(data[part], start, self.batch_size) for part in "xy"
            )

        return Training(
            batch=batch,
            loss=lambda model, batch, _: cross_entropy(predict(model, batch[0]), batch[1]),
            optimizer=optax.adam(self.learning_rate),
            n_steps=self.n_steps,
            evaluate=_evaluate,
            evaluate_every=self.evaluate_every,
        )


class Sets(NamedTuple):
    """All sets of one trial.

    Attributes:
        x: training signals of all sizes, one set after the other, float32, shape (rows, length).
        y: their labels, int32, shape (rows,).
        x_test: test signals of every size, float32, shape (sizes, N_TEST, length).
        y_test: their labels, int32, shape (sizes, N_TEST).
        places: size -> index of the size and first row of its training set.
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    places: Mapping[int, tuple[int, int]]


def make_sets(
    sizes: Sequence[int],
    stream_sizes: Sequence[int],
    trial: int,
    data: DatasetConfig = PUBLISHED_DATA,
) -> Sets:
    """Generate the sets of a trial.

    Args:
        sizes: training samples of sets from the published stream, each with a test set of its own.
        stream_sizes: of sets that are the first samples of one native stream, with a common test
            set from beyond them all.
        trial: from 0; the seed of all its sets is `FIRST_SEED + trial`.
        data: everything else about the sets.

    Source: PAPER section 8.1.

    >>> sets = make_sets((1000, 2000), (5000, 6000), trial=0)
    >>> sets.x.shape, sets.x_test.shape, sets.places[6000]
    ((9000, 40), (4, 1000, 40), (3, 3000))
    """
    config = data.replace(seed=FIRST_SEED + trial)

    def generated(size: int) -> tuple[np.ndarray, ...]:
        made = generate(config, train=size, test=N_TEST)
        return made.x, made.y, made.x_test, made.y_test

    def streamed() -> list[tuple[np.ndarray, ...]]:
        if not stream_sizes:
            return []
        x, y = Stream(config).samples(0, max(stream_sizes) + N_TEST)
        return [(x[:-N_TEST], y[:-N_TEST], x[-N_TEST:], y[-N_TEST:])]

    with ThreadPoolExecutor() as pool:
        # The stream first, as it takes longest.
        stream = pool.submit(streamed)
        parts = list(pool.map(generated, sizes)) + stream.result()
    places = {size: (rank, sum(sizes[:rank])) for rank, size in enumerate(sizes)}
    places |= {size: (len(sizes) + rank, sum(sizes)) for rank, size in enumerate(stream_sizes)}
    n_copies = [1] * len(sizes) + [len(stream_sizes)] * bool(stream_sizes)
    x, y, x_test, y_test = zip(*parts, strict=True)
    return Sets(
        np.concatenate(x, dtype=np.float32, casting="same_kind"),
        np.concatenate(y, dtype=np.int32, casting="same_kind"),
        np.repeat(np.stack(x_test).astype(np.float32), n_copies, axis=0),
        np.repeat(np.stack(y_test).astype(np.int32), n_copies, axis=0),
        places,
    )


class Run(NamedTuple):
    """One network to be trained.

    Attributes:
        variant: of `PoolingCNN`.
        size: number of training samples.
        trial: gives initial weights and data.
    """

    variant: str
    size: int
    trial: int


def initial_model(variant: str, trial: int, data: DatasetConfig = PUBLISHED_DATA) -> PoolingCNN:
    """Draw the initial weights of a trial, whatever the training set.

    All variants have the same convolutions, and those that halve the length the same affine map.

    >>> first, second = (initial_model(name, trial=0) for name in ("no_pool", "max_pool"))
    >>> bool((first.convolutions[1].weight == second.convolutions[1].weight).all())
    True
    """
    shapes = eqx.filter_eval_shape(
        PoolingCNN,
        variant,
        data.final_seq_length,
        n_classes=data.n_classes,
        key=jax.random.key(0),
    )
    model: PoolingCNN = draw_layers(shapes, np.random.default_rng((trial, 0)))
    return model


@dataclass(frozen=True)
class VariantWork(Work[Run]):
    """Training variants on sets of any size; a unit is a run.

    The arrays of a run are `test_accuracy` and `test_loss` (nats) of every evaluation, and numbers:
    `train_accuracy` after the last step, `diverged` (a training loss was not finite or beyond
    `EXPLODED`), `n_parameters`, `run_seconds`, and of its program `compile_seconds`.

    Attributes:
        schedule: how every run is trained.
        sizes: training samples of the sets from the published stream.
        stream_sizes: of those from the native stream.
        data: what the sets are made of.
    """

    schedule: Schedule
    sizes: tuple[int, ...]
    stream_sizes: tuple[int, ...]
    data: DatasetConfig = PUBLISHED_DATA

    def start(self) -> "VariantTrainer":
        """Return what trains; the sets are made when they are needed."""
        return VariantTrainer(self)

    def keys(self, task: Run) -> Sequence[Mapping[str, Any]]:
        """Return what determines a run."""
        return [with_data({**task._asdict(), **vars(self.schedule)}, self.data)]

    def cost(self, task: Run) -> float:
        """Return how long a step takes."""
        return COSTS[task.variant]

    def phase(self, task: Run) -> int:
        """Let trials begin one after the other, as their sets are held in memory."""
        return task.trial

    def together(self, task: Run) -> Hashable:
        """Let a device train a variant on all sets of a trial, so that it compiles few programs."""
        return task.variant, task.trial


class VariantTrainer:
    """Trains variants; compiles each once for every device, whatever the sizes and the trials.

    Args:
        work: what is to be trained.
    """

    def __init__(self, work: VariantWork) -> None:
        self._data = work.data
        self._training = work.schedule.training()
        self._programs: dict[tuple[str, jax.Device], RunProgram] = {}
        self._lock = threading.Lock()
        # As many trials as devices are at work on.
        most = 1 + math.ceil(jax.device_count() / len(COSTS))
        self._sets = lru_cache(most)(
            lambda trial: make_sets(work.sizes, work.stream_sizes, trial, work.data)
        )

    def __call__(
        self, tasks: Sequence[Run], device: jax.Device, told: Told
    ) -> Iterator[tuple[Run, Result]]:
        """Train runs on a device, one after the other."""
        for number, run in enumerate(tasks, start=1):
            with self._lock:
                sets = self._sets(run.trial)
            arrays = _measured(self._train_one(run, sets, device), run, sets)
            told(number)
            yield run, [arrays]

    def _train_one(self, run: Run, sets: Sets, device: jax.Device) -> Trained:
        models = jax.tree.map(
            lambda leaf: leaf[None], initial_model(run.variant, run.trial, self._data)
        )
        keys = jax.random.split(jax.random.key(run.trial), 1)  # nothing is drawn from it
        which, first = sets.places[run.size]
        own = {"which": which, "first": first, "n": run.size}
        data = {name: getattr(sets, name) for name in ("x", "y", "x_test", "y_test")}
        axes = dict.fromkeys(data) | dict.fromkeys(own, 0)
        data |= {name: np.array([value], np.int32) for name, value in own.items()}
        place = run.variant, device
        if place not in self._programs:
            self._programs[place] = compile_runs(
                self._training,
                models,
                data,
                keys=keys,
                data_axes=axes,
                devices=[device],
                batched=False,
            )
        return self._programs[place](models, data, keys=keys)


def _measured(trained: Trained, run: Run, sets: Sets) -> dict[str, np.ndarray]:
    model = jax.tree.map(lambda leaf: leaf[0], trained.models)
    n = min(run.size, MOST_TRAINING_SAMPLES)
    first = sets.places[run.size][1]
    x, labels = (part[first : first + n] for part in (sets.x, sets.y))
    # In pieces, so that sizes share a program.
    n_correct = sum(
        int(_count_correct(model, x[start : start + N_TEST], labels[start : start + N_TEST]))
        for start in range(0, n, N_TEST)
    )
    losses, metrics = trained.history
    return {name: values[0] for name, values in metrics.items()} | {
        "train_accuracy": np.array(n_correct / n),
        "diverged": np.array(not (losses < EXPLODED).all()),
        "n_parameters": np.array(count_parameters(model)),
        "run_seconds": np.array(trained.run_seconds),
        "compile_seconds": np.array(trained.compile_seconds),
    }


@eqx.filter_jit
def _count_correct(model: PoolingCNN, x: Any, labels: Any) -> jax.Array:
    logits = predict(model, x, chunk_size=_EVALUATED_TOGETHER)
    return (logits.argmax(axis=1) == labels).sum(dtype=jnp.int32)


def _evaluate(model: PoolingCNN, data: Any) -> dict[str, jax.Array]:
    x, labels = data["x_test"][data["which"]], data["y_test"][data["which"]]
    logits = predict(model, x, chunk_size=_EVALUATED_TOGETHER)
    return {"test_accuracy": accuracy(logits, labels), "test_loss": cross_entropy(logits, labels)}
