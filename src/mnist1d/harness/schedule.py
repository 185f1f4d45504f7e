"""The schedule of several experiments: short ones first, those without JAX in the background."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import xarray as xr

from mnist1d.execution.machine import return_free_memory
from mnist1d.execution.task import Stopped
from mnist1d.harness import record
from mnist1d.harness.interface import Experiment, Progress
from mnist1d.harness.stored.finished import find_finished


class Run(NamedTuple):
    """An experiment that is finished.

    Attributes:
        experiment: its module.
        result: what it returned.
        is_new: whether it ran; else its result was found.
    """

    experiment: Experiment
    result: xr.Dataset
    is_new: bool


class ProgressBars(Protocol):
    """Bars for several experiments at the same time."""

    def group(self) -> AbstractContextManager[Progress]:
        """Return a separate group of bars."""

    def note(self, line: str, /) -> None:
        """Write a line."""


class Schedule(NamedTuple):
    """The order of experiments.

    Attributes:
        first: one after the other, with none in the background, so that their tables come soon.
        sequential: then one after the other.
        background: at the same time as those.
    """

    first: tuple[Experiment, ...]
    sequential: tuple[Experiment, ...]
    background: tuple[Experiment, ...]


def schedule_of(chosen: Sequence[Experiment]) -> Schedule:
    """Return a schedule: first experiments that take seconds, then those that leave cores idle.

    Args:
        chosen: experiments in the paper's order; the first that takes longer comes right after
            those that take seconds.
    """
    background = tuple(each for each in chosen if not getattr(each, "USES_JAX", True))
    in_turn = [each for each in chosen if each not in background]
    if not in_turn:
        return Schedule(background, (), ())
    in_turn.sort(key=lambda each: not getattr(each, "TAKES_SECONDS", False))
    n_first = 1 + sum(getattr(each, "TAKES_SECONDS", False) for each in in_turn)
    rest = sorted(in_turn[n_first:], key=lambda each: getattr(each, "FILLS_CORES", True))
    return Schedule(tuple(in_turn[:n_first]), tuple(rest), background)


@contextmanager
def finished(
    chosen: Sequence[Experiment],
    configs: Mapping[str, Any],
    out: Path,
    executor: Executor | None,
    bars: ProgressBars,
    prepare: Callable[[], None] = lambda: None,
) -> Iterator[Iterator[Run]]:
    """Run experiments whose results are not there, and yield each as soon as it is finished.

    Args:
        chosen: the experiments.
        configs: their configurations, by name.
        out: the folder with a folder per experiment.
        executor: computes their tasks; None for the devices of this process.
        bars: show their progress.
        prepare: called once, before the first that is not finished, if there is one.
    """
    with closing(_results(chosen, configs, out, executor, bars, prepare)) as results:
        yield results


def _results(
    chosen: Sequence[Experiment],
    configs: Mapping[str, Any],
    out: Path,
    executor: Executor | None,
    bars: ProgressBars,
    prepare: Callable[[], None],
) -> Generator[Run]:
    stopped = threading.Event()
    lock, prepared = threading.Lock(), threading.Event()

    def execute(experiment: Experiment) -> Run:
        config, folder = configs[experiment.NAME], out / experiment.NAME
        found = find_finished(experiment, config, folder)
        if found is not None:
            bars.note(f"Found finished: {experiment.TITLE}")
            return Run(experiment, found, is_new=False)
        with lock:  # one experiment may run in the background
            if not prepared.is_set():
                prepare()
                prepared.set()
        bars.note(f"Started: {experiment.TITLE}")
        with bars.group() as progress:

            def on_progress(task: str, done: int, total: int, /) -> None:
                # An experiment in the background stops here once the command has ended.
                if stopped.is_set():
                    raise Stopped
                progress(task, done, total)

            result = record.execute(
                experiment,
                config,
                progress=on_progress,
                folder=folder / "units",
                executor=executor,
            )
        return_free_memory()
        return Run(experiment, result, is_new=True)

    schedule, pool = schedule_of(chosen), ThreadPoolExecutor(1)
    try:
        for experiment in schedule.first:
            yield execute(experiment)
        running = deque(pool.submit(execute, each) for each in schedule.background)
        for experiment in schedule.sequential:
            yield execute(experiment)
            while running and running[0].done():
                yield running.popleft().result()
        for future in running:
            yield future.result()
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
