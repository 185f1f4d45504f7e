"""Time the metalearned learning rate: `python benchmarks/metalearn_learning_rate.py`.

The work is both published trials: 50 outer steps, each through 200 inner steps. Ours is timed as
the experiment does it, all trials together: the published weights beside 20 draws of our own, or
beside one, the fewest it takes; that from a cold start in a process of its own, too. The peer is a
plain PyTorch loop that keeps the graph of the inner loop, `--outer-steps` steps of one trial
after one to warm up, with PyTorch's own threads; it counts for both trials.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import torch
from keep import keep, processor
from torch.nn import functional

import mnist1d
from mnist1d.experiments.metalearn_learning_rate import Config, run
from mnist1d.training import use_all_cores

CONFIG = Config()


def peer_seconds(n_steps):
    """Take outer steps with PyTorch; returns seconds per step of one trial, and the last rate."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(40, CONFIG.hidden_size), torch.nn.Linear(CONFIG.hidden_size, 10)]
    start = [part.detach() for layer in layers for part in (layer.weight, layer.bias)]
    dataset = mnist1d.load()
    x, y = torch.tensor(dataset.x, dtype=torch.float32), torch.tensor(dataset.y)
    rate = torch.tensor(CONFIG.initial_rates[0], requires_grad=True)

    def objective(rate):
        parameters = [part.clone().requires_grad_() for part in start]
        losses = []
        for step in range(CONFIG.inner_steps):
            rows = slice(first := step * CONFIG.batch_size % len(x), first + CONFIG.batch_size)
            hidden = torch.tanh(functional.linear(x[rows], *parameters[:2]))
            loss = functional.cross_entropy(functional.linear(hidden, *parameters[2:]), y[rows])
            slopes = torch.autograd.grad(loss, parameters, create_graph=True)
            parameters = [
                part - rate * slope for part, slope in zip(parameters, slopes, strict=True)
            ]
            losses.append(loss)
        return torch.stack(losses).mean()

    for step in range(n_steps + 1):
        if step == 1:
            begun = perf_counter()
        (slope,) = torch.autograd.grad(objective(rate), rate)
        rate = (rate - CONFIG.outer_rate * slope).detach().requires_grad_()
    return (perf_counter() - begun) / n_steps, float(rate)


def our_seconds(seeds):
    """Return the seconds of an outer step of all trials together, compiled."""
    marks = []

    def note(task, done, _total):
        if task == "outer steps":
            marks.append((done, perf_counter()))

    run(Config(seeds=seeds), progress=note)
    # The first outer step compiles.
    (first, begun), (last, ended) = next(mark for mark in marks if mark[0] == 1), marks[-1]
    return (ended - begun) / (last - first)


def cold_start():
    """Run both trials in a new process with an empty cache; returns its wall time in seconds."""
    code = (
        "from mnist1d.training import use_all_cores; use_all_cores()\n"
        "from mnist1d.experiments.metalearn_learning_rate import Config, run\n"
        "run(Config(seeds=1))"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(Path(folder))}
        start = perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)  # noqa: S603
        return perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--outer-steps", type=int, default=10, help="of PyTorch's")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/metalearn_learning_rate.json"
    )
    options = parser.parse_args()
    per_step, rate = peer_seconds(options.outer_steps)
    peer = 2 * per_step
    cold = cold_start()
    use_all_cores()
    rows = [
        {
            "what": f"both trials from a cold start, sweep included: {cold:.1f} s",
            "beside": f"plain PyTorch loops: {peer * CONFIG.outer_steps:.1f} s, extrapolated from "
            f"{options.outer_steps} of {CONFIG.outer_steps} outer steps",
            "ratio": peer * CONFIG.outer_steps / cold,
            "our_seconds": cold,
            "peer_threads": torch.get_num_threads(),
            "peer_rate": rate,
        }
    ]
    for seeds in (1, CONFIG.seeds):
        ours = our_seconds(seeds) / (seeds + 1)
        rows.append(
            {
                "what": f"an outer step of both trials, compiled, of {seeds + 1} draws together: "
                f"{1e3 * ours:.2f} ms per draw",
                "beside": f"plain PyTorch loops: {1e3 * peer:.0f} ms",
                "ratio": peer / ours,
            }
        )
    for row in rows:
        print(f"{processor()}: {row['what']}; {row['beside']}; ratio {row['ratio']:.1f}")
    if options.keep:
        keep("metalearn_learning_rate", rows, ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
