"""Training and pruning of the networks, and the neighbouring weights of their tickets."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import equinox as eqx
import jax
import numpy as np

from mnist1d.dataset import fresh_samples, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.experiments.beyond.ticket_locality.config import LENGTHS, Config
from mnist1d.measures.adjacency import draw_with_same_degrees, runs_per_unit
from mnist1d.models import MLP, MaskedMLP
from mnist1d.models.layers import draw_layers
from mnist1d.models.masks import magnitude_mask, pack, unpack
from mnist1d.training.masked import MaskedTrainer, masked_training

FIRST_SEED = 42
"""Seed of the data of trial 0, the published one."""

TEST_SEED, N_TEST = 1_000_000, 2000
"""Seed of the test samples of trial 0, and their number, with all sizes of the training set."""

LATE_EVALUATIONS = 5
"""Accuracies are means of this many last evaluations, as one step moves them by points."""

UNIT_MULTIPLE = 125
"""Numbers of units are rounded up to multiples of it, to compile fewer programs."""

SETS_HELD = 20
"""Training sets in memory, 100 MB: those of five trials, to be used again in every round."""

_lock = Lock()


def initial_network(width: int, seed: int) -> MLP:
    """Draw the initial weights of a trial, the same for all sizes of the training set."""
    shapes = eqx.filter_eval_shape(MLP, hidden_size=width, key=jax.random.key(0))
    network: MLP = draw_layers(shapes, np.random.default_rng((seed, width)))
    return network


@lru_cache(SETS_HELD)
def _signals(data: DatasetConfig, size: int, seed: int) -> Mapping[str, Any]:
    """Generate the training set of a size and trial, and test samples on its scale."""
    made = generate(data, train=size, test=10, seed=FIRST_SEED + seed)
    x, y = fresh_samples(made, N_TEST, seed=TEST_SEED + seed)
    return {
        "train": (made.x.astype(np.float32), made.y.astype(np.int32)),
        "test": (x.astype(np.float32), y.astype(np.int32)),
    }


def batched_data(config: Config, size: int, seed: int) -> dict[str, Any]:
    """Return all batches in their order, of the same shapes for every size, and test samples."""
    with _lock:  # so that two threads do not generate the same
        signals = _signals(config.data, size, seed)
    steps = np.arange(config.n_steps * config.batch_size) % size
    rows = steps.reshape(config.n_steps, config.batch_size)
    x, y = signals["train"]
    return {"train": (x[rows], y[rows]), "test": signals["test"]}


class TicketTrainer:
    """Trains the networks of a round, and prunes them; or trains tickets, and measures them.

    The arrays of a network are `accuracy` on the test samples (fraction, mean of the last
    evaluations) and, before the last round, `next`, the packed mask of the next one. That of the
    dense network also has `at_once`, the packed mask of the ticket that is pruned at once. Tickets
    have what `neighbours` returns.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        training = masked_training(
            lambda data, step: jax.tree.map(lambda leaf: leaf[step], data["train"]),
            learning_rate=config.learning_rate,
            n_steps=config.n_steps,
            evaluate_every=config.evaluate_every,
        )
        self._trainer = MaskedTrainer(training, UNIT_MULTIPLE)

    def __call__(
        self, tasks: Sequence[Task], device: Any, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train networks of one width."""
        jobs = []
        for task in tasks:
            place = task.labels
            network = initial_network(place["width"], place["seed"])
            mask = unpack(task.inputs["mask"], network)
            data = batched_data(self._config, place["n_samples"], place["seed"])
            jobs.append((MaskedMLP(network, mask), data))
        trained = self._trainer.train(jobs, device, on_step)
        for task, (job, _), (network, curves) in zip(tasks, jobs, trained, strict=True):
            accuracy = curves["test_accuracy"][-LATE_EVALUATIONS:].mean()
            yield task, {"accuracy": np.array(accuracy), **self._more(task, network, job.mask)}

    def _more(self, task: Task, network: MLP, mask: Any) -> Arrays:
        config, labels = self._config, task.labels
        if "round" not in labels:
            rng = np.random.default_rng((labels["seed"], labels["width"], labels["n_samples"]))
            return neighbours(mask.hidden.weight, config.n_masks, rng)
        pruned = {"next": config.sparsities[labels["round"] + 1]}
        if labels["round"] == 0:
            pruned["at_once"] = config.sparsity
        return {name: pack(magnitude_mask(network, share)) for name, share in pruned.items()}


def neighbours(kept: np.ndarray, n_masks: int, rng: np.random.Generator) -> Arrays:
    """Count runs of neighbouring weights, in a mask and in random ones of the same degrees.

    Args:
        kept: mask of the first layer, shape (units, inputs).
        n_masks: number of random masks.
        rng: for them, and for the shuffled order of inputs.

    Returns: arrays of shape (orders, lengths): `runs`, `expected_runs` (mean of the random masks)
        and `spread_of_runs` (their standard deviation); and `n_weights`, the number of weights.

    >>> kept = np.zeros((6, 40), bool)
    >>> kept[:3, 4:8] = kept[3:, 20:24] = True
    >>> neighbours(kept, 50, np.random.default_rng(0))["runs"][0].tolist()
    [18.0, 12.0, 6.0]
    """
    orders = np.arange(kept.shape[1]), rng.permutation(kept.shape[1])  # as in `ORDERS`

    def count(mask: np.ndarray) -> np.ndarray:
        return np.array(
            [[runs_per_unit(mask[:, order], n).sum() for n in LENGTHS] for order in orders], float
        )

    # Random masks do not know the order of inputs either: one set of them serves both.
    chance = np.array([count(mask) for mask in draw_with_same_degrees(kept, n_masks, rng)])
    return {
        "runs": count(kept),
        "expected_runs": chance.mean(axis=0),
        "spread_of_runs": chance.std(axis=0, ddof=1),
        "n_weights": np.array(kept.sum(), float),
    }
