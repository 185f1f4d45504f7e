"""Training many masked networks of one shape, as lottery tickets need it."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import optax

from mnist1d.execution.work import Told
from mnist1d.models import MLP, MaskedMLP, predict
from mnist1d.models.masked_mlp import needed_units
from mnist1d.training import (
    RunProgram,
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


@eqx.filter_jit
def train_accuracy(model: Any, x: Any, labels: Any) -> jax.Array:
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
        network: after the last step; what the mask drops is where it started.
        weights: the network at every evaluation, if it was to be kept, else None.
        curves: what was measured at the evaluations, shape (evaluations,) each.
    """

    network: MLP
    weights: MLP | None
    curves: dict[str, np.ndarray]


class MaskedTrainer:
    """Trains networks of one shape; compiles every size that is left of them once for a device.

    On a CPU units that a mask cuts off are left out of the products (`masks.needed_units`):
    nothing changes but the order of sums.

    Args:
        training: what happens to every network.
        products: as for `MaskedMLP`.
        multiple: numbers of units are rounded up to multiples of it; every size is a program that
            has to be compiled, once for every core.
    """

    def __init__(self, training: Training, products: Any, *, multiple: int) -> None:
        self._training, self._products, self._multiple = training, products, multiple
        self._programs: dict[Any, RunProgram] = {}

    def train(
        self, jobs: Sequence[Job], device: jax.Device, told: Told = lambda _: None
    ) -> Iterator[Done]:
        """Yield what became of networks: on a CPU one after the other, on a GPU all together.

        Args:
            jobs: the networks.
            device: where; on a GPU the others are used, too.
            told: hears how many steps all of them have taken.
        """
        if device.platform == "cpu":
            for number, job in enumerate(jobs):
                before = number * self._training.n_steps
                yield from self._train_together([job], [device], self._multiple, told, before)
        else:
            everything = jobs[0].start.hidden.bias.size
            yield from self._train_together(jobs, jax.devices(), everything, told, 0)

    def _train_together(
        self,
        jobs: Sequence[Job],
        devices: Sequence[jax.Device],
        multiple: int,
        told: Told,
        before: int,
    ) -> Iterator[Done]:
        def report(step: int, _: int) -> None:
            told(before + step * len(jobs))

        group = [(job, needed_units(job.mask, multiple)) for job in jobs]
        models, data = (
            jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *own)
            for own in (
                [
                    MaskedMLP(need.take_from(job.start), need.take_from(job.mask), self._products)
                    for job, need in group
                ],
                [job.data for job, _ in group],
            )
        )
        keys = jax.random.split(jax.random.key(0), len(group))  # nothing is drawn from them
        shape = models.network.second.weight.shape
        program = self._programs.get((devices[0], shape))
        if program is None:
            program = compile_runs(
                self._training,
                models,
                data,
                keys=keys,
                data_axes=0,
                devices=devices,
                batched=devices[0].platform != "cpu",
            )
            self._programs[devices[0], shape] = program
        trained = program(models, data, keys=keys, report=report)
        models, metrics = jax.tree.map(np.asarray, (trained.models, trained.history.metrics))
        weights = metrics.pop("weights", None)
        for row, (job, need) in enumerate(group):
            model, curves, kept = jax.tree.map(itemgetter(row), (models, metrics, weights))
            yield Done(
                need.put_into(job.start, model.network),
                None if kept is None else need.put_into(job.start, kept),
                curves,
            )
