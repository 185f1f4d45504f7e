"""How commands end: exit codes, one line per error, and readers that stop reading.

Nothing here needs more than Python, so that it works where packages are missing.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

DONE, BROKEN, REFUSED, INCOMPLETE, STOPPED, INTERRUPTED, CLOSED = 0, 1, 2, 3, 4, 130, 141

EXIT_CODES = {
    DONE: "done; claims that differ from the paper are a finding, not a failure",
    BROKEN: "a package is missing (the line says how to install it), or Python's traceback",
    REFUSED: "wrong usage or input: an option, a value, a file, a folder, a scheduler",
    INCOMPLETE: "finished, but candidates, claims, figures or all runs failed, or a file is bad",
    STOPPED: "stopped by `--budget-seconds` before all was finished; finished work is kept",
    INTERRUPTED: "interrupted (Ctrl-C, or the signal SIGTERM); finished work is kept",
    CLOSED: "the reader of the output stopped reading, such as `head`",
}
"""What the exit codes mean, the same for all commands."""

_LONGEST_LINE = 1000
_LONGEST_VALUE = 60


@contextmanager
def interrupted_by_termination() -> Iterator[None]:
    """Treat SIGTERM, by which batch systems announce that they will stop a run, as Ctrl-C.

    A second one ends the process at once, as it does outside of commands.
    """
    if threading.current_thread() is not threading.main_thread():  # where no signal arrives
        yield
        return
    former = signal.getsignal(signal.SIGTERM)

    def interrupt(*_: Any) -> NoReturn:
        signal.signal(signal.SIGTERM, former)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def fail(message: str, code: int = REFUSED) -> NoReturn:
    """End the command with one line on what is wrong."""
    complain(message)
    raise SystemExit(code)


def complain(message: str) -> None:
    """Write one line on what is wrong."""
    print(f"mnist1d: {one_line(message)}", file=sys.stderr)  # noqa: T201


def one_line(text: str) -> str:
    r"""Return a text as one line of a length that can be read.

    >>> one_line("array must be rising, not [1\n 0]")
    'array must be rising, not [1 0]'
    """
    line = " ".join(part for part in map(str.strip, text.splitlines()) if part)
    if len(line) <= _LONGEST_LINE:
        return line
    return f"{line[: _LONGEST_LINE // 2]} ... {line[-_LONGEST_LINE // 2 :]}"


def cut(text: str) -> str:
    """Return what was typed, as a line that is not long."""
    line = one_line(text)
    return line if len(line) <= _LONGEST_VALUE else f"{line[: _LONGEST_VALUE - 3]}..."


def say(text: str) -> None:
    """Write a result; end the command if the reader has closed the output."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        end_unread()


def end_unread() -> NoReturn:
    """End the command because the reader of its output has gone."""
    # What is still in the buffer would be tried again, and complained of, when Python ends.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(CLOSED)
