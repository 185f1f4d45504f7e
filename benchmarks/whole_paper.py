"""Time the whole paper from a cold start: `python benchmarks/whole_paper.py --mnist DIR`.

One command, `mnist1d reproduce --mnist DIR`, in a process of its own with an empty cache of
compiled programs: every experiment of the paper, MNIST's parts included, as many runs as the paper
made, tables, figures and files. Peers are timed in the benchmarks of single experiments
(`table_1.py`, `lottery_tickets.py`, ...). Beside every experiment is its floor (`floor.py`): what
the products, updates or exponentials of its trainings take alone, but for those that `work.PAPER`
names.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import floor
import work
from keep import RESULTS, keep, processor

from mnist1d.execution.commit import commit_of_code
from mnist1d.experiments import PAPER
from mnist1d.harness import record


def whole_paper(mnist, folder):
    """Run the command; returns seconds to every experiment's tables, by name, and in all."""
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
        "COLUMNS": "300",  # so that no line is broken in the name of a folder
    }
    command = [Path(sys.executable).parent / "mnist1d", "reproduce", "--mnist", mnist]
    shown = {}
    start = perf_counter()
    with subprocess.Popen(  # noqa: S603
        [*command, "--out", folder / "out"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            # Follows an experiment's tables.
            if "Figures and result:" in line:
                shown[Path(line.strip()).name] = perf_counter() - start
    if process.returncode:
        raise SystemExit(process.returncode)
    return shown, perf_counter() - start


def measured_floors():
    """Return the seconds of every part of every floor, by experiment."""
    floors = floor.measured_alone(__file__, list(work.PAPER))
    for parts in floors.values():
        parts.pop("operations")
    return floors


def keep_floors():
    """Put new floors beside the times that are kept, which must be of this processor."""
    path = RESULTS / "whole_paper.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept["processor"] != processor():
        sys.exit(f"the kept times are of another processor, {kept['processor']}")
    for name, parts in measured_floors().items():
        kept["experiments"][name]["floor_seconds"] = parts
    kept["commit_of_floors"] = commit_of_code()
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", type=Path, help="folder with MNIST's four files")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/whole_paper.json"
    )
    parser.add_argument(
        "--floors",
        action="store_true",
        help="measure the floors again, for the times that are kept",
    )
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_core:
        for name, works in work.PAPER.items():
            print(name, json.dumps(floor.measure(works())), flush=True)
        return
    if options.mnist is None and not options.floors:
        parser.error("--mnist is needed: the folder with MNIST's four files")
    if options.floors:
        keep_floors()
        return
    with tempfile.TemporaryDirectory() as folder:
        shown, seconds = whole_paper(options.mnist, Path(folder))
        results = [
            record.load(experiment, Path(folder) / "out" / experiment.NAME) for experiment in PAPER
        ]
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = usage.ru_maxrss / 2**20
    busy = (usage.ru_utime + usage.ru_stime) / seconds / len(os.sched_getaffinity(0))
    first = min(shown, key=shown.get)
    print(
        f"{processor()}: {seconds:.0f} s, first table ({first}) after {shown[first]:.0f} s, "
        f"Table 1 after {shown['classification']:.0f} s, cores {busy:.0%} busy, {memory:.2f} GiB"
    )
    floors = measured_floors()
    if options.keep:
        facts = {
            "seconds": seconds,
            "seconds_to_first_table": shown[first],
            "seconds_to_tables": shown,
            "busy_cores": busy,
            "memory_gib": memory,
            "experiments": {
                result.attrs["experiment"]: {
                    "seeds": result.sizes["seed"],
                    "seconds": float(result.attrs["seconds"]),
                    "compile_seconds": float(result.attrs["compile_seconds"]),
                    "floor_seconds": floors.get(result.attrs["experiment"]),
                }
                for result in results
            },
        }
        keep("whole_paper", [], ("mnist1d", "jax", "optax"), **facts)


if __name__ == "__main__":
    main()
