"""Verifying a record: running the code in it again, and comparing the numbers.

The same code with the same versions on the same kind of processor gives the same predictions, bit
for bit. Elsewhere numbers are rounded in another way, and training makes that large: a run becomes
another one of the same distribution, as if it had another seed. Then two means of n runs differ by
at most their difference's standard error times Student's t for 99 % (2n - 2 degrees of freedom) in
99 of 100 repetitions; that is the tolerance. Where all runs of a candidate agree, as of a method
without random numbers, it is the score's `step`: half a point, or 20 steps. How many runs have a
score, as those that reach a target, may differ by what Fisher's exact test at 1 % allows.
"""

import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Group, RenderableType
from rich.text import Text

from mnist1d.dataset import checks
from mnist1d.harness.documents import describe, parsed
from mnist1d.harness.interface import InputError, Progress
from mnist1d.harness.loading import load_module
from mnist1d.harness.stored.commits import commits_of
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.leaderboard.records import DIGEST, Record, read_record
from mnist1d.lab.leaderboard.sources import written
from mnist1d.lab.statistics.tables import new_table
from mnist1d.lab.tracks import Score
from mnist1d.measures.text import mean_with_interval
from mnist1d.measures.uncertainty import Estimate, estimate

CONFIDENCE = 0.99
"""Of the interval that is the tolerance."""

_SAME = ("test_prediction", "validation_accuracy", "test_accuracy")
_DEPENDS_ON_PYTHON = re.compile(r"\s*(byte code [0-9a-f]+|with \S+ \S+)")
_FILE = re.compile(r"mnist1d_file_[0-9a-f]{16}_")


@dataclass(frozen=True)
class Repetition:
    """A candidate of a record, beside its repetition.

    Attributes:
        candidate: its name.
        recorded: mean score in the record, in the unit of the track.
        found: mean score here.
        tolerance: by how much the two may differ.
        is_identical: whether all predictions and curves are the same, bit for bit.
        recorded_settings: what the record says was chosen on validation data, as JSON.
        found_settings: what was chosen here.
        problem: why the candidate is refuted; empty if it is not.
    """

    candidate: str
    recorded: Estimate
    found: Estimate
    tolerance: float
    is_identical: bool
    recorded_settings: str
    found_settings: str
    problem: str


@dataclass(frozen=True, eq=False, repr=False)
class Verification:
    """What a repetition of a record found; prints as a table.

    Attributes:
        record: the record.
        repetitions: one per candidate, in the record's order.
        differences: in which versions, processor and code the two differ, a line each; if there is
            none, identical numbers are expected.
    """

    record: Record
    repetitions: tuple[Repetition, ...]
    differences: tuple[str, ...]

    @property
    def problems(self) -> dict[str, str]:
        """Why candidates are refuted, by name; empty if the record is verified."""
        return {each.candidate: each.problem for each in self.repetitions if each.problem}

    @property
    def verified(self) -> bool:
        """Whether every candidate was found as it is recorded, within the tolerance."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """Return what `mnist1d verify --json` writes."""
        return {
            "track": self.record.track.name,
            "author": self.record.author,
            "finished": self.record.finished,
            "verified": self.verified,
            "identical": all(each.is_identical for each in self.repetitions),
            "differences": list(self.differences),
            "candidates": [
                {
                    "name": each.candidate,
                    "recorded": describe(each.recorded),
                    "found": describe(each.found),
                    "tolerance": each.tolerance,
                    "identical": each.is_identical,
                    "recorded_settings": parsed(each.recorded_settings),
                    "found_settings": parsed(each.found_settings),
                    "problem": each.problem or None,
                }
                for each in self.repetitions
            ],
        }

    def table(self) -> Group:
        """Return the table of both, and what follows from it, to be printed by `rich`."""
        track, n = self.record.track, self.record.result.sizes["seed"]
        table = new_table(
            f"Track {track.name}: {track.score.shown}, mean ± half the 95 % interval, n = {n}",
            "",
            "recorded",
            "here",
            "tolerance",
            "",
        )
        for each in self.repetitions:
            table.add_row(
                Text(each.candidate),
                *(mean_with_interval(mean, n) for mean in (each.recorded, each.found)),
                f"± {each.tolerance:.2g}",
                "identical" if each.is_identical else "differs" if each.problem else "within it",
            )
        return Group(table, *_lines(self), Text(self.conclusion))

    @property
    def conclusion(self) -> str:
        """What was found, in a sentence."""
        if self.problems:
            reasons = "; ".join(f"{name}: {problem}" for name, problem in self.problems.items())
            return f"Not verified. {reasons}"
        if all(each.is_identical for each in self.repetitions):
            return "Verified: the same predictions, bit for bit."
        return "Verified: the same scores within the tolerance."

    def __rich__(self) -> Group:
        return self.table()


def verify(
    path: checks.StrPath,
    *,
    trust: bool = False,
    folder: checks.StrPath | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Run a record again, from the code in it, and compare the scores.

    The code of a record is that of whoever made it, and runs with your rights, as any program that
    you start: read it (`read_record(path).files`), and run what you do not know in a container.

    Args:
        path: of the record.
        trust: whether its code may run.
        folder: where finished runs are kept until all are, so that the same call continues after an
            interruption; None to keep nothing.
        progress: called with the progress of the comparison.

    Returns: scores recorded and found, with the tolerance. `verified` is whether all agree; a
        candidate that fails, has other code than the record says or another number of parameters
        does not. Chosen settings may differ where scores are near each other, and are shown.

    Raises:
        FileNotFoundError: if there is no such file.
        InputError: if it is no record or was changed; without `trust`; or if its code cannot be
            run.

    >>> verify("no/record.nc")
    Traceback (most recent call last):
        ...
    FileNotFoundError: no result at no/record.nc
    """
    record = read_record(path)
    if not trust:
        raise InputError(
            f"{path} has code of {record.author} ({', '.join(record.files)}), which verifying runs "
            "with your rights: read it, and allow it with trust=True"
        )
    return repeat(record, folder=folder, progress=progress)


