"""One thread for linear algebra, while several experiments compute at the same time.

The limit of a linear algebra library is the process's: whoever puts it back while another still
needs it would change the other's time and, as sums in another order end in other bits, its numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import threadpoolctl
from threadpoolctl import threadpool_limits

_LOCK = Lock()
_HELD: list[threadpool_limits] = []
"""The limit as the first of those who need it set it, and once more for every other one."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra use one thread until the last of these blocks is left, in any thread.

    >>> from threadpoolctl import threadpool_info
    >>> with one_thread():
    ...     {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} - {1}
    set()
    """
    with _LOCK:
        if not _HELD:
            _take_control()
            _HELD.append(threadpool_limits(1, user_api="blas"))
        else:
            _HELD.append(_HELD[0])
    try:
        # OpenMP counts threads by thread.
        with threadpool_limits(1, user_api="openmp"):
            yield
    finally:
        with _LOCK:
            limit = _HELD.pop()
            if not _HELD:
                _take_control()
                limit.restore_original_limits()


def _take_control() -> None:
    """Let this thread set the limit: threadpoolctl 3.8 has no other do so than the first."""
    controller = getattr(threadpoolctl, "OpenBLASController", None)
    clear = getattr(controller, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)
