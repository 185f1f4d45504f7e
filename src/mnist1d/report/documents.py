"""Writing the documents of a record: an overview, one HTML page, a page per experiment."""

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write
from mnist1d.report import dataset_table
from mnist1d.report.contents import Report
from mnist1d.report.pictures import Picture, draw_png
from mnist1d.report.render import (
    MARK,
    dataset_markdown,
    experiment_markdown,
    html_page,
    overview_markdown,
    own_markdown,
)

OVERVIEW, HTML, PAGE = "RESULTS.md", "report.html", "README.md"


def write_report(
    report: Report,
    pictures: Mapping[str, Sequence[Picture]],
    folder: checks.StrPath,
    out: checks.StrPath,
) -> list[Path]:
    """Write all documents, and those of their figures that the record lacks.

    Args:
        report: the contents, read from the folder.
        pictures: the figures of every experiment, by its name.
        folder: the record, where every experiment's page goes.
        out: where the overview and the HTML page go.

    Returns: the paths of the overview, of the HTML page and of the pages.
    Raises: OSError: if one cannot be written, or would replace a file that is no report's.
    """
    folder, out = checks.path("folder", folder), checks.path("out", out)
    way = relative_path(folder, out)
    texts = {
        out / OVERVIEW: overview_markdown(
            report, pictures, folder=quote(way, safe="/:"), command=command_for(way)
        ),
        out / HTML: html_page(report, pictures),
    }
    for section in report.sections:
        texts[folder / section.name / PAGE] = experiment_markdown(
            section, pictures[section.name], overview=_way_back(folder, out)
        )
    for section in report.own:
        texts[folder / section.name / PAGE] = own_markdown(
            section, pictures[section.name], overview=_way_back(folder, out)
        )
    if report.sections:
        page = dataset_markdown(overview=_way_back(folder, out))
        texts[folder / dataset_table.FOLDER / PAGE] = page
    for path in texts:
        if path.name == PAGE and path.is_file() and MARK not in path.read_text("utf-8", "replace"):
            why = f"there is one that `{MARK}` did not make; move it away"
            raise FileExistsError(errno.EEXIST, why, str(path))
    for path, text in texts.items():
        with atomic_write(path) as file:
            file.write(text.encode())
    _draw_missing(report, pictures, folder)
    return list(texts)


def relative_path(folder: Path, out: Path) -> str:
    """Return the relative path to one folder from another, with forward slashes."""
    try:
        return Path(os.path.relpath(folder, out)).as_posix()
    except ValueError:  # another drive
        return folder.resolve().as_posix()


def command_for(way: str) -> str:
    """Return the command that makes the documents, with the path of the overview's folder."""
    return f"mnist1d report {way}" if way == "." else f"mnist1d report {way} --out ."


def _way_back(folder: Path, out: Path) -> str:
    """Return the path from a page to the overview; empty if that is not in a parent folder."""
    way = relative_path(out, folder / "NAME")
    return f"{way}/{OVERVIEW}" if set(way.split("/")) == {".."} else ""


def _draw_missing(report: Report, pictures: Mapping[str, Sequence[Picture]], folder: Path) -> None:
    for section in report.sections:
        paths = {
            picture.name: folder / section.name / f"{picture.name}.png"
            for picture in pictures[section.name]
        }
        missing = [name for name, path in paths.items() if not path.exists()]
        drawn = draw_png(section) if missing else {}
        for name in missing:
            with atomic_write(paths[name]) as file:
                file.write(drawn[name])
    if not report.sections:
        return
    figure_1 = folder / dataset_table.FOLDER / f"{dataset_table.FIGURE}.png"
    if not figure_1.exists():
        with atomic_write(figure_1) as file:
            file.write(dataset_table.figure_1_png())
