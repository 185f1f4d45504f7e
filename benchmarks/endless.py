"""Time what endless data costs: batches drawn in JAX, and samples streamed to PyTorch.

    python benchmarks/endless.py

A batch is drawn inside a compiled loop, as in a training; the clock is divided by the number of
batches, and the median of the rounds is reported. For comparison, the same loop trains a CNN on the
stored dataset, and on fresh batches. Compiling is not counted.
"""

import argparse
import statistics
from functools import partial
from itertools import islice
from time import perf_counter

import jax
import jax.numpy as jnp
import optax
from keep import keep
from torch.utils.data import DataLoader

import mnist1d
from mnist1d.jax import draw_batch
from mnist1d.models import CNN, predict
from mnist1d.torch import MNIST1DStream
from mnist1d.training import Training, cross_entropy, sequential_batch, train

CONFIG = mnist1d.DatasetConfig()


def median_of(rounds, n, run):
    """Return the median time of one of n steps, in microseconds, after a first run to compile."""
    run()
    seconds = []
    for _ in range(rounds):
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return statistics.median(seconds) / n * 1e6


def batches(rounds, batch_size, generator, n=300):
    @jax.jit
    def loop(key):
        def draw(i, total):
            x, y = draw_batch(jax.random.fold_in(key, i), CONFIG, batch_size)
            return total + x.sum() + y.sum()

        return jax.lax.fori_loop(0, n, draw, jnp.zeros(()))

    key = jax.random.key(0, impl=generator)
    return median_of(rounds, n, lambda: loop(key).block_until_ready())


def training(rounds, batch, n=500):
    data = mnist1d.load()
    data = (jnp.asarray(data.x, jnp.float32), jnp.asarray(data.y, jnp.int32))
    run = Training(
        batch=batch,
        loss=lambda model, batch, _: cross_entropy(predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(0.01),
        n_steps=n,
        evaluate=lambda model, data: jnp.zeros(()),  # noqa: ARG005
    )
    model = CNN(key=jax.random.key(0))
    loop = jax.jit(lambda key: train(run, model, data, key=key)[1].train_loss)
    return median_of(rounds, n, lambda: loop(jax.random.key(1)).block_until_ready())


def torch_stream(rounds, n=40_000):
    loader = DataLoader(MNIST1DStream(n), batch_size=100)
    return median_of(rounds, n, lambda: sum(1 for _ in islice(loader, None)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    measures = {
        "JAX, batch of 100, default keys": partial(batches, rounds, 100, "threefry2x32"),
        "JAX, batch of 100, keys of impl='rbg'": partial(batches, rounds, 100, "rbg"),
        "JAX, batch of 1000, default keys": partial(batches, rounds, 1000, "threefry2x32"),
        "CNN, one step of 100 on the stored dataset": partial(
            training, rounds, lambda data, step, _: sequential_batch(data, step, 100)
        ),
        "CNN, one step of 100 on fresh samples": partial(
            training,
            rounds,
            lambda data, step, key: draw_batch(key, CONFIG, 100),  # noqa: ARG005
        ),
        "PyTorch, one sample of MNIST1DStream in batches of 100": partial(torch_stream, rounds),
    }
    rows = []
    for what, measure in measures.items():
        rows.append({"what": what, "microseconds": round(measure(), 2)})
        print(rows[-1], flush=True)
    packages = ["mnist1d", "jax", "numpy", "torch", "optax"]
    keep("endless", rows, packages, device=jax.devices()[0].device_kind, rounds=rounds)


if __name__ == "__main__":
    main()
