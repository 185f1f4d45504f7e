"""Findings: the judged claims and the table of a result, computed once."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, TypeVar, cast

import xarray as xr

from mnist1d.dataset.atomic import is_write_error
from mnist1d.harness.claims import OWN_WORDS, WORDS, Judgement, judge
from mnist1d.harness.interface import (
    CALLED,
    Experiment,
    Row,
    is_full,
    is_other_data,
    is_own,
    origin_of,
)
from mnist1d.harness.stored.texts import one_line
from mnist1d.harness.verdicts.reference import recorded
from mnist1d.measures.text import with_interval
from mnist1d.measures.uncertainty import Estimate

T = TypeVar("T")

_OWN_REASONS = {"not the full protocol": "not the default settings"}

_MOST_SHOWN = 15
"""Rows that a notebook shows at once; of a longer table it shows the title, to be opened."""


@dataclass(frozen=True, repr=False)
class Findings:
    """The findings of an experiment, for the terminal, for `claims.json` and for the report.

    As a text they are a line with counts; a notebook shows their tables.

    Attributes:
        experiment: its module.
        result: what it returned.
        judgements: of all claims that can be judged; none on other data than the published.
        rows: of its table.
        remarks: what readers of the numbers have to know.
        failed: what could not be computed, each in a line.
    """

    experiment: Experiment
    result: xr.Dataset
    judgements: tuple[Judgement, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether the result came from the full protocol."""
        return is_full(self.result)

    def judgement(self, claim: str | None) -> Judgement | None:
        """Return the judgement of a claim by its name, if there is one."""
        return next((each for each in self.judgements if each.claim.name == claim), None)

    def records(self) -> list[dict[str, Any]]:
        """Return the claims as `claims.json` has them."""
        own = is_own(self.experiment)
        found = [
            each.record(self.experiment.NAME, full=own or self.is_full) for each in self.judgements
        ]
        return list(map(_own_record, found)) if own else found

    def __repr__(self) -> str:
        counts = Counter[str](each.word for each in self.judgements)
        verdicts = ", ".join(f"{counts[each]} {each}" for each in WORDS if counts[each])
        return (
            f"<Findings of {self.experiment.NAME}: {len(self.rows)} rows of its table (.rows), "
            f"{len(self.judgements)} claims (.judgements){': ' * bool(verdicts)}{verdicts}>"
        )

    def _repr_html_(self) -> str:
        """Return the experiment's table and its claims, for a notebook."""
        n = self.result.sizes.get("seed", 1)
        columns = list(dict.fromkeys(column for row in self.rows for column in row.estimates))
        rows = [
            (
                row.group,
                row.condition,
                *(
                    with_interval(row.estimates[column], n) if column in row.estimates else ""
                    for column in columns
                ),
            )
            for row in self.rows
        ]
        claims = [
            (
                each.claim.statement,
                with_interval(each.estimate, n),
                str(each.claim.rule),
                each.word,
            )
            for each in self.judgements
        ]
        expected = CALLED[origin_of(self.experiment)]
        title = f"{self.experiment.TITLE}; mean ± half the 95 % interval, n = {n} unless stated"
        tables: list[tuple[str, Sequence[str], Sequence[Iterable[str]]]] = [
            (f"{title} ({len(rows)} rows)", ["", "", *columns], rows),
            (f"Claims ({len(claims)})", ["claim", "ours", expected, "verdict"], claims),
        ]
        shown = "".join(_html_table(*table) for table in tables if table[-1])
        return f"<p>{escape(repr(self))}</p>{shown}"


