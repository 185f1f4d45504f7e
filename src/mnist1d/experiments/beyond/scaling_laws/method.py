"""Method of the scaling laws: tune, train on endless and fixed samples, and ask the generator."""

from itertools import product
from typing import Any

import equinox as eqx
import jax
import numpy as np
import xarray as xr

from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.beyond.scaling_laws.config import MODELS, Config
from mnist1d.experiments.beyond.scaling_laws.training import (
    TUNING_TRIAL,
    BestClassifier,
    Trainer,
)
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data
from mnist1d.models import MLP, count_parameters

CNN_WORK = 8.0
"""Time of a step of the CNN by that of an MLP with as many parameters, about."""


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train networks of all sizes on endless samples, and two on fixed numbers of samples.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: trains networks, or reads stored results.

    Returns: variables over `width` (of MLPs), `seen` (samples that were seen, each once), `model`,
        `n_samples` (of a fixed training set), `network` (model and size), `rate` and `seed`; NaN
        where a training diverged:

        - `n_parameters` (width);
        - `test_loss` in nats and `test_accuracy`, a fraction (width, seen, seed), on endless data;
        - `fixed_loss` and `fixed_accuracy` (model, n_samples, seed), at the step that has the
          lowest validation loss;
        - `tuning_loss` (network, rate), mean of the logarithms of the validation losses of a
          further trial on endless data, and `chosen_rate` (network);
        - `bayes_loss`, `bayes_error` and `bayes_entropy` (seed), of the generator's posterior on
          the test samples.
    """
    compute = compute or Compute()
    seeds = list(range(config.seeds))
    tuned = _tune(config, compute, progress)
    rates = dict(zip(config.networks, tuned.chosen_rate.to_numpy().tolist(), strict=True))
    sizes = {"MLP": config.fixed_width, "CNN": config.fixed_channels}
    endless = [
        _network(config, ("MLP", width), rates["MLP", width], {"width": width, "seed": seed})
        for width, seed in product(config.widths, seeds)
    ]
    fixed = [
        _network(
            config,
            (model, sizes[model]),
            rates[model, sizes[model]],
            {"model": model, "n_samples": n, "seed": seed},
        )
        for model, n, seed in product(MODELS, config.n_samples, seeds)
    ]
    tasks = [*endless, *fixed]
    found = counted(
        compute(tasks, Trainer, config),
        tasks,
        progress,
        lambda _: "Training (networks)",
        lambda task: task.cost,
    )
    trained = assemble(
        ((task, _variables(task, arrays)) for task, arrays in found),
        coords={
            "width": list(config.widths),
            "seen": list(config.seen),
            "model": list(MODELS),
            "n_samples": list(config.n_samples),
            "seed": seeds,
        },
        dims={
            "test_loss": ("width", "seen", "seed"),
            "test_accuracy": ("width", "seen", "seed"),
            "fixed_loss": ("model", "n_samples", "seed"),
            "fixed_accuracy": ("model", "n_samples", "seed"),
        },
    )
    n_parameters = ("width", [parameters_of(width) for width in config.widths])
    whole = trained.merge(tuned).merge(_best(config, compute, progress))
    return whole.assign(n_parameters=n_parameters)


def parameters_of(width: int) -> int:
    """Return the number of parameters of an MLP.

    >>> parameters_of(100)
    15210
    """
    shapes = eqx.filter_eval_shape(MLP, hidden_size=width, key=jax.random.key(0))
    return count_parameters(shapes)


def _tune(config: Config, compute: Compute, progress: Progress) -> xr.Dataset:
    """Try all learning rates of every network in a trial of its own, and choose the best."""
    tasks = [
        _network(config, network, rate, {"network": _name(network), "rate": rate})
        for network, rate in product(config.networks, config.rates)
    ]
    found = counted(
        compute(tasks, Trainer, config),
        tasks,
        progress,
        lambda _: "Tuning (networks)",
        lambda task: task.cost,
    )
    tried = assemble(
        (
            # All numbers of samples count: a mean of losses would be one of the first.
            (task, {"tuning_loss": np.log(arrays["validation_loss"]).mean()})
            for task, arrays in found
        ),
        coords={"network": list(map(_name, config.networks)), "rate": list(config.rates)},
        dims={"tuning_loss": ("network", "rate")},
    )
    # A rate at which the network diverged is worse than any other.
    best = tried.tuning_loss.fillna(np.inf).argmin("rate")
    return tried.assign(chosen_rate=tried.rate[best].drop_vars("rate"))


def _name(network: tuple[str, int]) -> str:
    return f"{network[0]} {network[1]}"


def _variables(task: Task, arrays: Arrays) -> Arrays:
    """Return the variables of the result that a network's evaluations belong to."""
    if "width" in task.labels:
        return {name: arrays[name] for name in ("test_loss", "test_accuracy")}
    losses = arrays["validation_loss"]
    if not np.isfinite(losses).any():
        return {}
    best = int(np.nanargmin(losses))
    return {
        "fixed_loss": arrays["test_loss"][best],
        "fixed_accuracy": arrays["test_accuracy"][best],
    }


def _best(config: Config, compute: Compute, progress: Progress) -> xr.Dataset:
    tasks = [
        Task(
            labels={"seed": seed},
            key=with_data(
                {"part": "posterior", "trial": seed, "n_test": config.n_test}, config.data
            ),
            group="posterior",
        )
        for seed in range(config.seeds)
    ]
    found = compute(tasks, BestClassifier, config, devices="none")
    names = ("bayes_loss", "bayes_error", "bayes_entropy")
    return assemble(
        counted(found, tasks, progress, lambda _: "Posteriors (trials)"),
        coords={"seed": list(range(config.seeds))},
        dims=dict.fromkeys(names, ("seed",)),
    )


def _network(config: Config, network: tuple[str, int], rate: float, labels: dict[str, Any]) -> Task:
    """Return the task of a network; a device trains all of a network and a number of steps."""
    model, size = network
    # The CNN is tuned as it is trained, for fewer steps than MLPs are on endless data.
    is_endless = model == "MLP" and "n_samples" not in labels
    n_steps = config.n_steps if is_endless else config.fixed_steps
    key = {
        "model": model,
        "size": size,
        "trial": labels.get("seed", TUNING_TRIAL),
        "rate": rate,
        "n_steps": n_steps,
        "n_samples": labels.get("n_samples", n_steps * config.batch_size),
        "batch_size": config.batch_size,
        "evaluate_every": config.evaluate_every if is_endless else config.evaluate_fixed,
        "n_test": config.n_test,
        "n_validation": config.n_validation,
    }
    work = parameters_of(size) if model == "MLP" else CNN_WORK * (6 * size**2 + 60 * size)
    return Task(
        labels=labels,
        key=with_data(key, config.data),
        cost=n_steps * (5000 + work),
        group=(model, size, n_steps),
    )
