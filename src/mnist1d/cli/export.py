"""The command `mnist1d export`."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mnist1d.cli.options.command import error_line
from mnist1d.cli.options.dataset import PUBLISHED_OPTIONS, DatasetOptions
from mnist1d.cli.output.ending import fail, say
from mnist1d.cli.output.outcome import Outcome

__all__ = ["export"]


def export(
    kind: Annotated[Literal["huggingface", "files"], tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")],
    /,
    *,
    num_samples: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 5000)")
    ] = None,
    seed: Annotated[
        int | None, tyro.conf.arg(metavar="SEED", help_behavior_hint="(default: 42)")
    ] = None,
    json: bool = False,
    quiet: bool = False,  # noqa: ARG001 (as everywhere)
    dataset: Annotated[DatasetOptions, tyro.conf.OmitArgPrefixes] = PUBLISHED_OPTIONS,
) -> Outcome:
    """Write the dataset into a folder for Hugging Face, or as files for any language.

    Signals are float32. The same options make the same files again; a folder that holds anything
    else, or files that were changed, is refused. Nothing is sent anywhere.

    Args:
        kind: huggingface (Parquet, card, Croissant) or files (CSV, NPY, raw arrays, stream).
        out: the folder; made if needed.
        num_samples: of the dataset, training and test together.
        seed: of the samples, 0 to 2**32 - 1.
        json: write one JSON document in place of a line.
        quiet: no effect here, where no progress is shown.
        dataset: what the samples are.
    """
    from mnist1d.dataset.generation import generate
    from mnist1d.shards import exports

    write = exports.write_huggingface if kind == "huggingface" else exports.write_files
    given = {"num_samples": num_samples, "seed": seed}
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        paths = write(generate(dataset.config(), dtype="float32", **changes), out)
        files = [_described(path) for path in paths]
    except (MemoryError, OSError, TypeError, ValueError) as error:
        fail(error_line(error))
    if not json:
        say(f"{len(files)} files in {out}; {paths[-1].name} has their checksums")
    return Outcome({"command": "export", "kind": kind, "out": out, "files": files})


def _described(path: Path) -> dict[str, str | int]:
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return {"path": path.as_posix(), "bytes": len(content), "sha256": sha256}
