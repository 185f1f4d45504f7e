"""Race the generation of the published dataset against the published package.

    python benchmarks/generate.py

The published package is installed, with its dependencies, into a temporary folder of its own and
runs in a process of its own; both sides take turns, so that a busy machine slows both. Reported are
medians. What is timed is the call that makes the arrays, not the import.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from keep import keep, processor

import mnist1d

PUBLISHED = "mnist1d==0.0.2.post1"

# Answers every line with the seconds that one generation took.
SERVER = """
import sys, time
import numpy, scipy
from mnist1d import data
print(f"NumPy {numpy.__version__}, SciPy {scipy.__version__}", flush=True)
for line in sys.stdin:
    arguments = data.get_dataset_args()
    start = time.perf_counter()
    data.make_dataset(arguments)
    print(time.perf_counter() - start, flush=True)
"""


def install(folder):
    print(f"installing {PUBLISHED} ...", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", folder, PUBLISHED], check=True)  # noqa: S603


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
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    server = subprocess.Popen(  # noqa: S603 (the program stands in this file)
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=folder,
        text=True,
    )
    with server:

        def published():
            server.stdin.write("go\n")
            server.stdin.flush()
            return float(server.stdout.readline())

        versions = server.stdout.readline().strip()
        published()
        timed(mnist1d.load)
        rounds = [(published(), timed(mnist1d.load)[0], *stages()) for _ in range(repetitions)]
        server.stdin.close()
    return versions, [statistics.median(column) for column in zip(*rounds, strict=True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument(
        "--published", type=Path, help=f"folder that {PUBLISHED} is installed in already"
    )
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/generate.json"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.published or Path(temporary)
        if options.published is None:
            install(folder)
        versions, (published, ours, draw, synthesis) = race(folder, options.repetitions)
    n = mnist1d.DatasetConfig().n_samples
    print(f"{processor()}, {os.cpu_count()} logical cores, Python {platform.python_version()}")
    print(f"published  {PUBLISHED} ({versions})")
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
            published=f"{PUBLISHED} ({versions})",
            repetitions=options.repetitions,
        )


if __name__ == "__main__":
    main()
