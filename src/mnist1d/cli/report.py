"""The command `mnist1d report`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import tyro

from mnist1d.cli.command import fail
from mnist1d.dataset.atomic import atomic_write
from mnist1d.report import dataset_table
from mnist1d.report.contents import Report
from mnist1d.report.dataset_table import figure_1_png
from mnist1d.report.pictures import Picture, draw_pictures, draw_png
from mnist1d.report.reading import needs_of, read_report
from mnist1d.report.render import to_markdown, to_page
from mnist1d.report.wording import sentence, summary_of

__all__ = ["report"]

TABLES, PAGE = "RESULTS.md", "report.html"


def report(
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")],
    /,
    *,
    out: Annotated[
        Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="(default: DIR)")
    ] = None,
) -> None:
    """Make RESULTS.md and a page, report.html, of what `mnist1d reproduce` found.

    The page needs nothing else: no network, no other file.

    Args:
        folder: what `mnist1d reproduce --out DIR` wrote.
        out: folder for the two files; made if needed.
    """
    out = folder if out is None else out
    try:
        found = read_report(folder)
        pictures = {}
        for section in found.sections:
            with needs_of(section.experiment, folder / section.name):
                pictures[section.name] = draw_pictures(section)
    except (FileNotFoundError, ValueError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot read {error.filename or folder}: {error.strerror or error}")
    try:
        paths = write_report(found, pictures, folder, out)
    except OSError as error:
        fail(f"cannot write {error.filename or out}: {error.strerror or error}")
    lines = [summary_of(found), *(str(path) for path in paths)]
    if found.note:
        lines.insert(0, f"{sentence(found.note)}.")
    print("\n".join(lines))  # noqa: T201


def write_report(
    report: Report, pictures: Mapping[str, Sequence[Picture]], folder: Path, out: Path
) -> tuple[Path, Path]:
    """Write both documents, and what the record lacks of the figures that RESULTS.md shows.

    Args:
        report: what `read_report` made of the folder.
        pictures: the figures of every experiment, by its name.
        folder: the record.
        out: where the documents go.

    Returns: the paths of RESULTS.md and of the page.
    Raises: OSError: if one cannot be written.
    """
    for section in report.sections:
        names = {picture.name for picture in pictures[section.name]}
        missing = [name for name in names if not _picture_path(folder, section.name, name).exists()]
        drawn = draw_png(section) if missing else {}
        for name in missing:
            with atomic_write(_picture_path(folder, section.name, name)) as file:
                file.write(drawn[name])
    figure_1 = _picture_path(folder, dataset_table.FOLDER, dataset_table.FIGURE)
    if not figure_1.exists():
        with atomic_write(figure_1) as file:
            file.write(figure_1_png())
    texts = {
        TABLES: to_markdown(
            report, pictures, folder=relative_path(folder, out), command=command_for(folder, out)
        ),
        PAGE: to_page(report, pictures),
    }
    for name, text in texts.items():
        with atomic_write(out / name) as file:
            file.write(text.encode())
    return out / TABLES, out / PAGE


def relative_path(folder: Path, out: Path) -> str:
    """Return the way from one folder to another, with forward slashes."""
    try:
        return Path(os.path.relpath(folder, out)).as_posix()
    except ValueError:  # another drive
        return folder.resolve().as_posix()


def command_for(folder: Path, out: Path) -> str:
    """Return the command that makes the documents, given from where they are."""
    way = relative_path(folder, out)
    return f"mnist1d report {way}" if way == "." else f"mnist1d report {way} --out ."


def _picture_path(folder: Path, section: str, name: str) -> Path:
    return folder / section / f"{name}.png"
