"""No work is lost: a real run is killed, interrupted, doubled, and runs out of disk."""

import dataclasses
import errno
import os
import random
import signal
import subprocess
import sys
import time

import jax
import pytest
import xarray as xr

from mnist1d.cli.main import main
from mnist1d.experiments import lottery_tickets
from mnist1d.harness import record

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "mnist1d", "reproduce", "lottery-tickets", "--quick", "--out"]
SEEDS = ["--seeds", "1"]


@pytest.fixture(scope="module")
def environment():
    return {
        **os.environ,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "2",
    }


@pytest.fixture(scope="module")
def on_one_device(environment):
    """Compile every program once."""
    return {**environment, "JAX_NUM_CPU_DEVICES": "1"}


def start(folder, environment, options=SEEDS):
    return subprocess.Popen(
        [*COMMAND, str(folder), *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def load(folder):
    return record.load(lottery_tickets, folder / "lottery-tickets")


def count_units(folder):
    return len(list((folder / "lottery-tickets" / "units").glob("*.npz")))


@pytest.fixture(scope="module")
def uninterrupted():
    """Return the result of a run in this process, which loads and draws nothing once more."""
    jax.config.update("jax_disable_most_optimizations", True)  # as in the commands
    try:
        config = dataclasses.replace(lottery_tickets.Config.quick(), seeds=1)
        return record.execute(lottery_tickets, config)
    finally:
        jax.config.update("jax_disable_most_optimizations", False)


def wait_for_units(folder, n, process):
    while count_units(folder) < n:
        assert process.poll() is None, finish(process)
        time.sleep(0.01)


def test_a_run_killed_at_random_moments_ends_with_the_same_arrays(
    uninterrupted, environment, tmp_path
):
    rng = random.Random(0)  # noqa: S311
    for _ in range(3):
        process = start(tmp_path, environment)
        wait_for_units(tmp_path, count_units(tmp_path) + rng.randrange(1, 8), process)
        time.sleep(rng.uniform(0, 0.2))
        process.kill()
        finish(process)
    kept = count_units(tmp_path)
    assert kept >= 3
    assert finish(start(tmp_path, environment))[0] == 0
    result = load(tmp_path)
    assert result.units_found == kept
    xr.testing.assert_equal(result, uninterrupted)


def test_an_interrupted_run_says_how_to_continue(environment, tmp_path):
    # Long enough not to end by itself before the signal comes, however busy the machine is.
    process = start(tmp_path, environment, ["--seeds", "20"])
    wait_for_units(tmp_path, 2, process)
    process.send_signal(signal.SIGINT)
    status, _, errors = finish(process)
    assert status == 130
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert count_units(tmp_path) >= 2


def test_two_commands_in_one_folder_do_each_other_no_harm(uninterrupted, on_one_device, tmp_path):
    both = [start(tmp_path, on_one_device) for _ in range(2)]
    assert [finish(process)[0] for process in both] == [0, 0]
    xr.testing.assert_equal(load(tmp_path), uninterrupted)


@pytest.mark.usefixtures("quick_compilation")
def test_a_full_disk_is_named_and_what_was_finished_is_kept(monkeypatch, capsys, tmp_path):
    original, written = os.fsync, []

    def fsync(descriptor):
        if len(written) == 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(descriptor)
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(sys, "argv", ["mnist1d", *COMMAND[3:], str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith(f"mnist1d: cannot write {tmp_path}")
    assert "No space left on device" in message
    assert "run the same command again" in message
    assert count_units(tmp_path) == 5
