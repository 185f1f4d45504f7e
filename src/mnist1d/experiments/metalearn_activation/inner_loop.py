"""The inner loop: training a small network with an activation function, and its backward pass.

The inner model is o = B (f(A x) + noise) + c, trained by RMSprop. The gradient of its loss is
written by hand, and so is the backward pass through the training: the pull-back of a step is the
derivative of its gradient in one direction, as second derivatives are symmetric. With `jax.vjp`
(each step under `jax.checkpoint`) the backward pass took 1.15 times as long; its meta-gradient
differs by 3e-7, in float32.

With p the parameters, L the loss of a batch and v the adjoint of the step's gradient, a step passes
H v back to p, and to f the adjoints
    of f:  w da + D_v da,     of f':  da * (D_v z),
where z = A x, da = dL/df, D_v the derivative in direction v, and w the weight of L in the outer
objective.

Of every step z, the parameters, their gradient and its root mean square are stored, 40 MB for 301
steps. f, f' and f'' are looked up again: on a CPU, storing them as well (90 MB) took a third longer
in total.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from mnist1d.dataset import generate
from mnist1d.experiments.metalearn_activation.activation import Activation, Learnable
from mnist1d.experiments.metalearn_activation.config import Config
from mnist1d.models.layers import Linear, draw_layers
from mnist1d.training import accuracy, sequential_rows


class Parameters(NamedTuple):
    """Parameters of the inner model.

    Attributes:
        hidden: A, with the bias in the last column, shape (units, length + 1).
        output: B, shape (classes, units).
        bias: c, shape (classes,).
    """

    hidden: Array
    output: Array
    bias: Array


class Data(NamedTuple):
    """Training batches and test samples of the inner model.

    Attributes:
        x: batches in their order, with a row of ones, shape (batches, length + 1, n).
        y: labels of the batches, one row per class, shape (batches, classes, n).
        x_test: with a row of ones, shape (length + 1, n_test).
        labels_test: shape (n_test,).
    """

    x: Array
    y: Array
    x_test: Array
    labels_test: Array

    @classmethod
    def of(
        cls, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, batch_size: int
    ) -> Self:
        """Divide a training set into batches, in stored order, up to their first repetition.

        Args:
            x: signals, shape (n, length).
            y: labels from 0 to 9.
            x_test: signals to test on.
            y_test: their labels.
            batch_size: samples per batch.

        >>> data = Data.of(np.ones((6, 4)), np.arange(6), np.ones((5, 4)), np.arange(5), 2)
        >>> data.x.shape, data.y.shape, data.x_test.shape
        ((3, 5, 2), (3, 10, 2), (5, 5))
        """

        def with_ones(signals: np.ndarray) -> np.ndarray:
            columns = signals.astype(np.float32).T
            return np.concatenate([columns, np.ones_like(columns[:1])])

        rows = sequential_rows(len(x), batch_size)
        batches = with_ones(x)[:, rows].transpose(1, 0, 2)
        one_hot = np.eye(10, dtype=np.float32)[:, y[rows]].transpose(1, 0, 2)
        return cls(
            jnp.asarray(batches),
            jnp.asarray(one_hot),
            jnp.asarray(with_ones(x_test)),
            jnp.asarray(y_test, jnp.int32),
        )


def make_data(config: Config) -> Data:
    """Generate the training set of the inner model, and the 500 samples that it is tested on."""
    made = generate(config.data, num_samples=10_000)
    return Data.of(made.x, made.y, made.x_test[:500], made.y_test[:500], config.batch_size)


EPSILON = 1e-8
"""Added to the root of the mean square, as published."""


class Forward(NamedTuple):
    """The record of a training; of every step unless stated.

    Attributes:
        losses: of the batch before the update (nats), shape (steps,).
        accuracies: results of `measure` after the update, shape (steps,).
        parameters: after the last step.
        max_abs_input: the largest |z|, shape ().
        n_outside: number of z beyond the table, shape (); 0 without a table.
    """

    losses: Array
    accuracies: Array
    parameters: Parameters
    max_abs_input: Array
    n_outside: Array


class Kept(NamedTuple):
    """The values of a step that the backward pass needs."""

    parameters: Parameters
    gradient: Parameters
    root: Parameters
    z: Array
    delta: Array


def draw_parameters(length: int, units: int, classes: int, rng: np.random.Generator) -> Parameters:
    """Draw the inner model (PyTorch's defaults).

    >>> draw_parameters(40, 128, 10, np.random.default_rng(0)).hidden.shape
    (128, 41)
    """
    hidden, output = (
        draw_layers(eqx.filter_eval_shape(Linear, *sizes, key=jax.random.key(0)), rng)
        for sizes in ((length, units), (units, classes))
    )
    weights = np.concatenate([hidden.weight, hidden.bias[:, None]], axis=1)
    return Parameters(*map(jnp.asarray, (weights, output.weight, output.bias)))


def train(
    config: Config,
    activation: Activation,
    start: Parameters,
    noise: Float[Array, "steps units"],
    data: Data,
    measure: Callable[[Int[Array, ""], Parameters], Array] | None = None,
) -> tuple[Forward, Kept]:
    """Train the inner model.

    Args:
        config: the settings.
        activation: f; call i is that of step i.
        start: initial parameters.
        noise: added after the activation, one row per step.
        data: to train on.
        measure: `(step, parameters) -> accuracy`, called after every update; None for zeros.

    Returns: the record; and the values that `backward` needs.
    """
    bound = config.grid_bound if config.evaluation == "table" else np.inf

    def step(
        carry: tuple[Parameters, Parameters], inputs: tuple[Array, Array]
    ) -> tuple[tuple[Parameters, Parameters], tuple[Array, Array, Array, Array, Kept]]:
        parameters, square = carry
        i, row = inputs
        x, y = _batch(data, i)
        loss, kept = _gradient(activation, i, parameters, row, x, y)
        square = jax.tree.map(
            lambda s, g: config.inner_decay * s + (1 - config.inner_decay) * g * g,
            square,
            kept.gradient,
        )
        root = jax.tree.map(jnp.sqrt, square)
        new = jax.tree.map(
            lambda p, g, r: p - config.inner_learning_rate * g / (r + EPSILON),
            parameters,
            kept.gradient,
            root,
        )
        measured = measure(i, new) if measure else jnp.zeros_like(loss)
        size = jnp.abs(kept.z)
        outside = (size > bound).sum(dtype=jnp.int32)
        return (new, square), (loss, measured, size.max(), outside, kept._replace(root=root))

    ones = jax.tree.map(jnp.ones_like, start)
    (parameters, _), (losses, accuracies, largest, outside, kept) = jax.lax.scan(
        step, (start, ones), (jnp.arange(config.inner_steps), noise)
    )
    return Forward(losses, accuracies, parameters, largest.max(), outside.sum()), kept


def backward(
    config: Config,
    activation: Learnable,
    kept: Kept,
    noise: Float[Array, "steps units"],
    data: Data,
) -> tuple[Any, Bool[Array, " steps"]]:
    """Compute the gradient of the outer objective with respect to the activation, backwards.

    Args:
        config: as in training, like `activation`, `noise` and `data`.
        activation: f.
        kept: the values that `train` returned.
        noise: after the activation.
        data: the training set.

    Returns: the adjoint of the activation's parameters; and whether that of the inner model's
        parameters before each step is finite.
    """

    def step(
        carry: tuple[Parameters, Parameters, Any], inputs: tuple[Array, Array, Kept]
    ) -> tuple[tuple[Parameters, Parameters, Any], Array]:
        adjoint, square_adjoint, accumulated = carry
        i, row, one = inputs
        x, y = _batch(data, i)
        f = activation(i, one.z)
        hidden = f.value + row[:, None]
        back = one.parameters.output.T @ one.delta
        counts = i >= config.inner_steps - config.objective_steps
        weight = jnp.where(counts, 1 / config.objective_steps, 0).astype(x.dtype)
        # Back through RMSprop: first the root, then the mean square, then the gradient.
        scaled = jax.tree.map(
            lambda a, r: -config.inner_learning_rate * a / (r + EPSILON), adjoint, one.root
        )
        total = jax.tree.map(
            lambda v, s, g, r: s - v * g / (2 * r * (r + EPSILON)),
            scaled,
            square_adjoint,
            one.gradient,
            one.root,
        )
        direction = jax.tree.map(
            lambda v, s, g: v + 2 * (1 - config.inner_decay) * s * g, scaled, total, one.gradient
        )
        square_adjoint = jax.tree.map(lambda s: config.inner_decay * s, total)
        # The gradient of the loss, differentiated in this direction.
        n = x.shape[1]
        v = direction
        z_dot = v.hidden @ x
        hidden_dot = f.first * z_dot
        logits_dot = v.output @ hidden + one.parameters.output @ hidden_dot + v.bias[:, None]
        p = n * one.delta + y
        delta_dot = p * (logits_dot - (p * logits_dot).sum(0, keepdims=True)) / n
        back_dot = v.output.T @ one.delta + one.parameters.output.T @ delta_dot
        place_dot = back_dot * f.first + back * f.second * z_dot
        curvature = Parameters(
            place_dot @ x.T,
            delta_dot @ hidden.T + one.delta @ hidden_dot.T,
            delta_dot.sum(1),
        )
        adjoint = jax.tree.map(lambda a, g, h: a + weight * g + h, adjoint, one.gradient, curvature)
        accumulated = activation.accumulate(
            accumulated, i, one.z, weight * back + back_dot, back * z_dot
        )
        finite = jnp.isfinite(sum(leaf.sum() for leaf in jax.tree.leaves(adjoint)))
        return (adjoint, square_adjoint, accumulated), finite

    zeros = jax.tree.map(lambda leaf: jnp.zeros_like(leaf[0]), kept.parameters)
    (_, _, accumulated), finite = jax.lax.scan(
        step,
        (zeros, zeros, activation.zeros()),
        (jnp.arange(config.inner_steps), noise, kept),
        reverse=True,
    )
    return accumulated, finite


def measure_accuracy(
    activation: Activation,
    call: Int[Array, ""],
    parameters: Parameters,
    noise: Float[Array, " units"],
    data: Data,
) -> Float[Array, ""]:
    """Measure the accuracy on the test samples, a fraction; NaN where logits are not finite."""
    hidden = activation(call, parameters.hidden @ data.x_test).value + noise[:, None]
    logits = parameters.output @ hidden + parameters.bias[:, None]
    return accuracy(logits.T, data.labels_test)


def _batch(data: Data, step: Int[Array, ""]) -> tuple[Array, Array]:
    row = step % len(data.x)
    return data.x[row], data.y[row]


def _gradient(
    activation: Activation,
    call: Int[Array, ""],
    parameters: Parameters,
    noise: Array,
    x: Array,
    y: Array,
) -> tuple[Array, Kept]:
    """Loss of a batch and its gradient."""
    z = parameters.hidden @ x
    f = activation(call, z)
    hidden = f.value + noise[:, None]
    logits = parameters.output @ hidden + parameters.bias[:, None]
    logarithms = jax.nn.log_softmax(logits, axis=0)
    n = x.shape[1]
    loss = -(y * logarithms).sum() / n
    probabilities = jnp.exp(logarithms)
    delta = (probabilities - y) / n
    back = parameters.output.T @ delta
    gradient = Parameters((back * f.first) @ x.T, delta @ hidden.T, delta.sum(1))
    kept = Kept(parameters, gradient, gradient, z, delta)
    return loss, kept
