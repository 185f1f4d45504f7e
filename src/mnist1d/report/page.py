"""One HTML page of a report that needs nothing but itself: no network, no other file.

It reads without JavaScript; with it the ledger sorts and filters, and figures and numbers tell
their values when pointed at.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from mnist1d.measures.uncertainty import Estimate
from mnist1d.report import dataset_table
from mnist1d.report.contents import NOT_FULL, Judged, Report, Section, count_verdicts
from mnist1d.report.dataset_table import figure_1, table_2
from mnist1d.report.pictures import Picture
from mnist1d.report.strips import strip
from mnist1d.report.wording import (
    HOW_TO_READ,
    compilation_of,
    interval_of,
    mean_of,
    number,
    sentence,
    setting,
    summary_of,
    time_of,
    wall_time_of,
    with_interval,
)

PAPER = "https://arxiv.org/abs/2011.14439"
_PIXELS_PER_INCH = 192
_LEAST_PIXELS_PER_INCH = 84
_MOST_PIXELS = 640
"""Height of a figure, so that it can be seen whole."""


def to_page(report: Report, pictures: Mapping[str, Sequence[Picture]]) -> str:
    """Write a report as an HTML page.

    Args:
        report: what to say.
        pictures: the figures of every experiment, by its name.
    """
    here = files("mnist1d.report")
    style, script = ((here / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    body = "\n".join(
        [
            _navigation(report),
            "<main>",
            *_opening(report),
            *_dataset(),
            *(
                line
                for section in report.sections
                for line in _section(section, pictures[section.name])
            ),
            *_differing(report),
            *_ledger(report),
            "</main>",
        ]
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>MNIST-1D: results</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#results">Skip to the results</a>
{body}
<script>
{script}</script>
</body>
</html>
"""


def _text(text: str) -> str:
    """Escape a text; what stands between backticks becomes code, and units stay with numbers."""
    safe = re.sub(r"(\d) %", r"\1&nbsp;%", escape(text, quote=False))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)


def _attribute(text: str) -> str:
    return escape(text, quote=True).replace("\n", "&#10;")


def _verdict(verdict: str) -> str:
    return f'<span class="verdict {verdict}">{verdict}</span>'


def _note(note: str) -> list[str]:
    return [f'<p class="quick">{_text(sentence(note))}.</p>'] if note else []


def _navigation(report: Report) -> str:
    links = [("results", "Results", ""), (dataset_table.FOLDER, "The dataset", "")]
    links += [
        (section.name, section.short_title, str(len(section.claims))) for section in report.sections
    ]
    if report.differing:
        links.append(("differences", "Where we differ", str(len(report.differing))))
    links.append(("claims", "All claims", str(sum(report.counts.values()))))
    items = "".join(
        f'<li><a href="#{target}">{_text(name)}</a>{f" <span>{count}</span>" if count else ""}</li>'
        for target, name, count in links
    )
    return f'<nav aria-label="Contents"><p class="brand">MNIST-1D</p><ul>{items}</ul></nav>'


