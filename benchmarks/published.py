"""The published package in a process of its own, to be timed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "mnist1d==0.0.2.post1"

# Answers every line, a number of samples, with the seconds that one generation took.
_SERVER = """
import sys, time
import numpy, scipy
from mnist1d import data
print(f"NumPy {numpy.__version__}, SciPy {scipy.__version__}", flush=True)
for line in sys.stdin:
    arguments = data.get_dataset_args()
    arguments.num_samples = int(line)
    start = time.perf_counter()
    data.make_dataset(arguments)
    print(time.perf_counter() - start, flush=True)
"""


class Published:
    """The running process; what is timed is the call that makes the arrays, not the import.

    Attributes:
        versions: of the package and of what it computes with.
    """

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server
        self.versions = f"{NAME} ({self._line()})"

    def seconds(self, n_samples: int) -> float:
        """Generate a dataset and return the seconds that it took."""
        self._server.stdin.write(f"{n_samples}\n")
        self._server.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        return self._server.stdout.readline().strip()


def add_option(parser):
    parser.add_argument("--published", type=Path, help=f"folder that {NAME} is installed in")


@contextmanager
def running(folder: Path | None) -> Iterator[Published]:
    """Run the published package from a folder; without one, install it into a temporary one."""
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder = Path(temporary)
            print(f"installing {NAME} ...", flush=True)
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--target", folder, NAME], check=True)  # noqa: S603
        server = subprocess.Popen(  # noqa: S603 (the program stands in this file)
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(folder.resolve())},
            cwd=folder,
            text=True,
        )
        with server:
            yield Published(server)
            server.stdin.close()
