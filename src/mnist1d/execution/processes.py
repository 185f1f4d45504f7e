"""One function over many tasks on processes of this machine.

Tasks are taken from an iterator as they are needed, so that a million tasks take no more memory
than ten, results are given as they come, and the death of a worker is survived: its task is done
again.
"""

import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

__all__ = ["available_cores", "on_processes"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_ATTEMPTS = 3
# How long a process may take to end.
_END_SECONDS = 10


def available_cores() -> int:
    """Return how many cores this process may use.

    >>> available_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], n_workers: int
) -> Generator[Result, None, None]:
    """Yield the results of a function from processes of their own, in any order.

    Close the iterator to stop the processes early.

    Args:
        function: one that other processes find by its name, in a module that they can import.
        tasks: what to call it with.
        n_workers: number of processes.

    Raises:
        RuntimeError: if processes died three times in a row on one task.
        Exception: what the function raised.
    """
    waiting: Iterator[tuple[Task, int]] = ((task, 1) for task in tasks)
    again: deque[tuple[Task, int]] = deque()
    busy: dict[Any, _Worker[Task]] = {}
    try:
        while True:
            while len(busy) < n_workers and (given := _next(again, waiting)) is not None:
                worker = _Worker(function)
                worker.give(*given)
                busy[worker.connection] = worker
            if not busy:
                return
            for connection in wait(list(busy)):
                worker = busy.pop(connection)
                answer = worker.answer()
                if answer is None:
                    if worker.attempt == _ATTEMPTS:
                        raise RuntimeError(
                            f"worker processes died {_ATTEMPTS} times on one task, the last with "
                            f"{worker.end()}; was there too little memory, or does a script start "
                            'them without if __name__ == "__main__"?'
                        )
                    again.append((worker.task, worker.attempt + 1))
                    continue
                if (given := _next(again, waiting)) is None:
                    worker.stop()
                else:
                    worker.give(*given)
                    busy[connection] = worker
                succeeded, value = answer
                if not succeeded:
                    raise value
                yield value
    finally:
        for worker in busy.values():
            worker.process.terminate()
        for worker in busy.values():
            worker.stop()


class _Worker(Generic[Task]):
    """A process that does one task after the other.

    Attributes:
        connection: becomes ready when there is an answer, or the process has died.
        task: what it is doing.
        attempt: how many processes have tried that, this one included.
    """

    def __init__(self, function: Callable[[Task], Any]) -> None:
        # A fresh process: a copy of this one would inherit locks that other threads hold.
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self.process.start()
        # With this end closed here, either side sees the other one die.
        theirs.close()

    def give(self, task: Task, attempt: int) -> None:
        self.task, self.attempt = task, attempt
        with suppress(OSError):  # if it has died, the answer will say so
            self.connection.send(task)

    def answer(self) -> tuple[bool, Any] | None:
        """Return success and result or exception, or None if the process died."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.stop()
            return None

    def end(self) -> str:
        code = self.process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        self.connection.close()
        self.process.join(_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _next(
    again: deque[tuple[Task, int]], waiting: Iterator[tuple[Task, int]]
) -> tuple[Task, int] | None:
    return again.popleft() if again else next(waiting, None)


def _serve(connection: "Connection[Any, Any]", function: Callable[[Any], Any]) -> None:
    """Do what comes, until the other side is gone."""
    # An interrupt from the keyboard reaches all processes; the first one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Leave by an exception, so that unfinished files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = True, function(task)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other side raises it)
            answer = False, _portable(error)
        try:
            connection.send(answer)
        except OSError:
            return


def _portable(error: Exception) -> Exception:
    """Return the error, or what can be said of it if it cannot travel."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    except Exception:  # noqa: BLE001 (constructors of errors fail in many ways)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
