"""The command `mnist1d run`."""

import time
from collections.abc import Callable, Mapping
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mnist1d.cli.command import (
    Flag,
    Scheduler,
    connected,
    exit_on_error,
    prepare_devices,
    with_fields,
)
from mnist1d.cli.output.console import make_console, show_title
from mnist1d.cli.output.ending import fail
from mnist1d.cli.output.outcome import Outcome
from mnist1d.dataset.atomic import check_writable
from mnist1d.experiments import EXPERIMENTS, find_experiment
from mnist1d.harness.interface import InputError

if TYPE_CHECKING:
    import xarray as xr

    from mnist1d.cli.output.progress import Bars
    from mnist1d.harness.interface import Experiment
    from mnist1d.harness.lines import Lines

_Name = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="EXPERIMENT")]
_Out = Annotated[Path, tyro.conf.arg(metavar="DIR")]
_OUT = Path("mnist1d-runs")


def run(
    experiment: _Name,
    /,
    *,
    quick: bool = False,
    out: _Out = _OUT,
    scheduler: Scheduler = None,
    json: Flag = False,
    quiet: Flag = False,
) -> Outcome:
    """Run an experiment with settings of your own; several values of one make a grid.

    Every field of the experiment's configuration is also an option, to be given after the
    experiment: `mnist1d run EXPERIMENT --help` shows them.

    Args:
        experiment: its name, as `mnist1d list` shows it, or a Python file with one of your own.
        quick: start from the settings that take seconds.
        out: folder for the result, its figures and finished work; made if needed.
        scheduler: address of a Dask scheduler, whose workers compute in place of this machine.
        json: write one JSON document in place of tables.
        quiet: show no progress.
    """
    return _run(_found(experiment), {}, quick, out, scheduler, json=json, quiet=quiet)


def command_for(name: str) -> Callable[..., Outcome]:
    """Return the command that runs an experiment, with the fields of its configuration as options.

    Exits with a one-line error if there is no such experiment.
    """
    found = _found(name)

    def run_experiment(
        values: Mapping[str, list[Any]],
        *,
        quick: bool = False,
        out: _Out = _OUT,
        scheduler: Scheduler = None,
        json: Flag = False,
        quiet: Flag = False,
    ) -> Outcome:
        return _run(found, values, quick, out, scheduler, json=json, quiet=quiet)

    run_experiment.__doc__ = f"""Run {found.TITLE} with settings of your own.

    Several values after an option make a grid; a list is one value, and its option is given once
    per list.

    Args:
        quick: start from the settings that take seconds.
        out: folder for the result, its figures and finished work; made if needed.
        scheduler: address of a Dask scheduler, whose workers compute in place of this machine.
        json: write one JSON document in place of tables.
        quiet: show no progress.
    """
    quick = found.Config.quick() if hasattr(found.Config, "quick") else None
    return with_fields(run_experiment, found.Config(), quick, owner=f"Config of {name}")


def _found(name: str) -> "Experiment":
    try:
        return find_experiment(name)
    except InputError as error:
        fail(str(error))


