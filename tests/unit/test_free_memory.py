"""What is freed goes back to the system, and not only to the process."""

import platform
import subprocess
import sys
import textwrap

import pytest

FREED = """
    import re
    from pathlib import Path

    import numpy as np

    from mnist1d.execution.machine import return_free_memory

    def resident():
        return int(re.search(r"VmRSS:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

    blocks = [np.ones(1000) for _ in range(10_000)]
    kept = blocks[::1000]  # so that the heap has no free end
    full = resident()
    del blocks
    freed = resident()
    return_free_memory()
    print(full, freed, resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs Linux with glibc")
def test_memory_between_what_is_kept_is_given_back():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FREED)], check=True, capture_output=True, text=True
    )
    full, freed, returned = map(int, done.stdout.split())
    of_blocks = 10_000 * 8  # kB
    assert full > of_blocks
    assert freed - returned > 0.8 * of_blocks
