"""Metalearning: gradient descent on the activation function, through whole trainings.

An outer step trains the inner model with the function as it is, goes back through the training and
moves the function against the clipped gradient: one compiled program, called once per outer step.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from mnist1d.execution.units import Units
from mnist1d.experiments.metalearn_activation.activation import (
    Activation,
    Direct,
    Grid,
    Network,
    Noise,
    Tabulated,
    elu,
    tabulate,
)
from mnist1d.experiments.metalearn_activation.inner_loop import (
    Data,
    Parameters,
    Schedule,
    draw_parameters,
    measure_accuracy,
    objective,
    sweep_back,
    train,
)
from mnist1d.models.layers import draw_layers

SAVED_EVERY = 20
"""Outer steps between two saves: some seconds of work."""

PLACES = np.linspace(-5, 5, 100)
"""Where the function is recorded."""


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


@dataclass(frozen=True)
class Setting:
    """What all trials have in common; part of the compiled program.

    Attributes:
        schedule: of the inner loop.
        units: hidden units of the inner model.
        hidden: units of the network's hidden layers.
        scale: factor of the network in the function.
        noise: the largest noise.
        direct: whether the network is evaluated at every place and not tabulated.
        grid: cells of the table.
        learning_rate: of the outer loop.
        momentum: of the outer loop.
        clip: the largest component of a meta-gradient.
    """

    schedule: Schedule
    units: int
    hidden: tuple[int, ...]
    scale: float
    noise: float
    direct: bool
    grid: Grid
    learning_rate: float
    momentum: float
    clip: float

    def network(self, seed: int) -> Network:
        """Draw the initial network of a trial."""
        shapes = eqx.filter_eval_shape(Network, self.hidden, key=jax.random.key(0))
        return draw_layers(shapes, np.random.default_rng((seed, 0)))

    def draws(self, seed: int) -> Draws:
        """Draw what else is random in a trial."""
        rng = np.random.default_rng((seed, 1))
        start = draw_parameters(40, self.units, 10, rng)

        def noise() -> list[Array]:
            shapes = [(self.schedule.n_steps, units) for units in (self.units, *self.hidden)]
            return [
                jnp.asarray(rng.uniform(-self.noise, self.noise, shape), jnp.float32)
                for shape in shapes
            ]

        (hidden, *network), (test_hidden, *test_network) = noise(), noise()
        return Draws(start, hidden, tuple(network), test_hidden, tuple(test_network))

    def activation(self, network: Network, noise: Noise) -> Activation:
        """Make the function with the noise of some calls."""
        if self.direct:
            return Direct(network, noise, self.scale)
        return Tabulated(tabulate(network, noise, self.scale, self.grid), self.grid)


class State(NamedTuple):
    """Of the outer loop.

    Attributes:
        network: the function's network.
        velocity: the moving sum of meta-gradients.
    """

    network: Network
    velocity: Network


class Record(NamedTuple):
    """Of an outer step.

    Attributes:
        objective: mean of the last inner losses (nats), before the update.
        last_loss: the last inner loss (nats).
        test_accuracy: after the last inner step, fraction.
        gradient_square: squared norm of the clipped meta-gradient.
        reach: the largest input of the function.
        n_outside: how many inputs were beyond the table.
        broken: inner step at which the meta-gradient ceased to be finite, -1 if it did not.
        function: f at `PLACES`, after the update and without noise.
    """

    objective: Array
    last_loss: Array
    test_accuracy: Array
    gradient_square: Array
    reach: Array
    n_outside: Array
    broken: Array
    function: Array


def function_of(network: Network, scale: float) -> Array:
    """Evaluate f without noise at `PLACES`."""
    places = jnp.asarray(PLACES, network.output.dtype)
    return elu(places).value + scale * network.derivatives(places, (), 0)[0]


def meta_gradient(
    setting: Setting, network: Network, draws: Draws, data: Data
) -> tuple[Network, Any, Array]:
    """Train once and go back.

    Returns: the gradient of the outer objective; what the training recorded; and whether the way
        back was finite at every inner step, shape (steps,).
    """
    if setting.direct:
        activation: Activation = Direct(network, draws.network, setting.scale)
        forward, kept = train(activation, draws.start, draws.hidden, data, setting.schedule)
        sweep = sweep_back(activation, kept, draws.hidden, data, setting.schedule)
        return sweep.adjoint, forward, sweep.sound
    tables, pull = jax.vjp(
        lambda network: tabulate(network, draws.network, setting.scale, setting.grid), network
    )
    activation = Tabulated(tables, setting.grid)
    forward, kept = train(activation, draws.start, draws.hidden, data, setting.schedule)
    sweep = sweep_back(activation, kept, draws.hidden, data, setting.schedule)
    return pull(sweep.adjoint)[0], forward, sweep.sound


@partial(jax.jit, static_argnums=0)
def outer_step(setting: Setting, state: State, draws: Draws, data: Data) -> tuple[State, Record]:
    """Train once, go back, and move the function; it stays where the gradient is not finite."""
    gradient, forward, sound = meta_gradient(setting, state.network, draws, data)
    finite = jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves(gradient)]).all()
    finite &= jnp.isfinite(forward.losses).all()
    clipped = jax.tree.map(lambda g: jnp.clip(g, -setting.clip, setting.clip), gradient)
    velocity = jax.tree.map(lambda v, g: setting.momentum * v + g, state.velocity, clipped)
    network = jax.tree.map(lambda p, v: p - setting.learning_rate * v, state.network, velocity)
    new = jax.tree.map(lambda a, b: jnp.where(finite, a, b), State(network, velocity), state)
    test = setting.activation(state.network, tuple(layer[-1:] for layer in draws.test_network))
    accuracy = measure_accuracy(
        test, jnp.asarray(0), forward.parameters, draws.test_hidden[-1], data
    )
    record = Record(
        objective(forward.losses, setting.schedule),
        forward.losses[-1],
        accuracy,
        jnp.stack([(leaf**2).sum() for leaf in leaves(clipped)]).sum(),
        forward.reach,
        forward.n_outside,
        jnp.where(finite, -1, _first_break(forward.losses, sound)),
        function_of(new.network, setting.scale),
    )
    return new, record


def _first_break(losses: Array, sound: Array) -> Array:
    """Find the first step whose loss is not finite, else the last that the way back failed at."""
    lost = ~jnp.isfinite(losses)
    last_unsound = len(sound) - 1 - jnp.argmax(~sound[::-1])
    return jnp.where(lost.any(), jnp.argmax(lost), jnp.where(sound.all(), 0, last_unsound))


def leaves(tree: Any) -> list[Array]:
    """Return the arrays of a tree."""
    return jax.tree.leaves(tree)


class Trial(NamedTuple):
    """A meta-training as far as it went.

    Attributes:
        records: `Record` by field, each with a leading axis of outer steps.
        network: after the last of them.
        seconds: it took, compilation included.
    """

    records: Mapping[str, np.ndarray]
    network: Network
    seconds: float

    @property
    def stopped(self) -> tuple[int, int] | None:
        """Outer and inner step at which the meta-gradient ceased to be finite."""
        broken = self.records["broken"]
        return None if broken[-1] < 0 else (len(broken) - 1, int(broken[-1]))


def run_trial(
    setting: Setting,
    seed: int,
    n_outer: int,
    data: Data,
    units: Units,
    key: Mapping[str, Any],
    device: jax.Device,
) -> Iterator[tuple[int, Trial]]:
    """Metalearn a function from one seed, going on after what is saved.

    Args:
        setting: of all trials.
        seed: of this one.
        n_outer: number of outer steps.
        data: of the inner loop.
        units: where the steps so far are kept.
        key: what identifies them beside the seed.
        device: where to compute.

    Yields: the seed and the trial so far, after every `SAVED_EVERY` outer steps and at the end: of
        `n_outer` steps, or of the one whose meta-gradient is not finite.
    """
    network = setting.network(seed)
    state = State(network, jax.tree.map(jnp.zeros_like, network))
    flat, structure = jax.tree.flatten(state)
    fixed = jax.device_put((setting.draws(seed), data), device)
    chunks: list[dict[str, np.ndarray]] = []
    for first in range(0, n_outer, SAVED_EVERY):
        steps = range(first, min(first + SAVED_EVERY, n_outer))
        name = {**key, "seed": seed, "outer_steps": [steps.start, steps.stop]}
        found = units.load(**name)
        if found is None:
            clock = perf_counter()
            state = jax.device_put(state, device)
            records = []
            for _ in steps:
                state, record = outer_step(setting, state, *fixed)
                records.append(jax.device_get(record))
                if records[-1].broken >= 0:
                    break
            found = {
                field: np.stack(values)
                for field, values in zip(Record._fields, zip(*records, strict=True), strict=True)
            }
            found |= {f"state_{i}": np.asarray(leaf) for i, leaf in enumerate(leaves(state))}
            found["seconds"] = np.array(perf_counter() - clock)
            units.save(found, **name)
        state = jax.tree.unflatten(structure, [found[f"state_{i}"] for i in range(len(flat))])
        chunks.append(found)
        trial = Trial(
            {field: np.concatenate([chunk[field] for chunk in chunks]) for field in Record._fields},
            state.network,
            float(sum(chunk["seconds"] for chunk in chunks)),
        )
        yield seed, trial
        if trial.stopped:
            return
