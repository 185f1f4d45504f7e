"""The comparison of candidates, with the same budget, data, seeds and measures for all."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import check_writable
from mnist1d.dataset.imports import required
from mnist1d.execution import Compute, Store
from mnist1d.execution.blas import limited_threads
from mnist1d.execution.commit import commit_of_code
from mnist1d.harness import record
from mnist1d.harness.interface import InputError, Progress
from mnist1d.harness.lines import Lines
from mnist1d.harness.settings import as_json, with_settings
from mnist1d.harness.stored.circumstances import circumstances, environment
from mnist1d.harness.stored.commits import commit_attributes
from mnist1d.lab.candidates.checks import describe
from mnist1d.lab.candidates.contract import CandidateError, Sets
from mnist1d.lab.comparison.budget import TimeBudget
from mnist1d.lab.comparison.data import DataSets
from mnist1d.lab.comparison.entries import Entry, evaluated_of, steps_to_target, to_dataset
from mnist1d.lab.comparison.evaluations import OnEvaluation
from mnist1d.lab.comparison.outcomes import has_diverged
from mnist1d.lab.comparison.protocol import Protocol, as_protocol
from mnist1d.lab.comparison.result import Comparison
from mnist1d.lab.comparison.rows import rows_of
from mnist1d.lab.comparison.runs import (
    PACKAGES,
    Planned,
    Setup,
    run_candidate,
)
from mnist1d.lab.comparison.search import edges, fastest, most_accurate
from mnist1d.lab.comparison.shipped import digest_of_source, shipped_rows
from mnist1d.lab.comparison.workers import Workers
from mnist1d.lab.notebook import default_progress
from mnist1d.lab.statistics.stored import with_statistics
from mnist1d.lab.statistics.unfinished import STOPPED
from mnist1d.lab.tracks import Track, find_track
from mnist1d.training import use_all_cores

NAME = "comparison"
VERSION = 1


def compare(
    candidates: Mapping[str, Any],
    protocol: Protocol | Mapping[str, Any] | None = None,
    *,
    track: str | None = None,
    folder: checks.StrPath | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    threads: int = 1,
    on_evaluation: OnEvaluation | None = None,
    budget_seconds: float | None = None,
    **settings: Any,
) -> Comparison:
    """Compare candidates by one protocol.

    All candidates have the same budget of settings, which are chosen on validation data alone. The
    chosen settings train on other seeds, the same for all candidates, and only these runs are
    evaluated on the test set. Runs are spread over all cores, those of Equinox candidates unless
    JAX was in use before (see `use_all_cores`). Runs of other candidates, if they take long enough,
    train in separate processes, one per core and with one thread each: more threads are slower with
    such small networks.

    Which pairs are tested is planned: each candidate with the protocol's `baseline`, its `pairs`,
    or every two of them (see `Comparison.differences`). The paper's models stand beside them.

    Args:
        candidates: by name; `as_candidate` lists what they may be.
        protocol: the default one if omitted; or a mapping with other values for some fields.
        track: name of a track of the leaderboards (`TRACKS`), whose protocol is used, and cannot be
            changed: `protocol` and `settings` must be left out with it.
        folder: where finished runs are stored and found by the next call, and `result.nc` is
            written; None to store nothing.
        progress: called with the progress; by default a notebook shows bars, and elsewhere standard
            error gets a line for every finished task, and every ten seconds of a long one.
            `mnist1d.lab.silent` shows nothing.
        executor: trains in place of this process, such as the workers of a cluster. They get the
            candidates with your code, but need the installed packages.
        workers: number of runs of a PyTorch or scikit-learn candidate, or a training function, that
            train at the same time; 1 for all of them in this process. By default as many as there
            are cores for them.
        threads: number of threads of such a run.
        on_evaluation: called with the number of steps and the `Evaluation` of every run: during
            training on this machine if the candidate evaluates on the way, otherwise when the run
            is finished or found. What it raises ends the comparison. Numbers are the same with it
            and without.
        budget_seconds: time after which no run goes on, once one was computed; None for no limit.
            What is finished by then is returned and stored, and the same call continues with the
            rest. Runs of an executor are finished in groups. (`budget` is a number of settings.)
        **settings: fields of the protocol to replace.

    Returns: the result. For candidates that failed it has the reason; the others are complete,
        unless `budget_seconds` has passed (`Comparison.stopped_after`).

    Raises:
        InputError: before anything runs, if there is no candidate, none that works, or the protocol
            or a search space is not allowed.
        OSError: if a run cannot be stored.
        ClusterError: if workers cannot compute the runs.

    >>> from mnist1d.models import MLP
    >>> found = compare(
    ...     {"narrow": lambda key: MLP(hidden_size=10, key=key)},
    ...     seeds=2, n_steps=100, learning_rates=(0.01,), references=False, shuffled=False,
    ... )
    >>> found.result.test_accuracy.dims
    ('candidate', 'seed')
    """
    clock, budget = time.perf_counter(), TimeBudget(budget_seconds)
    use_all_cores()
    progress = progress or default_progress(Lines)
    chosen = None if track is None else find_track(track)
    config = _config(protocol, settings) if chosen is None else _fixed(chosen, protocol, settings)
    entries = rows_of(candidates, config)
    if executor is not None:
        if workers is not None:
            raise InputError("workers must be left out with an executor, which has its own")
        required("cloudpickle", extra="lab")
    place = None if folder is None else checks.path("folder", folder)
    if place is not None:
        check_writable(place, "result.nc")
    about = {"experiment": NAME, "version": VERSION, **environment()}
    store = Store(
        None if place is None else place / "units",
        about,
        warn=lambda line: progress(line, 0, 0),
        commit=commit_of_code(),
    )
    sets = DataSets(config)
    with Workers(workers, threads, note=lambda line: progress(line, 0, 0)) as processes:
        is_sent = executor is not None
        compute = Compute(store, executor)
        how = (processes, progress, on_evaluation, budget)
        work = _Work(sets, store, compute, *how, is_sent=is_sent)
        _train(entries, work)
    result = to_dataset(entries, sets).assign_attrs(
        experiment=NAME,
        version=VERSION,
        config=as_json(config),
        **({} if chosen is None else {"track": chosen.name, "track_digest": chosen.digest}),
        protocol="\n".join(config.lines(evaluated_of(entries))),
        **circumstances(*_packages(entries)),
        **commit_attributes(store),
        seconds=time.perf_counter() - clock,
        units_found=store.n_found,
        **({STOPPED: budget.seconds} if any(entry.is_stopped for entry in entries) else {}),
    )
    found = Comparison(with_statistics(result, _result_in(place) if store.n_found else None))
    if place is not None:
        record.write(found.result, place / "result.nc")
    return found


def _config(protocol: Any, settings: Mapping[str, Any]) -> Protocol:
    try:
        config: Protocol = with_settings(as_protocol(protocol), settings)
    except TypeError as error:
        raise InputError(str(error)) from error
    return config


def _fixed(track: Track, protocol: Any, settings: Mapping[str, Any]) -> Protocol:
    """Return the protocol of a track, beside which there must be no other."""
    if protocol is not None:
        raise InputError(f"protocol must be left out with the track {track.name}")
    track.refuse(settings, track=f"the track {track.name}")
    return track.protocol


def _result_in(place: Path | None) -> xr.Dataset | None:
    """Return the result of an earlier call, if there is one."""
    if place is None:
        return None
    try:
        return record.read(place / "result.nc")
    except (OSError, ValueError):  # none, or a damaged one, which is about to be replaced
        return None


class _Work(NamedTuple):
    """What all candidates are trained with."""

    sets: DataSets
    store: Store
    compute: Compute
    workers: Workers
    progress: Progress
    on_evaluation: OnEvaluation | None
    budget: TimeBudget
    is_sent: bool


def _train(entries: Sequence[Entry], work: _Work) -> None:
    """Try all candidates, then tune and measure them; if all runs are stored, it is not tried."""
    # Who listens to evaluations is told of all, which the package's rows do not have.
    shipped = {} if work.on_evaluation else shipped_rows(work.sets.protocol)
    for entry in entries:
        _attempt(_describe, entry, work)
        row = shipped.get(entry.name) if entry.is_reference else None
        if row is not None and row["source"] == digest_of_source(entry.source):
            entry.take(row)
        if not entry.is_done:
            _find(entry, _own_work(entry, work))
        if not entry.is_measured:
            _attempt(_check, entry, work)
        _attempt(_limit, entry, work)
        if entry.failure:
            work.progress(f"{entry.name} will be left out: {entry.failure}", 0, 0)
    own = [entry for entry in entries if not entry.is_reference]
    if all(entry.failure for entry in own):
        reasons = "; ".join(f"{entry.name}: {entry.failure}" for entry in own)
        raise InputError(f"no candidate works. {reasons}")
    for entry in sorted(entries, key=lambda each: each.name not in work.sets.protocol.plan.named):
        _finish(entry, work)


def _finish(entry: Entry, work: _Work) -> None:
    steps: list[Callable[[Entry, _Work], None]] = [] if entry.is_tuned else [_tune]
    if len(entry.tries) > 1:
        steps.append(partial(_attempt, _count))
    for step in (*steps, _measure):
        if not entry.is_done:
            step(entry, _own_work(entry, work))
    if entry.failure:
        work.progress(f"{entry.name} failed: {entry.failure}", 0, 0)


def _attempt(step: Callable[[Entry, _Work], None], entry: Entry, work: _Work) -> None:
    """Take a step that calls the user's code, which may raise anything."""
    if not entry.failure:
        try:
            step(entry, work)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            entry.failure = describe(error)


