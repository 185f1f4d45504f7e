"""Measure the paper's experiments beside PyTorch and their floor: `python benchmarks/limits.py`.

A row has three times for the same work, the paper's, or a comparison's: plain PyTorch loops,
extrapolated from about `--steps` steps of each kind, after some to warm up; ours from a cold start,
in a process of its own with an empty cache of compiled programs; and the floor (`floor.py`), the
time that the matrix products, the optimiser's passes, the exponentials or the lookups of all steps
take alone on one core, divided by the number of cores, whichever is longest. Of SimCLR it is
scikit-learn's calls for the final table and the pictures, which both sides make, taken from our
run. What is done in addition by ours alone (imports, compilation, data; of whole commands tables,
figures and files) is in its time.

Beside the floor is about what a cold start of our programs would take if nothing else cost time:
importing their modules, compiling them on all cores, and all parts of the floor one after the
other, on as many cores as there are trainings. Lottery tickets do without it, as ours leaves out
products that the floor counts.

t-SNE has no floor here, as both it and its peer, openTSNE, do the same iterations, and is timed
without its imports, which both have; nothing of it is compiled. The row of MNIST needs `--mnist`.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import floor
import torch
from cases import CASES, MNIST
from keep import RESULTS, keep, processor
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from mnist1d.execution.commit import commit_of_code
from mnist1d.mnist import FOLDER_VARIABLE

FILE = Path(__file__).resolve()


def row_of(name, case, parts, steps):
    """Measure a row."""
    ours, peer = case.ours(), case.peer(steps)
    seconds = ours.seconds
    of_peer = f"plain PyTorch loops: {peer:.0f} s, from {case.sample.format(steps)}"
    row = {
        "what": f"{case.what}{'' if name == 'tsne' else ', cold'}: {seconds:.1f} s",
        "beside": f"openTSNE: {peer:.0f} s" if name == "tsne" else of_peer,
        "ratio": peer / seconds,
        "name": name,
        "our_seconds": seconds,
        "our_import_seconds": ours.importing,
        "our_compile_seconds": ours.compiling,
        "our_memory_gib": ours.memory_gib,
        "peer_seconds": peer,
        "left": case.more,
    }
    if parts:
        cores = len(os.sched_getaffinity(0))
        times = {part: value for part, value in parts.items() if part != "operations"}
        if ours.libraries:
            times["scikit-learn"] = ours.libraries / cores
        binding = max(times, key=times.get)
        used = min(cores, case.chains or cores)
        row |= {
            "floor_seconds": times,
            "floor": binding,
            "our_seconds_by_floor": seconds / times[binding],
            "gflop": parts["operations"] / 1e9,
        }
        if not case.leaves_out:
            alone = sum(times.values()) * cores / used
            row["bare_cold_seconds"] = ours.importing + ours.compiling / cores + alone
        row["left"] = (
            f"{seconds - times[binding]:.0f} s above the floor (imports {ours.importing:.1f} s, "
            f"compilation {ours.compiling:.0f} s, all programs added): {case.more}"
        )
    return row


def shown(rows):
    """Make the table of all rows."""
    table = Table(title=f"{processor()}, {os.cpu_count()} logical cores", box=SIMPLE)
    table.add_column("work", no_wrap=True)
    heads = ("PyTorch (s)", "ours (s)", "floor (s)", "bare (s)", "PyTorch / ours", "at most")
    for head in heads:
        table.add_column(head, justify="right", min_width=len(head.split()[0]))
    table.columns[3].min_width = len("scikit-learn")
    for row in rows:
        floor_of_row, bare, most = "-", row.get("bare_cold_seconds"), "-"
        if "floor" in row:
            seconds = row["floor_seconds"][row["floor"]]
            floor_of_row = f"{seconds:.1f} {row['floor']}"
            known = [each for each in (seconds, bare) if each]
            most = ", ".join(f"{row['peer_seconds'] / each:.1f}" for each in known)
        numbers = (
            f"{row['peer_seconds']:.0f}",
            f"{row['our_seconds']:.1f}",
            floor_of_row,
            "-" if bare is None else f"{bare:.1f}",
        )
        table.add_row(row["name"], *numbers, f"{row['ratio']:.1f}", most)
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


def kept_rows():
    """Return the rows that are kept, by name, among which others are to be put.

    Processors of one name may differ in speed, as virtual machines hide the model: rows are to be
    replaced on the machine that measured the others.
    """
    kept = json.loads((RESULTS / "limits.json").read_text(encoding="utf-8"))
    if kept["processor"] != processor():
        sys.exit(f"the kept rows are of another processor, {kept['processor']}: measure all")
    return {row["name"]: {"commit": kept["commit"], **row} for row in kept["rows"]}


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
    parser.add_argument("--mnist", help="folder with MNIST's four files")
    options = parser.parse_args()
    if folder := options.mnist or os.environ.get(FOLDER_VARIABLE):
        os.environ[MNIST] = str(Path(folder).resolve())
    os.environ.pop(FOLDER_VARIABLE, None)  # or t-SNE of MNIST would be made, too
    names = options.names or [
        name for name, case in CASES.items() if MNIST in os.environ or not case.needs_mnist
    ]
    if unknown := sorted({*names} - {*CASES}):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(CASES)}")
    if MNIST not in os.environ and any(CASES[name].needs_mnist for name in names):
        parser.error("--mnist is needed: the folder with MNIST's four files")
    if options.one_core:
        for name in os.environ["MNIST1D_LIMITS"].split(","):
            if works := CASES[name].works():
                print(name, json.dumps(floor.measure(works)), flush=True)
        return
    kept = kept_rows() if options.keep and options.names else {}
    os.environ["MNIST1D_LIMITS"] = ",".join(names)
    floors = floor.measured_alone(FILE, names)
    rows = []
    for name in names:
        rows.append(row_of(name, CASES[name], floors.get(name), options.steps))
        print(f"{name}: {rows[-1]['our_seconds']:.1f} s, PyTorch {rows[-1]['peer_seconds']:.0f} s")
    Console(width=None if sys.stdout.isatty() else 110).print(shown(rows))
    for row in rows:
        print(f"{row['name']}: {row['left']}.")
    if options.keep:
        new = {row["name"]: {**row, "commit": commit_of_code()} for row in rows}
        every = kept | new
        rows = [every[name] for name in CASES if name in every]
        draw(rows, RESULTS / "limits.png")
        keep(
            "limits",
            rows,
            ("mnist1d", "jax", "optax", "torch"),
            peer_threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
