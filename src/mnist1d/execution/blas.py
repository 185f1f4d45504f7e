"""A limit on threads for linear algebra, shared by all threads that need it.

A linear algebra library has one limit per process: lifting it while another thread still needs it
would change that thread's time and, as sums in another order differ in their last bits, its
numbers.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock

import threadpoolctl
from threadpoolctl import threadpool_info, threadpool_limits

_LOCK = Lock()
_HELD: list[int] = []
"""The number of threads, once for every block that needs it; the first block set it."""
_LIMITS: list[threadpool_limits] = []
"""What to lift with the last block: the first one's limit, and those of libraries loaded later."""


def one_thread() -> AbstractContextManager[None]:
    """Let linear algebra use one thread until the last of these blocks is left, in any thread.

    >>> from threadpoolctl import threadpool_info
    >>> with one_thread():
    ...     {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} - {1}
    set()
    """
    return limited_threads(1)


@contextmanager
def limited_threads(n: int) -> Iterator[None]:
    """Let linear algebra and PyTorch use so many threads until the last of these blocks is left.

    Libraries that are loaded inside a block have the limit from the next block on, which may be
    inside it.

    Args:
        n: at least 1; where another thread is in such a block, its number holds.
    """
    with _LOCK:
        _HELD.append(_HELD[0] if _HELD else n)
        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        if any(pool["num_threads"] != _HELD[0] for pool in pools):
            _take_control()
            _LIMITS.append(threadpool_limits(_HELD[0], user_api="blas"))
    try:
        # OpenMP has a limit per thread.
        with threadpool_limits(n, user_api="openmp"), _limited_torch(n):
            yield
    finally:
        with _LOCK:
            _HELD.pop()
            if not _HELD and _LIMITS:
                _take_control()
                while _LIMITS:
                    _LIMITS.pop().restore_original_limits()


@contextmanager
def _limited_torch(n: int) -> Iterator[None]:
    """Limit PyTorch, whose libraries the limit above does not see, if it is in use."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _take_control() -> None:
    """Let this thread set the limit, which threadpoolctl 3.8 allows only the first that did."""
    controller = getattr(threadpoolctl, "OpenBLASController", None)
    clear = getattr(controller, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)