def _own_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a claim that nobody has published, in words that say so."""
    called = {"published": CALLED["own"], "published_sd": f"{CALLED['own']}_sd"}
    return {called.get(name, name): each for name, each in record.items()} | {"kind": "own"}


def _html_table(title: str, head: Iterable[str], rows: Sequence[Iterable[str]]) -> str:
    """Return a table below its title, which opens and closes it."""

    def line(cells: Iterable[str], kind: str) -> str:
        inside = "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells)
        return f"<tr>{inside}</tr>"

    body = "".join(line(row, "td") for row in rows)
    is_open = " open" if len(rows) <= _MOST_SHOWN else ""
    return (
        f"<details{is_open}><summary>{escape(title)}</summary>"
        f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table></details>"
    )


def parted(
    rows: Sequence[T], columns_of: Callable[[T], Iterable[str]]
) -> list[tuple[tuple[str, ...], list[T]]]:
    """Part rows into tables: a group of rows that has mostly other columns begins a new one.

    Args:
        rows: with a `group`, as `Row`.
        columns_of: returns the columns that a row has.

    Returns: the columns of every table, in the order of their first appearance, and its rows.

    >>> rows = [Row("a", "x", {"time": 1}), Row("a", "y", {"time": 2}), Row("b", "x", {"loss": 3})]
    >>> [(columns, len(part)) for columns, part in parted(rows, lambda row: row.estimates)]
    [(('time',), 2), (('loss',), 1)]
    """
    tables: list[tuple[dict[str, None], list[T]]] = []
    for _, each in itertools.groupby(rows, lambda row: getattr(row, "group", "")):
        group = list(each)
        columns = dict.fromkeys(column for row in group for column in columns_of(row))
        common = len(columns.keys() & tables[-1][0].keys()) if tables else 0
        if tables and 2 * common >= min(len(columns), len(tables[-1][0])):
            tables[-1][0].update(columns)
            tables[-1][1].extend(group)
        else:
            tables.append((columns, group))
    return [(tuple(columns), part) for columns, part in tables]


def findings_of(experiment: Experiment, result: xr.Dataset) -> Findings:
    """Judge the claims of an experiment on its result, and make its table.

    Args:
        experiment: its module.
        result: what it returned, with the attributes of a record.

    Raises: Exception: what the experiment's own functions raise.
    """
    return Findings(
        experiment,
        result,
        tuple(judged(experiment, result)),
        tuple(experiment.summarise(result)),
        tuple(remarks_on(experiment, result)),
    )


def attempt_findings(experiment: Experiment, result: xr.Dataset) -> Findings:
    """Make the findings of an experiment of which nobody knows whether all of it works.

    A paper's experiment is made for the paper's settings, and one's own may have mistakes: a part
    that cannot be computed is named in `failed`, and the others are there. A grid of settings has
    neither claims nor a table.

    Args:
        experiment: its module.
        result: what it returned, with the attributes of a record.
    """
    found = Findings(experiment, result, (), ())
    if "grid" in result.attrs:
        return found
    judgements, no_claims = attempt("claims", lambda: judged(experiment, result))
    rows, no_rows = attempt("table", lambda: _checked_rows(experiment.summarise(result)))
    remarks, no_remarks = attempt("remarks", lambda: list(map(str, remarks_on(experiment, result))))
    return replace(
        found,
        judgements=tuple(judgements or ()),
        rows=tuple(rows or ()),
        remarks=tuple(remarks or ()),
        failed=(*no_claims, *no_rows, *no_remarks),
    )


def attempt(what: str, make: Callable[[], T]) -> tuple[T | None, tuple[str, ...]]:
    """Return what a user's code makes, or None and a line that says why there is none.

    Raises: OSError: if a file cannot be written.

    >>> attempt("table", lambda: [1 / 0])
    (None, ('no table (ZeroDivisionError: division by zero)',))
    """
    try:
        return make(), ()
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and is_write_error(error):
            raise
        return None, (f"no {what} ({one_line(f'{type(error).__name__}: {error}')})",)


def judged(experiment: Experiment, result: xr.Dataset) -> list[Judgement]:
    """Judge the claims of an experiment on its result.

    Those of the paper are about the published data: on other data there are none. The verdicts of
    an experiment of one's own are in `OWN_WORDS`.
    """
    own = is_own(experiment)
    if is_other_data(result) and not own:
        return []
    found = judge(experiment.CLAIMS, result, full=is_full(result), recorded=recorded(experiment))
    return list(map(_in_own_words, found)) if own else found


def remarks_on(experiment: Experiment, result: xr.Dataset) -> Iterable[str]:
    """Return an experiment's remarks on a result; none if it makes none."""
    remarks: Callable[[xr.Dataset], Iterable[str]] | None = getattr(experiment, "remarks", None)
    return remarks(result) if remarks else ()


def _in_own_words(judgement: Judgement) -> Judgement:
    verdict = OWN_WORDS.get(judgement.verdict, judgement.verdict)
    reason = _OWN_REASONS.get(judgement.reason, judgement.reason)
    return replace(judgement, verdict=cast("Any", verdict), reason=reason)


def _checked_rows(rows: Iterable[Any]) -> list[Row]:
    found = list(rows)
    for row in found:
        if not isinstance(row, Row):
            raise TypeError(f"summarise must return rows, not {type(row).__name__}")
        for name, each in row.estimates.items():
            if not isinstance(each, Estimate):
                raise TypeError(f"{name} must be an estimate, not {type(each).__name__}")
    return found
