"""Time the training of the four models, ours and in a plain PyTorch loop.

    python benchmarks/training.py

Both sides train the published protocol on the published dataset: Adam at rate 0.01, batches of 100
in stored order, float32, PyTorch's default initialisation. PyTorch trains one seed after the other
with its default threads (`benchmarks/torch_models.py`), `train_runs` all seeds at once on all
cores. They take turns, so that a busy machine slows both; reported are medians, per step and seed.
Timed are the updates alone: neither side evaluates while the clock runs, and compiling has a column
of its own (without a cache, it recurs in every round). The test accuracies, taken afterwards, show
that both sides learn the same.
"""

import argparse
import os
import platform
import statistics
from importlib.metadata import version
from time import perf_counter

import equinox as eqx
import jax
import numpy as np
import optax
import torch
import torch_models
from keep import keep, processor
from rich.console import Console
from rich.table import Table

import mnist1d
from mnist1d import models
from mnist1d.training import (
    Training,
    accuracy,
    cross_entropy,
    initialise,
    sequential_batch,
    train_runs,
    use_all_cores,
)

NAMES = ("Logistic", "MLP", "CNN", "GRU")


def train_torch(name, dataset, seed, n_steps):
    """Train one seed in PyTorch; returns seconds per step and test accuracy."""
    x, x_test = (torch.from_numpy(part.astype(np.float32)) for part in (dataset.x, dataset.x_test))
    y, y_test = torch.from_numpy(dataset.y), torch.from_numpy(dataset.y_test)
    torch.manual_seed(seed)
    model = getattr(torch_models, name)()
    start = perf_counter()
    torch_models.train(model, x, y, n_steps)
    seconds = perf_counter() - start
    with torch.no_grad():
        correct = (model(x_test).argmax(1) == y_test).double().mean().item()
    return seconds / n_steps, correct


def train_ours(name, dataset, seeds, n_steps):
    """Train all seeds; returns seconds per step and seed, test accuracy, compile seconds."""
    data = (dataset.x.astype(np.float32), dataset.y.astype(np.int32))
    training = Training(
        batch=lambda data, step, _key: sequential_batch(data, step, 100),
        loss=lambda model, batch, _key: cross_entropy(models.predict(model, batch[0]), batch[1]),
        optimizer=optax.adam(0.01),
        n_steps=n_steps,
        evaluate=lambda _model, _data: (),
    )
    keys = jax.vmap(jax.random.key)(np.array(seeds))
    initial = initialise(lambda key: getattr(models, name)(key=key), keys)
    trained = train_runs(training, initial, data, keys=keys)
    x_test, y_test = dataset.x_test.astype(np.float32), dataset.y_test.astype(np.int32)
    logits = eqx.filter_vmap(models.predict, in_axes=(eqx.if_array(0), None))(
        trained.models, x_test
    )
    correct = np.mean([accuracy(one, y_test) for one in logits])
    return trained.run_seconds / n_steps / len(seeds), correct, trained.compile_seconds


def race(names, n_seeds, n_steps, repetitions, console):
    """Let both sides take turns; returns per model the rounds of both."""
    dataset = mnist1d.load()
    rounds = {name: [] for name in names}
    with console.status("") as status:
        for name in names:  # PyTorch starts its threads at the first use
            train_torch(name, dataset, 0, 10)
        for repetition in range(repetitions):
            for name in names:
                status.update(f"round {repetition + 1} of {repetitions}: {name}")
                seeds = range(repetition * n_seeds, (repetition + 1) * n_seeds)
                rounds[name].append(
                    (
                        *train_torch(name, dataset, seeds[0], n_steps),
                        *train_ours(name, dataset, seeds, n_steps),
                    )
                )
    return rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=4, help="seeds that we train at once")
    parser.add_argument("--steps", type=int, default=1000, help="updates, on both sides")
    parser.add_argument("--repetitions", type=int, default=5, help="rounds, of which the median")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/training.json"
    )
    options = parser.parse_args()
    use_all_cores()
    console = Console()
    rounds = race(options.models, options.seeds, options.steps, options.repetitions, console)

    table = Table(
        title=f"ms per step and seed, median of {options.repetitions} rounds of {options.steps} "
        f"steps; {options.seeds} seeds at once in ours"
    )
    table.add_column("model")
    for header in ("PyTorch", "ours", "ratio", "compile, s", "accuracy, PyTorch", "ours"):
        table.add_column(header, justify="right")
    rows = []
    for name, results in rounds.items():
        theirs, their_accuracy, ours, our_accuracy, compilation = map(
            statistics.median, zip(*results, strict=True)
        )
        table.add_row(
            name,
            f"{1e3 * theirs:.3f}",
            f"{1e3 * ours:.4f}",
            f"{theirs / ours:.1f}",
            f"{compilation:.1f}",
            f"{their_accuracy:.1%}",
            f"{our_accuracy:.1%}",
        )
        rows.append(
            {
                "what": f"training, {name}",
                "beside": "a plain PyTorch loop",
                "ratio": theirs / ours,
                "peer_ms": 1e3 * theirs,
                "ours_ms": 1e3 * ours,
                "compile_seconds": compilation,
                "peer_accuracy": their_accuracy,
                "our_accuracy": float(our_accuracy),
            }
        )
    console.print(table)
    versions = ", ".join(
        f"{package} {version(package)}" for package in ("mnist1d", "jax", "equinox", "torch")
    )
    console.print(
        f"{processor()}, {os.cpu_count()} logical cores, {torch.get_num_threads()} threads in "
        f"PyTorch, {jax.device_count()} devices in JAX ({jax.default_backend()})\n"
        f"Python {platform.python_version()}, {versions}"
    )
    if options.keep:
        keep(
            "training",
            rows,
            ("mnist1d", "jax", "equinox", "optax", "torch"),
            seeds=options.seeds,
            steps=options.steps,
            repetitions=options.repetitions,
        )


if __name__ == "__main__":
    main()
