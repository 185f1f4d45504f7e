"""Method of the loss of plasticity: choose strengths, and train on sequences of tasks."""

from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.beyond.plasticity.config import KINDS, LABELS, TRAININGS, TUNED, Config
from mnist1d.experiments.beyond.plasticity.training import TUNING_TRIAL, Trainer
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data

CURVES = ("accuracy", "last_accuracy", "dead_units", "weight_size", "effective_rank")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train networks on sequences of tasks, by every method and with every remedy.

    Args:
        config: the settings.
        progress: called with the progress, in networks.
        compute: trains the networks, or reads stored results.

    Returns: variables over `kind` (of tasks), `training`, `task` (1, 2, ...) and `seed`, NaN where
        a training was not tried on a kind, or diverged:

        - `accuracy`: of the batches of a task, each before its update, a fraction;
        - `last_accuracy`: of all samples of a task after its last update;
        - `dead_units`: share of the hidden units that are 0 for all samples of the task then;
        - `weight_size`: mean absolute value of all weights, without biases;
        - `effective_rank`: of the outputs of the second hidden layer;
        - `strength` and `tuning_accuracy` (tuned, choice): the strengths that were tried, and the
          mean accuracy over all tasks of a further trial; `chosen_strength` (tuned).
    """
    compute = compute or Compute()
    tuned = _tune(config, compute, progress)
    chosen = dict(zip(TUNED, tuned.chosen_strength.to_numpy().tolist(), strict=True))
    seeds = list(range(config.seeds))
    tasks = [
        _network(
            config,
            (kind, training, chosen.get(training)),
            {"kind": kind, "training": training, "seed": seed},
            trial=seed,
        )
        for kind, trainings in KINDS.items()
        for training in trainings
        for seed in seeds
    ]
    found = counted(compute(tasks, Trainer, config), tasks, progress, lambda _: "networks")
    trained = assemble(
        found,
        coords={
            "kind": list(KINDS),
            "training": list(TRAININGS),
            "task": np.arange(1, config.n_tasks + 1),
            "seed": seeds,
        },
        dims=dict.fromkeys(CURVES, ("kind", "training", "task", "seed")),
    )
    return trained.merge(tuned)


def _tune(config: Config, compute: Compute, progress: Progress) -> xr.Dataset:
    """Try all strengths of every remedy in a trial of its own, on random labels."""
    strengths = config.strengths
    tasks = [
        _network(
            config,
            (LABELS, training, strength),
            {"tuned": training, "choice": choice},
            trial=TUNING_TRIAL,
        )
        for training in TUNED
        for choice, strength in enumerate(strengths[training])
    ]
    found = counted(compute(tasks, Trainer, config), tasks, progress, lambda _: "tuning")
    n_choices = max(map(len, strengths.values()))
    tried = assemble(
        ((task, {"tuning_accuracy": arrays["accuracy"].mean()}) for task, arrays in found),
        coords={"tuned": list(TUNED), "choice": list(range(n_choices))},
        dims={"tuning_accuracy": ("tuned", "choice")},
    )
    padded = [[*each, *[np.nan] * (n_choices - len(each))] for each in strengths.values()]
    tried = tried.assign(strength=(("tuned", "choice"), padded))
    # A strength at which the training diverged is worse than any other.
    best = tried.tuning_accuracy.fillna(-np.inf).argmax("choice")
    return tried.assign(chosen_strength=tried.strength.isel(choice=best).drop_vars("choice"))


def _network(
    config: Config,
    what: tuple[str, str, float | None],
    labels: dict[str, Any],
    *,
    trial: int,
) -> Task:
    """Return the task of a network; a device trains all of a training and a kind of tasks."""
    kind, training, strength = what
    settings = ("n_tasks", "n_steps", "batch_size", "n_samples", "hidden_size", "maturity")
    key = {
        "kind": kind,
        "trial": trial,
        "factors": config.factors(training, strength),
        **{name: getattr(config, name) for name in settings},
    }
    return Task(labels=labels, key=with_data(key, config.data), group=(kind, training))
