"""The command `mnist1d generate`."""

import signal
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import tyro

from mnist1d.cli.command import error_line, fail
from mnist1d.cli.dataset_options import PUBLISHED_OPTIONS, DatasetOptions
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
    dataset: Annotated[DatasetOptions, tyro.conf.OmitArgPrefixes] = PUBLISHED_OPTIONS,
) -> None:
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
        dataset: what the samples are.
    """
    from rich.console import Console
    from rich.markup import escape

    from mnist1d.cli.progress import Rate, make_bars
    from mnist1d.execution.cluster import silence_log
    from mnist1d.shards.generation import generate as generate_shards

    # Batch systems announce with this signal that they will stop the run.
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console()
    start = time.perf_counter()
    try:
        config = dataset.config()
        _check_preset(dataset.preset)
        if scheduler is not None:
            silence_log()
        with make_bars(console, Rate()) as progress:
            task = progress.add_task("samples", total=num_samples)

            def report(shard: "Shard") -> None:
                progress.update(task, advance=shard.n_samples)
                for note in shard.notes:
                    progress.console.print(f"[yellow]{escape(note)}[/]")

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
        fail(f"interrupted; {_RESUME}", 130)
    except (ModuleNotFoundError, OSError, RuntimeError, TypeError, ValueError) as error:
        fail(error_line(error))
    for note in done.notes:
        if note.endswith("left alone"):
            console.print(f"[yellow]{escape(note)}[/]")
    console.print(
        f"{done.n_samples} samples in {done.n_shards} shards, {done.n_bytes / 1e6:.1f} MB, in "
        f"{escape(out)}: {done.n_made} made, {done.n_shards - done.n_made} found finished. "
        f"{time.perf_counter() - start:.1f} s."
    )


def _check_preset(name: str | None) -> None:
    """Refuse presets that change sizes, which a stream does not have."""
    from mnist1d.stream.stream import SIZES

    if name is not None and (sizes := SIZES & set(PRESETS[name].parameters)):
        raise ValueError(
            f"--preset {name} sets {' and '.join(sorted(sizes))}, which a stream does not have: "
            "--num-samples alone counts"
        )


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt
