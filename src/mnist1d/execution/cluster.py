"""The workers of a Dask cluster as an executor, with readable errors.

The task of a worker that dies is computed again. A scheduler that does not answer, has no workers
or is lost raises an error that says what to do.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from mnist1d.dataset.imports import required

__all__ = ["ClusterError", "ClusterExecutor", "silence_log"]

Result = TypeVar("Result")

# Time limits for a scheduler to answer, and then to have a worker.
_ANSWER_SECONDS = 10
_WORKER_SECONDS = 60
# How often to check that scheduler and workers are there.
_LOOK_SECONDS = 5


class ClusterError(RuntimeError):
    """Workers cannot compute a task, for the reason in the message."""


class ClusterExecutor(Executor):
    """The workers of a Dask scheduler as an `Executor`.

    Args:
        address: of the scheduler, such as tcp://10.0.0.1:8786.

    Raises: ConnectionError: if the scheduler does not answer, or has no workers. A future also
        raises it if the scheduler or all workers are lost, and `ClusterError` if workers died again
        and again on its task, or lack packages that the task needs.
    """

    def __init__(self, address: str) -> None:
        self._distributed = required("distributed", extra="cluster")
        self._address = address
        self._client = _connected(self._distributed, address)
        self._inner = self._client.get_executor(pure=False, retries=1)
        self._pending: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="cluster", daemon=True).start()

    @property
    def n_threads(self) -> int:
        """How many threads the workers have together, at present."""
        with _lost_connections_explained(self._distributed, self._address):
            return sum(self._client.nthreads().values())

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Have a worker call a function that it finds by its name; as `Executor.submit`."""
        if self._closed.is_set():
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Result] = Future()
        with _lost_connections_explained(self._distributed, self._address):
            inner = self._inner.submit(fn, *args, **kwargs)
        with self._lock:
            self._pending.add(future)

        def withdraw(outer: Future[Result]) -> None:
            if outer.cancelled():
                inner.cancel()

        future.add_done_callback(withdraw)
        inner.add_done_callback(lambda inner: self._take(future, inner))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; as `Executor.shutdown`."""
        with self._lock:
            pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            for future in pending:
                with suppress(Exception):
                    future.exception()
        if not self._closed.is_set():
            self._closed.set()
            with suppress(OSError, self._distributed.CancelledError):
                self._client.close()

    def _take(self, future: "Future[Any]", inner: "Future[Any]") -> None:
        """Pass the result or the error of a task on to its future."""
        try:
            with _failures_explained(self._distributed, self._address):
                result = inner.result()
        except Exception as error:  # noqa: BLE001 (raised where the result is awaited)
            self._end(future, error=error)
        else:
            self._end(future, result)

    def _end(
        self, future: "Future[Any]", result: Any = None, error: Exception | None = None
    ) -> None:
        with self._lock:
            is_first = future in self._pending
            self._pending.discard(future)
        # A cancelled future takes no result.
        if not is_first or not future.set_running_or_notify_cancel():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _watch(self) -> None:
        """Check regularly that scheduler and workers are there, as no event reports their loss."""
        last_seen = time.monotonic()
        while not self._closed.wait(_LOOK_SECONDS):
            problem: Exception | None = None
            try:
                with _lost_connections_explained(self._distributed, self._address):
                    if self._client.nthreads():
                        last_seen = time.monotonic()
                    elif time.monotonic() > last_seen + _WORKER_SECONDS:
                        problem = _no_workers(self._address)
            except ConnectionError as error:
                problem = error
            if problem is not None and not self._closed.is_set():
                with self._lock:
                    pending = list(self._pending)
                for future in pending:
                    self._end(future, error=problem)


def silence_log() -> None:
    """Silence Dask's log of a lost scheduler, which the exceptions here report in one line.

    Tornado is its loop, which may log what a callback found lost. For commands alone, as the log
    belongs to the whole process.
    """
    required("distributed", extra="cluster")  # sets its levels when it is imported
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _connected(distributed: Any, address: str) -> Any:
    client, problem = None, None
    try:
        client = distributed.Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        problem = str(error)
    if client is None:
        # A client that failed stops its loop when it is collected. That must not happen while
        # another client is being made, which holds the same lock: both would wait for ever.
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
    lines = str(error).splitlines() or [type(error).__name__]
    reason = lines[0].rstrip(":")
    return ConnectionError(
        f"the scheduler at {address} went away ({reason}); start it and run the same again"
    )


@contextmanager
def _failures_explained(distributed: Any, address: str) -> Iterator[None]:
    try:
        yield
    except (
        CancelledError,
        distributed.CancelledError,
        distributed.comm.CommClosedError,
    ) as error:
        raise _went_away(address, error) from error
    except (ValueError, TypeError) as error:
        if _is_of_a_lost_task(error):
            raise _went_away(address, CancelledError("the task is lost")) from error
        raise
    except distributed.scheduler.KilledWorker as error:
        raise ClusterError(
            f"workers of {address} died again and again on one task; do they have too little "
            "memory?"
        ) from error
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"the workers of {address} need the same packages as this machine: {error}"
        ) from error


def _is_of_a_lost_task(error: Exception) -> bool:
    """Whether Dask's executor took the state "lost" of a task for an error and its traceback."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        trace is not None
        and trace.tb_frame.f_globals.get("__name__") == "distributed.cfexecutor"
        and "unpack" in str(error)
    )
