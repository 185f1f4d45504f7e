"""Tasks by executors: sent, remembered, done in order, and stored by the process that asked."""

import multiprocessing
import pickle
import threading
from collections import Counter
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from mnist1d.execution import Compute, Store, Task, devices
from mnist1d.execution.cluster import ClusterError
from mnist1d.execution.compute import _Call, run_elsewhere, versions
from mnist1d.execution.devices import leave_as_set_up
from mnist1d.execution.numerics import number_settings
from mnist1d.execution.task import Stopped, grouped

MADE = Counter()
BUSY, DEVICES = set(), set()


@dataclass(frozen=True)
class Config:
    offset: int = 0


class Squares:
    """Squares numbers, in three steps each."""

    def __init__(self, config):
        MADE[config] += 1
        self.offset = config.offset

    def __call__(self, tasks, device, on_step):
        for number, task in enumerate(tasks, start=1):
            n = task.labels["n"]
            if n < 0:
                raise ValueError(f"{n} is negative")
            on_step(3 * number)
            yield task, {"square": np.array(n**2 + self.offset), "device": np.array(device.id)}


def task(n, offset=0):
    """Numbers above 10 with the same last digit are a group; those from 100 on come later."""
    group = n % 10 if n > 10 else None
    return Task({"n": n}, {"n": n, "offset": offset}, abs(n), group, n // 100)


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
    leave_as_set_up()  # the cache of compiled programs is the user's
    MADE.clear()


def squares(found):
    return {task.labels["n"]: int(arrays["square"]) for task, arrays in found}


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(3), Elsewhere()])
def test_wherever_they_are_done_results_are_stored_here_and_found_again(executor, tmp_path):
    numbers = [1, 2, 5, 12, 32, 13, 120]
    reports = []
    first = Compute(Store(tmp_path), executor)
    tasks = [task(n, 7) for n in numbers]
    found = list(
        first(tasks, Squares, Config(7), on_progress=lambda *what: reports.append(what), steps=3)
    )
    assert {id(each) for each, _ in found} == set(map(id, tasks))
    assert squares(found) == {n: n**2 + 7 for n in numbers}
    assert reports[0] == ([], 0, 0)
    assert reports[-1][2] == max(of_all for *_, of_all in reports) == 3 * len(numbers)
    again = Compute(Store(tmp_path), Elsewhere())
    more = squares(again([task(n, 7) for n in (*numbers, 6)], Squares, Config(7)))
    assert more == squares(found) | {6: 43}
    assert again.store.n_found == len(numbers)
    assert Store(tmp_path).load(n=6, offset=7)["square"] == 43
    assert Store(tmp_path).load(n=6, offset=8) is None


def test_a_group_is_tasks_that_share_something_and_the_longest_of_the_first_stage_comes_first():
    groups = grouped([task(n) for n in (150, 3, 12, 22, 41, 4)])
    assert [[each.labels["n"] for each in group] for group in groups] == [
        [41],
        [12, 22],
        [4],
        [3],
        [150],
    ]


def test_an_executor_is_given_the_longest_first():
    asked = []

    class Recording(ThreadPoolExecutor):
        def submit(self, function, numbered):
            asked.append([each.labels["n"] for each in numbered[1]])
            return super().submit(function, numbered)

    list(Compute(None, Recording(1))([task(n) for n in (1, 9, 5, 101)], Squares, Config()))
    assert asked == [[9], [5], [1], [101]]


def elsewhere(config, n, wanted=None):
    return run_elsewhere(_Call(Squares, config, "one"), wanted or versions(), (0, [task(n)]))


def test_a_worker_prepares_for_equal_configurations_once():
    for offset in (1, 1, 2):
        elsewhere(Config(offset), 4)
    assert {Config(1): 1, Config(2): 1} == MADE


def test_here_a_runner_is_made_once_for_calls_in_a_row():
    compute = Compute()
    for number in (1, 2, 3):
        list(compute([task(number)], Squares, Config(9)))
    assert {Config(9): 1} == MADE


def test_an_error_of_a_worker_is_raised_and_what_waits_is_withdrawn(tmp_path):
    pool = ThreadPoolExecutor(1)
    compute = Compute(Store(tmp_path), pool)
    with pytest.raises(ValueError, match="-70 is negative"):
        list(compute([task(n) for n in (-70, 80, 5, 6, 7)], Squares, Config()))
    pool.shutdown()
    assert Store(tmp_path).load(n=5, offset=0) is None


def test_a_worker_of_another_version_refuses():
    with pytest.raises(RuntimeError, match=r"this worker has jax .* and should have 0\.0;"):
        elsewhere(Config(), 4, versions() | {"jax": "0.0"})


