"""The cores and the name of this machine's processor, and memory that is given back to it."""

import ctypes
import gc
import os
import platform
import sys
from pathlib import Path


def count_cores() -> int:
    """Count the cores that this process may use; on macOS and Windows all cores.

    >>> count_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name() -> str:
    """Return the name of the processor, from Linux's /proc or from Python.

    >>> isinstance(processor_name(), str)
    True
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def return_free_memory() -> None:
    """Give memory back that is free but kept by the C library, on Linux with glibc.

    What an experiment has freed would otherwise stay in the process, beside what the next one
    takes: of classification with MNIST 760 of 1,400 MiB.

    >>> return_free_memory()
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
