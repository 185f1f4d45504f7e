"""The command `mnist1d generate`."""

import signal
import sys
import time
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mnist1d.shards.generation import generate as generate_shards
from mnist1d.shards.work import Shard

__all__ = ["generate"]

_RESUME = "finished shards are kept; run the same command to go on"


def generate(
    *,
    num_samples: int,
    out: str,
    format: Literal["parquet", "npz", "npy", "csv"] = "parquet",  # noqa: A002 (the option's name)
    shard_size: int = 100_000,
    seed: int = 42,
    workers: int | None = None,
    scheduler: str | None = None,
    padding: tuple[int, int] = (36, 60),
    scale_coeff: float = 0.4,
    max_translation: int = 48,
    corr_noise_scale: float = 0.25,
    iid_noise_scale: float = 0.02,
    shear_scale: float = 0.75,
    final_seq_length: int = 40,
    classes: tuple[int, ...] | None = None,
    class_proportions: tuple[float, ...] | None = None,
    label_noise: float = 0.0,
    label_noise_kind: Literal["symmetric", "other"] = "symmetric",
    positions: str = "original",
    positions_seed: int | None = None,
    templates: Path | None = None,
    channel_axis: bool = False,
) -> None:
    """Write any number of samples into files, or finish or check what is there already.

    Sample i is the same whatever the number of samples, shards, workers and machines. A run that
    was stopped goes on when it is started again.

    Args:
        num_samples: how many samples.
        out: folder for the files: a path, or an address such as s3://bucket/folder.
        format: of the files.
        shard_size: samples per file.
        seed: of the samples, 0 to 2**32 - 1.
        workers: processes on this machine (default: one per core).
        scheduler: address of a Dask scheduler, to use its workers in place of processes here.
        padding: lowest and highest number of zeros after the template.
        scale_coeff: width of the range of the factor on the height.
        max_translation: number of possible circular shifts.
        corr_noise_scale: strength of the smooth noise around the digit.
        iid_noise_scale: strength of the white noise.
        shear_scale: width of the range of the slope.
        final_seq_length: points of a sample.
        classes: labels that occur (default: all).
        class_proportions: relative sizes of the classes (default: equal).
        label_noise: probability with which a label is replaced; clean ones are kept beside.
        label_noise_kind: by any label, or by another one only.
        positions: order of the points: original, flipped, shuffled, chunked, ...
        positions_seed: seed of shuffled positions (default: the seed).
        templates: text file with one template per line in place of the ten digits.
        channel_axis: whether signals have the shape (1, length) (formats npz and npy).
    """
    parameters: dict[str, Any] = {
        "seed": seed,
        "padding": padding,
        "scale_coeff": scale_coeff,
        "max_translation": max_translation,
        "corr_noise_scale": corr_noise_scale,
        "iid_noise_scale": iid_noise_scale,
        "shear_scale": shear_scale,
        "final_seq_length": final_seq_length,
        "classes": classes,
        "class_proportions": class_proportions,
        "label_noise": label_noise,
        "label_noise_kind": label_noise_kind,
        "positions": positions,
        "positions_seed": positions_seed,
        "channel_axis": channel_axis,
    }
    # A batch system that stops the run says so first.
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console()
    start = time.perf_counter()
    try:
        if templates is not None:
            parameters["templates"] = _read_templates(templates)
        with _bar(console) as progress:
            task = progress.add_task("samples", total=num_samples)

            def report(shard: Shard) -> None:
                progress.update(task, advance=shard.n_samples)
                for note in shard.notes:
                    progress.console.print(f"[yellow]{escape(note)}[/]")

            done = generate_shards(
                num_samples=num_samples,
                out=out,
                file_format=format,
                shard_size=shard_size,
                workers=workers,
                scheduler=scheduler,
                report=report,
                **parameters,
            )
    except KeyboardInterrupt:
        _fail(f"interrupted; {_RESUME}", 130)
    except OSError as error:
        _fail(error.strerror or str(error))
    except (ModuleNotFoundError, RuntimeError, TypeError, ValueError) as error:
        _fail(str(error))
    for note in done.notes:
        if note.endswith("left alone"):
            console.print(f"[yellow]{escape(note)}[/]")
    console.print(
        f"{done.n_samples} samples in {done.n_shards} shards, {done.n_bytes / 1e6:.1f} MB, in "
        f"{escape(out)}: {done.n_made} made, {done.n_shards - done.n_made} found finished. "
        f"{time.perf_counter() - start:.1f} s."
    )


class _Rate(ProgressColumn):
    """Samples per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _read_templates(path: Path) -> np.ndarray:
    lines = path.read_text(encoding="utf-8").replace(",", " ").splitlines()
    try:
        return np.loadtxt(lines, dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path} must hold one template of numbers per line: {error}") from None


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _fail(message: str, code: int = 2) -> NoReturn:
    print(f"mnist1d: {message}", file=sys.stderr)  # noqa: T201
    raise SystemExit(code)
