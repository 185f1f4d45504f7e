"""The outer loop: gradient descent on the activation function, through whole trainings.

An outer step trains the inner model with the present function, goes back through the training and
updates the function by the clipped gradient. Some steps are one compiled program, so that they
share the memory of what a training keeps: to get it anew for every step took a tenth of its time.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from mnist1d.execution import Arrays, OnStep, Task, one_by_one
from mnist1d.experiments.metalearn_activation.activation import (
    Direct,
    Learnable,
    Tabulated,
    grid_of,
)
from mnist1d.experiments.metalearn_activation.config import PLACES, Config
from mnist1d.experiments.metalearn_activation.inner_loop import (
    Data,
    Forward,
    Parameters,
    backward,
    draw_parameters,
    make_data,
    measure_accuracy,
    train,
)
from mnist1d.models.layers import draw_layers
from mnist1d.models.scalar_network import Network, Noise, elu, tabulate

STEPS_PER_TASK = 20
"""Outer steps that are taken by one program and stored together, some seconds of work."""


class State(NamedTuple):
    """The state that outer steps update.

    Attributes:
        network: the function's network.
        velocity: the moving sum of meta-gradients.
    """

    network: Network
    velocity: Network


class Draws(NamedTuple):
    """Everything random of a trial but the initial network: the same in all outer steps.

    Attributes:
        start: initial parameters of the inner model.
        hidden: noise of its hidden layer in training, shape (inner steps, units).
        network: noise of the network in training, shape (inner steps, units) per hidden layer.
        test_hidden: noise of the evaluation after each inner step.
        test_network: likewise.
    """

    start: Parameters
    hidden: Array
    network: Noise
    test_hidden: Array
    test_network: Noise


def draw_network(config: Config, seed: int) -> Network:
    """Draw the initial network of a trial."""
    shapes = eqx.filter_eval_shape(Network, config.network, key=jax.random.key(0))
    network: Network = draw_layers(shapes, np.random.default_rng((seed, 0)))
    return network


def draw_rest(config: Config, seed: int) -> Draws:
    """Draw all other random numbers of a trial."""
    rng = np.random.default_rng((seed, 1))
    start = draw_parameters(40, config.hidden_size, 10, rng)

    def noise() -> list[Array]:
        return [
            jnp.asarray(
                rng.uniform(-config.noise, config.noise, (config.inner_steps, units)), jnp.float32
            )
            for units in (config.hidden_size, *config.network)
        ]

    (hidden, *network), (test_hidden, *test_network) = noise(), noise()
    return Draws(start, hidden, tuple(network), test_hidden, tuple(test_network))


def activation_of(config: Config, network: Network, noise: Noise) -> Learnable:
    """Make the function with the noise of some calls."""
    if config.evaluation == "direct":
        return Direct(network, noise, config.scale)
    grid = grid_of(config)
    return Tabulated(tabulate(network, noise, config.scale, grid), grid)


def function_of(network: Network, scale: float) -> Array:
    """Evaluate f without noise at `PLACES`."""
    places = jnp.asarray(PLACES, network.output.dtype)
    return elu(places).value + scale * network.derivatives(places, (), 0)[0]


def meta_gradient(
    config: Config, network: Network, draws: Draws, data: Data
) -> tuple[Network, Forward, Array]:
    """Train once, and compute the gradient of the outer objective.

    Returns: the gradient; the record of the training; and whether the backward pass was finite at
        every inner step, shape (steps,).
    """
    activation: Learnable
    if config.evaluation == "direct":
        activation, pull = Direct(network, draws.network, config.scale), lambda adjoint: (adjoint,)
    else:
        grid = grid_of(config)
        tables, pull = jax.vjp(
            lambda network: tabulate(network, draws.network, config.scale, grid), network
        )
        activation = Tabulated(tables, grid)
    forward, kept = train(config, activation, draws.start, draws.hidden, data)
    adjoint, finite = backward(config, activation, kept, draws.hidden, data)
    return pull(adjoint)[0], forward, finite


@partial(jax.jit, static_argnums=0)
def outer_step(
    config: Config, state: State, draws: Draws, data: Data
) -> tuple[State, dict[str, Array]]:
    """Take an outer step; if the gradient is not finite, the function does not change.

    Returns: the new state; and the arrays of a step that `MetaTrainer` stores.
    """
    gradient, forward, back_finite = meta_gradient(config, state.network, draws, data)
    finite = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient)]).all()
    finite &= jnp.isfinite(forward.losses).all()
    clipped = jax.tree.map(lambda g: jnp.clip(g, -config.clip, config.clip), gradient)
    velocity = jax.tree.map(lambda v, g: config.outer_momentum * v + g, state.velocity, clipped)
    network = jax.tree.map(lambda p, v: p - config.outer_learning_rate * v, state.network, velocity)
    new = jax.tree.map(lambda a, b: jnp.where(finite, a, b), State(network, velocity), state)
    test = activation_of(config, state.network, tuple(layer[-1:] for layer in draws.test_network))
    accuracy = measure_accuracy(
        test, jnp.asarray(0), forward.parameters, draws.test_hidden[-1], data
    )
    return new, {
        "objective": forward.losses[-config.objective_steps :].mean(),
        "last_loss": forward.losses[-1],
        "test_accuracy": accuracy,
        "gradient_square": jnp.stack([(leaf**2).sum() for leaf in jax.tree.leaves(clipped)]).sum(),
        "reach": forward.max_abs_input,
        "n_outside": forward.n_outside,
        "broken": jnp.where(finite, -1, first_nonfinite_step(forward.losses, back_finite)),
        "function": function_of(new.network, config.scale),
    }


@partial(jax.jit, static_argnums=0)
def outer_steps(
    config: Config, n_steps: int, state: State, draws: Draws, data: Data
) -> tuple[Array, State, dict[str, Array]]:
    """Take some outer steps, up to the first whose gradient is not finite.

    Args:
        config: the settings.
        n_steps: at most `STEPS_PER_TASK`.
        state: before the first step.
        draws: of the trial.
        data: of the inner model.

    Returns: the number of steps taken; the state after them; and their arrays, of
        `STEPS_PER_TASK` steps, those that were not taken zeros.
    """
    shapes = jax.eval_shape(partial(outer_step, config), state, draws, data)[1]
    nothing = {
        name: jnp.zeros((STEPS_PER_TASK, *one.shape), one.dtype) for name, one in shapes.items()
    }

    def goes_on(carry: tuple[Array, State, dict[str, Array]]) -> Array:
        done, _, records = carry
        is_broken = (done > 0) & (records["broken"][done - 1] >= 0)
        return (done < n_steps) & ~is_broken

    def take(carry: tuple[Array, State, dict[str, Array]]) -> tuple[Any, ...]:
        done, state, records = carry
        state, record = outer_step(config, state, draws, data)
        records = {name: whole.at[done].set(record[name]) for name, whole in records.items()}
        return done + 1, state, records

    taken: tuple[Array, State, dict[str, Array]]
    taken = jax.lax.while_loop(goes_on, take, (jnp.asarray(0), state, nothing))
    return taken


def first_nonfinite_step(losses: Array, back_finite: Array) -> Array:
    """Return the first step whose loss is not finite, else the first failure going backwards."""
    lost = ~jnp.isfinite(losses)
    last_failed = len(back_finite) - 1 - jnp.argmax(~back_finite[::-1])
    return jnp.where(lost.any(), jnp.argmax(lost), jnp.where(back_finite.all(), 0, last_failed))


class MetaTrainer:
    """Computes pieces of meta-trainings: some outer steps of a trial, from the state in `inputs`.

    Without a state the trial begins. The arrays of a piece have an entry per outer step, up to the
    first whose meta-gradient is not finite, if any:

    - `objective`: mean of the last inner losses (nats), `last_loss`: the last one, and
      `test_accuracy` (fraction): after the last inner step; all before the update;
    - `gradient_square`: squared norm of the clipped meta-gradient;
    - `reach`: the largest input of the function; `n_outside`: number of those beyond the table;
    - `broken`: inner step from which the meta-gradient is not finite, -1 if it is;
    - `function`: f at `PLACES`, after the update and without noise.

    And of the whole piece: `state_0`, `state_1`, ...: the state after it; `seconds`: its time.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config, self._data = config, make_data(config)

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Compute pieces on a device, one after the other."""
        return one_by_one(tasks, lambda task: self._take(task, device), on_step)

    def _take(self, task: Task, device: jax.Device | None) -> Arrays:
        clock, seed = perf_counter(), task.labels["seed"]
        state = state_of(self._config, seed, task.inputs)
        first, stop = task.key["outer_steps"]
        inputs = (np.int32(stop - first), state, draw_rest(self._config, seed), self._data)
        done, state, records = outer_steps(self._config, *jax.device_put(inputs, device))
        arrays = {name: np.asarray(whole)[: int(done)] for name, whole in records.items()}
        leaves = map(np.asarray, jax.tree.leaves(state))
        arrays |= {f"state_{place}": leaf for place, leaf in enumerate(leaves)}
        return arrays | {"seconds": np.array(perf_counter() - clock)}


def state_of(config: Config, seed: int, arrays: Mapping[str, Any]) -> State:
    """Return the state of a trial after a piece of it, or the initial state without one."""
    network = draw_network(config, seed)
    start = State(network, jax.tree.map(jnp.zeros_like, network))
    leaves, structure = jax.tree.flatten(start)
    stored = [arrays.get(f"state_{place}", leaf) for place, leaf in enumerate(leaves)]
    state: State = jax.tree.unflatten(structure, stored)
    return state
