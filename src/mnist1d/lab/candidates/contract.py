"""The interface of a candidate: it trains on given samples and predicts.

A comparison treats all frameworks alike (Equinox, PyTorch, scikit-learn, the user's functions): a
candidate gets runs that differ in settings, seed and data, and returns the predictions of each run.
All measures are computed from the predictions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from mnist1d.training import shuffled_order


@dataclass(frozen=True)
class Schedule:
    """How long every run trains.

    Attributes:
        n_steps: number of updates.
        batch_size: samples per batch; of an epoch so many whole ones are made as there are.
        evaluate_every: steps between evaluations on the validation part; divides `n_steps`.
    """

    n_steps: int = 6000
    batch_size: int = 100
    evaluate_every: int = 100

    @property
    def n_evaluations(self) -> int:
        """Number of evaluations: after `evaluate_every` steps, twice as many, ..., `n_steps`."""
        return self.n_steps // self.evaluate_every


class Sets(NamedTuple):
    """The samples of a run.

    Attributes:
        x: training signals, shape (n, length), float32.
        y: their classes, shape (n,), int64.
        evaluated: signals to predict after training, by name, shape (samples, length), float32.
            "validation" and "train" are among them.
        y_validation: the classes of `evaluated["validation"]`, int64.
        n_classes: number of classes; labels are from 0 to n_classes - 1.
    """

    x: np.ndarray
    y: np.ndarray
    evaluated: Mapping[str, np.ndarray]
    y_validation: np.ndarray
    n_classes: int = 10


class Run(NamedTuple):
    """One run of a candidate.

    Attributes:
        settings: values from the candidate's search space, by name, such as "learning_rate".
        seed: determines initial weights and the order of batches.
        data: name of the sets.
    """

    settings: Mapping[str, Any]
    seed: int
    data: str


class Outcome(NamedTuple):
    """Result of a run.

    Attributes:
        validation_accuracy: at the evaluations, shape (evaluations,), in [0, 1]; a candidate that
            has no steps gives one value, after training.
        predictions: the classes predicted after training, shape (n,), integers, for every name in
            `Sets.evaluated`.
        train_loss: at the evaluations, mean over the steps since the last one, shape
            (evaluations,); NaN where there is none. Not finite if the run diverged.
        seconds: time of the run without compilation; its share, if many runs were one program.
        compile_seconds: time of compilation, likewise.
        cpu_seconds: processor time of the run, all cores together, without compilation and other
            programs' work; NaN if unknown.
        step: number of steps after which the model that predicts was; None for the last. With
            early stopping, `validation_accuracy` is that of the best model so far, and
            `train_loss` is NaN after the end.
    """

    validation_accuracy: np.ndarray
    predictions: Mapping[str, np.ndarray]
    train_loss: np.ndarray
    seconds: float
    compile_seconds: float = 0.0
    cpu_seconds: float = np.nan
    step: int | None = None


OnEvaluation = Callable[[int, float, float], None]
"""Called with the number of a run, its validation accuracy, and its mean loss since the last time.

It is called once per evaluation, in their order; not after a run has ended early.
"""


class CandidateError(Exception):
    """A candidate does not behave as a comparison needs; says what was expected and what came."""


class Candidate(Protocol):
    """One row of a comparison.

    If its runs may train at the same time, each in its own process, it has a true attribute
    `side_by_side`. If settings change the number of parameters, it may also have a method
    `count(settings, sets)`, which returns the number with these settings, or None. If the search
    space has no learning rate, an attribute `untuned_rate` may be the learning rate in use, as a
    text. If what predicts is not the model after the last step, an attribute `evaluated` says what
    it is. An argument `on_evaluation` of `train` gets None, or a function to be called after every
    evaluation, in their order, with the number of the run, its validation accuracy, and its mean
    loss since the last one; not after a run has ended early.

    Attributes:
        search: the values to try, by setting; every combination is one try. None for the
            comparison's learning rates. Empty if nothing is to be tuned.
        framework: as it is printed: "Equinox", "PyTorch", "scikit-learn", "function".
    """

    @property
    def search(self) -> Mapping[str, Sequence[Any]] | None: ...  # noqa: D102

    @property
    def framework(self) -> str: ...  # noqa: D102

    def source(self) -> str:
        """Return the source code and values that determine the candidate, as far as available.

        The text is stored; runs that are stored with another text belong to another candidate. If
        a line begins with "without a fingerprint: ", which names a value without its content,
        no run of the candidate is stored.
        """

    def check(self, sets: Sets, schedule: Schedule) -> int | None:
        """Try the candidate on a few samples before anything runs.

        Returns: the number of trained parameters, or None if it has no such number.
        Raises: CandidateError: if it returns another shape than (classes,) per example, values that
            are not finite, needs another layout of the input, is not reproducible with the same
            seed, or raises.
        """

    def train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Callable[[int, int], None],
    ) -> Iterator[tuple[int, Outcome]]:
        """Train, and yield the number of each run with its outcome as soon as it is finished.

        Args:
            runs: the runs.
            sets: the samples of every name in `runs`; all have the shapes of `check`'s or fewer
                training samples.
            schedule: how long every run trains.
            report: called with the steps done and the steps in all, of all runs together.

        Raises: CandidateError: if the candidate raises, or predicts what is no class.
        """


class RunSteps:
    """Reports the steps of runs that are trained one after the other, as one total.

    Args:
        n_runs: number of runs.
        schedule: of every run.
        report: called with the steps done and the steps in all; with 0 at once.

    >>> steps = RunSteps(3, Schedule(n_steps=100), lambda done, total: print(done, "of", total))
    0 of 300
    >>> steps.after(1)(50)
    150 of 300
    """

    def __init__(self, n_runs: int, schedule: Schedule, report: Callable[[int, int], None]) -> None:
        self._n_steps, self._report = schedule.n_steps, report
        self._total = n_runs * schedule.n_steps
        report(0, self._total)

    def after(self, n_finished: int, n_together: int = 1) -> Callable[[int], None]:
        """Return a function of the steps of the next run, or of several that train together."""
        before = n_finished * self._n_steps
        return lambda steps: self._report(before + steps * n_together, self._total)


def batch_order(n: int, schedule: Schedule, seed: int) -> np.ndarray:
    """Draw the rows of every step, the same for all candidates of a seed.

    Args:
        n: number of training samples.
        schedule: its number of steps and batch size.
        seed: of the run.

    Returns: shape (n_steps, batch_size), reshuffled every epoch, whose remainder is dropped.

    >>> batch_order(1000, Schedule(n_steps=20), seed=0).shape
    (20, 100)
    """
    key = jax.random.fold_in(jax.random.key(seed), 0)
    return np.asarray(shuffled_order(n, schedule.batch_size, schedule.n_steps, key=key))
