"""Time Table 1 on MNIST-1D from a cold start: `python benchmarks/table_1.py`.

Ours is the whole command, `mnist1d reproduce classification`, in a process of its own with an empty
cache of compiled programs: imports, data, compilation, 30 runs of 6001 steps (the four models and
an MLP of 256 units, plain and shuffled, three seeds) with 25 evaluations each, tables, figures and
files; MNIST left out. The peer is the same training as plain PyTorch loops, evaluated as often:
each model runs once, on plain data, and counts six times, as its six runs differ in weights and
order of positions alone.
"""

import argparse
import tempfile
from time import perf_counter

import numpy as np
import torch
import torch_models
from cold import cold_start
from keep import keep, processor

import mnist1d

NAMES = ("Logistic", "MLP", "CNN", "GRU", "MLP 256")
RUNS_PER_MODEL = 6


def torch_loop(name, dataset, n_steps):
    """Train one model with the published evaluations; returns seconds."""
    x, x_test = (torch.from_numpy(part.astype(np.float32)) for part in (dataset.x, dataset.x_test))
    y, y_test = torch.from_numpy(dataset.y), torch.from_numpy(dataset.y_test)
    kind, _, size = name.partition(" ")
    model = getattr(torch_models, kind)(**({"hidden_size": int(size)} if size else {}))

    def evaluate():
        with torch.no_grad():
            logits = model(x_test)
            torch.nn.functional.cross_entropy(logits, y_test).item()
            (logits.argmax(1) == y_test).double().mean().item()
            (model(x).argmax(1) == y).double().mean().item()

    start = perf_counter()
    torch_models.train(model, x, y, n_steps, evaluate=evaluate, evaluate_every=250)
    return perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--repetitions", type=int, default=2, help="cold starts; the slowest counts"
    )
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/table_1.json")
    options = parser.parse_args()
    ours = []
    for _ in range(options.repetitions):
        with tempfile.TemporaryDirectory() as folder:
            command = ("-m", "mnist1d", "reproduce", "classification", "--out", "out")
            ours.append(cold_start(*command, folder=folder).seconds)
            print(f"ours, cold start: {ours[-1]:.1f} s", flush=True)
    dataset = mnist1d.load()
    peer = {}
    for name in NAMES:
        peer[name] = RUNS_PER_MODEL * torch_loop(name, dataset, 6001)
        print(f"PyTorch, {name}: {peer[name]:.1f} s for {RUNS_PER_MODEL} runs", flush=True)
    total = sum(peer.values())
    print(f"{processor()}: ours {max(ours):.1f} s at worst, PyTorch {total:.1f} s")
    print(f"ratio {total / max(ours):.1f}")
    if options.keep:
        row = {
            "what": f"Table 1 from a cold start, 3 seeds: {max(ours):.0f} s with compilation",
            "beside": f"plain PyTorch loops: {total:.0f} s",
            "ratio": total / max(ours),
            "our_seconds": ours,
            "peer_seconds": peer,
        }
        keep("table_1", [row], ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
