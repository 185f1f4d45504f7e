"""Generation of a set of shards: checks, distribution of the work, and the manifest."""

import errno
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import PurePath
from typing import Any, NamedTuple

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.imports import required
from mnist1d.execution.cluster import ClusterExecutor
from mnist1d.execution.executors import results_of
from mnist1d.execution.machine import count_cores
from mnist1d.execution.processes import Processes
from mnist1d.shards.files import FORMATS, Fingerprint, bytes_per_sample
from mnist1d.shards.folders import Folder, open_folder
from mnist1d.shards.manifests import NAME, Ledger, Manifest, differences, read_manifest
from mnist1d.shards.work import SHARD_NAME, Plan, Shard, Task, shards_of, work
from mnist1d.stream.stream import LARGEST_INDEX, Stream

__all__ = ["Summary", "generate", "manifest_of"]

_MOST_SHARDS = 10**6
# Shards submitted at one time, per thread of the workers: none waits, and no queue grows.
_AHEAD = 3


class Summary(NamedTuple):
    """The result of a call of `generate`.

    Attributes:
        n_samples: size of the set.
        n_shards: number of its shards.
        n_made: how many of them were made now; the others were found finished.
        notes: damaged or missing files that were made again, and other findings.
        n_bytes: size of all files of shards.
        files: size and SHA-256 of all files by name, the manifest among them.
    """

    n_samples: int
    n_shards: int
    n_made: int
    notes: tuple[str, ...]
    n_bytes: int
    files: Mapping[str, Fingerprint]

    def __repr__(self) -> str:
        named = ", ".join(f"{name}={value}" for name, value in self._asdict().items())
        return f"Summary({named.partition(', files=')[0]}, files: {len(self.files)})"


def generate(
    config: DatasetConfig | None = None,
    /,
    *,
    num_samples: int,
    out: checks.StrPath,
    file_format: str = "parquet",
    shard_size: int = 100_000,
    workers: int | None = None,
    scheduler: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    report: Callable[[Shard], None] | None = None,
    **parameters: Any,
) -> Summary:
    """Write the first samples of a stream into files; finish or check a set that is there already.

    Files appear under their names only when they are complete. Existing files with the checksums of
    the manifest are kept; those that are damaged, or of other content, are made again. The memory
    needed does not depend on any of the sizes.

    Args:
        config: configuration of the stream; the published one if omitted.
        num_samples: how many samples, at least 1.
        out: the folder, made if needed: a path, or an address that fsspec knows, such as
            s3://bucket/folder (which needs the extra `shards`).
        file_format: "parquet" or "csv" (columns label, x0, x1 ...; with label noise also
            label_clean and label_noise), "npz" (arrays x and y; y_clean and noise_mask) or "npy"
            (the same arrays as files of their own, to be mapped into memory).
        shard_size: samples per shard, at least 1; the last one may have fewer.
        workers: processes on this machine; one per core if omitted. With one, this process does
            all. A script needs `if __name__ == "__main__":` for more.
        scheduler: address of a Dask scheduler whose workers make the shards in place of processes
            here. They need mnist1d and must see the same folder.
        storage_options: for fsspec, such as keys of an object store.
        report: called with every shard as soon as it is finished.
        **parameters: fields of `DatasetConfig` to set or to replace, as for `Stream`; the seed is
            one of them.

    Returns: a summary of what was made and found.

    Raises:
        TypeError: if an argument is of a wrong type or unknown.
        ValueError: if an argument is out of range, or the folder holds another set.
        ModuleNotFoundError: if a package is missing that format, address or scheduler needs.
        OSError: if files cannot be written, or there is too little room. Finished files are kept.
        ConnectionError: if the scheduler does not answer.
        RuntimeError: if workers died again and again.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     first = generate(num_samples=250, shard_size=100, out=out, file_format="npz", workers=1)
    ...     again = generate(num_samples=250, shard_size=100, out=out, file_format="npz", workers=1)
    >>> first.n_shards, first.n_made, again.n_made
    (3, 3, 0)
    >>> again
    Summary(n_samples=250, n_shards=3, n_made=0, notes=(), n_bytes=..., files: 4)
    """
    stream = Stream(config, **parameters)
    plan = Plan(
        config=stream.config,
        num_samples=checks.integer("num_samples", num_samples, 1, LARGEST_INDEX),
        shard_size=checks.integer("shard_size", shard_size, 1, LARGEST_INDEX),
        file_format=checks.one_of("file_format", file_format, FORMATS),
        folder=open_folder(out, storage_options),
    )
    if plan.n_shards > _MOST_SHARDS:
        raise ValueError(
            f"num_samples={num_samples} in shards of {shard_size} are {plan.n_shards} files; "
            f"at most {_MOST_SHARDS} are sensible: choose a larger shard_size"
        )
    if workers is not None:
        workers = checks.integer("workers", workers, 1, 2**15)
    if scheduler is not None and workers is not None:
        raise ValueError("workers are those of the scheduler; give one of the two, not both")
    plan.contents()  # fails early if a package is missing
    if scheduler is not None:
        required("distributed", extra="cluster")
    if not plan.folder.is_shared:
        if scheduler is not None or (workers or 1) > 1:
            raise ValueError(f"{out} exists in one process only and needs workers=1")
        workers = 1
    return _run(plan, workers or count_cores(), scheduler, report or (lambda _: None))


