"""One function over many tasks: on processes of this machine or on a Dask cluster.

Both take tasks from an iterator as they need them, so that a million tasks take no more memory than
ten, give results as they come, and survive the death of a worker: its task is done again.
"""

import gc
import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from mnist1d.extras import required

__all__ = ["available_cores", "on_cluster", "on_processes"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_ATTEMPTS = 3
# How long a scheduler may take to answer, and then to have a worker.
_ANSWER_SECONDS = 10
_WORKER_SECONDS = 60
# How often to look whether scheduler and workers are still there.
_LOOK_SECONDS = 5
# Tasks that a cluster knows of at one time, per thread: no worker waits, and no queue grows.
_AHEAD = 3


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


def on_cluster(
    function: Callable[[Task], Result], tasks: Iterable[Task], address: str
) -> Generator[Result, None, None]:
    """Yield the results of a function from the workers of a Dask scheduler, in any order.

    Close the iterator to withdraw the tasks.

    Args:
        function: one that the workers find by its name, in a module that they can import.
        tasks: what to call it with.
        address: of the scheduler, such as tcp://10.0.0.1:8786.

    Raises:
        ConnectionError: if the scheduler does not answer, has no workers, or goes away.
        RuntimeError: if workers died again and again on one task, or lack mnist1d.
        Exception: what the function raised.
    """
    distributed = required("distributed", extra="cluster")
    with _connected(distributed, address) as client:
        waiting, pending, last_seen = iter(tasks), set[Any](), time.monotonic()
        try:
            while True:
                with _lost_connections_explained(distributed, address):
                    n_threads = sum(client.nthreads().values())
                    room = _AHEAD * max(1, n_threads) - len(pending)
                    for task in islice(waiting, max(0, room)):
                        pending.add(client.submit(function, task, pure=False, retries=1))
                    done = _finished(distributed, client, pending)
                if not pending:
                    return
                if n_threads or done:
                    last_seen = time.monotonic()
                elif time.monotonic() > last_seen + _WORKER_SECONDS:
                    raise _no_workers(address)
                for future in done:
                    pending.discard(future)
                    yield _result(distributed, future, address)
        finally:
            with suppress(OSError, distributed.CancelledError):
                client.cancel(list(pending), force=True)


def _connected(distributed: Any, address: str) -> Any:
    client, problem = None, None
    try:
        client = distributed.Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        problem = str(error)
    if client is None:
        # A client that failed stops its loop when it is collected. While another client is being
        # made, which holds a lock that stopping needs too, both would wait for ever.
        gc.collect()
        raise ConnectionError(
            f"the scheduler at {address} does not answer ({problem}); is the address right, and "
            "is it running?"
        )
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
    except TimeoutError:
        client.close()
        raise _no_workers(address) from None
    return client


def _no_workers(address: str) -> ConnectionError:
    return ConnectionError(
        f"the scheduler at {address} has had no workers for {_WORKER_SECONDS} seconds; start some "
        "and run the same again"
    )


@contextmanager
def _lost_connections_explained(distributed: Any, address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, distributed.CancelledError) as error:
        raise _went_away(address, error) from error


def _went_away(address: str, error: BaseException) -> ConnectionError:
    return ConnectionError(
        f"the scheduler at {address} went away ({error}); start it and run the same again"
    )


def _finished(distributed: Any, client: Any, pending: set[Any]) -> set[Any]:
    """Wait for some results, but not for long, as nobody says when a scheduler is gone."""
    if not pending:
        return set()
    try:
        with client.as_current():
            waited = distributed.wait(pending, timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED")
    except TimeoutError:
        return set()
    return set(waited.done)


def _result(distributed: Any, future: Any, address: str) -> Any:
    try:
        return future.result()
    except (distributed.CancelledError, distributed.comm.CommClosedError) as error:
        raise _went_away(address, error) from error
    except distributed.scheduler.KilledWorker as error:
        raise RuntimeError(
            f"workers of {address} died again and again on one task; do they have too little "
            "memory?"
        ) from error
    except ModuleNotFoundError as error:
        raise RuntimeError(
            f"the workers of {address} need the same packages as this machine: {error}"
        ) from error


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
        self.process.join(_ANSWER_SECONDS)
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
