"""The contents of a report as values, without their appearance."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import xarray as xr

from mnist1d.harness import record
from mnist1d.harness.claims import WORDS, Claim, Judgement, Kind
from mnist1d.harness.findings import Findings, parted
from mnist1d.harness.interface import Experiment, is_other_data, origin_of
from mnist1d.harness.stored.attributes import parsed
from mnist1d.harness.stored.commits import commits_of
from mnist1d.harness.stored.plan import Plan
from mnist1d.harness.verdicts.rules import VERDICTS, Verdict
from mnist1d.measures.uncertainty import Estimate

ResultKind = Literal["experiment", "grid", "comparison"]
"""What a result is of: one run of an experiment, a grid of settings, candidates."""
COMPARISON: ResultKind = "comparison"
"""The experiment that a comparison has in its result."""


@dataclass(frozen=True)
class Judged:
    """A claim with its measurement, its verdict, and an explanation if it is not reproduced.

    Attributes:
        judgement: claim, estimate and verdict.
        why: for a claim that is neither reproduced nor verified, a paragraph on the reason; None
            for all others.
    """

    judgement: Judgement
    why: str | None

    @property
    def claim(self) -> Claim:
        """The sentence of the paper, with its rule."""
        return self.judgement.claim

    @property
    def estimate(self) -> Estimate:
        """The measurement."""
        return self.judgement.estimate

    @property
    def margin(self) -> str:
        """How large a difference does not matter; empty if the rule needs no margin."""
        margin = getattr(self.claim.rule, "margin", None)
        return "" if margin is None else f"{margin:g}"

    @property
    def verdict(self) -> Verdict:
        """Whether the claim is reproduced."""
        return self.judgement.verdict

    @property
    def word(self) -> str:
        """The verdict as it is shown, which for a claim beyond the paper has words of its own."""
        return self.judgement.word

    @property
    def differs(self) -> bool:
        """Whether the claim differs, slightly or not."""
        return self.verdict.startswith("differs")


@dataclass(frozen=True)
class TableRow:
    """A row of an experiment's table.

    Attributes:
        group: heading that it shares with the rows above or below.
        condition: what was measured.
        cells: by column.
        judged: the claim that gives the published value, if any.
    """

    group: str
    condition: str
    cells: Mapping[str, Estimate]
    judged: Judged | None


@dataclass(frozen=True)
class MeasuredTable:
    """Rows with the same columns, or mostly so.

    Attributes:
        columns: in the order of their first appearance.
        rows: its rows.
    """

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]

    @property
    def is_judged(self) -> bool:
        """Whether a row has a published value and a verdict."""
        return any(row.judged for row in self.rows)

    @property
    def groups(self) -> tuple[tuple[str, tuple[TableRow, ...]], ...]:
        """The rows by their groups."""
        groups = itertools.groupby(self.rows, lambda row: row.group)
        return tuple((group, tuple(rows)) for group, rows in groups)


@dataclass(frozen=True)
class Setting:
    """A field of an experiment's configuration.

    Attributes:
        name: of the field.
        value: in the run, in the types of JSON; of a dataset the differences, as text.
        default: the paper's; None if this version has no such field.
        meaning: from the configuration's docstring; empty if it is not there.
    """

    name: str
    value: Any
    default: Any
    meaning: str


@dataclass(frozen=True)
class Section:
    """The contents of one experiment's page.

    Attributes:
        findings: its claims and rows, with the experiment and the result.
        question: what it asks.
        introduction: paragraphs on what the paper claims.
        on_differences: a sentence before the list of differences; may be empty.
        differences: from the paper, each a paragraph.
        rows: its table.
        claims: all claims that can be judged by the result.
        settings: of the run.
        versions: of the packages, by name.
        machine: processor and devices.
        seconds: that the run took.
        compile_seconds: time of compilation, of all threads together; None if not recorded.
        units_found: number of tasks that an earlier run had finished.
        finished: when it ended, UTC, as in ISO 8601.
        captions: of its figures, by file name.
        remarks: paragraphs that readers of the numbers have to know.
        failed: what could not be computed or is not there any more, each in a line.
        table: of a comparison, as text.
    """

    findings: Findings
    question: str
    introduction: tuple[str, ...]
    on_differences: str
    differences: tuple[str, ...]
    rows: tuple[TableRow, ...]
    claims: tuple[Judged, ...]
    settings: tuple[Setting, ...]
    versions: Mapping[str, str]
    machine: str
    seconds: float
    compile_seconds: float | None
    units_found: int
    finished: str
    captions: Mapping[str, str]
    remarks: tuple[str, ...]
    failed: tuple[str, ...] = ()
    table: str = ""

    @property
    def experiment(self) -> Experiment:
        """The experiment's module."""
        return self.findings.experiment

    @property
    def result(self) -> xr.Dataset:
        """The stored result."""
        return self.findings.result

    @property
    def name(self) -> str:
        """The experiment's name on the command line."""
        return self.experiment.NAME

    @property
    def title(self) -> str:
        """The experiment's title, with the fields that are swept."""
        title = self.experiment.TITLE
        return f"{title}, over {', '.join(self.grid)}" if self.grid else title

    @property
    def grid(self) -> Mapping[str, Sequence[Any]]:
        """The values of every swept field; empty without a grid of settings."""
        return cast("Mapping[str, Sequence[Any]]", parsed(self.result.attrs, "grid", {}))

    @property
    def kind(self) -> ResultKind:
        """What the result is of."""
        if self.result.attrs.get("experiment") == COMPARISON:
            return "comparison"
        return "grid" if "grid" in self.result.attrs else "experiment"

    @property
    def differing(self) -> tuple[Judged, ...]:
        """The claims that differ, with the reason."""
        return tuple(judged for judged in self.claims if judged.differs)

    @property
    def open(self) -> tuple[Judged, ...]:
        """The other claims that are neither reproduced nor verified, with the reason."""
        return tuple(judged for judged in self.claims if judged.why and not judged.differs)

    @property
    def note(self) -> str:
        """A note that the run is not the paper's; empty if it is."""
        return record.note(self.experiment, self.result)

    @property
    def is_judged(self) -> bool:
        """Whether the run is about the data of the paper, so that its claims can be judged."""
        return not is_other_data(self.result)

    @property
    def is_beyond(self) -> bool:
        """Whether the experiment is one of this package beyond the paper."""
        return origin_of(self.experiment) == "beyond"

    @property
    def expected(self) -> str:
        """The heading of what claims expect."""
        return "expected" if self.is_beyond else "published"

    @property
    def on_list(self) -> str:
        """The heading of the numbered list of its docstring."""
        return "Limits" if self.is_beyond else "Differences from the paper and its code"

    @property
    def literature(self) -> tuple[str, ...]:
        """Where the question of an experiment beyond the paper comes from."""
        return tuple(getattr(self.experiment, "LITERATURE", ()))

    @property
    def short_title(self) -> str:
        """The title without the tables and figures that it names."""
        return self.title.partition(" (")[0]

    @property
    def n_seeds(self) -> int:
        """Number of runs."""
        return self.result.sizes.get("seed", 1)

    def per_seed(self, estimate: Estimate) -> tuple[float, ...]:
        """Return the value of every seed, NaN where one diverged; of other estimates none."""
        return estimate.values if len(estimate.values) == self.n_seeds else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table, in the order of their first appearance."""
        return tuple(dict.fromkeys(column for row in self.rows for column in row.cells))

    @property
    def words(self) -> Mapping[str, int]:
        """The number of claims per verdict as it is shown."""
        return count_verdicts(self.claims, WORDS, lambda judged: judged.word)

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of claims per verdict."""
        return count_verdicts(self.claims)

    @property
    def has_groups(self) -> bool:
        """Whether rows of the table have headings."""
        return any(row.group for row in self.rows)

    @property
    def is_grouped(self) -> bool:
        """Whether the rows of the table have more than one group."""
        return len({row.group for row in self.rows}) > 1

    @property
    def tables(self) -> tuple[MeasuredTable, ...]:
        """The rows as tables, each with columns of its own."""
        parts = parted(self.rows, lambda row: row.cells)
        return tuple(MeasuredTable(columns, tuple(rows)) for columns, rows in parts)

    @property
    def n_changed(self) -> int:
        """Number of settings that are not the default."""
        return sum(setting.value != setting.default for setting in self.settings)

    @property
    def packages(self) -> str:
        """The packages with their versions."""
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())

    @property
    def commits(self) -> Mapping[str, int]:
        """The commits of the code, with the number of finished tasks of those that are others."""
        return commits_of(self.result)

    @property
    def command(self) -> str:
        """The command that runs it again; empty if there is none."""
        if self.note not in ("", record.QUICK_RUN):
            return ""
        quick = " --quick" if self.note else ""
        return f"mnist1d reproduce {self.name} --seeds {self.n_seeds}{quick}"

    @property
    def run(self) -> str:
        """The run in a few words: protocol, seeds, version, day."""
        protocol = self.note or "full protocol"
        seeds = f"{self.n_seeds} seed{'s' * (self.n_seeds > 1)}"
        return f"{protocol}, {seeds}, mnist1d {self.versions['mnist1d']}, {self.finished[:10]}"


