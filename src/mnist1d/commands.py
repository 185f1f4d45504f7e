"""What the command line can do; every command is a function, its arguments the options."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import tyro
import xarray as xr
from rich.console import Console
from rich.table import Table

from mnist1d.clusters import ClusterError
from mnist1d.compare_command import compare
from mnist1d.experiments import EXPERIMENTS, record
from mnist1d.experiments.summary import InputError
from mnist1d.mnist import FOLDER_VARIABLE
from mnist1d.report.command import report
from mnist1d.result_tables import describe_time, show_summary, show_times
from mnist1d.run_command import Scheduler, connected, run
from mnist1d.shards.command import generate
from mnist1d.show import show
from mnist1d.show_result import show_result
from mnist1d.terminal import GO_ON, Bars, fail, make_console, trouble
from mnist1d.training import keep_compiled_programs, use_all_cores
from mnist1d.whole_files import check_writable


def reproduce(
    experiments: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="[EXPERIMENT ...]", help_behavior_hint="(default: all)"),
    ] = (),
    /,
    *,
    seeds: Annotated[
        int | None,
        tyro.conf.arg(metavar="N", help_behavior_hint="(default: the paper's number of runs)"),
    ] = None,
    quick: bool = False,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("mnist1d-results"),
    mnist: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint=f"(default: ${FOLDER_VARIABLE})"),
    ] = None,
    download_mnist: bool = False,
    scheduler: Scheduler = None,
) -> None:
    """Reproduce the paper: train, compare every claim with the published value, draw figures.

    Args:
        experiments: names of experiments, as `mnist1d list` shows them.
        seeds: number of runs; with five or more, most claims can be judged.
        quick: seconds instead of the full protocol: shows that everything works, not more.
        out: folder for results, figures and claims.json; made if needed.
        mnist: folder with MNIST's four files, for the rows that need them.
        download_mnist: fetch what is missing of MNIST from a public mirror (11 MB).
        scheduler: address of a Dask scheduler, whose workers compute in place of this machine.
    """
    start = time.perf_counter()
    chosen = _choose(experiments)
    if seeds is not None and seeds < 1:
        fail(f"--seeds must be at least 1, got {seeds}")
    given = {"mnist": mnist, "download_mnist": download_mnist or None}
    configs = [_configure(experiment, quick, seeds, given) for experiment in chosen]
    _check_writable(out, chosen)
    use_all_cores()
    keep_compiled_programs()
    console = make_console()
    if quick:
        console.print("[bold yellow]Quick run, not the full protocol.[/]")
    results = _load_others(out, chosen, console)
    with connected(scheduler) as executor:
        for experiment, config in zip(chosen, configs, strict=True):
            console.rule(experiment.TITLE)
            folder = out / experiment.NAME
            try:
                with Bars(console) as progress:
                    result = record.execute(
                        experiment,
                        config,
                        progress=progress,
                        folder=folder / "units",
                        executor=executor,
                    )
                results[experiment.NAME] = result
                record.save(experiment, result, folder)
                record.save_claims(results, out / "claims.json")
            except InputError as error:
                fail(str(error))
            except ClusterError as error:
                fail(f"{error}; {GO_ON}")
            except OSError as error:
                fail(f"{trouble(error, out)}; {GO_ON}")
            show_summary(experiment, result, console)
            console.print(f"{describe_time(result)} Figures and result: {folder}")
    if len(chosen) > 1:
        own = [results[experiment.NAME] for experiment in chosen]
        show_times(own, time.perf_counter() - start, console)
    console.print(f"All claims: {out / 'claims.json'}")


def list_experiments() -> None:
    """List the experiments that can be reproduced."""
    table = Table("name", "what", "claims", "runs in the paper", "by default of `run`")
    for experiment in EXPERIMENTS:
        table.add_row(
            experiment.NAME,
            experiment.TITLE,
            str(len(experiment.CLAIMS)),
            str(experiment.PAPER_SEEDS),
            str(experiment.Config().seeds),
        )
    make_console().print(table)


def _choose(names: tuple[str, ...]) -> list[ModuleType]:
    known = {experiment.NAME: experiment for experiment in EXPERIMENTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        fail(f"no experiment named {', '.join(unknown)}; there are: {', '.join(known)}")
    return [known[name] for name in known if not names or name in names]


def _configure(
    experiment: ModuleType, quick: bool, seeds: int | None, given: dict[str, Any]
) -> Any:
    """Make an experiment's configuration; options that it does not have do not concern it."""
    config = experiment.Config.quick() if quick else experiment.Config()
    if seeds is None:
        seeds = config.seeds if quick else experiment.PAPER_SEEDS
    given = given | {"seeds": seeds}
    known = {field.name for field in dataclasses.fields(config)}
    changes = {name: value for name, value in given.items() if value is not None and name in known}
    return dataclasses.replace(config, **changes)


def _check_writable(out: Path, chosen: list[ModuleType]) -> None:
    """Find out before training whether what will be written can be."""
    try:
        check_writable(out, "claims.json")
        for experiment in chosen:
            check_writable(out / experiment.NAME, "result.nc")
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")


def _load_others(out: Path, chosen: list[ModuleType], console: Console) -> dict[str, xr.Dataset]:
    """Read what earlier commands left in the folder, so that claims.json stays complete."""
    results = {}
    for experiment in EXPERIMENTS:
        if experiment not in chosen and (out / experiment.NAME).is_dir():
            try:
                results[experiment.NAME] = record.load(experiment, out / experiment.NAME)
            except (FileNotFoundError, ValueError) as error:
                console.print(f"[yellow]Left out of claims.json: {error}[/]")
    return results


COMMANDS: Mapping[str, Callable[..., None]] = {
    "reproduce": reproduce,
    "report": report,
    "run": run,
    "compare": compare,
    "show-result": show_result,
    "generate": generate,
    "show": show,
    "list": list_experiments,
}
"""The subcommands of `mnist1d`, by name."""
