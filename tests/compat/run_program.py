"""Runs programs, and stores all that can be compared about each.

Arguments: modules to import before, with commas; a folder; the programs. Each runs in a process of
its own, forked from this one, in a new folder. Next to this is a pickle: its printed lines, its
global variables as plain arrays and containers, the files that it left in its working directory,
and the random states; and a text with its errors.
"""

# ruff: noqa: NPY002, S301 (the global random state and plain pickles are what is compared)

import contextlib
import importlib
import io
import os
import pickle
import random
import re
import runpy
import sys
import traceback
from pathlib import Path

import numpy as np

UNKNOWN = object()


def plain(value):
    """Return a value made of arrays, plain containers and plain values, or UNKNOWN."""
    if type(value).__name__ == "Tensor":
        value = value.detach().numpy()
    if isinstance(value, np.ndarray | np.generic | str | bytes | int | float | complex | None):
        return value
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items() if plain(v) is not UNKNOWN}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value if plain(v) is not UNKNOWN]
    if type(value).__name__ == "ObjectView":
        return plain(vars(value))
    return UNKNOWN


def content(path):
    if path.suffix == ".pkl":
        data = path.read_bytes()
        return data[:2], plain(pickle.loads(data))
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".npz":
        with np.load(path) as file:
            return dict(file)
    return path.read_text() if path.suffix in (".json", ".csv", ".txt") else path.suffix


def without_a_network(*_arguments, **_keywords):
    raise ConnectionError("there is no network here")


def run(program, result):
    sys.tracebacklimit = 0  # the message says enough
    with contextlib.suppress(ImportError):  # ours does not need it
        import requests

        requests.get = without_a_network
    sys.argv = [program]
    random.seed(2020)
    np.random.seed(2024)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        variables = runpy.run_path(program, run_name="__main__")
    states = np.random.get_state()[1:], random.getstate()
    known = {name: plain(v) for name, v in variables.items() if not name.startswith("__")}
    files = {str(path): content(path) for path in sorted(Path().rglob("*")) if path.is_file()}
    outcome = {
        "variables": {name: v for name, v in known.items() if v is not UNKNOWN},
        "files": files,
        "printed": printed.getvalue(),
        "states": states,
    }
    result.write_bytes(pickle.dumps(outcome))


def needed(program):
    return re.findall(r"Needs: (\w+)", Path(program).read_text("utf-8"))


def main(imported, folder, *programs):
    for module in imported.split(","):
        importlib.import_module(module)
    # Those that need large packages come last, and find them imported.
    for program in sorted(programs, key=lambda program: len(needed(program))):
        for module in needed(program):
            importlib.import_module(module)
        place = Path(folder).resolve() / Path(program).stem
        place.mkdir()
        child = os.fork()
        if child == 0:
            sys.stderr = place.with_suffix(".txt").open("w", encoding="utf-8")
            os.chdir(place)
            try:
                run(program, place.with_suffix(".pkl"))
            except BaseException:  # noqa: BLE001 (the test shows it)
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
