"""Training of networks with masks, and pruning of the smallest weights."""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.execution.numerics import cached_by_settings
from mnist1d.experiments.lottery_tickets.config import PUBLISHED_PRUNING_STEP, STUDIES, Config
from mnist1d.models import MLP, MaskedMLP, predict
from mnist1d.models.masks import magnitude_mask, pack, unpack
from mnist1d.training import Training, accuracy, as_data, sequential_batch
from mnist1d.training.masked import MaskedTrainer, masked_training

SEARCH_MULTIPLE, STUDY_MULTIPLE = 100, 50
"""Sizes are rounded up to multiples of these; in the search to larger ones, as training a round
takes no longer than compiling its program.
"""

POSITIONS = {"flipped": "flipped", "shuffled": "shuffled_lottery", "chunked": "chunked"}


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
    """Return the published training: batches in stored order."""
    return masked_training(
        lambda data, step: sequential_batch(data["train"], step, batch_size),
        learning_rate=config.learning_rate,
        n_steps=n_steps,
        evaluate_every=config.evaluate_every,
        keep_weights=keep_weights,
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
        step = PUBLISHED_PRUNING_STEP if config.protocol == "published" else None
        self._trainer = MaskedTrainer(search_training(config), SEARCH_MULTIPLE, step)

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
