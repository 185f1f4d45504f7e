"""Evaluations of a comparison's runs, passed on to a function of the user's."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from mnist1d.lab.candidates.contract import Outcome, Schedule
from mnist1d.lab.comparison.data import Variant
from mnist1d.lab.statistics.unfinished import FULL, SHUFFLED, of_size


class Evaluation(NamedTuple):
    """What a run of a comparison reached at an evaluation.

    Attributes:
        candidate: its name.
        stage: "tuning"; of the final runs "final", "shuffled", or the number of training samples,
            as "500 samples".
        settings: the values of its search space.
        seed: of the run.
        validation_accuracy: in [0, 1].
        train_loss: mean over the steps since the last evaluation; NaN if there is none.
    """

    candidate: str
    stage: str
    settings: Mapping[str, Any]
    seed: int
    validation_accuracy: float
    train_loss: float


OnEvaluation = Callable[[int, Evaluation], None]
"""Called with the number of steps that a run has taken, and what it reached."""


class SharedCurves(NamedTuple):
    """Steps and evaluations of runs that train, in a file that all processes of a machine share.

    Attributes:
        path: of the file.
        n_runs: number of runs.
        n_evaluations: of a run; 0 if nobody listens to them.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shared = SharedCurves(Path(folder) / "steps", n_runs=2, n_evaluations=3)
    ...     steps, n_known, curves = shared.opened("w+")
    ...     steps.shape, n_known.shape, curves.shape
    ((2,), (2,), (2, 3, 2))
    """

    path: Path
    n_runs: int
    n_evaluations: int

    def opened(self, mode: Literal["w+", "r+"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the numbers of finished steps and of evaluations, and accuracies and losses.

        Args:
            mode: "w+" makes the file, of zeros; "r+" opens it.
        """
        shape = (self.n_runs, 2 + 2 * self.n_evaluations)
        table = np.memmap(self.path, np.float64, mode, shape=shape)
        curves = table[:, 2:].reshape(self.n_runs, self.n_evaluations, 2)
        return table[:, 0], table[:, 1], curves


PlannedRun = tuple[int, int, str]
"""Number of the settings, seed and name of the samples."""


class ListenerError(BaseException):
    """The user's function raised; no `Exception`, as the candidate is not to blame for it."""

    def __init__(self, raised: Exception) -> None:
        super().__init__()
        self.raised = raised


class Listener:
    """Passes every evaluation of a candidate's runs on, once.

    Args:
        function: the user's.
        candidate: its name.
        tries: its settings.
        schedule: of the runs.
    """

    def __init__(
        self,
        function: OnEvaluation,
        candidate: str,
        tries: Sequence[Mapping[str, Any]],
        schedule: Schedule,
    ) -> None:
        self._function, self._candidate = function, candidate
        self._tries, self._schedule = tries, schedule
        self._n_passed = Counter[PlannedRun]()

    def __call__(self, run: PlannedRun, accuracy: float, loss: float) -> None:
        """Pass on the next evaluation of a run that goes on.

        Raises: ListenerError: if the user's function raises.
        """
        number, seed, data = run
        self._n_passed[run] += 1
        try:
            self._function(
                self._n_passed[run] * self._schedule.evaluate_every,
                Evaluation(
                    candidate=self._candidate,
                    stage=_stage(Variant.named(data)),
                    settings=self._tries[number],
                    seed=seed,
                    validation_accuracy=float(accuracy),
                    train_loss=float(loss),
                ),
            )
        except Exception as error:
            raise ListenerError(error) from error

    def finish(self, run: PlannedRun, outcome: Outcome) -> None:
        """Report the evaluations of a run that was stored, or trained elsewhere."""
        n = self._schedule.n_evaluations
        accuracies, losses = (
            # A single value is that after training.
            np.concatenate([np.full(n - len(values), np.nan), values])
            for values in map(np.atleast_1d, (outcome.validation_accuracy, outcome.train_loss))
        )
        first = n - len(np.atleast_1d(outcome.validation_accuracy))
        self._n_passed[run] = max(first, self._n_passed[run])
        if outcome.step is not None:  # of early stopping, after which there is nothing to report
            n = len(np.trim_zeros(np.isfinite(losses), "b"))
        for i in range(self._n_passed[run], n):
            self(run, accuracies[i], losses[i])


def _stage(variant: Variant) -> str:
    if not variant.final:
        return "tuning"
    if variant.shuffled:
        return SHUFFLED
    return FULL if variant.size is None else of_size(variant.size)
