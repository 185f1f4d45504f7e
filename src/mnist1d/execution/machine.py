"""The cores and the name of this machine's processor."""

import os
import platform
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