def _opening(report: Report) -> Iterable[str]:
    yield '<header id="results">'
    yield "<h1>The paper, run again</h1>"
    yield (
        f'<p class="lead">S. Greydanus and D. Kobak, <a href="{PAPER}"><cite>Scaling Down Deep '
        "Learning with MNIST-1D</cite></a>, ICML 2024: its tables and figures beside ours, every "
        "claim with a verdict.</p>"
    )
    yield from _note(report.note)
    counts = report.counts
    parts = "".join(
        f'<span class="{verdict}" style="flex-grow:{n}"></span>'
        for verdict, n in counts.items()
        if n
    )
    tallies = "".join(
        f'<li class="{verdict}"><b>{n}</b> {verdict}</li>' for verdict, n in counts.items()
    )
    yield f'<div class="tally" aria-hidden="true">{parts}</div><ul class="tallies">{tallies}</ul>'
    yield f"<p>{_text(summary_of(report))}</p>"
    yield f'<p class="small">{_text(HOW_TO_READ)} '
    yield (
        "In the small drawings the band is where the rule wants the interval, the tick the "
        "published number, the bar our interval, each dot a seed.</p>"
    )
    longest = max(section.seconds for section in report.sections)
    compilation = compilation_of(report)
    rows = []
    for section in report.sections:
        time = section.seconds
        verdicts = "".join(f"<td>{n or ''}</td>" for n in count_verdicts(section.claims).values())
        rows.append(
            f'<tr><th scope="row"><a href="#{section.name}">{_text(section.title)}</a></th>'
            f"<td>{section.note or 'full'}</td><td>{section.n_seeds}</td>"
            f'{verdicts}<td class="time"><span class="amount" '
            f'style="width:{100 * time / longest:.1f}%"></span>{wall_time_of(section)}</td>'
            f"{f'<td>{compilation[section.name]}</td>' if compilation else ''}</tr>"
        )
    header = "".join(
        f'<th scope="col">{name}</th>'
        for name in (
            *("experiment", "protocol", "seeds", *counts, "time"),
            *(["compilation"] if compilation else []),
        )
    )
    yield _scroll(
        "The experiments",
        f'<table class="overview"><thead><tr>{header}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>",
    )
    if report.missing:
        names = "; ".join(
            f"{escape(each.TITLE)} (<code>mnist1d reproduce {each.NAME}</code>)"
            for each in report.missing
        )
        yield f'<p class="small">Not in this record: {names}.</p>'
    yield "</header>"


def _dataset() -> Iterable[str]:
    yield f'<section id="{dataset_table.FOLDER}"><h2>{_text(dataset_table.TITLE)}</h2>'
    yield f"<p>{_text(dataset_table.INTRODUCTION)}</p>"
    yield _figure(dataset_table.FOLDER, figure_1())
    rows = "".join(
        f'<tr><th scope="row">{_text(row.words)}</th>'
        f"<td>{f'<code>{row.name}</code>' if row.name else ''}</td>"
        f"<td>{_text(row.ours)}</td><td>{_text(row.published)}</td></tr>"
        for row in table_2()
    )
    header = "".join(
        f'<th scope="col">{name}</th>' for name in ("parameter", "field", "ours", "paper")
    )
    yield _scroll(
        "Table 2",
        f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>",
    )
    yield "</section>"


def _scroll(label: str, content: str) -> str:
    """Let a table that is too wide scroll by itself, by keyboard too."""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{_attribute(label)}">'
        f"{content}</div>"
    )


def _differing(report: Report) -> Iterable[str]:
    if not report.differing:
        return
    yield '<section id="differences"><h2>Where we differ</h2>'
    for section in report.sections:
        if not section.differing:
            continue
        yield f'<h3>{_text(section.title)}</h3><p class="small">Run: {_text(section.run)}.</p>'
        for judged in section.differing:
            claim, estimate = judged.claim, judged.estimate
            yield (
                f'<article class="why"><h4>{_text(claim.statement)}</h4>'
                f'<p class="numbers"><span>published <b>{_text(str(claim.rule))}</b></span> '
                f"<span>ours <b>{mean_of(estimate)}</b> ({interval_of(estimate)})</span> "
                f"<span>{_text(claim.source)}</span> {_strip(section, judged)}</p>"
                f"<p>{_text(judged.why or '')}</p></article>"
            )
    yield "</section>"


def _section(section: Section, pictures: Sequence[Picture]) -> Iterable[str]:
    yield f'<section id="{section.name}"><h2>{_text(section.title)}</h2>'
    yield from _note(section.note)
    yield f'<p class="question">{_text(section.question)}</p>'
    yield from (f"<p>{_text(paragraph)}</p>" for paragraph in section.introduction)
    yield from (_figure(section.name, picture) for picture in pictures)
    yield _measurements(section)
    yield from (f"<p>{_text(remark)}</p>" for remark in section.remarks)
    yield _seeds(section)
    yield _settings(section)
    if section.differences:
        items = "".join(f"<li>{_text(text)}</li>" for text in section.differences)
        sentence = f"<p>{_text(section.on_differences)}.</p>" if section.on_differences else ""
        yield (
            "<details><summary>Differences from the paper and its code</summary>"
            f"{sentence}<ol>{items}</ol></details>"
        )
    yield "</section>"


