"""The command `mnist1d reproduce`."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mnist1d.cli.options.command import (
    RECORD,
    Scheduler,
    connected,
    exit_on_error,
    prepare_devices,
)
from mnist1d.cli.output.console import make_console, show_title
from mnist1d.cli.output.ending import BROKEN, fail
from mnist1d.cli.output.outcome import Outcome
from mnist1d.dataset import checks
from mnist1d.dataset.atomic import check_writable
from mnist1d.dataset.imports import absent
from mnist1d.experiments import BEYOND, EXPERIMENTS, PAPER, classification
from mnist1d.mnist import FOLDER_VARIABLE, load_mnist, mnist_folder

if TYPE_CHECKING:
    from rich.console import Console

    from mnist1d.experiments.classification.answers import Test
    from mnist1d.harness.findings import Findings
    from mnist1d.harness.interface import BeyondExperiment, PaperExperiment

    Chosen = PaperExperiment | BeyondExperiment


def reproduce(
    experiments: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="[EXPERIMENT ...]", help_behavior_hint="(default: the paper's)"),
    ] = (),
    /,
    *,
    seeds: Annotated[
        int | None,
        tyro.conf.arg(metavar="N", help_behavior_hint="(default: the paper's number of runs)"),
    ] = None,
    beyond: bool = False,
    quick: bool = False,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = RECORD,
    mnist: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint=f"(default: ${FOLDER_VARIABLE})"),
    ] = None,
    download_mnist: bool = False,
    human: Annotated[
        tuple[Path, ...], tyro.conf.arg(metavar="FILE [FILE ...]", help_behavior_hint="")
    ] = (),
    scheduler: Scheduler = None,
    json: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Reproduce the paper: train, compare its claims with your numbers, draw figures.

    Args:
        experiments: names of experiments, as `mnist1d list` shows them.
        seeds: number of runs; with five or more, most claims can be judged.
        beyond: in place of names: the experiments beyond the paper, five runs of each by default.
        quick: seconds instead of the full protocol: shows that everything works, not more.
        out: folder for results, figures and claims.json; made if needed.
        mnist: folder with MNIST's four files, for the rows that need them.
        download_mnist: fetch what is missing of MNIST from a public mirror (11 MB).
        human: answers of people in the explorer's test, for the claims of `classification`.
        scheduler: address of a Dask scheduler, whose workers compute in place of this machine.
        json: write one JSON document in place of tables.
        quiet: show no progress.
    """
    start = time.perf_counter()
    chosen = _choose(experiments, beyond)
    if seeds is not None and seeds < 1:
        fail(f"--seeds must be at least 1, not {seeds}")
    given = {"mnist": mnist, "download_mnist": download_mnist or None}
    configs = {each.NAME: _configure(each, quick, seeds, given) for each in chosen}
    _check_packages(chosen)
    tests, notes = _read_answers(human, chosen)
    _check_mnist([*configs.values()])
    _check_writable(out, chosen)

    from mnist1d.cli.output import documents
    from mnist1d.cli.output.progress import make_progress
    from mnist1d.cli.output.tables import describe_time, show_summary, show_times
    from mnist1d.harness import schedule
    from mnist1d.harness.findings import findings_of
    from mnist1d.harness.stored.findings import CLAIMS, save_claims
    from mnist1d.harness.stored.finished import ADDED, save_finished

    console = make_console()
    progress = make_progress(console, quiet=quiet, json=json)
    for note in notes:
        progress.note(f"Left out: {note}")
    if quick:
        progress.note("Quick run, not the full protocol.")
    own: dict[str, Findings] = {}
    ran, failures = {}, []
    wrong: Mapping[str, str] = {}
    with (
        exit_on_error(out),
        connected(scheduler) as executor,
        progress as bars,
        schedule.finished(chosen, configs, out, executor, bars, prepare_devices) as finished,
    ):
        for experiment, result, is_new in finished:
            if tests and experiment is classification:
                result = classification.with_people(result, tests)  # noqa: PLW2901
                result, is_new = result.assign_attrs({ADDED: "answers of people"}), True  # noqa: PLW2901
            folder = out / experiment.NAME
            findings = findings_of(experiment, result)
            own[experiment.NAME] = findings
            if is_new:
                ran[experiment.NAME] = result
            failures += [documents.failures_of_result(result)]
            save_finished(experiment, result, folder, is_new=is_new)
            wrong = save_claims(EXPERIMENTS, out)
            if not json:
                show_title(console, experiment.TITLE)
                show_summary(findings, console)
                taken = "" if is_new else "Found finished: "
                _say(console, f"{taken}{describe_time(result)} Figures and result: {folder}")
    # Results that other commands have left in the folder may be damaged, too.
    failures += [f"left out of {CLAIMS}: {why}" for why in wrong.values()]
    failed, seconds = "; ".join(filter(None, failures)), time.perf_counter() - start
    if json:
        in_order = {each.NAME: own[each.NAME] for each in chosen}
        return Outcome(documents.of_reproduction(in_order, out, seconds, failed), failed)
    if len(ran) > 1:
        background = [each.NAME for each in schedule.schedule_of(chosen).background]
        in_turn = [ran[each.NAME] for each in chosen if each.NAME in ran]
        show_times(in_turn, seconds, console, background)
    _say(console, f"All claims: {out / 'claims.json'}")
    return Outcome(failed=failed)