def _run(
    experiment: "Experiment",
    values: Mapping[str, list[Any]],
    quick: bool,
    out: Path,
    scheduler: str | None,
    *,
    json: bool,
    quiet: bool,
) -> Outcome:
    from mnist1d.cli.output import documents
    from mnist1d.cli.output.progress import make_progress
    from mnist1d.cli.output.tables import show_findings
    from mnist1d.harness import record
    from mnist1d.harness.grid import plan_grid
    from mnist1d.harness.settings import with_settings
    from mnist1d.harness.stored.findings import save_claims

    console = make_console()
    start = time.perf_counter()
    folder = out / experiment.NAME
    if quick and not hasattr(experiment.Config, "quick"):
        fail(f"Config of {experiment.NAME} has no quick(): leave --quick out")
    if _holds_record(experiment, out):
        fail(f"{out} holds results of `mnist1d reproduce`; choose another --out")
    try:
        config = experiment.Config.quick() if quick else experiment.Config()
        common = {field: each[0] for field, each in values.items() if len(each) == 1}
        swept = {field: each for field, each in values.items() if len(each) > 1}
        plan = plan_grid(experiment, swept, config=with_settings(config, common))
        check_writable(folder, "result.nc")
    except InputError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
    with exit_on_error(out):
        prepare_devices()
        progress = make_progress(console, quiet=quiet, json=json)
        if not json:
            show_title(console, experiment.TITLE)
        with connected(scheduler) as executor, progress:
            try:
                result = plan.run(folder, progress, executor)
            except SystemExit as error:  # the command's own end has a code that is not theirs
                fail(f"run() of {experiment.NAME} ended the program (SystemExit: {error})")
        if not json:
            show_findings(experiment, result, console)
        wrong_parts: list[str] = []
        drawn = (
            []
            if "grid" in result.attrs
            else _draw(experiment, result, folder, progress, wrong_parts)
        )
        former = _figures_in(folder)
        about = {"figures": dumps(drawn)} | _findings(experiment, result, wrong_parts)
        record.write(result.assign_attrs(about), folder / "result.nc")
        if len(about) > 1:
            for wrong in save_claims(EXPERIMENTS, out).values():
                progress.note(f"Left out of claims.json: {wrong}")
        # Figures of the former result would be taken for this result's.
        for stale in set(former) - set(drawn):
            for suffix in ("png", "pdf"):
                (folder / f"{stale}.{suffix}").unlink(missing_ok=True)
    failed = documents.failures_of_result(result) or "; ".join(wrong_parts)
    seconds = time.perf_counter() - start
    if json:
        about = documents.of_result(result, experiment, folder=folder)
        return Outcome(
            {"command": "run", "result": about, "seconds": seconds, "failed": failed or None},
            failed,
        )
    what = "Figures and result" if drawn else "Result"
    console.print(f"{seconds:.0f} s. {what}: {folder}", soft_wrap=True, markup=False)
    return Outcome(failed=failed)


def _holds_record(experiment: "Experiment", out: Path) -> bool:
    """Tell whether a run would replace a full run that claims.json is about."""
    from mnist1d.harness import record
    from mnist1d.harness.interface import is_full
    from mnist1d.harness.stored.own import is_own

    if is_own(experiment) or not (out / "claims.json").exists():
        return False
    try:
        return is_full(record.read(out / experiment.NAME / "result.nc"))
    except (OSError, ValueError):
        return False


def _findings(
    experiment: "Experiment", result: "xr.Dataset", wrong_parts: list[str]
) -> dict[str, str]:
    """Return what a report says of an experiment of one's own, as an attribute of its result."""
    from mnist1d.harness.findings import findings_of
    from mnist1d.harness.stored.own import ATTRIBUTE, findings_as_json, is_own

    if not is_own(experiment) or "grid" in result.attrs:
        return {}
    try:
        return {ATTRIBUTE: findings_as_json(findings_of(experiment, result))}
    except Exception as error:  # noqa: BLE001 (claims and table are a user's)
        wrong_parts.append(f"no claims and no table ({_in_a_line(error)})")
        return {}


def _in_a_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _draw(
    experiment: "Experiment",
    result: "xr.Dataset",
    folder: Path,
    progress: "Bars | Lines",
    wrong_parts: list[str],
) -> list[str]:
    """Draw an experiment's figures, and return their names."""
    from mnist1d.harness import record
    from mnist1d.harness.stored.own import is_own

    try:
        return record.save_figures(experiment, result, folder)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 (made for the paper's settings, or by a user)
        progress.note(f"No figures with these settings ({_in_a_line(error)}).")
        if is_own(experiment):
            wrong_parts.append(f"no figures ({_in_a_line(error)})")
        return []


def _figures_in(folder: Path) -> list[str]:
    """Return the names of the figures of the result in a folder."""
    from mnist1d.harness import record

    try:
        names = loads(record.read(folder / "result.nc").attrs.get("figures", "[]"))
    except (FileNotFoundError, ValueError):
        return []
    # A name from a file must not lead out of the folder.
    return [name for name in names if isinstance(name, str) and Path(name).name == name]