def _describe(entry: Entry, work: _Work) -> None:
    entry.source = entry.candidate.source()
    entry.setup = Setup.of(
        entry.name,
        entry.candidate,
        entry.tries,
        work.sets,
        work.workers,
        is_sent=work.is_sent,
        on_evaluation=work.on_evaluation,
    )
    if work.store.keeps and entry.setup.unknown:
        unknown = ", ".join(entry.setup.unknown)
        entry.remarks.append(f"its runs are not kept: it uses {unknown}, content unknown")
        work.progress(f"{entry.name}: {entry.remarks[-1]}", 0, 0)


def _own_work(entry: Entry, work: _Work) -> _Work:
    """Return what a candidate is trained with: no store if its runs look like those of others."""
    if not entry.setup.unknown:
        return work
    return work._replace(store=Store(), compute=work.compute.without_store())


def _check(entry: Entry, work: _Work) -> None:
    own = getattr(entry.candidate, "side_by_side", False)
    with limited_threads(work.workers.threads) if own else nullcontext():
        schedule = work.sets.protocol.schedule
        entry.n_parameters = entry.candidate.check(_example(work.sets), schedule)


def _limit(entry: Entry, work: _Work) -> None:
    """Refuse a candidate that has too many parameters with one of its settings."""
    most = work.sets.protocol.max_parameters
    if most is None:
        return
    count = getattr(entry.candidate, "count", None)
    counted = [entry.n_parameters]
    if count is not None:
        counted = [count(settings, _example(work.sets)) for settings in entry.tries]
    for n in counted:
        if n is None or n > most:
            entry.outcomes = {}  # which may have been stored by a comparison without a limit
            wanted = f"expected at most {most:,} trained parameters"
            raise CandidateError(f"{wanted}, got {'no such number' if n is None else f'{n:,}'}")


