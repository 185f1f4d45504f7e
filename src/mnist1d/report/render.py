"""Rendering of a report as Markdown and as one HTML page, by templates.

In either kind of document a text is escaped unless a template or a filter here has written it. The
page needs no network and no other file, and can be read without JavaScript; with it the ledger can
be sorted and filtered, and figures and numbers show their values under the pointer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mnist1d.harness.stored.findings import RESULT
from mnist1d.harness.stored.texts import without_controls
from mnist1d.measures import text
from mnist1d.measures.uncertainty import Estimate
from mnist1d.report import compared, dataset_table, overview, own, wording
from mnist1d.report.contents import Report, Section
from mnist1d.report.pictures import Picture
from mnist1d.report.strips import strip

MARK = "mnist1d report"
"""The command that every document names; it marks files that may be replaced."""
COMPARED = "compared.svg"
"""The file of the overview's figure, in the pages' folder."""

_FILTERS = (
    overview.against,
    overview.beside_published,
    overview.in_words,
    overview.n_said,
    overview.remark_on,
    overview.why_open,
    overview.why_in_brief,
    own.tally,
    wording.commits_in_words,
    wording.compilation_of,
    text.interval_of,
    text.mean_of,
    wording.provenance_of,
    wording.scope_of,
    wording.sentence,
    wording.setting,
    wording.summary_of,
    wording.tally_of,
    wording.time_of,
    wording.verdicts_of,
    wording.wall_time_of,
    text.with_interval,
)


def overview_markdown(report: Report, *, folder: str, command: str, record: str = "") -> str:
    """Write the overview of a record, with links to the pages of its experiments.

    Args:
        report: the contents.
        folder: path of the pages' folder from the document, with forward slashes.
        command: the command that makes the document.
        record: path of the record, where it is not the pages' folder.
    """
    numbers = compared.compared(report)
    about = {
        "report": report,
        "folder": folder,
        "command": command,
        "record": record or folder,
        "holds": overview.what_holds(report),
        "differs": overview.what_differs(report),
        "open": overview.what_is_open(report),
        "unknown": overview.what_is_open(report, checkable=False),
        "new": overview.what_is_new(report),
        "beyond": overview.what_is_beyond(report),
        "compared_file": COMPARED if numbers else "",
        "caption": compared.caption(numbers),
    }
    names = ["overview"] * bool(report.sections) + ["own-overview"] * bool(report.own)
    return "\n".join(_written_in_markdown(name, **about) for name in names)


def experiment_markdown(
    section: Section, pictures: Sequence[Picture], *, overview: str = "", result: str = RESULT
) -> str:
    """Write the page of one experiment; its figures are PNG files in the same folder.

    Args:
        section: the contents.
        pictures: the figures.
        overview: path of the overview from the document; empty for no link.
        result: path of the stored result from the document.
    """
    about = {"section": section, "pictures": pictures, "overview": overview, "result": result}
    return _written_in_markdown("experiment", **about)


def own_markdown(
    section: Section, pictures: Sequence[Picture], *, overview: str = "", result: str = RESULT
) -> str:
    """Write the page of an experiment of one's own; see `experiment_markdown`."""
    about = {"section": section, "pictures": pictures, "overview": overview, "result": result}
    return _written_in_markdown("own", **about)


def dataset_markdown(*, overview: str = "") -> str:
    """Write the page of the dataset; see `experiment_markdown`."""
    return _written_in_markdown("dataset", overview=overview)


def differences_markdown(report: Report, *, folder: str) -> str:
    """Write how a record differs from the paper: its numbers, and what was done otherwise.

    Args:
        report: the contents.
        folder: path of the pages' folder from the document, with forward slashes.
    """
    return _written_in_markdown("differences", report=report, folder=folder)


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
    name = "page" if report.sections else "own-page"
    template = _html().get_template(f"{name}.html.jinja")
    numbers = compared.compared(report)
    return template.render(
        report=report,
        pictures=pictures,
        style=style,
        script=script,
        caption=compared.caption(numbers),
        drawing=compared.drawing(numbers),
    )


def _written_in_markdown(name: str, **about: Any) -> str:
    written = _markdown().get_template(f"{name}.md.jinja").render(**about)
    # Omitted parts of a template leave blank lines.
    return re.sub(r"\n{3,}", "\n\n", written).strip() + "\n"


@cache
def _markdown() -> Environment:
    environment = _environment(finalize=_as_markdown)
    environment.filters |= {"cell": _as_cell, "code": _as_code, "plain": _as_plain}
    environment.filters["block"] = _as_block
    return environment


@cache
def _html() -> Environment:
    environment = _environment()
    environment.filters |= {
        "text": _as_html,
        "plain": without_controls,
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
    environment.globals |= {"how_covered": wording.COVERAGE, "how_judged": wording.VERDICTS_MEAN}
    environment.globals["how_own"] = wording.HOW_OWN
    return environment


def _as_markdown(value: Any) -> Markup:
    """Escape tags, links and emphasis, except in code."""
    if isinstance(value, Markup):
        return value
    text, safe, end = _on_one_line(value), [], 0
    for start, after in _code_spans(text):
        safe += [_escaped(text[end:start]), text[start:after]]
        end = after
    return Markup("".join([*safe, _escaped(text[end:])]))  # noqa: S704 (escaped for Markdown)


def _as_plain(value: Any) -> Markup:
    """Keep everything from being markup, code too: for what a file says of itself."""
    text = re.sub(r"([\\`*~$]|\b_|_\b|\](?=[(\[:]))", r"\\\1", _on_one_line(value))
    return Markup(_without_tags(text))  # noqa: S704 (escaped for Markdown)


def _as_code(value: Any) -> Markup:
    """Write code, which may contain backticks."""
    text = _on_one_line(value)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in (text[:1], text[-1:]) else ""
    return Markup(f"{fence}{space}{text}{space}{fence}")  # noqa: S704 (nothing is markup in code)


def _as_block(value: str) -> Markup:
    """Write lines of code, which may contain backticks."""
    fence = "`" * (1 + max(2, *map(len, re.findall("`+", value)), 0))
    return Markup(f"{fence}text\n{without_controls(value)}\n{fence}")  # noqa: S704 (as above)


def _on_one_line(value: Any) -> str:
    return " ".join(without_controls(str(value)).splitlines())


def _code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Find code as Markdown does: from some backticks to the next that are as many."""
    runs = list(re.finditer("`+", text))
    while runs:
        first, *runs = runs
        for number, run in enumerate(runs):
            if len(run[0]) == len(first[0]):
                yield first.start(), run.end()
                runs = runs[number + 1 :]
                break


def _escaped(text: str) -> str:
    """Escape what is not code, so that its punctuation is nothing but punctuation."""
    return _without_tags(re.sub(r"([\\`*]|\](?=[(\[:]))", r"\\\1", text))


def _without_tags(text: str) -> str:
    return re.sub(r"&(?=#|\w+;)", "&amp;", text).replace("<", "&lt;")


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
