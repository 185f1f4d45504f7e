"""Measure the paper's experiments beside PyTorch and their floor: `python benchmarks/limits.py`.

A row has three times for the same work, the paper's, or a comparison's: plain PyTorch loops,
extrapolated from `--steps` steps of each kind, after some to warm up; ours from a cold start, in a
process of its own with an empty cache of compiled programs; and the floor (`floor.py`), the time
that the matrix products, the optimiser's passes, the exponentials or the lookups of all steps take
alone on all cores, whichever is longest. What is done in addition by ours alone (imports, data,
tables, figures, files) is in its time.

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
import jax
import lottery_tickets
import metalearn_activation
import metalearn_learning_rate
import pooling
import self_supervised
import table_1
import torch
import tsne
from keep import RESULTS, keep, processor
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import mnist1d
from mnist1d import models
from mnist1d.experiments.classification.config import Config as Classification
from mnist1d.experiments.metalearn_activation.config import Config as Activation
from mnist1d.experiments.pooling.config import SIZES, VARIANTS
from mnist1d.harness import record

FILE = Path(__file__).resolve()
WARMING = 50
"""Steps of a PyTorch loop before it is timed, which start its threads."""


class Case(NamedTuple):
    """One row.

    Attributes:
        what: the work.
        works: what the floor counts; none if there is no floor.
        ours: returns seconds, and of them those of compilation, all threads together (None if they
            are not known).
        peer: steps of each kind -> seconds of the whole.
        more: what else is in our time, or why it is less.
    """

    what: str
    works: Callable[[], list[floor.Work]]
    ours: Callable[[], tuple[float, float | None]]
    peer: Callable[[int], float]
    more: str


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
    compiled = [float(result.attrs["compile_seconds"]) for result in results]
    return seconds, sum(compiled) if compiled else None


def reproduce(*arguments):
    """Time `mnist1d reproduce` with some arguments."""
    return in_new_process("-m", "mnist1d", "reproduce", *arguments, "--out")


def n_parameters(make):
    """Count the parameters of a model."""
    return models.count_parameters(make(key=jax.random.key(0)))


def table_works():
    """Table 1 on MNIST-1D: three seeds, plain and shuffled; evaluated on training and test part."""
    config = Classification()
    runs, batch = table_1.RUNS_PER_MODEL, config.batch_size
    kinds = {
        "Logistic": (lambda n: [(10, 40, n)], lambda _: 0),
        "MLP": (floor.mlp, lambda _: 0),
        "CNN": (floor.cnn, lambda _: 0),
        "GRU": (floor.gru, floor.gates),
    }
    works = []
    for name, (forward, gates) in kinds.items():
        n = config.n_steps // config.evaluate_every + 1
        steps, more = runs * config.n_steps, gates(batch)
        work = floor.training(steps, forward(batch), batch, exponentials=more)
        # The GRU's products are of the same weights at all times.
        works += [work._replace(parameters=n_parameters(getattr(models, name)))]
        works += [floor.evaluation(runs * n, forward(5000), 5000, exponentials=gates(5000))]
    return works


def table_peer(steps):
    dataset, config = mnist1d.load(), Classification()
    # As many as have their share of evaluations.
    steps = config.evaluate_every * max(1, steps // config.evaluate_every)
    seconds = 0.0
    for name in table_1.NAMES:
        table_1.torch_loop(name, dataset, WARMING)
        seconds += table_1.torch_loop(name, dataset, steps)
    return table_1.RUNS_PER_MODEL * seconds * config.n_steps / steps


def tickets_works():
    """All searches and studies, of dense networks: ours leaves out units without connections."""
    size, works = lottery_tickets.CONFIG.hidden_size, []
    for steps, batch, networks in lottery_tickets.KINDS.values():
        n = steps // lottery_tickets.CONFIG.evaluate_every + 1
        works += [floor.training(networks * steps, floor.mlp(batch, size), batch)]
        works += [floor.evaluation(networks * n, floor.mlp(1000, size), 1000)]
    return works


def tickets_peer(steps):
    return sum(
        lottery_tickets.peer_seconds(kind, steps) * networks
        for kind, (_, _, networks) in lottery_tickets.KINDS.items()
    )


def descent_works():
    """All models of one seed."""
    forward, works = {"MLP": floor.mlp, "CNN": floor.cnn}, []
    config = double_descent.Config()
    for series in double_descent.SERIES.values():
        for size in config.sizes(series.architecture):
            products = forward[series.architecture](100, size)
            works += [floor.training(config.n_steps, products, 100, moments=1)]
    return works


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


def rate_works():
    """Both trials: an inner step and its derivative by the learning rate, twice the products."""
    config = metalearn_learning_rate.CONFIG
    batch, size = config.batch_size, config.hidden_size
    forward = [(size, 40, batch), (10, size, batch)]
    steps = len(config.initial_rates) * config.outer_steps * config.inner_steps
    work = floor.training(steps, forward, batch, exponentials=size * batch, moments=0)
    return [work._replace(products=2 * work.products)]


def rate_peer(steps):
    n = max(1, steps // 40)
    starts = metalearn_learning_rate.STARTS
    found = [metalearn_learning_rate.torch_trial(start, n)[0] for start in starts]
    return metalearn_learning_rate.N_OUTER * sum(found)


def activation_works():
    """One meta-training: every product of an inner step has two on the way back."""
    config = Activation()
    batch, size = config.batch_size, config.hidden_size
    forward = [(size, 40, batch), (10, size, batch)]
    step = floor.training(config.outer_steps * config.inner_steps, forward, batch, moments=1)
    of_signals = {(40, size, batch), (batch, size, 40)}  # which nobody needs
    back = [shape for m, k, n in step.products for shape in ((m, n, k), (k, m, n))]
    products = (*step.products, *(shape for shape in back if shape not in of_signals))
    # The function is read on the way there and back, and its gradient added to on the way back.
    points = size * batch
    return [
        step._replace(
            products=products,
            exponentials=2 * (step.exponentials + points),
            lookups=2 * points,
            additions=points,
        )
    ]


def encoder_works():
    """Three encoders of one seed; two views of every batch, and their similarities."""
    config, works = self_supervised.CONFIG, []
    batch = config.batch_size
    steps = config.n_epochs * (config.n_signals // batch)
    for projection in self_supervised.VARIANTS.values():
        sizes = [125, *projection]
        heads = [(m, k, 2 * batch) for k, m in zip(sizes, projection, strict=False)]
        forward = [*floor.cnn(2 * batch)[:-1], *heads, (batch, sizes[-1], batch)]
        work = floor.training(steps, forward, batch, exponentials=batch * (batch - 10))
        parameters = sum(m * (k + 1) for m, k, _ in forward[:-1])
        works += [work._replace(parameters=parameters)]
    return works


def encoder_peer(steps):
    epochs = 10 * max(1, steps // 400)
    found = [
        self_supervised.torch_loop(head, mnist1d.load(), epochs)
        for head in self_supervised.VARIANTS.values()
    ]
    return sum(sum(each.values()) for each in found)


def pooling_works():
    """The paper's thirty networks."""
    works, batch, channels = [], 100, 20
    for variant in VARIANTS:
        lengths = (20, 10) if variant == "stride_2" else (40, 40 if variant == "no_pool" else 20)
        last = 40 if variant == "no_pool" else 10

        def forward(n, lengths=lengths, last=last):
            first, second = lengths
            layers = [(channels, 3, first * n), (channels, 3 * channels, second * n)]
            return [*layers, (10, channels * last, n)]

        steps, n = len(SIZES) * pooling.N_STEPS, len(SIZES) * pooling.N_EVALUATIONS
        works += [floor.training(steps, forward(batch), batch)]
        works += [floor.evaluation(n, forward(1000), 1000)]
    return works