def _figure(section: str, picture: Picture) -> str:
    scale = min(_PIXELS_PER_INCH, _MOST_PIXELS / picture.size[1])
    width, height = (round(inches * scale) for inches in picture.size)
    least = round(picture.size[0] * _LEAST_PIXELS_PER_INCH)
    source = base64.b64encode(picture.image).decode("ascii")
    panels = json.dumps(picture.panels, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<figure id="{section}-{picture.name}"><div class="scroll" role="region" '
        f'tabindex="0" aria-label="{_attribute(picture.caption)}">'
        f'<div class="plot" style="width:{width}px;min-width:{least}px">'
        f'<img width="{width}" height="{height}" alt="{_attribute(picture.words)}" '
        f'src="data:{picture.media_type};base64,{source}">'
        f'<script type="application/json">{panels}</script></div></div>'
        f"<figcaption>{_text(picture.caption)}</figcaption></figure>"
    )


def _strip(section: Section, judged: Judged) -> str:
    return strip(judged, section.per_seed(judged.estimate))


def _values(section: Section, estimate: Estimate) -> list[str]:
    """Write the values of all seeds."""
    decimals = 2 if abs(estimate.mean) >= 10 else 4
    return [number(value, decimals) for value in section.per_seed(estimate)]


def _cell(text: str, section: Section, estimate: Estimate) -> str:
    # An interval that is not symmetric gets a line of its own.
    mean, _, beside = text.partition(", ")
    content = _text(mean) + (f' <span class="beside">{_text(beside)}</span>' if beside else "")
    written = _values(section, estimate)
    if len(written) < 2:
        return f"<td>{content}</td>"
    values = _attribute("\n".join(f"seed {seed}: {text}" for seed, text in enumerate(written)))
    return f'<td><span class="seeds" title="{values}">{content}</span></td>'


def _measurements(section: Section) -> str:
    rows, group = [], None
    columns = section.columns
    grouped = len({row.group for row in section.rows}) > 1
    for row in section.rows:
        if grouped and row.group != group:
            group = row.group
            rows.append(
                f'<tr class="group"><th scope="colgroup" colspan="{len(columns) + 4}">'
                f"{_text(row.group)}</th></tr>"
            )
        cells = "".join(
            _cell(with_interval(row.cells[column], section.n_seeds), section, row.cells[column])
            if column in row.cells
            else "<td></td>"
            for column in columns
        )
        judged = row.judged
        last = (
            "<td></td><td></td><td></td>"
            if judged is None
            else f"<td>{_text(str(judged.claim.rule))}</td>"
            f"<td>{_verdict(judged.verdict)}</td><td>{_strip(section, judged)}</td>"
        )
        rows.append(f'<tr><th scope="row">{_text(row.condition)}</th>{cells}{last}</tr>')
    header = "".join(
        f'<th scope="col">{_text(name)}</th>' for name in ("", *columns, "published", "", "verdict")
    ).replace('<th scope="col"></th>', "<td></td>")
    return _scroll(
        f"{section.title}: table",
        f'<table class="measurements"><caption>Mean ± half the 95 % interval, n = '
        f"{section.n_seeds} unless stated</caption><thead><tr>{header}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>",
    )


def _seeds(section: Section) -> str:
    """Table of the values of every seed."""
    several = [
        (f"{row.group}, {row.condition}" if row.group else row.condition, column, values)
        for row in section.rows
        for column, estimate in row.cells.items()
        if len(values := _values(section, estimate)) > 1
    ]
    if not several:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{_text(name)}</th><td>{_text(column)}</td>'
        + "".join(f"<td>{value}</td>" for value in values)
        + "</tr>"
        for name, column, values in several
    )
    header = "".join(f'<th scope="col">seed {seed}</th>' for seed in range(section.n_seeds))
    table = (
        '<table class="per-seed"><thead><tr><th scope="col">what</th><th scope="col">measure</th>'
        f"{header}</tr></thead><tbody>{rows}</tbody></table>"
    )
    return (
        "<details><summary>Values of every seed</summary>"
        f"{_scroll(f'{section.title}: values of every seed', table)}</details>"
    )


