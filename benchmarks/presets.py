"""Measure the test accuracy of the four models of the paper on every preset.

    python benchmarks/presets.py

The protocol is the paper's: 6001 steps of Adam at rate 0.01 with batches of 100 in stored order,
an evaluation every 250 steps. The test accuracy is that at the evaluation with the highest accuracy
on 1000 fresh samples, which are neither trained on nor tested. The record holds every seed.
"""

import argparse
from functools import partial

import numpy as np
from keep import keep
from variants import measure

import mnist1d
from mnist1d.measures.uncertainty import estimate
from mnist1d.models import CNN, GRU, MLP, Logistic
from mnist1d.training import use_all_cores

MODELS = {"Logistic": Logistic, "MLP": MLP, "CNN": CNN, "GRU": GRU}
N_STEPS, EVALUATE_EVERY = 6001, 250


def measure_all(name, seeds):
    """Train all models on a preset; returns a row with the accuracies of every seed."""
    dataset = mnist1d.generate(mnist1d.preset(name))
    parts = dataset.parts | {"validation": mnist1d.fresh_samples(dataset, 1000, seed=1)}
    length = dataset.x.shape[-1]
    row = {"what": name}
    for model, make in MODELS.items():
        found = measure(partial(make, length), parts, seeds, N_STEPS, EVALUATE_EVERY)
        best = found["validation"].argmax(axis=1)
        row[model] = found["test"][np.arange(seeds), best].tolist()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(mnist1d.PRESETS))
    arguments = parser.parse_args()
    use_all_cores()
    rows = []
    for name in arguments.only:
        rows.append(measure_all(name, arguments.seeds))
        means = (f"{model} {estimate(rows[-1][model]).mean:.3f}" for model in MODELS)
        print(name, *means, flush=True)
    if arguments.only == list(mnist1d.PRESETS):
        keep("presets", rows, ["mnist1d", "jax", "optax", "numpy"], seeds=arguments.seeds)


if __name__ == "__main__":
    main()
