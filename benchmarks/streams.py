"""Time the native stream and the published package, a lower bound, and files.

    python benchmarks/streams.py

All programs take turns, round by round, so that a busy machine slows them all, and ratios are taken
within a round; reported are medians. The published package runs in a process of its own (see
`published.py`). Everything uses one thread unless stated, and float32 where there is a choice.
Times include new memory for the samples.

The lower bound ("floor") is NumPy's time for the steps of a sample that the definition prescribes,
each alone, with the same sizes: drawing its random words, looking up its normal values, its two
matrix products, and writing it to new memory.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time

import numpy as np
from keep import keep, processor
from published import add_option, running

import mnist1d
from mnist1d import shards
from mnist1d.stream.stream import Stream
from mnist1d.stream.tables import Tables, normal_table

CONFIG = mnist1d.DatasetConfig()
LENGTH, FINAL = CONFIG.stretched_length, CONFIG.final_seq_length
SMALL, LARGE, MILLION = 5000, 100_000, 1_000_000
PIECE = 50_000
# Samples that the stream has in the works at one time, and how often the floor repeats them.
CHUNK, N_CHUNKS = 4096, 24
# Per sample: one for its class, two for its factors, and its noise, four values to a word.
WORDS = 3 + 2 * LENGTH // 4
FORMATS = ("npz", "parquet")
# Makes one shard and prints the largest memory of its process, as Linux counts it, in bytes.
MEMORY = """
import re, sys, tempfile
from mnist1d import shards
with tempfile.TemporaryDirectory() as out:
    n = int(sys.argv[2])
    shards.generate(num_samples=n, shard_size=n, out=out, file_format=sys.argv[1], workers=1)
with open("/proc/self/status") as status:
    print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]))
