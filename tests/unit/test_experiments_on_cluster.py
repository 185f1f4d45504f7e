"""Experiments on a Dask cluster: the same numbers as here, though a worker is killed."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from mnist1d.cli import main
from mnist1d.execution import cluster as clusters

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="dask is not installed")

SETTINGS = "--seeds 2 --widths 18 22 --channels 8 10 --n-epochs 1"
COMMAND = ["run", "double-descent", *SETTINGS.split()]
# In a process of its own, as a cluster has threads, sockets and warnings of its own, too.
CLUSTER = """
import os, signal, sys, threading, time
from pathlib import Path
from distributed import LocalCluster
from mnist1d.cli import main
from mnist1d.execution import cluster as clusters

if __name__ == "__main__":
    trouble, units, *arguments = sys.argv[1:]
    clusters._WORKER_SECONDS, clusters._LOOK_SECONDS = 3, 1
    ours = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the workers' log is not the command's
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        os.dup2(ours, 2)
        pids = [worker.pid for worker in cluster.workers.values()]

        def cause():
            while not list(Path(units).glob("*.npz")):
                time.sleep(0.001)
            if trouble == "a worker dies":
                os.kill(pids[0], signal.SIGKILL)
            if trouble == "the scheduler goes":
                cluster.close()

        threading.Thread(target=cause, daemon=True).start()
        sys.argv = ["mnist1d", *arguments, "--scheduler", cluster.scheduler_address]
        try:
            main()
        except SystemExit as end:
            os._exit(end.code)
        assert pids[0] not in [worker.pid for worker in cluster.workers.values()]
"""


@pytest.fixture(scope="module")
def environment():
    """Compile quickly."""
    return {
        **os.environ,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": "1",
    }


def run(environment, *command):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def result(folder):
    found = xr.load_dataset(folder / "double-descent" / "result.nc", engine="h5netcdf")
    return found.drop_vars(["run_seconds", "compile_seconds"])


def run_on_cluster(environment, folder, trouble):
    program = folder / "cluster.py"
    program.write_text(CLUSTER)
    units = folder / "double-descent" / "units"
    return run(environment, program, trouble, units, *COMMAND, "--out", folder)


@pytest.fixture(scope="module")
def here(environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    done = run(environment, "-m", "mnist1d", *COMMAND, "--out", folder)
    assert done.returncode == 0, done.stderr
    return result(folder)


def test_workers_find_the_same_numbers_though_one_of_them_is_killed(environment, here, tmp_path):
    done = run_on_cluster(environment, tmp_path, "a worker dies")
    assert done.returncode == 0, done.stderr
    xr.testing.assert_identical(result(tmp_path).drop_attrs(), here.drop_attrs())
    # MLPs with and without label noise, CNNs with: written by the process that asked.
    assert len(list((tmp_path / "double-descent" / "units").iterdir())) == 2 * (2 * 2 + 2)


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_named_and_what_was_finished_is_kept(
    environment, here, tmp_path
):
    done = run_on_cluster(environment, tmp_path, "the scheduler goes")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    # Python may still warn of what the cluster in this process left.
    (message,) = (line for line in done.stderr.splitlines() if line.startswith("mnist1d: "))
    assert re.search(r"the scheduler at tcp://.* (went away|no workers)", message)
    assert "run the same" in message
    assert list((tmp_path / "double-descent" / "units").iterdir())
    done = run(environment, "-m", "mnist1d", *COMMAND, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    xr.testing.assert_identical(result(tmp_path).drop_attrs(), here.drop_attrs())


SBATCH = """#!/bin/sh
# Starts a job here and at once, in the background.
cp "$1" "$0.job"
setsid sh "$0.job" >/dev/null 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
for job in "$@"; do kill -- "-$job" 2>/dev/null; done
exit 0
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Slurm's commands are stood in for by sh")
def test_the_example_for_slurm_does_what_it_says_with_jobs_that_start_here(
    environment, here, tmp_path, code_blocks
):
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    (commands := tmp_path / "commands").mkdir()
    for name, script in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        (commands / name).write_text(script)
        (commands / name).chmod(0o755)
    document = Path(__file__).parents[2] / "docs" / "running.md"
    (example,) = (
        block for block in code_blocks(document, "python not-run") if "SLURMCluster" in block
    )
    command = [sys.executable, "-m", "mnist1d", *COMMAND, "--out", str(tmp_path)]
    for published, smaller in {
        '["mnist1d", "reproduce", "--seeds", "10", "--out", "results"]': repr(command),
        'cores=8, processes=1, memory="16GB"': 'cores=1, processes=1, memory="4GB"',
        "jobs=10": "jobs=1",
    }.items():
        assert published in example
        example = example.replace(published, smaller)
    (program := tmp_path / "example.py").write_text(example)
    path = f"{commands}{os.pathsep}{environment['PATH']}"
    done = run({**environment, "PATH": path}, program)
    assert done.returncode == 0, done.stderr
    xr.testing.assert_identical(result(tmp_path).drop_attrs(), here.drop_attrs())
    assert "distributed.cli.dask_worker" in (commands / "sbatch.job").read_text()


@pytest.mark.filterwarnings("ignore")  # what a failed attempt to connect leaves behind
@pytest.mark.parametrize("command", ["reproduce", "run"])
def test_a_scheduler_that_does_not_answer_is_one_line(command, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(clusters, "_ANSWER_SECONDS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens here
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        arguments = [command, "lottery-tickets", "--quick", "--scheduler", address]
        monkeypatch.setattr(sys, "argv", ["mnist1d", *arguments, "--out", str(tmp_path)])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == 2
    (message,) = [each for each in capsys.readouterr().err.splitlines() if "mnist1d" in each]
    assert message.startswith(f"mnist1d: the scheduler at {address} does not answer")
    assert "is the address right" in message