def manifest_of(
    out: checks.StrPath, *, storage_options: Mapping[str, Any] | None = None
) -> Manifest:
    """Read the manifest of a folder of shards.

    Args:
        out: the folder, as for `generate`.
        storage_options: for fsspec.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is damaged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     _ = generate(num_samples=10, out=out, file_format="csv", workers=1)
    ...     list(manifest_of(out).files), manifest_of(out).complete
    (['mnist1d-00000.csv'], True)
    """
    found = read_manifest(open_folder(out, storage_options))
    if found is None:
        raise FileNotFoundError(errno.ENOENT, f"there is no {NAME}", out)
    return found


def _run(
    plan: Plan, workers: int, scheduler: str | None, report: Callable[[Shard], None]
) -> Summary:
    plan.folder.make()
    plan.folder.tidy()

    @contextmanager
    def results(tasks: Iterator[Task]) -> Iterator[Iterator[Shard]]:
        n_workers = min(workers, plan.n_shards)
        if scheduler is None and n_workers == 1:
            yield (work(task) for task in tasks)
            return
        executor = Processes(n_workers) if scheduler is None else ClusterExecutor(scheduler)

        def ahead() -> int:
            n = executor.n_threads if isinstance(executor, ClusterExecutor) else n_workers
            return _AHEAD * max(1, n)

        try:
            with closing(results_of(executor, shards_of, tasks, ahead=ahead)) as shards:
                yield shards
        finally:
            executor.shutdown(cancel_futures=True)

    stored = read_manifest(plan.folder)
    found = _adopted(plan, results) if stored is None else stored
    _check_same_set(plan, found)
    notes = [
        f"{name} does not belong to the set and was left alone"
        for name in plan.folder.names()
        if SHARD_NAME.match(name) and plan.number(name) is None
    ]
    unknown = [name for name in found.files if plan.number(name) is None]
    notes += [
        f"{NAME} named {checks.shown(name)}, which does not belong to the set" for name in unknown
    ]
    for name in unknown:
        del found.files[name]
    _check_room(plan, found)
    n_made = n_done = n_bytes = 0
    ledger = Ledger(plan.folder, found, is_stored=not unknown)
    try:
        if stored is None and not _claimed(plan, found):
            ledger = Ledger(plan.folder, read_manifest(plan.folder) or found, is_stored=True)
        ledger.store()
        tasks = (
            Task(plan, number, {name: found.files.get(name) for name in plan.names(number)})
            for number in range(plan.n_shards)
        )
        with results(tasks) as shards:
            for shard in shards:
                _check_visible(plan.folder, shard)
                ledger.add(shard.files)
                n_done += 1
                n_made += shard.made
                n_bytes += sum(file.bytes for file in shard.files.values())
                notes += shard.notes
                report(shard)
        manifest = ledger.close()
        # A worker that was killed leaves its unfinished file behind.
        plan.folder.tidy()
    except BaseException as error:
        with suppress(OSError):
            ledger.store()
        if not isinstance(error, ValueError):  # the folder of another set is left unchanged
            with suppress(OSError):
                plan.folder.tidy()
        if isinstance(error, OSError) and not isinstance(error, ConnectionError):
            where = f"{PurePath(error.filename).name}: " if error.filename else ""
            raise OSError(
                error.errno or errno.EIO,
                f"cannot write to {plan.folder.place}: {where}{error.strerror or error}; the "
                f"{n_done} finished of {plan.n_shards} shards are kept: put that right and run "
                "the same again",
            ) from error
        raise
    text = manifest.text().encode()
    own = {NAME: Fingerprint(len(text), hashlib.sha256(text).hexdigest())}
    files = dict(sorted(manifest.files.items())) | own
    return Summary(plan.num_samples, plan.n_shards, n_made, tuple(notes), n_bytes, files)


