"""Time how soon the command line answers, compared with `python -c "import numpy"`.

    python benchmarks/command_line.py

Every command is a process of its own; all take turns, so that a busy machine slows all of them.
Reported are medians of wall time, and their ratios to that of importing NumPy.
"""

import argparse
import statistics
import subprocess
import sys
from time import perf_counter

from keep import keep, processor

PEER = ["-c", "import numpy"]
COMMANDS = {
    "mnist1d --help": 3,
    "mnist1d list": 3,
    "mnist1d reproduce --help": 6,
    "mnist1d compare --help": 6,
    "mnist1d run classification --help": 6,
}
"""Commands, and how many times as long as importing NumPy they are meant to take at most."""


def seconds(arguments):
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)  # noqa: S603
    return perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/command_line.json"
    )
    options = parser.parse_args()
    calls = {name: ["-m", *name.split()] for name in COMMANDS}
    for arguments in (PEER, *calls.values()):
        seconds(arguments)  # files are then in memory
    rounds = [
        [seconds(arguments) for arguments in (PEER, *calls.values())]
        for _ in range(options.repetitions)
    ]
    peer, *ours = [statistics.median(column) for column in zip(*rounds, strict=True)]
    print(f"{processor()}; importing NumPy takes {1e3 * peer:.0f} ms")
    rows = []
    for (name, most), ours_seconds in zip(COMMANDS.items(), ours, strict=True):
        ratio = ours_seconds / peer
        print(f"{name:36} {1e3 * ours_seconds:6.0f} ms {ratio:6.1f} times (at most {most})")
        rows.append(
            {
                "what": name,
                "beside": 'python -c "import numpy"',
                "ratio": ratio,
                "at_most": most,
                "our_seconds": ours_seconds,
                "peer_seconds": peer,
            }
        )
    if options.keep:
        keep("command_line", rows, ("mnist1d", "numpy", "tyro"), repetitions=options.repetitions)


if __name__ == "__main__":
    main()
