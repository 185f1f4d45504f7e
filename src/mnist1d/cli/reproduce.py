"""The command `mnist1d reproduce`."""

import dataclasses
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple

import tyro
import xarray as xr
from rich.console import Console

from mnist1d.cli.run import Scheduler, connected, trouble_told
from mnist1d.cli.tables import describe_time, show_summary, show_times
from mnist1d.cli.terminal import Bars, fail, make_console
from mnist1d.dataset.atomic import check_writable
from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness import record
from mnist1d.harness.interface import Progress
from mnist1d.mnist import FOLDER_VARIABLE, load_mnist, mnist_folder
from mnist1d.training import keep_compiled_programs, use_all_cores


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
    _check_mnist(configs)
    _check_writable(out, chosen)
    use_all_cores()
    keep_compiled_programs()
    console = make_console()
    if quick:
        console.print("[bold yellow]Quick run, not the full protocol.[/]")
    results = _load_others(out, chosen, console)
    with (
        trouble_told(out),
        connected(scheduler) as executor,
        Bars(console) as bars,
        closing(_finished(chosen, configs, out, executor, bars)) as finished,
    ):
        for experiment, result in finished:
            folder = out / experiment.NAME
            results[experiment.NAME] = result
            record.save(experiment, result, folder)
            record.save_claims(
                [(each, results[each.NAME]) for each in EXPERIMENTS if each.NAME in results],
                out / "claims.json",
            )
            console.rule(experiment.TITLE)
            show_summary(experiment, result, console)
            console.print(f"{describe_time(result)} Figures and result: {folder}")
    if len(chosen) > 1:
        beside = [experiment.NAME for experiment in _apart(chosen).beside]
        own = [results[experiment.NAME] for experiment in chosen]
        show_times(own, time.perf_counter() - start, console, beside)
    console.print(f"All claims: {out / 'claims.json'}")


class _Plan(NamedTuple):
    """What is computed, and what of it beside the rest.

    Attributes:
        first: one after the other, with nothing beside, as their tables are to be seen soon.
        then: one after the other.
        beside: meanwhile.
    """

    first: tuple[ModuleType, ...]
    then: tuple[ModuleType, ...]
    beside: tuple[ModuleType, ...]


def _apart(chosen: Sequence[ModuleType]) -> _Plan:
    """Have what leaves cores idle done first, at the same time as far as it can be.

    What takes seconds comes before it, and the first of the others in the paper.
    """
    beside = tuple(each for each in chosen if not getattr(each, "USES_JAX", True))
    in_turn = [each for each in chosen if each not in beside]
    if not in_turn:
        return _Plan(beside, (), ())
    in_turn.sort(key=lambda each: not getattr(each, "TAKES_SECONDS", False))
    n_first = 1 + sum(getattr(each, "TAKES_SECONDS", False) for each in in_turn)
    rest = sorted(in_turn[n_first:], key=lambda each: getattr(each, "FILLS_CORES", True))
    return _Plan(tuple(in_turn[:n_first]), tuple(rest), beside)


def _finished(
    chosen: Sequence[ModuleType],
    configs: Sequence[Any],
    out: Path,
    executor: Executor | None,
    bars: Bars,
) -> Generator[tuple[ModuleType, xr.Dataset]]:
    """Run experiments and hand each over as soon as it is finished."""
    config = dict(zip((each.NAME for each in chosen), configs, strict=True))
    given_up = threading.Event()

    def execute(experiment: ModuleType) -> xr.Dataset:
        bars.console.print(f"Started: {experiment.TITLE}", markup=False)
        with bars.group() as progress:
            return record.execute(
                experiment,
                config[experiment.NAME],
                progress=_stoppable(progress, given_up),
                folder=out / experiment.NAME / "units",
                executor=executor,
            )

    plan = _apart(chosen)
    pool = ThreadPoolExecutor(1)
    try:
        for experiment in plan.first:
            yield experiment, execute(experiment)
        running: list[tuple[ModuleType, Future[xr.Dataset]]] = [
            (each, pool.submit(execute, each)) for each in plan.beside
        ]
        for experiment in plan.then:
            yield experiment, execute(experiment)
            while running and running[0][1].done():
                other, future = running.pop(0)
                yield other, future.result()
        for other, future in running:
            yield other, future.result()
    finally:
        given_up.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _stoppable(progress: Progress, given_up: threading.Event) -> Progress:
    """Have what reports its progress stop there once the command was given up."""

    def tell(task: str, done: int, total: int, /) -> None:
        if given_up.is_set():
            raise _GivenUpError
        progress(task, done, total)

    return tell


class _GivenUpError(Exception):
    """The command ends, and with it what runs beside."""


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


def _check_mnist(configs: Sequence[Any]) -> None:
    """Find out before training whether MNIST, if it was named, can be read."""
    for config in configs:
        if getattr(config, "download_mnist", True) or mnist_folder(config.mnist) is None:
            continue
        try:
            load_mnist(config.mnist)
        except (OSError, ValueError) as error:
            fail(f"MNIST cannot be read: {error}")
        return


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
