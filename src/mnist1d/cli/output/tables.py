"""Tables of results on the terminal."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness import record
from mnist1d.harness.claims import Judgement
from mnist1d.harness.findings import Findings, parted
from mnist1d.harness.interface import CALLED, Experiment, Origin, is_own, origin_of
from mnist1d.harness.results import MOST_CASES, cases, grid_of, n_cases, numbers_shown
from mnist1d.harness.settings import label
from mnist1d.harness.stored.texts import one_line
from mnist1d.measures.text import mean_with_interval, with_interval
from mnist1d.measures.uncertainty import Estimate, estimate

VERDICT_STYLES: Mapping[str, str] = {
    "reproduced": "green",
    "confirmed": "green",
    "consistent": "green",
    "imprecise": "yellow",
    "differs slightly": "red",
    "slightly off": "red",
    "differs": "bold red",
    "refuted": "bold red",
    "verified": "green",
    "not checkable": "dim",
}
_PUBLISHED = DatasetConfig().to_dict()
_FACTS = (
    *("experiment", "protocol", "data", "finished", "seconds", "device", "processor"),
    *("commit", "unit_commits"),
)
_MOST_COLUMNS = 5
_MOST_VALUES = 6
_LONGEST = 400


_WHOSE: Mapping[Origin, str] = {"paper": "paper", "beyond": "literature", "own": "experiment"}
"""Whose statements the claims are, by the origin of the experiment."""


def show_findings(findings: Findings | None, result: xr.Dataset, console: Console) -> None:
    """Show an experiment's table and claims; without them means per case, as of a grid.

    Args:
        findings: what was found in the result, if that is known.
        result: the result.
        console: where to print.
    """
    if findings is not None:
        for line in findings.failed:
            console.print(Text(f"With these settings: {line}."))
        if findings.judgements or findings.rows:
            show_summary(findings, console)
            return
    show_scalars(result, console)


def show_summary(findings: Findings, console: Console) -> None:
    """Show an experiment's table and its claims, with the published values.

    Without the full protocol no claim is checkable, and one line says how many there are.
    """
    experiment, result = findings.experiment, findings.result
    judgements, rows = findings.judgements, findings.rows
    by_name = {judgement.claim.name: judgement for judgement in judgements}
    n = result.sizes.get("seed", 1)
    about = record.note(experiment, result)
    note = f"\n[yellow]{escape(about)}[/]" if about else ""
    how = f"mean ± half the 95 % interval, n = {n} unless stated{note}"
    published = CALLED[origin_of(experiment)]
    in_table = {row.claim for row in rows} & by_name.keys()
    headings = _verdict_headings(judgements, experiment) if findings.is_full else []
    for number, (columns, part) in enumerate(parted(rows, lambda row: row.estimates)):
        title = None if number else f"{escape(experiment.TITLE)}\n{how}"
        table = Table(title=title, box=box.SIMPLE)
        table.add_column("", min_width=9)
        is_judged = any(row.claim in by_name for row in part)
        for column in (*columns, *([published] if is_judged else [])):
            table.add_column(escape(column), justify="right", no_wrap=True)
        for heading in headings if is_judged else []:
            table.add_column(heading, no_wrap=True)
        group = None
        for row in part:
            if row.group != group:
                table.add_section()
                table.add_row(Text(row.group, "bold"))
                group = row.group
            judgement = by_name.get(row.claim) if row.claim else None
            rule = [escape(str(judgement.claim.rule))] if judgement else []
            verdict = [*rule, *_verdict(judgement, headings)] if judgement else []
            cells = [_cell(row.estimates.get(column), n) for column in columns]
            table.add_row(escape(row.condition), *cells, *verdict)
        # A line that the terminal wraps loses nothing, unlike a cell that is cut off.
        least = _least_width(table, console)
        table.width = least if least > console.width else None
        console.print(table, crop=False)
    if not rows and about:
        console.print(Text(about, "yellow"))
    for remark in findings.remarks:
        console.print(Text(remark, "yellow"))
    if not judgements:
        return
    if not findings.is_full:
        console.print(_not_checkable(findings), markup=False, soft_wrap=True)
        return
    ledger = Table(title=f"Other claims{note}", box=box.SIMPLE)
    ledger.add_column("claim")
    ledger.add_column("ours", justify="right")
    ledger.add_column(published, justify="right")
    for heading in headings:
        ledger.add_column(heading, no_wrap=True)
    for judgement in judgements:
        if judgement.claim.name not in in_table:
            ledger.add_row(
                escape(judgement.claim.statement),
                _cell(judgement.estimate, n),
                escape(str(judgement.claim.rule)),
                *_verdict(judgement, headings),
            )
    if ledger.row_count:
        console.print(ledger)
    counts = Counter[str](judgement.word for judgement in judgements)
    console.print(", ".join(f"{counts[word]} {word}" for word in VERDICT_STYLES if counts[word]))
    if any(
        judgement.verdict == "imprecise" and judgement.estimate.n == n for judgement in judgements
    ):
        why = "One run has no interval" if n == 1 else "More seeds narrow the intervals"
        console.print(f"{why}: for example, --seeds {2 * n + 4}.")
    if len(headings) > 1:
        console.print(_compared_with_record(judgements, experiment))


def describe_time(result: xr.Dataset) -> str:
    """Say how long an experiment took.

    >>> times = {"seconds": 81.3, "compile_seconds": 14.6, "units_found": 3}
    >>> describe_time(xr.Dataset(attrs=times))
    '81 s, compiling 15 s in all threads together; 3 units were found finished.'
    """
    found = int(result.attrs["units_found"])
    more = f"; {found} units were found finished" if found else ""
    seconds, compiling = (float(result.attrs[name]) for name in ("seconds", "compile_seconds"))
    return f"{seconds:.0f} s, compiling {compiling:.0f} s in all threads together{more}."


def show_times(
    results: Sequence[xr.Dataset],
    seconds: float,
    console: Console,
    background: Sequence[str] = (),
) -> None:
    """Show where the time of several experiments went.

    Args:
        results: the experiments' results.
        seconds: total, with tables, figures and files.
        console: where to print.
        background: names of experiments that ran while others did, whose time counts once.
    """
    table = Table(title="Where the time went (seconds)", box=box.SIMPLE)
    table.add_column("")
    for column in ("wall", "compiling", "running", "units found"):
        table.add_column(column, justify="right")

    def row(name: str, wall: float, compiling: float, running: float, found: object) -> None:
        table.add_row(name, f"{wall:.0f}", f"{compiling:.0f}", f"{running:.0f}", str(found))

    totals = np.zeros(4)
    for result in results:
        attributes = result.attrs
        n_threads = int(str(attributes["device"]).split()[0])
        wall, compiling = float(attributes["seconds"]), float(attributes["compile_seconds"])
        # An estimate, as threads seldom compile evenly, and wait for each other's programs.
        running = max(0.0, wall - compiling / n_threads)
        found = int(attributes["units_found"])
        name = attributes["experiment"]
        row(
            f"{name}, in parallel" if name in background else name,
            wall,
            compiling,
            running,
            found,
        )
        totals += (
            (0, compiling, 0, found) if name in background else (wall, compiling, running, found)
        )
    table.add_section()
    table.add_row("tables, figures, files", f"{max(0.0, seconds - totals[0]):.0f}")
    row("all", seconds, totals[1], totals[2], int(totals[3]))
    console.print(table)
    console.print(
        "Compiling: of all threads together. Running: wall less the share of compiling that falls "
        "to a thread. Units found: pieces of work that were finished before."
    )


def show_contents(result: xr.Dataset, console: Console) -> None:
    """Show the circumstances and the variables of a result."""
    attributes = {name: _plain(value) for name, value in result.attrs.items()}
    facts = Table("", "", box=box.SIMPLE, show_header=False)
    for name in _FACTS:
        if name in attributes:
            text = f"{float(attributes[name]):.1f}" if name == "seconds" else attributes[name]
            facts.add_row(name, escape(text))
    if "versions" in attributes:
        versions = json.loads(attributes["versions"])
        facts.add_row("versions", escape(", ".join(f"{k} {v}" for k, v in versions.items())))
    console.print(facts)
    grid = json.loads(attributes.get("grid", "{}"))
    settings = Table("setting", "value", title="Configuration", box=box.SIMPLE)
    for name, value in _flat(json.loads(attributes.get("config", "{}"))).items():
        if name not in grid:
            settings.add_row(escape(name), escape(one_line(label(value), _LONGEST)))
    for name, values in grid.items():
        settings.add_row(
            f"[bold]{escape(name)}[/]", escape(one_line(", ".join(map(label, values)), _LONGEST))
        )
    console.print(settings)
    dims = Table("dimension", "size", "coordinate", title="Dimensions", box=box.SIMPLE)
    for dim, size in result.sizes.items():
        values = _few(result[dim].to_numpy()) if dim in result.coords else ""
        dims.add_row(escape(str(dim)), str(size), escape(values))
    console.print(dims)
    variables = Table("variable", "dimensions", "type", title="Variables", box=box.SIMPLE)
    described = any({"units", "long_name"} & set(each.attrs) for each in result.variables.values())
    if described:
        variables.add_column("meaning")
    own = [name for name in result.coords if name not in result.sizes]
    for name in (*own, *result.data_vars):
        each = result[name]
        meaning = [str(each.attrs[key]) for key in ("long_name", "units") if key in each.attrs]
        texts = (str(name), ", ".join(map(str, each.dims)), str(each.dtype), ", ".join(meaning))
        variables.add_row(*map(escape, texts[: 3 + described]))
    console.print(variables)


def show_scalars(result: xr.Dataset, console: Console) -> None:
    """Show the mean of every number per seed, for every point of the grid and every case.

    Variables with a few numbers per seed follow.

    The values of one swept field, the last with few values, are columns.
    """
    names = numbers_shown(result)
    if not names:
        console.print("No variable is one number per seed, or a few with named coordinates.")
        return
    swept = grid_of(result)
    for name in names:
        variable = result[name]
        n_found = n_cases(variable) if variable.size else 0
        if not 0 < n_found <= MOST_CASES:
            console.print(f"{name}: {n_found:,} cases; --table writes all of them.", markup=False)
            continue
        across = [
            dim
            for dim in variable.dims
            if dim in swept and 1 < variable.sizes[dim] <= _MOST_COLUMNS
        ][-1:]
        down = [dim for dim in variable.dims if dim not in {"seed", *across}]
        n = variable.sizes["seed"]
        table = Table(
            title=f"{escape(name)}, mean ± half the 95 % interval, n = {n} unless stated",
            box=box.SIMPLE,
        )
        for dim in down:
            table.add_column(escape(str(dim)))
        heads = [f"{dim} = {label(value)}" for dim in across for value in variable[dim].values]
        for head in heads or [""]:
            table.add_column(escape(head), justify="right")
        found = cases(variable.transpose(*down, *across, "seed"))
        for start in range(0, len(found), max(len(heads), 1)):
            group = found[start : start + max(len(heads), 1)]
            coordinates = group[0][0][: len(down)]
            table.add_row(
                *(escape(label(value)) for value in coordinates),
                *(mean_with_interval(estimate(values), n) for _, values in group),
            )
        console.print(table)


def _least_width(table: Table, console: Console) -> int:
    """Return the width at which no cell of columns without wrapping is cut."""
    for column in table.columns:
        if column.no_wrap:
            lines = "\n".join(map(str, (column.header, *column.cells))).splitlines()
            column.min_width = max(Text.from_markup(line).cell_len for line in lines)
    anything = console.options.update(max_width=10_000)
    return Measurement.get(console, anything, table).minimum


def _flat(config: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return the values by field; of a dataset those that differ from the published one."""
    # The points of a grid do not share all parameters of a dataset.
    if len(config.keys() & _PUBLISHED.keys()) > len(_PUBLISHED) / 2:
        config = {name: value for name, value in config.items() if value != _PUBLISHED.get(name)}
        if not config:
            return {before.rstrip("."): "published"}
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[before + name] = value
    return flat


