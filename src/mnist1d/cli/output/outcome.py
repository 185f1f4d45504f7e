"""The outcome of a command: its JSON document, and its failed parts."""

import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = Path(__file__).with_name("schema.json")
"""JSON Schema (2020-12) of what every command writes with `--json`."""

# A list of numbers or texts, one per line; no text has an end of line in JSON.
_LIST = re.compile(r"\[(?:\n *[^\n\[\]{}]+)+\n *\]")


class Outcome(NamedTuple):
    """What a command leaves to the one who called it.

    Attributes:
        document: what it found, where a document is asked for.
        failed: what of it failed, in one line; empty if nothing did.
    """

    document: Mapping[str, Any] | None = None
    failed: str = ""


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


def as_text(document: Mapping[str, Any] | None) -> str:
    """Write a document; numbers that do not exist are null.

    >>> print(as_text({"mean": float("nan"), "values": [1, 2]}))
    {
      "mean": null,
      "values": [ 1, 2 ]
    }
    """
    lines = json.dumps(_plain(document), indent=2, allow_nan=False)
    return _LIST.sub(lambda found: re.sub(r"\n *", " ", found[0]), lines)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
