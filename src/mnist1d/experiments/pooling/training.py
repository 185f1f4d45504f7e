"""Training of the variants on sets of many sizes, with one compiled program per variant.

The training sets of a trial are concatenated to one array, and the first row and the length of a
run's own set are inputs of the program.
"""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from mnist1d.dataset import generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OnStep, Task, one_by_one
from mnist1d.experiments.pooling.config import Config
from mnist1d.harness.settings import PUBLISHED_DATA
from mnist1d.models import PoolingCNN, count_parameters, predict
from mnist1d.models.layers import draw_layers
from mnist1d.stream import Stream
from mnist1d.training import Programs, Trained, Training, accuracy, cross_entropy
from mnist1d.training.supervised import DIVERGED

N_TEST = 1000
"""Test samples of every set."""

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

MOST_TRAINING_SAMPLES = 50_000
"""The training accuracy on larger sets is that on this number of their first samples."""

# Larger pieces do not fit a core's cache.
_EVALUATED_TOGETHER = 200

COSTS = {"no_pool": 54.0, "l2_pool": 32.0, "max_pool": 31.0, "avg_pool": 27.0, "stride_2": 15.0}
"""Time of a step of a variant, in any unit: the longest are begun first."""


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
        sizes: training samples of sets from the published stream, each with its own test set.
        stream_sizes: training samples of sets that are the first ones of one native stream, with a
            common test set after them all.
        trial: from 0; the seed of all its sets is `FIRST_SEED + trial`.
        data: the other parameters of the sets.

    Source: Greydanus & Kobak (2024), the notebook of section 5.6.

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


def initial_model(variant: str, trial: int, data: DatasetConfig = PUBLISHED_DATA) -> PoolingCNN:
    """Draw the initial weights of a trial, the same for all training sets.

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


class Trainer:
    """Trains networks; compiles each variant once, for all sizes and trials.

    The arrays of a network are `test_accuracy` and `test_loss` (nats) of every evaluation, and
    numbers: `train_accuracy` after the last step, `diverged` (a training loss was not finite or
    above `DIVERGED`), `n_parameters`, `run_seconds`, and of its program `compile_seconds`.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._training = config, published_training(config)
        self._programs, self._lock = Programs(), threading.Lock()
        # The number of trials that the devices work on at a time.
        most = 1 + math.ceil(jax.device_count() / len(COSTS))
        self._sets = lru_cache(most)(
            lambda trial: make_sets(config.sizes, config.stream_sizes, trial, config.data)
        )

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train networks on a device, one after the other."""

        def measure(task: Task) -> Arrays:
            with self._lock:
                sets = self._sets(task.labels["seed"])
            return _measured(self._train(task, sets, device), sets, task.labels["n_samples"])

        return one_by_one(tasks, measure, on_step)

    def _train(self, task: Task, sets: Sets, device: Any) -> Trained:
        variant, size, trial = (task.labels[name] for name in ("variant", "n_samples", "seed"))
        model = initial_model(variant, trial, self._config.data)
        models = jax.tree.map(lambda leaf: leaf[None], model)
        keys = jax.random.split(jax.random.key(trial), 1)  # not used for random numbers
        which, first = sets.places[size]
        own = {"which": which, "first": first, "n": size}
        data = {name: getattr(sets, name) for name in ("x", "y", "x_test", "y_test")}
        axes = dict.fromkeys(data) | dict.fromkeys(own, 0)
        data |= {name: np.array([value], np.int32) for name, value in own.items()}
        program = self._programs.get(
            (variant, device),
            self._training,
            models,
            data,
            keys=keys,
            data_axes=axes,
            devices=[device],
            batched=False,
        )
        return program(models, data, keys=keys)


def published_training(config: Config) -> Training:
    """Return the published training, for a set that is a part of concatenated ones."""

    def batch(data: Any, step: Any, _: Any) -> Any:
        n_batches = data["n"] // config.batch_size
        start = data["first"] + step % n_batches * config.batch_size
        return tuple(
            jax.lax.dynamic_slice_in_dim(data[part], start, config.batch_size) for part in "xy"
        )

    def batch_around(data: Any, step: Any, _: Any) -> Any:
        # They repeat after n at the latest.
        start = step % data["n"] * config.batch_size % data["n"]
        rows = data["first"] + (start + jnp.arange(config.batch_size)) % data["n"]
        return tuple(jnp.take(data[part], rows, axis=0) for part in "xy")

    fits = not any(size % config.batch_size for size in config.all_sizes)
    return Training(
        batch=batch if fits else batch_around,
        loss=lambda model, batch, _: cross_entropy(predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(config.learning_rate),
        n_steps=config.n_steps,
        evaluate=_evaluate,
        evaluate_every=config.evaluate_every,
    )


def _measured(trained: Trained, sets: Sets, size: int) -> dict[str, np.ndarray]:
    model = jax.tree.map(lambda leaf: leaf[0], trained.models)
    n = min(size, MOST_TRAINING_SAMPLES)
    first = sets.places[size][1]
    x, labels = (part[first : first + n] for part in (sets.x, sets.y))
    # In pieces, so that sizes share a program.
    n_correct = sum(
        int(_count_correct(model, x[start : start + N_TEST], labels[start : start + N_TEST]))
        for start in range(0, n, N_TEST)
    )
    losses, metrics = trained.history
    return {name: values[0] for name, values in metrics.items()} | {
        "train_accuracy": np.array(n_correct / n),
        "diverged": np.array(not (losses < DIVERGED).all()),
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