def _find(entry: Entry, work: _Work) -> None:
    """Take what is stored, if that is all there is to do."""

    def are_stored(cases: Mapping[Any, Planned]) -> bool:
        tasks = [entry.setup.task(run, "any") for run in cases.values()]
        return all(work.store.holds(**task.key) for task in tasks)

    # The number of parameters is known from a trial, or from this.
    if not hasattr(entry.candidate, "count") or not are_stored(_tuning_cases(entry, work.sets)):
        return
    _tune(entry, work)
    if not entry.is_done and are_stored(_final_cases(entry, work.sets)):
        _attempt(_count, entry, work)
        if not entry.failure:
            _measure(entry, work)


def _example(sets: DataSets) -> Sets:
    """Return samples for the check of a candidate, without test samples."""
    return sets.sets(sets.tuning_variant(sets.protocol.final_seeds[0]))


def _packages(entries: Sequence[Entry]) -> list[str]:
    """Name the packages that candidates are made with."""
    frameworks = {entry.candidate.framework for entry in entries}
    needed = [package for name in sorted(frameworks) for package in PACKAGES.get(name, ())]
    return list(dict.fromkeys(["equinox", *needed]))


def _tuning_cases(entry: Entry, sets: DataSets) -> dict[tuple[int, int], Planned]:
    """Return the runs that choose settings: of every setting on every seed of the tuning."""
    numbers = range(len(entry.tries)) if len(entry.tries) > 1 else ()
    return {
        (number, seed): Planned(number, seed, sets.tuning_variant(seed).name)
        for number in numbers
        for seed in sets.protocol.seeds_of_tuning
    }


