"""How JAX is set up: one device per CPU core, compiled programs kept."""

import os
from pathlib import Path

import jax
import platformdirs


def use_all_cores() -> None:
    """Make every CPU core a device of JAX, so that runs spread over them.

    Does nothing when JAX already runs (its devices cannot change any more) or when the user
    chose a number (`JAX_NUM_CPU_DEVICES`). GPUs, where JAX sees them, are used as they are.

    >>> n_devices = jax.device_count()  # JAX runs from here on
    >>> use_all_cores()
    >>> jax.device_count() == n_devices
    True
    """
    if "JAX_NUM_CPU_DEVICES" in os.environ:
        return
    try:
        jax.config.update("jax_num_cpu_devices", _count_cores())
    except RuntimeError:  # raised once a backend exists
        return


def keep_compiled_programs() -> None:
    """Turn on JAX's persistent compilation cache, in the user's cache folder.

    `JAX_COMPILATION_CACHE_DIR` names another folder; `JAX_ENABLE_COMPILATION_CACHE=false`
    turns it off.

    >>> keep_compiled_programs()  # doctest: +SKIP
    """
    if jax.config.values.get("jax_compilation_cache_dir") is None:
        folder = Path(platformdirs.user_cache_dir("mnist1d")) / "jax"
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _count_cores() -> int:
    """Count the cores that this process may use; macOS and Windows cannot tell, so all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
