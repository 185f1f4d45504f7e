"""Several processes in one folder lose nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr

from mnist1d.experiments import EXPERIMENTS, PAPER
from mnist1d.harness import record
from mnist1d.harness.stored.findings import save_claims
from mnist1d.harness.stored.lock import locked

ROOT = Path(__file__).resolve().parents[2]
WAITING = """
import sys, time
from pathlib import Path
from mnist1d.harness.stored.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
COUNTING = """
import sys
from pathlib import Path
from mnist1d.harness.stored.lock import locked
counter = Path(sys.argv[1], "counter")
for _ in range(200):
    with locked(Path(sys.argv[1], ".lock")):
        counter.write_text(str(int(counter.read_text()) + 1))
"""
SAVING = """
import shutil, sys
from pathlib import Path
from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness.stored.findings import save_claims
source, folder, *names = sys.argv[1:]
for name in names:
    # At once, as results are written: another process may look at the folder meanwhile.
    part = Path(folder, f".{name}")
    shutil.copytree(Path(source, name), part)
    part.rename(Path(folder, name))
    assert not save_claims(EXPERIMENTS, folder)
"""


def start(program, *arguments):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def end(process):
    process.communicate(timeout=300)
    return process.returncode


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_a_lock_lets_one_process_in_at_a_time(tmp_path):
    (tmp_path / "counter").write_text("0")
    processes = [start(COUNTING, tmp_path) for _ in range(4)]
    assert [end(process) for process in processes] == [0] * 4
    assert (tmp_path / "counter").read_text() == "800"
    assert entries(tmp_path) == ["counter"]


def test_a_lock_dies_with_its_process(tmp_path):
    process = start(WAITING, tmp_path / ".lock", 600)
    with process:
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    begun = time.monotonic()
    with locked(tmp_path / ".lock"):
        assert time.monotonic() - begun < 10
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("inside", ["", "units", "points"])
def test_a_result_that_is_written_leaves_nothing_of_killed_runs(tmp_path, inside):
    (tmp_path / inside).mkdir(exist_ok=True)
    program = (
        "import os, sys; from mnist1d.dataset.atomic import atomic_write\n"
        "with atomic_write(sys.argv[1]): os.kill(os.getpid(), 9)"
    )
    target = tmp_path / inside / "file"
    subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    assert len(list((tmp_path / inside).glob(".*.part"))) == 1
    record.write(xr.Dataset({"a": 1}), tmp_path / "result.nc")
    assert not list(tmp_path.rglob(".*.part"))


def names_in(folder):
    claims = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    return list(dict.fromkeys(claim["experiment"] for claim in claims))


@pytest.mark.slow
def test_claims_are_those_of_all_results_whoever_writes_last(tmp_path):
    names = [experiment.NAME for experiment in PAPER]
    shares = names[:3], names[3:5], names[5:]
    processes = [start(SAVING, ROOT / "results", tmp_path, *share) for share in shares]
    assert [end(process) for process in processes] == [0] * 3
    assert names_in(tmp_path) == names
    assert entries(tmp_path) == sorted([*names, "claims.json"])


@pytest.mark.slow
def test_a_damaged_result_is_named_and_the_others_are_kept(tmp_path):
    for name in ("pooling", "double-descent"):
        shutil.copytree(ROOT / "results" / name, tmp_path / name)
    (tmp_path / "pooling" / "result.nc").write_bytes(b"nothing")
    wrong = save_claims(EXPERIMENTS, str(tmp_path))
    assert list(wrong) == ["pooling"]
    assert wrong["pooling"].startswith(f"{tmp_path / 'pooling' / 'result.nc'} is damaged")
    assert names_in(tmp_path) == ["double-descent"]


@pytest.mark.slow
def test_commands_at_the_same_time_keep_each_others_claims(tmp_path):
    environment = {
        **os.environ,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "1",
    }
    environment.pop("MNIST1D_MNIST", None)
    command = [sys.executable, "-m", "mnist1d", "reproduce"]
    names = ["metalearn-learning-rate", "plasticity"]
    processes = [
        subprocess.Popen(
            [*command, name, "--quick", "--seeds", "1", "--out", tmp_path],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for name in names
    ]
    ends = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    assert sorted(names_in(tmp_path)) == sorted(names)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
