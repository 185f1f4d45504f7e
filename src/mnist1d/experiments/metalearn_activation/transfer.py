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
from jaxtyping import Array

from mnist1d.dataset import fresh_samples, generate
from mnist1d.execution import Arrays, Compute, OnStep, Task
from mnist1d.experiments.metalearn_activation.activation import grid_of
from mnist1d.experiments.metalearn_activation.config import Config
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress
from mnist1d.models import CNN, MLP, predict
from mnist1d.models.activations import ACTIVATIONS, Equipped
from mnist1d.models.layers import draw_layers
from mnist1d.models.scalar_network import LearnedFunction
from mnist1d.training import Programs, Training, accuracy, cross_entropy, sequential_batch

ARCHITECTURES: Mapping[str, Callable[..., Any]] = {"MLP": MLP, "CNN": CNN}
COSTS = {"MLP": 1.0, "CNN": 4.0}
"""Time of training a network of an architecture, in any unit."""

KNOWN = ("relu", "elu", "swish", "gelu", "tanh")
FUNCTIONS = (*KNOWN, "learned")
MEASURES = ("validation_accuracy", "test_accuracy")

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
            counted(compute(tasks, Trainer, config)),
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
        inputs={"terms": terms},
    )


class Trainer:
    """Trains networks with every function; compiles an architecture once for every device.

    The arrays of a network are `validation_accuracy` and `test_accuracy` (fractions), both of shape
    (functions, evaluations).

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._training, self._programs = training_of(config), Programs()
        dataset = generate(config.data)
        parts = {
            "train": (dataset.x, dataset.y),
            "validation": fresh_samples(
                dataset, PROTOCOL["validation_samples"], seed=PROTOCOL["validation_seed"]
            ),
            "test": (dataset.x_test, dataset.y_test),
        }
        self._data = {
            name: (x.astype(np.float32), y.astype(np.int32)) for name, (x, y) in parts.items()
        }

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Train networks on a device, one after the other."""
        for number, task in enumerate(tasks, start=1):
            arrays = self._train(task, device)
            on_step(number)
            yield task, arrays

    def _train(self, task: Task, device: Any) -> Arrays:
        architecture, seed = task.labels["architecture"], task.labels["seed"]
        n_runs = len(FUNCTIONS)
        network = initial_network(architecture, seed)
        networks = jax.tree.map(lambda leaf: np.repeat(leaf[None], n_runs, axis=0), network)
        own = {
            "choice": np.arange(n_runs, dtype=np.int32),
            "rate": np.array(task.key["rates"], np.float32),
        }
        data = {**self._data, **own, "terms": task.inputs["terms"]}
        keys = jax.random.split(jax.random.key(0), n_runs)  # not used for random numbers
        program = self._programs.get(
            (architecture, device),
            self._training,
            networks,
            data,
            keys=keys,
            data_axes=dict.fromkeys(data) | dict.fromkeys(own, 0),
            devices=[device],
            batched=False,
        )
        metrics = program(networks, data, keys=keys).history.metrics
        return {name: metrics[name] for name in MEASURES}


def initial_network(architecture: str, seed: int) -> Any:
    """Draw initial weights, the same for all functions and rates, so that they are paired."""
    shapes = eqx.filter_eval_shape(ARCHITECTURES[architecture], key=jax.random.key(0))
    return draw_layers(shapes, np.random.default_rng((seed, 2)))


def training_of(config: Config) -> Training:
    """Return the training of a network with the function and the rate that its data name."""
    grid = grid_of(config)

    def equip(network: Any, data: Any) -> Equipped:
        learned = LearnedFunction(data["terms"], grid)
        functions = [*(ACTIVATIONS[name] for name in KNOWN), learned.__call__]
        return Equipped(network, lambda x: jax.lax.switch(data["choice"], functions, x))

    def batch(data: Any, step: Any, _: Any) -> Any:
        return data, sequential_batch(data["train"], step, PROTOCOL["batch_size"])

    def loss(network: Any, batch: Any, _: Any) -> Array:
        data, (x, labels) = batch
        return cross_entropy(predict(equip(network, data), x), labels)

    def evaluate(network: Any, data: Any) -> dict[str, Array]:
        model = equip(network, data)
        return {
            f"{part}_accuracy": accuracy(
                predict(model, data[part][0], chunk_size=200), data[part][1]
            )
            for part in ("validation", "test")
        }

    return Training(
        batch=batch,
        loss=loss,
        optimizer=lambda data: optax.adam(data["rate"]),
        n_steps=config.transfer_steps,
        evaluate=evaluate,
        evaluate_every=PROTOCOL["evaluate_every"],
    )
