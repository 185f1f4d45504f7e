"""Findings of the results in a folder, and errors of those that cannot be read."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write
from mnist1d.harness import record
from mnist1d.harness.findings import Findings, attempt_findings, findings_of, judged
from mnist1d.harness.interface import Experiment
from mnist1d.harness.stored.lock import locked
from mnist1d.harness.stored.own import ATTRIBUTE, stored_findings
from mnist1d.harness.stored.texts import one_line
from mnist1d.harness.verdicts.reference import recorded

CLAIMS, RESULT = "claims.json", "result.nc"

Records = list[dict[str, Any]]
"""Claims with what was measured, in the types of JSON."""

_known: dict[tuple[str, str, str], Records] = {}


@contextmanager
def needs_of(name: str, path: Path) -> Iterator[None]:
    """Say which file it is if a result lacks what is made of it inside the block.

    Args:
        name: of the experiment.
        path: of the file.

    Raises: ValueError: naming the file and what to do.
    """
    try:
        yield
    except (ImportError, NameError, OSError):
        raise  # has nothing to do with the result
    except Exception as error:  # an experiment may trust its own results, and these may be anyone's
        if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
            raise  # our own mistake
        what = one_line(f"{type(error).__name__}: {error}")
        raise ValueError(
            f"{path} does not hold what {name} of this version needs ({what}); remove it and run "
            "again"
        ) from error


def load_findings(experiment: Experiment, folder: checks.StrPath) -> Findings:
    """Read the result of an experiment, judge its claims and make its table.

    Args:
        experiment: its module.
        folder: where the result is; of a grid of settings there are neither claims nor a table.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if the file is damaged or of another experiment, or does not hold what is
            needed.
    """
    folder = checks.path("folder", folder)
    result = record.load(experiment, folder, grids=True)
    if "grid" in result.attrs:
        return Findings(experiment, result, (), ())
    with needs_of(experiment.NAME, folder / RESULT):
        return findings_of(experiment, result)


def findings_in(result: xr.Dataset, experiment: Experiment | None) -> Findings | None:
    """Return what was found in a result, as far as that is known.

    Args:
        result: of any experiment.
        experiment: its module; without it, what `mnist1d run` stored in the result is read.

    Raises: ValueError: if that is damaged.
    """
    if experiment is not None:
        return attempt_findings(experiment, result)
    return stored_findings(result) if ATTRIBUTE in result.attrs else None


def save_claims(experiments: Sequence[Experiment], folder: checks.StrPath) -> Mapping[str, str]:
    """Write `claims.json`: every claim of all results in a folder, with what was measured.

    Those of experiments of one's own come last. It is made of what the folder holds, so that
    several processes may write to one at a time.

    Args:
        experiments: in the order in which their claims are written; each has a folder inside.
        folder: that of the results.

    Returns: what is wrong with the results that are left out, by experiment.
    Raises: OSError: if the file cannot be written.
    """
    folder = checks.path("folder", folder)
    records: Records = []
    wrong = {}
    with locked(folder / f".{CLAIMS}.lock"):
        for experiment in experiments:
            try:
                records += _records(experiment, folder / experiment.NAME)
            except FileNotFoundError:
                continue
            except ValueError as error:
                wrong[experiment.NAME] = str(error)
        taken = {experiment.NAME for experiment in experiments}
        for path in sorted(folder.glob(f"*/{RESULT}")):
            if path.parent.name not in taken:
                try:
                    records += _own_records(path)
                except ValueError as error:
                    wrong[path.parent.name] = str(error)
        text = json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        with atomic_write(folder / CLAIMS) as file:
            file.write(text.encode())
    return wrong


def _own_records(path: Path) -> Records:
    """Return the claims of an experiment of one's own, by the folder's name; else none."""
    result, name = record.read(path), path.parent.name
    if ATTRIBUTE not in result.attrs:
        return []
    with needs_of(name, path):
        return stored_findings(result, name).records()


def _records(experiment: Experiment, folder: Path) -> Records:
    """Judge the result in a folder; the same file is judged once, with the same record."""
    path = folder / RESULT
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    key = experiment.NAME, content, str(recorded(experiment))
    if key not in _known:
        result = record.load(experiment, folder, grids=True)
        with needs_of(experiment.NAME, path):
            judgements = () if "grid" in result.attrs else tuple(judged(experiment, result))
            _known[key] = Findings(experiment, result, judgements, ()).records()
    return _known[key]
