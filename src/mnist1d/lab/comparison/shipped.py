"""Finished rows that come with the package: the paper's models, tuned by the default protocol.

They cost nothing where a comparison has the protocol that they were made by; with any other, the
models train. They have no times, which would be those of another machine, and are used with other
versions of packages, too, whose rounding changes a run as another seed would. Made by
`record/tuned_references.py`.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.harness.settings import as_json
from mnist1d.harness.stored.commits import commits_of
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.statistics.yardsticks import TUNED

FILE = Path(__file__).with_name("tuned_references.json")
"""The rows; without the file, the models train in every comparison."""

_FREE = ("references", "baseline", "pairs", "margin", "max_parameters")
"""Fields of a protocol that change no run."""
_PER_SEED = (
    *("test_accuracy", "train_accuracy", "steps_to_target", "diverged", "shuffled_accuracy"),
    *("shift_accuracy", "size_accuracy", "validation_accuracy", "train_loss"),
)
_PREDICTIONS = "test_prediction"
_VERSION = re.compile(r"with [\w.-]+ \d\S*")
"""A line of `fingerprint.source_text`."""


def digest_of(protocol: Protocol) -> str:
    """Return a digest of all that determines the runs of a comparison.

    >>> digest_of(Protocol()) == digest_of(Protocol(baseline="mine", references="tuned"))
    True
    >>> digest_of(Protocol()) == digest_of(Protocol(seeds=6))
    False
    """
    config: Mapping[str, Any] = json.loads(as_json(protocol))
    kept = {name: value for name, value in config.items() if name not in _FREE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def digest_of_source(source: str) -> str:
    r"""Return the digest by which a row is of a candidate's source, with any versions of packages.

    >>> digest_of_source("def f(x):\nwith optax 0.2.8") == digest_of_source("def f(x):")
    True
    """
    lines = [line for line in source.splitlines() if not _VERSION.fullmatch(line)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def rows_of(result: xr.Dataset, protocol: Protocol) -> dict[str, Any]:
    """Return the rows of the paper's models, in the types of JSON.

    Args:
        result: of a comparison with `references="tuned"`.
        protocol: of the comparison.
    """
    names = result.candidate.values[result.is_reference.to_numpy().astype(bool)]
    return {
        "protocol": digest_of(protocol),
        "commits": list(commits_of(result)),
        **{name: result.attrs[name] for name in ("versions", "processor", "finished")},
        "rows": {str(name): _row(result.sel(candidate=name)) for name in names},
    }


def shipped_rows(protocol: Protocol) -> Mapping[str, Mapping[str, Any]]:
    """Return the finished rows of a protocol by name; none if there are none of it."""
    if protocol.references != TUNED:
        return {}
    try:
        found = json.loads(FILE.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    if found["protocol"] != digest_of(protocol):
        return {}
    about = {"commit": ", ".join(found["commits"]), "finished": found["finished"][:10]}
    return {name: {**row, **about} for name, row in found["rows"].items()}


def measured(row: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the labels and values of every final run of a row, as `entries.to_dataset` has them."""
    for seed, values in enumerate(row["runs"]):
        predictions = [int(digit, 36) for digit in values[_PREDICTIONS]]
        found = {name: _known(value) for name, value in values.items() if name != _PREDICTIONS}
        yield {"seed": seed}, {**found, _PREDICTIONS: np.array(predictions, np.int16)}


def _row(each: xr.Dataset) -> dict[str, Any]:
    n = each.n_parameters.item()
    return {
        "source": digest_of_source(str(each.source.item())),
        "settings": json.loads(str(each.settings.item())),
        "n_parameters": int(n) if np.isfinite(n) else None,
        "tuning_accuracy": each.tuning_accuracy.to_numpy().tolist(),
        "runs": [_run(each.isel(seed=i)) for i in range(each.sizes["seed"])],
    }


def _run(each: xr.Dataset) -> dict[str, Any]:
    values = {name: _plain(each[name].to_numpy().tolist()) for name in _PER_SEED if name in each}
    digits = "".join(np.base_repr(p, 36) for p in each[_PREDICTIONS].to_numpy().tolist())
    return values | {_PREDICTIONS: digits}


def _plain(value: Any) -> Any:
    """Return values with None for those that do not exist, which JSON has not."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int) or np.isfinite(value) else None


def _known(value: Any) -> Any:
    """Return values as `_plain` found them."""
    if isinstance(value, list):
        return [_known(each) for each in value]
    return np.nan if value is None else value
