"""The runs of a candidate, here or in other processes, with stored outcomes."""

import dataclasses
import hashlib
import pickle
import sys
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Any, Generic, NamedTuple, Self, TypeVar
from weakref import WeakValueDictionary

import jax

from mnist1d.execution import Arrays, Compute, OnStep, Task
from mnist1d.execution.blas import limited_threads
from mnist1d.execution.compute import check_versions
from mnist1d.lab.candidates.checks import describe, describe_error
from mnist1d.lab.candidates.contract import Candidate, CandidateError, Outcome, Run, Sets
from mnist1d.lab.candidates.fingerprint import settings_text, source_text, unknown_parts
from mnist1d.lab.candidates.search_space import named
from mnist1d.lab.candidates.sending import packed
from mnist1d.lab.comparison.budget import BudgetSpent, TimeBudget
from mnist1d.lab.comparison.data import DataSets, Variant
from mnist1d.lab.comparison.evaluations import Listener, ListenerError, OnEvaluation
from mnist1d.lab.comparison.outcomes import arrays_of, checked_outcome, outcome_of
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.workers import Workers

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "Equinox": ("equinox", "jax", "optax"),
    "Flax": ("flax", "jax", "optax"),
    "JAX": ("jax", "optax"),
    "PyTorch": ("torch",),
    "scikit-learn": ("scikit-learn",),
}
"""The packages of each framework; those of functions are unknown."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

Case = TypeVar("Case", bound=tuple[Hashable, Hashable])


class Planned(NamedTuple):
    """A run that a comparison needs.

    Attributes:
        number: index of its settings, among those that are tried.
        seed: determines initial weights and the order of batches.
        data: name of the samples.
    """

    number: int
    seed: int
    data: str


@dataclass
class Setup:
    """Everything that a process needs to run a candidate.

    In the process that made it, unpickling returns the same object. Another process makes the
    candidate and its data again, once for all setups that are equal, and so compiles once.

    Attributes:
        name: of the candidate.
        framework: of the candidate.
        source: digest of its source.
        settings: the settings that are tried, as texts.
        unknown: what the candidate uses that its source cannot tell; then no run may be kept.
        packages: versions of the framework's packages.
        python: the version of Python.
        protocol: the protocol of the comparison.
        threads: number of threads of a run, if runs may train at the same time.
        data: the candidate and its settings as bytes, for other processes; empty if not needed.
        token: identifies it in the process that made it.
        workers: trains such runs at the same time; only in the process that made it.
        listener: called with evaluations; only in the process that made it.
    """

    name: str
    framework: str
    source: str
    settings: Sequence[str]
    unknown: Sequence[str]
    packages: Mapping[str, str]
    python: str
    protocol: Protocol
    threads: int
    data: bytes = field(compare=False, repr=False)
    token: str = field(compare=False, repr=False)
    workers: Workers | None = field(default=None, init=False, compare=False, repr=False)
    listener: Listener | None = field(default=None, init=False, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        name: str,
        candidate: Candidate,
        tries: Sequence[Mapping[str, Any]],
        sets: DataSets,
        workers: Workers,
        *,
        is_sent: bool,
        on_evaluation: OnEvaluation | None = None,
    ) -> Self:
        """Return the setup of a candidate of this process.

        Args:
            name: of the candidate.
            candidate: the candidate.
            tries: the settings that are tried.
            sets: the samples of the protocol.
            workers: trains runs at the same time.
            is_sent: whether an executor will run it, in place of `workers`.
            on_evaluation: called with every evaluation of its runs.

        Raises: CandidateError: if it cannot be sent to other processes.
        """
        packages = PACKAGES.get(candidate.framework, ())
        source = candidate.source()
        made = cls(
            name=name,
            framework=candidate.framework,
            source=hashlib.sha256(source.encode()).hexdigest(),
            settings=[settings_text(settings) for settings in tries],
            unknown=unknown_parts(f"{source}\n{source_text(list(tries))}"),
            packages={package: metadata.version(package) for package in packages},
            python=_PYTHON,
            protocol=sets.protocol,
            threads=workers.threads,
            data=packed((candidate, tries)) if is_sent else b"",
            token=uuid.uuid4().hex,
        )
        made.content, made.sets = (candidate, tries), sets
        made.workers = None if is_sent else workers
        if on_evaluation is not None:
            made.listener = Listener(on_evaluation, name, tries, sets.protocol.schedule)
        _made_here[made.token] = made
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        fields = [each.name for each in dataclasses.fields(self) if each.init]
        return _arrived, tuple(getattr(self, name) for name in fields)

    @cached_property
    def content(self) -> tuple[Candidate, Sequence[Mapping[str, Any]]]:
        """The candidate and the settings that are tried; unpickled in another process."""
        try:
            return pickle.loads(self.data)  # noqa: S301 (our own)
        except ImportError:
            raise
        except (Exception, SystemExit) as error:  # a user's object may raise anything
            raise CandidateError(
                "expected what can be made again in another process, and raised "
                f"{describe_error(error)}"
            ) from error

    @cached_property
    def sets(self) -> DataSets:
        """The samples of the protocol."""
        return DataSets(self.protocol)

    def task(self, run: Planned, group: Hashable) -> Task:
        """Return the task of a run."""
        key = {
            "framework": self.framework,
            "packages": self.packages,
            "source": self.source,
            "settings": self.settings[run.number],
            "seed": run.seed,
            "data": self.sets.key(Variant.named(run.data)),
            "schedule": dataclasses.asdict(self.protocol.schedule),
        }
        return Task(labels=run._asdict(), key=key, group=group)


_made_here: WeakValueDictionary[str, Setup] = WeakValueDictionary()


def _arrived(*values: Any) -> Setup:
    own = _made_here.get(values[-1])
    return Setup(*values) if own is None else own


class Trainer:
    """The runner of a candidate's tasks, which also checks its outcomes.

    Args:
        setup: of the candidate.

    Raises:
        ClusterError: if this process has other versions than the setup.
        CandidateError: if the candidate cannot be made here; later, if it raises.
    """

    def __init__(self, setup: Setup) -> None:
        check_versions(
            {"Python": _PYTHON}
            | {package: metadata.version(package) for package in setup.packages},
            {"Python": setup.python, **setup.packages},
        )
        self._candidate, self._tries = setup.content
        self._sets, self._schedule = setup.sets, setup.protocol.schedule
        self._workers, self._threads = setup.workers, setup.threads
        # One that was made for an executor may be found again by another comparison.
        self._listener = None if setup.data else setup.listener

    def __call__(
        self, tasks: Sequence[Task], _: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Yield every run with its arrays to store, as soon as it is finished."""
        planned = [Planned(**task.labels) for task in tasks]
        runs = [Run(self._tries[each.number], each.seed, each.data) for each in planned]
        sets = {run.data: self._sets.sets(Variant.named(run.data)) for run in runs}
        done = set()
        listener = self._listener
        more: dict[str, Any] = {}
        if listener is not None and named(self._candidate.train, "on_evaluation"):
            more["on_evaluation"] = lambda number, *values: listener(planned[number], *values)
        try:
            for number, outcome in self._train(runs, sets, lambda steps, _: on_step(steps), **more):
                checked = checked_outcome(outcome, sets[runs[number].data], self._schedule)
                done.add(number)
                yield tasks[number], arrays_of(checked)
        except (Exception, SystemExit) as error:  # a user's code may raise anything
            raise CandidateError(describe(error)) from error
        if len(done) < len(runs):
            raise CandidateError(f"expected {len(runs)} runs, got {len(done)}")

    def _train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        report: Callable[[int, int], None],
        **more: Any,
    ) -> Iterator[tuple[int, Outcome]]:
        candidate: Any = self._candidate
        schedule = self._schedule
        if not getattr(candidate, "side_by_side", False):
            yield from candidate.train(runs, sets, schedule, report, **more)
        elif self._workers is not None:
            yield from self._workers.train(candidate, runs, sets, schedule, report, **more)
        else:
            with limited_threads(self._threads):
                yield from candidate.train(runs, sets, schedule, report, **more)


