"""The work on one shard: write it, or find it finished."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from mnist1d.dataset.config import DatasetConfig
from mnist1d.shards.files import Contents, Fingerprint, Sink, contents
from mnist1d.shards.folders import Folder
from mnist1d.stream.stream import STREAM_VERSION, Stream

__all__ = ["SHARD_NAME", "Plan", "Shard", "Task", "work"]

SHARD_NAME = re.compile(r"mnist1d-(\d{5,19})[-.]", re.ASCII)
"""How the names of all files of shards begin; the digits are the number of the shard."""

_READ_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A set of shards that is to be made.

    Attributes:
        config: configuration of the stream.
        num_samples: size of the set.
        shard_size: samples per shard.
        file_format: one of `FORMATS`.
        folder: the folder of its files.
    """

    config: DatasetConfig
    num_samples: int
    shard_size: int
    file_format: str
    folder: Folder

    @property
    def n_shards(self) -> int:
        """Number of shards."""
        return -(-self.num_samples // self.shard_size)

    def stream(self) -> Stream:
        """Return the stream; one object for equal configurations."""
        return _stream(self.config)

    def contents(self) -> tuple[Contents, ...]:
        """Return the files of a shard."""
        return contents(self.file_format, self.stream())

    def about(self) -> dict[str, Any]:
        """Return the parameters that a manifest records."""
        return {
            "stream": self.stream().record(),
            "num_samples": self.num_samples,
            "shard_size": self.shard_size,
            "file_format": self.file_format,
        }

    def range(self, number: int) -> tuple[int, int]:
        """Return the first sample of a shard, and the one after its last."""
        start = number * self.shard_size
        return start, min(start + self.shard_size, self.num_samples)

    def names(self, number: int) -> list[str]:
        """Return the names of the files of a shard."""
        digits = max(5, len(str(self.n_shards - 1)))
        return [f"mnist1d-{number:0{digits}d}{file.suffix}" for file in self.contents()]

    def number(self, name: str) -> int | None:
        """Return the number of a file's shard, or None if it is not of the set."""
        found = SHARD_NAME.match(name)
        number = int(found[1]) if found else self.n_shards
        return number if number < self.n_shards and name in self.names(number) else None


class Task(NamedTuple):
    """One shard that is to be made.

    Attributes:
        plan: the set that it belongs to.
        number: which of its shards.
        known: fingerprints that the manifest has of its files, by name; None where it has none.
        may_replace: whether files of other content may be overwritten.
        stream_version: version of the stream in the process that submits the task.
    """

    plan: Plan
    number: int
    known: dict[str, Fingerprint | None]
    may_replace: bool = True
    stream_version: int = STREAM_VERSION


class Shard(NamedTuple):
    """The result of the work on one shard.

    Attributes:
        number: which one.
        n_samples: its size.
        files: fingerprints of its files, by name.
        made: whether it, or a part of it, was made now and not found finished.
        notes: files that were damaged, missing or other, and were made again.
    """

    number: int
    n_samples: int
    files: dict[str, Fingerprint]
    made: bool
    notes: tuple[str, ...]


def shards_of(task: Task) -> list[Shard]:
    """Call `work` and return its shard in a list, for `results_of`."""
    return [work(task)]


def work(task: Task) -> Shard:
    """Write one shard, or find it finished. Two processes may do so at the same time.

    Raises:
        RuntimeError: if this process has another version of the stream.
        ValueError: if there is a file of other content that may not be overwritten.
        OSError: if a file cannot be read or written.
    """
    if task.stream_version != STREAM_VERSION:
        raise RuntimeError(
            f"this worker has version {STREAM_VERSION} of the stream and should have "
            f"{task.stream_version}; install the same mnist1d everywhere"
        )
    plan = task.plan
    start, stop = plan.range(task.number)
    files: dict[str, Fingerprint] = {}
    notes: list[str] = []
    made = False
    for name, content in zip(plan.names(task.number), plan.contents(), strict=True):
        known, present = task.known[name], _fingerprint(plan.folder, name)
        if present is not None and known is None:
            # It is of a run that was killed, or of another set.
            known = _expected(plan, content, start, stop)
            if present != known:
                if not task.may_replace:
                    raise ValueError(
                        f"{name} in {plan.folder.place} is not what this would make, and no "
                        "manifest says what it is; choose another folder, or remove it"
                    )
                notes.append(f"{name} was of other content and was made again")
        elif known is not None and present != known:
            what = "was missing" if present is None else "was damaged"
            notes.append(f"{name} {what} and was made again")
        if present is not None and present == known:
            files[name] = present
        else:
            files[name] = _written(plan, name, content, start, stop)
            made = True
    return Shard(task.number, stop - start, files, made, tuple(notes))


@lru_cache(maxsize=2)
def _stream(config: DatasetConfig) -> Stream:
    return Stream(config)


def _fingerprint(folder: Folder, name: str) -> Fingerprint | None:
    """Return the fingerprint of a file, or None if there is none."""
    digest, size = hashlib.sha256(), 0
    try:
        with folder.read(name) as file:
            while data := file.read(_READ_BYTES):
                digest.update(data)
                size += len(data)
    except FileNotFoundError:
        return None
    return Fingerprint(size, digest.hexdigest())


def _expected(plan: Plan, content: Contents, start: int, stop: int) -> Fingerprint:
    """Return the fingerprint that a file must have, without writing it."""
    sink = Sink(None)
    content.write(plan.stream(), start, stop, sink)
    return sink.fingerprint()


def _written(plan: Plan, name: str, content: Contents, start: int, stop: int) -> Fingerprint:
    with plan.folder.write(name) as file:
        sink = Sink(file)
        content.write(plan.stream(), start, stop, sink)
        return sink.fingerprint()
