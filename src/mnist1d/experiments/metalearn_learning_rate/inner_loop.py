"""Training as a differentiable function of its learning rate: the inner loop of Figure 6.

All steps of gradient descent are one `scan`, and derivatives go through every one of them. The
derivative is with respect to one number, so that forward mode gives it in a single pass: the state
is the weights and their derivative, and former steps need not be stored.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mnist1d.dataset.dataset import Dataset
from mnist1d.experiments.metalearn_learning_rate.config import Config
from mnist1d.models.layers import Linear, draw_layers
from mnist1d.models.pytorch_stream import PyTorchStream
from mnist1d.training import cross_entropy, sequential_rows
from mnist1d.training.runs import BY_RUN, SHARED


class Network(eqx.Module):
    """One hidden layer of tanh units; 2,560 parameters by default.

    Args:
        hidden_size: number of hidden units.
        key: for the initial weights (PyTorch's defaults).

    Source: Greydanus & Kobak (2024), the notebook of section 5.3.

    >>> Network(key=jax.random.key(0))(jnp.ones((40, 7))).shape
    (10, 7)
    """

    hidden: Linear
    output: Linear

    def __init__(self, hidden_size: int = 50, *, key: PRNGKeyArray) -> None:
        hidden_key, output_key = jax.random.split(key)
        self.hidden = Linear(40, hidden_size, key=hidden_key)
        self.output = Linear(hidden_size, 10, key=output_key)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        return self.output(jnp.tanh(self.hidden(x)))


def draw_network(hidden_size: int, rng: np.random.Generator | PyTorchStream) -> Network:
    """Draw initial weights, the hidden layer first.

    Args:
        hidden_size: number of hidden units.
        rng: `PyTorchStream(0)` gives the published initial weights.

    >>> draw_network(50, PyTorchStream(0)).hidden.weight[0, :2]
    array([-0.00118377,  0.08481918], dtype=float32)
    """
    shapes = eqx.filter_eval_shape(Network, hidden_size, key=jax.random.key(0))
    return draw_layers(shapes, rng)


def draw_networks(config: Config) -> Network:
    """Draw all initial weights of an experiment, stacked: the published ones, then our own."""
    networks = [draw_network(config.hidden_size, PyTorchStream(0))] + [
        draw_network(config.hidden_size, np.random.default_rng(s)) for s in range(config.seeds)
    ]
    stacked: Network = jax.tree.map(lambda *leaves: np.stack(leaves), *networks)
    return stacked


class Batches(NamedTuple):
    """The training set in stored order, divided into batches; a signal is a column.

    Attributes:
        x: shape (batches, length, batch_size).
        y: labels, shape (batches, batch_size).
    """

    x: Array | np.ndarray
    y: Array | np.ndarray


def cut_into_batches(dataset: Dataset, batch_size: int) -> Batches:
    """Divide the training set into batches, up to their first repetition.

    Args:
        dataset: its training part is taken, in float32.
        batch_size: samples per batch.
    """
    rows = sequential_rows(len(dataset.x), batch_size)
    x = dataset.x.astype(np.float32)[rows]
    return Batches(
        np.ascontiguousarray(x.transpose(0, 2, 1)),
        dataset.y.astype(np.int32)[rows],
    )


def inner_losses(
    rate: Float[Array, ""], network: Network, batches: Batches, n_steps: int
) -> Float[Array, " steps"]:
    """Train by plain gradient descent, differentiable with respect to the learning rate.

    Args:
        rate: the learning rate, of the type of the weights.
        network: the initial weights.
        batches: step i takes batch i; after the last one they start again.
        n_steps: number of updates.

    Returns: the loss of every step's batch before its update, in nats.
    Source: Greydanus & Kobak (2024), the notebook of section 5.3.
    """

    def loss_of(network: Network, x: Array, y: Array) -> Float[Array, ""]:
        return cross_entropy(network(x).T, y)

    def step(network: Network, i: Int[Array, ""]) -> tuple[Network, Float[Array, ""]]:
        x, y = (jax.lax.dynamic_index_in_dim(part, i, keepdims=False) for part in batches)
        loss, gradient = jax.value_and_grad(loss_of)(network, x, y)
        return jax.tree.map(lambda weight, slope: weight - rate * slope, network, gradient), loss

    order = jnp.asarray(np.arange(n_steps) % len(batches.y))
    return jax.lax.scan(step, network, order)[1]


class OuterStep(NamedTuple):
    """The results of one pass through the inner loop.

    Attributes:
        objective: mean of the inner losses, in nats.
        meta_gradient: its derivative with respect to the learning rate.
        last_loss: loss of the last inner step, in nats.
        first_nonfinite_step: the first inner step whose loss, or the loss's derivative with respect
            to the learning rate, is not finite; -1 if there is none.
    """

    objective: Float[Array, ""]
    meta_gradient: Float[Array, ""]
    last_loss: Float[Array, ""]
    first_nonfinite_step: Int[Array, ""]


def differentiate(
    rate: Float[Array, ""], network: Network, batches: Batches, n_steps: int
) -> OuterStep:
    """Train, and differentiate the mean loss with respect to the learning rate.

    Arguments as for `inner_losses`.

    >>> batches = Batches(jnp.ones((2, 40, 3)), jnp.zeros((2, 3), dtype=int))
    >>> step = differentiate(jnp.float32(0.1), draw_network(5, PyTorchStream(0)), batches, 4)
    >>> bool(step.meta_gradient < 0), int(step.first_nonfinite_step)
    (True, -1)
    """
    losses, derivatives = jax.jvp(
        lambda rate: inner_losses(rate, network, batches, n_steps), (rate,), (jnp.ones_like(rate),)
    )
    nonfinite = ~(jnp.isfinite(losses) & jnp.isfinite(derivatives))
    first = jnp.where(nonfinite.any(), nonfinite.argmax(), -1)
    return OuterStep(losses.mean(), derivatives.mean(), losses[-1], first)


def over_runs(
    function: Callable[[Any, Any, Any], Any], networks: Network, shared: Any
) -> Callable[[np.ndarray], Any]:
    """Make one program of many runs: mapped together, and spread over all devices.

    Args:
        function: `(value, network, shared) -> pytree of arrays`, of one run.
        networks: one per run, stacked.
        shared: data of all runs.

    Returns: `values -> pytree`, with one value per run and a leading run axis in every array;
        compiled when it is first called.
    """
    n_runs = len(jax.tree.leaves(networks)[0])
    mesh = Mesh(np.array(jax.devices()[:n_runs]), ("run",))
    program = jax.jit(
        jax.shard_map(
            jax.vmap(function, in_axes=(0, 0, None)),
            mesh=mesh,
            in_specs=(BY_RUN, BY_RUN, SHARED),
            out_specs=BY_RUN,
            check_vma=False,
        )
    )
    # All devices take the same number of runs; some runs are computed twice to fill the last.
    rows = np.arange(-(-n_runs // mesh.size) * mesh.size) % n_runs

    def place(tree: Any) -> Any:
        tree = jax.tree.map(lambda leaf: np.asarray(leaf)[rows], tree)
        return jax.device_put(tree, NamedSharding(mesh, BY_RUN))

    networks, shared = place(networks), jax.device_put(shared, NamedSharding(mesh, SHARED))

    def run(values: np.ndarray) -> Any:
        found = program(place(values), networks, shared)
        return jax.tree.map(lambda leaf: np.asarray(leaf)[:n_runs], found)

    return run
