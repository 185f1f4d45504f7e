"""Global settings of JAX and PyTorch that change numbers, and so belong to a result's key.

Optimisation levels of the compiler are not among them: like processors, they differ in rounding.
"""

import os
import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from importlib import import_module
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_JAX: dict[str, Any] = {
    "jax_default_matmul_precision": None,
    "jax_default_prng_impl": "threefry2x32",
    "jax_enable_x64": False,
    "jax_high_dynamic_range_gumbel": False,
    "jax_random_seed_offset": 0,
    "jax_softmax_custom_jvp": False,
    "jax_threefry_partitionable": True,
}
_TORCH = {"get_default_dtype": "torch.float32", "get_float32_matmul_precision": "highest"}
_DEFAULTS = {"XLA_FLAGS": "", **{name: str(value) for name, value in {**_JAX, **_TORCH}.items()}}
_FLAGS = ("determin", "fast_math", "precision", "tf32")
"""What the names of those flags of XLA have in them that change numbers."""


def cached_by_settings(maxsize: int) -> Callable[[Function], Function]:
    """Return `functools.lru_cache` for a function whose results depend on global settings.

    >>> import jax
    >>> @cached_by_settings(2)
    ... def draw(seed):
    ...     return jax.random.key(seed)
    >>> draw(0) is draw(0)
    True
    """

    def decorate(function: Any) -> Any:
        @lru_cache(maxsize)
        def cached(_: tuple[str, ...], *arguments: Any) -> Any:
            return function(*arguments)

        @wraps(function)
        def found(*arguments: Any) -> Any:
            return cached(tuple(number_settings().values()), *arguments)

        return found

    return decorate


def number_settings() -> dict[str, str]:
    """Return all global settings that change numbers, as texts.

    >>> number_settings()["jax_enable_x64"]
    'False'
    """
    flags = os.environ.get("XLA_FLAGS", "").split()
    chosen = [flag for flag in flags if any(part in flag.partition("=")[0] for part in _FLAGS)]
    found = {"XLA_FLAGS": " ".join(sorted(chosen))}
    found |= {name: str(value) for name, value in (_JAX | jax_settings()).items()}
    torch = sys.modules.get("torch")  # if not imported, its settings are unchanged
    for name, default in _TORCH.items():
        found[name] = str(getattr(torch, name, lambda default=default: default)())
    return found


def jax_settings() -> dict[str, Any]:
    """Return the settings of JAX that change numbers.

    >>> jax_settings()["jax_enable_x64"]
    False
    """
    # Not imported, it has the settings of its environment, and it takes a while to import.
    if "jax" not in sys.modules and not any(name.upper() in os.environ for name in _JAX):
        return dict(_JAX)
    config = import_module("jax").config
    return {name: getattr(config, name) for name in _JAX if hasattr(config, name)}


def changed_settings() -> dict[str, str]:
    """Return the settings that are not the default ones.

    >>> import jax
    >>> changed_settings()
    {}
    >>> with jax.default_matmul_precision("bfloat16"):
    ...     changed_settings()
    {'jax_default_matmul_precision': 'bfloat16'}
    """
    return {name: value for name, value in number_settings().items() if value != _DEFAULTS[name]}
