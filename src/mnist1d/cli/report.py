"""The command `mnist1d report`."""

from pathlib import Path
from typing import Annotated

import tyro

from mnist1d.cli.options.command import RECORD
from mnist1d.cli.output.ending import fail, say
from mnist1d.cli.output.outcome import Outcome

__all__ = ["report"]


def report(
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="[DIR]")] = RECORD,
    /,
    *,
    out: Annotated[
        Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="(default: DIR)")
    ] = None,
    json: bool = False,
    quiet: bool = False,  # noqa: ARG001 (as everywhere)
) -> Outcome:
    """Make RESULTS.md and a page, report.html, of the results in a folder.

    The page needs nothing else: no network, no other file. RESULTS.md is an overview, with links
    to a README.md per experiment. A damaged result is named, and the others are reported.

    Args:
        folder: what `mnist1d reproduce`, `run` or `compare` wrote with `--out DIR`.
        out: folder for all that is written, made if needed. If DIR lies in it, the page of an
            experiment goes next to its result; otherwise nothing is written to DIR.
        json: write one JSON document in place of lines.
        quiet: no effect here, where no progress is shown.
    """
    from mnist1d.harness.claims import OWN_VERDICTS
    from mnist1d.report import read_report
    from mnist1d.report.contents import count_verdicts
    from mnist1d.report.documents import write_report
    from mnist1d.report.own import tally
    from mnist1d.report.pictures import draw_report
    from mnist1d.report.reading import nearby, readable
    from mnist1d.report.wording import provenance_of, sentence, summary_of

    if folder == RECORD and not folder.exists():
        hint = nearby(Path()) or "`mnist1d reproduce` makes it"
        fail(f"there is no folder {RECORD}, so that one must be given; {hint}")
    out = folder if out is None else out
    try:
        found, pictures = draw_report(read_report(folder), folder)
        readable(found)
    except (FileNotFoundError, ValueError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot read {error.filename or folder}: {error.strerror or error}")
    try:
        paths = write_report(found, pictures, folder, out)
    except OSError as error:
        fail(f"cannot write {error.filename or out}: {error.strerror or error}")
    failed = "; ".join(found.failed)
    if json:
        own = [
            {
                "name": each.name,
                "title": each.title,
                "kind": each.kind,
                "verdicts": count_verdicts(each.claims, OWN_VERDICTS),
            }
            for each in found.own
        ]
        claims = [judged for each in found.own for judged in each.claims]
        document = {
            "command": "report",
            "verdicts": found.counts,
            "own_verdicts": count_verdicts(claims, OWN_VERDICTS),
            "own": own,
            "note": found.note or None,
            "files": paths,
            "failed": failed or None,
        }
        return Outcome(document, failed)
    lines = [summary_of(found)] if found.sections else []
    lines += [f"{each.name}: {tally(each)}." for each in found.own]
    lines += [str(path) for path in paths]
    lines[1:1] = [origin] if (origin := provenance_of(found)) else []
    if found.note:
        lines.insert(0, f"{sentence(found.note)}.")
    say("\n".join(lines))
    return Outcome(failed=failed)
