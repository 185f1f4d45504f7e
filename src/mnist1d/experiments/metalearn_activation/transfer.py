"""Does a learned activation function serve other networks? The reference MLP and CNN with it.

Every architecture is trained with every function and every learning rate on the protocol of the
classification experiment; seed s uses the function that trial s learned. The rate of a function is
the one with the best mean validation accuracy, on generated samples; the test set chooses nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from mnist1d.dataset import fresh_samples, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.units import Units
from mnist1d.experiments.metalearn_activation.activation import Grid, LearnedFunction
from mnist1d.harness.settings import PUBLISHED_DATA
from mnist1d.models import CNN, MLP, predict
from mnist1d.models.layers import draw_layers
from mnist1d.training import (
    RunProgram,
    Training,
    accuracy,
    compile_runs,
    cross_entropy,
    sequential_batch,
)

ARCHITECTURES: Mapping[str, Callable[..., Any]] = {"MLP": MLP, "CNN": CNN}
KNOWN: Mapping[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "elu": jax.nn.elu,
    "swish": jax.nn.silu,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "tanh": jnp.tanh,
}
FUNCTIONS = (*KNOWN, "learned")
MEASURES = ("validation_accuracy", "test_accuracy")
_DETERMINING = ("n_steps", "evaluate_every", "batch_size", "validation_samples", "validation_seed")
"""Of the protocol, what a single run depends on."""


@dataclass(frozen=True)
class Protocol:
    """How the networks are trained.

    Attributes:
        n_steps: updates per run.
        evaluate_every: steps between evaluations.
        rates: learning rates of Adam that are tried.
        tuning_seeds: seeds that they are tried on, the first ones.
        batch_size: samples per batch, in stored order.
        validation_samples: size of the generated validation set.
        validation_seed: its seed.
    """

    n_steps: int
    evaluate_every: int
    rates: tuple[float, ...]
    tuning_seeds: int = 2
    batch_size: int = 100
    validation_samples: int = 1000
    validation_seed: int = 1


class Candidate(eqx.Module):
    """A network with the rate at which it learns; the rate itself has no gradient.

    Attributes:
        network: MLP or CNN.
        rate: learning rate.
    """

    network: Any
    rate: Array | np.ndarray


class _Equipped(eqx.Module):
    """A network with an activation function of its own."""

    network: Any
    activation: Callable[[Array], Array]
    batch_last: ClassVar[bool] = True

    def __call__(self, x: Array) -> Array:
        return self.network(x, self.activation)


class Transferred(NamedTuple):
    """What was found, in the order of `ARCHITECTURES` and `FUNCTIONS`; accuracies are fractions.

    Attributes:
        tuning: validation accuracy, shape (architectures, functions, rates, tuning seeds).
        rates: the rate of every function, shape (architectures, functions).
        validation: at the evaluation where it is highest, shape (architectures, functions, seeds).
        test: at that evaluation.
        last_test: after the last step.
    """

    tuning: np.ndarray
    rates: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    last_test: np.ndarray


Runs = tuple[str, int, tuple[float, ...]]
"""Architecture, seed, and the rate of every function: what a device trains at a time."""


def transfer(
    protocol: Protocol,
    functions: Mapping[int, LearnedFunction],
    units: Units,
    key: Mapping[str, Any],
    report: Callable[[int, int], None],
    data: DatasetConfig = PUBLISHED_DATA,
) -> Transferred:
    """Tune the rate of every architecture and function on the first seeds, then train the others.

    Args:
        protocol: how.
        functions: the learned function of every seed, 0, 1, ...
        units: where finished runs are kept.
        key: what determines the learned functions.
        report: told how many programs of how many are done.
        data: what is classified; part of `key` if it is not the published dataset.
    """
    seeds, n_tuning = list(functions), min(protocol.tuning_seeds, len(functions))
    n_programs = len(ARCHITECTURES) * (n_tuning * len(protocol.rates) + len(seeds) - n_tuning)
    trainer = _Trainer(
        protocol, functions, units, key, lambda n_done: report(n_done, n_programs), data
    )
    tuning = trainer.train(
        [
            (architecture, seed, (rate,) * len(FUNCTIONS))
            for architecture in ARCHITECTURES
            for rate in protocol.rates
            for seed in seeds[:n_tuning]
        ]
    )
    shape = (len(ARCHITECTURES), len(protocol.rates), n_tuning, len(FUNCTIONS), -1)
    curves = {
        name: np.stack([found[name] for found in tuning]).reshape(shape).transpose(0, 3, 1, 2, 4)
        for name in MEASURES
    }
    best = _highest(curves["validation_accuracy"])[0]
    chosen = np.nan_to_num(best, nan=-1.0).mean(axis=3).argmax(axis=2)
    rates = np.array(protocol.rates)[chosen]
    rest = trainer.train(
        [
            (architecture, seed, tuple(rates[row].tolist()))
            for row, architecture in enumerate(ARCHITECTURES)
            for seed in seeds[n_tuning:]
        ]
    )
    final_shape = (
        len(ARCHITECTURES),
        len(seeds) - n_tuning,
        len(FUNCTIONS),
        curves[MEASURES[0]].shape[-1],
    )
    final = {}
    for name, values in curves.items():
        tuned = np.take_along_axis(values, chosen[:, :, None, None, None], axis=2)[:, :, 0]
        others = (
            np.array([found[name] for found in rest]).reshape(final_shape).transpose(0, 2, 1, 3)
        )
        final[name] = np.concatenate([tuned, others], axis=2)
    validation, at = _highest(final["validation_accuracy"])
    test = np.take_along_axis(final["test_accuracy"], at[..., None], axis=-1)[..., 0]
    return Transferred(
        best,
        rates,
        validation,
        test,
        np.where(np.isnan(test), np.nan, final["test_accuracy"][..., -1]),
    )


def _highest(accuracy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Highest accuracy over the evaluations, and where; NaN if the run diverged at any."""
    at = np.nan_to_num(accuracy, nan=-1.0).argmax(axis=-1)
    best = np.take_along_axis(accuracy, at[..., None], axis=-1)[..., 0]
    return np.where(np.isnan(accuracy).any(axis=-1), np.nan, best), at


