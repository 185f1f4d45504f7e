"""Rendering of a report as Markdown and as one HTML page, by templates.

In either kind of document a text is escaped unless a template or a filter here has written it. The
page needs no network and no other file, and can be read without JavaScript; with it the ledger can
be sorted and filtered, and figures and numbers show their values under the pointer.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mnist1d.measures import text
from mnist1d.measures.uncertainty import Estimate
from mnist1d.report import dataset_table, wording
from mnist1d.report.contents import Report, Section
from mnist1d.report.pictures import Picture
from mnist1d.report.strips import strip

MARK = "mnist1d report"
"""The command that every document names; it marks files that may be replaced."""

_FILTERS = (
    wording.compilation_of,
    text.interval_of,
    text.mean_of,
    wording.sentence,
    wording.setting,
    wording.summary_of,
    wording.time_of,
    wording.verdicts_of,
    wording.wall_time_of,
    text.with_interval,
)


def overview_markdown(
    report: Report, pictures: Mapping[str, Sequence[Picture]], *, folder: str, command: str
) -> str:
    """Write the overview of a record, with links to the pages of its experiments.

    Args:
        report: the contents.
        pictures: the figures of every experiment, by its name.
        folder: path of the record from the document, with forward slashes.
        command: the command that makes the document.
    """
    return _written_in_markdown(
        "overview", report=report, pictures=pictures, folder=folder, command=command
    )


def experiment_markdown(
    section: Section, pictures: Sequence[Picture], *, overview: str = ""
) -> str:
    """Write the page of one experiment; its figures are PNG files in the same folder.

    Args:
        section: the contents.
        pictures: the figures.
        overview: path of the overview from the document; empty for no link.
    """
    return _written_in_markdown("experiment", section=section, pictures=pictures, overview=overview)


def dataset_markdown(*, overview: str = "") -> str:
    """Write the page of the dataset; see `experiment_markdown`."""
    return _written_in_markdown("dataset", overview=overview)


def html_page(report: Report, pictures: Mapping[str, Sequence[Picture]]) -> str:
    """Write a whole record as one HTML page.

    Args:
        report: the contents.
        pictures: the figures of every experiment, by its name.
    """
    here = files("mnist1d.report") / "templates"
    style, script = (
        Markup((here / name).read_text(encoding="utf-8"))  # noqa: S704 (our own)
        for name in ("page.css", "page.js")
    )
    template = _html().get_template("page.html.jinja")
    return template.render(report=report, pictures=pictures, style=style, script=script)


def _written_in_markdown(name: str, **about: Any) -> str:
    written = _markdown().get_template(f"{name}.md.jinja").render(**about)
    # Omitted parts of a template leave blank lines.
    return re.sub(r"\n{3,}", "\n\n", written).strip() + "\n"


@cache
def _markdown() -> Environment:
    environment = _environment(finalize=_as_markdown)
    environment.filters["cell"] = _as_cell
    return environment


@cache
def _html() -> Environment:
    environment = _environment()
    environment.filters |= {
        "text": _as_html,
        "strip": lambda section, judged: strip(judged, section.per_seed(judged.estimate)),
        "several_values": _several_values,
        "values_of": _values,
    }
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment


def _environment(**options: Any) -> Environment:
    environment = Environment(
        autoescape=True,
        keep_trailing_newline=True,
        loader=PackageLoader("mnist1d.report"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
        **options,
    )
    environment.filters |= {each.__name__: each for each in _FILTERS}
    environment.globals |= {"dataset": dataset_table, "how_to_read": wording.HOW_TO_READ}
    return environment


def _as_markdown(value: Any) -> Markup:
    """Escape tags and emphasis, except in code."""
    if isinstance(value, Markup):
        return value
    parts = re.split("(`[^`]*`)", str(value))
    safe = [
        part if part[:1] == "`" else part.replace("<", "&lt;").replace("*", "\\*") for part in parts
    ]
    return Markup("".join(safe))  # noqa: S704 (escaped for Markdown)


def _as_cell(value: Any) -> Markup:
    return Markup(_as_markdown(value).replace("|", "\\|"))  # noqa: S704 (as above)


def _as_html(value: Any) -> Markup:
    """Escape a text, with code for backticks, and no line break between a number and %."""
    safe = re.sub(r"(\d) %", r"\1&nbsp;%", str(escape(value)))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", safe))  # noqa: S704 (escaped above)


def _values(section: Section, estimate: Estimate) -> list[str]:
    """Write the values of all seeds."""
    decimals = 2 if abs(estimate.mean) >= 10 else 4
    return [text.number(value, decimals) for value in section.per_seed(estimate)]


def _several_values(section: Section) -> list[tuple[str, str, list[str]]]:
    """Return row, column and values of every cell that has values of several seeds."""
    return [
        (f"{row.group}, {row.condition}" if row.group else row.condition, column, values)
        for row in section.rows
        for column, estimate in row.cells.items()
        if len(values := _values(section, estimate)) > 1
    ]
