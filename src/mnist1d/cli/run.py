"""The command `mnist1d run`."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mnist1d.cli.options.command import (
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
from mnist1d.harness.interface import NAME, InputError, is_own

if TYPE_CHECKING:
    from mnist1d.harness.findings import Findings
    from mnist1d.harness.interface import Experiment


def run(
    experiment: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="EXPERIMENT")],
    /,
    *,
    quick: bool = False,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("mnist1d-runs"),
    scheduler: Scheduler = None,
    json: bool = False,
    quiet: bool = False,
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
    options = {"quick": quick, "out": out, "scheduler": scheduler, "json": json, "quiet": quiet}
    function, _ = command_for(experiment)
    return function(**options)


def command_for(name: str, words: Sequence[str] = ()) -> tuple[Callable[..., Outcome], list[str]]:
    """Return the command that runs an experiment, with the fields of its configuration as options.

    Exits with a one-line error if there is no such experiment.

    Args:
        name: of the experiment, or the path of a file with one.
        words: that follow it.

    Returns: the command, and the words that are its options: all of them.
    """
    try:
        found = find_experiment(name)
    except InputError as error:
        fail(str(error))
    about = (
        f"Run {found.TITLE} with settings of your own.\n\nSeveral values after an option make a "
        "grid; a list is one value, and its option is given once per list."
    )
    config, owner = found.Config, f"Config of {name}"
    quick = config.quick() if hasattr(config, "quick") else None
    function = with_fields(run, partial(_run, found), config(), quick, about=about, owner=owner)
    return function, [*words]


def _run(
    experiment: "Experiment",
    values: Mapping[str, list[Any]],
    *,
    quick: bool,
    out: Path,
    scheduler: str | None,
    json: bool,
    quiet: bool,
) -> Outcome:
    from mnist1d.cli.output import documents
    from mnist1d.cli.output.progress import make_progress
    from mnist1d.cli.output.tables import show_findings
    from mnist1d.harness.findings import attempt_findings
    from mnist1d.harness.grid import plan_grid
    from mnist1d.harness.settings import with_settings

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
        findings = attempt_findings(experiment, result)
        if not json:
            show_findings(findings, result, console)
        figures, no_figures = _draw(findings, folder)
        for line in no_figures:
            progress.note(f"With these settings: {line}.")
        findings = replace(findings, failed=(*findings.failed, *no_figures))
        wrong = _store(findings, figures, out)
    failed = "; ".join(filter(None, [documents.failures_of_result(result), *wrong]))
    seconds = time.perf_counter() - start
    if json:
        about = documents.of_result(result, findings, folder)
        return Outcome(
            {"command": "run", "result": about, "seconds": seconds, "failed": failed or None},
            failed,
        )
    what = "Figures and result" if figures else "Result"
    console.print(f"{seconds:.0f} s. {what}: {folder}", soft_wrap=True, markup=False)
    return Outcome(failed=failed)


def _holds_record(experiment: "Experiment", out: Path) -> bool:
    """Tell whether a run would replace a full run that claims.json is about."""
    from mnist1d.harness import record
    from mnist1d.harness.interface import is_full

    if is_own(experiment) or not (out / "claims.json").exists():
        return False
    try:
        return is_full(record.read(out / experiment.NAME / "result.nc"))
    except (OSError, ValueError):
        return False


def _draw(findings: "Findings", folder: Path) -> tuple[list[str], tuple[str, ...]]:
    """Draw an experiment's figures; return their names, and why there are none."""
    from mnist1d.harness import record
    from mnist1d.harness.findings import attempt

    experiment, result = findings.experiment, findings.result
    if "grid" in result.attrs:
        return [], ()
    names, failed = attempt("figures", lambda: record.save_figures(experiment, result, folder))
    return names or [], failed


def _store(findings: "Findings", figures: list[str], out: Path) -> list[str]:
    """Write the result, with what was found in it, and the claims of all results in the folder.

    Returns: what is missing there, each in a line.
    """
    from mnist1d.harness import record
    from mnist1d.harness.findings import attempt
    from mnist1d.harness.stored.findings import CLAIMS, RESULT, save_claims
    from mnist1d.harness.stored.own import ATTRIBUTE, findings_as_json, without_form

    folder, own = out / findings.experiment.NAME, is_own(findings.experiment)
    about, failed = {"figures": dumps(figures)}, []
    if own:
        findings = replace(findings, failed=(*findings.failed, *without_form(findings)))
        text, no_report = attempt("report", lambda: findings_as_json(findings))
        about |= {ATTRIBUTE: text} if text else {}
        failed += [*findings.failed, *no_report]
    former = _figures_in(folder)
    record.write(findings.result.assign_attrs(about), folder / RESULT)
    # Figures of the former result would be taken for this result's.
    for stale in set(former) - set(figures):
        for suffix in ("png", "pdf"):
            (folder / f"{stale}.{suffix}").unlink(missing_ok=True)
    if own or (out / CLAIMS).exists():
        wrong = save_claims(EXPERIMENTS, out)
        failed += [f"left out of {CLAIMS}: {why}" for why in wrong.values()]
    return failed


def _figures_in(folder: Path) -> list[str]:
    """Return the names of the figures of the result in a folder."""
    from mnist1d.harness import record

    try:
        names = loads(record.read(folder / "result.nc").attrs.get("figures", "[]"))
    except (FileNotFoundError, ValueError):
        return []
    # A name from a file must not lead out of the folder.
    return list(filter(NAME.fullmatch, names))
