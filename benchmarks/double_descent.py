"""Time double descent from a cold start: `python benchmarks/double_descent.py`.

Ours is the whole command, `mnist1d reproduce double-descent --seeds 1`, in a process of its own
with an empty cache of compiled programs: imports, data, compilation, the models of all sizes with
20,000 steps each, tables, figures and files. The peer is the same training as plain PyTorch loops,
one model after the other, with PyTorch's own threads: every model is trained for `--steps` steps,
after as many to warm up, and counts 20,000 / steps times; one evaluation each is added. A step of
the largest models is also compared with its matrix products alone, on one core.
"""

import argparse
import tempfile
from time import perf_counter

import jax
import numpy as np
import one_core
import torch
import torch_models
from cold import cold_start
from keep import keep, processor

import mnist1d
from mnist1d.execution import Task
from mnist1d.experiments.double_descent.config import SERIES, Config
from mnist1d.experiments.double_descent.training import Trainer, work_per_step

N_STEPS = Config().n_steps


def make_torch(architecture, size):
    if architecture == "MLP":
        return torch_models.MLP(hidden_size=size, residual=False)
    return torch_models.CNN(channels=size)


def torch_loop(architecture, size, labels, dataset, n_steps):
    """Train one model for some steps; returns the seconds that all steps would take."""
    x, x_test = (torch.from_numpy(part.astype(np.float32)) for part in (dataset.x, dataset.x_test))
    y, y_test = torch.from_numpy(labels), torch.from_numpy(dataset.y_test)
    model = make_torch(architecture, size)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    torch_models.train(model, x, y, n_steps, optimizer=optimizer, shuffle=True)
    start = perf_counter()
    torch_models.train(model, x, y, n_steps, optimizer=optimizer, shuffle=True)
    training = perf_counter() - start
    start = perf_counter()
    with torch.no_grad():
        for inputs, truth in ((x, y), (x_test, y_test)):
            logits = model(inputs)
            torch.nn.functional.cross_entropy(logits, truth).item()
            (logits.argmax(1) == truth).double().mean().item()
    return training * N_STEPS / n_steps + perf_counter() - start


def products(architecture, size):
    """Shapes (m, k, n) of the matrix products of a step, a batch of 100."""
    forward = (
        [(size, 40, 100), (size, size, 100), (10, size, 100)]
        if architecture == "MLP"
        else [(size, 5, 1900), (size, 3 * size, 1000), (size, 3 * size, 500), (10, 5 * size, 100)]
    )
    return one_core.backward_too(forward)


def seconds_of_step(architecture, size):
    """Time a step of ours on one device, evaluation included."""
    config = Config(n_epochs=25)
    key = {
        "architecture": architecture,
        "together": [size],
        "noises": [True],
        "size": size,
        "noisy": True,
    }
    tasks = [Task({}, {**key, "seed": seed}) for seed in range(3)]
    trainer = Trainer(config)
    times = [
        float(arrays["run_seconds"])
        for _ in range(2)
        for _, arrays in trainer(tasks, jax.devices()[0], lambda _: None)
    ]
    return min(times) / config.n_steps


def print_rates():
    """Print rates of a step and of its products; to be run with one core."""
    for architecture, size in (("MLP", 300), ("CNN", 50), ("CNN", 100)):
        work = work_per_step(architecture, size)
        alone = sum(one_core.seconds_of_product(*shape) for shape in products(architecture, size))
        step = seconds_of_step(architecture, size)
        print(architecture, size, work / step / 1e9, work / alone / 1e9, flush=True)


def rates():
    """Measure rates in a process that has one core; returns rows."""
    return [
        one_core.row(f"a step of the {architecture} of size {size}", ours, plain)
        for architecture, size, ours, plain in one_core.run_alone(__file__)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="of PyTorch's, per model")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/double_descent.json"
    )
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_core:
        print_rates()
        return
    rows = rates()
    for row in rows:
        print(f"{row['what']}: {row['our_gflops']:.0f} of {row['product_gflops']:.0f} GFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        command = ("-m", "mnist1d", "reproduce", "double-descent", "--seeds", "1")
        ours = cold_start(*command, "--out", "out", folder=folder)
    seconds, memory = ours.seconds, ours.memory_gib
    print(f"ours, cold start: {seconds:.0f} s, {memory:.2f} GiB at most", flush=True)
    dataset = mnist1d.generate(
        num_samples=16_000, train_split=0.25, label_noise=0.15, label_noise_kind="published"
    )
    peer = {
        name: [
            torch_loop(
                series.architecture,
                size,
                dataset.y if series.noisy else dataset.y_clean,
                dataset,
                options.steps,
            )
            for size in Config().sizes(series.architecture)
        ]
        for name, series in SERIES.items()
    }
    total = sum(map(sum, peer.values()))
    print(f"{processor()}: ours {seconds:.0f} s, PyTorch {total:.0f} s")
    print(f"ratio {total / seconds:.1f}")
    if options.keep:
        row = {
            "what": f"double descent from a cold start, 1 seed: {seconds:.0f} s with compilation",
            "beside": f"plain PyTorch loops: {total:.0f} s, extrapolated from {options.steps} of "
            f"{N_STEPS} steps of every model",
            "ratio": total / seconds,
            "our_seconds": seconds,
            "our_memory_gib": memory,
            "peer_seconds": peer,
            "peer_threads": torch.get_num_threads(),
        }
        keep("double_descent", [row, *rows], ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
