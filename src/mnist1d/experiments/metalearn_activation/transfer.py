"""Transfer of learned activation functions to other networks: the reference MLP and CNN.

Every architecture is trained with every function and every learning rate by the protocol of the
classification experiment; seed s uses the function that trial s learned. The rate of a function is
that with the best mean validation accuracy, on generated samples; the test set is not used.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count, product
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax
import xarray as xr

from mnist1d.dataset import fresh_samples, generate
from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.metalearn_activation.activation import grid_of
from mnist1d.experiments.metalearn_activation.config import Config
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress
from mnist1d.models import CNN, MLP
from mnist1d.models.layers import draw_layers
from mnist1d.training import Training
from mnist1d.training.equipped import MEASURES, EquippedTrainer, equipped_training

ARCHITECTURES: Mapping[str, Callable[..., Any]] = {"MLP": MLP, "CNN": CNN}
COSTS = {"MLP": 1.0, "CNN": 4.0}
"""Time of training a network of an architecture, in any unit."""

KNOWN = ("relu", "elu", "swish", "gelu", "tanh")
FUNCTIONS = (*KNOWN, "learned")

TUNING_SEEDS = 2
"""Number of the first seeds on which learning rates are tried."""

PROTOCOL = {
    "evaluate_every": 250,
    "batch_size": 100,
    "validation_samples": 1000,
    "validation_seed": 1,
}

BAR = "Transfer (networks, all functions)"


def transfer(
    config: Config, terms: Sequence[np.ndarray], compute: Compute, progress: Progress
) -> xr.Dataset:
    """Tune the rate of every architecture and function on the first seeds, then train the others.

    Args:
        config: the settings.
        terms: of the functions that the seeds learned (`LearnedFunction`).
        compute: trains the networks, or reads stored results.
        progress: called with the number of networks that are trained, each with all functions.

    Returns: the variables of `method.run` whose names begin with `transfer_`.
    """
    architectures, rates = list(ARCHITECTURES), list(config.transfer_rates)
    first_seeds, other_seeds = np.split(np.arange(config.seeds), [TUNING_SEEDS])
    total = len(architectures) * (len(rates) * len(first_seeds) + len(other_seeds))
    n_done = count(1)

    def counted(found: Iterable[tuple[Task, Arrays]]) -> Iterator[tuple[Task, Arrays]]:
        for each in found:
            progress(BAR, next(n_done), total)
            yield each

    def train(tasks: Sequence[Task], **by: Sequence[Any] | np.ndarray) -> xr.Dataset:
        return assemble(
            counted(compute(tasks, trainer_of, config)),
            coords=by
            | {
                "function": list(FUNCTIONS),
                "evaluation": len(training_of(config).evaluation_steps),
            },
            dims=dict.fromkeys(MEASURES, (*by, "function", "evaluation")),
            fill=dict.fromkeys(MEASURES, np.float32(np.nan)),
        )

    progress(BAR, 0, total)
    tuning = [
        _network(config, terms[seed], architecture, seed, [rate] * len(FUNCTIONS))
        for architecture, rate, seed in product(architectures, rates, first_seeds.tolist())
    ]
    tried = train(tuning, architecture=architectures, rate=rates, seed=first_seeds)
    validation = _highest(tried.validation_accuracy)
    chosen = validation.fillna(-1).mean("seed", skipna=False).argmax("rate")
    chosen_rates = tried.rate[chosen].drop_vars("rate")
    others = [
        _network(config, terms[seed], architecture, seed, own_rates.to_numpy().tolist())
        for architecture, own_rates in zip(architectures, chosen_rates, strict=True)
        for seed in other_seeds.tolist()
    ]
    final = xr.concat(
        [
            tried.isel(rate=chosen).drop_vars("rate"),
            train(others, architecture=architectures, seed=other_seeds),
        ],
        "seed",
    )
    best = final.validation_accuracy.fillna(-1).argmax("evaluation")
    test = final.test_accuracy.isel(evaluation=best)
    last = final.test_accuracy.isel(evaluation=-1).where(test.notnull())
    return xr.Dataset(
        {
            "transfer_tuning": validation.rename(seed="tuning_seed").drop_vars("tuning_seed"),
            "transfer_rate": chosen_rates,
            "transfer_validation": _highest(final.validation_accuracy),
            "transfer_test": test,
            "transfer_last_test": last,
        }
    ).transpose("architecture", "function", "seed", "rate", "tuning_seed")


def _highest(accuracy: xr.DataArray) -> xr.DataArray:
    """Take the highest accuracy of every run; NaN if it diverged at any evaluation."""
    return accuracy.max("evaluation", skipna=False)


def _network(
    config: Config,
    terms: np.ndarray,
    architecture: str,
    seed: int,
    rates: Sequence[float],
) -> Task:
    """Return the task of training a network with every function, at the rate of each."""
    key = config.determining | {"outer_steps": config.outer_steps, "n_steps": config.transfer_steps}
    return Task(
        # While rates are tuned, all functions have the same one.
        labels={"architecture": architecture, "rate": rates[0], "seed": seed},
        key=key | PROTOCOL | {"architecture": architecture, "seed": seed, "rates": list(rates)},
        cost=COSTS[architecture],
        inputs={"terms": terms[None]},
    )


def trainer_of(config: Config) -> EquippedTrainer:
    """Return what trains networks with every function."""
    dataset, n_validation = generate(config.data), PROTOCOL["validation_samples"]
    samples = {
        "train": (dataset.x, dataset.y),
        "validation": fresh_samples(dataset, n_validation, seed=PROTOCOL["validation_seed"]),
        "test": (dataset.x_test, dataset.y_test),
    }

    def of(task: Task) -> Any:
        return initial_network(task.labels["architecture"], task.labels["seed"])

    return EquippedTrainer(training_of(config), samples, of)


def initial_network(architecture: str, seed: int) -> Any:
    """Draw initial weights, the same for all functions and rates, so that they are paired."""
    shapes = eqx.filter_eval_shape(ARCHITECTURES[architecture], key=jax.random.key(0))
    return draw_layers(shapes, np.random.default_rng((seed, 2)))


def training_of(config: Config) -> Training:
    """Return the training of a network."""
    return equipped_training(
        KNOWN,
        grid_of(config),
        optimizer=optax.adam,
        batch_size=PROTOCOL["batch_size"],
        n_steps=config.transfer_steps,
        evaluate_every=PROTOCOL["evaluate_every"],
    )
