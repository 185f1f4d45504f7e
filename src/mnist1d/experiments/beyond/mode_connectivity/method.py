"""Method of mode connectivity: train children and independent networks, and look between them."""

from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.beyond.mode_connectivity.config import (
    AVERAGES,
    INDEPENDENT,
    LATE,
    MATCHINGS,
    MEASURES,
    MODELS,
    ORIGINS,
    UNMATCHED,
    Config,
)
from mnist1d.experiments.beyond.mode_connectivity.training import Trainer
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data
from mnist1d.measures.lines import places_on_line


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train children of every split and independent networks, and measure what is between them.

    Args:
        config: the settings.
        progress: called with the progress, in networks.
        compute: trains the networks, or reads stored results.

    Returns: for every measure, losses of training and test samples in nats (`train_loss`,
        `test_loss`) and errors as fractions (`train_error`, `test_error`), NaN where a training
        diverged:

        - `children_MEASURE` (model, split, place, seed): on the line between two children;
        - `independent_MEASURE` (width, matching, place, seed): on the line between two independent
          MLPs, units of the second in the order of the matching;
        - `average_MEASURE` (model, origin, averaged, seed): of single networks, of averages of
          weights, and of the ensemble.
    """
    compute = compute or Compute()
    tasks = tasks_of(config)
    found = counted(
        compute(tasks, Trainer, config),
        tasks,
        progress,
        lambda _: "networks",
        lambda task: task.key["n_networks"],
    )
    dims: dict[str, tuple[str, ...]] = {}
    for measure in MEASURES:
        dims[f"children_{measure}"] = ("model", "split", "place", "seed")
        dims[f"independent_{measure}"] = ("width", "matching", "place", "seed")
        dims[f"average_{measure}"] = ("model", "origin", "averaged", "seed")
    return assemble(
        ((task, _variables(task, arrays)) for task, arrays in found),
        coords={
            "model": list(MODELS),
            "split": list(config.splits),
            "width": list(config.widths),
            "matching": list(MATCHINGS),
            "place": places_on_line(config.n_places),
            "origin": list(ORIGINS),
            "averaged": list(AVERAGES),
            "seed": np.arange(config.seeds),
        },
        dims=dims,
    )


def tasks_of(config: Config) -> list[Task]:
    """Return all tasks: the children of a network at a split, or independent networks of a size."""
    tasks = []
    for (model, size), split, seed in product(
        config.sizes.items(), config.splits, range(config.seeds)
    ):
        is_averaged = split == config.soup_split
        key = {"split": split, "matchings": [UNMATCHED], "is_averaged": is_averaged}
        labels = {"model": model, "split": split, "origin": LATE, "seed": seed}
        tasks.append(_task(config, (model, size), key, labels))
    for width, seed in product(config.widths, range(config.seeds)):
        is_averaged = width == config.hidden_size
        key = {"split": None, "matchings": list(MATCHINGS), "is_averaged": is_averaged}
        labels = {"model": "MLP", "width": width, "origin": INDEPENDENT, "seed": seed}
        tasks.append(_task(config, ("MLP", width), key, labels))
    for seed in range(config.seeds):
        key = {"split": None, "matchings": [], "is_averaged": True}
        labels = {"model": "CNN", "origin": INDEPENDENT, "seed": seed}
        tasks.append(_task(config, ("CNN", config.channels), key, labels))
    return tasks


def _task(
    config: Config, network: tuple[str, int], own: dict[str, Any], labels: dict[str, Any]
) -> Task:
    model, size = network
    names = ("n_samples", "batch_size", "learning_rate", "n_steps", "average_from")
    n_networks = config.n_averaged if own["is_averaged"] else 2
    key = {
        "model": model,
        "size": size,
        "trial": labels["seed"],
        **own,
        "n_networks": n_networks,
        **{name: getattr(config, name) for name in (*names, "average_every", "n_places", "n_test")},
    }
    # A step is mostly overhead in the smallest, and products in the widest.
    work = size**2 + 10_000 if model == "MLP" else 40 * size**2 + 20_000
    n_lines = max(1, len(own["matchings"]))
    return Task(
        labels=labels,
        key=with_data(key, config.data),
        cost=work * (n_networks + n_lines) / 1e4,
        group=(model, size, own["split"]),
    )


def _variables(task: Task, arrays: Arrays) -> dict[str, Any]:
    """Name the arrays of a task by what it is part of."""
    found = {}
    for name, values in arrays.items():
        what, _, measure = name.partition(" ")
        if what == "average":
            found[f"average_{measure}"] = values
        elif task.key["split"] is None:
            found[f"independent_{measure}"] = values
        else:
            (found[f"children_{measure}"],) = values
    return found
