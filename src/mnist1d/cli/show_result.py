"""The command `mnist1d show-result`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from mnist1d.cli.options.command import error_line
from mnist1d.cli.output.console import make_console
from mnist1d.cli.output.ending import BROKEN, fail
from mnist1d.cli.output.outcome import Outcome
from mnist1d.experiments import EXPERIMENTS, find_experiment

if TYPE_CHECKING:
    import xarray as xr

    from mnist1d.harness.findings import Findings
    from mnist1d.harness.interface import Experiment


def show_result(
    path: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="PATH")],
    /,
    *,
    table: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(ends in .csv or .parquet)")
    ] = None,
    variables: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="NAME ...", help_behavior_hint="(default: one number per seed)"),
    ] = (),
    experiment: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.py", help_behavior_hint="")
    ] = None,
    json: bool = False,
    quiet: bool = False,  # noqa: ARG001 (as everywhere)
) -> Outcome:
    """Show what a stored result holds: experiment, settings, variables, summary and claims.

    Args:
        path: a result, or the folder that holds result.nc.
        table: write a table with one row per number, in place of showing anything.
        variables: that go into the table; only with --table.
        experiment: the Python file of an experiment of your own, for its summary.
        json: write one JSON document in place of tables.
        quiet: no effect here, where no progress is shown.
    """
    from mnist1d.cli.output.tables import show_contents, show_findings
    from mnist1d.harness.results import load_result, save_table, tidy_table
    from mnist1d.harness.stored.findings import findings_in, needs_of

    if variables and table is None:
        fail("--variables must be left out without --table FILE, whose rows it chooses")
    if experiment is not None and table is not None:
        fail("--experiment must be left out with --table, which needs no experiment")
    console = make_console()
    try:
        result = load_result(path)
        if table is None:
            module = _experiment_of(result, experiment)
            with needs_of(result.attrs["experiment"], path):
                findings = findings_in(result, module)
                if json:
                    return Outcome(_document(path, result, findings))
            show_contents(result, console)
            show_findings(findings, result, console)
            return Outcome()
        frame = tidy_table(result, variables or None)
        save_table(frame, table)
    except ModuleNotFoundError as error:
        fail(str(error), BROKEN)
    except (OSError, ValueError) as error:
        fail(error_line(error))
    names = [*dict.fromkeys(frame.variable)]
    if json:
        about = {"table": table, "n_rows": len(frame), "columns": [*frame], "variables": names}
        return Outcome({"command": "show-result", **about})
    line = f"{len(frame)} rows of {', '.join(names)}: {table}"
    console.print(line, soft_wrap=True, markup=False)
    return Outcome()


def _document(path: Path, result: "xr.Dataset", findings: "Findings | None") -> dict[str, object]:
    from mnist1d.cli.output import documents

    about = {"command": "show-result", "path": path}
    if result.attrs["experiment"] != "comparison":
        return {**about, "result": documents.of_result(result, findings)}
    from mnist1d.lab.comparison.result import Comparison

    return {**about, "comparison": documents.of_comparison(Comparison(result))}


def _experiment_of(result: "xr.Dataset", file: Path | None) -> "Experiment | None":
    name = result.attrs["experiment"]
    if file is None:
        return next((each for each in EXPERIMENTS if name == each.NAME), None)
    found = find_experiment(file)
    if name != found.NAME:
        raise ValueError(f"the result is of {name}, not of {found.NAME}")
    return found
