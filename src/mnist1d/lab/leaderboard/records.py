"""Records: a comparison by a track, with the code that it was made by, in one file.

A record is the result of a comparison (netCDF), so that `mnist1d show-result` and `Comparison.load`
read it, with more in it: the track and the digest of its protocol, an author, and the text of the
candidates' file and of what it imports. A digest of all contents tells a damaged or edited file; it
is no signature, as whoever edits a record can write another digest. `verify` runs the code again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from mnist1d.dataset import checks
from mnist1d.harness import record
from mnist1d.harness.interface import InputError
from mnist1d.harness.stored.texts import without_controls
from mnist1d.lab.leaderboard.sources import check_sources, read_sources
from mnist1d.lab.statistics.unfinished import was_stopped
from mnist1d.lab.tracks import TRACKS, Track
from mnist1d.measures.uncertainty import Estimate, estimate

if TYPE_CHECKING:
    from mnist1d.lab.comparison.result import Comparison

VERSION = 1
DIGEST = "record_digest"
"""The attribute with the digest of all contents."""
_VERSION, _AUTHOR = "record_version", "author"
_NAMES, _TEXTS = "file_name", "file_text"
_LONGEST_AUTHOR = 100
_PER_RUN = ("test_accuracy", "diverged", "test_prediction", "validation_accuracy")
_PER_CANDIDATE = ("settings", "source", "n_parameters")


@dataclass(frozen=True, eq=False)
class Record:
    """A record that was read, and whose contents are those that were written.

    Attributes:
        track: that it is of.
        author: who made it, as they say.
        result: of the comparison, with all numbers.
        files: texts of the Python files that it was made by, by name; the candidates' first.
    """

    track: Track
    author: str
    result: xr.Dataset
    files: Mapping[str, str]

    @property
    def candidates(self) -> list[str]:
        """The names of its candidates."""
        return [str(name) for name in self.result.candidate.values]

    @property
    def finished(self) -> str:
        """When it was made (UTC)."""
        return str(self.result.attrs.get("finished", "unknown"))

    def score(self, candidate: str) -> Estimate:
        """Return the mean score of a candidate, with its interval."""
        return estimate(self.track.scores(self.result, candidate))


def save_record(
    comparison: "Comparison", path: checks.StrPath, *, file: checks.StrPath, author: str
) -> None:
    """Write the record of a comparison by a track.

    Args:
        comparison: made by `compare(..., track=...)`, all of whose candidates have a result.
        path: of the record, which ends in `.nc`.
        file: the Python file that the candidates are from; `verify` takes its `CANDIDATES`. What it
            imports of one's own must be in its folder.
        author: who made it; is published with it.

    Raises:
        InputError: if the comparison is of no track, a candidate has no result in one of the runs,
            or the files cannot become part of a record.
        OSError: if the record cannot be written.

    >>> save_record(None, "best.txt", file="mine.py", author="A. Person")
    Traceback (most recent call last):
        ...
    mnist1d.harness.interface.InputError: the path of a record must end in .nc, not 'best.txt'
    """
    place, author = check_place(path), checked_author(author)
    _check_complete(comparison.result)
    write_record(comparison.result, place, read_sources(file), author)


def write_record(
    result: xr.Dataset, path: checks.StrPath, texts: Mapping[str, str], author: str
) -> None:
    """Write the record of a result, with files that were read before; see `save_record`.

    Args:
        result: of a comparison by a track.
        path: of the record.
        texts: of the files, as they were when they were run.
        author: who made it.
    """
    _check_complete(result)
    files = {
        _NAMES: ("file", np.array(list(texts), object)),
        _TEXTS: ("file", np.array(list(texts.values()), object)),
    }
    made = result.assign(files).assign_attrs({_VERSION: VERSION, _AUTHOR: author})
    record.write(made.assign_attrs({DIGEST: digest_of(made)}), path)


def read_record(path: checks.StrPath) -> Record:
    """Read a record and check it; nothing in it is run.

    Args:
        path: of the record.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if it is damaged, no record, was changed after it was written, or is of another
            track than this version of the package has.

    >>> read_record("no/record.nc")
    Traceback (most recent call last):
        ...
    FileNotFoundError: no result at no/record.nc
    """
    place = checks.path("path", path)
    try:
        result = record.read(place)
    except ValueError as error:
        raise InputError(str(error)) from error
    attributes = result.attrs
    if not {_VERSION, DIGEST, _AUTHOR, "track", "track_digest"} <= set(attributes):
        raise InputError(
            f"{place} is no record: `mnist1d compare FILE.py --track NAME --record {place.name} "
            "--author NAME` makes one"
        )
    if attributes[_VERSION] != VERSION:
        version = checks.shown(attributes[_VERSION])
        raise InputError(f"{place} must be a record of version {VERSION}, not {version}")
    try:
        is_unchanged = attributes[DIGEST] == digest_of(result)
        texts = {
            str(name): str(text)
            for name, text in zip(result[_NAMES].values, result[_TEXTS].values, strict=True)
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place} is no record: it lacks {error}") from error
    if not is_unchanged:
        raise InputError(f"{place} was changed after it was written: it has another digest")
    track = _track_of(result, place.name)
    try:
        check_sources(texts)
        author = checked_author(attributes[_AUTHOR])
        _check_shape(result, track)
        _check_complete(result)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    return Record(track, author, result, texts)


def check_place(path: checks.StrPath) -> Any:
    """Return the path of a record to be written.

    Raises: InputError: if it does not end in `.nc`.
    """
    place = checks.path("path", path)
    if place.suffix != ".nc":
        raise InputError(f"the path of a record must end in .nc, not {checks.shown(str(path))}")
    return place


def checked_author(author: Any) -> str:
    """Return the name of an author.

    Raises: InputError: if it is no text of one line.
    """
    if not isinstance(author, str) or not author.strip() or not author.isprintable():
        raise InputError(f"author must be a name, printable and on a line, not {author!r}")
    if len(author) > _LONGEST_AUTHOR:
        raise InputError(f"author must have at most {_LONGEST_AUTHOR} characters")
    return author.strip()


def digest_of(result: xr.Dataset) -> str:
    """Return a digest of all that is in a result: names, numbers, texts and attributes.

    It is the same before a result is written and after it was read.

    >>> one, other = xr.Dataset({"a": ("x", [1.0])}), xr.Dataset({"a": ("x", [2.0])})
    >>> digest_of(one) == digest_of(other)
    False
    """
    digest = hashlib.sha256()
    for name, value in sorted(result.attrs.items()):
        if name != DIGEST:
            text = without_controls(value) if isinstance(value, str) else repr(float(value))
            digest.update(f"{name}={len(text)} {text}\n".encode())
    for name, variable in sorted(result.variables.items(), key=lambda each: str(each[0])):
        values = variable.to_numpy()
        digest.update(f"{name} {variable.dims} {values.shape}\n".encode())
        if values.dtype.kind in "biu":
            digest.update(values.astype("<i8").tobytes())
        elif values.dtype.kind == "f":
            numbers = values.astype("<f8")
            numbers[np.isnan(numbers)] = np.nan  # there are several, and files keep one
            digest.update(numbers.tobytes())
        else:
            for text in map(without_controls, map(str, values.ravel())):
                digest.update(f"{len(text)} {text}\n".encode())
    return digest.hexdigest()


def _track_of(result: xr.Dataset, name: str) -> Track:
    wanted = str(result.attrs["track"])
    if wanted not in TRACKS:
        raise InputError(f"{name}: {checks.unknown('track', wanted, [*TRACKS])}")
    track = TRACKS[wanted]
    if result.attrs["track_digest"] != track.digest:
        raise InputError(
            f"{name} is of another protocol than the track {wanted} of this version of mnist1d "
            f"(digest {track.digest})"
        )
    return track


def _check_complete(result: xr.Dataset) -> None:
    """Refuse a comparison by no track, or without a result of a candidate in every run."""
    if result.attrs.get("track") not in TRACKS:
        raise InputError(
            f"a record must be of a comparison by a track, one of {', '.join(TRACKS)}: "
            "compare(..., track=...)"
        )
    if was_stopped(result):
        raise InputError("a record must have all runs, and its budget stopped this comparison")
    for name in map(str, result.candidate.values):
        each = result.sel(candidate=name)
        reason = str(each.failure.item()) if "failure" in each else ""
        n_diverged = int(each.diverged.sum())
        if n_diverged:
            reason = f"{n_diverged} of {each.sizes['seed']} runs diverged"
        if reason or not np.isfinite(each.test_accuracy).all():
            raise InputError(
                f"a record must have all runs of its candidates, and {name} failed "
                f"({reason or 'runs are missing'}): leave it out of CANDIDATES"
            )


def _check_shape(result: xr.Dataset, track: Track) -> None:
    """Refuse what has not the runs of its track, or lacks what is compared."""
    shapes: dict[str, tuple[str, ...]] = dict.fromkeys(_PER_CANDIDATE, ("candidate",))
    shapes |= dict.fromkeys([*_PER_RUN, track.score.variable], ("candidate", "seed"))
    for name, dims in shapes.items():
        if name not in result or not set(dims) <= set(result[name].dims):
            raise InputError(f"a record must have {name} by {' and '.join(dims)}")
    seeds = result.seed.values.tolist()
    if seeds != list(track.protocol.final_seeds):
        raise InputError(
            f"a record of the track {track.name} must have {track.protocol.seeds} runs, with seeds "
            f"from 0, not {checks.shown(seeds)}"
        )
    if len(set(result.candidate.values.tolist())) < result.sizes["candidate"]:
        raise InputError("candidates of a record must have different names")
