"""Time a PyTorch candidate of a comparison and a hand-written PyTorch loop.

    python benchmarks/torch_candidate.py

Both train the same models (`benchmarks/torch_models.py`) on the published dataset with Adam at rate
0.01, on the same batches, evaluate on a validation set every 100 steps and predict training,
validation and test part at the end. The loop is written for speed: data as tensors once, no
transfer of losses while it trains, evaluation in inference mode. They take turns, in alternating
order, so that a busy machine slows both; reported are medians, per step. The losses show that both
compute the same. The goal is a ratio of 0.95 or more.
"""

import argparse
import statistics
from time import perf_counter

import numpy as np
import torch
import torch_models
from keep import keep, processor
from rich.console import Console
from rich.table import Table

import mnist1d
from mnist1d.lab import Run, Schedule, Sets, TorchCandidate, batch_order

NAMES = ("Logistic", "MLP", "CNN", "GRU")
RATE = 0.01


def train_by_hand(name, sets, order, schedule, seed):
    """Train one model; returns seconds per step and the mean loss of every stretch."""
    torch.manual_seed(seed)
    x, y = torch.from_numpy(sets.x), torch.from_numpy(sets.y).long()
    x_validation = torch.from_numpy(sets.evaluated["validation"])
    y_validation = torch.from_numpy(sets.y_validation).long()
    order = torch.from_numpy(order.astype(np.int64))
    start = perf_counter()
    model = getattr(torch_models, name)()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()
    losses, accuracies = [], []
    for step, rows in enumerate(order, start=1):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if step % schedule.evaluate_every == 0:
            model.eval()
            with torch.inference_mode():
                accuracies.append((model(x_validation).argmax(1) == y_validation).double().mean())
            model.train()
    model.eval()
    with torch.inference_mode():
        for signals in sets.evaluated.values():
            model(torch.from_numpy(signals)).argmax(1).numpy()
    means = torch.stack(losses).view(schedule.n_evaluations, -1).mean(1).numpy()
    torch.stack(accuracies).numpy()
    return (perf_counter() - start) / schedule.n_steps, means


def train_candidate(name, sets, schedule, seed):
    """Train one run of a candidate; returns seconds per step and the mean loss of every stretch."""
    candidate = TorchCandidate(getattr(torch_models, name), device="cpu")
    run = Run({"learning_rate": RATE}, seed, "published")
    running = candidate.train([run], {"published": sets}, schedule, lambda _done, _total: None)
    ((_, outcome),) = running
    return outcome.seconds / schedule.n_steps, outcome.train_loss


def race(names, schedule, repetitions, console):
    """Let both sides take turns; returns per model the rounds of both."""
    dataset = mnist1d.load()
    x_validation, y_validation = mnist1d.fresh_samples(dataset, 1000, seed=1)
    x = dataset.x.astype(np.float32)
    evaluated = {"validation": x_validation.astype(np.float32), "train": x}
    evaluated["test"] = dataset.x_test.astype(np.float32)
    sets = Sets(x, dataset.y.astype(np.int32), evaluated, y_validation.astype(np.int32))
    rounds = {name: [] for name in names}
    short = Schedule(20, schedule.batch_size, 10)
    with console.status("") as status:
        for name in names:  # PyTorch starts its threads at the first use
            train_by_hand(name, sets, batch_order(len(x), short, 0), short, 0)
            train_candidate(name, sets, short, 0)
        for repetition in range(repetitions):
            order = batch_order(len(x), schedule, repetition)
            for name in names:
                status.update(f"round {repetition + 1} of {repetitions}: {name}")

                def by_hand(name=name, order=order, seed=repetition):
                    return train_by_hand(name, sets, order, schedule, seed)

                def as_candidate(name=name, seed=repetition):
                    return train_candidate(name, sets, schedule, seed)

                if repetition % 2:
                    ours, theirs = as_candidate(), by_hand()
                else:
                    theirs, ours = by_hand(), as_candidate()
                if not np.allclose(theirs[1], ours[1], rtol=1e-3):
                    raise RuntimeError(f"{name}: the losses differ, so this is no race")
                rounds[name].append((theirs[0], ours[0]))
    return rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=6000, help="updates, a multiple of 100")
    parser.add_argument("--repetitions", type=int, default=10, help="rounds, of which the median")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=("MLP", "CNN"))
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/torch_candidate.json"
    )
    options = parser.parse_args()
    console = Console()
    schedule = Schedule(options.steps, 100, 100)
    rounds = race(options.models, schedule, options.repetitions, console)
    table = Table(title=f"ms per step, median of {options.repetitions} rounds of {options.steps}")
    table.add_column("model")
    for header in ("by hand", "candidate", "ratio"):
        table.add_column(header, justify="right")
    rows = []
    for name, results in rounds.items():
        theirs, ours = map(statistics.median, zip(*results, strict=True))
        table.add_row(name, f"{1e3 * theirs:.3f}", f"{1e3 * ours:.3f}", f"{theirs / ours:.3f}")
        rows.append(
            {
                "what": f"a PyTorch candidate, {name}",
                "beside": "a hand-written PyTorch loop",
                "ratio": theirs / ours,
                "peer_ms": 1e3 * theirs,
                "ours_ms": 1e3 * ours,
            }
        )
    console.print(table)
    console.print(f"{processor()}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}")
    if options.keep:
        keep(
            "torch_candidate",
            rows,
            ("mnist1d", "torch"),
            steps=options.steps,
            repetitions=options.repetitions,
        )


if __name__ == "__main__":
    main()
