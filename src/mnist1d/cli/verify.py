"""The command `mnist1d verify`."""

from pathlib import Path
from typing import Annotated

import tyro

from mnist1d.cli.options.command import exit_on_error, prepare_devices
from mnist1d.cli.output.console import make_console
from mnist1d.cli.output.ending import fail
from mnist1d.cli.output.outcome import Outcome


def verify(
    record: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RECORD.nc")],
    /,
    *,
    trust: bool = False,
    code: bool = False,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("mnist1d-verifications"),
    json: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Run a record of a leaderboard again, from the code in it, and compare the scores.

    That code is whoever made the record's, and runs with your rights: read it with --code, and
    allow it with --trust. Without --trust nothing in the record is run.

    Args:
        record: a file that `mnist1d compare --record` wrote.
        trust: run the code in the record.
        code: show the code in the record, and run nothing.
        out: folder for finished runs, from which the same command continues after an interruption;
            removed when all are finished.
        json: write one JSON document in place of a table.
        quiet: show no progress.
    """
    from mnist1d.cli.output.progress import make_progress
    from mnist1d.lab.leaderboard.records import read_record
    from mnist1d.lab.leaderboard.verification import repeat

    if trust and code:
        fail("--trust must be left out with --code, which runs nothing")
    console = make_console()
    with exit_on_error(record, resumable=False):
        found = read_record(record)
    with exit_on_error(out):
        about = {"command": "verify", "record": record}
        if code:
            if json:
                return Outcome(about | {"files": dict(found.files)})
            for name, text in found.files.items():
                console.print(f"# {name}", markup=False, highlight=False)
                console.print(text, markup=False, highlight=False, soft_wrap=True)
            return Outcome()
        if not trust:
            fail(
                f"{record} has code of {found.author} ({', '.join(found.files)}), which runs with "
                "your rights: read it with --code, and add --trust to run it"
            )
        prepare_devices()
        with make_progress(console, quiet=quiet, json=json) as progress:
            verified = repeat(found, folder=out, progress=progress)
    failed = "" if verified.verified else verified.conclusion
    if json:
        return Outcome(about | verified.document() | {"failed": failed or None}, failed)
    console.print(verified.table())
    return Outcome(failed=failed)
