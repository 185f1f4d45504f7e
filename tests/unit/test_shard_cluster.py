"""Shards made by the workers of a Dask cluster: several processes, some of which are killed."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mnist1d import shards
from mnist1d.execution import cluster as clusters

pytest.importorskip("distributed", reason="dask is not installed")

# In a process of its own, as a cluster has threads, sockets and warnings of its own, too.
CLUSTER = """
import json, os, resource, signal, sys, threading
from distributed import LocalCluster
from mnist1d import shards
from mnist1d.execution import cluster as clusters

if __name__ == "__main__":
    out, arguments, trouble = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    if trouble == "full":  # no file may grow beyond this size
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
    clusters._WORKER_SECONDS = 3
    with LocalCluster(
        n_workers=0 if trouble == "no workers" else 3,
        threads_per_worker=1,
        dashboard_address=None,
    ) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]
        seen = []

        def report(shard):
            seen.append(shard)
            if len(seen) == 2 and trouble == "a worker dies":
                os.kill(pids[0], signal.SIGKILL)
            if len(seen) == 2 and trouble == "the scheduler goes":
                threading.Thread(target=cluster.close, daemon=True).start()

        try:
            summary = shards.generate(
                **arguments, out=out, scheduler=cluster.scheduler_address, report=report
            )
        except Exception as error:
            print(type(error).__name__, error, flush=True)
            os._exit(3)
        if trouble:
            assert pids[0] not in [worker.pid for worker in cluster.workers.values()]
        print(json.dumps(summary[:2]), summary.notes)
"""
ARGUMENTS = {"num_samples": 300_000, "shard_size": 5000, "file_format": "npz"}


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def run(tmp_path, trouble=""):
    program = tmp_path / "cluster.py"
    program.write_text(CLUSTER)
    return subprocess.run(
        [sys.executable, program, tmp_path / "out", json.dumps(ARGUMENTS), trouble],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    shards.generate(**ARGUMENTS, out=str(folder), workers=1)
    return contents(folder)


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_makes_the_same_files(tmp_path, expected):
    done = run(tmp_path, "a worker dies")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[300000, 60] ()"
    assert contents(tmp_path / "out") == expected


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("no workers", "ConnectionError the scheduler at tcp://.* has had no workers for"),
        ("the scheduler goes", "ConnectionError the scheduler at tcp://.* (went away|no workers)"),
        ("full", r"OSError \[Errno 27\] cannot write to .*: File too large; the 0 finished of 60"),
    ],
)
@pytest.mark.slow
def test_errors_of_a_cluster_are_explained_and_lose_nothing(tmp_path, expected, trouble, message):
    import re

    done = run(tmp_path, trouble)
    assert done.returncode == 3, done.stderr
    assert re.search(message, done.stdout), done.stdout
    assert "run the same again" in done.stdout
    finished = contents(tmp_path / "out") if (tmp_path / "out").exists() else {}
    manifest = json.loads(finished.pop("manifest.json", '{"files": {}}'))
    whole = {name: data for name, data in finished.items() if not name.startswith(".")}
    assert whole.items() <= expected.items()
    assert set(manifest["files"]) <= set(whole)
    if trouble == "the scheduler goes":
        assert len(manifest["files"]) >= 2
    shards.generate(**ARGUMENTS, out=str(tmp_path / "out"), workers=1)
    assert contents(tmp_path / "out") == expected


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what a failed attempt to connect leaves behind
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "nonsense", "ftp://127.0.0.1:1", ""])
def test_a_scheduler_that_does_not_answer_is_reported_soon(tmp_path, monkeypatch, address):
    monkeypatch.setattr(clusters, "_ANSWER_SECONDS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens here
        address = address.format(port=taken.getsockname()[1])
        start = time.monotonic()
        with pytest.raises(ConnectionError, match=f"the scheduler at {address} does not answer"):
            shards.generate(num_samples=10, out=str(tmp_path), file_format="npz", scheduler=address)
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("result", [["a value"], "an error"])
def test_a_task_that_is_lost_with_its_scheduler_is_explained(result):
    import concurrent.futures

    import distributed
    from distributed import cfexecutor

    class Lost:  # as Dask's future is where the scheduler went away between two looks
        status = "lost"

        async def _result(self, raiseit):
            assert not raiseit
            return distributed.CancelledError() if result == "an error" else result

    future = concurrent.futures.Future()

    async def pass_on():
        await cfexecutor._cascade_future(Lost(), future)

    asyncio.run(pass_on())
    with (
        pytest.raises(ConnectionError, match="the scheduler at tcp://here:1 went away"),
        clusters._failures_explained(distributed, "tcp://here:1"),
    ):
        future.result()
    with (
        pytest.raises(ValueError, match="not enough values to unpack"),
        clusters._failures_explained(distributed, "tcp://here:1"),
    ):
        _, _ = (1,)  # a task's own error
