"""Help and lists load nothing large, in a process of their own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tyro", reason="the laboratory is not installed")

LARGE = {"jax", "xarray", "matplotlib", "sklearn", "scipy", "equinox", "optax", "pandas", "torch"}
PROGRAM = """
import contextlib, io, json, sys
from mnist1d.cli import main

found = []
for command in sys.argv[1:]:
    sys.argv = ["mnist1d", *command.split()]
    shown = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(shown):
        try:
            main()
        except SystemExit as end:
            assert not end.code, end.code
    shown.seek(0)
    found.append([shown.read(), sorted({name.partition(".")[0] for name in sys.modules})])
print(json.dumps(found))
"""
COMMANDS = {
    "--help": "reproduce",
    "--version": "mnist1d",
    "list": "lottery-tickets",
    "reproduce --help": "--seeds",
    "run --help": "EXPERIMENT",
    "run classification --help": "--learning-rate",
    "compare --help": "FILE.py",
    "verify --help": "RECORD.nc",
    "report --help": "DIR",
    "show-result --help": "PATH",
    "generate --help": "--num-samples",
    "export --help": "huggingface",
    "show --help": "--dark",
    "explore --help": "--no-browser",
    "human --help": "FILE",
}


@pytest.fixture(scope="module")
def loaded():
    """Return what each command shows, and which packages it and those before it have loaded."""
    words = [sys.executable, "-c", PROGRAM, *COMMANDS]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return dict(zip(COMMANDS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("command", "shown"), COMMANDS.items())
def test_help_and_list_load_nothing_large(command, shown, loaded):
    text, modules = loaded[command]
    assert shown in text
    assert "numpy" in modules
    assert not LARGE & set(modules)


def test_an_experiment_is_described_without_what_it_runs_with():
    program = (
        "import sys; from mnist1d.experiments import EXPERIMENTS\n"
        "for each in EXPERIMENTS: print(each.NAME, len(each.CLAIMS), each.Config().seeds)\n"
        f"assert not set(sys.modules) & {LARGE}, set(sys.modules) & {LARGE}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) >= 8


def test_the_package_loads_no_random_streams():
    program = "import sys, mnist1d; print(*{'numpy.random', 'html', 'fractions'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not done.stdout.split()


FINISHED = """
import sys
sys.argv = ["mnist1d", "reproduce", "--out", sys.argv[1]]
from mnist1d.cli import main
from mnist1d.harness import record, schedule
from mnist1d.harness.stored.circumstances import identity

def found(experiment, config, folder):
    identity(config)  # which a finished result has to have
    return record.load(experiment, folder).assign_attrs(units_found=0, compile_seconds=0.0)

schedule.find_finished = found
record.save_figures = lambda *_: None  # as if they were drawn
main()
print("loaded:", *sorted(sys.modules))
"""


@pytest.mark.slow
def test_a_finished_reproduction_is_shown_without_what_it_was_computed_with(tmp_path):
    results = Path(__file__).parents[2] / "results"
    for path in results.glob("*/result.nc"):
        (tmp_path / path.parent.name).mkdir()
        shutil.copy(path, tmp_path / path.parent.name)
    done = subprocess.run(
        [sys.executable, "-c", FINISHED, tmp_path], capture_output=True, text=True, check=True
    )
    *shown, last = done.stdout.splitlines()
    assert sum("Found finished: " in line for line in shown) == 8
    assert (tmp_path / "claims.json").stat().st_size > 10_000
    modules = set(last.split()[1:])
    assert "xarray" in modules
    assert not modules & {
        "jax",
        "matplotlib",
        "equinox",
        "optax",
        "sklearn",
        "scipy.stats",
        "torch",
    }
