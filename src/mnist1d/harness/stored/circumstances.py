"""Under what circumstances a result came about: configuration, versions, machine, date."""

import dataclasses
import json
import platform
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.commit import commit_of_code
from mnist1d.execution.machine import processor_name
from mnist1d.execution.numerics import changed_settings
from mnist1d.harness.settings import as_json
from mnist1d.mnist import mnist_folder

PROTOCOL_IS_FREE_IN = ("seeds", "mnist_seeds", "deep_seeds", "mnist", "download_mnist")
"""Fields of a configuration that may change without leaving the paper's protocol."""
AMOUNTS = ("seconds", "compile_seconds", "units_found")
"""Attributes of a result that are summed over the points of a grid."""
CIRCUMSTANCES = (
    "config",
    "device",
    "experiment",
    "finished",
    "processor",
    "protocol",
    "settings",
    "versions",
)
"""Attributes of a result, texts, that say how it came about."""
IDENTITY = ("config", "commit", "settings", "mnist")
"""Attributes of a result that, with its experiment and version, determine all numbers."""


def follows_protocol(config: Any) -> bool:
    """Return whether a configuration is the paper's, with any number of seeds.

    >>> from mnist1d.experiments.classification import Config
    >>> follows_protocol(Config(seeds=9)), follows_protocol(Config.quick())
    (True, False)
    """
    free = {
        field.name: field.default
        for field in dataclasses.fields(config)
        if field.name in PROTOCOL_IS_FREE_IN
    }
    # Compared as JSON, as arrays in a user's configuration compare element by element.
    given, published = (
        json.loads(as_json(each)) for each in (dataclasses.replace(config, **free), type(config)())
    )
    return bool(given == published)


def identity(config: Any) -> dict[str, str | None]:
    """Return what the attributes `IDENTITY` of a run's result are; None for those it has not.

    Args:
        config: the run's configuration.

    >>> from mnist1d.experiments.pooling import Config
    >>> identity(Config())["mnist"] is None
    True
    """
    settings, is_used = changed_settings(), hasattr(config, "mnist")
    is_read = is_used and (mnist_folder(config.mnist) is not None or config.download_mnist)
    return {
        "config": as_json(_without_places(config)),
        "commit": commit_of_code(),
        "settings": json.dumps(settings) if settings else None,
        "mnist": ("read" if is_read else "left out") if is_used else None,
    }


def circumstances(*packages: str) -> dict[str, str]:
    """Return the circumstances that every result records: versions, machine, date.

    Global settings that change numbers are there if they are not the default ones.

    Args:
        *packages: packages whose versions are recorded in addition to the usual ones.
    """
    names = ("mnist1d", "numpy", "jax", "optax", *packages)
    versions = {name: metadata.version(name) for name in names}
    settings = changed_settings()
    devices = import_module("jax").devices()  # not on top, as a result that is found needs none
    return {
        **({"settings": json.dumps(settings)} if settings else {}),
        "versions": json.dumps({"python": platform.python_version()} | versions),
        "device": f"{len(devices)} x {devices[0].device_kind}",
        "processor": processor_name(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def environment() -> dict[str, Any]:
    """Return the version of mnist1d, and global settings that are not the default ones.

    With experiment and configuration, they determine all numbers.

    >>> list(environment())
    ['mnist1d']
    """
    settings = changed_settings()
    # Not named `settings`, which a task's key may have.
    return {"mnist1d": package_version()} | ({"global_settings": settings} if settings else {})


def package_version() -> str:
    """Return the version of mnist1d."""
    return metadata.version("mnist1d")


def differences_of_data(config: Any) -> str:
    """Return the differences of a configuration's dataset from the published one, as text."""
    given = [(getattr(config, each.name), each.default) for each in dataclasses.fields(config)]
    return ", ".join(
        difference
        for data, published in given
        if isinstance(data, DatasetConfig)
        for difference in data.differences(
            published if isinstance(published, DatasetConfig) else None
        )
    )


def _without_places(config: Any) -> dict[str, Any]:
    """Return the fields of a configuration, of folders only the name, as records are published."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for field in dataclasses.fields(config):
        if "Path" in str(field.type) and values[field.name] is not None:
            values[field.name] = Path(values[field.name]).name
    return values
