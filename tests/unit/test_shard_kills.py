"""Killed at any moment, a run goes on to the same bytes; nothing is ever there by half."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mnist1d import shards
from mnist1d.stream.stream import Stream

ARGUMENTS = {"num_samples": 400_000, "shard_size": 10_000, "file_format": "npy", "seed": 5}
PROGRAM = f"""
import sys
from mnist1d.shards import generate
generate(**{ARGUMENTS}, out=sys.argv[1], workers=2, report=lambda shard: print(shard.number))
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    shards.generate(**ARGUMENTS, out=str(folder), workers=1)
    return contents(folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def wait_until_all_are_gone(group):
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("workers outlive the run that was killed")


def check(folder, expected):
    """Every file with the name of a shard has its content; the manifest lists no others."""
    there = contents(folder)
    manifest = json.loads(there.pop("manifest.json", '{"files": {}}'))
    finished = {name: data for name, data in there.items() if not name.startswith(".")}
    assert finished.items() <= expected.items()
    assert set(manifest["files"]) <= set(finished)
    return len(finished)


def run_with_kills(folder, expected, n_kills, *, seed):
    """Kill the run, or the run and its workers, n times at random; then let it finish."""
    rng = np.random.RandomState(seed)
    folder.mkdir()
    progress = [0]
    for _ in range(n_kills):
        run = start(folder)
        # In the beginning, between two shards, or anywhere.
        for _ in range(rng.randint(0, 4)):
            run.stdout.readline()
        time.sleep(rng.uniform(0, 0.3))
        if rng.randint(2):
            os.killpg(run.pid, signal.SIGKILL)
        else:
            run.kill()
        run.communicate()
        wait_until_all_are_gone(run.pid)
        progress.append(check(folder, expected))
    assert progress == sorted(progress), "a resumed run lost files that were finished"
    run = start(folder)
    run.communicate()
    assert run.returncode == 0
    assert contents(folder) == expected
    return progress


@pytest.mark.slow
def test_three_kills(tmp_path, expected):
    run_with_kills(tmp_path / "out", expected, 3, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_many_kills(tmp_path, expected, seed):
    progress = run_with_kills(tmp_path / "out", expected, 6, seed=seed)
    assert progress[-1] > 0


@pytest.mark.slow
def test_a_run_that_is_asked_to_stop_leaves_a_manifest_and_no_unfinished_files(tmp_path, expected):
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        run = start(folder)
        for _ in range(3):
            run.stdout.readline()
        run.send_signal(signal.SIGINT)
        run.communicate()
        if run.returncode != 0:
            break
        # It was faster than the signal, on a busy machine.
    else:
        pytest.fail("no run was stopped")
    wait_until_all_are_gone(run.pid)
    check(folder, expected)
    assert not [name for name in contents(folder) if name.startswith(".")]
    assert len(shards.manifest_of(str(folder)).files) >= 4
    shards.generate(**ARGUMENTS, out=str(folder), workers=1)
    assert contents(folder) == expected


@pytest.mark.slow
def test_a_million_samples_in_pieces_on_three_processes_are_those_made_in_one(tmp_path):
    sizes = {"num_samples": 1_000_000, "file_format": "npy"}
    shards.generate(**sizes, shard_size=1_000_000, out=str(tmp_path / "one"), workers=1)
    shards.generate(**sizes, shard_size=77_777, out=str(tmp_path / "many"), workers=3)
    for kind in ("x", "y"):
        one = (tmp_path / "one" / f"mnist1d-00000-{kind}.npy").read_bytes()[128:]
        pieces = sorted((tmp_path / "many").glob(f"*-{kind}.npy"))
        assert len(pieces) == 13
        assert b"".join(piece.read_bytes()[128:] for piece in pieces) == one
    x = np.load(tmp_path / "one" / "mnist1d-00000-x.npy", mmap_mode="r")
    y = np.load(tmp_path / "one" / "mnist1d-00000-y.npy")
    stream = Stream()
    for start in reversed(range(0, 1_000_000, 99_991)):
        signals, labels = stream.samples(start, min(start + 99_991, 1_000_000))
        assert signals.tobytes() == x[start : start + 99_991].tobytes()
        assert labels.tobytes() == y[start : start + 99_991].tobytes()
