"""The command `mnist1d compare`."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mnist1d.cli.command import (
    Scheduler,
    connected,
    exit_on_error,
    only_values,
    prepare_devices,
    with_fields,
)
from mnist1d.cli.output.console import make_console
from mnist1d.cli.output.ending import fail
from mnist1d.cli.output.outcome import Outcome

if TYPE_CHECKING:
    from mnist1d.lab.comparison.protocol import Protocol


def compare(
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE.py")],
    /,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("mnist1d-comparisons"),
    scheduler: Scheduler = None,
    workers: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: the cores)")
    ] = None,
    threads: int = 1,
    json: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Compare candidates of your own: tuned alike, paired by seed, with the paper's models.

    Every field of the protocol is an option, too: `mnist1d compare FILE.py --help` shows them.

    Args:
        file: a Python file that defines CANDIDATES, a mapping from names to candidates, and may
            define PROTOCOL, a `mnist1d.lab.Protocol` or a mapping from its fields to values.
        out: folder for the result, its figure and finished runs; made if needed.
        scheduler: address of a Dask scheduler, whose workers train in place of this machine.
        workers: how many runs go next to each other, of candidates that are not in Equinox.
        threads: that such a run may use.
        json: write one JSON document in place of tables.
        quiet: show no progress.
    """
    options = {"out": out, "scheduler": scheduler, "workers": workers, "threads": threads}
    return command_for(str(file))(**options, json=json, quiet=quiet)


def command_for(name: str) -> Callable[..., Outcome]:
    """Return the command `compare` with the fields of a file's protocol as options.

    Exits with a one-line error if the file cannot be used.
    """
    file = Path(name)
    candidates, protocol = _read(file)
    about = "Compare candidates of your own: tuned alike, paired by seed."
    return with_fields(compare, partial(_run, file, candidates, protocol), protocol, about=about)


def _read(file: Path) -> tuple[Mapping[str, Any], "Protocol"]:
    """Run a file with candidates, and return them with their protocol."""
    from mnist1d.execution.devices import use_all_cores
    from mnist1d.harness.interface import InputError
    from mnist1d.harness.loading import load_module
    from mnist1d.lab.comparison.protocol import as_protocol

    use_all_cores()  # before the file may start JAX
    if file.suffix != ".py":
        fail(f"{file} must be a Python file that ends in .py")
    try:
        module, _ = load_module(file)
    except InputError as error:
        fail(str(error))
    candidates = getattr(module, "CANDIDATES", None)
    if not isinstance(candidates, Mapping):
        fail(f"{file} must define CANDIDATES, a mapping from names to candidates")
    try:
        return candidates, as_protocol(getattr(module, "PROTOCOL", None))
    except InputError as error:
        fail(f"PROTOCOL in {file}: {error}")


def _run(
    file: Path,
    candidates: Mapping[str, Any],
    protocol: "Protocol",
    values: Mapping[str, list[Any]],
    *,
    out: Path,
    scheduler: str | None,
    workers: int | None,
    threads: int,
    json: bool,
    quiet: bool,
) -> Outcome:
    from mnist1d.cli.output import documents
    from mnist1d.cli.output.progress import make_progress
    from mnist1d.harness.interface import InputError
    from mnist1d.harness.settings import with_settings
    from mnist1d.lab.comparison.compare import compare as compare_candidates

    if scheduler is not None and workers is not None:
        fail("--workers must be left out with --scheduler, which has its own")
    try:
        protocol = with_settings(protocol, only_values(values))
    except (InputError, TypeError) as error:
        fail(str(error))
    start, console, folder = time.perf_counter(), make_console(), out / file.stem
    with exit_on_error(out):
        prepare_devices()
        with (
            connected(scheduler) as executor,
            make_progress(console, quiet=quiet, json=json) as progress,
        ):
            found = compare_candidates(
                candidates,
                protocol,
                folder=folder,
                progress=progress,
                executor=executor,
                workers=workers,
                threads=threads,
            )
        found.save_figure(folder)
    failed = documents.failures_of_comparison(found)
    if json:
        about = {"command": "compare", "comparison": documents.of_comparison(found, folder)}
        return Outcome(about | {"failed": failed or None}, failed)
    console.print(found)
    console.print(
        f"{time.perf_counter() - start:.0f} s. Figure and result: {folder}",
        soft_wrap=True,
        markup=False,
    )
    return Outcome(failed=failed)
