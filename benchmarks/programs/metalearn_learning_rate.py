"""Both published trials of the metalearned learning rate; prints the last rates."""

from functools import partial

import jax
import numpy as np

import mnist1d
from mnist1d.experiments.metalearn_learning_rate.config import Config
from mnist1d.experiments.metalearn_learning_rate.inner_loop import (
    cut_into_batches,
    draw_network,
    over_runs,
)
from mnist1d.experiments.metalearn_learning_rate.method import STEPS_PER_TASK, take_steps
from mnist1d.models.pytorch_stream import PyTorchStream
from mnist1d.training import use_all_cores

CONFIG = Config()


def make_ours():
    """Make the program of both trials' outer steps; compiled when it is first called."""
    use_all_cores()
    networks = jax.tree.map(
        lambda leaf: np.stack([leaf] * len(CONFIG.initial_rates)),
        draw_network(50, PyTorchStream(0)),
    )
    batches = cut_into_batches(mnist1d.load(), CONFIG.batch_size)
    return over_runs(partial(take_steps, config=CONFIG), networks, batches)


def our_trials(steps):
    """Run both trials together; returns the last learning rates."""
    rates = np.array(CONFIG.initial_rates, np.float32)
    for _ in range(CONFIG.outer_steps // STEPS_PER_TASK):
        rates = steps(rates)["rate"][:, -1]
    return rates


if __name__ == "__main__":
    print(our_trials(make_ours()))
