"""`RESULTS.md`: a report as Markdown, its figures the PNG files of the record."""

import re
from collections.abc import Iterable, Mapping, Sequence

from mnist1d.report import dataset_table
from mnist1d.report.contents import Judged, Report, Section, count_verdicts
from mnist1d.report.dataset_table import figure_1, table_2
from mnist1d.report.pictures import Picture
from mnist1d.report.wording import (
    HOW_TO_READ,
    compilation_of,
    interval_of,
    mean_of,
    sentence,
    setting,
    summary_of,
    time_of,
    wall_time_of,
    with_interval,
)


def to_markdown(
    report: Report, pictures: Mapping[str, Sequence[Picture]], *, folder: str, command: str
) -> str:
    """Write a report as Markdown.

    Args:
        report: what to say.
        pictures: the figures of every experiment, by its name.
        folder: path of the record as seen from the document, with forward slashes.
        command: what makes the document.
    """
    blocks = [
        "# Results",
        f"Made from the stored results by `{command}`, never by hand.",
        *_note(report.note),
        summary_of(report),
        HOW_TO_READ,
        _overview(report),
        *_missing(report),
    ]
    blocks += _dataset(folder)
    for section in report.sections:
        blocks += _section(section, pictures[section.name], folder)
    blocks += [*_differing(report), "## All claims"]
    for section in report.sections:
        blocks += [f"### {section.title}", *_note(section.note), _ledger(section.claims)]
    return "\n\n".join(blocks) + "\n"


def _overview(report: Report) -> str:
    verdicts = list(report.counts)
    compilation = compilation_of(report)
    rows = [
        [
            section.title,
            section.note or "full",
            str(section.n_seeds),
            *(str(n) for n in count_verdicts(section.claims).values()),
            wall_time_of(section),
            *([compilation[section.name]] if compilation else []),
        ]
        for section in report.sections
    ]
    return _table(
        [
            *("experiment", "protocol", "seeds", *verdicts, "time"),
            *(["compilation"] if compilation else []),
        ],
        rows,
        right=range(2, 5 + len(verdicts)),
    )


def _missing(report: Report) -> list[str]:
    if not report.missing:
        return []
    return [
        "Not in this record: "
        + "; ".join(f"{each.TITLE} (`mnist1d reproduce {each.NAME}`)" for each in report.missing)
        + "."
    ]


def _dataset(folder: str) -> Iterable[str]:
    picture = figure_1()
    yield f"## {dataset_table.TITLE}"
    yield dataset_table.INTRODUCTION
    yield _table(
        ["parameter", "field", "ours", "paper"],
        [
            [row.words, f"`{row.name}`" if row.name else "", row.ours, row.published]
            for row in table_2()
        ],
        right=(2, 3),
    )
    yield f"![{_text(picture.words)}]({folder}/{dataset_table.FOLDER}/{picture.name}.png)"
    yield f"*{_text(picture.caption)}*"


def _differing(report: Report) -> Iterable[str]:
    if not report.differing:
        return
    yield "## Where we differ"
    for section in report.sections:
        if not section.differing:
            continue
        yield f"### {section.title}"
        yield f"Run: {section.run}."
        for judged in section.differing:
            claim, estimate = judged.claim, judged.estimate
            yield (
                f"**{_text(claim.statement)}** ({_text(claim.source)}). Published "
                f"{claim.rule}, ours {mean_of(estimate)} ({interval_of(estimate)}). "
                f"{_text(judged.why or '')}"
            )


def _note(note: str) -> list[str]:
    return [f"**{sentence(note)}.**"] if note else []


def _section(section: Section, pictures: Sequence[Picture], folder: str) -> Iterable[str]:
    yield f"## {section.title}"
    yield from _note(section.note)
    yield from map(_text, (section.question, *section.introduction))
    yield _measurements(section)
    yield from map(_text, section.remarks)
    for picture in pictures:
        yield f"![{_text(picture.words)}]({folder}/{section.name}/{picture.name}.png)"
        yield f"*{_text(picture.caption)}*"
    versions = ", ".join(f"{name} {version}" for name, version in section.versions.items())
    yield (f"How it was run: {section.run}; {section.machine}; {time_of(section)}; {versions}.")
    changed = [one for one in section.settings if one.value != one.default]
    yield from _folded(
        "Settings" + (f" ({len(changed)} other than the default)" if changed else ""),
        _table(
            ["setting", "value", "default", "meaning"],
            [
                [
                    f"`{one.name}`",
                    setting(one.value),
                    "" if one.value == one.default else setting(one.default),
                    one.meaning,
                ]
                for one in section.settings
            ],
        ),
    )
    if section.differences:
        yield from _folded(
            "Differences from the paper and its code",
            *([f"{_text(section.on_differences)}."] if section.on_differences else []),
            "\n".join(f"{n}. {_text(text)}" for n, text in enumerate(section.differences, start=1)),
        )


def _folded(title: str, *blocks: str) -> Iterable[str]:
    yield f"<details><summary>{title}</summary>"
    yield from blocks
    yield "</details>"


def _measurements(section: Section) -> str:
    groups = len({row.group for row in section.rows}) > 1
    rows = []
    for row in section.rows:
        cells = [
            with_interval(row.cells[column], section.n_seeds) if column in row.cells else ""
            for column in section.columns
        ]
        published, verdict = (
            ("", "") if row.judged is None else (str(row.judged.claim.rule), row.judged.verdict)
        )
        name = [row.group, row.condition] if groups else [row.condition]
        rows.append([*name, *cells, published, verdict])
    first = ["", ""] if groups else [""]
    header = [*first, *section.columns, "published", "verdict"]
    table = _table(header, rows, right=range(len(first), len(header) - 1))
    return f"Mean ± half the 95 % interval, n = {section.n_seeds} unless stated.\n\n{table}"


def _ledger(claims: Sequence[Judged]) -> str:
    rows = []
    for judged in claims:
        claim, estimate, verdict = (
            judged.claim,
            judged.estimate,
            judged.verdict,
        )
        rows.append(
            [
                claim.statement,
                claim.source,
                str(claim.rule),
                mean_of(estimate),
                interval_of(estimate),
                str(estimate.n),
                f"**{verdict}**" if verdict == "differs" else verdict,
            ]
        )
    header = ["claim", "source", "published", "ours", "95 % interval", "n", "verdict"]
    return _table(header, rows, right=range(2, 6))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    at_right = set(right)
    lines = ["---:" if place in at_right else "---" for place in range(len(header))]
    written = [[_text(cell).replace("|", "\\|") for cell in row] for row in (header, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (written[0], lines, *written[1:]))


def _text(text: str) -> str:
    """Keep what looks like a tag from being one; in code it is none."""
    parts = re.split("(`[^`]*`)", text)
    return "".join(part if part[:1] == "`" else part.replace("<", "&lt;") for part in parts)