def _data(protocol: Protocol, data: DatasetConfig) -> dict[str, Any]:
    dataset = generate(data)
    x_validation, y_validation = fresh_samples(
        dataset, protocol.validation_samples, seed=protocol.validation_seed
    )
    return {
        "train": (dataset.x.astype(np.float32), dataset.y.astype(np.int32)),
        "validation": (x_validation.astype(np.float32), y_validation.astype(np.int32)),
        "test": (dataset.x_test.astype(np.float32), dataset.y_test.astype(np.int32)),
    }


class _Trainer:
    """Trains a network with every function as one program, and keeps what is finished."""

    def __init__(
        self,
        protocol: Protocol,
        functions: Mapping[int, LearnedFunction],
        units: Units,
        key: Mapping[str, Any],
        report: Callable[[int], None],
        data: DatasetConfig,
    ) -> None:
        self._protocol, self._functions = protocol, functions
        self._units, self._report = units, report
        about = {name: value for name, value in vars(protocol).items() if name in _DETERMINING}
        self._key = {**key, **about}
        self._data = _data(protocol, data)
        self._programs: dict[str, RunProgram] = {}
        self._n_done = 0

    def train(self, tasks: Sequence[Runs]) -> list[dict[str, np.ndarray]]:
        """Train what is not finished; returns accuracies of shape (functions, evaluations)."""
        results = {task: self._units.load(**self._name(task)) for task in tasks}
        self._n_done += sum(found is not None for found in results.values())
        self._report(self._n_done)
        for architecture in ARCHITECTURES:
            missing = [task for task in tasks if task[0] == architecture and results[task] is None]
            for group in _groups(missing, jax.device_count()):
                for task, found in zip(group, self._train_group(group), strict=True):
                    self._units.save(found, **self._name(task))
                    results[task] = found
                self._n_done += len(group)
                self._report(self._n_done)
        return [results[task] or {} for task in tasks]

    def _name(self, task: Runs) -> dict[str, Any]:
        architecture, seed, rates = task
        return {**self._key, "architecture": architecture, "seed": seed, "rates": list(rates)}

    def _train_group(self, group: Sequence[Runs]) -> list[dict[str, np.ndarray]]:
        """Train one task per device; a group that is not full is filled up with its first task."""
        n_devices, n_functions = jax.device_count(), len(FUNCTIONS)
        full = [*group, *[group[0]] * (n_devices - len(group))]
        architecture = full[0][0]
        candidates = Candidate(
            jax.tree.map(
                lambda *leaves: np.repeat(np.stack(leaves), n_functions, axis=0),
                *(self._draw(architecture, seed) for _, seed, _ in full),
            ),
            np.array([rates for *_, rates in full], np.float32).ravel(),
        )
        terms = np.stack([np.asarray(self._functions[seed].terms) for _, seed, _ in full])
        data = {
            **self._data,
            "choice": np.tile(np.arange(n_functions, dtype=np.int32), n_devices),
            "terms": np.repeat(terms, n_functions, axis=0),
        }
        keys = jax.random.split(jax.random.key(0), n_devices * n_functions)  # none is drawn from
        if architecture not in self._programs:
            self._programs[architecture] = compile_runs(
                _training(self._protocol, self._functions[full[0][1]].grid),
                candidates,
                data,
                keys=keys,
                data_axes=dict.fromkeys(data, None) | {"choice": 0, "terms": 0},
                batched=False,
            )
        metrics = self._programs[architecture](candidates, data, keys=keys).history.metrics
        return [
            {name: metrics[name][rank * n_functions :][:n_functions] for name in MEASURES}
            for rank in range(len(group))
        ]

    def _draw(self, architecture: str, seed: int) -> Any:
        """Draw initial weights: the same for all functions and rates, so that they are paired."""
        shapes = eqx.filter_eval_shape(ARCHITECTURES[architecture], key=jax.random.key(0))
        return draw_layers(shapes, np.random.default_rng((seed, 2)))


