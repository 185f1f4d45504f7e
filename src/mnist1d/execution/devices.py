"""JAX's devices: one per CPU core, a cache of compiled programs, and which devices are free."""

import os
import queue
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import jax
import platformdirs

from mnist1d.execution.machine import count_cores


def use_all_cores() -> None:
    """Make every CPU core a device of JAX, so that runs spread over them.

    Does nothing if JAX already runs (its devices cannot change any more) or the user chose a number
    (`JAX_NUM_CPU_DEVICES`, or `xla_force_host_platform_device_count` in `XLA_FLAGS`). Where JAX
    finds GPUs, their number does not change.

    >>> n_devices = jax.device_count()  # JAX runs from here on
    >>> use_all_cores()
    >>> jax.device_count() == n_devices
    True
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if "JAX_NUM_CPU_DEVICES" in os.environ or "xla_force_host_platform_device_count" in flags:
        return
    try:
        jax.config.update("jax_num_cpu_devices", count_cores())
    except RuntimeError:  # raised once a backend exists
        return


def keep_compiled_programs() -> None:
    """Turn on JAX's persistent compilation cache, in the user's cache folder.

    `JAX_COMPILATION_CACHE_DIR` names another folder; `JAX_ENABLE_COMPILATION_CACHE=false`
    turns it off. Does nothing where the user's cache folder is unknown or cannot be written.

    >>> keep_compiled_programs()  # doctest: +SKIP
    """
    if needs_cache_folder():
        folder = cache_folder()
        if folder is None or not _is_writable(folder):
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def needs_cache_folder() -> bool:
    """Return whether compiled programs are to be stored, and the user has named no folder for them.

    >>> needs_cache_folder() in (True, False)
    True
    """
    chosen = jax.config.values
    is_on = chosen.get("jax_enable_compilation_cache", True)
    return bool(is_on) and chosen.get("jax_compilation_cache_dir") is None


def cache_folder() -> Path | None:
    """Return the user's folder for compiled programs; None if the user has no home folder.

    >>> folder = cache_folder()
    >>> folder is None or folder.name == "jax"
    True
    """
    try:
        folder = Path(platformdirs.user_cache_dir("mnist1d")) / "jax"
    except RuntimeError:
        return None
    # Older versions of platformdirs return `~/.cache` where there is no home.
    return folder if folder.is_absolute() else None


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


_lock = threading.Lock()
# Processes in which the program, and not this module, configures JAX.
_owned: set[int] = set()


def leave_as_set_up() -> None:
    """Mark this process as no worker, so that its configuration of JAX is not changed."""
    _owned.add(os.getpid())


@contextmanager
def free_device(*, all_devices: bool = False) -> Iterator[jax.Device]:
    """Wait for one of as many places as there are devices, and take it; or all of them.

    A place is a GPU of one's own, or a CPU core; but every thread on a CPU gets the first device,
    which computes in several threads: a program is compiled and stored for one device, so that
    every other device would have to compile it again.

    Args:
        all_devices: whether to wait for all; the first is then returned.

    >>> with free_device() as device:
    ...     device in jax.devices()
    True
    """
    with _lock:
        free = _free_devices()
    if all_devices:
        # One thread at a time: two with some of the devices each would wait for ever.
        with _collecting:
            taken = [free.get() for _ in jax.devices()]
    else:
        taken = [free.get()]
    try:
        yield taken[0]
    finally:
        for device in reversed(taken):
            free.put(device)


_collecting = threading.Lock()


@cache
def _free_devices() -> queue.LifoQueue[jax.Device]:
    """Return the places that no thread uses: GPUs, or the first CPU device once per core.

    The GPU that was used last is the first, as it holds compiled programs.
    """
    if os.getpid() not in _owned:
        use_all_cores()
        keep_compiled_programs()
    free: queue.LifoQueue[jax.Device] = queue.LifoQueue()
    first, *_ = devices = jax.devices()
    for device in reversed(devices):
        free.put(first if first.platform == "cpu" else device)
    return free
