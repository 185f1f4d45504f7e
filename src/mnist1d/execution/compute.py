"""Computing tasks: read stored results, then compute the rest here or on an executor."""

import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from importlib import metadata
from queue import SimpleQueue
from typing import Any, Literal, NamedTuple, TypeVar

import jax
import numpy as np

from mnist1d.execution.cluster import ClusterError
from mnist1d.execution.devices import free_device, leave_as_set_up
from mnist1d.execution.executors import DaemonThreads, Events, results_of
from mnist1d.execution.machine import count_cores
from mnist1d.execution.numerics import number_settings
from mnist1d.execution.processes import check_start
from mnist1d.execution.store import Store
from mnist1d.execution.task import (
    Arrays,
    OnProgress,
    OnStep,
    Runner,
    Stopped,
    Task,
    grouped,
)

Config = TypeVar("Config")
Devices = Literal["one", "all", "none"]
Group = Sequence[Task]
Found = Generator[tuple[Task, Arrays], None, None]


class Compute:
    """Computes the tasks of an experiment, or finds them in a store.

    Args:
        store: where results are stored and found; by default nothing is stored.
        executor: computes the tasks; None for the devices of this process.

    Raises: ClusterError: if the executor is a pool of forked processes, in which JAX hangs.

    >>> import numpy as np
    >>> def squares(config):
    ...     def run(tasks, device, on_step):
    ...         for task in tasks:
    ...             yield task, {"square": np.array(task.key["n"] ** config)}
    ...     return run
    >>> tasks = [Task({"n": n}, {"n": n}, cost=n) for n in (1, 2, 3)]
    >>> sorted(int(arrays["square"]) for _, arrays in Compute()(tasks, squares, 2))
    [1, 4, 9]
    """

    def __init__(self, store: Store | None = None, executor: Executor | None = None) -> None:
        if executor is not None:
            check_start(executor)
        self.store = store or Store()
        self._executor = executor
        self._runners = _Runners(1)

    def without_store(self) -> "Compute":
        """Return what computes in the same place, and keeps nothing."""
        return Compute(None, self._executor)

    def __call__(
        self,
        tasks: Iterable[Task],
        make_runner: Callable[[Config], Runner],
        config: Config,
        *,
        on_progress: OnProgress = lambda *_: None,
        steps: int = 1,
        devices: Devices = "one",
        only_here: bool = False,
    ) -> Found:
        """Yield every task with its arrays: first those that are stored, then the others.

        The others are computed, the longest first, and stored as soon as they are finished. In this
        process the groups of tasks are spread over its devices, a thread for each; those that take
        all devices run in the caller's thread. An executor gets a group at a time. Only this
        process writes files. Closing what is returned stops what computes.

        Args:
            tasks: the tasks to compute.
            make_runner: `config -> runner`, called once per process: a class or function that other
                processes can import by its name.
            config: argument of `make_runner`; small, as it is sent to other processes.
            on_progress: called from several threads, but one at a time.
            steps: of progress per task.
            devices: what a group of tasks uses: one device of a process, all of them (then there is
                one group at a time), or none.
            only_here: whether the tasks need what other machines lack, such as files.

        Raises: the exception of a runner; results that are finished stay stored.
        """
        missing, n_stored = [], 0
        for task in tasks:
            found = self.store.load(**task.key)
            if found is None:
                missing.append(task)
            else:
                n_stored += 1
                yield task, found
        if not missing:
            return
        progress = _Progress(on_progress, steps, n_stored)
        progress([], 0)
        leave_as_set_up()
        groups, call = grouped(missing), _Call(make_runner, config, devices)
        if self._executor is not None and not only_here:
            computing = _elsewhere(self._executor, call, groups, progress)
        elif devices == "all":
            computing = self._in_turn(call, groups, progress)
        else:
            computing = self._here(call, groups, progress)
        with closing(computing) as finished:
            for task, arrays in finished:
                self.store.save(arrays, **task.key)
                yield task, arrays

    def _here(self, call: "_Call", groups: Sequence[Group], progress: "_Progress") -> Found:
        events: Events = SimpleQueue()
        stopped = threading.Event()

        def run(group: Group) -> tuple[()]:
            def on_step(done: int) -> None:
                if stopped.is_set():
                    raise Stopped
                progress(group, done)

            for finished in _run(self._runners, call, group, on_step):
                # At once, and not when the whole group is finished.
                events.put([finished])
                if stopped.is_set():
                    return ()
            progress(group, len(group) * progress.steps)
            return ()

        threads = DaemonThreads(count_cores() if call.devices == "none" else jax.device_count())
        try:
            yield from results_of(threads, run, groups, events=events)
        finally:
            stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)

    def _in_turn(self, call: "_Call", groups: Sequence[Group], progress: "_Progress") -> Found:
        # In the caller's thread, as its settings of JAX hold in no other. Devices are not claimed,
        # as a task may compute others.
        for group in groups:
            runner = self._runners.get(call.make_runner, call.config)
            yield from runner(group, jax.devices()[0], partial(progress, group))
            progress(group, len(group) * progress.steps)


