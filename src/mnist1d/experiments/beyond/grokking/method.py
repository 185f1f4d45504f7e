"""Method of grokking: train networks with all scales of the initial weights, and follow them."""

from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.beyond.grokking.config import PER_DECADE, Config
from mnist1d.experiments.beyond.grokking.measures import CURVES
from mnist1d.experiments.beyond.grokking.training import Trainer
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data
from mnist1d.training.schedules import even_in_log


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train networks with all scales of the initial weights in every condition.

    Args:
        config: the settings.
        progress: called with the progress, in networks.
        compute: trains the networks, or reads stored results.

    Returns: variables over `n_samples`, `decay`, `scale`, `step` (number of updates) and `seed`,
        NaN where a size and a decay were not tried together:

        - `train_accuracy`, `test_accuracy`: fractions;
        - `train_loss`: half the squared distance of outputs from labels as 0 and 1, of all
          training samples;
        - `norm`: of all weights and biases;
        - `similarity`: of the features that the last layer sees with those of the initial network,
          0 to 1 (linear CKA, on test samples).
    """
    compute = compute or Compute()
    tasks = [
        _networks(config, n_samples, decay, trial)
        for n_samples, decay in config.conditions
        for trial in range(config.seeds)
    ]
    found = counted(
        compute(tasks, Trainer, config),
        tasks,
        progress,
        lambda _: "networks",
        lambda _: float(len(config.scales)),
    )
    return assemble(
        found,
        coords={
            "n_samples": list(config.n_samples),
            "decay": config.decays,
            "scale": list(config.scales),
            "step": np.array(even_in_log(config.n_steps, PER_DECADE)),
            "seed": np.arange(config.seeds),
        },
        dims=dict.fromkeys(CURVES, ("n_samples", "decay", "scale", "step", "seed")),
    )


def _networks(config: Config, n_samples: int, decay: float, trial: int) -> Task:
    """Return the task of a trial's networks in a condition, with all scales."""
    settings = ("learning_rate", "hidden_size", "n_steps", "n_test")
    key: dict[str, Any] = {
        "n_samples": n_samples,
        "decay": decay,
        "trial": trial,
        "scales": list(config.scales),
        **{name: getattr(config, name) for name in settings},
        "n_generated": config.n_samples[-1],
        "per_decade": PER_DECADE,
    }
    return Task(
        labels={"n_samples": n_samples, "decay": decay, "seed": trial},
        key=with_data(key, config.data),
        group=(n_samples, decay),
    )
