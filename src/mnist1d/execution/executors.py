"""The loop over an executor, and the executor of this process: threads that end with it."""

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

    Close the generator to withdraw what has not begun.

    Args:
        executor: any.
        function: `task -> results`.
        tasks: begun in this order.
        ahead: how many tasks the executor is to know of at present, so that a million need no more
            memory than ten; None for all.
        events: a queue into which a function that runs in this process puts results that are to be
            yielded before it returns.

    Raises: whatever the function raises, or the executor.

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
    """Do tasks in one thread per device and hand over their results as they come.

    A device takes the longest task that is left whenever it is free, so all of them are busy to
    the end as long as the last tasks are short.

    Args:
        tasks: independent pieces of work.
        work: `(task, device) -> results`; called in the device's thread. A generator hands over
            each result when it is ready.
        cost: how long a task takes, in any unit; or anything else that can be compared.
        devices: where to work; all devices of JAX's default backend if omitted.

    Raises: whatever `work` raises; what is left is then not begun, as when the caller stops
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
    """Threads of this process that end when it does, whatever they are doing.

    Those of `concurrent.futures.ThreadPoolExecutor` would keep an interrupted program alive until
    their tasks are finished.

    Args:
        n_threads: at most so many work at a time.

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
