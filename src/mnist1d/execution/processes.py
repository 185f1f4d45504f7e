"""An executor of processes that survives the death of one of them."""

import multiprocessing
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, TypeVar

from mnist1d.execution.cluster import ClusterError

__all__ = ["Processes", "check_start"]

Result = TypeVar("Result")

_ATTEMPTS = 3
# Time limit for a process to end.
_END_SECONDS = 10


class _Call(NamedTuple):
    """A call that was submitted, and how many processes have tried it before."""

    future: "Future[Any]"
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    attempts: int = 0


class Processes(Executor):
    """An executor of new processes; the call of a process that dies is made again in another.

    `concurrent.futures.ProcessPoolExecutor` gives up all pending calls when a process dies.

    Args:
        n_workers: largest number of processes.

    A future raises RuntimeError if processes died three times in a row on its call.
    """

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._waiting: deque[_Call] = deque()
        self._ending = False
        # New processes: copies of this one would inherit locks that other threads hold.
        self._context = multiprocessing.get_context("spawn")
        self._woken, self._wake = self._context.Pipe(duplex=False)
        self._manager = threading.Thread(target=self._manage, name="processes", daemon=True)
        self._manager.start()

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Have a process call a function that it finds by its name; as `Executor.submit`."""
        if kwargs:
            raise TypeError(f"arguments are positional here, got {', '.join(kwargs)}")
        future: Future[Result] = Future()
        self._waiting.append(_Call(future, fn, args))
        self._wake.send_bytes(b" ")
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, at once if calls are to be cancelled; as `Executor.shutdown`."""
        while cancel_futures and self._waiting:
            self._waiting.popleft().future.cancel()
        self._ending = True
        self._wake.send_bytes(b"!" if cancel_futures else b" ")
        if wait:
            self._manager.join()

    def _manage(self) -> None:
        """Give calls to processes and collect answers, until no calls are left."""
        busy: dict[Connection[Any, Any], _Worker] = {}
        idle: list[_Worker] = []
        try:
            while True:
                self._hand_out(busy, idle)
                if self._ending and not busy and not self._waiting:
                    return
                for connection in wait([self._woken, *busy]):
                    if connection is self._woken:
                        if self._woken.recv_bytes() == b"!":
                            return
                        continue
                    worker = busy.pop(connection)  # type: ignore[call-overload]
                    if worker.collect():
                        idle.append(worker)
                    elif worker.call.attempts + 1 < _ATTEMPTS:
                        self._waiting.appendleft(
                            worker.call._replace(attempts=worker.call.attempts + 1)
                        )
                    else:
                        worker.call.future.set_exception(
                            RuntimeError(
                                f"worker processes died {_ATTEMPTS} times on one task, the last "
                                f"with {worker.end()}; was there too little memory, or does a "
                                'script start them without if __name__ == "__main__"?'
                            )
                        )
        finally:
            for worker in busy.values():
                worker.process.terminate()
                worker.call.future.cancel()
            for worker in (*busy.values(), *idle):
                worker.stop()

    def _hand_out(self, busy: "dict[Connection[Any, Any], _Worker]", idle: "list[_Worker]") -> None:
        while self._waiting and (idle or len(busy) < self._n_workers):
            call = self._waiting.popleft()
            if not call.attempts and not call.future.set_running_or_notify_cancel():
                continue
            worker = idle.pop() if idle else _Worker(self._context)
            worker.give(call)
            busy[worker.connection] = worker


def check_start(executor: Executor) -> None:
    """Refuse a pool of processes that are copies of this one: JAX's threads are not copied.

    Raises: ClusterError: if processes of the executor are forked, which is what
        `ProcessPoolExecutor` does on Linux up to Python 3.13 unless it is asked for another way.

    >>> from concurrent.futures import ProcessPoolExecutor
    >>> check_start(ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")))
    """
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise ClusterError(
            "executor must not fork processes, in which JAX waits for ever; make it with "
            "ProcessPoolExecutor(n, mp_context=multiprocessing.get_context('spawn'))"
        )


class _Worker:
    """A process that makes one call after the other.

    Attributes:
        connection: becomes ready when there is an answer, or the process has died.
        call: the present or last call.
    """

    call: _Call

    def __init__(self, context: Any) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        # With this end closed here, either process notices the death of the other.
        theirs.close()

    def give(self, call: _Call) -> None:
        self.call = call
        with suppress(OSError):  # if it has died, `collect` notices it
            self.connection.send((call.function, call.arguments))

    def collect(self) -> bool:
        """Pass the answer on to the future of the call; return False if the process died."""
        try:
            succeeded, value = self.connection.recv()
        except (EOFError, OSError):
            self.stop()
            return False
        if succeeded:
            self.call.future.set_result(value)
        else:
            self.call.future.set_exception(value)
        return True

    def end(self) -> str:
        code = self.process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        self.connection.close()
        self.process.join(_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(connection: "Connection[Any, Any]") -> None:
    """Make the calls that arrive, until the other side is gone."""
    # An interrupt from the keyboard reaches all processes; the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Leave by an exception, so that unfinished files are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    while True:
        try:
            function, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = True, function(*arguments)
        except Exception as error:  # noqa: BLE001 (any error of the function; the parent raises it)
            answer = False, _portable(error)
        try:
            connection.send(answer)
        except OSError:
            return


def _portable(error: Exception) -> Exception:
    """Return the error, or a RuntimeError with its text if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    except Exception:  # noqa: BLE001 (constructors of errors fail in many ways)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
