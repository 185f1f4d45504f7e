"""Contrastive training of encoders, one run per core, each a unit that need not be repeated."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from mnist1d.dataset import Dataset, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.work import Result, Told, Work
from mnist1d.experiments.self_supervised.views import apply_views, draw_views, level
from mnist1d.harness.settings import PUBLISHED_DATA, with_data
from mnist1d.models import Encoder
from mnist1d.models.layers import draw_layers
from mnist1d.training import (
    RunProgram,
    Training,
    compile_runs,
    info_nce,
    nt_xent,
    shuffled_order,
)

VARIANTS: Mapping[str, tuple[int, ...]] = {
    "default": (125, 16),
    "no projector": (),
    "deep projector": (125, 125, 125, 16),
}
"""The projection heads, from PAPER section 7.2."""

LOSSES: Mapping[str, Callable[[Any, Any, float], jax.Array]] = {
    "info-nce": info_nce,
    "nt-xent": nt_xent,
}

BACKBONE = 3
"""Number of the layer before the projection head, the input being 0."""


class Run(NamedTuple):
    """One training run.

    Attributes:
        variant: a name in `VARIANTS`.
        seed: of its initial weights, batches and views.
    """

    variant: str
    seed: int


@dataclass(frozen=True)
class Schedule:
    """How every run is trained.

    Attributes:
        n_epochs: passes over the signals.
        batch_size: signals per batch, each seen as two views.
        learning_rate: of Adam.
        temperature: of the loss.
        loss: a name in `LOSSES`.
        max_shift: shifts are 0 to `max_shift` - 1.
        slope_scale: standard deviation of slopes, per point.
        offset_scale: standard deviation of offsets.
        keep_every: epochs between the weights that are kept; divides `n_epochs`.
    """

    n_epochs: int
    batch_size: int
    learning_rate: float
    temperature: float
    loss: str
    max_shift: int
    slope_scale: float
    offset_scale: float
    keep_every: int

    @property
    def views(self) -> dict[str, Any]:
        """Arguments of `draw_views`."""
        return {name: getattr(self, name) for name in ("max_shift", "slope_scale", "offset_scale")}


def shapes_of(variant: str) -> Encoder:
    """Return the encoder of a variant, shapes standing for its arrays."""
    return eqx.filter_eval_shape(Encoder, projection=VARIANTS[variant], key=jax.random.key(0))


def initial_encoder(variant: str, seed: int) -> Encoder:
    """Draw the initial encoder of a run, as NumPy arrays.

    Layers are drawn from the input on, so the variants of a seed share their backbone.

    >>> first, second = (initial_encoder(variant, 0) for variant in ("default", "no projector"))
    >>> bool((first.convolutions[2].weight == second.convolutions[2].weight).all())
    True
    """
    return draw_layers(shapes_of(variant), np.random.default_rng(seed))


def as_vector(encoder: Encoder) -> np.ndarray:
    """Return all weights of an encoder as one array, shape (parameters,), float32."""
    leaves = jax.tree.leaves(eqx.filter(encoder, eqx.is_array))
    return np.concatenate([np.ravel(leaf) for leaf in leaves])


def as_encoder(variant: str, vector: np.ndarray) -> Encoder:
    """Return the encoder that has the weights of a vector.

    Args:
        variant: a name in `VARIANTS`.
        vector: what `as_vector` returned, shape (parameters,).

    >>> vector = as_vector(initial_encoder("default", 0))
    >>> vector.shape, bool((as_vector(as_encoder("default", vector)) == vector).all())
    ((21716,), True)
    """
    leaves, structure = jax.tree.flatten(shapes_of(variant))
    ends = np.cumsum([leaf.size for leaf in leaves])
    parts = np.split(np.asarray(vector), ends[:-1])
    arrays = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, arrays)


def outputs_of_layers(encoder: Encoder, x: np.ndarray) -> list[np.ndarray]:
    """Return what every layer makes of signals.

    Args:
        encoder: any.
        x: shape (n, 40).

    Returns: one array of shape (n, features) per layer, float32, the first being the input.
    """
    x = np.asarray(x, np.float32)
    return [x, *map(np.asarray, _outputs(encoder, x))]


@eqx.filter_jit
def _outputs(encoder: Encoder, x: Any) -> list[jax.Array]:
    return [layer.T for layer in encoder.layers(x.T)]


class Signals(NamedTuple):
    """Which signals encoders are trained on.

    Attributes:
        data: the dataset.
        training_data: "training", that part alone, or "both".
    """

    data: DatasetConfig = PUBLISHED_DATA
    training_data: str = "training"

    def generate(self) -> tuple[np.ndarray, np.ndarray]:
        """Return signals, float32, shape (n, length), and their labels."""
        dataset = generate(self.data)
        n = len(dataset.x) + (len(dataset.x_test) if self.training_data == "both" else 0)
        return all_signals(dataset)[:n], np.concatenate([dataset.y, dataset.y_test])[:n]


def all_signals(dataset: Dataset) -> np.ndarray:
    """Return the signals of training and test part, float32, shape (n, length)."""
    return np.concatenate([dataset.x, dataset.x_test]).astype(np.float32)


@dataclass(frozen=True)
class ContrastiveWork(Work[Run]):
    """Training encoders on two views of every signal; a unit is a run.

    The arrays of a run are `weights` of the evaluations, shape (evaluations, parameters), `loss` of
    each epoch (mean over its batches, in nats), `run_seconds` and `compile_seconds` (about 0 if the
    program had been compiled for the device before).

    Attributes:
        schedule: how every run is trained.
        signals: what on.
    """

    schedule: Schedule
    signals: Signals

    def start(self) -> "ContrastiveTrainer":
        """Generate the signals."""
        return ContrastiveTrainer(self.signals.generate()[0], self.schedule)

    def keys(self, task: Run) -> Sequence[Mapping[str, Any]]:
        """Return what determines a run."""
        schedule = vars(self.schedule)
        return [{"what": "training", **task._asdict(), **schedule, **about_signals(self.signals)}]

    def cost(self, task: Run) -> float:
        """Return the multiplications of a signal's pass."""
        sizes = (125, *VARIANTS[task.variant])
        head = sum(a * b for a, b in pairwise(sizes))
        return 25 * 5 * 19 + 25 * 75 * (10 + 5) + head


