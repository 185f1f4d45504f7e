"""Comparisons that were stopped before all runs were finished, and what they lack.

Their result has the attribute `stopped_after`, the budget in seconds, and the variable
`finished_run` (candidate, seed, stage): of every final run whether its numbers are there. A stage
is what it trained on: "final", "shuffled", or "500 samples". Numbers of other runs are NaN, as
those of runs that diverged are.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

STOPPED = "stopped_after"
FINISHED = "finished_run"
STAGE = "stage"
FULL, SHUFFLED = "final", "shuffled"


def of_size(size: int) -> str:
    """Name the stage of runs on a part of the training samples.

    >>> of_size(500)
    '500 samples'
    """
    return f"{size} samples"


def was_stopped(result: "xr.Dataset") -> bool:
    """Return whether a comparison was stopped."""
    return STOPPED in result.attrs


def finished_seeds(each: "xr.Dataset", *stages: str) -> np.ndarray:
    """Return for every seed of a candidate whether its runs of some stages are finished.

    >>> import xarray as xr
    >>> one = xr.Dataset(
    ...     {"finished_run": (("seed", "stage"), [[True, True], [True, False]])},
    ...     {"seed": [0, 1], "stage": ["final", "shuffled"]},
    ... )
    >>> finished_seeds(one, "final"), finished_seeds(one, "final", "shuffled")
    (array([ True,  True]), array([ True, False]))
    """
    if FINISHED not in each:
        return np.ones(each.sizes["seed"], bool)
    found = each[FINISHED].sel({STAGE: list(stages)}).transpose("seed", STAGE)
    return np.all(found.to_numpy(), axis=1)


def finished_runs(each: "xr.Dataset") -> dict[str, int]:
    """Return how many final runs of every stage are finished of a candidate of a stopped result."""
    return {str(stage): int(finished_seeds(each, stage).sum()) for stage in each[STAGE].values}


def tuning_runs(each: "xr.Dataset") -> tuple[int, int]:
    """Return how many runs of a candidate's tuning are finished, and how many there are in all."""
    if each.n_tries < 2:  # nothing is tuned
        return 0, 0
    known = int(np.isfinite(each.tuning_accuracy.to_numpy()).sum())
    return known, int(each.n_tries) * each.sizes["tuning_seed"]