"""


def timed(function, *arguments):
    """Return wall time, and time of all processors together, in seconds."""
    wall, busy = perf_counter(), process_time()
    function(*arguments)
    return perf_counter() - wall, process_time() - busy


def legacy(n):
    mnist1d.generate(num_samples=n, dtype="float32")


class Native:
    """The native stream, a piece at a time."""

    def __init__(self):
        self.stream = Stream()

    def whole(self, n):
        """Make so many samples in one piece."""
        self.stream.samples(0, n)

    def piece(self, number):
        """Make one of the pieces of a million."""
        self.stream.samples(number * PIECE, (number + 1) * PIECE)


class Floor:
    """Each step alone, on arrays that are there already."""

    def __init__(self):
        tables = Tables(CONFIG)
        self.table = normal_table()
        self.numbers = self.random_bits().random_raw(CHUNK * LENGTH // 4).view(np.uint16)
        self.values = self.table[self.numbers].reshape(-1, 32, LENGTH)
        self.matrices = [
            (block, np.empty((CHUNK // 32, 32, block.values.shape[1]), dtype=np.float32))
            for block in (*tables.smoothing, *tables.resampling)
        ]
        self.signals = np.ones((CHUNK, FINAL), dtype=np.float32)

    def random_bits(self):
        """Return a generator for one thread alone."""
        return np.random.Philox(key=np.array([42, 0], dtype=np.uint64))

    def words(self, _=0):
        """Draw random words."""
        bits = self.random_bits()
        for _ in range(N_CHUNKS):
            bits.random_raw(CHUNK * WORDS)

    def normals(self):
        """Look up normal values."""
        values = self.values.reshape(-1)
        for _ in range(2 * N_CHUNKS):
            for start in range(0, len(values), 2**17):
                part = slice(start, start + 2**17)
                np.take(self.table, self.numbers[part], out=values[part], mode="wrap")

    def products(self):
        """Multiply by the matrices of smoothing and resampling."""
        for _ in range(N_CHUNKS):
            for block, out in self.matrices:
                np.matmul(self.values[..., block.rows], block.values, out=out)

    def memory(self):
        """Write signals to memory that was not there before."""
        signals = np.empty((N_CHUNKS * CHUNK, FINAL), dtype=np.float32)
        for start in range(0, len(signals), CHUNK):
            signals[start : start + CHUNK] = self.signals


def measured(native, floor, pool):
    """Return groups of what to time, by name: the number of samples, and a function."""
    n_pieces, n_floor = MILLION // PIECE, N_CHUNKS * CHUNK
    words = f"drawing {WORDS} random words"
    million = f"native stream, {MILLION:,} samples in pieces"
    one_thread = {
        f"published format, {SMALL:,} samples": (SMALL, lambda: legacy(SMALL)),
        f"published format, {LARGE:,} samples": (LARGE, lambda: legacy(LARGE)),
        f"native stream, {LARGE:,} samples": (LARGE, lambda: native.whole(LARGE)),
        million: (MILLION, lambda: list(map(native.piece, range(n_pieces)))),
    }
    two_threads = {
        f"{million}, two threads": (
            MILLION,
            lambda: list(pool.map(native.piece, range(n_pieces))),
        ),
        f"{words}, two threads": (6 * n_floor, lambda: list(pool.map(floor.words, range(6)))),
    }
    alone = {
        words: (n_floor, floor.words),
        f"looking up {2 * LENGTH} normal values": (n_floor, floor.normals),
        "the two matrix products": (n_floor, floor.products),
        "writing the result to new memory": (n_floor, floor.memory),
    }
    return one_thread, two_threads, alone


def files_of(file_format, workers, n):
    """Make a set of files; return samples per second, and bytes per sample."""
    with tempfile.TemporaryDirectory() as out:
        start = perf_counter()
        done = shards.generate(num_samples=n, out=out, file_format=file_format, workers=workers)
        return n / (perf_counter() - start), done.n_bytes / n


def race(published, repetitions, n_in_files):
    """Return rounds of nanoseconds per sample, of shares of time busy, and of sets of files."""
    rival = f"published package, {SMALL:,} samples"
    with ThreadPoolExecutor(2) as pool:
        groups = measured(Native(), Floor(), pool)
        ours = {name: what for group in groups for name, what in group.items()}
        for _, run in ours.values():
            run()
        rounds, busy = {name: [] for name in (rival, *ours)}, {name: [] for name in ours}
        files = {(f, w): [] for f in FORMATS for w in (1, 2)}
        for _ in range(repetitions):
            rounds[rival].append(1e9 * published.seconds(SMALL) / SMALL)
            for name, (n, run) in ours.items():
                wall, processors = timed(run)
                rounds[name].append(1e9 * wall / n)
                busy[name].append(processors / wall)
            for (file_format, workers), found in files.items():
                found.append(files_of(file_format, workers, n_in_files))
    return rounds, busy, files, (rival, *map(list, groups))


def rows_of(rounds, busy, names):
    """Make three tables of the record: medians, ratios of each round, and the rounds themselves."""
    rival, one_thread, two_threads, alone = names

    def row(name, beside, *, share=False):
        pairs = zip(rounds[beside], rounds[name], strict=True)
        return {
            "what": name,
            "beside": beside,
            "ratio": statistics.median(b / a if share else a / b for a, b in pairs),
            "nanoseconds": statistics.median(rounds[name]),
            "busy": statistics.median(busy[name]) if name in busy else None,
            "rounds": rounds[name],
        }

    single = one_thread[-1]
    return (
        [row(name, rival) for name in (rival, *one_thread, two_threads[0])],
        [row(name, one) for name, one in zip(two_threads, (single, alone[0]), strict=True)],
        [row(name, single, share=True) for name in alone],
    )


def file_rows(files):
    """Make the table of the sets of files."""
    rows = []
    for (file_format, workers), found in files.items():
        speeds, sizes = zip(*found, strict=True)
        one = [speed for speed, _ in files[file_format, 1]]
        rows.append(
            {
                "format": file_format,
                "workers": workers,
                "ratio": statistics.median(a / b for a, b in zip(speeds, one, strict=True)),
                "samples_per_second": statistics.median(speeds),
                "bytes_per_sample": sizes[0],
                "rounds": speeds,
            }
        )
    return rows


def memory_rows():
    """Make the table of the largest memory of processes that make one shard each."""
    rows = []
    for file_format, n in (
        ("npz", LARGE),
        ("npz", MILLION),
        ("parquet", LARGE),
        ("parquet", MILLION),
        ("csv", LARGE),
        ("csv", MILLION),
    ):
        command = [sys.executable, "-c", MEMORY, file_format, str(n)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
        rows.append({"format": file_format, "samples": n, "bytes": int(printed)})
    return rows


def report(tables, files, memory):
    """Print all tables."""
    for title, rows, form in tables:
        print(f"\n{'':58} ns/sample  busy  {title}")
        for row in rows:
            share = "" if row["busy"] is None else f"{row['busy']:.2f}"
            print(f"{row['what']:58} {row['nanoseconds']:9.0f} {share:>5}  {row['ratio']:{form}}")
    floor = tables[-1][1]
    print(f"{'together':58} {sum(row['nanoseconds'] for row in floor):9.0f} {'':>5}  ", end="")
    print(f"{sum(row['ratio'] for row in floor):.0%}\n")
    for row in files:
        print(
            f"{row['format']}, {row['workers']} worker(s): {row['samples_per_second']:,.0f} per "
            f"second, {row['ratio']:.2f} times one, {row['bytes_per_sample']:.1f} bytes each"
        )
    for row in memory:
        print(f"{row['format']}, a shard of {row['samples']:,}: {row['bytes'] / 1e6:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument("--files", type=int, default=5 * MILLION, help="samples in a set of files")
    add_option(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/streams.json")
    options = parser.parse_args()
    with running(options.published) as published:
        versions = published.versions
        rounds, busy, made, names = race(published, options.repetitions, options.files)
    rows, threads, floor = rows_of(rounds, busy, names)
    files, memory = file_rows(made), memory_rows()
    print(f"{processor()}, {os.cpu_count()} logical cores; ours: NumPy {np.__version__}")
    print(f"{versions}; median of {options.repetitions} rounds taken in turn")
    tables = (
        ("times faster than the published package", rows, ".1f"),
        ("times faster than one thread", threads, ".2f"),
        ("share of a sample of the native stream", floor, ".0%"),
    )
    report(tables, files, memory)
    if options.keep:
        signal, label = Stream()[0:1]
        keep(
            "streams",
            rows,
            ("mnist1d", "numpy", "pyarrow"),
            published=versions,
            repetitions=options.repetitions,
            samples_in_files=options.files,
            bytes_per_sample=signal.nbytes + label.nbytes,
            threads=threads,
            floor=floor,
            files=files,
            memory=memory,
        )


if __name__ == "__main__":
    main()