def about_signals(signals: Signals) -> dict[str, Any]:
    """Return the part of a unit's key that says what was trained on."""
    return with_data({"training_data": signals.training_data}, signals.data)


class ContrastiveTrainer:
    """Trains encoders on two views of every signal.

    Args:
        x: the signals, shape (n, 40); n is a multiple of the batch size.
        schedule: how every run is trained.
    """

    def __init__(self, x: np.ndarray, schedule: Schedule) -> None:
        self._schedule = schedule
        # What is common to all views of a signal is done once, before training.
        self._levelled = np.asarray(level(jnp.asarray(x.T, jnp.float32)).T)
        self._n_batches = len(x) // schedule.batch_size
        self._programs: dict[tuple[str, jax.Device], RunProgram] = {}
        self._orders: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()
        self._training = self._describe()

    def __call__(
        self, tasks: Sequence[Run], device: jax.Device, told: Told
    ) -> Iterator[tuple[Run, Result]]:
        """Train runs on a device, one after the other."""
        for number, run in enumerate(tasks, start=1):
            clock = time.perf_counter()
            program = self.program(run, device)
            compile_seconds = time.perf_counter() - clock
            models, data, keys = self._arguments(run)
            trained = program(models, data, keys=keys)
            losses = np.asarray(trained.history.train_loss[0])
            arrays = {
                "weights": trained.history.metrics[0],
                "loss": losses.reshape(-1, self._n_batches).mean(axis=1),
                "run_seconds": np.array(trained.run_seconds),
                "compile_seconds": np.array(compile_seconds),
            }
            told(number)
            yield run, [arrays]

    def program(self, run: Run, device: jax.Device) -> RunProgram:
        """Return the program of a run's variant for a device, compiled when first asked for."""
        if (run.variant, device) not in self._programs:
            models, data, keys = self._arguments(run)
            self._programs[run.variant, device] = compile_runs(
                self._training,
                models,
                data,
                keys=keys,
                devices=[device],
                batched=False,
                one_core=True,
            )
        return self._programs[run.variant, device]

    def _arguments(self, run: Run) -> tuple[Any, Any, Any]:
        """Return models, data and keys of a program of one run."""
        models = jax.tree.map(lambda leaf: leaf[None], initial_encoder(run.variant, run.seed))
        keys = jax.random.split(jax.random.fold_in(jax.random.key(run.seed), 1), 1)
        return models, (self._levelled, self._order(run.seed)), keys

    def _order(self, seed: int) -> np.ndarray:
        """Draw the batches of a seed: the same for all variants."""
        with self._lock:
            if seed not in self._orders:
                key = jax.random.fold_in(jax.random.key(seed), 0)
                batch_size, n_steps = self._schedule.batch_size, self._training.n_steps
                order = shuffled_order(len(self._levelled), batch_size, n_steps, key=key)
                self._orders[seed] = np.asarray(order)
            return self._orders[seed]

    def _describe(self) -> Training:
        schedule = self._schedule
        loss_of = LOSSES[schedule.loss]

        def batch(data: Any, step: Any, key: Any) -> jax.Array:
            levelled, order = data
            signals = levelled[order[step]].T
            # All first views, then all second ones, so that one pass encodes both.
            both = jnp.concatenate([signals, signals], axis=1)
            draws = draw_views(both.shape[1], **schedule.views, key=key)
            return apply_views(both, draws, max_shift=schedule.max_shift)

        def loss(encoder: Any, views: Any, _: Any) -> jax.Array:
            outputs = encoder(views)
            half = schedule.batch_size
            return loss_of(outputs[:, :half], outputs[:, half:], schedule.temperature)

        steps = schedule.keep_every * self._n_batches
        return Training(
            batch=batch,
            loss=loss,
            optimizer=optax.adam(schedule.learning_rate),
            n_steps=schedule.n_epochs * self._n_batches,
            evaluate=lambda encoder, _: ravel_pytree(eqx.filter(encoder, eqx.is_array))[0],
            evaluate_every=steps,
            evaluate_first=steps - 1,
        )