class Done(NamedTuple, Generic[Case]):
    """Results of the runs of a candidate.

    Attributes:
        outcomes: by case; some are missing if the candidate failed or was stopped.
        failure: the reason why the candidate failed; empty if it did not.
        is_stopped: whether the time was spent before all runs were finished.
    """

    outcomes: Mapping[Case, Outcome]
    failure: str
    is_stopped: bool


def run_candidate(
    setup: Setup,
    cases: Mapping[Case, Planned],
    compute: Compute,
    progress: Callable[[int, int], None],
    budget: TimeBudget,
) -> Done[Case]:
    """Return the outcome of every run, stored or computed.

    In this process all runs that are left are one group, so that those that differ in numbers alone
    are one program on all devices.

    Args:
        setup: of the candidate.
        cases: the runs by case; an executor gets cases with the same first element as one group.
        compute: reads stored outcomes, and computes and stores the others.
        progress: called with the steps done and the steps in all.
        budget: when it is spent, what is stored is still found, and the other runs are left out;
            those of an executor when it hands over the next group.

    Raises:
        OSError: if an outcome cannot be stored.
        ClusterError: if workers cannot compute the runs.
    """
    n_steps = setup.protocol.n_steps
    total = len(cases) * n_steps
    tasks = {
        setup.task(run, case[0] if setup.data else "here"): case for case, run in cases.items()
    }
    outcomes: dict[Case, Outcome] = {}
    failure, is_told, is_stopped = "", False, False
    reported, n_found = 0, compute.store.n_found

    def tell(done: int) -> None:
        nonlocal is_told, reported
        reported = done
        if not is_told:  # the end, which a candidate, its last group and this function report
            is_told = done == total
            progress(done, total)

    def stop_if_spent() -> None:
        if len(outcomes) < len(cases):
            budget.check(reported, n_steps * len(outcomes), n_steps)

    def go_on(done: int) -> None:
        tell(done)
        stop_if_spent()

    computing = compute(
        tasks,
        Trainer,
        setup,
        on_progress=lambda _, __, done: go_on(done),
        steps=n_steps,
        devices="all",
    )
    try:
        # Closed at once, so that no process goes on with a run that nobody wants.
        with closing(computing):
            for task, arrays in computing:
                case = tasks[task]
                outcomes[case] = outcome_of(arrays)
                if setup.listener is not None:
                    setup.listener.finish(cases[case], outcomes[case])
                if len(outcomes) > compute.store.n_found - n_found:
                    budget.n_computed += 1
                    stop_if_spent()
        tell(total)
    except CandidateError as error:
        failure = str(error)
    except BudgetSpent:
        is_stopped = True
    except ListenerError as error:
        raise error.raised from None
    return Done(outcomes, failure, is_stopped)
