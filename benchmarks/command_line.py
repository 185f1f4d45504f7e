"""Time how soon the command line answers, compared with `python -c "import numpy"`.

    python benchmarks/command_line.py

Every command is a process of its own; all take turns, so that a busy machine slows all of them.
Reported are medians of wall and of processor time, and their ratios to those of importing NumPy;
those of processor time hardly depend on what else the machine does. Modules are compiled once, as
in an installation. What is finished is found again in a checkout without changes alone, so that
this is where it is timed.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from keep import keep, processor

from mnist1d.execution.commit import CHANGED, commit_of_code

PEER = ["-c", "import numpy"]
COMMANDS = {
    "mnist1d --help": 3,
    "mnist1d list": 3,
    "mnist1d reproduce --help": 6,
    "mnist1d compare --help": 6,
    "mnist1d run classification --help": 6,
    "mnist1d explore --out site": 6,
}
"""Commands, and how many times as long as importing NumPy they are meant to take at most."""
REPRODUCE = "mnist1d reproduce metalearn-learning-rate pooling --quick"
FINISHED = {REPRODUCE: 22, "mnist1d report mnist1d-results": 60}
"""The same of commands that find finished what they need."""


def seconds(arguments, folder):
    """Run Python; returns seconds of wall and of processor time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(  # noqa: S603
        [sys.executable, *arguments], check=True, capture_output=True, cwd=folder
    )
    taken, after = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/command_line.json"
    )
    options = parser.parse_args()
    for name in ("MNIST1D_MNIST", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    commands = dict(COMMANDS)
    if commit_of_code().endswith(CHANGED):
        print("There are changes in no commit: what is finished is not found, and not timed.")
    else:
        commands |= FINISHED
    calls = [PEER, *(["-m", *name.split()] for name in commands)]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder, "compiled"))
        for arguments in calls:
            seconds(arguments, folder)  # files are then in memory, and results there
        rounds = [
            [seconds(arguments, folder) for arguments in calls] for _ in range(options.repetitions)
        ]
    peer, *ours = [
        [statistics.median(part) for part in zip(*column, strict=True)]
        for column in zip(*rounds, strict=True)
    ]
    print(f"{processor()}; importing NumPy takes {1e3 * peer[0]:.0f} ms")
    rows = []
    for (name, most), (wall, cpu) in zip(commands.items(), ours, strict=True):
        ratio, of_cpu = wall / peer[0], cpu / peer[1]
        what = f"{name}, found finished" if name in FINISHED else name
        times = f"{1e3 * wall:6.0f} ms {ratio:6.1f} times (at most {most})"
        print(f"{what:74} {times}, processor time {1e3 * cpu:6.0f} ms {of_cpu:6.1f} times")
        rows.append(
            {
                "what": what,
                "beside": 'python -c "import numpy"',
                "ratio": ratio,
                "at_most": most,
                "our_seconds": wall,
                "peer_seconds": peer[0],
                "ratio_of_processor_time": of_cpu,
                "our_processor_seconds": cpu,
                "peer_processor_seconds": peer[1],
            }
        )
    if options.keep:
        keep("command_line", rows, ("mnist1d", "numpy", "tyro"), repetitions=options.repetitions)


if __name__ == "__main__":
    main()
