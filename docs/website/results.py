"""The pages about all experiments: a list of them, and where we differ from the paper.

Every experiment has a page: of its record, or of what is known before there is one. The file
`exercise.md` in the folder of an experiment becomes a part of its page.
"""

import inspect
import re
from pathlib import Path

from website import sources

from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness.interface import Experiment
from mnist1d.report import Report, read_report
from mnist1d.report.contents import Section
from mnist1d.report.reading import docstring_parts
from mnist1d.report.render import differences_markdown
from mnist1d.report.strips import strip
from mnist1d.report.wording import verdicts_of

INDEX = """# Experiments

What each experiment asks, and what came out of it. A page has the question, the command, our
numbers beside the paper's, every claim with its verdict, the figures, what differs, the settings
and the versions; it is made from the stored result, never by hand. [Results](results.md) has all of
them together, [Where we differ](differences.md) the differences, and [The experiments](running.md)
how to run them.

```{{toctree}}
:hidden:

dataset
{names}
```

{parts}
## What it is about

[The dataset](dataset.md): its parameters beside those of the paper, and its first figure.
"""

LEGEND = """Drawn: what the rule accepts as a grey area, the published number as a dashed line, our
interval as a bar with the mean across it, every run as a dot.

"""

HEAD = """| claim | drawn | verdict | {expected} | ours | 95 % interval | n | margin | source |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"""
"""What is wanted most stands first, as the table is wider than a page."""

CELL = re.compile(r"(?<!\\)\|")
"""What separates the cells of a table."""

UNRECORDED = """# {title}

{question} There is no record of it yet: claims and limits stand here before the runs.

{introduction}

```bash
mnist1d reproduce {name}
```

## Claims

| claim | source | expected |
| --- | --- | ---: |
{claims}

## Limits

{limits}

## Literature

{literature}
"""


def write_pages(out: Path) -> None:
    """Write the pages into a folder for Sphinx."""
    report = read_report(sources.ROOT / "results")
    sources.add_page("DIFFERENCES.md", differences_markdown(report, folder="results"), out)
    recorded = {section.name: section for section in report.sections}
    for experiment in EXPERIMENTS:
        page = out / "experiments" / f"{experiment.NAME}.md"
        if experiment.NAME in recorded:
            text = with_drawings(page.read_text("utf-8"), recorded[experiment.NAME])
        else:
            text = unrecorded(experiment)
        sources.write(page, with_exercise(text, experiment))
    names = "\n".join(experiment.NAME for experiment in EXPERIMENTS)
    parts = "".join(part(experiment, report) for experiment in EXPERIMENTS)
    sources.write(out / "experiments" / "index.md", INDEX.format(names=names, parts=parts))


def with_drawings(page: str, section: Section) -> str:
    """Return an experiment's page with a drawing of every claim in the table of them.

    Raises:
        ValueError: if the page is not of this record.
    """
    before, _, after = page.partition("| claim |")
    table, blank, rest = after.partition("\n\n")
    _, _, *rows = table.splitlines()
    if len(rows) != len(section.claims):
        raise ValueError(f"the page of {section.name} is of another record; `mnist1d report`")
    drawn = [f"{before}{LEGEND}{HEAD.format(expected=section.expected)}"]
    for row, judged in zip(rows, section.claims, strict=True):
        claim, source, published, margin, *ours, verdict = map(str.strip, CELL.split(row)[1:-1])
        picture = strip(judged, section.per_seed(judged.estimate))
        cells = (claim, picture, verdict, published, *ours, margin, source)
        drawn.append(f"| {' | '.join(cells)} |")
    return "\n".join(drawn) + blank + rest


def unrecorded(experiment: Experiment) -> str:
    """Return the page of an experiment beyond the paper that has no record yet."""
    parts = docstring_parts(inspect.getdoc(experiment) or "")
    claims = (
        f"| {claim.statement} | {claim.source} | {claim.rule} |" for claim in experiment.CLAIMS
    )
    return UNRECORDED.format(
        title=experiment.TITLE,
        name=experiment.NAME,
        question=parts.question,
        introduction="\n\n".join(parts.introduction),
        claims="\n".join(claims),
        limits="\n".join(f"{number}. {item}" for number, item in enumerate(parts.items, 1)),
        literature="\n".join(f"- {each}" for each in getattr(experiment, "LITERATURE", ())),
    )


def with_exercise(page: str, experiment: Experiment) -> str:
    """Return an experiment's page with its exercise, if there is one, before its first part."""
    path = Path(str(experiment.__file__)).with_name(sources.EXERCISE)
    if not path.is_file():
        return page
    before, heading, after = page.partition("\n## ")
    return f"{before}\n#{path.read_text('utf-8')}{heading}{after}"


def part(experiment: Experiment, report: Report) -> str:
    """Return what the list says of an experiment."""
    for section in report.sections:
        if section.experiment is experiment:
            link, found = f"[{section.title}]({section.name}.md)", verdicts_of(section.counts)
            return f"**{link}** {section.question} {len(section.claims)} claims: {found}.\n\n"
    link = f"[{experiment.TITLE}]({experiment.NAME}.md)"
    return f"**{link}** has no record yet: `mnist1d run {experiment.NAME}`.\n\n"
