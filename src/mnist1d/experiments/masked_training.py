"""Training many masked networks of one shape, as lottery tickets need it."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import optax

from mnist1d.dataset import Dataset
from mnist1d.models import MLP, MaskedMLP, predict
from mnist1d.training import (
    RunProgram,
    Trained,
    Training,
    accuracy,
    compile_runs,
    cross_entropy,
    sequential_batch,
)


def masked_training(
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    evaluate_every: int,
    *,
    keep_weights: bool = False,
) -> Training:
    """Return the published loop: Adam, batches in stored order, test accuracy and loss.

    Args:
        n_steps: number of updates.
        batch_size: samples per batch; divides the number of training samples.
        learning_rate: of Adam.
        evaluate_every: steps between evaluations.
        keep_weights: whether an evaluation keeps the network, too.

    Source: PAPER section C.1.
    """

    def loss(model: Any, batch: Any, key: Any) -> jax.Array:  # noqa: ARG001
        return cross_entropy(predict(model, batch[0]), batch[1])

    def evaluate(model: Any, data: Any) -> dict[str, Any]:
        logits, labels = predict(model, data["test"][0]), data["test"][1]
        measured: dict[str, Any] = {
            "test_accuracy": accuracy(logits, labels),
            "test_loss": cross_entropy(logits, labels),
        }
        return measured | ({"weights": model.network} if keep_weights else {})

    return Training(
        batch=lambda data, step, _: sequential_batch(data["train"], step, batch_size),
        loss=loss,
        optimizer=optax.adam(learning_rate),
        n_steps=n_steps,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
    )


def as_arrays(dataset: Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return training and test part in the types of training."""
    return {
        "train": (dataset.x.astype(np.float32), dataset.y.astype(np.int32)),
        "test": (dataset.x_test.astype(np.float32), dataset.y_test.astype(np.int32)),
    }


@eqx.filter_jit
def train_accuracy(model: MaskedMLP, x: Any, labels: Any) -> jax.Array:
    """Return the share of samples that a network classifies correctly."""
    return accuracy(predict(model, x), labels)


class Job(NamedTuple):
    """One network to be trained: where it starts, its mask, its data."""

    start: MLP
    mask: Any
    data: Any


class Done(NamedTuple):
    """One trained network.

    Attributes:
        model: after the last step.
        weights: the network at every evaluation, if it was to be kept, else None.
        curves: what was measured at the evaluations, shape (evaluations,) each.
    """

    model: MaskedMLP
    weights: MLP | None
    curves: dict[str, np.ndarray]


class MaskedTrainer:
    """Trains networks, on a CPU one per core at a time, on a GPU all at once; compiles once.

    Networks as wide as the paper's fill a core.

    Args:
        training: what happens to every network.
        products: as for `MaskedMLP`.
    """

    def __init__(self, training: Training, products: Any) -> None:
        self._training, self._products = training, products
        self._programs: dict[int, RunProgram] = {}

    def __call__(
        self, jobs: Sequence[Job], report: Callable[[int, int], None] = lambda *_: None
    ) -> Iterator[Done]:
        """Yield what became of every network, in order, as soon as it is finished."""
        on_cpu = jax.default_backend() == "cpu"
        size = jax.device_count() if on_cpu else len(jobs)
        for first in range(0, len(jobs), max(size, 1)):
            chosen = jobs[first : first + size]
            # A group of another size would be another program.
            group = [*chosen, *[chosen[-1]] * (size - len(chosen))]
            models, data = (
                jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *own)
                for own in (
                    [MaskedMLP(job.start, job.mask, self._products) for job in group],
                    [job.data for job in group],
                )
            )
            keys = jax.random.split(jax.random.key(0), size)  # nothing is drawn from them
            if size not in self._programs:
                self._programs[size] = compile_runs(
                    self._training, models, data, keys=keys, data_axes=0, batched=not on_cpu
                )
            told = partial(self._tell, report, len(chosen))
            trained = self._programs[size](models, data, keys=keys, report=told)
            for row in range(len(chosen)):
                yield _result(trained, row)

    @staticmethod
    def _tell(report: Callable[[int, int], None], at_once: int, step: int, _: int) -> None:
        report(step, at_once)


def _result(trained: Trained, row: int) -> Done:
    model, metrics = jax.tree.map(
        lambda leaf: np.asarray(leaf[row]), (trained.models, trained.history.metrics)
    )
    return Done(model, metrics.pop("weights", None), metrics)
