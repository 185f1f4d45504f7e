"""Run a Python program from a cold start, for the other benchmarks: `cold_start(...)`.

The program has a process of its own and an empty cache of compiled programs. The process starts
with this file, which runs the program and notes what JAX compiles and which modules are imported.
"""

import atexit
import json
import os
import resource
import runpy
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from jax import monitoring

from mnist1d.mnist import FOLDER_VARIABLE

FILE = Path(__file__).resolve()
COMPILED = "/jax/core/compile/backend_compile_duration"
"""What JAX calls the time that XLA takes to compile a program."""
IMPORT = """
import importlib, json, sys
from contextlib import suppress
for name in json.loads(open(sys.argv[1], encoding="utf-8").read())["modules"]:
    with suppress(Exception):  # some are made by others, and cannot be imported by their name
        importlib.import_module(name)
"""


class Cold(NamedTuple):
    """What a program took from a cold start.

    Attributes:
        seconds: wall time of the process.
        importing: that of a process which imports the same modules and does nothing else, if it
            was asked for.
        compiling: XLA's compilation, the seconds of every program added.
        n_compiled: number of compiled programs.
        memory_gib: largest memory.
        printed: standard output.
    """

    seconds: float
    importing: float | None
    compiling: float
    n_compiled: int
    memory_gib: float
    printed: str


def cold_start(*arguments, folder, imports=False):
    """Run a program and measure it.

    Args:
        *arguments: as Python's: a file, or `-m` and a module, and the program's own.
        folder: an empty folder, in which it runs, and which has its compiled programs.
        imports: whether to time importing, too.
    """
    report = Path(folder) / "report.json"
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(Path(folder) / "cache")}
    environment.pop(FOLDER_VARIABLE, None)
    seconds, printed = _timed([FILE, report, *arguments], folder, environment)
    noted = json.loads(report.read_text("utf-8"))
    importing = None
    if imports:
        alone = [_timed(["-c", IMPORT, report], folder, environment)[0] for _ in range(2)]
        importing = min(alone)
    compiling, memory = noted["compiling"], noted["memory_gib"]
    return Cold(seconds, importing, sum(compiling), len(compiling), memory, printed)


def _timed(arguments, folder, environment):
    start = perf_counter()
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        env=environment,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    seconds = perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))} failed:\n{done.stderr}")
    return seconds, done.stdout


def largest_memory_gib():
    """Return the largest memory of this process, without that of the one which started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
    return int(lines["VmHWM"].split()[0]) / 2**20


def run_and_report(report, arguments):
    """Run a program in this process, and write a report at its end."""
    compiling = []

    def note(event, seconds, **_):
        if event == COMPILED:
            compiling.append(seconds)

    def write():
        modules = [name for name in sys.modules if not name.startswith("__")]
        found = {"compiling": compiling, "memory_gib": largest_memory_gib(), "modules": modules}
        report.write_text(json.dumps(found), encoding="utf-8")

    monitoring.register_event_duration_secs_listener(note)
    atexit.register(write)
    if arguments[0] != "-m":
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
        return
    del sys.path[0]  # this file's folder, which such a program does not have
    sys.argv = arguments[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run_and_report(Path(sys.argv[1]), sys.argv[2:])
