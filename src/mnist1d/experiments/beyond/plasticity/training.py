"""Tasks of a trial, and training on them in turn."""

from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import numpy as np

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.experiments.beyond.plasticity.config import LABELS, Config
from mnist1d.models import MLP
from mnist1d.models.layers import draw_layers
from mnist1d.training.continual import Method, Tasks, learn

FIRST_SEED = 42
"""Seed of the data of trial 0, that of the published set."""

TUNING_TRIAL = 10_000
"""Number of the trial that chooses strengths."""

N_CLASSES, LENGTH = 10, 40


@lru_cache(8)
def tasks_of(config: Config, kind: str, trial: int) -> Tasks:
    """Make the tasks of a trial, the same for all trainings.

    Args:
        config: the settings.
        kind: "random labels", drawn for every sample and task; or "permuted inputs": an order of
            the points for every task, and the true labels.
        trial: its number.

    Returns: the tasks; every batch has other samples until all were seen, and then in a new order.

    >>> tasks_of(Config.quick(), "random labels", 0).labels.shape
    (10, 20)
    """
    n, n_tasks, n_steps = config.n_samples, config.n_tasks, config.n_steps
    dataset = generate(config.data, train=n, test=N_CLASSES, seed=FIRST_SEED + trial)
    # Orders of batches are the same for both kinds; weights have other seeds.
    kinds, batches = (np.random.default_rng((trial, part, 3)) for part in (0, 1))
    labels = np.tile(dataset.y, (n_tasks, 1))
    orders = np.tile(np.arange(LENGTH), (n_tasks, 1))
    if kind == LABELS:
        labels = kinds.integers(0, N_CLASSES, labels.shape)
    else:
        orders = kinds.permuted(orders, axis=1)
    n_seen = n_steps * config.batch_size
    passes = np.tile(np.arange(n), (n_tasks, -(-n_seen // n), 1))
    rows = batches.permuted(passes, axis=2).reshape(n_tasks, -1)[:, :n_seen]
    return Tasks(
        np.ascontiguousarray(dataset.x.T, np.float32),
        orders.astype(np.int32),
        labels.astype(np.int32),
        rows.reshape(n_tasks, n_steps, config.batch_size).astype(np.int32),
    )


def initial_network(hidden_size: int, trial: int) -> MLP:
    """Draw the initial weights of a trial, the same for all trainings and kinds of tasks."""
    shapes = eqx.filter_eval_shape(
        MLP, hidden_size=hidden_size, residual=False, key=jax.random.key(0)
    )
    network: MLP = draw_layers(shapes, np.random.default_rng((trial, hidden_size)))
    return network


class Trainer(OneByOne):
    """Trains networks on all tasks in turn; compiles once.

    The arrays of a network are those of `mnist1d.training.continual.learn`, of shape (tasks,).

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

        def learned(network: Any, method: Any, tasks: Any, key: Any) -> Any:
            return learn(network, method, tasks, maturity=config.maturity, key=key)

        self._learn = jax.jit(learned)

    def _arrays(self, task: Task, device: Any) -> Arrays:
        config, key = self._config, task.key
        kind, trial = key["kind"], key["trial"]
        method = Method(**key["factors"])
        arguments = (
            initial_network(config.hidden_size, trial),
            Method(*map(np.float32, method)),
            tasks_of(config, kind, trial),
            jax.random.key(trial),
        )
        with jax.disable_jit(disable=False):  # a step at a time would take hours
            found = self._learn(*jax.device_put(arguments, device))
        return {name: np.asarray(each) for name, each in found.items()}
