"""Training of a candidate's runs in parallel: in processes of this machine, one per core."""

import os
import pickle
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Self

import jax

from mnist1d.dataset import checks
from mnist1d.dataset.imports import required
from mnist1d.execution.blas import limited_threads
from mnist1d.execution.machine import count_cores
from mnist1d.execution.numerics import jax_settings
from mnist1d.harness.interface import InputError
from mnist1d.lab.candidates.checks import describe
from mnist1d.lab.candidates.contract import (
    Candidate,
    CandidateError,
    OnEvaluation,
    Outcome,
    Run,
    Schedule,
    Sets,
)
from mnist1d.lab.candidates.sending import packed
from mnist1d.lab.comparison.evaluations import SharedCurves

Report = Callable[[int, int], None]

_START_SECONDS = 8.0
"""Processes are started if the runs would take longer than this without: starting them takes it."""

_LOOK_SECONDS = 0.25
_QUIET_SECONDS = 5.0
_MOST_STARTED = 32
_AHEAD = 2
"""Runs that are with the executor at one time, per run that trains."""


class Workers:
    """Trains the runs of candidates in processes, each of which has one run at a time.

    Short runs stay in this process, as processes take seconds to start; so do those of a candidate
    that cannot be sent. Numbers are the same everywhere.

    Args:
        n: number of runs that train at the same time; None for as many as there are cores.
        threads: number of threads of a run.
        note: called with a message if runs cannot train in other processes.

    Raises: InputError: if a number is out of range.

    >>> with Workers(n=1) as workers:
    ...     workers.n, workers.threads
    (1, 1)
    """

    def __init__(
        self, n: int | None = None, threads: int = 1, note: Callable[[str], None] = lambda _: None
    ) -> None:
        try:
            self.threads = checks.integer("threads", threads, 1, 4096)
            given = n if n is None else checks.integer("workers", n, 1, 4096)
        except (TypeError, ValueError) as error:
            raise InputError(str(error)) from None
        self.n = max(1, count_cores() // self.threads) if given is None else given
        self._note = note
        self._executor: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def train(
        self,
        candidate: Any,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Report,
        **more: Any,
    ) -> Iterator[tuple[int, Outcome]]:
        """Do runs; as `mnist1d.lab.candidates.contract.Candidate.train`."""
        left = dict.fromkeys(range(len(runs)))
        sent = self._packed(candidate) if self._executor and len(left) > 1 else None
        if sent is None:
            start, may_be_sent = time.perf_counter(), self.n > 1
            with limited_threads(self.threads):
                for number, outcome in candidate.train(runs, sets, schedule, report, **more):
                    del left[number]
                    seconds = (time.perf_counter() - start) / (len(runs) - len(left))
                    yield number, outcome
                    if may_be_sent and len(left) > 1 and seconds * len(left) > _START_SECONDS:
                        sent = self._packed(candidate)
                        may_be_sent = False
                        if sent is not None:
                            break
        if sent is not None:
            yield from self._elsewhere(sent, left, runs, sets, schedule, report, **more)

    def _packed(self, candidate: Candidate) -> bytes | None:
        try:
            self._start()
            return packed(candidate)
        except (CandidateError, OSError, ImportError, NotImplementedError) as error:
            self._note(f"runs train one after the other, in this process: {error}")
            return None

    def _elsewhere(
        self,
        sent: bytes,
        left: Iterable[int],
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Report,
        on_evaluation: OnEvaluation | None = None,
    ) -> Iterator[tuple[int, Outcome]]:
        total = len(runs) * schedule.n_steps
        n_evaluations = 0 if on_evaluation is None else schedule.n_evaluations
        n_told = dict.fromkeys(left, 0)

        def tell(number: int) -> None:
            """Pass the evaluations on that a run has had since the last time."""
            if on_evaluation is not None:
                for accuracy, loss in curves[number, n_told[number] : int(n_known[number])]:
                    n_told[number] += 1
                    on_evaluation(number, float(accuracy), float(loss))

        with _temporary_folder() as folder:
            shared = SharedCurves(folder / "steps", len(runs), n_evaluations)
            steps, n_known, curves = shared.opened("w+")
            steps[:] = schedule.n_steps
            for number in left:
                steps[number] = 0
            waiting, pending = iter(left), dict[Any, int]()
            n_done, reported = -1, 0.0
            try:
                while True:
                    # Few at a time: an executor that is stopped fails over what it had not begun.
                    room = _AHEAD * min(self.n, _MOST_STARTED) - len(pending)
                    for number in islice(waiting, room):
                        run = runs[number]
                        about = (self.threads, _settings(), shared, number)
                        future = self._executor.submit(
                            train_run, sent, run, sets[run.data], schedule, about
                        )
                        pending[future] = number
                    if not pending:
                        break
                    for number in pending.values():
                        tell(number)
                    now = time.monotonic()
                    # Without news, too, as a sign of life.
                    if n_done != int(steps.sum()) or now > reported + _QUIET_SECONDS:
                        n_done, reported = int(steps.sum()), now
                        report(n_done, total)
                    for future in wait(pending, _LOOK_SECONDS, FIRST_COMPLETED).done:
                        number, outcome = pending.pop(future), future.result()
                        steps[number] = schedule.n_steps
                        tell(number)
                        yield number, outcome
                report(total, total)
            except BrokenProcessPool as error:
                self._stop()
                raise CandidateError(
                    "expected to train and predict, and ended its process; is there too little "
                    "memory for so many runs at a time? Fewer are workers=1, 2, ..."
                ) from error
            finally:
                del steps, n_known, curves
                if pending:  # the caller has stopped
                    self._stop()

    def _start(self) -> None:
        if self._executor is not None:
            return
        loky = required("joblib.externals.loky", extra="lab")
        _start_tracker()
        n_threads = str(self.threads)
        names = ("OMP", "MKL", "OPENBLAS", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR")
        self._executor = loky.ProcessPoolExecutor(
            max_workers=min(self.n, _MOST_STARTED),
            initializer=_begin_work,
            initargs=(os.getpid(),),
            # JAX draws the batches, and its threads are numbered by the last one.
            env=dict.fromkeys([f"{name}_NUM_THREADS" for name in names], n_threads)
            | {"JAX_PLATFORMS": "cpu", "NPROC": n_threads},
        )

    def _stop(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            # Loky gives up tasks that still wait, and then fails on their numbers in this queue.
            with suppress(queue.Empty):
                while True:
                    executor._work_ids.get(block=False)  # noqa: SLF001 (no other way in)
            executor.shutdown(wait=True, kill_workers=True)


def _tracker() -> Any:
    """Return the process that removes what this one has registered with it, if this one dies."""
    return required("joblib.externals.loky.backend.resource_tracker", extra="lab")


def _start_tracker() -> None:
    # What it removes after an interrupt or a kill it calls a leak, in lines that help nobody.
    former = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{former},{quiet}" if former else quiet
    try:
        _tracker().ensure_running()
    finally:
        if former is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = former


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Make a folder that is removed afterwards, also if this process is killed."""
    with tempfile.TemporaryDirectory(prefix="mnist1d-", ignore_cleanup_errors=True) as folder:
        _tracker().register(folder, "folder")
        try:
            yield Path(folder)
        finally:
            _tracker().unregister(folder, "folder")


def train_run(
    sent: bytes,
    run: Run,
    sets: Sets,
    schedule: Schedule,
    about: tuple[int, Mapping[str, Any], SharedCurves, int],
) -> Outcome:
    """Train one run of a candidate in this process.

    Args:
        sent: the candidate, as `packed` returns it.
        run: the run.
        sets: its samples.
        schedule: its number of steps and batch size.
        about: number of threads; global settings; the file with the steps and evaluations of every
            run; and the index of this run.

    Raises: CandidateError: for all errors of the candidate.
    """
    threads, settings, shared, number = about
    _set(settings)
    steps, n_known, curves = shared.opened("r+")

    def report(done: int, _: int) -> None:
        steps[number] = done

    def on_evaluation(_: int, accuracy: float, loss: float) -> None:
        curves[number, int(n_known[number])] = accuracy, loss
        n_known[number] += 1

    more: dict[str, Any] = {"on_evaluation": on_evaluation} if shared.n_evaluations else {}
    try:
        candidate = _candidate(sent)
        with limited_threads(threads):
            ((_, outcome),) = candidate.train([run], {run.data: sets}, schedule, report, **more)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (a user's code may raise anything)
        raise CandidateError(describe(error)) from None
    return outcome


@lru_cache(maxsize=2)
def _candidate(sent: bytes) -> Candidate:
    made: Candidate = pickle.loads(sent)  # noqa: S301 (our own)
    return made


def _begin_work(parent: int) -> None:
    # An interrupt from the keyboard reaches all processes; the first one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when its parent has been killed; it would wait for more work for ever.

    On Windows the number of the parent does not tell.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def _settings() -> dict[str, Any]:
    """Return the settings of this process that numbers may depend on."""
    found: dict[str, Any] = {"jax": jax_settings()}
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        found["torch"] = (
            torch.get_default_dtype(),
            torch.get_float32_matmul_precision(),
            torch.are_deterministic_algorithms_enabled(),
        )
    if "sklearn" in sys.modules:
        found["sklearn"] = sys.modules["sklearn"].get_config()
    return found


def _set(settings: Mapping[str, Any]) -> None:
    for name, value in settings["jax"].items():
        jax.config.update(name, value)
    if "torch" in settings:
        torch = required("torch", extra="torch")
        dtype, precision, deterministic = settings["torch"]
        torch.set_default_dtype(dtype)
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(deterministic)
    if "sklearn" in settings:
        required("sklearn", extra="lab").set_config(**settings["sklearn"])