def test_a_result_is_stored_before_the_rest_of_its_group_is_computed(tmp_path):
    compute = Compute(Store(tmp_path))
    found = compute([task(n) for n in (12, 22, 32)], Squares, Config())
    next(found)
    found.close()
    assert len(list(tmp_path.iterdir())) == 1


def test_what_nobody_waits_for_any_more_stops_at_its_next_step():
    begun, go_on, stopped = (threading.Event() for _ in range(3))

    def make(_):
        def run(tasks, device, on_step):  # noqa: ARG001
            yield tasks[0], {}
            begun.set()
            assert go_on.wait(60)
            try:
                on_step(1)
            except Stopped:
                stopped.set()
                raise

        return run

    found = Compute()([task(12), task(22)], make, None)
    next(found)
    assert begun.wait(60)
    found.close()
    go_on.set()
    assert stopped.wait(60)


def watched(everything):
    """Count the threads that compute at the same time, and note their devices."""
    both = threading.Event()

    def run(tasks, device, _):
        thread = threading.get_ident()
        BUSY.add(thread)
        DEVICES.add(device)
        assert len(BUSY) <= (1 if everything else jax.device_count())
        both.wait(0.02)
        BUSY.remove(thread)
        yield from ((each, {}) for each in tasks)

    return run


def test_no_more_threads_of_a_worker_compute_than_there_are_cores():
    DEVICES.clear()
    n = jax.device_count()
    with ThreadPoolExecutor(2 * n) as pool:
        compute = Compute(None, pool)
        list(compute([task(i) for i in range(5 * n)], watched, False))
        list(compute([task(i) for i in range(5)], watched, True, devices="all"))
        mixed = [
            pool.submit(
                run_elsewhere,
                _Call(watched, number % 3 == 0, "all" if number % 3 == 0 else "one"),
                versions(),
                (number, [task(number)]),
            )
            for number in range(12)
        ]
        assert [len(future.result(60)[0][1]) for future in mixed] == [1] * 12
    # One for all, as every other CPU device would compile the same programs again.
    assert {jax.devices()[0]} == DEVICES


def test_all_cores_compute_at_the_same_time():
    together = threading.Barrier(jax.device_count())

    def make(_):
        def run(tasks, _, __):
            together.wait(60)
            yield from ((each, {}) for each in tasks)

        return run

    tasks = [task(i) for i in range(1, jax.device_count() + 1)]
    assert len(list(Compute()(tasks, make, None))) == len(tasks)


def test_every_gpu_is_of_one_thread(monkeypatch):
    gpus = [SimpleNamespace(platform="gpu", id=number) for number in range(3)]
    monkeypatch.setattr(jax, "devices", lambda: gpus)
    monkeypatch.setattr(devices, "_free_devices", cache(devices._free_devices.__wrapped__))
    with devices.free_device() as first, devices.free_device() as second:
        assert [first, second] == gpus[:2]
    with devices.free_device(all_devices=True) as device:
        assert device is gpus[0]


def test_what_needs_no_device_is_given_none():
    given = []

    def make(_):
        def run(tasks, device, _):
            given.append(device)
            yield from ((each, {}) for each in tasks)

        return run

    list(Compute()([task(1), task(2)], make, None, devices="none"))
    assert given == [None, None]


def test_what_needs_this_machines_files_stays_here():
    executor = Elsewhere()
    compute = Compute(None, executor)
    assert squares(compute([task(3)], Squares, Config(), only_here=True)) == {3: 9}
    assert executor.n_asked == 0


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="nothing forks on this system"
)
def test_a_pool_of_forked_processes_is_refused_before_anything_runs():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool,
        pytest.raises(ClusterError, match=r"must not fork .*get_context\('spawn'\)"),
    ):
        Compute(None, pool)


def test_a_worker_with_other_settings_refuses():
    assert elsewhere(Config(), 4, versions() | number_settings())
    with pytest.raises(RuntimeError, match="has jax_enable_x64 False and should have True"):
        elsewhere(Config(), 4, versions() | {"jax_enable_x64": "True"})


def test_what_was_prepared_under_other_settings_is_prepared_again():
    made = []

    def make(config):
        made.append(config)
        return Squares(config)

    with ThreadPoolExecutor(1) as pool:
        for precision in (None, None, "highest"):
            jax.config.update("jax_default_matmul_precision", precision)
            try:
                list(Compute(None, pool)([task(3)], make, Config()))
            finally:
                jax.config.update("jax_default_matmul_precision", None)
    assert len(made) == 2
