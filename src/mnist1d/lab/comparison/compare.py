"""Comparing candidates fairly: the same budget, data, seeds and measures for all of them."""

import dataclasses
import time
import unicodedata
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import check_writable
from mnist1d.execution.units import Units
from mnist1d.experiments.classification.method import MODELS
from mnist1d.harness import record
from mnist1d.harness.interface import InputError, Progress, silent
from mnist1d.harness.settings import as_json, with_settings
from mnist1d.lab.candidates.contract import Candidate, Outcome
from mnist1d.lab.candidates.equinox import PAPER_RATE, EquinoxCandidate
from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.lab.candidates.search_space import LEARNING_RATE
from mnist1d.lab.comparison.data import DataSets, Variant
from mnist1d.lab.comparison.entries import Compared, assemble
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.result import Comparison
from mnist1d.lab.comparison.runs import (
    PACKAGES,
    FinishedRuns,
    Wanted,
    describe,
    has_diverged,
)
from mnist1d.lab.comparison.search import choose_tries, count_combinations, edges
from mnist1d.training import use_all_cores

NAME = "comparison"
VERSION = 1


def compare(
    candidates: Mapping[str, Any],
    protocol: Protocol | None = None,
    *,
    folder: str | Path | None = None,
    progress: Progress = silent,
    **settings: Any,
) -> Comparison:
    """Compare candidates by one protocol, which is fair by construction.

    Every candidate tries the same number of settings at most, judged on validation data alone; the
    chosen ones train on seeds of their own, the same for all candidates; the test set is met once.
    Runs are spread over all cores unless JAX was in use before: see `use_all_cores`.

    Args:
        candidates: by name; what each may be, `as_candidate` says.
        protocol: what all go through; the default one if omitted.
        folder: where every finished run is kept, and found by the next call, and `result.nc` is
            written; None to keep nothing.
        progress: told what is going on.
        **settings: fields of the protocol that are to have other values.

    Returns: the result. Candidates that failed are in it, with the reason; the others are complete.

    Raises:
        InputError: before anything runs, if there is no candidate, none that works, or the protocol
            or a search space is not allowed.
        OSError: if a run cannot be stored.

    >>> from mnist1d.models import MLP
    >>> found = compare(
    ...     {"narrow": lambda key: MLP(hidden_size=10, key=key)},
    ...     seeds=2, n_steps=100, learning_rates=(0.01,), references=False, shuffled=False,
    ... )
    >>> found.result.test_accuracy.dims
    ('candidate', 'seed')
    """
    clock = time.perf_counter()
    use_all_cores()
    try:
        protocol = with_settings(Protocol() if protocol is None else protocol, settings)
    except TypeError as error:
        raise InputError(str(error)) from error
    rows = _rows(candidates, protocol)
    if folder is not None:
        check_writable(Path(folder), "result.nc")
    about = {"experiment": NAME, "version": VERSION, "mnist1d": record.package_version()}
    units = Units(
        None if folder is None else Path(folder) / "units",
        about,
        warn=lambda line: progress(line, 0, 0),
    )
    sets = DataSets(protocol)
    _check(rows, sets, protocol, progress)
    runs = FinishedRuns(sets, protocol.schedule, units)
    for row in rows:
        if not row.failure:
            _tune(row, runs, protocol, progress)
        if not row.failure:
            _count(row, sets, protocol)
        if not row.failure:
            _measure(row, runs, protocol, progress)
        if row.failure:
            progress(f"{row.name} failed: {row.failure}", 0, 0)
    result = assemble(rows, protocol, sets).assign_attrs(
        experiment=NAME,
        version=VERSION,
        config=as_json(protocol),
        protocol="\n".join(protocol.lines()),
        **record.circumstances(*_packages(rows)),
        seconds=time.perf_counter() - clock,
        units_found=units.n_found,
    )
    if folder is not None:
        record.write(result, Path(folder) / "result.nc")
    return Comparison(result)


def references(protocol: Protocol) -> dict[str, Candidate]:
    """Return the models of the paper with the published recipe, fitted to the protocol's data.

    >>> list(references(Protocol()))
    ['Logistic (paper)', 'MLP (paper)', 'CNN (paper)', 'GRU (paper)']
    """
    data = protocol.data
    return {
        f"{name} (paper)": EquinoxCandidate(
            partial(make, data.final_seq_length, n_classes=data.n_classes),
            search={"learning_rate": (PAPER_RATE,)},
        )
        for name, make in MODELS.items()
    }


def _rows(candidates: Mapping[str, Any], protocol: Protocol) -> list[Compared]:
    """Check everything about the candidates that can be known without touching them."""
    if not isinstance(candidates, Mapping):
        raise InputError(f"candidates must be a mapping by name, not {checks.typed(candidates)}")
    if not candidates:
        raise InputError("candidates must not be empty: there is nothing to compare")
    paper = references(protocol) if protocol.references else {}
    rows = []
    for name, given in candidates.items():
        if not isinstance(name, str) or not name.strip() or not _is_line(name):
            raise InputError(
                "candidates must have names of one line of printable text, not "
                f"{checks.shown(name)}"
            )
        if name in paper:
            raise InputError(
                f"candidates must have other names than the paper's models, not {name!r}; or leave "
                "those out with references=False"
            )
        try:
            rows.append(_row(name, as_candidate(name, given), protocol))
        except (TypeError, ValueError) as error:
            raise InputError(f"candidate {name}: {error}") from error
    return rows + [
        dataclasses.replace(_row(name, candidate, protocol), is_reference=True)
        for name, candidate in paper.items()
    ]


