"""What the command line can do; every command is a function, its arguments the options."""

import dataclasses
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NoReturn

import tyro
import xarray as xr
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBars
from rich.table import Table

from mnist1d.experiments import EXPERIMENTS, record
from mnist1d.experiments.claims import Judgement
from mnist1d.experiments.summary import InputError
from mnist1d.mnist import FOLDER_VARIABLE
from mnist1d.shards.command import generate
from mnist1d.show import show
from mnist1d.training import keep_compiled_programs, use_all_cores
from mnist1d.uncertainty import Estimate

VERDICT_STYLES = {"reproduced": "green", "differs": "red", "undecided": "yellow"}
NOT_FULL = "quick run, not the full protocol"


def reproduce(
    experiments: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="[EXPERIMENT ...]", help_behavior_hint="(default: all)"),
    ] = (),
    /,
    *,
    seeds: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: the paper's)")
    ] = None,
    quick: bool = False,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("mnist1d-results"),
    mnist: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint=f"(default: ${FOLDER_VARIABLE})"),
    ] = None,
    download_mnist: bool = False,
) -> None:
    """Reproduce the paper: train, compare every claim with the published value, draw figures.

    Args:
        experiments: names of experiments, as `mnist1d list` shows them.
        seeds: number of runs.
        quick: seconds instead of the full protocol: shows that everything works, not more.
        out: folder for results, figures and claims.json; made if needed.
        mnist: folder with MNIST's four files, for the rows that need them.
        download_mnist: fetch what is missing of MNIST from a public mirror (11 MB).
    """
    chosen = _choose(experiments)
    if seeds is not None and seeds < 1:
        _fail(f"--seeds must be at least 1, got {seeds}")
    given = {"seeds": seeds, "mnist": mnist, "download_mnist": download_mnist or None}
    configs = [_configure(experiment, quick, given) for experiment in chosen]
    _check_writable(out, chosen)
    use_all_cores()
    keep_compiled_programs()
    console = _console()
    if quick:
        console.print(f"[bold yellow]{NOT_FULL.capitalize()}.[/]")
    results = _load_others(out, chosen, console)
    for experiment, config in zip(chosen, configs, strict=True):
        console.rule(experiment.TITLE)
        try:
            with _Bars(console) as progress:
                result = record.execute(
                    experiment, config, progress=progress, folder=out / experiment.NAME / "units"
                )
        except InputError as error:
            _fail(str(error))
        except OSError as error:
            what = f"cannot write {error.filename or out}: {error.strerror or error}"
            _fail(f"{what}; what was finished is kept: run the same command again to go on")
        results[experiment.NAME] = result
        try:
            record.save(experiment, result, out / experiment.NAME)
            record.save_claims(results, out / "claims.json")
        except OSError as error:
            _fail(f"cannot write {error.filename or out}: {error.strerror or error}")
        _show(experiment, result, console)
        console.print(f"{result.seconds:.0f} s. Figures and result: {out / experiment.NAME}")
    console.print(f"All claims: {out / 'claims.json'}")


def list_experiments() -> None:
    """List the experiments that can be reproduced."""
    table = Table("name", "what", "claims", "seeds")
    for experiment in EXPERIMENTS:
        table.add_row(
            experiment.NAME,
            experiment.TITLE,
            str(len(experiment.CLAIMS)),
            str(experiment.Config().seeds),
        )
    _console().print(table)


def _console() -> Console:
    # Narrower than this, tables would lose cells; a line that the terminal wraps loses nothing.
    return Console(width=max(Console().width, 80))


class _Bars(ProgressBars):
    """One bar per task that an experiment reports."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self.known: dict[str, TaskID] = {}

    def __call__(self, task: str, done: int, total: int, /) -> None:
        if total == 0:
            self.console.print(task)
            return
        if task not in self.known:
            self.known[task] = self.add_task(f"{task}: compiling", total=total)
        state = "" if done else ": compiling"
        self.update(self.known[task], completed=done, total=total, description=task + state)


def _choose(names: tuple[str, ...]) -> list[ModuleType]:
    known = {experiment.NAME: experiment for experiment in EXPERIMENTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        _fail(f"no experiment named {', '.join(unknown)}; there are: {', '.join(known)}")
    return [known[name] for name in known if not names or name in names]


def _configure(experiment: ModuleType, quick: bool, given: dict[str, Any]) -> Any:
    """Make an experiment's configuration; options that it does not have do not concern it."""
    config = experiment.Config.quick() if quick else experiment.Config()
    known = {field.name for field in dataclasses.fields(config)}
    changes = {name: value for name, value in given.items() if value is not None and name in known}
    return dataclasses.replace(config, **changes)


