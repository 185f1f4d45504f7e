"""Learning an activation function inside a network, by gradient descent through its training.

An outer step is one compiled program: it tabulates the function, trains the network with it from
new initial weights on new batches, differentiates the mean loss of the later batches through all of
the training, and updates the function. Every inner step is computed again when its adjoint is, so
that the parameters alone are stored, 17 MB for 200 steps of the CNN.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from mnist1d.dataset import fresh_samples, generate
from mnist1d.execution import Arrays, OnStep, Task
from mnist1d.experiments.beyond.activation_transfer.config import PLACES, Config
from mnist1d.models import CNN, MLP, predict
from mnist1d.models.activations import Equipped
from mnist1d.models.layers import draw_layers
from mnist1d.models.scalar_network import Grid, Network, elu, lookup, tabulate
from mnist1d.training import cross_entropy

SCALE = 0.2
"""Factor of g, as published."""

GRID = Grid(16.0, 1024)
"""Cells of the table of g; beyond them g continues as a straight line."""

LARGEST_NORM = 1.0
"""Gradients of a function that are longer are shortened to this."""

SMOOTHED_STEPS = 5
"""Outer steps over which objectives are averaged when the best function is chosen."""

SAMPLES_SEED = 3
"""Seed of the samples that functions are learned on; validation and test have others."""

MODELS: Mapping[str, Callable[..., Any]] = {"MLP": MLP, "CNN": CNN}


class State(NamedTuple):
    """The state that outer steps update.

    Attributes:
        network: g.
        optimizer_state: Adam's.
    """

    network: Network
    optimizer_state: Any


def rng_of(seed: int, purpose: int, *, tuning: bool) -> np.random.Generator:
    """Return the random numbers of a trial for a purpose; trials that tune have others."""
    return np.random.default_rng((seed, purpose, int(tuning)))


def terms_of(network: Network) -> Float[Array, "cells 4"]:
    """Tabulate g, times its scale and without noise."""
    none = tuple(jnp.zeros((1, len(layer.bias))) for layer in network.layers[:-1])
    return tabulate(network, none, SCALE, GRID).terms[0]


def learnable(terms: Float[Array, "cells 4"], x: Array) -> Array:
    """Evaluate f; differentiable twice in `x`, and in the table."""
    return elu(x).value + lookup(terms, GRID, x).value


def train_through(
    config: Config,
    network: Network,
    model: Any,
    x: Float[Array, "steps batch length"],
    labels: Array,
) -> Float[Array, ""]:
    """Train a model with a function, differentiably.

    Args:
        config: the settings.
        network: g.
        model: with its initial weights.
        x: a batch per step.
        labels: of the batches, shape (steps, batch).

    Returns: the mean loss of the last batches, each before its update (nats).
    """
    terms = terms_of(network)
    arrays, static = eqx.partition(model, eqx.is_array)
    # As in the paper's code: with a mean square that begins at 1, the first steps are small. The
    # constant is inside the root, whose derivative at zero would be infinite.
    optimizer = optax.rmsprop(config.inner_learning_rate, 0.4, 1e-12, initial_scale=1.0)

    def loss(arrays: Any, batch: tuple[Array, Array]) -> Float[Array, ""]:
        equipped = Equipped(eqx.combine(arrays, static), partial(learnable, terms))
        return cross_entropy(predict(equipped, batch[0]), batch[1])

    @jax.checkpoint
    def step(carry: Any, batch: tuple[Array, Array]) -> tuple[Any, Array]:
        arrays, state = carry
        value, gradient = jax.value_and_grad(loss)(arrays, batch)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(arrays, updates), state), value

    _, losses = jax.lax.scan(step, (arrays, optimizer.init(arrays)), (x, labels))
    return losses[-config.objective_steps :].mean()


def outer_optimizer(config: Config) -> optax.GradientTransformation:
    """Return the optimiser of g."""
    return optax.chain(
        optax.clip_by_global_norm(LARGEST_NORM), optax.adam(config.outer_learning_rate)
    )


def outer_step(
    config: Config, state: State, model: Any, x: Array, labels: Array
) -> tuple[State, dict[str, Array]]:
    """Take an outer step; if the gradient is not finite, the function does not change.

    Returns: the new state; the objective before it (nats), and whether the step was left out.
    """
    objective, gradient = jax.value_and_grad(partial(train_through, config))(
        state.network, model, x, labels
    )
    leaves = [objective, *jax.tree.leaves(gradient)]
    finite = jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]).all()
    updates, optimizer_state = outer_optimizer(config).update(gradient, state.optimizer_state)
    updated = State(optax.apply_updates(state.network, updates), optimizer_state)
    new = jax.tree.map(lambda a, b: jnp.where(finite, a, b), updated, state)
    return new, {"objective": objective, "left_out": ~finite}


def best_step(objective: np.ndarray) -> int:
    """Return the outer step with the lowest objective, as a mean of steps about it.

    Args:
        objective: of every step (nats), shape (steps,); those that are not finite count as worst.

    >>> best_step(np.array([3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.5, 9.0, 9.0, np.nan]))
    4
    """
    width = min(SMOOTHED_STEPS, len(objective))
    windows = np.lib.stride_tricks.sliding_window_view(objective, width).mean(axis=1)
    return int(np.where(np.isfinite(windows), windows, np.inf).argmin()) + width // 2


class Learner:
    """Learns functions, each in one architecture and from one seed.

    The arrays of a function are `terms` (its table, shape (cells, 4)), `function` (f at `PLACES`),
    `best_step` (the outer step before which it was found), and of every outer step `objective`
    (nats) and `left_out`.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._step = jax.jit(partial(outer_step, config))
        self._terms = jax.jit(terms_of)
        n_samples = config.inner_steps * config.batch_size
        x, labels = fresh_samples(generate(config.data), n_samples + 10, seed=SAMPLES_SEED)
        self._x, self._labels = x.astype(np.float32), labels.astype(np.int32)

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Learn functions on a device, one after the other."""
        for number, task in enumerate(tasks):

            def on_outer_step(done: int, number: int = number) -> None:
                on_step(number * self._config.outer_steps + done)

            yield task, self._learn(task, device, on_outer_step)

    def _learn(self, task: Task, device: Any, on_step: OnStep) -> Arrays:
        seed, tuning = task.labels["seed"], task.key["tuning"]
        shapes = eqx.filter_eval_shape(Network, (self._config.units,), key=jax.random.key(0))
        network = draw_layers(shapes, rng_of(seed, 0, tuning=tuning))
        state = State(network, outer_optimizer(self._config).init(network))
        state = jax.device_put(state, device)
        rng = rng_of(seed, 1, tuning=tuning)
        make = MODELS[task.labels["source"]]
        model_shapes = eqx.filter_eval_shape(make, key=jax.random.key(0))
        shape = (self._config.inner_steps, self._config.batch_size)
        networks, steps = [], []
        for number in range(1, self._config.outer_steps + 1):
            model = draw_layers(model_shapes, rng)
            rows = rng.permutation(len(self._x))[: shape[0] * shape[1]].reshape(shape)
            drawn = jax.device_put((model, self._x[rows], self._labels[rows]), device)
            networks.append(state.network)
            state, record = self._step(state, *drawn)
            steps.append(jax.device_get(record))
            on_step(number)
        records = {name: np.stack([step[name] for step in steps]) for name in steps[0]}
        best = best_step(records["objective"])
        terms = self._terms(networks[best])
        return {
            "terms": np.asarray(terms),
            "best_step": np.array(best),
            "function": np.asarray(jax.jit(learnable)(terms, jnp.asarray(PLACES, jnp.float32))),
            **records,
        }