def _final_cases(entry: Entry, sets: DataSets) -> dict[tuple[int, str | int], Planned]:
    """Return the final runs of the chosen settings, on all data that the protocol asks for."""
    return {
        (seed, kind): Planned(entry.chosen, seed, sets.final_variant(seed, kind).name)
        for seed in sets.protocol.final_seeds
        for kind in sets.protocol.kinds
    }


def _tune(entry: Entry, work: _Work) -> None:
    """Choose the best settings by validation data, without test samples."""
    entry.choose(0)
    entry.is_tuned = True
    cases = _tuning_cases(entry, work.sets)
    if not cases:
        return
    progress, protocol = partial(work.progress, f"{entry.name}, tuning"), work.sets.protocol
    done = run_candidate(entry.setup, cases, work.compute, progress, work.budget)
    accuracy = np.full((len(entry.tries), protocol.tuning_seeds), np.nan)
    steps = accuracy.copy()
    for (number, seed), outcome in done.outcomes.items():
        # A run that diverged counts as an accuracy of 0, and not as one that reached the target.
        place, diverged = (number, protocol.seeds_of_tuning.index(seed)), has_diverged(outcome)
        accuracy[place] = 0 if diverged else outcome.validation_accuracy[-1]
        steps[place] = np.nan if diverged else steps_to_target(outcome, protocol)
    entry.tuning_accuracy, entry.failure = accuracy, done.failure
    entry.is_tuned, entry.is_stopped = not done.is_stopped, done.is_stopped
    if done.is_stopped:
        entry.settings = {}
    if entry.is_done:
        return
    by_steps = protocol.chosen_by == "steps"
    entry.choose(fastest(steps, accuracy) if by_steps else most_accurate(accuracy))
    at_edges = [
        f"{setting} = {value}, the {end} of its values"
        for setting, value, end in edges(entry.space, entry.settings)
    ]
    if at_edges:
        entry.remarks.append(f"chose {' and '.join(at_edges)}: better ones may lie beyond")


def _count(entry: Entry, work: _Work) -> None:
    """Count the parameters with the chosen settings, which need not be the first tried."""
    count = getattr(entry.candidate, "count", None)
    if count is not None:
        entry.n_parameters = count(entry.settings, _example(work.sets))


def _measure(entry: Entry, work: _Work) -> None:
    """Train the chosen settings on the final seeds, on all data sets of the protocol."""
    cases = _final_cases(entry, work.sets)
    progress = partial(work.progress, f"{entry.name}, final")
    done = run_candidate(entry.setup, cases, work.compute, progress, work.budget)
    entry.outcomes, entry.failure = dict(done.outcomes), done.failure
    entry.is_stopped = done.is_stopped
    entry.is_measured = not done.is_stopped
    entry.remark_on_steps()
