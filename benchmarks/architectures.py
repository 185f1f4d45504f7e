"""Measure the processor time of a training step of every architecture, ours and elsewhere.

    python benchmarks/architectures.py

All have about 5,000 parameters and train with Adam and batches of 100 on the published dataset, in
float32 and in one thread. Reported is processor time, user and system, per step and seed: ours with
several seeds at once, the batch as the last axis; the same model of one example, mapped over the
batch by `jax.vmap`, as models in Equinox are usually written; and PyTorch's layers in a plain loop
(`benchmarks/torch_architectures.py`). The state-space model is also measured as a scan over points.
Neither side evaluates, and neither compiling nor the first call is counted.
"""

import argparse
import os
from functools import partial
from time import process_time
from typing import Any

# Before JAX and PyTorch start their threads.
os.environ["OMP_NUM_THREADS"] = "1"

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
import torch_architectures
import torch_models
from jax import lax
from keep import keep

import mnist1d
from mnist1d import models
from mnist1d.models.beyond import state_space
from mnist1d.models.beyond.sizes import SETTINGS
from mnist1d.training import Training, cross_entropy, initialise, sequential_batch
from mnist1d.training.runs import compile_runs

SIZE, BATCH_SIZE = 5_000, 100


class Scanned(state_space.DiagonalRecurrence):
    """The same recurrence, computed state by state."""

    def __call__(self, x):
        """Map (channels, length, n) to the same shape."""
        step = jnp.exp(self.log_step)[:, None]
        exponent = lax.complex(-jnp.exp(self.log_decay) * step, self.frequency * step)
        factor = jnp.exp(exponent)[..., None]
        readout = (lax.complex(*self.readout) * (jnp.exp(exponent) - 1) / exponent)[..., None]

        def advance(state, point):
            state = factor * state + lax.complex(point, jnp.zeros_like(point))[:, None]
            return state, (readout * state).sum(1).real

        initial = jnp.zeros((*exponent.shape, x.shape[-1]), exponent.dtype)
        answers = lax.scan(advance, initial, jnp.moveaxis(x, 1, 0))[1]
        answers = 2 * step[..., None] * jnp.moveaxis(answers, 0, 1)
        return answers + self.skip[:, None, None] * x


class Mapped(eqx.Module):
    """A model that is called on one example at a time."""

    model: Any

    def __call__(self, x):
        """Map a signal to logits."""
        return self.model(x)


def scanned(model):
    """Return a state-space model whose recurrences are scanned."""

    def is_recurrence(node):
        return isinstance(node, state_space.DiagonalRecurrence)

    def replaced(node):
        if not is_recurrence(node):
            return node
        # The same parameters: made without the constructor, which would draw others.
        other = object.__new__(Scanned)
        for name, value in vars(node).items():
            object.__setattr__(other, name, value)
        return other

    return jax.tree.map(replaced, model, is_leaf=is_recurrence)


def ours(make, dataset, n_seeds, n_steps):
    """Return the processor time of a step and seed, in seconds."""
    data = (dataset.x.astype(np.float32), dataset.y.astype(np.int32))
    training = Training(
        batch=lambda data, step, _key: sequential_batch(data, step, BATCH_SIZE),
        loss=lambda model, batch, _key: cross_entropy(models.predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(0.01),
        n_steps=n_steps,
        evaluate=lambda _model, _data: (),
    )
    keys = jax.random.split(jax.random.key(0), n_seeds)
    initial = initialise(lambda key: make(key=key), keys)
    program = compile_runs(training, initial, data, keys=keys, one_core=True)
    program(initial, data, keys=keys)  # the first call has costs of its own
    start = process_time()
    program(initial, data, keys=keys)
    return (process_time() - start) / n_steps / n_seeds


def in_pytorch(name, dataset, n_steps):
    """Return the processor time of a step, in seconds, or None if there is no such model."""
    kind = getattr(torch_architectures, name, getattr(torch_models, name, None))
    if kind is None:
        return None
    torch.manual_seed(0)
    model = kind(**SETTINGS[name][SIZE])
    x, y = torch.from_numpy(dataset.x.astype(np.float32)), torch.from_numpy(dataset.y)
    torch_models.train(model, x, y, 10, BATCH_SIZE)
    start = process_time()
    torch_models.train(model, x, y, n_steps, BATCH_SIZE)
    return (process_time() - start) / n_steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=4, help="seeds that we train at once")
    parser.add_argument("--steps", type=int, default=100, help="updates, on all sides")
    parser.add_argument("--models", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset = mnist1d.load()
    rows = []
    print("ms of processor time per step and seed: ours, mapped over examples, PyTorch")
    for name in options.models:
        make = partial(getattr(models, name), **SETTINGS[name][SIZE])
        variants = {"": make, ", mapped": lambda key, make=make: Mapped(make(key=key))}
        if name == "StateSpace":
            variants[", scanned"] = lambda key, make=make: scanned(make(key=key))
        found = {
            f"ours{which}": ours(variant, dataset, options.seeds, options.steps)
            for which, variant in variants.items()
        }
        found["PyTorch"] = in_pytorch(name, dataset, options.steps)
        milliseconds = {which: t and 1e3 * t for which, t in found.items()}
        rows.append({"what": f"a step of {name}", "milliseconds": milliseconds})
        print(name, *(f"{which}: {t:.3f}" for which, t in milliseconds.items() if t), flush=True)
    if options.keep:
        keep(
            "architectures",
            rows,
            ("mnist1d", "jax", "equinox", "optax", "torch"),
            seeds=options.seeds,
            steps=options.steps,
        )


if __name__ == "__main__":
    main()
