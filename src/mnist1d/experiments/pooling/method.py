"""Method of the pooling experiment: train every variant on sets of every size, in trials."""

from itertools import product

import numpy as np
import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.pooling.config import VARIANTS, Config
from mnist1d.experiments.pooling.training import COSTS, Trainer, published_training
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data

RUN = ("variant", "n_samples", "seed")
CURVE = (*RUN, "step")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train every variant on every set.

    Args:
        config: the settings.
        progress: called with the progress, in networks.
        compute: trains the networks, and finds those that were trained before.

    Returns: variables over the dimensions `variant`, `n_samples` (of the training set), `seed` and
        `step` (of evaluations); of a run that diverged NaN:

        - `test_accuracy` (fraction), `test_loss` (nats), both (variant, n_samples, seed, step);
        - `train_accuracy` (variant, n_samples, seed): after the last step, on up to 50,000 samples;
        - `diverged`, `run_seconds`, `compile_seconds` (variant, n_samples, seed);
        - `n_parameters` (variant);
        - `streamed` (n_samples): whether the set is from the native stream.
    """
    tasks = [
        _network(config, variant, size, trial)
        for trial, variant, size in product(range(config.seeds), VARIANTS, config.all_sizes)
    ]
    trained = (compute or Compute())(tasks, Trainer, config)
    result = assemble(
        counted(trained, tasks, progress, lambda task: f"{task.labels['variant']} (networks)"),
        coords={
            "variant": list(VARIANTS),
            "n_samples": list(config.all_sizes),
            "seed": np.arange(config.seeds),
            "step": published_training(config).evaluation_steps,
        },
        dims={
            "test_accuracy": CURVE,
            "test_loss": CURVE,
            "train_accuracy": RUN,
            "run_seconds": RUN,
            "compile_seconds": RUN,
            "diverged": RUN,
            "n_parameters": ("variant",),
        },
        fill={"diverged": False, "n_parameters": 0},
    )
    for name in ("test_accuracy", "test_loss", "train_accuracy"):
        result[name] = result[name].where(~result.diverged)
    return result.assign(streamed=("n_samples", np.isin(config.all_sizes, config.stream_sizes)))


def _network(config: Config, variant: str, size: int, trial: int) -> Task:
    """Return the task of a network; networks of a variant and a trial share a program."""
    key = {
        "variant": variant,
        "size": size,
        "trial": trial,
        "n_steps": config.n_steps,
        "batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "evaluate_every": config.evaluate_every,
    }
    return Task(
        labels={"variant": variant, "n_samples": size, "seed": trial},
        key=with_data(key, config.data),
        cost=COSTS[variant],
        group=(variant, trial),
        stage=trial,  # as the sets of a trial are held in memory
    )
