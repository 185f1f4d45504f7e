"""Measure the paper's experiments beside PyTorch and their floor: `python benchmarks/limits.py`.

A row has three times for the same work, the paper's, or a comparison's: plain PyTorch loops,
extrapolated from about `--steps` steps of each kind, after some to warm up; ours from a cold start,
in a process of its own with an empty cache of compiled programs; and the floor (`floor.py`), the
time that the matrix products, the optimiser's passes, the exponentials or the lookups of all steps
take alone on one core, divided by the number of cores, whichever is longest. Of SimCLR it is
scikit-learn's calls for the final table and the pictures, which both sides make, taken from our
run. What is done in addition by ours alone (imports, data; of whole commands tables, figures and
files) is in its time.

t-SNE has no floor here, as both it and its peer, openTSNE, do the same iterations, and is timed
without its imports, which both have; nothing of it is compiled.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import compare
import double_descent
import floor
import lottery_tickets
import metalearn_activation
import metalearn_learning_rate
import pooling
import self_supervised
import table_1
import torch
import tsne
import work
from keep import RESULTS, keep, processor
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

import mnist1d
from mnist1d.execution.commit import commit_of_code
from mnist1d.experiments.classification.config import Config as Classification
from mnist1d.experiments.pooling.config import SIZES, VARIANTS
from mnist1d.harness import record

FILE = Path(__file__).resolve()
WARMING = 50
"""Steps of a PyTorch loop before it is timed, which start its threads."""


class Ours(NamedTuple):
    """What our work took, in seconds.

    Attributes:
        seconds: wall time.
        compiling: compilation, all threads together; None if it is not known.
        libraries: calls of scikit-learn, all threads together.
    """

    seconds: float
    compiling: float | None = None
    libraries: float = 0.0


class Case(NamedTuple):
    """One row.

    Attributes:
        what: the work.
        works: what the floor counts; none if there is no floor.
        ours: does our work.
        peer: steps of each kind -> seconds of the whole.
        more: what else is in our time, or why it is less.
        sample: what the peer's time is extrapolated from.
    """

    what: str
    works: Callable[[], list[floor.Work]]
    ours: Callable[[], Ours]
    peer: Callable[[int], float]
    more: str
    sample: str = "{} steps of each kind"


def in_new_process(*arguments):
    """Time a Python process that finds no compiled program; its last argument is a folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(Path(folder) / "cache")}
        environment.pop("MNIST1D_MNIST", None)
        out = Path(folder) / "out"
        start = perf_counter()
        done = subprocess.run(  # noqa: S603
            [sys.executable, *arguments, out],
            env=environment,
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        seconds = perf_counter() - start
        if done.returncode:
            sys.exit(f"{' '.join(map(str, arguments))} failed:\n{done.stderr}")
        results = [record.read(path) for path in out.rglob("result.nc")]
    if not results:
        return Ours(seconds)
    compiling = sum(float(result.attrs["compile_seconds"]) for result in results)
    # Of SimCLR alone; what the others call is theirs.
    libraries = sum(
        float(result[name].sum())
        for result in results
        for name in ("table_seconds", "embedding_seconds")
        if name in result and result.attrs["experiment"] == "self-supervised"
    )
    return Ours(seconds, compiling, libraries)


def reproduce(*arguments):
    """Time `mnist1d reproduce` with some arguments."""
    return in_new_process("-m", "mnist1d", "reproduce", *arguments, "--out")


def table_peer(steps):
    dataset, config = mnist1d.load(), Classification()
    # As many as have their share of evaluations.
    steps = config.evaluate_every * max(1, steps // config.evaluate_every)
    seconds = 0.0
    for name in table_1.NAMES:
        table_1.torch_loop(name, dataset, WARMING)
        seconds += table_1.torch_loop(name, dataset, steps)
    return table_1.RUNS_PER_MODEL * seconds * config.n_steps / steps


def tickets_peer(steps):
    return sum(
        lottery_tickets.peer_seconds(kind, steps) * networks
        for kind, (_, _, networks) in lottery_tickets.KINDS.items()
    )


def descent_peer(steps):
    dataset = mnist1d.generate(
        num_samples=16_000, train_split=0.25, label_noise=0.15, label_noise_kind="published"
    )
    return sum(
        double_descent.torch_loop(
            series.architecture,
            size,
            dataset.y if series.noisy else dataset.y_clean,
            dataset,
            steps,
        )
        for series in double_descent.SERIES.values()
        for size in double_descent.Config().sizes(series.architecture)
    )


def rate_peer(steps):
    n, threads = max(1, steps // 40), torch.get_num_threads()
    starts = metalearn_learning_rate.STARTS
    found = []
    for n_threads in {1, threads}:  # of such small products one may be faster
        torch.set_num_threads(n_threads)
        trials = [metalearn_learning_rate.torch_trial(start, n)[0] for start in starts]
        found.append(metalearn_learning_rate.N_OUTER * sum(trials))
    torch.set_num_threads(threads)
    return min(found)


def encoder_peer(steps):
    """Training, probes and the table of three encoders, and two pictures by t-SNE."""
    epochs, dataset = 10 * max(1, steps // 400), mnist1d.load()
    found = [
        self_supervised.torch_loop(head, dataset, epochs)
        for head in self_supervised.VARIANTS.values()
    ]
    pictures = 2 * self_supervised.embedding_seconds(dataset)
    return sum(sum(each.values()) for each in found) + pictures


def pooling_peer(steps):
    sets = pooling.make_sets(SIZES, (), 0)
    return sum(
        pooling.torch_loop(variant, pooling.parts_of(sets, size), steps)
        for variant in VARIANTS
        for size in SIZES
    )


def compare_peer(steps):
    dataset = mnist1d.load()
    validation = mnist1d.Samples(*mnist1d.fresh_samples(dataset, 1000, seed=1))
    seconds = 0.0
    for name in compare.THEIRS:
        compare.train_theirs(name, 0, dataset, validation, WARMING)
        seconds += compare.train_theirs(name, 0, dataset, validation, steps)[0]
    return work.COMPARED_RUNS * seconds * work.COMPARED_STEPS / steps


def rate_trials():
    return Ours(metalearn_learning_rate.cold_start([metalearn_learning_rate.__file__, "--cold"]))


def embedding():
    start = perf_counter()
    tsne.tsne.run(tsne.tsne.Config(seeds=3))
    return Ours(perf_counter() - start)


def embedding_peer(_):
    dataset = mnist1d.load()
    return tsne.plain(tsne.np.concatenate([dataset.x, dataset.x_test]), 3, 1)


FILES = "evaluations, data, tables, figures and files"
CASES = {
    "classification": Case(
        "Table 1 on MNIST-1D and an MLP of 256 units, 3 seeds, plain and shuffled",
        work.table_works,
        lambda: reproduce("classification"),
        table_peer,
        f"the GRU's steps in time follow one another; {FILES}",
    ),
    "tsne": Case(
        "t-SNE of MNIST-1D, 3 seeds", list, embedding, embedding_peer, "the same iterations"
    ),
    "lottery-tickets": Case(
        "lottery tickets, 400 searches and 30 studies",
        work.tickets_works,
        lambda: Ours(lottery_tickets.cold_start("float32")[0]),
        tickets_peer,
        "evaluations and pruning; and less, as units that masks disconnect are left out, whose "
        "products this floor counts",
    ),
    "double-descent": Case(
        "double descent, all sizes, 1 seed",
        work.descent_works,
        lambda: reproduce("double-descent", "--seeds", "1"),
        descent_peer,
        f"a program per size, but for the smallest; {FILES}",
    ),
    "metalearn-learning-rate": Case(
        "both trials of the learning rate",
        work.rate_works,
        rate_trials,
        rate_peer,
        "imports and compilation",
        "outer steps with {} inner steps or more of each trial",
    ),
    "metalearn-activation": Case(
        "one meta-training of the activation, and the comparison",
        work.activation_works,
        lambda: Ours(metalearn_activation.cold_start(1)[0]),
        lambda steps: metalearn_activation.torch_seconds(max(1, steps // 200), 51)[0],
        "nine trainings with known and learned functions, imports, compilation",
        "an outer step, or as many as have {} inner steps",
    ),
    "self-supervised": Case(
        "SimCLR, three encoders of 1 seed",
        work.encoder_works,
        lambda: reproduce("self-supervised", "--seeds", "1"),
        encoder_peer,
        f"training and probes during it; {FILES}",
        "10 epochs of each encoder, or as many as have {} steps",
    ),
    "pooling": Case(
        "pooling, the paper's 30 networks",
        work.pooling_works,
        lambda: in_new_process("-c", pooling.PAPERS_SIZES),
        pooling_peer,
        FILES,
    ),
    "compare": Case(
        "a comparison of three small MLPs, 75 runs",
        work.compare_works,
        lambda: in_new_process(FILE, "--compare"),
        compare_peer,
        "compilation, evaluations, statistics",
    ),
}


def row_of(name, case, parts, steps):
    """Measure a row."""
    seconds, compiled, libraries = case.ours()
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    peer = case.peer(steps)
    of_peer = f"plain PyTorch loops: {peer:.0f} s, from {case.sample.format(steps)}"
    row = {
        "what": f"{case.what}{'' if name == 'tsne' else ', cold'}: {seconds:.1f} s",
        "beside": f"openTSNE: {peer:.0f} s" if name == "tsne" else of_peer,
        "ratio": peer / seconds,
        "name": name,
        "our_seconds": seconds,
        "our_compile_seconds": compiled,
        "largest_memory_so_far_gib": memory,
        "peer_seconds": peer,
        "left": case.more,
    }
    if parts:
        operations = parts["operations"]
        times = {part: value for part, value in parts.items() if part != "operations"}
        if libraries:
            times["scikit-learn"] = libraries / len(os.sched_getaffinity(0))
        binding = max(times, key=times.get)
        row |= {
            "floor_seconds": times,
            "floor": binding,
            "our_seconds_by_floor": seconds / times[binding],
            "gflop": operations / 1e9,
        }
        known = "" if compiled is None else f" (compilation: {compiled:.0f} s of all threads)"
        row["left"] = f"{seconds - times[binding]:.0f} s above the floor{known}: {case.more}"
    return row


def shown(rows):
    """Make the table of all rows."""
    table = Table(title=f"{processor()}, {os.cpu_count()} logical cores", box=SIMPLE)
    table.add_column("work", no_wrap=True)
    for head in ("PyTorch (s)", "ours (s)", "floor (s)", "PyTorch / ours", "ours / floor"):
        table.add_column(head, justify="right", min_width=len(head.split()[0]))
    table.columns[3].min_width = len("scikit-learn")
    for row in rows:
        has_floor = "floor" in row
        best = f"{row['floor_seconds'][row['floor']]:.1f} {row['floor']}" if has_floor else "-"
        by_floor = f"{row['our_seconds_by_floor']:.1f}" if has_floor else "-"
        numbers = (f"{row['peer_seconds']:.0f}", f"{row['our_seconds']:.1f}", best)
        table.add_row(row["name"], *numbers, f"{row['ratio']:.1f}", by_floor)
    return table


def draw(rows, path):
    """Draw the three times of every row on one axis."""
    figure = Figure(figsize=(7, 0.42 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        floor_of_row = row["floor_seconds"][row["floor"]] if "floor" in row else None
        least = floor_of_row or row["our_seconds"]
        axes.plot([least, row["peer_seconds"]], [place, place], color="0.8", zorder=0)
        shapes = {"PyTorch loops (of t-SNE, openTSNE)": ("o", "tab:red", row["peer_seconds"])}
        shapes["ours, from a cold start"] = ("o", "tab:blue", row["our_seconds"])
        if floor_of_row:
            shapes["floor"] = (
                "|",
                "0.2",
                floor_of_row,
            )
        for label, (marker, colour, seconds) in shapes.items():
            size = 13 if marker == "|" else 7
            axes.plot(seconds, place, marker, color=colour, ms=size, label=label, mew=2)
        axes.annotate(
            f"{row['ratio']:.1f} times",
            (row["peer_seconds"], place),
            (7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row["name"] for row in reversed(rows)])
    axes.set_xlabel(f"seconds on {os.cpu_count()} cores; beside it how many times faster ours is")
    axes.margins(x=0.2)
    found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(found.values(), found, loc="outside upper center", ncols=3, fontsize=8)
    figure.savefig(path, dpi=120)


def among_kept(rows):
    """Return the rows that are kept, with these in place of those of the same names.

    Processors of one name may differ in speed, as virtual machines hide the model: rows are to be
    replaced on the machine that measured the others.
    """
    kept = json.loads((RESULTS / "limits.json").read_text(encoding="utf-8"))
    if kept["processor"] != processor():
        sys.exit(f"the kept rows are of another processor, {kept['processor']}: measure all")
    new = {row["name"]: row for row in rows}
    old = {row["name"]: {"commit": kept["commit"], **row} for row in kept["rows"]}
    return list((old | new).values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--steps", type=int, default=200, help="of each kind of PyTorch's")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="write limits.json and limits.png; of some names, in place of their rows there",
    )
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--compare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compare:
        counted = argparse.Namespace(seeds=5, tuning_seeds=4, steps=work.COMPARED_STEPS)
        compare.use_all_cores()
        print(compare.compare_ours(counted))
        return
    names = options.names or list(CASES)
    if unknown := sorted({*names} - {*CASES}):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(CASES)}")
    if options.one_core:
        for name in os.environ["MNIST1D_LIMITS"].split(","):
            if works := CASES[name].works():
                print(name, json.dumps(floor.measure(works)), flush=True)
        return
    os.environ["MNIST1D_LIMITS"] = ",".join(names)
    floors = floor.measured_alone(FILE, names)
    rows = []
    for name in names:
        rows.append(row_of(name, CASES[name], floors.get(name), options.steps))
        print(f"{name}: {rows[-1]['our_seconds']:.1f} s, PyTorch {rows[-1]['peer_seconds']:.0f} s")
    Console().print(shown(rows))
    for row in rows:
        print(f"{row['name']}: {row['left']}.")
    if options.keep:
        for row in rows:
            row["commit"] = commit_of_code()
        if options.names:
            rows = among_kept(rows)
        draw(rows, RESULTS / "limits.png")
        keep(
            "limits",
            rows,
            ("mnist1d", "jax", "optax", "torch"),
            peer_threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
