"""Training of networks of all sizes with every function, one compiled program per network."""

from typing import Any

import equinox as eqx
import jax
import optax

from mnist1d.dataset import fresh_samples, generate
from mnist1d.execution import Task
from mnist1d.experiments.beyond.activation_transfer.config import KNOWN, Config
from mnist1d.experiments.beyond.activation_transfer.learning import GRID, MODELS, rng_of
from mnist1d.models.layers import draw_layers
from mnist1d.training import Training
from mnist1d.training.equipped import EquippedTrainer, equipped_training
from mnist1d.training.schedules import cosine_schedule

N_VALIDATION, VALIDATION_SEED = 2000, 1
N_TEST, TEST_SEED = 10_000, 2

SETTINGS: dict[str, dict[str, dict[str, int]]] = {
    "MLP": {
        "table-1": {},
        "2-times-as-wide": {"hidden_size": 200},
        "4-times-as-wide": {"hidden_size": 400},
        "1-layer-more": {"depth": 3},
        "2-layers-more": {"depth": 4},
    },
    "CNN": {
        "table-1": {},
        "2-times-as-wide": {"channels": 50},
        "4-times-as-wide": {"channels": 100},
        "1-layer-more": {"depth": 4},
        "2-layers-more": {"depth": 5},
    },
}
"""Arguments of every network."""

COSTS = {
    "MLP": dict(zip(SETTINGS["MLP"], (1.0, 2.5, 8.0, 1.5, 2.0), strict=True)),
    "CNN": dict(zip(SETTINGS["CNN"], (3.0, 7.0, 20.0, 4.0, 5.0), strict=True)),
}
"""Time of training a network, in any unit."""


def initial_network(architecture: str, size: str, seed: int, *, tuning: bool) -> Any:
    """Draw initial weights, the same for all functions and rates."""
    make, settings = MODELS[architecture], SETTINGS[architecture][size]
    shapes = eqx.filter_eval_shape(lambda key: make(**settings, key=key), jax.random.key(0))
    return draw_layers(shapes, rng_of(seed, 2, tuning=tuning))


def training_of(config: Config) -> Training:
    """Return the training of a network, whose learning rate falls to zero along a cosine."""
    return equipped_training(
        KNOWN,
        GRID,
        optimizer=lambda rate: optax.adam(cosine_schedule(rate, config.n_steps)),
        batch_size=config.batch_size,
        n_steps=config.n_steps,
    )


def trainer_of(config: Config) -> EquippedTrainer:
    """Return what trains networks with every function, evaluated after the last step."""
    dataset = generate(config.data)
    samples = {
        "train": (dataset.x, dataset.y),
        "validation": fresh_samples(dataset, N_VALIDATION, seed=VALIDATION_SEED),
        "test": fresh_samples(dataset, N_TEST, seed=TEST_SEED),
    }

    def of(task: Task) -> Any:
        names = ("architecture", "size", "seed")
        return initial_network(*(task.labels[name] for name in names), tuning=task.key["tuning"])

    return EquippedTrainer(training_of(config), samples, of)
