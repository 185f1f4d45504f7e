"""The loop over the results of an executor, and an executor of daemon threads."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
Result = TypeVar("Result")
Events = queue.SimpleQueue["Future[Iterable[Any]] | Iterable[Any]"]


def results_of(
    executor: Executor,
    function: Callable[[T], Iterable[Result]],
    tasks: Iterable[T],
    *,
    ahead: Callable[[], int] | None = None,
    events: Events | None = None,
) -> Generator[Result, None, None]:
    """Yield the results of a function over tasks, in any order, as an executor finishes them.

    Closing the generator cancels tasks that have not begun.

    Args:
        executor: any executor.
        function: `task -> results`.
        tasks: begun in this order.
        ahead: returns how many tasks may be submitted at present, so that a million need no more
            memory than ten; None for all.
        events: a queue into which a function in this process puts results that are to be yielded
            before it returns.

    Raises: the exceptions of the function and of the executor.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as executor:
    ...     sorted(results_of(executor, lambda n: [n] * n, [3, 1, 2]))
    [1, 2, 2, 3, 3, 3]
    """
    events = queue.SimpleQueue() if events is None else events
    waiting, pending = iter(tasks), set[Future[Iterable[Result]]]()
    try:
        while True:
            room = None if ahead is None else max(0, ahead() - len(pending))
            for task in islice(waiting, room):
                future = executor.submit(function, task)
                pending.add(future)
                future.add_done_callback(events.put)
            if not pending:
                return
            event = events.get()
            if isinstance(event, Future):
                pending.discard(event)
                yield from event.result()
            else:
                yield from event
    finally:
        for future in pending:
            future.cancel()


def longest_first(
    tasks: Iterable[T],
    work: Callable[[T, Any], Iterable[Result]],
    *,
    cost: Callable[[T], Any],
    devices: Sequence[Any] | None = None,
) -> Generator[Result, None, None]:
    """Run tasks in one thread per device, the longest first, and yield their results.

    A free device takes the longest task that is left, so that all are busy until the end if the
    last tasks are short. Every CPU device compiles its own programs; experiments' tasks, which
    `Compute` runs, share those of the first.

    Args:
        tasks: independent tasks.
        work: `(task, device) -> results`; called in the device's thread. The results of a generator
            are yielded as soon as they are ready.
        cost: how long a task takes, in any unit; or anything else that can be compared.
        devices: the devices to use; all devices of JAX's default backend if omitted.

    Raises: the exceptions of `work`. The other tasks are then not begun, nor if the caller stops
        iterating or is interrupted.

    >>> sorted(longest_first([3, 1, 2], lambda n, device: [n] * n, cost=lambda n: n))
    [1, 2, 2, 3, 3, 3]
    """
    devices = import_module("jax").devices() if devices is None else devices
    free: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for device in devices:
        free.put(device)
    events: Events = queue.SimpleQueue()
    stopped = threading.Event()

    def run(task: T) -> tuple[()]:
        device = free.get()
        for result in work(task, device):
            events.put([result])
            if stopped.is_set():
                break
        free.put(device)
        return ()

    threads = DaemonThreads(len(devices))
    try:
        yield from results_of(threads, run, sorted(tasks, key=cost, reverse=True), events=events)
    finally:
        stopped.set()
        threads.shutdown(wait=False, cancel_futures=True)


class DaemonThreads(Executor):
    """An executor of daemon threads, which end with the process, even in the middle of a task.

    Those of `concurrent.futures.ThreadPoolExecutor` keep an interrupted program alive until their
    tasks are finished.

    Args:
        n_threads: largest number of threads.

    >>> with DaemonThreads(2) as executor:
    ...     executor.submit(max, 1, 2).result()
    2
    """

    def __init__(self, n_threads: int) -> None:
        self._left = n_threads
        self._calls: queue.SimpleQueue[
            tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None
        ] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Have a thread call a function; as `Executor.submit`."""
        future: Future[Result] = Future()
        self._calls.put((future, fn, args, kwargs))
        if self._left:
            self._left -= 1
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end; as `Executor.shutdown`."""
        if cancel_futures:
            while not self._calls.empty():
                call = self._calls.get()
                if call is not None:
                    call[0].cancel()
        for _ in self._threads:
            self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function, args, kwargs = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = function(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 (raised where the result is awaited)
                future.set_exception(error)
            else:
                future.set_result(result)