def _is_line(name: str) -> bool:
    """Tell whether a text has no control characters, surrogates or ends of lines in it."""
    return not {unicodedata.category(each) for each in name} & {"Cc", "Cs", "Zl", "Zp"}


def _row(name: str, candidate: Candidate, protocol: Protocol) -> Compared:
    space = candidate.search
    if space is None:
        space = {"learning_rate": protocol.learning_rates}
    for setting, values in space.items():
        wanted = "one or more values to try"
        if not len(checks.sequence(f"search[{setting!r}]", values, wanted)):
            raise ValueError(f"search[{setting!r}] must have {wanted}, and is empty")
    _check_rates(candidate, space)
    n = count_combinations(space)
    tries = choose_tries(space, protocol.n_tries, seed=protocol.search_seed)
    row = Compared(name, candidate, space, tries)
    if n > len(tries):
        row.remarks.append(
            f"{len(tries)} of {n:,} settings tried, the common budget, drawn with seed "
            f"{protocol.search_seed}"
        )
    rate = getattr(candidate, "untuned_rate", "")
    if rate and LEARNING_RATE not in space:
        row.remarks.append(f"learning_rate not tuned: it is {rate}")
    return row


def _check_rates(candidate: Candidate, space: Mapping[str, Sequence[Any]]) -> None:
    # An estimator may call something else by this name, such as the text "adaptive".
    if LEARNING_RATE not in space or candidate.framework == "scikit-learn":
        return
    name = f"search[{LEARNING_RATE!r}]"
    rates = [checks.positive(f"{name}[{i}]", rate) for i, rate in enumerate(space[LEARNING_RATE])]
    if len(set(rates)) < len(rates):
        raise ValueError(
            f"{name} must be numbers above 0, all different, not {checks.shown(rates)}"
        )


def _check(
    rows: Sequence[Compared], sets: DataSets, protocol: Protocol, progress: Progress
) -> None:
    for row in rows:
        try:
            row.source = row.candidate.source()
            row.n_parameters = row.candidate.check(
                sets.sets(Variant(_draw(protocol, protocol.final_seeds[0]))), protocol.schedule
            )
        except Exception as error:  # noqa: BLE001 (whatever a stranger's code raises)
            row.failure = describe(error)
            progress(f"{row.name} will be left out: {row.failure}", 0, 0)
    own = [row for row in rows if not row.is_reference]
    if all(row.failure for row in own):
        reasons = "; ".join(f"{row.name}: {row.failure}" for row in own)
        raise InputError(f"no candidate works. {reasons}")


def _packages(rows: Sequence[Compared]) -> list[str]:
    """Name the packages that candidates are made with."""
    frameworks = {row.candidate.framework for row in rows}
    of_rows = [package for name in sorted(frameworks) for package in PACKAGES.get(name, ())]
    return list(dict.fromkeys(["equinox", *of_rows]))


def _draw(protocol: Protocol, seed: int) -> int | None:
    return seed if protocol.vary_data else None


def _tune(row: Compared, runs: FinishedRuns, protocol: Protocol, progress: Progress) -> None:
    """Choose the settings with the highest mean validation accuracy; no test set is in reach."""
    row.chosen = row.tries[0]
    if len(row.tries) == 1:
        return
    seeds = protocol.seeds_of_tuning
    wanted = [
        Wanted(settings, seed, Variant(_draw(protocol, seed)))
        for settings in row.tries
        for seed in seeds
    ]
    done = runs.do(row.candidate, wanted, partial(progress, f"{row.name}, tuning"))
    shape = (len(row.tries), len(seeds))
    accuracy = np.full(len(wanted), np.nan)
    for i, outcome in done.outcomes.items():
        # A run that diverged is no better than none.
        accuracy[i] = 0 if has_diverged(outcome) else outcome.validation_accuracy[-1]
    row.tuning_accuracy = accuracy.reshape(shape)
    row.failure = done.failure
    if done.failure:
        return
    row.chosen = row.tries[int(row.tuning_accuracy.mean(axis=1).argmax())]
    at_edges = [
        f"{setting} = {value}, the {end} of its values"
        for setting, value, end in edges(row.space, row.chosen)
    ]
    if at_edges:
        row.remarks.append(f"chose {' and '.join(at_edges)}: better ones may lie beyond")


def _count(row: Compared, sets: DataSets, protocol: Protocol) -> None:
    """Count the parameters of what was chosen, which need not be what was tried first."""
    count = getattr(row.candidate, "count", None)
    if count is None or len(row.tries) == 1:
        return
    try:
        row.n_parameters = count(
            row.chosen, sets.sets(Variant(_draw(protocol, protocol.final_seeds[0])))
        )
    except Exception as error:  # noqa: BLE001 (whatever a stranger's code raises)
        row.failure = describe(error)


def _measure(row: Compared, runs: FinishedRuns, protocol: Protocol, progress: Progress) -> None:
    """Train the chosen settings on the final seeds, on all data that the protocol asks for."""
    cases: dict[Any, Variant] = {}
    for seed in protocol.final_seeds:
        full = Variant(_draw(protocol, seed), final=True)
        cases[seed, "full"] = full
        if protocol.shuffled:
            cases[seed, "shuffled"] = full._replace(shuffled=True)
        for size in protocol.train_sizes:
            if size < protocol.data.n_train:
                cases[seed, size] = full._replace(size=size)
    wanted = [Wanted(row.chosen, seed, variant) for (seed, _), variant in cases.items()]
    done = runs.do(row.candidate, wanted, partial(progress, f"{row.name}, final"))
    found: dict[Any, Outcome] = {}
    for i, case in enumerate(cases):
        if i in done.outcomes:
            found[case] = done.outcomes[i]
    row.outcomes, row.failure = found, done.failure
