"""Time the generation of the published dataset, ours and the published package's.

    python benchmarks/generate.py

The published package is installed, with its dependencies, into a temporary folder of its own and
runs in a process of its own; both sides take turns, so that a busy machine slows both. Reported are
medians of the time of the call that makes the arrays, without the import.
"""

import argparse
import os
import platform
import statistics
from time import perf_counter

import numpy as np
from keep import keep, processor
from published import add_option, running

import mnist1d


def timed(function, *arguments):
    start = perf_counter()
    result = function(*arguments)
    return perf_counter() - start, result


def stages():
    """Time drawing and synthesis one by one, as parts of one generation."""
    config = mnist1d.DatasetConfig()
    labels = np.repeat(np.arange(10), config.n_samples // 10)
    rng = np.random.RandomState(config.seed)
    draw, draws = timed(mnist1d.draw_transforms, config, rng)
    synthesis, _ = timed(mnist1d.synthesise, mnist1d.digit_templates().x, labels, draws, config)
    return draw, synthesis


def race(folder, repetitions):
    with running(folder) as published:
        n = mnist1d.DatasetConfig().num_samples
        published.seconds(n)
        timed(mnist1d.load)
        rounds = [
            (published.seconds(n), timed(mnist1d.load)[0], *stages()) for _ in range(repetitions)
        ]
    return published.versions, [statistics.median(column) for column in zip(*rounds, strict=True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=11)
    add_option(parser)
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/generate.json"
    )
    options = parser.parse_args()
    versions, (published, ours, draw, synthesis) = race(options.published, options.repetitions)
    n = mnist1d.DatasetConfig().n_samples
    print(f"{processor()}, {os.cpu_count()} logical cores, Python {platform.python_version()}")
    print(f"published  {versions}")
    print(f"ours       mnist1d {mnist1d.__version__} (NumPy {np.__version__})")
    print(f"{n} samples, median of {options.repetitions} rounds taken in turn, one thread")
    for name, seconds in [
        ("published", published),
        ("ours", ours),
        ("  draws", draw),
        ("  synthesis", synthesis),
        ("  the rest", ours - draw - synthesis),
    ]:
        share = f"{seconds / ours:8.0%} of ours" if name.startswith(" ") else ""
        print(f"{name:12} {1e3 * seconds:9.2f} ms {1e6 * seconds / n:8.2f} us/sample {share}")
    print(f"ratio        {published / ours:9.1f}")
    if options.keep:
        row = {
            "what": "generating the published dataset",
            "beside": "the published package",
            "ratio": published / ours,
            "peer_seconds": published,
            "our_seconds": ours,
            "draws_seconds": draw,
            "synthesis_seconds": synthesis,
        }
        keep(
            "generate",
            [row],
            ("mnist1d", "numpy"),
            published=versions,
            repetitions=options.repetitions,
        )


if __name__ == "__main__":
    main()
