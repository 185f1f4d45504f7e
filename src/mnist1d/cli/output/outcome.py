"""The outcome of a command: its JSON document, and its failed parts."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = Path(__file__).with_name("schema.json")
"""JSON Schema (2020-12) of what every command writes with `--json`."""


class Outcome(NamedTuple):
    """What a command leaves to the one who called it.

    Attributes:
        document: what it found, where a document is asked for.
        failed: what of it failed, in one line; empty if nothing did.
        stopped: that it was stopped before all was finished, in one line; empty if it was not.
    """

    document: Mapping[str, Any] | None = None
    failed: str = ""
    stopped: str = ""


@contextmanager
def standard_output_kept() -> Iterator[None]:
    """Send to standard error what others write to standard output: users' files, workers."""
    sys.stdout.flush()
    try:
        number = sys.stdout.fileno()
    except OSError:  # one that is only Python's
        number = -1
    kept = os.dup(number) if number == 1 else -1
    try:
        if kept >= 0:
            os.dup2(2, number)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if kept >= 0:
            os.dup2(kept, number)
            os.close(kept)
