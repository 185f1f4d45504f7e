"""Measure how cost grows: `python benchmarks/growth.py [--keep]`.

Time and largest memory of training over the number of seeds, of samples, of hidden units and of
devices; of generating over samples and over worker processes, here and on a Dask cluster of this
machine. Every point is a process of its own. Training is that of the MLP, 500 steps of 100 samples,
without compiling; its memory is that of the process, JAX included. Generating is measured to 10^7
samples and drawn on to 10^9 in proportion.

Growth is the exponent between the last two points. Expected is 1; of hidden units 2, as products
are; 0 of samples in training, as there are no more steps; and -1 of what shares the work. A line
says so if it is more than that by 0.1.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from keep import RESULTS, keep, processor

import mnist1d

N_STEPS = 500
CORES = len(os.sched_getaffinity(0))
WORKERS = sorted({1, 2, CORES})
SHARDED = 5_000_000

SWEEPS = {
    "seeds": ("training: seeds", (1, 4, 16, 64, 256), 1),
    "samples": ("training: samples", (1000, 10_000, 100_000, 1_000_000), 0),
    "width": ("training: hidden units", (25, 50, 100, 200, 400, 800, 1600), 2),
    "devices": ("training 16 seeds: devices", tuple(WORKERS), -1),
    "stream": ("native stream: samples", (1000, 10_000, 100_000, 1_000_000, 10_000_000), 1),
    "generate": ("published stream: samples", (1000, 10_000, 100_000, 1_000_000), 1),
    "workers": (f"{SHARDED:,} samples in shards: processes", tuple(WORKERS), -1),
    "cluster": (f"{SHARDED:,} samples in shards: Dask workers", tuple(WORKERS), -1),
}
"""Per sweep its title, values and expected exponent; a function of its name measures a value."""
LARGEST_DRAWN = 1_000_000_000
COLUMNS = 4


def train(n_seeds=1, n_samples=4000, size=100, n_devices=CORES):
    """Train MLPs; returns seconds without compilation."""
    import jax
    import optax

    from mnist1d import models, training
    from mnist1d.stream import Stream

    jax.config.update("jax_num_cpu_devices", n_devices)
    x, y = Stream()[:n_samples]
    data = (x.astype(np.float32), y.astype(np.int32))
    described = training.Training(
        batch=lambda data, step, _key: training.sequential_batch(data, step, 100),
        loss=lambda model, batch, _key: training.cross_entropy(
            models.predict(model, batch[0]), batch[1]
        ),
        optimizer=optax.adam(0.01),
        n_steps=N_STEPS,
        evaluate=lambda _model, _data: (),
    )
    keys = jax.random.split(jax.random.key(0), n_seeds)
    initial = training.initialise(lambda key: models.MLP(hidden_size=size, key=key), keys)
    program = training.compile_runs(described, initial, data, keys=keys)
    return min(program(initial, data, keys=keys).run_seconds for _ in range(3))


def timed(function):
    """Return the least seconds of three calls, or of one that takes long."""
    seconds = []
    while len(seconds) < 3 and sum(seconds) < 10:
        start = perf_counter()
        function()
        seconds.append(perf_counter() - start)
    return min(seconds)


def seeds(value):
    return train(n_seeds=value)


def samples(value):
    return train(n_samples=value)


def width(value):
    return train(size=value)


def devices(value):
    return train(n_seeds=16, n_devices=value)


def stream(value):
    """Draw samples in pieces, as a program would that keeps none."""
    from mnist1d.stream import Stream

    whole, piece = Stream(), 100_000

    def draw():
        for first in range(0, value, piece):
            whole[first : min(first + piece, value)]

    return timed(draw)


def generate(value):
    return timed(lambda: mnist1d.generate(num_samples=value))


def sharded(**how):
    from mnist1d import shards

    def make():
        with tempfile.TemporaryDirectory() as out:
            shards.generate(
                num_samples=SHARDED, shard_size=50_000, out=out, file_format="npz", **how
            )

    return timed(make)


def workers(value):
    return sharded(workers=value)


def cluster(value):
    from distributed import LocalCluster

    with LocalCluster(n_workers=value, threads_per_worker=1, dashboard_address=None) as started:
        return sharded(scheduler=started.scheduler_address)


MEASURES = {each.__name__: each for each in (seeds, samples, width, devices, stream, generate)}
MEASURES |= {each.__name__: each for each in (workers, cluster)}


def largest_memory():
    """Return the largest memory of this process in MiB, as Linux counts it."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


