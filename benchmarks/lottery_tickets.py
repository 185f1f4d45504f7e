"""Time lottery tickets: `python benchmarks/lottery_tickets.py`.

The published amount of work is 100 rounds of 4 searches (2 trials, random and lottery; 1,502 steps,
batch 100) and 30 studied networks (6,001 steps, batch 500), evaluations every 100 steps. Ours
trains `--rounds` rounds and `--pairs` pairs of studied networks with the experiment's own trainer,
the peer `--peer-steps` steps of either kind as plain PyTorch loops with PyTorch's own threads,
masks applied in place as published; both count for the whole. Compilation is told apart. Beside
them: how close a step comes to the matrix products that it is made of, on one core.
"""

import argparse
from time import perf_counter

import jax
import numpy as np
import one_core
import torch
import torch_models
from keep import keep, processor

import mnist1d
from mnist1d import pruning
from mnist1d.experiments.lottery_tickets import Config, initial_network
from mnist1d.experiments.masked_training import Job, MaskedTrainer, as_arrays, masked_training
from mnist1d.training import use_all_cores

CONFIG = Config()
SEARCHES, STUDIED = 4 * CONFIG.rounds, 30
KINDS = {
    "search": (CONFIG.search_steps, CONFIG.search_batch_size, SEARCHES),
    "study": (CONFIG.study_steps, CONFIG.study_batch_size, STUDIED),
}
PRODUCTS = ("float32", "bfloat16")


def make_jobs(n, sparsity=0.9):
    """Return networks to be trained, half of their kind masked at random."""
    data, rng = as_arrays(mnist1d.generate()), np.random.default_rng(0)
    starts = [initial_network(CONFIG, seed) for seed in range(n)]
    return [Job(start, pruning.random_mask(start, sparsity, rng), data) for start in starts]


def make_trainer(kind, products, n_steps=None):
    """Return the experiment's trainer for one kind of work."""
    steps, batch_size, _ = KINDS[kind]
    training = masked_training(
        n_steps or steps, batch_size, CONFIG.learning_rate, CONFIG.evaluate_every
    )
    return MaskedTrainer(training, products)


def our_seconds(kind, products, n_jobs):
    """Train some networks; returns seconds per network, and of compilation."""
    trainer = make_trainer(kind, products)
    jobs = make_jobs(n_jobs)
    start = perf_counter()
    list(trainer(jobs[: jax.device_count()]))
    first = perf_counter() - start
    start = perf_counter()
    list(trainer(jobs))
    seconds = (perf_counter() - start) / n_jobs
    return seconds, max(0.0, first - seconds * jax.device_count())


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
    for kind in KINDS:
        work = one_core.operations(products(kind))
        alone = sum(one_core.seconds_of_product(*shape) for shape in products(kind))
        trainer, jobs = make_trainer(kind, "float32", n_steps), make_jobs(1)
        times = []
        for _ in range(4):
            start = perf_counter()
            list(trainer(jobs))
            times.append(perf_counter() - start)
        print(kind, work * n_steps / min(times) / 1e9, work / alone / 1e9, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of 4 searches")
    parser.add_argument("--pairs", type=int, default=1, help="pairs of studied networks")
    parser.add_argument("--peer-steps", type=int, default=400, help="PyTorch's, of either kind")
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
    use_all_cores()
    peer = {kind: peer_seconds(kind, options.peer_steps) for kind in KINDS}
    peer_total = sum(peer[kind] * KINDS[kind][2] for kind in KINDS)
    print(f"{processor()}: PyTorch {peer_total:.0f} s", flush=True)
    rows = []
    measured = {"search": 4 * options.rounds, "study": 2 * options.pairs}
    for products_in in PRODUCTS:
        found = {kind: our_seconds(kind, products_in, measured[kind]) for kind in KINDS}
        total = sum(found[kind][0] * KINDS[kind][2] for kind in KINDS)
        ratio = peer_total / total
        print(f"products in {products_in}: {total:.0f} s, ratio {ratio:.2f}", flush=True)
        rows.append(
            {
                "what": f"lottery tickets, the published amount of work, products in {products_in}:"
                f" {total:.0f} s",
                "beside": f"plain PyTorch loops, extrapolated from {options.peer_steps} steps of "
                f"either kind: {peer_total:.0f} s",
                "ratio": ratio,
                "our_seconds_per_network": {kind: found[kind][0] for kind in KINDS},
                "our_networks_measured": measured,
                "our_compile_seconds": sum(found[kind][1] for kind in KINDS),
                "peer_seconds_per_network": peer,
                "peer_threads": torch.get_num_threads(),
            }
        )
    if options.keep:
        keep("lottery_tickets", [*rows, *rates], ("mnist1d", "jax", "torch"))


if __name__ == "__main__":
    main()
