"""Training of models of one size, or of several small sizes as one program.

The work of sizes differs by a factor of a thousand. The smallest, whose steps are mostly overhead,
are padded with zero units to a common size and trained as one program, which takes about as long
and is compiled once.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import product
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.experiments.double_descent.config import Config
from mnist1d.models import CNN, MLP, count_parameters, predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import Programs, Training, cross_entropy, shuffled_order
from mnist1d.training.padding import pad_model

ARCHITECTURES: Mapping[str, Callable[..., Any]] = {
    "MLP": lambda size, key, **shape: MLP(hidden_size=size, residual=False, key=key, **shape),
    "CNN": lambda size, key, **shape: CNN(channels=size, key=key, **shape),
}
"""Constructors of a model of a size; `shape` may have `input_size` and `n_classes`."""

PADDED_UP_TO: Mapping[str, int] = {"MLP": 16, "CNN": 6}
"""The largest size that shares its program with others: above, padding costs more than it saves.

On two cores of an AMD EPYC a step of the MLPs of 2 to 12 units takes 245 us as one program and 248
us as seven.
"""

BATCHED_UP_TO = 50
"""The largest size whose runs, with and without label noise, take every step together.

The matrix products of larger models use a whole core; those of smaller ones are mostly overhead.
"""


def sizes_together(size: int, sizes: Sequence[int], padded_up_to: int) -> tuple[int, ...]:
    """Return the sizes that share a program with a size, itself included.

    They depend on the sizes alone, not on stored results, as rounding may depend on them.

    Args:
        size: one of `sizes`.
        sizes: rising.
        padded_up_to: the largest size that shares its program with others.

    >>> [sizes_together(size, (2, 3, 4, 9, 16), padded_up_to=4) for size in (3, 4, 9)]
    [(2, 3, 4), (2, 3, 4), (9,)]
    """
    if size > padded_up_to:
        return (size,)
    return tuple(each for each in sizes if each <= padded_up_to)


def work_per_step(architecture: str, size: int, batch_size: int = 100) -> float:
    """Return the number of floating-point operations of the matrix products of a step.

    Args:
        architecture: "MLP" or "CNN", with the inputs of MNIST-1D.
        size: hidden units or channels.
        batch_size: samples per batch.

    >>> work_per_step("CNN", 100) / work_per_step("MLP", 2) > 1000
    True
    """
    products = 3 * size**2 + 110 * size if architecture == "MLP" else 135 * size**2 + 340 * size
    return 2.0 * batch_size * products


class Trainer:
    """Trains the runs that share a program, one seed after the other.

    The arrays of a run are `train_wrong` and `test_wrong` (numbers of samples), `train_loss` and
    `test_loss` (nats), `n_parameters`, and of its program `compile_seconds` and `run_seconds`.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        dataset = generate(config.data)
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
        self._order = cache(partial(_draw_order, config, len(dataset.x)))
        self._lock = threading.Lock()
        self._training = Training(
            batch=_batch,
            loss=_loss,
            optimizer=optax.sgd(config.learning_rate, momentum=config.momentum),
            n_steps=config.n_steps,
            evaluate=partial(_evaluate, n_train=len(dataset.x)),
        )

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train the runs of tasks that share a program, on a device.

        All runs of the program are trained, even if only some are needed, as rounding may differ.
        """
        n_done = 0
        # Kept for these tasks alone, as no others share it.
        programs = Programs()
        for seed in sorted({task.key["seed"] for task in tasks}):
            wanted = [task for task in tasks if task.key["seed"] == seed]
            trained = self._train(wanted[0].key, device, programs)
            n_done += len(wanted)
            on_step(n_done)
            for task in wanted:
                yield task, trained[task.key["size"], task.key["noisy"]]

    def _train(
        self, key: Mapping[str, Any], device: Any, programs: Programs
    ) -> dict[tuple[int, bool], Arrays]:
        """Train all runs of a run's program; return arrays by size and label noise."""
        architecture, sizes, seed = key["architecture"], tuple(key["together"]), key["seed"]
        runs = list(product(sizes, key["noises"]))
        keys = jax.random.split(jax.random.key(seed), len(runs))  # not used for random numbers
        models, n_parameters = self._initial_models(architecture, runs, seed)
        with self._lock:
            order = self._order(seed)
        data = (self._x, np.stack([self._labels[noisy] for _, noisy in runs]), order)
        program = programs.get(
            (architecture, sizes, device),
            self._training,
            models,
            data,
            keys=keys,
            data_axes=(None, 0, None),
            devices=[device],
            batched=sizes[-1] <= BATCHED_UP_TO,
        )
        trained = program(models, data, keys=keys)
        return {
            run: {name: values[row, 0] for name, values in trained.history.metrics.items()}
            | {
                "n_parameters": np.array(n_parameters[run[0]]),
                "compile_seconds": np.array(trained.compile_seconds),
                "run_seconds": np.array(trained.run_seconds),
            }
            for row, run in enumerate(runs)
        }

    def _initial_models(
        self, architecture: str, runs: Sequence[tuple[int, bool]], seed: int
    ) -> tuple[Any, dict[int, int]]:
        """Draw the initial models of runs, padded and stacked; and count parameters by size.

        The weights depend on size and seed alone, and so are the same with and without label noise.
        """
        make = partial(ARCHITECTURES[architecture], **self._shape)
        drawn = {}
        for size in sorted({size for size, _ in runs}):
            shapes = eqx.filter_eval_shape(make, size, key=jax.random.key(0))
            drawn[size] = draw_layers(shapes, np.random.default_rng((seed, size)))
        padded = [pad_model(drawn[size], drawn[max(drawn)]) for size, _ in runs]
        n_parameters = {size: count_parameters(model) for size, model in drawn.items()}
        return jax.tree.map(lambda *leaves: np.stack(leaves), *padded), n_parameters


def _draw_order(config: Config, n_train: int, seed: int) -> np.ndarray:
    """Draw the batches of a seed, the same for all sizes."""
    key = jax.random.fold_in(jax.random.key(seed), 0)
    return np.asarray(shuffled_order(n_train, config.batch_size, config.n_steps, key=key))


def _batch(data: Any, step: Any, _: Any) -> Any:
    x, labels, order = data
    return x[order[step]], labels[order[step]]


def _loss(model: Any, batch: Any, _: Any) -> jax.Array:
    x, labels = batch
    return cross_entropy(predict(model, x), labels)


def _evaluate(model: Any, data: Any, *, n_train: int) -> dict[str, jax.Array]:
    """Count errors as integers, as a fraction computed in float32 may not be exactly 0."""
    x, labels, _ = data
    logits = predict(model, x, chunk_size=200)
    wrong = logits.argmax(axis=1) != labels
    measured = {}
    for part, rows in (("train", slice(n_train)), ("test", slice(n_train, None))):
        measured[f"{part}_wrong"] = wrong[rows].sum(dtype=jnp.int32)
        measured[f"{part}_loss"] = cross_entropy(logits[rows], labels[rows])
    return measured
