"""How fast float32 training can be on this machine: products, updates or exponentials alone.

A floor is the time that a part of the work takes by itself in a compiled loop, which a program that
does the same work in float32 hardly goes below: the matrix products of all steps, the optimiser's
passes over parameters and moments (the memory traffic that no step avoids), the exponentials of
losses and gates, and the table of a learned function (reading it, and adding to its gradient). Each
is measured on one core and divided by the number of cores; the largest
binds.
"""

import json
import os
from time import perf_counter
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import one_core


class Work(NamedTuple):
    """What is done `steps` times.

    Attributes:
        steps: how often, in all networks together.
        products: shapes (m, k, n) of the matrix products of a step.
        exponentials: of a step.
        parameters: numbers that a step updates; 0 of an evaluation.
        moments: arrays of their shape that the optimiser keeps: Adam 2, momentum 1.
        lookups: points at which a table of a function is read, of a step.
        additions: points whose four numbers are added to the table's gradient, of a step.
    """

    steps: float
    products: tuple[tuple[int, int, int], ...]
    exponentials: int = 0
    parameters: int = 0
    moments: int = 2
    lookups: int = 0
    additions: int = 0


def training(steps, forward, batch, *, exponentials=0, moments=2):
    """Describe steps of training a classifier from the products of its forward pass.

    Weights are counted from the products `(out, in, examples)`, biases with them; where several
    products share weights, the number of parameters is to be replaced.
    """
    parameters = sum(m * (k + 1) for m, k, _ in forward)
    products = tuple(one_core.backward_too(list(forward)))
    return Work(steps, products, 10 * batch + exponentials, parameters, moments)


def evaluation(steps, forward, batch, *, exponentials=0):
    """Describe evaluations on `batch` samples at once."""
    return Work(steps, tuple(forward), 10 * batch + exponentials)


def mlp(batch, size=100):
    """Products of the MLP's forward pass."""
    return [(size, 40, batch), (size, size, batch), (10, size, batch)]


def cnn(batch, channels=25):
    """Products of the CNN's forward pass, convolutions as patches x matrix."""
    lengths = zip((5, 3 * channels, 3 * channels), (19, 10, 5), strict=True)
    layers = [(channels, k, length * batch) for k, length in lengths]
    return [*layers, (10, 5 * channels, batch)]


def gru(batch, size=6, n_timesteps=40):
    """Products of the bidirectional GRU's forward pass, of both directions."""
    step = [(3 * size, 1, batch), (3 * size, size, batch)]
    return [*(2 * n_timesteps * step), (10, 2 * size * n_timesteps, batch)]


def gates(batch, size=6, n_timesteps=40):
    """Exponentials of the gates of the same."""
    return 2 * n_timesteps * 3 * size * batch


def seconds_of_exponential(n=10_000, repetitions=300):
    """Time one exponential of many."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=n), jnp.float32)
    return _seconds(lambda x: jnp.exp(-jnp.abs(x)), x, repetitions) / n


CELLS, POINTS = 2048, 12_800
"""Of the table of a learned activation function, and where a training step evaluates it."""


def seconds_of_lookup(repetitions=50):
    """Time reading four neighbouring numbers at one of many places."""
    rng = np.random.default_rng(0)
    terms = jnp.asarray(rng.random((CELLS, 4)), jnp.float32)
    x = jnp.asarray(rng.random(POINTS), jnp.float32)

    def look_up(x):
        cell = (x * CELLS).astype(jnp.int32)
        # One column after the other takes a third of the time that rows take.
        columns = [terms[:, k].at[cell].get(mode="promise_in_bounds") for k in range(4)]
        return 0.25 * sum(columns) * 0.99

    return _seconds(look_up, x, repetitions) / POINTS


def seconds_of_addition(repetitions=50):
    """Time adding four numbers at one of many places of a table."""
    rng = np.random.default_rng(0)
    cells = jnp.asarray(rng.integers(CELLS, size=POINTS), jnp.int32)
    parts = jnp.asarray(rng.random((POINTS, 4)), jnp.float32)

    def add(table):
        return table.at[cells].add(parts, mode="promise_in_bounds")

    return _seconds(add, jnp.zeros((CELLS, 4)), repetitions) / POINTS


def seconds_of_update(parameters, moments, repetitions=300):
    """Time one pass of an optimiser over its parameters and moments."""
    rng = np.random.default_rng(0)
    arrays = tuple(jnp.asarray(rng.random(parameters), jnp.float32) for _ in range(1 + moments))
    gradient = jnp.asarray(rng.random(parameters), jnp.float32)

    def update(arrays):
        weights, *kept = arrays
        kept = [0.9 * each + 0.1 * gradient for each in kept]
        change = gradient
        if moments:
            change = kept[0]
        if moments > 1:
            change = change / (jnp.sqrt(kept[1]) + 1e-8)
        return (weights - 0.01 * change, *kept)

    return _seconds(update, arrays, repetitions)


def _seconds(function, carry, repetitions):
    @jax.jit
    def loop(carry):
        return jax.lax.fori_loop(0, repetitions, lambda _, each: function(each), carry)

    jax.block_until_ready(loop(carry))
    times = []
    for _ in range(5):
        start = perf_counter()
        jax.block_until_ready(loop(carry))
        times.append(perf_counter() - start)
    return min(times) / repetitions


def measure(works):
    """Return the seconds of each part of some work; to be run on one core."""
    of_product = {
        shape: one_core.seconds_of_product(*shape)
        for shape in {shape for work in works for shape in work.products}
    }
    of_update = {
        kind: seconds_of_update(*kind)
        for kind in {(work.parameters, work.moments) for work in works if work.parameters}
    }
    exponential = seconds_of_exponential()
    has_table = any(work.lookups or work.additions for work in works)
    lookup, addition = (seconds_of_lookup(), seconds_of_addition()) if has_table else (0.0, 0.0)
    return {
        "products": sum(work.steps * sum(map(of_product.get, work.products)) for work in works),
        "updates": sum(
            work.steps * of_update[work.parameters, work.moments]
            for work in works
            if work.parameters
        ),
        "exponentials": sum(work.steps * work.exponentials * exponential for work in works),
        "table": sum(
            work.steps * (work.lookups * lookup + work.additions * addition) for work in works
        ),
        "operations": sum(work.steps * one_core.operations(work.products) for work in works),
    }


def measured_alone(script, names):
    """Measure floors in a process that has one core; returns the parts by name.

    Times are in seconds, divided by the number of cores.

    Args:
        script: that prints a line per name, with its parts as JSON, if it is called with
            `--one-core`.
        names: of what it measures.
    """
    cores = len(os.sched_getaffinity(0))
    found = {}
    for name, *text in one_core.run_alone(script):
        parts = json.loads(" ".join(text))
        operations = parts.pop("operations")
        found[name] = {part: seconds / cores for part, seconds in parts.items()}
        found[name]["operations"] = operations
    return {name: found[name] for name in names if name in found}
