"""The command `mnist1d generate`."""

import time
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from mnist1d.cli.options.command import error_line
from mnist1d.cli.options.dataset import PUBLISHED_OPTIONS, DatasetOptions
from mnist1d.cli.output.ending import BROKEN, INTERRUPTED, fail
from mnist1d.cli.output.outcome import Outcome
from mnist1d.dataset import checks
from mnist1d.dataset.presets import PRESETS

if TYPE_CHECKING:
    from mnist1d.shards.work import Shard

__all__ = ["generate"]

_RESUME = "finished shards are kept; run the same command again to continue"


def generate(
    *,
    num_samples: int,
    out: str,
    format: Literal["parquet", "npz", "npy", "csv"] = "parquet",  # noqa: A002 (the option's name)
    shard_size: int = 100_000,
    seed: int = 42,
    workers: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: one per core)")
    ] = None,
    scheduler: Annotated[
        str | None, tyro.conf.arg(metavar="ADDRESS", help_behavior_hint="")
    ] = None,
    json: bool = False,
    quiet: bool = False,
    dataset: Annotated[DatasetOptions, tyro.conf.OmitArgPrefixes] = PUBLISHED_OPTIONS,
) -> Outcome:
    """Write any number of samples into files, or finish or check what is there already.

    Sample i is the same for any number of samples, shards, workers and machines. The same command
    again resumes a run that was stopped.

    Args:
        num_samples: how many samples.
        out: folder for the files: a path, or an address such as s3://bucket/folder.
        format: of the files.
        shard_size: samples per file.
        seed: of the samples, 0 to 2**32 - 1.
        workers: processes on this machine.
        scheduler: address of a Dask scheduler, to use its workers in place of processes here.
        json: write one JSON document in place of a line.
        quiet: show no progress.
        dataset: what the samples are.
    """
    from mnist1d.cli.output.console import make_console
    from mnist1d.cli.output.progress import Rate, make_progress
    from mnist1d.execution.cluster import silence_log
    from mnist1d.shards.generation import generate as generate_shards

    console = make_console()
    start, n_done = time.perf_counter(), 0
    try:
        config = dataset.config()
        _check_preset(dataset.preset)
        if scheduler is not None:
            silence_log()
        with make_progress(console, Rate(), quiet=quiet, json=json) as progress:

            def report(shard: "Shard") -> None:
                nonlocal n_done
                n_done += shard.n_samples
                progress("samples", n_done, num_samples)
                for note in shard.notes:
                    progress.note(note)

            done = generate_shards(
                config,
                num_samples=num_samples,
                out=out,
                file_format=format,
                shard_size=shard_size,
                workers=workers,
                scheduler=scheduler,
                report=report,
                seed=seed,
            )
    except KeyboardInterrupt:
        fail(f"interrupted; {_RESUME}", INTERRUPTED)
    except ModuleNotFoundError as error:
        fail(str(error), BROKEN)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        fail(error_line(error))
    for note in done.notes:
        if note.endswith("left alone"):
            progress.note(note)
    seconds = time.perf_counter() - start
    if json:
        about = {"command": "generate", "out": out, "format": format, **done._asdict()}
        place = out if "://" in out else checks.path("out", out).as_posix()
        files = [
            {"path": f"{place.rstrip('/')}/{name}", **file._asdict()}
            for name, file in done.files.items()
        ]
        return Outcome(about | {"files": files, "seconds": seconds})
    shards = "shard" if done.n_shards == 1 else "shards"
    console.print(
        f"{done.n_samples:,} samples in {done.n_shards} {shards}, {done.n_bytes / 1e6:.1f} MB, in "
        f"{out}: {done.n_made} made, {done.n_shards - done.n_made} found finished. "
        f"{seconds:.1f} s.",
        markup=False,
        soft_wrap=True,
    )
    return Outcome()


def _check_preset(name: str | None) -> None:
    """Refuse presets that change sizes, which a stream does not have."""
    from mnist1d.stream.stream import SIZES

    if name is not None and (sizes := SIZES & set(PRESETS[name].parameters)):
        raise ValueError(
            f"--preset {name} sets {' and '.join(sorted(sizes))}, which a stream does not have: "
            "--num-samples alone counts"
        )