def _claimed(plan: Plan, found: Manifest) -> bool:
    """Write the first manifest of a folder; return False if another run has just written one.

    Raises: ValueError: if that is of another set.
    """
    try:
        plan.folder.create(NAME, found.text().encode())
    except FileExistsError:
        _check_same_set(plan, read_manifest(plan.folder) or found)
        return False
    return True


def _check_same_set(plan: Plan, found: Manifest) -> None:
    different = differences(found.about, plan.about())
    if different:
        raise ValueError(
            f"{plan.folder.place} holds another set: {'; '.join(different[:5])}; choose another "
            "folder, or remove it"
        )


def _adopted(plan: Plan, results: Callable[[Iterator[Task]], Any]) -> Manifest:
    """Make a manifest for a folder that has none.

    Files with the names of the set must have its content; nothing is overwritten.
    """
    present = [name for name in plan.folder.names() if SHARD_NAME.match(name)]
    numbers = {name: plan.number(name) for name in present}
    for name, number in numbers.items():
        if number is None:
            raise ValueError(
                f"{plan.folder.place} has files of another set, such as {name}, and no {NAME}; "
                "choose another folder, or remove them"
            )
    files: dict[str, Fingerprint] = {}
    tasks = (
        Task(plan, number, dict.fromkeys(plan.names(number)), may_replace=False)
        for number in sorted({number for number in numbers.values() if number is not None})
    )
    with results(tasks) as shards:
        for shard in shards:
            files |= shard.files
    return Manifest(about=plan.about(), files=files)


def _check_room(plan: Plan, found: Manifest) -> None:
    free = plan.folder.free()
    needed = plan.num_samples * bytes_per_sample(plan.file_format, plan.stream())
    needed -= sum(file.bytes for file in found.files.values())
    if free is not None and needed > free:
        raise OSError(
            errno.ENOSPC,
            f"{plan.folder.place} has room for {_size(free)} and needs about {_size(needed)} more; "
            "make room, or ask for fewer samples",
        )


def _check_visible(folder: Folder, shard: Shard) -> None:
    """Check that a file that a worker wrote can be seen from here."""
    for name, fingerprint in shard.files.items():
        if folder.size(name) != fingerprint.bytes:
            raise RuntimeError(
                f"{name} was written by a worker and is not in {folder.place} as seen from here: "
                "the folder must be on storage that all machines share"
            )


def _size(n: int) -> str:
    """Return a number of bytes with a unit.

    >>> _size(168_000_000_000)
    '168 GB'
    """
    units = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
    thousands = min((len(str(n)) - 1) // 3, len(units) - 1)
    return f"{n / 1000**thousands:.3g} {units[thousands]}"
