"""Time t-SNE, ours and plain openTSNE: `python benchmarks/tsne.py [--mnist DIR]`.

Ours is the experiment's own run, neighbours, embedding and measurements: three seeds of MNIST-1D's
5,000 samples, and with MNIST's files two seeds of its first 30,000 images. The peer is what the
paper's code did, `openTSNE.TSNE(n_jobs=-1).fit(x)`, one seed after the other: MNIST-1D three times,
MNIST once, which counts twice. The times of the parts for all 70,000 images are in the record of
the experiment (`mnist_neighbour_seconds`, `mnist_optimisation_seconds` in
`results/tsne/result.nc`).
"""

import argparse
import os
from pathlib import Path
from time import perf_counter

import numpy as np
import openTSNE
from keep import keep, processor

import mnist1d
from mnist1d.experiments import tsne
from mnist1d.mnist import FOLDER_VARIABLE, load_mnist

N_IMAGES = 30_000


def seconds_of(function):
    start = perf_counter()
    function()
    return perf_counter() - start


def plain(x, n_seeds, counted):
    """Do what the paper's code did; returns the seconds that all seeds would take."""
    times = [
        seconds_of(lambda seed=seed: openTSNE.TSNE(n_jobs=-1, random_state=seed).fit(x))
        for seed in range(counted)
    ]
    return sum(times) * n_seeds / counted


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", type=Path, help="folder with MNIST's four files")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/tsne.json")
    options = parser.parse_args()
    os.environ.pop(FOLDER_VARIABLE, None)
    dataset = mnist1d.load()
    cases = [
        ("MNIST-1D", np.concatenate([dataset.x, dataset.x_test]), 3, tsne.Config(seeds=3)),
    ]
    if options.mnist:
        images = load_mnist(options.mnist).x[:N_IMAGES].reshape(N_IMAGES, -1)
        # As little as can be of MNIST-1D.
        config = tsne.Config(seeds=2, samples=100, mnist=options.mnist, mnist_samples=N_IMAGES)
        cases.append(("MNIST", images, 1, config))
    rows = []
    for data, x, counted, config in cases:
        our_seconds = seconds_of(lambda config=config: tsne.run(config))
        peer_seconds = plain(x, config.seeds, counted)
        rows.append(
            {
                "what": f"t-SNE of {data}, {len(x):,} points, {config.seeds} seeds, with all that "
                "is measured",
                "beside": f"openTSNE, all threads, {counted} of the seeds",
                "ratio": peer_seconds / our_seconds,
                "our_seconds": our_seconds,
                "peer_seconds": peer_seconds,
            }
        )
        print(f"{processor()}, {data}: ours {our_seconds:.0f} s, openTSNE {peer_seconds:.0f} s")
    if options.keep:
        keep("tsne", rows, ("mnist1d", "openTSNE", "numpy", "scikit-learn"))


if __name__ == "__main__":
    main()
