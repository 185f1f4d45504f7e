"""The command `mnist1d show-result`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from mnist1d.cli.command import error_line, fail
from mnist1d.cli.console import make_console
from mnist1d.experiments import EXPERIMENTS, find_experiment

if TYPE_CHECKING:
    import xarray as xr

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
) -> None:
    """Show what a stored result holds: experiment, settings, variables, summary and claims.

    Args:
        path: a result, or the folder that holds result.nc.
        table: write a table with one row per number, in place of showing anything.
        variables: that go into the table.
        experiment: the Python file of an experiment of your own, for its summary.
    """
    from mnist1d.cli.tables import show_contents, show_findings
    from mnist1d.harness.results import load_result, save_table, tidy_table

    console = make_console()
    try:
        result = load_result(path)
        if table is None:
            module = _experiment_of(result, experiment)
            show_contents(result, console)
            show_findings(module, result, console)
            return
        frame = tidy_table(result, variables or None)
        save_table(frame, table)
    except (ModuleNotFoundError, OSError, ValueError) as error:
        fail(error_line(error))
    console.print(
        f"{len(frame)} rows of {', '.join(dict.fromkeys(frame.variable))}: {table}",
        soft_wrap=True,
        markup=False,
    )


def _experiment_of(result: "xr.Dataset", file: Path | None) -> "Experiment | None":
    name = result.attrs["experiment"]
    if file is None:
        return next((each for each in EXPERIMENTS if name == each.NAME), None)
    found = find_experiment(file)
    if name != found.NAME:
        raise ValueError(f"the result is of {name}, not of {found.NAME}")
    return found
