"""The command `mnist1d run`."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import tyro
import xarray as xr
from rich.console import Console
from rich.markup import escape

from mnist1d.cli.config_options import given, options_of
from mnist1d.cli.tables import show_findings
from mnist1d.cli.terminal import GO_ON, Bars, fail, make_console, trouble
from mnist1d.dataset.atomic import check_writable
from mnist1d.execution.cluster import ClusterError, ClusterExecutor, silence_log
from mnist1d.experiments import find_experiment
from mnist1d.harness import record
from mnist1d.harness.grid import plan_grid
from mnist1d.harness.interface import InputError
from mnist1d.harness.settings import with_settings
from mnist1d.training import keep_compiled_programs, use_all_cores

Scheduler = Annotated[
    str | None, tyro.conf.arg(metavar="ADDRESS", help_behavior_hint="(default: this machine)")
]

_OWN_OPTIONS = ("quick", "out", "scheduler")
_OUT = Path("mnist1d-runs")

_Name = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="EXPERIMENT")]
_Out = Annotated[Path, tyro.conf.arg(metavar="DIR")]


@contextmanager
def connected(scheduler: str | None) -> Iterator[Executor | None]:
    """Return the executor of a Dask scheduler, or None without one.

    Ends the program with a line if the scheduler cannot be used.
    """
    if scheduler is None:
        yield None
        return
    try:
        executor = ClusterExecutor(scheduler)
    except (ConnectionError, ModuleNotFoundError) as error:
        fail(str(error))
    silence_log()
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def trouble_told(out: Path) -> Iterator[None]:
    """End the program with a line on what the user can mend, and how to go on.

    Args:
        out: where the command writes.
    """
    try:
        yield
    except InputError as error:
        fail(str(error))
    except ClusterError as error:
        fail(f"{error}; {GO_ON}")
    except OSError as error:
        fail(f"{trouble(error, out)}; {GO_ON}")


def run(
    experiment: _Name,
    /,
    *,
    quick: bool = False,
    out: _Out = _OUT,
    scheduler: Scheduler = None,
) -> None:
    """Run an experiment with settings of your own; several values of one make a grid.

    Every field of the experiment's configuration is an option, too, which follows the experiment:
    `mnist1d run EXPERIMENT --help` shows them.

    Args:
        experiment: its name, as `mnist1d list` shows it, or a Python file with one of your own.
        quick: start from the settings that take seconds.
        out: folder for the result, its figures and finished work; made if needed.
        scheduler: address of a Dask scheduler, whose workers compute in place of this machine.
    """
    _run(_found(experiment), None, quick, out, scheduler)


def run_command(name: str) -> Callable[..., None]:
    """Return the command that runs an experiment, with the fields of its configuration as options.

    Ends the program with a line if there is no such experiment.
    """
    found = _found(name)
    quick_config = found.Config.quick() if hasattr(found.Config, "quick") else None
    try:
        options = options_of(found.Config(), quick_config)
    except InputError as error:
        fail(str(error))
    for option in _OWN_OPTIONS:
        if option in options.__annotations__:
            fail(f"Config of {name} must not have a field {option}: it is an option of the command")

    def run_experiment(
        *,
        quick: bool = False,
        out: _Out = _OUT,
        scheduler: Scheduler = None,
        fields: Any = None,
    ) -> None:
        _run(found, fields, quick, out, scheduler)

    run_experiment.__doc__ = f"""Run {found.TITLE} with settings of your own.

    Several values after an option make a grid; a list is one value, and its option is given once
    per list.

    Args:
        quick: start from the settings that take seconds.
        out: folder for the result, its figures and finished work; made if needed.
        scheduler: address of a Dask scheduler, whose workers compute in place of this machine.
    """
    run_experiment.__defaults__ = None
    run_experiment.__kwdefaults__ = {
        "quick": False,
        "out": _OUT,
        "scheduler": None,
        "fields": options(),
    }
    run_experiment.__annotations__ |= {
        # Without a prefix of its own, but with those of configurations inside.
        "fields": Annotated[options, tyro.conf.arg(name="")],
    }
    return run_experiment


def _found(name: str) -> ModuleType:
    try:
        return find_experiment(name)
    except InputError as error:
        fail(str(error))


def _run(
    experiment: ModuleType, fields: Any, quick: bool, out: Path, scheduler: str | None
) -> None:
    console = make_console()
    start = time.perf_counter()
    folder = out / experiment.NAME
    if quick and not hasattr(experiment.Config, "quick"):
        fail(f"Config of {experiment.NAME} has no quick(): leave --quick out")
    if (out / "claims.json").exists():
        fail(f"{out} holds results of `mnist1d reproduce`; choose another --out")
    try:
        config = experiment.Config.quick() if quick else experiment.Config()
        values = {} if fields is None else given(fields)
        common = {field: each[0] for field, each in values.items() if len(each) == 1}
        swept = {field: each for field, each in values.items() if len(each) > 1}
        plan = plan_grid(experiment, swept, config=with_settings(config, common))
        check_writable(folder, "result.nc")
    except InputError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
    with trouble_told(out):
        use_all_cores()
        keep_compiled_programs()
        console.rule(escape(experiment.TITLE))
        with connected(scheduler) as executor, Bars(console) as progress:
            result = plan.run(folder, progress, executor)
        show_findings(experiment, result, console)
        drawn = [] if "grid" in result.attrs else _draw(experiment, result, folder, console)
        former = _figures_in(folder)
        record.write(result.assign_attrs(figures=json.dumps(drawn)), folder / "result.nc")
        # A figure of the result that was here before would be taken for one of this.
        for stale in set(former) - set(drawn):
            for suffix in ("png", "pdf"):
                (folder / f"{stale}.{suffix}").unlink(missing_ok=True)
    what = "Figures and result" if drawn else "Result"
    console.print(
        f"{time.perf_counter() - start:.0f} s. {what}: {folder}", soft_wrap=True, markup=False
    )


def _draw(experiment: ModuleType, result: xr.Dataset, folder: Path, console: Console) -> list[str]:
    """Draw an experiment's figures, and return their names."""
    try:
        return record.save_figures(experiment, result, folder)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 (made for the paper's settings, or a stranger's)
        console.print(
            f"No figures with these settings ({type(error).__name__}: {error}).", markup=False
        )
        return []


def _figures_in(folder: Path) -> list[str]:
    """Return the names of the figures of the result in a folder."""
    try:
        names = json.loads(record.read(folder / "result.nc").attrs.get("figures", "[]"))
    except (FileNotFoundError, ValueError):
        return []
    # A name from a file must not lead out of the folder.
    return [name for name in names if isinstance(name, str) and Path(name).name == name]
