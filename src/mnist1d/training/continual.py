"""Learning one task after the other with one network, by methods that are numbers.

All methods are one program: each is Adam or gradient descent, with terms whose factors are 0 where
the method has none of them. So a program compiles once, and runs of it differ in their data.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from mnist1d.measures.representations import dead_units, effective_rank
from mnist1d.models import MLP
from mnist1d.models.beyond.layers import LayerNorm
from mnist1d.models.layers import uniform
from mnist1d.training.continual_backpropagation import (
    Units,
    drawn_inputs,
    new_units,
    next_units,
    replaced,
)
from mnist1d.training.losses import cross_entropy

UTILITY_DECAY = 0.99
"""Of continual backpropagation, as in Dohare et al. (2024)."""


class Method(NamedTuple):
    """A method of training: factors of its terms, numbers that may be traced.

    Attributes:
        adam_rate: learning rate of Adam; 0 without it.
        sgd_rate: learning rate of gradient descent on a batch; 0 without it.
        decay: L2 regularisation; half of it times the squared weights is added to the loss.
        decay_to_start: the same of the squared distance from the initial weights.
        shrink: by which share weights are made smaller before each task but the first.
        noise: how much of newly drawn weights is then added to them. With a shrinkage and noise of
            1 the network is another one for every task. Where either is not 0 the optimiser begins
            anew, too.
        replacement: share of the mature units that continual backpropagation replaces per step.
        normalise: 1 to normalise the inputs of every activation function over the units of a layer.
    """

    adam_rate: Any = 0.0
    sgd_rate: Any = 0.0
    decay: Any = 0.0
    decay_to_start: Any = 0.0
    shrink: Any = 0.0
    noise: Any = 0.0
    replacement: Any = 0.0
    normalise: Any = 0.0


class Tasks(NamedTuple):
    """A sequence of tasks: the same signals with other labels or in another order.

    Attributes:
        x: signals, a column each, shape (length, n).
        orders: for every task an order of the points of a signal, shape (tasks, length).
        labels: of all signals, shape (tasks, n).
        rows: the signals of every batch, shape (tasks, steps, batch).
    """

    x: Float[Array, "length n"] | np.ndarray
    orders: Int[Array, "tasks length"] | np.ndarray
    labels: Int[Array, "tasks n"] | np.ndarray
    rows: Int[Array, "tasks steps batch"] | np.ndarray


class _State(NamedTuple):
    network: MLP
    adam: Any
    units: tuple[Units, Units]


def outputs_of(
    network: MLP, x: Float[Array, "length n"], normalise: Any
) -> tuple[Float[Array, "classes n"], list[Float[Array, "units n"]]]:
    """Return logits, and the outputs of both hidden layers.

    Args:
        network: without a residual connection.
        x: signals, a column each.
        normalise: whether the inputs of the activation function have mean 0 and variance 1 over the
            units of a layer (layer normalisation, without scales and shifts of its own).

    >>> network = MLP(hidden_size=3, residual=False, key=jax.random.key(0))
    >>> logits, hidden = outputs_of(network, jnp.ones((40, 7)), 0.0)
    >>> logits.shape, [each.shape for each in hidden]
    ((10, 7), [(3, 7), (3, 7)])
    """
    hidden: list[Array] = []

    def activation(inputs: Array) -> Array:
        normalised = LayerNorm(len(inputs))(inputs)
        hidden.append(jax.nn.relu(jnp.where(normalise > 0, normalised, inputs)))
        return hidden[-1]

    return network(x, activation), hidden


def learn(
    network: MLP, method: Method, tasks: Tasks, *, maturity: int, key: PRNGKeyArray
) -> dict[str, Float[Array, " tasks"]]:
    """Learn tasks one after the other, and measure each: a pure function, to be jitted.

    Args:
        network: the initial weights, without a residual connection.
        method: how it is trained.
        tasks: the tasks in their order.
        maturity: age, in steps, above which continual backpropagation may replace a unit.
        key: for what is drawn anew.

    Returns: arrays of shape (tasks,):

        - `accuracy`: of the batches, each before its update, mean over the task: a fraction;
        - `last_accuracy`: of all signals after the last update of the task;
        - `dead_units`: share of the units of both layers that are 0 for all signals then;
        - `weight_size`: mean absolute value of the weights, without biases;
        - `effective_rank`: of the second layer's outputs for all signals, 0 if they are all alike.

        NaN from the task on in which the training diverged.
    Source: the first measure is that of Kumar, Marklund & Van Roy (2023), arXiv:2308.11958.

    >>> network = MLP(hidden_size=5, residual=False, key=jax.random.key(0))
    >>> rows = np.arange(8).reshape(1, 4, 2).repeat(3, axis=0)
    >>> tasks = Tasks(np.ones((40, 8)), np.arange(40)[None].repeat(3, axis=0),
    ...               np.arange(24).reshape(3, 8) % 10, rows)
    >>> found = learn(network, Method(adam_rate=0.01), tasks, maturity=100, key=jax.random.key(1))
    >>> found["accuracy"].shape
    (3,)
    """
    adam, descent = optax.adam(method.adam_rate), optax.sgd(method.sgd_rate)
    tasks, network = jax.tree.map(jnp.asarray, (tasks, network))
    start = network

    def loss_of(network: MLP, x: Array, labels: Array) -> tuple[Array, Any]:
        logits, hidden = outputs_of(network, x, method.normalise)
        hits = (logits.argmax(axis=0) == labels).mean()
        return cross_entropy(logits.T, labels), (hits, [each.mean(axis=1) for each in hidden])

    def begun(state: _State, key: PRNGKeyArray) -> _State:
        other = _drawn_like(key, state.network)
        network = jax.tree.map(
            lambda old, new: (1 - method.shrink) * old + method.noise * new, state.network, other
        )
        return _State(network, adam.init(network), state.units)

    def with_new_units(state: _State, chosen: tuple[Array, Array], key: Any) -> tuple[MLP, Any]:
        network, moments = state.network, state.adam
        n_inputs = [layers(network)[0].weight.shape[1] for layers in _LAYERS]
        for layers, unit, drawn in zip(_LAYERS, chosen, drawn_inputs(key, n_inputs), strict=True):
            network = eqx.tree_at(layers, network, replaced(*layers(network), unit, drawn))
            gone = (jnp.zeros_like(drawn[0]), 0.0)
            for name in ("mu", "nu"):
                kept = optax.tree.get(moments, name)
                kept = eqx.tree_at(layers, kept, replaced(*layers(kept), unit, gone))
                moments = optax.tree.set(moments, **{name: kept})
        return network, moments

    def learn_one(state: _State, task: Int[Array, ""]) -> tuple[_State, Any]:
        task_key = jax.random.fold_in(key, task)
        is_begun = (task > 0) & ((method.shrink != 0) | (method.noise != 0))
        state = jax.lax.cond(is_begun, begun, lambda state, _: state, state, task_key)
        x, labels, rows = tasks.x[tasks.orders[task]], tasks.labels[task], tasks.rows[task]

        def take_step(step: Int[Array, ""], carry: tuple[_State, Array, Array]) -> Any:
            state, hits, is_finite = carry
            chosen = rows[step]
            (loss, (hit, activity)), gradient = jax.value_and_grad(loss_of, has_aux=True)(
                state.network, x[:, chosen], labels[chosen]
            )
            gradient = jax.tree.map(
                lambda slope, weight, first: (
                    slope + method.decay * weight + method.decay_to_start * (weight - first)
                ),
                gradient,
                state.network,
                start,
            )
            updates, moments = adam.update(gradient, state.adam)
            more, _ = descent.update(gradient, descent.init(state.network))
            network = optax.apply_updates(optax.apply_updates(state.network, updates), more)
            found = [
                next_units(
                    units,
                    size,
                    layers(network)[1].weight,
                    rate=method.replacement,
                    maturity=maturity,
                    decay=UTILITY_DECAY,
                )
                for units, size, layers in zip(state.units, activity, _LAYERS, strict=True)
            ]
            (first_units, first), (second_units, second) = found
            state = _State(network, moments, (first_units, second_units))
            network, moments = jax.lax.cond(
                (first >= 0) | (second >= 0),
                with_new_units,
                lambda state, *_: (state.network, state.adam),
                state,
                (first, second),
                jax.random.fold_in(task_key, step),
            )
            state = state._replace(network=network, adam=moments)
            return state, hits + hit, is_finite & jnp.isfinite(loss)

        n_steps = rows.shape[0]
        carry = (state, jnp.zeros(()), jnp.array(True))
        state, hits, is_finite = jax.lax.fori_loop(0, n_steps, take_step, carry)
        # A loss that is NaN is so in all tasks to come, too.
        return state, _measured(state.network, method, (x, labels), hits / n_steps, is_finite)

    units = new_units(len(network.hidden.bias)), new_units(len(network.second.bias))
    state = _State(network, adam.init(network), units)
    _, found = jax.lax.scan(learn_one, state, jnp.arange(len(tasks.labels)))
    measured: dict[str, Array] = found
    return measured


_LAYERS: tuple[Callable[[Any], tuple[Any, Any]], ...] = (
    lambda network: (network.hidden, network.second),
    lambda network: (network.second, network.output),
)
"""The layers before and after the units of each hidden layer."""


def _measured(
    network: MLP, method: Method, samples: Any, accuracy: Array, is_finite: Bool[Array, ""]
) -> dict[str, Array]:
    x, labels = samples
    logits, hidden = outputs_of(network, x, method.normalise)
    weights = [layer.weight for layer in (network.hidden, network.second, network.output)]
    rank = effective_rank(hidden[-1].T)
    found = {
        "accuracy": accuracy,
        "last_accuracy": (logits.argmax(axis=0) == labels).mean(),
        "dead_units": jnp.concatenate([dead_units(each.T) for each in hidden]).mean(),
        "weight_size": abs(jnp.concatenate([each.ravel() for each in weights])).mean(),
        # Where all units are dead, examples differ in no direction.
        "effective_rank": jnp.where(jnp.isnan(rank), 0, rank),
    }
    return {name: jnp.where(is_finite, each, jnp.nan) for name, each in found.items()}


def _drawn_like(key: PRNGKeyArray, network: MLP) -> MLP:
    """Draw weights and biases as those of a network are drawn at first."""

    def layers_of(network: MLP) -> Any:
        return network.hidden, network.second, network.output

    layers = layers_of(network)
    sizes = [each.weight.size + each.bias.size for each in layers]
    # Of one draw, as every one more takes its time to compile.
    parts = jnp.split(uniform(key, (sum(sizes),), 1), np.cumsum(sizes)[:-1])
    drawn = []
    for layer, part in zip(layers, parts, strict=True):
        n_units, n_inputs = layer.weight.shape
        columns = (part / math.sqrt(n_inputs)).reshape(n_units, n_inputs + 1)
        new = (columns[:, :-1], columns[:, -1])
        drawn.append(eqx.tree_at(lambda each: (each.weight, each.bias), layer, new))
    return eqx.tree_at(layers_of, network, tuple(drawn))
