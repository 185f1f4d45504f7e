"""Time the first run of every experiment of the paper: `python benchmarks/cold_start.py`.

A quick run, `mnist1d reproduce NAME --quick`, is done twice, each time in a new process and a new
folder: with an empty cache of compiled programs, and with the programs that this left. Beside the
wall times are those of importing the same modules, and of XLA's compilation, all threads together.
"""

import argparse
import tempfile

from cold import cold_start
from keep import keep, processor

from mnist1d.experiments import PAPER


def row_of(name):
    """Measure a row."""
    program = ("-m", "mnist1d", "reproduce", name, "--quick", "--quiet", "--out")
    with tempfile.TemporaryDirectory() as folder:
        cold = cold_start(*program, "first", folder=folder, imports=True)
        again = cold_start(*program, "second", folder=folder)
    return {
        "what": f"{name}, a quick run without compiled programs: {cold.seconds:.1f} s",
        "beside": f"with compiled programs: {again.seconds:.1f} s",
        "ratio": cold.seconds / again.seconds,
        "name": name,
        "seconds": cold.seconds,
        "seconds_again": again.seconds,
        "import_seconds": cold.importing,
        "compile_seconds": cold.compiling,
        "n_programs": cold.n_compiled,
        "memory_gib": cold.memory_gib,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/cold_start.json"
    )
    options = parser.parse_args()
    rows = []
    for experiment in PAPER:
        rows.append(row_of(experiment.NAME))
        print(
            "{what}, imports {import_seconds:.1f} s, compiling {n_programs} programs "
            "{compile_seconds:.1f} s of all threads; {beside}".format(**rows[-1]),
            flush=True,
        )
    print(f"{processor()}: together {sum(row['seconds'] for row in rows):.0f} s")
    if options.keep:
        keep("cold_start", rows, ("mnist1d", "jax", "equinox", "optax"))


if __name__ == "__main__":
    main()
