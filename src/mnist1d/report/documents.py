"""Writing the documents of a record: an overview, one HTML page, a page per experiment."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write
from mnist1d.harness.stored.findings import RESULT
from mnist1d.report import dataset_table
from mnist1d.report.compared import compared, drawing
from mnist1d.report.contents import Report
from mnist1d.report.pictures import Picture, draw_png
from mnist1d.report.render import (
    COMPARED,
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
    """Write all documents, and the figures that they show, into one folder.

    Args:
        report: the contents, read from `folder`.
        pictures: the figures of every experiment, by its name.
        folder: the record. If it lies in `out`, the page of an experiment goes next to its result,
            and so do figures that are missing there; otherwise nothing is written to it.
        out: where everything goes.

    Returns: the paths of the overview, of the HTML page and of the pages.
    Raises: OSError: if one cannot be written, or would replace a file that is no report's.
    """
    folder, out = checks.path("folder", folder), checks.path("out", out)
    pages, way = _place_of_pages(folder, out), relative_path(folder, out)
    overview = f"{relative_path(out, pages / 'NAME')}/{OVERVIEW}"
    texts = {
        out / OVERVIEW: overview_markdown(
            report,
            folder=_address(relative_path(pages, out)),
            record=_address(way),
            command=command_for(way),
        ),
        out / HTML: html_page(report, pictures),
    }
    kinds = (experiment_markdown, report.sections), (own_markdown, report.own)
    for write, section in ((write, each) for write, sections in kinds for each in sections):
        source = relative_path(folder / section.name / RESULT, pages / section.name)
        texts[pages / section.name / PAGE] = write(
            section, pictures[section.name], overview=overview, result=_address(source)
        )
    if report.sections:
        texts[pages / dataset_table.FOLDER / PAGE] = dataset_markdown(overview=overview)
    for path in texts:
        _check_replaceable(path, is_with_result=pages.resolve() == folder.resolve())
    numbers = compared(report)
    if numbers:
        texts[pages / COMPARED] = drawing(numbers)
    for path, text in texts.items():
        with atomic_write(path) as file:
            file.write(text.encode())
    for name, figures, draw in _figures(report, pictures):
        _write_figures(figures, draw, folder / name, pages / name)
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


def _place_of_pages(folder: Path, out: Path) -> Path:
    """Return the record if it lies in the output, as a path in it; otherwise the output."""
    # With links followed, too, as one of the two may have been named by way of a link.
    for inner, outer in ((folder.absolute(), out.absolute()), (folder.resolve(), out.resolve())):
        if inner.is_relative_to(outer):
            return out / inner.relative_to(outer)
    return out


def _address(path: str) -> str:
    return quote(path, safe="/:")


def _check_replaceable(path: Path, *, is_with_result: bool) -> None:
    """Refuse to replace a page that someone else wrote, or that of another record.

    Raises: FileExistsError: saying which it is.
    """
    if path.suffix != ".md":
        return
    why = ""
    if path.is_file() and MARK not in path.read_text("utf-8", "replace"):
        why = f"there is one that `{MARK}` did not make; move it away"
    elif not is_with_result and (path.parent / RESULT).exists():
        why = f"another record has its {RESULT} there; choose another folder"
    if why:
        raise FileExistsError(errno.EEXIST, why, str(path))


def _figures(
    report: Report, pictures: Mapping[str, Sequence[Picture]]
) -> Iterator[tuple[str, list[str], Callable[[], Mapping[str, bytes]]]]:
    """Yield a folder's name, the names of the figures on its page, and what draws them."""
    for section in report.sections:
        yield (
            section.name,
            [each.name for each in pictures[section.name]],
            partial(draw_png, section),
        )
    for section in report.own:
        images = {each.name: each.image for each in pictures[section.name]}
        yield section.name, list(images), partial(dict, images)
    if report.sections:
        name = dataset_table.FIGURE
        yield dataset_table.FOLDER, [name], lambda: {name: dataset_table.figure_1_png()}


def _write_figures(
    names: Sequence[str], draw: Callable[[], Mapping[str, bytes]], folder: Path, page: Path
) -> None:
    """Copy the figures that a page shows from the record, and draw those that it lacks."""
    drawn: Mapping[str, bytes] = {}
    for name in names:
        source, target = (place / f"{name}.png" for place in (folder, page))
        if source.is_file():
            if source.resolve() == target.resolve():
                continue
            content = source.read_bytes()
        else:
            drawn = drawn or draw()
            content = drawn[name]
        with atomic_write(target) as file:
            file.write(content)
