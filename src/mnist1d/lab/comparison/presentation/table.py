"""The tables of a comparison."""

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mnist1d.lab.statistics.differences import Statistics
from mnist1d.lab.statistics.plan import Plan
from mnist1d.lab.statistics.stored import (
    SECONDS_TO_TARGET,
    STEPS_TO_TARGET,
    count_not_reached,
    estimate_in,
)
from mnist1d.lab.statistics.tables import explained, new_table, tables_of_pairs
from mnist1d.lab.statistics.unfinished import (
    STAGE,
    STOPPED,
    finished_runs,
    tuning_runs,
    was_stopped,
)
from mnist1d.lab.statistics.yardsticks import notes_of, shown
from mnist1d.measures.uncertainty import Estimate, in_percent


def tables(result: xr.Dataset, statistics: Statistics) -> Group:
    """Make all tables of a comparison, with the protocol below them.

    Args:
        result: the labelled result, with its statistics.
        statistics: the differences between its candidates.
    """
    notes, n = notes_of(result), result.sizes["seed"]
    parts: list[RenderableType] = [_unfinished(result)] if was_stopped(result) else []
    parts += [_main(result), *_to_target(result)]
    if "shuffled_accuracy" in result:
        parts.append(_shuffled(result))
    for variable, dim, title in (
        ("shift_accuracy", "test_set", "Accuracy (%) on shifted test sets"),
        ("size_accuracy", "train_size", "Test accuracy (%) by number of training samples"),
    ):
        if variable in result:
            parts.append(_across(result, variable, dim, title))
    parts.extend(tables_of_pairs(statistics, Plan.of(result), notes, n))
    parts.append(_tuning(result, notes))
    parts.extend(_remarks(result, statistics))
    return Group(*parts)


def _rows(result: xr.Dataset) -> list[tuple[Text, xr.Dataset]]:
    """Return the candidates that have a result, by name, the best first, the paper's last."""
    one_by_one = [result.sel(candidate=name) for name in result.candidate.values]
    with_result = [each for each in one_by_one if _has_result(each)]

    def place(each: xr.Dataset) -> tuple[bool, float]:
        mean = estimate_in(each, "test_accuracy").mean
        return bool(each.is_reference), -mean if np.isfinite(mean) else np.inf

    notes = notes_of(result)
    # As `Text`, in which brackets and colons are no markup.
    return [
        (Text(shown(str(each.candidate.values), notes)), each)
        for each in sorted(with_result, key=place)
    ]


def _has_result(each: xr.Dataset) -> bool:
    return bool((each.diverged | np.isfinite(each.test_accuracy)).any())


def _main(result: xr.Dataset) -> Table:
    n = result.sizes["seed"]
    table = new_table(
        f"Mean ± half the 95 % interval, n = {n} {'seed' if n == 1 else 'seeds'} unless stated",
        "",
        "test (%)",
        "training (%)",
        "parameters",
        "seconds per run\nCPU (wall)",
    )
    was_reference = False
    for name, each in _rows(result):
        if bool(each.is_reference) and not was_reference:
            table.add_section()
        was_reference = bool(each.is_reference)
        n_parameters = float(each.n_parameters)
        table.add_row(
            name,
            accuracy_text(each, "test_accuracy", n, int(each.diverged.sum())),
            accuracy_text(each, "train_accuracy", n),
            f"{n_parameters:,.0f}" if np.isfinite(n_parameters) else "",
            _seconds(each),
        )
    return table


def _unfinished(result: xr.Dataset) -> Table:
    """Say what is finished of a comparison that was stopped."""
    seconds = result.attrs[STOPPED]
    title = f"Stopped after its budget of {seconds:g} s: runs that are finished, and runs in all"
    stages = [str(stage) for stage in result[STAGE].values]
    table = new_table(title, "", "tuning", *(Text(stage) for stage in stages))
    n_seeds, notes = result.sizes["seed"], notes_of(result)
    for name in map(str, result.candidate.values):
        each = result.sel(candidate=name)
        tuned, all_tuned = tuning_runs(each)
        cells = [f"{tuned} of {all_tuned}" if all_tuned else "nothing"]
        cells += [f"{n_finished} of {n_seeds}" for n_finished in finished_runs(each).values()]
        table.add_row(Text(shown(name, notes)), *cells)
    return table


def _to_target(result: xr.Dataset) -> list[Table]:
    """Make the table of steps and time to the target accuracy, if any candidate has steps."""
    config = json.loads(result.attrs["config"])
    every = f"evaluated every {config['evaluate_every']:,} steps"
    target = f"{100 * config['target_accuracy']:g} % validation accuracy, {every}"
    title = f"Until {target}: runs that reached it"
    table = new_table(title, "", "reached by", "steps", "seconds, CPU")
    for name, each in _rows(result):
        if (n_not_reached := count_not_reached(each)) is None:
            continue
        steps = estimate_in(each, STEPS_TO_TARGET)
        cells = [f"{steps.n} of {steps.n + n_not_reached}", _plus_minus(steps, ",.0f", ",.0f")]
        known = f"{SECONDS_TO_TARGET}_interval" in each
        cells += [_plus_minus(estimate_in(each, SECONDS_TO_TARGET), ".2g", ".1g") if known else ""]
        table.add_row(name, *cells)
    return [table] if table.rows else []


