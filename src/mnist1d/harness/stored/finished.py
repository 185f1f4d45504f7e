"""Results that are finished: the same run finds its result, and computes nothing."""

import hashlib
import json
from pathlib import Path
from typing import Any

import xarray as xr

from mnist1d.dataset import checks
from mnist1d.execution.commit import CHANGED, commit_of_code
from mnist1d.harness import record
from mnist1d.harness.interface import Experiment
from mnist1d.harness.stored.circumstances import IDENTITY, identity, package_version

ADDED = "added"
"""Attribute of a result to which something was added that its run does not return."""


def find_finished(experiment: Experiment, config: Any, folder: checks.StrPath) -> xr.Dataset | None:
    """Return the stored result of a run, if there is one.

    Args:
        experiment: its module.
        config: its configuration.
        folder: that of the experiment.

    Returns: the result, as it was stored; None if there is none that is of the same configuration,
        code, version and settings, or if the code has changes that are in no commit. What is
        damaged is none either: the run notices it, and replaces it.
    """
    if commit_of_code().endswith(CHANGED):
        return None
    try:
        result = record.load(experiment, folder)
    except (FileNotFoundError, ValueError):
        return None
    attributes = result.attrs
    version = json.loads(attributes.get("versions", "{}")).get("mnist1d")
    is_same = (
        ADDED not in attributes
        and version == package_version()
        and {name: attributes.get(name) for name in IDENTITY} == identity(config)
    )
    return result if is_same else None


def save_finished(
    experiment: Experiment, result: xr.Dataset, folder: checks.StrPath, *, is_new: bool
) -> None:
    """Write a result, if it is new, and its figures, unless this code has drawn them from it.

    Args:
        experiment: its module.
        result: what it returned.
        folder: that of the experiment.
        is_new: whether the result is not that of the folder.
    """
    folder = checks.path("folder", folder)
    if is_new:
        record.write(result, folder / "result.nc")
    mark = _mark(folder / "result.nc")
    drawn = [path for path in folder.glob("*.png") if mark.encode() in path.read_bytes()]
    of_all = f"{mark} of {len(drawn)}"
    if not drawn or not all(record.has_figure(path.with_suffix(""), of_all) for path in drawn):
        record.save_figures(experiment, result, folder, mark)


def _mark(path: Path) -> str:
    """Return a digest of a result and of the code that draws it."""
    about = f"{package_version()} {commit_of_code()}"
    return hashlib.sha256(path.read_bytes() + about.encode()).hexdigest()
