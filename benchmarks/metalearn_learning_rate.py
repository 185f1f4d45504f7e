"""Time the learning rate's metalearning: `python benchmarks/metalearn_learning_rate.py`.

Ours, compiled: the outer steps of both trials from the published initial weights, run together on
all cores, the best of five times 50. Ours, cold: a process of its own with an empty cache of
compiled programs that imports, makes the data, compiles and runs both trials; and the whole command
`mnist1d reproduce metalearn-learning-rate --seeds 1`, which does four trials, the sweep, tables,
figures and files. The peer is the same two trials as plain PyTorch loops, derivatives backwards
through the graph of all inner steps, `--steps` outer steps of each after one to warm up, with one
thread and with as many as there are cores (of these a fifth of the steps); the faster is taken.
"""

import argparse
import os
import tempfile
from time import perf_counter

import numpy as np
import torch
from cold import cold_start
from keep import keep, processor
from programs import FOLDER
from programs.metalearn_learning_rate import make_ours, our_trials
from torch.nn import functional

import mnist1d
from mnist1d.experiments.metalearn_learning_rate.config import Config

CONFIG = Config()
STARTS, N_OUTER, OUTER_RATE = CONFIG.initial_rates, CONFIG.outer_steps, CONFIG.outer_rate
N_INNER, BATCH = CONFIG.inner_steps, CONFIG.batch_size


def torch_objective(rate, parameters, x, y):
    """Train, keeping the graph of all steps; returns the mean loss."""
    losses = []
    for i in range(N_INNER):
        rows = slice(BATCH * i % len(x), BATCH * i % len(x) + BATCH)
        hidden = torch.tanh(functional.linear(x[rows], *parameters[:2]))
        loss = functional.cross_entropy(functional.linear(hidden, *parameters[2:]), y[rows])
        gradient = torch.autograd.grad(loss, parameters, create_graph=True)
        parameters = [p - rate * g for p, g in zip(parameters, gradient, strict=True)]
        losses.append(loss)
    return torch.stack(losses).mean()


def torch_trial(start, n_steps):
    """Run the first outer steps of a trial; returns seconds per step."""
    dataset = mnist1d.load()
    x, y = torch.from_numpy(dataset.x.astype(np.float32)), torch.from_numpy(dataset.y)
    torch.manual_seed(0)
    layers = [torch.nn.Linear(40, 50), torch.nn.Linear(50, 10)]
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    rate = torch.tensor(start, requires_grad=True)
    torch_objective(rate, parameters, x, y).backward()
    clock = perf_counter()
    for _ in range(n_steps):
        (slope,) = torch.autograd.grad(torch_objective(rate, parameters, x, y), rate)
        rate = (rate - OUTER_RATE * slope).detach().requires_grad_()
    return (perf_counter() - clock) / n_steps


def torch_trials(n_steps):
    """Return the seconds of both trials by number of threads, from some steps with one thread.

    Of such small products more threads may be slower: they take a fifth of the steps.
    """
    before, found = torch.get_num_threads(), {}
    for n_threads in sorted({1, os.cpu_count() or 1}):
        torch.set_num_threads(n_threads)
        n = n_steps if n_threads == 1 else max(1, n_steps // 5)
        found[n_threads] = N_OUTER * sum(torch_trial(start, n) for start in STARTS)
    torch.set_num_threads(before)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=N_OUTER, help="outer steps of PyTorch's")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/metalearn_learning_rate.json"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trials = cold_start(FOLDER / "metalearn_learning_rate.py", folder=folder).seconds
    with tempfile.TemporaryDirectory() as folder:
        program = ("-m", "mnist1d", "reproduce", "metalearn-learning-rate", "--seeds", "1")
        command = cold_start(*program, folder=folder).seconds
    print(f"ours, cold: both trials {trials:.1f} s; the command {command:.1f} s", flush=True)
    step = make_ours()
    start = perf_counter()
    our_trials(step)
    first = perf_counter() - start
    seconds, last = np.inf, None
    for _ in range(5):
        start = perf_counter()
        last = our_trials(step)
        seconds = min(seconds, perf_counter() - start)
    print(f"ours: both trials {seconds:.2f} s, the first time {first:.2f} s", last, flush=True)
    peers = torch_trials(options.steps)
    for n_threads, each in peers.items():
        print(f"PyTorch, {n_threads} threads: {each:.1f} s", flush=True)
    n_threads = min(peers, key=peers.__getitem__)
    ratio = peers[n_threads] / seconds
    print(f"{processor()}: ratio {ratio:.1f}")
    if options.keep:
        row = {
            "what": f"both trials of the metalearned learning rate, compiled: {seconds:.2f} s",
            "beside": f"plain PyTorch loops, {options.steps} of {N_OUTER} outer steps measured: "
            f"{peers[n_threads]:.1f} s with {n_threads} thread(s), the faster number",
            "ratio": ratio,
            "our_seconds": seconds,
            "our_seconds_per_outer_step_of_both_trials": seconds / N_OUTER,
            "our_seconds_with_compilation": first,
            "our_seconds_cold_start_both_trials": trials,
            "our_seconds_cold_start_command_1_seed": command,
            "our_last_rates": [float(rate) for rate in last],
            "peer_seconds_by_threads": peers,
            "peer_seconds_per_outer_step_of_one_trial": peers[n_threads] / N_OUTER / 2,
        }
        keep("metalearn_learning_rate", [row], ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