def pooling_peer(steps):
    sets = pooling.make_sets(SIZES, (), 0)
    return sum(
        pooling.torch_loop(variant, pooling.parts_of(sets, size), steps)
        for variant in VARIANTS
        for size in SIZES
    )


RUNS, STEPS = 25, 6000
"""Of a candidate in `compare.py`: five rates on four tuning seeds, five final seeds."""


def compare_works():
    works = []
    for size in compare.HIDDEN_SIZES.values():
        works += [floor.training(RUNS * STEPS, floor.mlp(100, size), 100)]
        works += [floor.evaluation(RUNS * STEPS // 100, floor.mlp(1000, size), 1000)]
    return works


def compare_peer(steps):
    dataset = mnist1d.load()
    validation = mnist1d.Samples(*mnist1d.fresh_samples(dataset, 1000, seed=1))
    seconds = 0.0
    for name in compare.THEIRS:
        compare.train_theirs(name, 0, dataset, validation, WARMING)
        seconds += compare.train_theirs(name, 0, dataset, validation, steps)[0]
    return RUNS * seconds * STEPS / steps


def rate_trials():
    trials = metalearn_learning_rate.cold_start([metalearn_learning_rate.__file__, "--cold"])
    return trials, None


def embedding():
    start = perf_counter()
    tsne.tsne.run(tsne.tsne.Config(seeds=3))
    return perf_counter() - start, None


def embedding_peer(_):
    dataset = mnist1d.load()
    return tsne.plain(tsne.np.concatenate([dataset.x, dataset.x_test]), 3, 1)


FILES = "evaluations, data, tables, figures and files"
CASES = {
    "classification": Case(
        "Table 1 on MNIST-1D, 3 seeds, plain and shuffled",
        table_works,
        lambda: reproduce("classification"),
        table_peer,
        f"the GRU's steps in time follow one another; {FILES}",
    ),
    "tsne": Case(
        "t-SNE of MNIST-1D, 3 seeds", list, embedding, embedding_peer, "the same iterations"
    ),
    "lottery-tickets": Case(
        "lottery tickets, 400 searches and 30 studies",
        tickets_works,
        lambda: (lottery_tickets.cold_start("float32")[0], None),
        tickets_peer,
        "evaluations and pruning; and less, as units that masks disconnect are left out, whose "
        "products this floor counts",
    ),
    "double-descent": Case(
        "double descent, all sizes, 1 seed",
        descent_works,
        lambda: reproduce("double-descent", "--seeds", "1"),
        descent_peer,
        f"a program per size; {FILES}",
    ),
    "metalearn-learning-rate": Case(
        "both trials of the learning rate",
        rate_works,
        rate_trials,
        rate_peer,
        "imports and compilation",
    ),
    "metalearn-activation": Case(
        "one meta-training of the activation, and the comparison",
        activation_works,
        lambda: (metalearn_activation.cold_start(1)[0], None),
        lambda steps: metalearn_activation.torch_seconds(max(1, steps // 200), 51)[0],
        "nine trainings with known and learned functions, imports, compilation",
    ),
    "self-supervised": Case(
        "SimCLR, three encoders of 1 seed",
        encoder_works,
        lambda: reproduce("self-supervised", "--seeds", "1"),
        encoder_peer,
        f"linear probes, nearest neighbours and t-SNE of scikit-learn; {FILES}",
    ),
    "pooling": Case(
        "pooling, the paper's 30 networks",
        pooling_works,
        lambda: in_new_process("-c", pooling.PAPERS_SIZES),
        pooling_peer,
        FILES,
    ),
    "compare": Case(
        "a comparison of three small MLPs, 75 runs",
        compare_works,
        lambda: in_new_process(FILE, "--compare"),
        compare_peer,
        "compilation, evaluations, statistics",
    ),
}


def row_of(name, case, parts, steps):
    """Measure a row."""
    seconds, compiled = case.ours()
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    peer = case.peer(steps)
    of_peer = f"plain PyTorch loops: {peer:.0f} s, from {steps} steps of each kind"
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
    table = Table(title=f"{processor()}, {os.cpu_count()} logical cores")
    for head in ("work", "PyTorch (s)", "ours (s)", "floor (s)", "PyTorch / ours", "ours / floor"):
        table.add_column(head, justify="left" if head == "work" else "right")
    for row in rows:
        has_floor = "floor" in row
        best = f"{row['floor_seconds'][row['floor']]:.1f}, {row['floor']}" if has_floor else "-"
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
    axes.margins(x=0.16)
    found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(found.values(), found, loc="outside upper center", ncols=3, fontsize=8)
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--steps", type=int, default=200, help="of each kind of PyTorch's")
    parser.add_argument("--keep", action="store_true", help="write limits.json and limits.png")
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--compare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compare:
        counted = argparse.Namespace(seeds=5, tuning_seeds=4, steps=STEPS)
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
        draw(rows, RESULTS / "limits.png")
        keep(
            "limits",
            rows,
            ("mnist1d", "jax", "optax", "torch"),
            peer_threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