def repeat(
    record: Record,
    *,
    folder: checks.StrPath | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Run the code of a record that was read, and compare; see `verify`."""
    place = None
    if folder is not None:
        # Runs of another record must not pass for repetitions of this one.
        place = checks.path("folder", folder) / str(record.result.attrs[DIGEST])[:16]
    with written(record.files) as file:
        module, _ = load_module(file)
        candidates: Any = getattr(module, "CANDIDATES", None)
        found = compare(candidates, track=record.track.name, folder=place, progress=progress).result
    if place is not None:
        _forget(place)
    differences = _differences(record.result, found)
    repetitions = tuple(
        _repetition(record, found, name, is_same_code=not _versions_differ(record.result, found))
        for name in record.candidates
    )
    return Verification(record, repetitions, tuple(differences))


def _forget(place: Path) -> None:
    """Remove the runs of a verification that is finished: the next one runs all again."""
    shutil.rmtree(place)
    with suppress(OSError):  # there are runs of other records
        place.parent.rmdir()


def tolerance_of(recorded: np.ndarray, found: np.ndarray, score: Score) -> float:
    """Return by how much the means of two repetitions may differ.

    Args:
        recorded: score of every run, shape (n,).
        found: those of the repetition, shape (n,).
        score: what they are.

    >>> from mnist1d.lab.tracks import TRACKS
    >>> score = TRACKS["small"].score
    >>> tolerance_of(np.array([90.0, 90.0]), np.array([90.0, 90.0]), score)
    0.5
    >>> runs = np.array([90.0, 91.0, 92.0, 91.0, 91.0])
    >>> round(tolerance_of(runs, runs, score), 2)
    1.5
    """
    known = [values[np.isfinite(values)] for values in (recorded, found)]
    sizes = [len(values) for values in known]
    if min(sizes) < 2:
        return score.step
    error = np.sqrt(sum(values.var(ddof=1) / len(values) for values in known))
    t = import_module("scipy.special").stdtrit(sum(sizes) - 2, (1 + CONFIDENCE) / 2)
    return max(score.step, float(t * error))


def _repetition(record: Record, found: xr.Dataset, name: str, *, is_same_code: bool) -> Repetition:
    score, recorded = record.track.score, record.result.sel(candidate=name)
    before = record.track.scores(record.result, name)
    if name not in found.candidate.values:
        nothing = estimate(np.full(len(before), np.nan))
        return Repetition(
            name,
            estimate(before),
            nothing,
            score.step,
            is_identical=False,
            recorded_settings=str(recorded.settings.item()),
            found_settings="null",
            problem="the code has no candidate of this name",
        )
    now, again = record.track.scores(found, name), found.sel(candidate=name)
    tolerance = tolerance_of(before, now, score)
    return Repetition(
        name,
        estimate(before),
        estimate(now),
        tolerance,
        is_identical=_are_identical(recorded, again),
        recorded_settings=str(recorded.settings.item()),
        found_settings=str(again.settings.item()),
        problem=str(again.failure.item())
        or _problem_of_code(recorded, again, is_same_code=is_same_code)
        or _problem_of_scores(before, now, tolerance, score),
    )


def _are_identical(recorded: xr.Dataset, found: xr.Dataset) -> bool:
    return all(
        np.array_equal(
            recorded[name].to_numpy(),
            found[name].to_numpy(),
            equal_nan=recorded[name].dtype.kind == "f",
        )
        for name in _SAME
    )


def _problem_of_code(recorded: xr.Dataset, found: xr.Dataset, *, is_same_code: bool) -> str:
    before, now = (float(each.n_parameters) for each in (recorded, found))
    if before != now and not (np.isnan(before) and np.isnan(now)):
        return f"{now:,.0f} parameters, recorded {before:,.0f}"
    sources = {_comparable(str(each.source.item())) for each in (recorded, found)}
    if is_same_code and len(sources) > 1:
        return "the recorded source of the candidate is not that of the code in the record"
    return ""


def _problem_of_scores(
    recorded: np.ndarray, found: np.ndarray, tolerance: float, score: Score
) -> str:
    before, now = (int(np.isfinite(values).sum()) for values in (recorded, found))
    table = [[before, len(recorded) - before], [now, len(found) - now]]
    if import_module("scipy.stats").fisher_exact(table).pvalue < 1 - CONFIDENCE:
        return f"{now} of {len(found)} runs have a score, recorded {before} of {len(recorded)}"
    if not before or not now:
        return ""
    gap = float(np.nanmean(found) - np.nanmean(recorded))
    if abs(gap) <= tolerance:
        return ""
    means = f"{np.nanmean(found):.2f}, recorded {np.nanmean(recorded):.2f}"
    return f"{score.shown} {means}: a difference of {gap:+.2f}, beyond ± {tolerance:.2g}"


def _comparable(source: str) -> str:
    """Return a source without what depends on Python, on versions and on the file's bytes."""
    lines = [line for line in source.splitlines() if not _DEPENDS_ON_PYTHON.fullmatch(line)]
    return _FILE.sub("", "\n".join(lines))


def _versions_differ(recorded: xr.Dataset, found: xr.Dataset) -> bool:
    return recorded.attrs.get("versions") != found.attrs.get("versions")


def _differences(recorded: xr.Dataset, found: xr.Dataset) -> list[str]:
    """Say in which circumstances the two differ."""
    versions = [json.loads(str(each.attrs.get("versions", "{}"))) for each in (recorded, found)]
    names = sorted({*versions[0], *versions[1]})
    pairs = [(name, *(each.get(name, "none") for each in versions)) for name in names]
    pairs += [
        (name, *(each.attrs.get(name, "none") for each in (recorded, found)))
        for name in ("processor", "device", "settings")
    ]
    commits = [", ".join(commits_of(each)) for each in (recorded, found)]
    pairs.append(("commit", *commits))
    return [
        f"{name}: {now} here, recorded {before}" for name, before, now in pairs if before != now
    ]


def _lines(found: Verification) -> list[RenderableType]:
    """Return remarks on settings and circumstances."""
    lines = [
        f"{each.candidate}: chose {each.found_settings}, recorded {each.recorded_settings}"
        for each in found.repetitions
        if each.found_settings != each.recorded_settings and not each.problem
    ]
    if found.differences:
        lines.append("Other circumstances, so that numbers may differ within the tolerance:")
        lines += [f"  {line}" for line in found.differences]
    elif not all(each.is_identical for each in found.repetitions):
        lines.append(
            "Versions and processor have the names of those in the record, and yet the numbers are "
            "others: flags of XLA differ, the code draws numbers of its own, or the record was "
            "edited."
        )
    return [Text(line) for line in lines]
