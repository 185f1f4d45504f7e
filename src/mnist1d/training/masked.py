"""Training of networks with masks, without the units that their masks disconnect."""

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import jax
import numpy as np
import optax

from mnist1d.execution.task import OnStep
from mnist1d.models import MLP, MaskedMLP, predict
from mnist1d.models.masked_mlp import needed_units
from mnist1d.models.masks import masked
from mnist1d.training.loop import Training
from mnist1d.training.losses import accuracy, cross_entropy
from mnist1d.training.runs import Programs

Job = tuple[MaskedMLP, Any]
"""A network to be trained, and its data."""


def masked_training(
    batch: Callable[[Any, Any], Any],
    *,
    learning_rate: float,
    n_steps: int,
    evaluate_every: int,
    keep_weights: bool = False,
) -> Training:
    """Return the training of a network with a mask: Adam, evaluated on `data["test"]`.

    Args:
        batch: `(data, step) -> (signals, labels)`.
        learning_rate: of Adam.
        n_steps: number of updates.
        evaluate_every: steps between evaluations, which measure `test_accuracy` (fraction) and
            `test_loss` (nats).
        keep_weights: whether evaluations also keep the `weights`.

    >>> training = masked_training(
    ...     lambda data, step: data["train"], learning_rate=0.02, n_steps=5, evaluate_every=2)
    >>> training.evaluation_steps.tolist()
    [0, 2, 4]
    """

    def evaluate(model: Any, data: Any) -> dict[str, Any]:
        logits, labels = predict(model, data["test"][0]), data["test"][1]
        measured: dict[str, Any] = {
            "test_accuracy": accuracy(logits, labels),
            "test_loss": cross_entropy(logits, labels),
        }
        return measured | ({"weights": model.network} if keep_weights else {})

    return Training(
        batch=lambda data, step, _: batch(data, step),
        loss=lambda model, batch, _: cross_entropy(predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(learning_rate),
        n_steps=n_steps,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
    )


class MaskedTrainer:
    """Trains networks of one shape; compiles a program per remaining size.

    On a CPU units that a mask disconnects are left out of the products (`needed_units`), which
    changes only the order of sums.

    Args:
        training: of every network.
        multiple: numbers of units are rounded up to multiples of it, to compile fewer programs.
        weights_of_step: the networks that `train` yields are those after this step, one of the
            evaluations, of which `training` keeps the weights; None for those after the last.
    """

    def __init__(
        self, training: Training, multiple: int, weights_of_step: int | None = None
    ) -> None:
        self._training, self._multiple, self._programs = training, multiple, Programs()
        self._weights_of_step = weights_of_step

    def train(
        self, jobs: Sequence[Job], device: Any, on_step: OnStep = lambda _: None
    ) -> Iterator[tuple[MLP, dict[str, np.ndarray]]]:
        """Yield every network, its masked parameters at 0, and the results of evaluations.

        Args:
            jobs: of one shape; trained one after the other on a CPU, and together on a GPU.
            device: the device to use; if it is a GPU, all GPUs are used.
            on_step: called with the number of steps of all jobs.
        """
        groups = [[job] for job in jobs] if device.platform == "cpu" else [jobs]
        for number, group in enumerate(groups):
            before = number * self._training.n_steps
            yield from self._train_together(group, device, on_step, before)

    def _train_together(
        self, jobs: Sequence[Job], device: Any, on_step: OnStep, before: int
    ) -> Iterator[tuple[MLP, dict[str, np.ndarray]]]:
        on_cpu = device.platform == "cpu"
        devices = [device] if on_cpu else jax.devices()
        multiple = self._multiple if on_cpu else jobs[0][0].network.hidden.bias.size
        needed = [needed_units(model.mask, multiple) for model, _ in jobs]
        small = [
            MaskedMLP(need.take_from(model.network), need.take_from(model.mask), model.products)
            for need, (model, _) in zip(needed, jobs, strict=True)
        ]
        models, data = (
            jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *each)
            for each in (small, [own for _, own in jobs])
        )
        keys = jax.random.split(jax.random.key(0), len(jobs))  # not used for random numbers
        program = self._programs.get(
            (devices[0], len(jobs), models.network.second.weight.shape),
            self._training,
            models,
            data,
            keys=keys,
            data_axes=0,
            devices=devices,
            batched=not on_cpu,
        )
        trained = program(
            models, data, keys=keys, report=lambda n, _: on_step(before + n * len(jobs))
        )
        networks, metrics = trained.models.network, dict(trained.history.metrics)
        if self._weights_of_step is not None:
            at = self._training.evaluation_steps.tolist().index(self._weights_of_step)
            networks = jax.tree.map(lambda leaf: leaf[:, at], metrics.pop("weights"))
        networks, metrics = jax.tree.map(np.asarray, (networks, metrics))
        for row, (need, (model, _)) in enumerate(zip(needed, jobs, strict=True)):
            network, curves = jax.tree.map(itemgetter(row), (networks, metrics))
            with jax.default_device(device):
                whole = masked(need.put_into(model.network, network), model.mask)
            yield whole, curves