def _groups(tasks: Sequence[Runs], size: int) -> Iterator[list[Runs]]:
    remaining = iter(tasks)
    while group := list(islice(remaining, size)):
        yield group


def _training(protocol: Protocol, grid: Grid) -> Training:
    def equip(candidate: Candidate, choice: Array, terms: Array) -> _Equipped:
        learned = LearnedFunction(terms, grid)

        def activation(x: Array) -> Array:
            return jax.lax.switch(choice, [*KNOWN.values(), learned.__call__], x)

        return _Equipped(candidate.network, activation)

    def batch(data: Any, step: Any, _: Any) -> Any:
        rows = sequential_batch(data["train"], step, protocol.batch_size)
        return (*rows, data["choice"], data["terms"])

    def loss(candidate: Candidate, batch: Any, _: Any) -> Array:
        x, labels, choice, terms = batch
        return cross_entropy(predict(equip(candidate, choice, terms), x), labels)

    def evaluate(candidate: Candidate, data: Any) -> dict[str, Array]:
        model = equip(candidate, data["choice"], data["terms"])
        return {
            f"{part}_accuracy": accuracy(
                predict(model, data[part][0], chunk_size=200), data[part][1]
            )
            for part in ("validation", "test")
        }

    return Training(
        batch=batch,
        loss=loss,
        optimizer=_adam(),
        n_steps=protocol.n_steps,
        evaluate=evaluate,
        evaluate_every=protocol.evaluate_every,
    )


def _adam() -> optax.GradientTransformation:
    """Adam at the rate that the candidate has."""
    adam = optax.scale_by_adam()

    def update(gradient: Any, state: Any, parameters: Any = None) -> tuple[Any, Any]:
        direction, state = adam.update(gradient, state, parameters)
        return jax.tree.map(lambda d: -parameters.rate * d, direction), state

    return optax.GradientTransformation(adam.init, update)