def measured(name, value):
    """Measure a point in a process of its own; returns seconds and MiB."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, __file__, "--one", name, str(value)],
        check=True,
        stdout=subprocess.PIPE,  # and not errors, which say why a point fails
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def growth(values, costs):
    """Return the exponent between the last two points."""
    return float(np.log(costs[-1] / costs[-2]) / np.log(values[-1] / values[-2]))


def draw(rows, path):
    """Draw time above memory, four sweeps side by side."""
    from matplotlib.figure import Figure

    n_bands = -(-len(rows) // COLUMNS)
    figure = Figure(figsize=(11, 4.2 * n_bands), layout="constrained")
    bands = figure.subfigures(n_bands, 1, squeeze=False, hspace=0.05)[:, 0]
    for first, band in zip(range(0, len(rows), COLUMNS), bands, strict=True):
        axes = band.subplots(2, COLUMNS, sharex="col")
        for place, (top, bottom) in enumerate(axes.T):
            if first + place >= len(rows):
                top.remove(), bottom.remove()
                continue
            draw_one(rows[first + place], top, bottom)
        axes[0, 0].set_ylabel("time (s)")
        axes[1, 0].set_ylabel("largest memory (MiB)")
    figure.savefig(path, dpi=120)


def draw_one(row, top, bottom):
    """Draw a sweep: time, and what growth as expected would be, above memory."""
    values, seconds, expected = row["values"], row["seconds"], row["expected"]
    what, _, axis = row["title"].rpartition(": ")
    top.plot(values, seconds, "o-")
    bottom.plot(values, row["mebibytes"], "o-")
    ends = np.array([values[0], values[-1]], float)
    at, there = (values[-1], seconds[-1]) if expected > 0 else (values[0], seconds[0])
    line = np.geomspace(*ends)
    top.plot(line, there * (line / at) ** expected, ":", color="0.5", label="as expected")
    if row["name"] in ("stream", "generate"):
        further = np.array([values[-1], LARGEST_DRAWN], float)
        extrapolated = seconds[-1] * further / values[-1]
        top.plot(further, extrapolated, "--", color="0.5", label="extrapolated")
    if expected < 0:
        bottom.set_xticks(values)
    else:
        top.set_xscale("log")
    if expected > 0:
        top.set_yscale("log")
    else:
        top.set_ylim(0, 1.15 * max(seconds))
    bottom.set_ylim(0, 1.15 * max(row["mebibytes"]))
    top.set_title(what, fontsize=10)
    top.legend(fontsize=7)
    bottom.set_xlabel(axis)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SWEEPS)}; all")
    parser.add_argument("--keep", action="store_true", help="write growth.json and growth.png")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "VALUE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, value = options.one
        print(json.dumps([MEASURES[name](int(value)), largest_memory()]))
        return
    if unknown := sorted({*options.names} - {*SWEEPS}):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SWEEPS)}")
    print(f"{processor()}, {CORES} cores")
    rows = []
    for name in options.names or SWEEPS:
        title, values, expected = SWEEPS[name]
        found = []
        for value in values:
            found.append(measured(name, value))
            print(f"{title} {value:,}: {found[-1][0]:.3g} s, {found[-1][1]:.0f} MiB", flush=True)
        seconds, mebibytes = (list(each) for each in zip(*found, strict=True))
        exponent = growth(values, seconds)
        if exponent > expected + 0.1:
            print(f"{title}: exponent {exponent:.2f}, expected {expected}")
        rows.append(
            {
                "what": f"{title} from {values[0]:,} to {values[-1]:,}",
                "name": name,
                "title": title,
                "values": list(values),
                "seconds": seconds,
                "mebibytes": mebibytes,
                "exponent": exponent,
                "expected": expected,
            }
        )
    if options.keep:
        draw(rows, RESULTS / "growth.png")
        keep("growth", rows, ("mnist1d", "jax", "numpy", "optax"))


if __name__ == "__main__":
    main()
