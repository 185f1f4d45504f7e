"""Time lottery tickets from a cold start: `python benchmarks/lottery_tickets.py`.

The published amount of work is 100 rounds of 4 searches (2 trials, random and lottery; 1,502 steps,
batch 100) and 30 studied networks (6,001 steps, batch 500), evaluations every 100 steps. Ours does
all of it, by the published protocol, in a process of its own with an empty cache of compiled
programs, and its accuracies are recorded with the published ones (Greydanus & Kobak, 2024, section
5.1). The peer takes `--peer-steps` steps of either kind as plain PyTorch loops with PyTorch's own
threads, masks applied in place as published, which count for the whole. A step of the dense network
is also compared with its matrix products alone, on one core.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import jax
import numpy as np
import one_core
import torch
import torch_models
from cold import cold_start
from keep import keep, processor
from programs import FOLDER
from published_lottery import comparison

import mnist1d
from mnist1d.experiments.lottery_tickets.config import (
    Config,
)
from mnist1d.experiments.lottery_tickets.training import (
    initial_network,
    search_training,
    study_training,
)
from mnist1d.models.masked_mlp import MaskedMLP as OurMaskedMLP
from mnist1d.models.masks import full_mask
from mnist1d.training import as_data
from mnist1d.training.masked import MaskedTrainer

CONFIG = Config()
N_SEARCHED, N_STUDIED = 4 * CONFIG.rounds, 30
KINDS = {
    "search": (CONFIG.search_steps, CONFIG.search_batch_size, N_SEARCHED),
    "study": (CONFIG.study_steps, CONFIG.study_batch_size, N_STUDIED),
}
PRODUCTS = ("float32", "bfloat16")


class MaskedMLP(torch_models.MLP):
    """The published way: parameters are multiplied by their masks before every pass."""

    def __init__(self, sparsity=0.9):
        super().__init__(hidden_size=CONFIG.hidden_size)
        generator = torch.Generator().manual_seed(0)
        self.masks = [
            (torch.rand(parameter.shape, generator=generator) >= sparsity).float()
            for parameter in self.parameters()
        ]

    def forward(self, x):
        """Map signals (n, length) to logits (n, 10)."""
        with torch.no_grad():
            for parameter, mask in zip(self.parameters(), self.masks, strict=True):
                parameter.mul_(mask)
        return super().forward(x)


def peer_seconds(kind, n_steps):
    """Time plain PyTorch loops; returns the seconds that one network would take."""
    steps, batch_size, _ = KINDS[kind]
    dataset = mnist1d.generate()
    x, x_test = (torch.from_numpy(part.astype(np.float32)) for part in (dataset.x, dataset.x_test))
    y, y_test = torch.from_numpy(dataset.y), torch.from_numpy(dataset.y_test)
    model = MaskedMLP()

    def evaluate():
        with torch.no_grad():
            logits = model(x_test)
            torch.nn.functional.cross_entropy(logits, y_test).item()
            (logits.argmax(1) == y_test).double().mean().item()

    settings = {
        "batch_size": batch_size,
        "learning_rate": CONFIG.learning_rate,
        "evaluate": evaluate,
        "evaluate_every": CONFIG.evaluate_every,
    }
    torch_models.train(model, x, y, n_steps // 4, **settings)
    start = perf_counter()
    torch_models.train(model, x, y, n_steps, **settings)
    return (perf_counter() - start) * steps / n_steps


def products(kind):
    """Shapes (m, k, n) of the matrix products of a step."""
    size, n = CONFIG.hidden_size, KINDS[kind][1]
    return one_core.backward_too([(size, 40, n), (size, size, n), (10, size, n)])


def print_rates(n_steps=200):
    """Print rates of a step and of its products in float32; to be run with one core."""
    data, network = as_data(mnist1d.generate()), initial_network(CONFIG, 0, "lottery")
    jobs = [(OurMaskedMLP(network, full_mask(network)), data)]
    short = replace(CONFIG, search_steps=n_steps, study_steps=n_steps)
    for kind, training in (("search", search_training(short)), ("study", study_training(short))):
        work = one_core.operations(products(kind))
        alone = sum(one_core.seconds_of_product(*shape) for shape in products(kind))
        trainer, times = MaskedTrainer(training, multiple=100), []
        for _ in range(4):
            start = perf_counter()
            list(trainer.train(jobs, jax.devices()[0]))
            times.append(perf_counter() - start)
        print(kind, work * n_steps / min(times) / 1e9, work / alone / 1e9, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-steps", type=int, default=400, help="PyTorch's, of either kind")
    parser.add_argument("--products", nargs="+", default=["float32"], choices=PRODUCTS)
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/lottery_tickets.json"
    )
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_core:
        print_rates()
        return
    rates = [
        one_core.row(f"a step of the {kind}, batch {KINDS[kind][1]}, evaluations included", *found)
        for kind, *found in one_core.run_alone(__file__)
    ]
    for row in rates:
        print(f"{row['what']}: {row['our_gflops']:.0f} of {row['product_gflops']:.0f} GFLOP/s")
    peer = {kind: peer_seconds(kind, options.peer_steps) for kind in KINDS}
    peer_total = sum(peer[kind] * KINDS[kind][2] for kind in KINDS)
    print(f"{processor()}: PyTorch {peer_total:.0f} s", flush=True)
    rows = []
    for products_in in options.products:
        with tempfile.TemporaryDirectory() as folder:
            program = FOLDER / "lottery_tickets.py"
            ours = cold_start(program, products_in, folder, folder=folder)
            found = json.loads((Path(folder) / "found.json").read_text("utf-8"))
        seconds, memory = ours.seconds, ours.memory_gib
        ratio = peer_total / seconds
        print(f"ours in {products_in}: {seconds:.0f} s, {memory:.2f} GiB, ratio {ratio:.2f}")
        beside = comparison(found)
        for row in beside:
            print("  {what}: {published} published, {ours} ours; ".format(**row), end="")
            print("{difference} apart, standard error {standard_error}".format(**row))
        rows.append(
            {
                "what": f"lottery tickets from a cold start, the published amount of work, products"
                f" in {products_in}: {seconds:.0f} s with compilation",
                "beside": f"plain PyTorch loops, extrapolated from {options.peer_steps} steps of "
                f"either kind: {peer_total:.0f} s",
                "ratio": ratio,
                "our_seconds": seconds,
                "our_memory_gib": memory,
                "peer_seconds_per_network": peer,
                "peer_threads": torch.get_num_threads(),
                "found": found,
                "beside_published": beside,
            }
        )
    if options.keep:
        keep("lottery_tickets", [*rows, *rates], ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
