"""Progress as lines of text, for programs, notebooks and logs."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

_EVERY_SECONDS = 10.0


def to_standard_error(line: str) -> None:
    """Write a line on standard error at once, if there is one."""
    if sys.stderr is not None:  # for which `print` would take standard output
        print(line, file=sys.stderr, flush=True)  # noqa: T201


class Lines:
    """Writes a line for every finished task, one every ten seconds for a long one, and remarks.

    >>> lines = Lines(print, clock=lambda: 0.0)
    >>> lines("relu, tuning", 0, 90_000)
    >>> lines("relu, tuning", 90_000, 90_000)
    relu, tuning: 90,000 of 90,000, 0 s
    >>> lines("relu failed", 0, 0)
    relu failed
    """

    def __init__(
        self,
        write: Callable[[str], None] = to_standard_error,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._clock = clock
        self._start: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._finished: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Report progress, as `harness.interface.Progress`."""
        if total == 0:
            self.note(task)
            return
        now = self._clock()
        if done == 0 or task not in self._start:
            self._start[task] = self._last[task] = now
            self._finished.discard(task)
        is_due = done > 0 and now - self._last[task] >= _EVERY_SECONDS
        # A task may report its end more than once.
        if task not in self._finished and (done == total or is_due):
            self._last[task] = now
            self.note(f"{task}: {done:,} of {total:,}, {now - self._start[task]:.0f} s")
        if done == total:
            self._finished.add(task)

    def note(self, line: str, /) -> None:
        """Write a line."""
        self._write(" ".join(line.split()))

    @contextmanager
    def group(self) -> Iterator["Lines"]:
        """Return a separate group of lines, whose tasks may have the same names."""
        yield Lines(self._write, self._clock)
