"""The interface of a candidate: it trains on given samples and predicts.

A comparison sees the same of all frameworks (Equinox, PyTorch, scikit-learn, a function of one's
own): runs that differ in settings, seed and data, and the predictions of each run. All that is
measured follows from the predictions.
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
        evaluated: signals to predict after training, by name: shape (n of its own, length),
            float32. "validation" and "train" are among them.
        y_validation: the classes of `evaluated["validation"]`, int64.
        n_classes: number of classes, which are 0 to one below it.
    """

    x: np.ndarray
    y: np.ndarray
    evaluated: Mapping[str, np.ndarray]
    y_validation: np.ndarray
    n_classes: int = 10


class Run(NamedTuple):
    """One run of a candidate.

    Attributes:
        settings: values of the candidate's search space, by name, as "learning_rate".
        seed: gives initial weights and the order of batches.
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
        seconds: that passed while it ran, compilation apart; its share, where many were one
            program.
        compile_seconds: likewise.
        cpu_seconds: that the processor worked on it, all cores together, compilation apart; what
            other programs do at the same time does not count. NaN if unknown.
    """

    validation_accuracy: np.ndarray
    predictions: Mapping[str, np.ndarray]
    train_loss: np.ndarray
    seconds: float
    compile_seconds: float = 0.0
    cpu_seconds: float = np.nan


class CandidateError(Exception):
    """A candidate does not do what a comparison needs; the text says what was expected and got."""


class Candidate(Protocol):
    """One row of a comparison.

    Where its runs may train next to each other, each in a process of its own, it has an attribute
    `side_by_side` that is true. Where settings change the number of parameters, it may also have a
    method `count(settings, sets)`, which returns the number that it has with them, or None. Where a
    search space without a learning rate leaves it as it is, an attribute `untuned_rate` may say in
    a text what it is.

    Attributes:
        search: the values that may be tried, by setting; every combination is one try. None stands
            for the comparison's own (its learning rates). Empty if nothing is to be tuned.
        framework: what it is made with, as it is printed: "Equinox", "PyTorch", "scikit-learn",
            "function".
    """

    @property
    def search(self) -> Mapping[str, Sequence[Any]] | None: ...  # noqa: D102

    @property
    def framework(self) -> str: ...  # noqa: D102

    def source(self) -> str:
        """Return the text that determines what the candidate does, as far as it is available.

        It is stored; runs that are stored with another text belong to another candidate.
        """

    def check(self, sets: Sets, schedule: Schedule) -> int | None:
        """Try the candidate on a few samples before anything runs.

        Returns: the number of trained parameters, None if there is no such number.
        Raises: CandidateError: if it returns another shape than (classes,) per example, values that
            are not finite, needs another layout of the input, is not the same twice with the same
            seed, or raises; the text says what was expected and what came.
        """

    def train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Callable[[int, int], None],
    ) -> Iterator[tuple[int, Outcome]]:
        """Do runs, and yield the number of each with its outcome as soon as it is finished.

        Args:
            runs: what is to be done.
            sets: the samples of every name in `runs`; all have the shapes of `check`'s or fewer
                training samples.
            schedule: how long every run trains.
            report: called with the steps done and the steps in all, of all runs together.

        Raises: CandidateError: if the candidate raises in the middle or predicts what is no class.
        """


def batch_order(n: int, schedule: Schedule, seed: int) -> np.ndarray:
    """Draw the rows of every step: the same for all candidates of a seed.

    Args:
        n: number of training samples.
        schedule: its number of steps and batch size.
        seed: of the run.

    Returns: shape (n_steps, batch_size), reshuffled every epoch; what is left over of an epoch for
        a smaller batch is left out.

    >>> batch_order(1000, Schedule(n_steps=20), seed=0).shape
    (20, 100)
    """
    key = jax.random.fold_in(jax.random.key(seed), 0)
    return np.asarray(shuffled_order(n, schedule.batch_size, schedule.n_steps, key=key))
