"""Time a whole comparison and plain PyTorch loops: `python benchmarks/compare.py`.

Both follow the same protocol: three MLP-sized models with 25 runs each, which are five learning
rates on four tuning seeds and five final seeds, of 6,000 steps of 100 samples, evaluated on 1,000
validation samples every 100 steps. Ours is one call of `mnist1d.lab.comparison.compare`, with
compilation, data, statistics and result. PyTorch trains one run after the other; a few runs of each
model are timed and count for all of them.

A step is also compared with its matrix products alone, on one core: these products, on both cores,
are a lower bound for the same work in float32.
"""

import argparse
from time import perf_counter

import jax
import numpy as np
import one_core
import torch
import torch_models
from keep import keep, processor
from programs.compare import OURS, SEEDS, STEPS, TUNING_SEEDS, compare_ours
from torch import nn

import mnist1d
from mnist1d.lab.candidates.contract import Run, Schedule, Sets
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.training import use_all_cores

HIDDEN_SIZES = {"MLP": 100, "plain MLP": 100, "narrow MLP": 80}
THEIRS = {
    "MLP": torch_models.MLP,
    "plain MLP": lambda: torch_models.MLP(residual=False),
    "narrow MLP": lambda: torch_models.MLP(hidden_size=80),
}


def train_theirs(name, seed, dataset, validation, n_steps):
    """Train one run; returns seconds and test accuracy."""
    x, x_test, x_validation = (
        torch.from_numpy(part.astype(np.float32))
        for part in (dataset.x, dataset.x_test, validation.x)
    )
    y, y_test, y_validation = map(torch.from_numpy, (dataset.y, dataset.y_test, validation.y))
    torch.manual_seed(seed)
    start = perf_counter()
    model = THEIRS[name]()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()

    def evaluate(x, y):
        with torch.no_grad():
            return (model(x).argmax(1) == y).double().mean().item()

    for step in range(n_steps):
        at = step * 100 % len(x)
        if at == 0:
            order = torch.randperm(len(x))
        rows = order[at : at + 100]
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            evaluate(x_validation, y_validation)
    correct = evaluate(x_test, y_test)
    return perf_counter() - start, correct


def print_rates(n_steps=3000):
    """Print seconds per step and of its products for every candidate; to be run with one core."""
    dataset = mnist1d.load()
    x, y = dataset.x.astype(np.float32), dataset.y.astype(np.int32)
    sets = {"": Sets(x, y, {"validation": x[:1000]}, y[:1000])}
    for name, make in OURS.items():
        size = HIDDEN_SIZES[name]
        shapes = one_core.backward_too([(size, 40, 100), (size, size, 100), (10, size, 100)])
        alone = sum(one_core.seconds_of_product(*shape) for shape in shapes)
        candidate, times = EquinoxCandidate(make), []
        for _ in range(3):
            ((_, outcome),) = candidate.train(
                [Run({"learning_rate": 0.01}, 0, "")], sets, Schedule(n_steps), lambda *_: None
            )
            times.append(outcome.seconds / n_steps)
        print(name.replace(" ", "_"), min(times), alone, one_core.operations(shapes), flush=True)


def rates(measured, options):
    """Compare steps with their products; return rows, and the total seconds of the products."""
    rows, products_seconds = [], 0.0
    n_rounds = sum(-(-n // jax.device_count()) for n in (5 * options.tuning_seeds, options.seeds))
    for name, step, alone, work in measured:
        gflops = [float(work) / float(seconds) / 1e9 for seconds in (step, alone)]
        rows.append(one_core.row(f"a step of {name}, evaluations included", *gflops))
        products_seconds += n_rounds * options.steps * float(alone)
    return rows, products_seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="final seeds")
    parser.add_argument(
        "--tuning-seeds", type=int, default=TUNING_SEEDS, help="seeds per learning rate"
    )
    parser.add_argument("--steps", type=int, default=STEPS, help="updates per run")
    parser.add_argument("--sample", type=int, default=2, help="runs per model timed in PyTorch")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/compare.json")
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_core:
        print_rates()
        return
    measured = one_core.run_alone(__file__)  # before this process has threads of its own
    use_all_cores()
    n_runs = 5 * options.tuning_seeds + options.seeds
    dataset = mnist1d.load()
    validation = mnist1d.Samples(*mnist1d.fresh_samples(dataset, 1000, seed=1))
    train_theirs("MLP", 0, dataset, validation, 50)  # starts PyTorch's threads
    ours, accuracy = compare_ours(options.seeds, options.tuning_seeds, options.steps)
    print(f"ours: {ours:.1f} s for {len(OURS)} candidates of {n_runs} runs", flush=True)
    peer, their_accuracy = {}, {}
    for name in THEIRS:
        runs = [
            train_theirs(name, seed, dataset, validation, options.steps)
            for seed in range(options.sample)
        ]
        seconds, correct = np.mean(runs, axis=0)
        peer[name], their_accuracy[name] = n_runs * seconds, correct
        print(
            f"PyTorch, {name}: {seconds:.1f} s a run, {n_runs * seconds:.0f} s for {n_runs}; "
            f"test accuracy {correct:.1%}, ours {accuracy[name]:.1%}",
            flush=True,
        )
    total = sum(peer.values())
    print(f"{processor()}: ours {ours:.1f} s (target: under 40), PyTorch {total:.0f} s")
    print(f"ratio {total / ours:.1f} (target: 10)")
    steps, products_seconds = rates(measured, options)
    for row in steps:
        print(f"{row['what']}: {row['our_gflops']:.0f} of {row['product_gflops']:.0f} GFLOP/s")
    print(f"the products of all steps alone, on all cores: {products_seconds:.1f} s")
    if options.keep:
        row = {
            "what": f"comparison of {len(OURS)} candidates: {ours:.0f} s with compilation",
            "beside": f"plain PyTorch loops: {total:.0f} s, from {options.sample} runs of each",
            "ratio": total / ours,
            "our_seconds": ours,
            "peer_seconds": peer,
            "our_accuracy": accuracy,
            "peer_accuracy": their_accuracy,
        }
        packages = ("mnist1d", "jax", "equinox", "optax", "torch")
        facts = {"steps": options.steps, "products_seconds": products_seconds}
        keep("compare", [row, *steps], packages, **facts)


if __name__ == "__main__":
    main()
