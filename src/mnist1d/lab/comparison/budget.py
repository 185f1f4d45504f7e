"""The time that a comparison may take.

A run that trains when the time is spent is given up, as runs are short; those that are finished are
kept, and the same call continues with the others. A call that has computed nothing yet goes on
until it has, so that calls with a small budget come to an end, too.
"""

import math
import time
from collections.abc import Callable

from mnist1d.dataset import checks
from mnist1d.harness.interface import InputError


class BudgetSpent(BaseException):
    """The time of a comparison is spent; no `Exception`, as the candidate is not to blame."""


class TimeBudget:
    """Counts the time since it was made.

    Args:
        seconds: the time; None for no limit.
        clock: returns seconds.

    Attributes:
        n_computed: number of runs that were computed.

    Raises: InputError: if the time is no positive number.

    >>> budget = TimeBudget(0.001)
    >>> time.sleep(0.002)
    >>> before, budget.n_computed = budget.is_spent, 1
    >>> before, budget.is_spent
    (False, True)
    """

    def __init__(
        self, seconds: float | None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        try:
            self.seconds = None if seconds is None else checks.positive("budget_seconds", seconds)
        except (TypeError, ValueError) as error:
            raise InputError(str(error)) from None
        self._clock, self.n_computed = clock, 0
        self._end = math.inf if self.seconds is None else clock() + self.seconds

    @property
    def is_spent(self) -> bool:
        """Whether the time is over and something was computed in it."""
        return self.n_computed > 0 and self._clock() >= self._end

    def check(self, reported: int, finished: int, n_steps: int) -> None:
        """Stop a candidate's runs if the time is spent, unless one has trained to its end.

        Args:
            reported: steps that are done of all its runs.
            finished: steps of the runs whose outcome is there.
            n_steps: steps per run.

        Raises: BudgetSpent: if the time is spent.

        >>> TimeBudget(None).check(50, 0, 100)
        """
        # Whole runs are about to hand over their outcomes.
        is_ending = reported > finished and reported % n_steps == 0
        if self.is_spent and not is_ending:
            raise BudgetSpent
