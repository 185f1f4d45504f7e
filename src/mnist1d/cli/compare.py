"""The command `mnist1d compare`."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    from rich.console import Console

    from mnist1d.lab.comparison.protocol import Protocol
    from mnist1d.lab.comparison.result import Comparison
    from mnist1d.lab.finished import Command, Finished

_OUT = Path("mnist1d-comparisons")


def compare(
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE.py")],
    /,
    *,
    track: Annotated[
        str | None, tyro.conf.arg(metavar="|".join(TRACKS), help_behavior_hint="")
    ] = None,
    record: Annotated[Path | None, tyro.conf.arg(metavar="FILE.nc", help_behavior_hint="")] = None,
    author: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = _OUT,
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
    function, _ = command_for(str(file))
    return function(**options)


def command_for(
    name: str, words: Sequence[str] | None = None
) -> tuple[Callable[..., Outcome], list[str]]:
    """Return the command `compare` with the fields of a file's protocol as options.

    Exits with a one-line error if the file cannot be used.

    Args:
        name: of the file.
        words: that follow it, if it is called by words.

    Returns: the command, and the words that are its options. Where its result is finished, it has
        none but for what is shown, and the file is not run.
    """
    from mnist1d.lab import finished

    start, file = time.perf_counter(), Path(name)
    command = None if words is None else finished.Command.of(name, words, _OUT)
    if command is not None and (found := finished.find(command)) is not None:
        shown = [word for word in words or () if word in finished.SHOWN]
        return partial(_show_finished, command, found, start), shown
    candidates, protocol = _read(file)
    about = "Compare candidates of your own: tuned alike, paired by seed."
    work = partial(_run, file, candidates, protocol, command)
    return with_fields(compare, work, protocol, about=about), [*(words or ())]


def _show_finished(
    command: "Command", found: "Finished", start: float, *, json: bool = False, quiet: bool = False
) -> Outcome:
    """Show a result that is finished, as the command that has run the file would."""
    from mnist1d.cli.output.progress import make_progress

    console = make_console()
    with (
        exit_on_error(command.folder),
        make_progress(console, quiet=quiet, json=json) as progress,
    ):
        for name, total in found.lines:
            progress(name, total, total)
        found.comparison.save_figure(command.folder)
    return _shown(found.comparison, console, command.folder, command.track, start, json)


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
    command: "Command | None",
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
    from mnist1d.lab import finished
    from mnist1d.lab.comparison.compare import compare as compare_candidates
    from mnist1d.lab.comparison.protocol import Protocol
    from mnist1d.lab.leaderboard.records import write_record

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
            make_progress(console, quiet=quiet, json=json) as bars,
        ):
            progress = _Noted(bars)
            if track is not None and protocol != Protocol():
                line = f"PROTOCOL in {file} is left out: the track {track} has its own"
                progress(line, 0, 0)
                progress.remarks.append(line)
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
        if command is not None and not documents.failures_of_comparison(found):
            finished.keep(command, found, progress.lines(found))
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
    written = record if has_record else None
    return _shown(found, console, folder, track, start, json, written, failed, stopped)


def _shown(
    found: "Comparison",
    console: "Console",
    folder: Path,
    track: str | None,
    start: float,
    json: bool,
    record: Path | None = None,
    failed: str = "",
    stopped: str = "",
) -> Outcome:
    """Show a comparison, or return its document."""
    if json:
        from mnist1d.cli.output import documents

        about: dict[str, Any] = {"command": "compare"}
        about |= {"comparison": documents.of_comparison(found, folder), "record": record}
        return Outcome(about | {"failed": failed or None}, failed, stopped)
    console.print(found)
    if track is not None:
        from mnist1d.lab.leaderboard.scores import score_table

        console.print(score_table(found.result, find_track(track)))
    places = f"Figure and result: {folder}"
    if record is not None:
        places += f". Record: {record}"
    line = f"{time.perf_counter() - start:.0f} s. {places}"
    console.print(line, soft_wrap=True, markup=False)
    return Outcome(failed=failed, stopped=stopped)


class _Noted:
    """Progress whose last numbers are noted."""

    def __init__(self, progress: Callable[[str, int, int], None]) -> None:
        self._progress = progress
        self._totals: dict[str, int] = {}
        self.remarks: list[str] = []

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Report progress, as `harness.interface.Progress`."""
        self._progress(task, done, total)
        self._totals[task] = total

    def lines(self, found: "Comparison") -> Iterable[tuple[str, int]]:
        """Yield remarks and full bars as a comparison reports them that finds all runs."""
        for line in self.remarks:
            yield line, 0
        for name in found.result.candidate.values:
            for bar in (f"{name}, tuning", f"{name}, final"):
                if self._totals.get(bar):
                    yield bar, self._totals[bar]


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
