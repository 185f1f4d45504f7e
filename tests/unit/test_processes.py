"""Tasks in processes: all are done, what dies is replaced, what goes wrong is raised here."""

import importlib
import sys

import pytest

from mnist1d.execution.executors import results_of
from mnist1d.execution.processes import Processes

TASKS = """
import errno, os, pathlib

def square(task):
    if task == "die":
        os._exit(3)
    if task == "die once":
        marker = pathlib.Path(__file__).with_name("marker")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), 9)
        return ["lived"]
    if task == "fail":
        raise OSError(errno.ENOSPC, "full")
    if task == "fail oddly":
        class Odd(Exception): "An exception that cannot be pickled, as some libraries have them."
        raise Odd("odd")
    return [task * task]
"""


@pytest.fixture
def square(tmp_path, monkeypatch):
    """A function in a module that other processes can import."""
    (tmp_path / "tasks_of_a_test.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("tasks_of_a_test").square
    del sys.modules["tasks_of_a_test"]


def on_processes(function, tasks, n_workers):
    executor = Processes(n_workers)
    try:
        yield from results_of(executor, function, tasks, ahead=lambda: 2 * n_workers)
    finally:
        executor.shutdown(cancel_futures=True)


def test_processes_do_all_tasks(square):
    assert sorted(on_processes(square, iter(range(20)), 2)) == [i * i for i in range(20)]
    assert list(on_processes(square, iter([]), 2)) == []


def test_a_worker_that_dies_is_replaced(square):
    results = list(on_processes(square, iter([1, "die once", 2, 3]), 2))
    assert sorted(map(str, results)) == ["1", "4", "9", "lived"]


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        pytest.param(
            "die",
            RuntimeError,
            "died 3 times on one task, the last with exit code 3",
            marks=pytest.mark.slow,
        ),
        ("fail", OSError, "full"),
        pytest.param("fail oddly", RuntimeError, "Odd: odd", marks=pytest.mark.slow),
    ],
)
def test_what_goes_wrong_in_a_worker_is_raised_here(square, task, error, message):
    with pytest.raises(error, match=message):
        list(on_processes(square, iter([1, task, 2]), 2))


def test_tasks_are_taken_as_they_are_needed(square):
    taken = []
    results = on_processes(square, (taken.append(i) or i for i in range(10**9)), 2)
    for _ in range(3):
        next(results)
    results.close()
    assert len(taken) <= 7