def _plus_minus(found: Estimate, form: str, form_of_half: str) -> str:
    """Write a mean and half its interval; nothing if there is no value."""
    if not found.n:
        return ""
    half = found.high - found.mean
    return f"{found.mean:{form}}" + (f" ± {half:{form_of_half}}" if np.isfinite(half) else "")


def _shuffled(result: xr.Dataset) -> Table:
    n = result.sizes["seed"]
    title = "Trained and tested on permuted positions, without the gain of a spatial prior"
    table = new_table(title, "", "test (%)", "shuffled (%)", "drop (points, paired)")
    for name, each in _rows(result):
        names = ("test_accuracy", "shuffled_accuracy", "shuffled_drop")
        table.add_row(name, *(accuracy_text(each, measure, n) for measure in names))
    return table


def _across(result: xr.Dataset, variable: str, dim: str, title: str) -> Table:
    n = result.sizes["seed"]
    values = result[dim].values
    columns = (Text(f"{v:,}" if dim == "train_size" else str(v)) for v in values)
    table = new_table(title, "", *columns)
    for name, each in _rows(result):
        cells = (accuracy_text(each.sel({dim: value}), variable, n) for value in values)
        table.add_row(name, *cells)
    return table


def _tuning(result: xr.Dataset, notes: Mapping[str, str]) -> Table:
    table = new_table("Settings, chosen on validation data", "", "made with", "tried", "chosen")
    table.columns[-1].justify = "left"
    for name in result.candidate.values:
        each = result.sel(candidate=name)
        if not str(each.failure.values) or _has_result(each):
            settings = json.loads(str(each.settings.values))
            text = ", ".join(f"{k} = {v}" for k, v in settings.items()) or "none"
            tuned, all_tuned = tuning_runs(each)
            if was_stopped(result) and tuned < all_tuned:
                text = "not yet"
            n_tries = int(each.n_tries)
            table.add_row(
                Text(shown(str(name), notes)),
                Text(str(each.framework.values)),
                str(n_tries) if n_tries > 1 else "nothing",
                Text(text),
            )
    return table


def _remarks(result: xr.Dataset, statistics: Statistics) -> list[Text]:
    remarks = zip(result.candidate.values, result.remarks.values, strict=True)
    lines = [Text(f"{name}: {text}.", "yellow") for name, text in remarks if text]
    lines += [Text(line) for line in str(result.attrs["protocol"]).splitlines()]
    config = json.loads(result.attrs["config"])
    plan, n = Plan.of(result), result.sizes["seed"]
    lines += explained(statistics, plan, n, vary_data=config["vary_data"])
    if was_stopped(result):
        stopped = (
            "Stopped before all runs were finished: differences are of the seeds that both "
            "candidates have finished, and p values are corrected for the pairs with such seeds. "
            "The same call continues."
        )
        lines.append(Text(stopped, "yellow"))
    if not config["vary_data"]:
        lines.append(
            Text(
                "Seeds vary weights and batches, not the data: intervals hold for this data set "
                "(with vary_data=True for others like it)."
            )
        )
    diverged = {
        str(name): int(result.diverged.sel(candidate=name).sum())
        for name in result.candidate.values
    }
    lines += [
        Text(f"{name}: {n} of {result.sizes['seed']} runs diverged and are in no mean.", "red")
        for name, n in diverged.items()
        if n
    ]
    failures = zip(result.candidate.values, result.failure.values, strict=True)
    lines += [Text(f"{name} failed: {text}", "red") for name, text in failures if text]
    return lines


def accuracy_text(each: xr.Dataset, name: str, n: int, n_diverged: int = 0) -> str:
    """Write an accuracy of a candidate in per cent, with its interval, and n if not all seeds."""
    text = estimate_text(in_percent(estimate_in(each, name)), n)
    return f"{text}\n[red]{n_diverged} diverged[/]" if n_diverged else text


def estimate_text(found: Estimate, n: int) -> str:
    """Write an estimate with one decimal.

    >>> estimate_text(Estimate(68.04, 67.1, 68.98, 5), 5)
    '68.0 ± 0.9'
    >>> estimate_text(Estimate(68.04, float("nan"), float("nan"), 1), 5)
    '68.0, n = 1'
    """
    if not found.n:
        return "none"
    half = found.high - found.mean
    text = f"{found.mean:.1f}" + (f" ± {half:.1f}" if np.isfinite(half) else "")
    return text if found.n == n else f"{text}, n = {found.n}"


def _seconds(each: xr.Dataset) -> str:
    """Write the processor time of a run and, in brackets, its wall time; nothing without either."""
    if not np.isfinite(each.seconds).any():  # computed elsewhere
        return ""
    wall = f"{np.nanmean(each.seconds):.2g}"
    # Older results have no processor time.
    known = "cpu_seconds" in each and bool(np.isfinite(each.cpu_seconds).any())
    return f"{np.nanmean(each.cpu_seconds):.2g} ({wall})" if known else f"({wall})"