def run_elsewhere(
    call: "_Call", wanted: Mapping[str, str], numbered: tuple[int, Sequence[Task]]
) -> list[tuple[int, list[tuple[int, Arrays]]]]:
    """Run a group of tasks in this process, which is a worker; called from any of its threads.

    Runners of the same configuration are used again, with their compiled programs.

    Args:
        call: how to run the tasks.
        wanted: the versions and global settings that this process should have.
        numbered: the number of the group, and the group.

    Returns: one pair: the number, and for every task its place in the group and its arrays.
    Raises: ClusterError: if this process has other versions or settings that change numbers.
    """
    check_versions(versions() | number_settings(), wanted)
    number, sent = numbered
    # Arrays from a network may not be aligned in memory, and NumPy then sums in another order.
    group = [
        replace(task, inputs={name: np.require(x, None, "A") for name, x in task.inputs.items()})
        for task in sent
    ]
    finished = _run(_worker_runners, call, group, lambda _: None)
    return [(number, [(group.index(task), arrays) for task, arrays in finished])]


@cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that determine numbers."""
    return {name: metadata.version(name) for name in ("mnist1d", "jax", "jaxlib", "numpy")}


def check_versions(own: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Refuse to compute in a process whose versions or settings differ from the caller's.

    Raises: ClusterError: naming what differs.

    >>> check_versions({"jax": "0.8"}, {"jax": "0.9"})
    Traceback (most recent call last):
        ...
    mnist1d.execution.cluster.ClusterError: this worker has jax 0.8 and should have 0.9; it must ...
    """
    different = [name for name in wanted if wanted[name] != own[name]]
    if different:
        raise ClusterError(
            "this worker has "
            + ", ".join(f"{name} {own[name]} and should have {wanted[name]}" for name in different)
            + "; it must be the same everywhere"
        )


class _Call(NamedTuple):
    """How to make the runner of tasks, and the devices that it uses."""

    make_runner: Callable[[Any], Runner]
    config: Any
    devices: Devices


class _Progress:
    """Adds up the steps of all groups, which several threads report."""

    def __init__(self, on_progress: OnProgress, steps: int, n_stored: int) -> None:
        self._on_progress, self.steps, self._n_stored = on_progress, steps, n_stored
        self._done: dict[int, int] = {}
        self._lock = threading.Lock()

    def __call__(self, group: Group, done: int) -> None:
        with self._lock:
            if group:
                self._done[id(group)] = done
            total = self._n_stored * self.steps + sum(self._done.values())
            self._on_progress(group, done, total)


class _Runners:
    """A cache of the last runners of a process, by their configuration."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._made: list[tuple[Any, Any, dict[str, str], Runner]] = []

    def get(self, make_runner: Callable[[Any], Runner], config: Any) -> Runner:
        settings = number_settings()
        with self._lock:
            for made_by, made_with, under, runner in self._made:
                is_same = made_with is config or made_with == config
                if made_by == make_runner and is_same and under == settings:
                    return runner
            runner = make_runner(config)
            self._made = [(make_runner, config, settings, runner), *self._made][: self._most]
            return runner


_worker_runners = _Runners(2)


def _run(runners: _Runners, call: _Call, group: Group, on_step: OnStep) -> Found:
    if call.devices == "none":
        yield from runners.get(call.make_runner, call.config)(group, None, on_step)
        return
    with free_device(all_devices=call.devices == "all") as device:
        yield from runners.get(call.make_runner, call.config)(group, device, on_step)


def _elsewhere(
    executor: Executor, call: _Call, groups: Sequence[Group], progress: _Progress
) -> Found:
    function = partial(run_elsewhere, call, versions() | number_settings())
    for number, finished in results_of(executor, function, enumerate(groups)):
        group = groups[number]
        progress(group, len(group) * progress.steps)
        for place, arrays in finished:
            yield group[place], arrays
