"""Work by executors: sent, remembered, done in order, and stored by the one who asked."""

import os
import pickle
import threading
from collections import Counter
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np
import pytest

from mnist1d.execution import work as work_module
from mnist1d.execution.units import Units
from mnist1d.execution.work import Work, do, pieces_of, urgency, versions

STARTED = Counter()
BUSY = Counter()


@dataclass(frozen=True)
class Squares(Work[int]):
    """Squares numbers; numbers with the same last digit are done in turn."""

    offset: int = 0
    steps = 3

    def start(self):
        STARTED[self] += 1

        def square(tasks, device, told):
            for number, task in enumerate(tasks, start=1):
                if task < 0:
                    raise ValueError(f"{task} is negative")
                told(3 * number)
                yield task, [{"square": np.array(task**2 + self.offset)}, {"device": device.id}]

        return square

    def keys(self, task):
        return [{"what": what, "task": task, "offset": self.offset} for what in ("square", "where")]

    def cost(self, task):
        return abs(task)

    def phase(self, task):
        return task // 100

    def together(self, task):
        return task % 10 if task > 10 else None


class Elsewhere(Executor):
    """Does what could be done by another process: all that passes is pickled."""

    def __init__(self, n_workers=2):
        self.n_asked, self._pool = 0, ThreadPoolExecutor(n_workers)

    def submit(self, function, /, *arguments):
        self.n_asked += 1
        sent = pickle.dumps((function, arguments))

        def work():
            function, arguments = pickle.loads(sent)  # noqa: S301 (our own)
            return pickle.dumps(function(*arguments))

        received = Future()
        self._pool.submit(work).add_done_callback(lambda done: pass_on(done, received))
        return received


def pass_on(done, received):
    if done.exception():
        received.set_exception(done.exception())
    else:
        received.set_result(pickle.loads(done.result()))  # noqa: S301 (our own)


@pytest.fixture(autouse=True)
def fresh():
    work_module._asking.add(os.getpid())  # the cache of compiled programs is the user's
    STARTED.clear()


def squares(found):
    return {task: int(arrays["square"]) for task, (arrays, _) in found}


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(3), Elsewhere()])
def test_wherever_it_is_done_results_are_stored_here_and_found_again(executor, tmp_path):
    tasks = [1, 2, 5, 12, 32, 13, 120]
    heard = []
    first = Units(tmp_path, executor=executor)
    found = squares(first.compute(tasks, Squares(7), lambda *what: heard.append(what)))
    assert found == {task: task**2 + 7 for task in tasks}
    assert heard[0] == ([], 0, 0)
    assert heard[-1][2] == max(of_all for *_, of_all in heard) == 3 * len(tasks)
    again = Units(tmp_path, executor=Elsewhere())
    assert squares(again.compute([*tasks, 6], Squares(7), lambda *_: None)) == found | {6: 43}
    assert again.n_found == 2 * len(tasks)
    assert Units(tmp_path).load(what="square", task=6, offset=7) == {"square": 43}
    assert Units(tmp_path).load(what="square", task=6, offset=8) is None


def test_tasks_that_share_something_are_a_piece_and_the_largest_of_the_first_phase_is_first():
    work = Squares()
    pieces = pieces_of(work, [3, 12, 4, 22, 41, 102, 3])
    assert pieces == [[3], [12, 22, 102], [4], [41], [3]]
    order = sorted([[150], [3], [12, 22], [41]], key=lambda piece: urgency(work, piece))[::-1]
    assert order == [[41], [12, 22], [3], [150]]


def test_an_executor_is_given_the_longest_first():
    asked = []

    class Recording(ThreadPoolExecutor):
        def submit(self, function, work, piece, versions):
            asked.append(piece)
            return super().submit(function, work, piece, versions)

    list(Units(executor=Recording(1)).compute([1, 9, 5, 101], Squares()))
    assert asked == [[9], [5], [1], [101]]


def test_a_worker_prepares_equal_work_once():
    for offset in (1, 1, 2):
        do(Squares(offset), [4], versions())
    assert {Squares(1): 1, Squares(2): 1} == STARTED


def test_here_work_is_prepared_once_for_calls_in_a_row():
    units = Units()
    for number in (1, 2, 3):
        list(units.compute([number], Squares(9)))
    assert {Squares(9): 1} == STARTED


def test_an_error_of_a_worker_is_raised_and_what_waits_is_withdrawn(tmp_path):
    gate = threading.Event()
    pool = ThreadPoolExecutor(1)
    units = Units(tmp_path, executor=pool)
    with pytest.raises(ValueError, match="-70 is negative"):
        list(units.compute([-70, 80, 5, 6, 7], Squares()))
    gate.set()
    pool.shutdown()
    assert Units(tmp_path).load(what="square", task=5, offset=0) is None


def test_a_worker_of_another_version_refuses():
    with pytest.raises(RuntimeError, match=r"this worker has jax .* and should have 0\.0;"):
        do(Squares(), [4], versions() | {"jax": "0.0"})


@dataclass(frozen=True)
class Watched(Work[int]):
    """Notes which devices are in use at the same time."""

    everything: bool

    @property
    def all_devices(self):
        return self.everything

    def start(self):
        def watch(tasks, device, _):
            BUSY[device.id] += 1
            assert BUSY[device.id] == 1
            assert not self.everything or BUSY.total() == 1
            both.wait(0.02) if both else None
            BUSY[device.id] -= 1
            yield from ((task, [{}]) for task in tasks)

        both = threading.Event()
        return watch

    def keys(self, task):
        return [{"task": task}]


def test_no_two_threads_of_a_worker_share_a_device():
    n = jax.device_count()
    with ThreadPoolExecutor(2 * n) as pool:
        list(Units(executor=pool).compute(range(5 * n), Watched(everything=False)))
        list(Units(executor=pool).compute(range(5), Watched(everything=True)))
        mixed = [
            pool.submit(do, Watched(everything=number % 3 == 0), [number], versions())
            for number in range(12)
        ]
        assert [len(future.result(60)) for future in mixed] == [1] * 12


def test_what_needs_this_machines_files_stays_here():
    class Local(Squares):
        travels = False

    executor = Elsewhere()
    assert squares(Units(executor=executor).compute([3], Local())) == {3: 9}
    assert executor.n_asked == 0