def _say(console: "Console", line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)


def _choose(names: tuple[str, ...], beyond: bool) -> list["Chosen"]:
    if names and beyond:
        fail("give names of experiments or --beyond, not both")
    if not names:
        return [*(BEYOND if beyond else PAPER)]
    known = {experiment.NAME: experiment for experiment in EXPERIMENTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        own = "; a file of your own is run by `mnist1d run`" if unknown[0].endswith(".py") else ""
        fail(checks.unknown("experiment", unknown[0], [*known], own))
    return [known[name] for name in known if name in names]


def _configure(experiment: "Chosen", quick: bool, seeds: int | None, given: dict[str, Any]) -> Any:
    """Make an experiment's configuration, ignoring options that it does not have."""
    config = experiment.Config.quick() if quick else experiment.Config()
    if seeds is None:
        seeds = config.seeds if quick else getattr(experiment, "PAPER_SEEDS", config.seeds)
    given = given | {"seeds": seeds}
    known = {field.name for field in dataclasses.fields(config)}
    changes = {name: value for name, value in given.items() if value is not None and name in known}
    return dataclasses.replace(config, **changes)


def _check_packages(chosen: Sequence["Chosen"]) -> None:
    """Find out before training whether what only some experiments need is installed."""
    for experiment in chosen:
        for package, extra in getattr(experiment, "REQUIRES", {}).items():
            if absent([package]):
                from mnist1d.dataset.imports import installation

                what = f"the experiment {experiment.NAME}"
                fail(installation.needs([package], extra=extra, what=what), BROKEN)


def _check_mnist(configs: Sequence[Any]) -> None:
    """Check before training that MNIST, if its folder is given, can be read."""
    for config in configs:
        if getattr(config, "download_mnist", True) or mnist_folder(config.mnist) is None:
            continue
        try:
            load_mnist(config.mnist)
        except (OSError, ValueError) as error:
            fail(f"MNIST cannot be read: {error}")
        return


def _read_answers(
    files: Sequence[Path], chosen: Sequence["Chosen"]
) -> tuple[list["Test"], list[str]]:
    """Read people's answers before training, so that damaged files are reported at once."""
    if not files:
        return [], []
    if classification not in chosen:
        fail("--human belongs to the experiment classification, which is not chosen")
    from mnist1d.experiments.classification.answers import read_answers

    with exit_on_error(resumable=False):
        return read_answers(files)


def _check_writable(out: Path, chosen: Sequence["Chosen"]) -> None:
    """Check before training that the output can be written."""
    try:
        check_writable(out, "claims.json")
        for experiment in chosen:
            check_writable(out / experiment.NAME, "result.nc")
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
