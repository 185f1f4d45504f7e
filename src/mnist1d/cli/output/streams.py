"""The standard streams of a command where its caller has closed some of them, as by `2>&-`."""

import os
import sys

_MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}


def open_closed_streams() -> None:
    """Put the null device in the place of closed standard streams, which Python has as None.

    Otherwise the next file that is opened would get the number of the stream, and what a library or
    another process writes to the stream would go into that file.
    """
    for name, mode in _MODES.items():
        if getattr(sys, name) is None:
            # The lowest free number, which is the stream's.
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
