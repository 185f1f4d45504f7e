"""Training of networks with masks, and pruning of the smallest weights."""

import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.execution.numerics import cached_by_settings
from mnist1d.experiments.lottery_tickets.config import PUBLISHED_PRUNING_STEP, STUDIES, Config
from mnist1d.models import MLP, MaskedMLP, predict
from mnist1d.models.masked_mlp import needed_units
from mnist1d.models.masks import magnitude_mask, masked, pack, unpack
from mnist1d.training import (
    Programs,
    Training,
    accuracy,
    as_data,
    cross_entropy,
    sequential_batch,
)
from mnist1d.training.batching import Data

SEARCH_MULTIPLE, STUDY_MULTIPLE = 100, 50
"""Sizes are rounded up to multiples of these; in the search to larger ones, as training a round
takes no longer than compiling its program.
"""

POSITIONS = {"flipped": "flipped", "shuffled": "shuffled_lottery", "chunked": "chunked"}

Job = tuple[MaskedMLP, Data]
"""A network to be trained, and its data."""


def initial_network(config: Config, seed: int, part: str) -> MLP:
    """Return the initial weights of a trial.

    Args:
        config: the width, and the protocol. In the corrected one all parts of a trial share their
            weights, except the study "re-initialised"; in the published one no parts do.
        seed: the trial.
        part: the search or the study.
    """
    own = part == "re-initialised" or config.protocol == "published"
    return _draw(config.hidden_size, seed, part if own else None)


@cached_by_settings(32)
def _draw(hidden_size: int, seed: int, part: str | None) -> MLP:
    key = jax.random.key(seed)
    if part is not None:
        key = jax.random.fold_in(key, zlib.crc32(part.encode()))
    return MLP(hidden_size=hidden_size, key=key)


def search_training(config: Config) -> Training:
    """Return the training of a network of the search."""
    return _training(
        config,
        config.search_steps,
        config.search_batch_size,
        keep_weights=config.protocol == "published",
    )


def study_training(config: Config) -> Training:
    """Return the training of a network of the studies."""
    return _training(config, config.study_steps, config.study_batch_size)


def _training(
    config: Config, n_steps: int, batch_size: int, *, keep_weights: bool = False
) -> Training:
    """Return the published training: Adam, batches in stored order."""

    def evaluate(model: Any, data: Any) -> dict[str, Any]:
        logits, labels = predict(model, data["test"][0]), data["test"][1]
        measured: dict[str, Any] = {
            "test_accuracy": accuracy(logits, labels),
            "test_loss": cross_entropy(logits, labels),
        }
        return measured | ({"weights": model.network} if keep_weights else {})

    return Training(
        batch=lambda data, step, _: sequential_batch(data["train"], step, batch_size),
        loss=lambda model, batch, _: cross_entropy(predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(config.learning_rate),
        n_steps=n_steps,
        evaluate=evaluate,
        evaluate_every=config.evaluate_every,
    )


class SearchTrainer:
    """Trains the networks of a round, and prunes the smallest weights of lotteries.

    The arrays of a network are `test_accuracy` and `test_loss` (nats) of every evaluation, and of a
    lottery `next`, the packed mask of the next round.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._data = config, as_data(generate(config.data))
        self._trainer = MaskedTrainer(search_training(config), SEARCH_MULTIPLE)

    def __call__(
        self, tasks: Sequence[Task], device: Any, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train networks, on a CPU one after the other, on a GPU together."""
        config = self._config
        jobs = [(_start(config, task, task.labels["search"]), self._data) for task in tasks]
        trained = self._trainer.train(jobs, device, on_step)
        for task, (network, curves) in zip(tasks, trained, strict=True):
            following = task.labels["round"] + 1
            if task.labels["search"] == "lottery" and following < config.rounds:
                sparser = magnitude_mask(network, config.sparsities[following])
                curves["next"] = pack(sparser)
            yield task, curves


class StudyTrainer:
    """Trains the networks of the studies.

    The arrays of a network are `test_accuracy` and `test_loss` (nats) of every evaluation, and
    `train_accuracy` after the last step.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._data = {
            study: as_data(
                generate(
                    config.data,
                    seed=config.study_seed,
                    positions=POSITIONS.get(study, "original"),
                )
            )
            for study in STUDIES
        }
        self._trainer = MaskedTrainer(study_training(config), STUDY_MULTIPLE)

    def __call__(
        self, tasks: Sequence[Task], device: Any, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train networks, on a CPU one after the other, on a GPU together."""
        studies = [task.labels["study"] for task in tasks]
        jobs = [
            (_start(self._config, task, study), self._data[study])
            for task, study in zip(tasks, studies, strict=True)
        ]
        trained = self._trainer.train(jobs, device, on_step)
        for task, study, (network, curves) in zip(tasks, studies, trained, strict=True):
            with jax.default_device(device):
                fitted = _accuracy(network, *self._data[study]["train"])
            yield task, curves | {"train_accuracy": np.asarray(fitted)}


def _start(config: Config, task: Task, part: str) -> MaskedMLP:
    network = initial_network(config, task.labels["seed"], part)
    return MaskedMLP(network, unpack(task.inputs["mask"], network), config.products)


@eqx.filter_jit
def _accuracy(model: Any, x: Any, labels: Any) -> jax.Array:
    return accuracy(predict(model, x), labels)


class MaskedTrainer:
    """Trains networks of one shape; compiles a program per remaining size and device.

    On a CPU units that a mask disconnects are left out of the products (`needed_units`), which
    changes only the order of sums.

    Args:
        training: of every network.
        multiple: numbers of units are rounded up to multiples of it, to compile fewer programs.
    """

    def __init__(self, training: Training, multiple: int) -> None:
        self._training, self._multiple, self._programs = training, multiple, Programs()

    def train(
        self, jobs: Sequence[Job], device: Any, on_step: OnStep = lambda _: None
    ) -> Iterator[tuple[MLP, dict[str, np.ndarray]]]:
        """Yield every network, its masked parameters at 0, and the results of evaluations.

        It is the network after the last step, or, if evaluations kept the weights, after the step
        at which the published code pruned.

        Args:
            jobs: on a CPU they are trained one after the other, on a GPU all together.
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
        if "weights" in metrics:
            at = self._training.evaluation_steps.tolist().index(PUBLISHED_PRUNING_STEP)
            networks = jax.tree.map(lambda leaf: leaf[:, at], metrics.pop("weights"))
        networks, metrics = jax.tree.map(np.asarray, (networks, metrics))
        for row, (need, (model, _)) in enumerate(zip(needed, jobs, strict=True)):
            network, curves = jax.tree.map(itemgetter(row), (networks, metrics))
            with jax.default_device(device):
                whole = masked(need.put_into(model.network, network), model.mask)
            yield whole, curves