@dataclass(frozen=True)
class Report:
    """A whole record.

    Attributes:
        sections: of the experiments in the record, in the paper's order, then those beyond it.
        missing: experiments of the paper that are not in the record.
        damaged: what is wrong with the results that cannot be read, by experiment.
        own: of experiments of one's own, grids of settings and comparisons.
        plan: what was fixed before the runs; None where nothing was.
    """

    sections: tuple[Section, ...]
    missing: tuple[Experiment, ...]
    damaged: Mapping[str, str] = field(default_factory=dict)
    own: tuple[Section, ...] = ()
    plan: Plan | None = None

    def without(self, section: Section, why: str) -> Report:
        """Return the report without a section that cannot be shown.

        Args:
            section: one of its own.
            why: what is wrong with the result.
        """
        sections = tuple(each for each in self.sections if each is not section)
        return replace(self, sections=sections, damaged={**self.damaged, section.name: why})

    @property
    def failed(self) -> tuple[str, ...]:
        """What is not in the report, each in a line."""
        lines = [f"{each.name}: {line}" for each in self.own for line in each.failed]
        return (*self.damaged.values(), *lines)

    @property
    def paper(self) -> tuple[Section, ...]:
        """The sections of the paper's experiments, which the headline numbers are about."""
        return tuple(section for section in self.sections if not section.is_beyond)

    @property
    def beyond(self) -> tuple[Section, ...]:
        """The sections of experiments beyond the paper."""
        return tuple(section for section in self.sections if section.is_beyond)

    @property
    def note(self) -> str:
        """The notes of all runs that are not of the full protocol; empty if all are."""
        notes = {section.note for section in self.sections}
        if len(notes) == 1:
            return notes.pop()
        return "; ".join(
            f"{section.short_title}: {section.note}" for section in self.sections if section.note
        )

    @property
    def differing(self) -> tuple[tuple[Section, Judged], ...]:
        """Every claim that differs of the paper's experiments, with its experiment."""
        return tuple((section, judged) for section in self.paper for judged in section.differing)

    @property
    def verdicts(self) -> list[str]:
        """Verdicts that occur in any experiment, in the order of `VERDICTS`."""
        counts = count_verdicts(judged for section in self.sections for judged in section.claims)
        return [verdict for verdict, n in counts.items() if n]

    @property
    def groups(self) -> Mapping[str, Mapping[str, int]]:
        """Number of claims per verdict, for every group of kinds that occurs."""
        claims = [judged for section in self.sections for judged in section.claims]
        by_group = {
            name: [judged for judged in claims if judged.claim.kind in kinds]
            for name, kinds in GROUPS.items()
        }
        return {name: count_verdicts(found) for name, found in by_group.items() if found}

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of claims of the paper's experiments per verdict."""
        return count_verdicts(judged for section in self.paper for judged in section.claims)


SAID = "sentences and table cells of the paper"
"""What the paper says itself."""
GROUPS: Mapping[str, tuple[Kind, ...]] = {
    SAID: ("sentence", "table"),
    "figures and published notebooks": ("figure", "notebook"),
    "beyond the paper": ("beyond",),
}
"""Kinds of claims that are counted together."""


def count_verdicts(
    claims: Iterable[Judged],
    verdicts: Sequence[str] = VERDICTS,
    of: Callable[[Judged], str] = lambda judged: judged.verdict,
) -> Mapping[str, int]:
    """Count claims per verdict, in the order of the verdicts."""
    found = Counter[str](map(of, claims))
    return {verdict: found[verdict] for verdict in verdicts}
