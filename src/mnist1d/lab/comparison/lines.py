"""Progress of a comparison as lines of text, for programs and notebooks."""

import sys
import time

_EVERY_SECONDS = 10.0


class Lines:
    """Writes on standard error what is going on: remarks at once, progress every ten seconds.

    >>> lines = Lines()
    >>> lines("relu, tuning", 100, 90_000)  # too early for a line
    """

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Take note of progress, as `harness.interface.Progress` says."""
        now = time.monotonic()
        if not total:
            self._write(task)
        elif now - self._last >= _EVERY_SECONDS:
            self._last = now
            seconds = now - self._start
            passed = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
            self._write(f"{task}: step {done:,} of {total:,}, after {passed}")

    def _write(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
