"""The command `mnist1d compare`."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mnist1d.cli.options.command import (
    RESUME_HINT,
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
from mnist1d.lab.tracks import TRACKS, find_track

if TYPE_CHECKING:
    from mnist1d.lab.comparison.protocol import Protocol


def compare(
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE.py")],
    /,
    *,
    track: Annotated[
        str | None, tyro.conf.arg(metavar="|".join(TRACKS), help_behavior_hint="")
    ] = None,
    record: Annotated[Path | None, tyro.conf.arg(metavar="FILE.nc", help_behavior_hint="")] = None,
    author: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("mnist1d-comparisons"),
    scheduler: Scheduler = None,
    workers: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: the cores)")
    ] = None,
    threads: int = 1,
    budget_seconds: Annotated[
        float | None, tyro.conf.arg(metavar="SECONDS", help_behavior_hint="(default: no limit)")
    ] = None,
    json: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Compare candidates of your own: tuned alike, paired by seed, with the paper's models.

    Every field of the protocol is an option, too: `mnist1d compare FILE.py --help` shows them.

    Args:
        file: a Python file that defines CANDIDATES, a mapping from names to candidates, and may
            define PROTOCOL, a `mnist1d.lab.Protocol` or a mapping from its fields to values.
        track: name of a track of the leaderboards, whose protocol is used and cannot be changed.
        record: file for a record, which `mnist1d verify` checks; with --track and --author.
        author: of the record; is published with it.
        out: folder for the result, its figure and finished runs; made if needed.
        scheduler: address of a Dask scheduler, whose workers train in place of this machine.
        workers: how many runs go next to each other, of candidates that are not in Equinox.
        threads: that such a run may use.
        budget_seconds: after which no run goes on; what is finished is shown and kept, the exit
            code is 4, and the same command continues.
        json: write one JSON document in place of tables.
        quiet: show no progress.
    """
    options: dict[str, Any] = {"track": track, "record": record, "author": author, "out": out}
    options |= {"scheduler": scheduler, "workers": workers, "threads": threads}
    options |= {"budget_seconds": budget_seconds, "json": json, "quiet": quiet}
    return command_for(str(file))(**options)


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
    track: str | None,
    record: Path | None,
    author: str | None,
    out: Path,
    scheduler: str | None,
    workers: int | None,
    threads: int,
    budget_seconds: float | None,
    json: bool,
    quiet: bool,
) -> Outcome:
    from mnist1d.cli.output import documents
    from mnist1d.cli.output.progress import make_progress
    from mnist1d.harness.interface import InputError
    from mnist1d.harness.settings import with_settings
    from mnist1d.lab.comparison.compare import compare as compare_candidates
    from mnist1d.lab.comparison.protocol import Protocol
    from mnist1d.lab.leaderboard.records import write_record
    from mnist1d.lab.leaderboard.scores import score_table

    if scheduler is not None and workers is not None:
        fail("--workers must be left out with --scheduler, which has its own")
    texts = _checked_texts(file, track, record, author)
    changed = only_values(values)
    try:
        if track is None:
            protocol = with_settings(protocol, changed)
        else:
            find_track(track).refuse(changed, _option, f"--track {track}")
    except (InputError, TypeError) as error:
        fail(str(error))
    start, console = time.perf_counter(), make_console()
    folder = out / (file.stem if track is None else f"{file.stem}-{track}")
    with exit_on_error(out):
        prepare_devices()
        with (
            connected(scheduler) as executor,
            make_progress(console, quiet=quiet, json=json) as progress,
        ):
            if track is not None and protocol != Protocol():
                progress(f"PROTOCOL in {file} is left out: the track {track} has its own", 0, 0)
            found = compare_candidates(
                candidates,
                protocol if track is None else None,
                track=track,
                folder=folder,
                progress=progress,
                executor=executor,
                workers=workers,
                threads=threads,
                budget_seconds=budget_seconds,
            )
        found.save_figure(folder)
    failed, stopped = documents.failures_of_comparison(found), ""
    if found.stopped_after is not None:
        stopped = f"stopped after its budget of {found.stopped_after:g} s; {RESUME_HINT}"
    has_record = record is not None and not failed and not stopped
    if record is not None:
        if failed:
            failed = f"{failed}; there is no record of it"
        if has_record:
            with exit_on_error(record):
                write_record(found.result, record, texts, str(author))
    if json:
        about: dict[str, Any] = {"command": "compare"}
        about |= {"comparison": documents.of_comparison(found, folder)}
        about |= {"record": record if has_record else None}
        return Outcome(about | {"failed": failed or None}, failed, stopped)
    console.print(found)
    if track is not None:
        console.print(score_table(found.result, find_track(track)))
    places = f"Figure and result: {folder}"
    if has_record:
        places += f". Record: {record}"
    line = f"{time.perf_counter() - start:.0f} s. {places}"
    console.print(line, soft_wrap=True, markup=False)
    return Outcome(failed=failed, stopped=stopped)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _checked_texts(
    file: Path, track: str | None, record: Path | None, author: str | None
) -> dict[str, str]:
    """Refuse what cannot become a record before anything trains; return the texts for one."""
    from mnist1d.dataset.atomic import check_writable
    from mnist1d.lab.leaderboard.records import check_place, checked_author
    from mnist1d.lab.leaderboard.sources import read_sources

    if record is None:
        if author is not None:
            fail("--author must be left out without --record FILE, whose author it is")
        return {}
    if track is None:
        fail(f"--record needs --track, one of {', '.join(TRACKS)}")
    if author is None:
        fail("--record needs --author NAME, which is published with it")
    with exit_on_error(record, resumable=False):
        texts = read_sources(file)
        checked_author(author)
        check_writable(check_place(record).parent, record.name)
    return texts
