"""Work that can be done anywhere: in the threads of this process, or by any `Executor`.

An experiment says what its tasks are and what determines their results. Where they are done, and by
how many, is decided elsewhere (`units.Units.compute`).
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import cache, lru_cache
from importlib import metadata
from typing import Any, ClassVar, Generic, TypeVar

import jax
import numpy as np

from mnist1d.execution.cluster import ClusterError
from mnist1d.execution.devices import free_device, leave_as_set_up

Task = TypeVar("Task")
Arrays = Mapping[str, np.ndarray]
Result = Sequence[Arrays]
"""The arrays of every unit of a task, in the order of `Work.keys`."""
Told = Callable[[int], None]
"""Told how many steps of the tasks it was given a device has done."""
Heard = Callable[[Sequence[Task], int, int], None]
"""Told of tasks that are done in turn, how many of their steps are done, and how many of all."""
Doer = Callable[[Sequence[Task], jax.Device, Told], Iterator[tuple[Task, Result]]]
"""Does tasks one after the other on a device, from several threads at a time.

It yields each task with its result as soon as it is finished.
"""


class Work(ABC, Generic[Task]):
    """What determines the results of tasks, and how to get them.

    A frozen dataclass is derived from it: small, as it is sent to other processes, and hashable, as
    they remember what they have prepared and compiled for it. Data are described, not contained.

    Attributes:
        all_devices: whether a task uses all devices of a process, so that there is one at a time.
        travels: whether it can be done elsewhere; not if it needs files of this machine.
    """

    all_devices: ClassVar[bool] = False
    travels: ClassVar[bool] = True

    @abstractmethod
    def start(self) -> Doer[Task]:
        """Prepare what all tasks need, and return the function that does them."""

    @abstractmethod
    def keys(self, task: Task) -> Sequence[Mapping[str, Any]]:
        """Return what determines each unit of a task, in the types of JSON."""

    @property
    def steps(self) -> int:
        """Steps of progress per task."""
        return 1

    def cost(self, task: Task) -> float:  # noqa: ARG002
        """Return how long a task takes, in any unit: the longest are begun first."""
        return 1.0

    def phase(self, task: Task) -> int:  # noqa: ARG002
        """Return a number; tasks with a lower one are begun earlier, whatever they cost."""
        return 0

    def together(self, task: Task) -> Hashable | None:  # noqa: ARG002
        """Return what tasks have in common that one device does in turn, as they share a program.

        None for a task that is done alone.
        """
        return None


def pieces_of(work: Work[Task], tasks: Sequence[Task]) -> list[list[Task]]:
    """Put the tasks together that one device does in turn."""
    pieces: dict[Hashable, list[Task]] = {}
    for number, task in enumerate(tasks):
        shared = work.together(task)
        place = ("alone", number) if shared is None else ("together", shared)
        pieces.setdefault(place, []).append(task)
    return list(pieces.values())


def urgency(work: Work[Task], piece: Sequence[Task]) -> tuple[int, float]:
    """Say how urgent a piece of work is: the one with the largest value is begun first."""
    return -work.phase(piece[0]), sum(work.cost(task) for task in piece)


def on_executor(
    executor: Executor, work: Work[Task], pieces: Sequence[Sequence[Task]], heard: Heard[Task]
) -> Generator[tuple[Task, Result], None, None]:
    """Yield tasks with their results from an executor, in any order.

    Args:
        executor: any; what its workers need is this package, and devices.
        work: of all tasks.
        pieces: tasks that are done in turn.
        heard: told of every finished piece, and of how many steps all of them had.

    Raises: whatever a task raises, or the executor; what is left is then withdrawn.
    """
    order = sorted(pieces, key=lambda piece: urgency(work, piece), reverse=True)
    pending: dict[Future[list[tuple[Task, Result]]], Sequence[Task]] = {}
    n_done = 0
    leave_as_set_up()
    try:
        for piece in order:
            pending[executor.submit(do, work, piece, versions())] = piece
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                piece = pending.pop(future)
                n_done += len(piece)
                heard(piece, len(piece) * work.steps, n_done * work.steps)
                yield from future.result()
    finally:
        for future in pending:
            future.cancel()


def do(
    work: Work[Task], tasks: Sequence[Task], wanted: Mapping[str, str]
) -> list[tuple[Task, Result]]:
    """Do tasks in this process, which is a worker; from as many threads as it has.

    What was prepared and compiled for the same work is used again.

    Raises: ClusterError: if this process has other versions of what determines the numbers.
    """
    own = versions()
    different = [name for name in wanted if wanted[name] != own[name]]
    if different:
        raise ClusterError(
            "this worker has "
            + ", ".join(f"{name} {own[name]} and should have {wanted[name]}" for name in different)
            + "; install the same everywhere"
        )
    with free_device(all_devices=work.all_devices) as device:
        return list(_started(work)(tasks, device, lambda _: None))


@cache
def versions() -> dict[str, str]:
    """Return the versions of what determines the numbers."""
    return {name: metadata.version(name) for name in ("mnist1d", "jax", "jaxlib", "numpy")}


_lock = threading.Lock()


@lru_cache(maxsize=2)
def _prepared(work: Work[Any]) -> Doer[Any]:
    return work.start()


def _started(work: Work[Task]) -> Doer[Task]:
    with _lock:
        return _prepared(work)