def _few(values: np.ndarray) -> str:
    few = values.tolist() if len(values) <= _MOST_VALUES else [*values[:3], "...", values[-1]]
    texts = [one_line(label(value), _LONGEST) for value in few]
    return ", ".join(texts).replace("..., ", "... ")


def _plain(value: Any) -> str:
    return str(value.item() if isinstance(value, np.generic) else value)


def _cell(found: Estimate | None, n: int) -> str:
    """Write an estimate on a few short lines."""
    if found is None:
        return ""
    text = with_interval(found, n).replace(", ", "\n").replace(" (", "\n(")
    return text.replace("diverged", "[red]diverged[/]")


def _verdict_headings(judgements: Sequence[Judgement], experiment: Experiment) -> list[str]:
    if not judgements:
        return []
    if all(each.is_within_record is None for each in judgements):
        return ["verdict"]
    return ["verdict", "record's range", _WHOSE[origin_of(experiment)]]


def _verdict(judgement: Judgement, headings: Sequence[str]) -> list[str]:
    within = {True: "within", False: "[red]outside[/]", None: ""}
    compatible = {True: "compatible", False: "[red]not compatible[/]", None: ""}
    cells = [
        f"[{VERDICT_STYLES[judgement.word]}]{judgement.word}[/]",
        within[judgement.is_within_record],
        compatible[judgement.is_compatible],
    ]
    return cells[: len(headings)]


def _not_checkable(findings: Findings) -> str:
    n, name = len(findings.judgements), findings.experiment.NAME
    what = f"{n} claims are not checkable" if n > 1 else "1 claim is not checkable"
    how = "by the default settings" if is_own(findings.experiment) else "by the full protocol"
    command = "" if is_own(findings.experiment) else f", `mnist1d reproduce {name}`"
    return f"{what} with these settings; --json lists them. They are decided {how}{command}."


def _compared_with_record(judgements: Sequence[Judgement], experiment: Experiment) -> str:
    within = [each.is_within_record for each in judgements if each.is_within_record is not None]
    whose = origin_of(experiment)
    compatible = [
        each.is_compatible
        for each in judgements
        if each.is_compatible is not None and (whose != "paper" or each.claim.kind != "beyond")
    ]
    return (
        f"{sum(within)} of {len(within)} means lie where the package's record has 95 % of such "
        f"runs; {sum(compatible)} of {len(compatible)} statements of the "
        f"{_WHOSE[whose]} are compatible."
    )