def _check_writable(out: Path, chosen: list[ModuleType]) -> None:
    """Find out before training whether what will be written can be."""
    folders = [out, *(out / experiment.NAME for experiment in chosen)]
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(2**20))
                file.flush()
    except OSError as error:
        _fail(f"cannot write to {folder}: {error.strerror or error}")
    for path in (out / "claims.json", *(folder / "result.nc" for folder in folders[1:])):
        if path.is_dir():
            _fail(f"cannot write {path}: a folder is in its place")


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


def _show(experiment: ModuleType, result: xr.Dataset, console: Console) -> None:
    judgements = record.judge_result(experiment, result)
    by_name = {judgement.claim.name: judgement for judgement in judgements}
    rows = experiment.summarise(result)
    columns = list(dict.fromkeys(column for row in rows for column in row.estimates))
    n = result.sizes["seed"]
    note = "" if record.is_full(result) else f"\n[yellow]{NOT_FULL}[/]"
    table = Table(
        title=f"{experiment.TITLE}\nmean ± half the 95 % interval, n = {n} unless stated{note}",
        box=box.SIMPLE,
    )
    table.add_column("")
    for column in (*columns, "published"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    group = None
    for row in rows:
        if row.group != group:
            table.add_section()
            table.add_row(f"[bold]{row.group}[/]")
            group = row.group
        judgement = by_name.get(row.claim) if row.claim else None
        table.add_row(
            row.condition,
            *(_format(row.estimates.get(column), n) for column in columns),
            str(judgement.claim.rule) if judgement else "",
            _verdict(judgement) if judgement else "",
        )
    console.print(table)
    ledger = Table(title=f"Other claims{note}", box=box.SIMPLE)
    ledger.add_column("claim")
    ledger.add_column("ours", justify="right")
    ledger.add_column("published", justify="right")
    ledger.add_column("verdict", no_wrap=True)
    in_table = {row.claim for row in rows}
    for judgement in judgements:
        if judgement.claim.name not in in_table:
            ledger.add_row(
                judgement.claim.statement,
                _format(judgement.estimate, n),
                str(judgement.claim.rule),
                _verdict(judgement),
            )
    console.print(ledger)
    counts = Counter[str](judgement.verdict for judgement in judgements)
    console.print(", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICT_STYLES))
    if record.is_full(result) and any(
        judgement.verdict == "undecided" and judgement.estimate.n == n for judgement in judgements
    ):
        console.print(f"More seeds narrow the intervals: --seeds {2 * n + 4}, say.")


def _format(estimate: Estimate | None, n: int) -> str:
    if estimate is None:
        return ""
    if estimate.n_diverged:
        runs = estimate.n + estimate.n_diverged
        return f"[red]diverged[/] ({estimate.n_diverged} of {runs} runs)"
    if estimate.n == 0:
        return "no data"
    d = _decimals(estimate)
    if estimate.n == 1:
        return f"{estimate.mean:.{d}f}, n = 1"
    if estimate.n == n:
        return f"{estimate.mean:.{d}f} ± {estimate.high - estimate.mean:.{d}f}"
    return f"{estimate.mean:.{d}f}\n{estimate.low:.{d}f} to {estimate.high:.{d}f}\nn = {estimate.n}"


def _decimals(estimate: Estimate) -> int:
    """Count decimals: one, or more where two digits of the uncertainty, or of the mean, need them.

    >>> [_decimals(Estimate(mean, mean - 0.5, high, 3)) for mean, high in ((65, 66), (0.6, 0.612))]
    [1, 3]
    """
    width = estimate.high - estimate.mean
    # Without uncertainty a number below 10 has four digits.
    size = width if width > 0 else abs(estimate.mean) / 100
    return 1 if not 0 < size < 0.05 else min(4, 1 - math.floor(math.log10(size)))


def _verdict(judgement: Judgement) -> str:
    return f"[{VERDICT_STYLES[judgement.verdict]}]{judgement.verdict}[/]"


def _fail(message: str) -> NoReturn:
    print(f"mnist1d: {message}", file=sys.stderr)  # noqa: T201
    raise SystemExit(2)


COMMANDS: Mapping[str, Callable[..., None]] = {
    "reproduce": reproduce,
    "generate": generate,
    "show": show,
    "list": list_experiments,
}
"""The subcommands of `mnist1d`, by name."""