def _settings(section: Section) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in section.versions.items())
    facts = {
        "run": section.run,
        "time": time_of(section),
        "processor": section.machine,
        "versions": versions,
    }
    if section.note in ("", NOT_FULL):
        quick = " --quick" if section.note else ""
        command = f"mnist1d reproduce {section.name} --seeds {section.n_seeds}{quick}"
        facts["again"] = f"`{command}`"
    listed = "".join(f"<dt>{name}</dt><dd>{_text(str(fact))}</dd>" for name, fact in facts.items())
    rows = "".join(
        f"<tr{' class=changed' if one.value != one.default else ''}>"
        f'<th scope="row"><code>{escape(one.name)}</code></th><td>{_text(setting(one.value))}</td>'
        f"<td>{'' if one.value == one.default else _text(setting(one.default))}</td>"
        f"<td>{_text(one.meaning)}</td></tr>"
        for one in section.settings
    )
    header = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("setting", "value", "default, if other", "meaning")
    )
    table = f'<table class="settings"><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>'
    return (
        f'<dl class="facts">{listed}</dl><details><summary>Settings</summary>'
        f"{_scroll(f'{section.title}: settings', table)}</details>"
    )


def _ledger(report: Report) -> Iterable[str]:
    yield '<section id="claims"><h2>All claims</h2>'
    choices = "".join(
        f'<label><input type="checkbox" name="verdict" value="{verdict}" checked> '
        f"{_verdict(verdict)}</label>"
        for verdict in report.counts
    )
    experiments = "".join(
        f'<option value="{section.name}">{_text(section.short_title)}</option>'
        for section in report.sections
    )
    yield (
        '<form class="filters" hidden><fieldset><legend>Verdict</legend>'
        f"{choices}</fieldset><label>Experiment <select name=experiment>"
        f'<option value="">all</option>{experiments}</select></label>'
        '<label>Words <input type="search" name="words"></label>'
        '<output aria-live="polite"></output></form>'
    )
    rows = [_claim(section, judged) for section in report.sections for judged in section.claims]
    header = "".join(
        f'<th scope="col"{kind}>{name}</th>'
        for name, kind in (
            ("claim", ' data-sort="text"'),
            ("published", ' data-sort="number"'),
            ("ours", ' data-sort="number"'),
            ("95 % interval", ""),
            ("n", ' data-sort="number"'),
            ("in one picture", ""),
            ("verdict", ' data-sort="text"'),
        )
    )
    yield _scroll(
        "All claims",
        f'<table class="ledger"><thead><tr>{header}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>",
    )
    yield "</section>"


def _claim(section: Section, judged: Judged) -> str:
    claim, estimate = judged.claim, judged.estimate
    published = claim.rule.published
    note = f' <span class="quick">{section.note}</span>' if section.note else ""
    return (
        f'<tr data-experiment="{section.name}" data-verdict="{judged.verdict}">'
        f'<th scope="row">{_text(claim.statement)}{note} <span class="source">'
        f"{_text(section.short_title)}: {_text(claim.source)}</span></th>"
        f'<td data-value="{"" if published is None else published}">{_text(str(claim.rule))}</td>'
        + _cell(mean_of(estimate), section, estimate).replace(
            "<td", f'<td data-value="{estimate.mean}"', 1
        )
        + f"<td>{interval_of(estimate)}</td>"
        f'<td data-value="{estimate.n}">{estimate.n}</td><td>{_strip(section, judged)}</td>'
        f"<td>{_verdict(judged.verdict)}</td></tr>"
    )
