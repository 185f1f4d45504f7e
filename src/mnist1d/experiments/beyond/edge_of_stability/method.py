"""Method of the edge of stability: train by every method and rate, and measure sharpness."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.beyond.edge_of_stability.config import (
    ADAM,
    BETA_1,
    MOMENTUM,
    SAM,
    Config,
    sgd,
)
from mnist1d.experiments.beyond.edge_of_stability.training import Trainer
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data

COSTS = {SAM: 1.5}
"""Time per network, where it is not 1."""

CURVES = ("sharpness", "sharpness_error", "edge", "train_loss", "rises")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train networks by every method and rate, and measure their sharpness on the way.

    Args:
        config: the settings.
        progress: called with the progress, in networks.
        compute: trains the networks, or reads stored results.

    Returns: variables over `optimizer`, `rate`, `step` (number of updates) and `seed`, NaN where a
        method was not tried at a rate:

        - `sharpness`: largest eigenvalue of the Hessian of the loss of all training samples; of
          Adam, of the preconditioned one; `sharpness_error`: how far it may be from the nearest
          true eigenvalue;
        - `edge`: the sharpness above which the method is unstable;
        - `train_loss`: of all training samples;
        - `rises`: share of the steps since the measurement before over which the loss rose; NaN of
          SGD;
        - `test_accuracy` (optimizer, rate, seed): fraction, after the last update.
    """
    compute = compute or Compute()
    tasks = [
        _network(config, method, rate, seed)
        for method, rates in config.methods.items()
        for rate in rates
        for seed in range(config.seeds)
    ]
    found = counted(compute(tasks, Trainer, config), tasks, progress, lambda _: "networks")
    dims: dict[str, tuple[str, ...]] = dict.fromkeys(CURVES, ("optimizer", "rate", "step", "seed"))
    return assemble(
        ((task, _variables(config, task, arrays)) for task, arrays in found),
        coords={
            "optimizer": list(config.methods),
            "rate": sorted({rate for rates in config.methods.values() for rate in rates}),
            "step": np.arange(1, config.n_steps // config.evaluate_every + 1)
            * config.evaluate_every,
            "seed": np.arange(config.seeds),
        },
        dims={**dims, "test_accuracy": ("optimizer", "rate", "seed")},
    )


def edge(
    method: str, rate: float, gradient_norm: np.ndarray, *, momentum: float, radius: float
) -> np.ndarray:
    """Return the sharpness above which a method is unstable on a quadratic loss.

    Args:
        method: one of `Config.methods`.
        rate: its learning rate.
        gradient_norm: length of the gradient, on which the edge of sharpness-aware minimisation
            depends; any shape.
        momentum: share of the last update that is added to the next.
        radius: of sharpness-aware minimisation.

    Returns: of Adam the preconditioned sharpness; shape of `gradient_norm`.
    Source: Cohen et al. (2021), arXiv:2103.00065, section 2 (gradient descent) and equation 1
        (momentum); Cohen et al. (2022), arXiv:2207.14484 (Adam); Long & Bartlett (2024),
        arXiv:2309.12488 (sharpness-aware minimisation).

    >>> def at(method, norm=1.0):
    ...     found = edge(method, 0.1, np.array(norm), momentum=0.9, radius=0.05)
    ...     return found.round(2).item()
    >>> at("gradient descent"), at("momentum"), at("Adam")
    (20.0, 38.0, 380.0)
    >>> at("SAM", norm=1.0), at("SAM", norm=1e6)  # near a minimum it is much lower
    (12.36, 20.0)
    """
    edges = {MOMENTUM: 2 * (1 + momentum) / rate, ADAM: 2 * (1 + BETA_1) / (1 - BETA_1) / rate}
    if method == SAM:
        # (g / 2 r) (sqrt(1 + 8 r / (rate g)) - 1), written without a difference of close numbers.
        root = np.sqrt(1 + 8 * radius / (rate * gradient_norm))
        return np.asarray(4 / rate / (1 + root))
    return np.full_like(gradient_norm, edges.get(method, 2 / rate))


def _variables(config: Config, task: Task, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    labels = task.labels
    found = edge(
        labels["optimizer"],
        labels["rate"],
        arrays["gradient_norm"],
        momentum=config.momentum,
        radius=config.radius,
    )
    return {**arrays, "edge": found, "test_accuracy": arrays["test_accuracy"][-1]}


def _network(config: Config, method: str, rate: float, seed: int) -> Task:
    """Return the task of a network; a device trains all trials of a method and rate."""
    batch_sizes = {sgd(size): size for size in config.batch_sizes}
    settings = ("n_samples", "hidden_size", "n_steps", "evaluate_every", "n_iterations")
    key: dict[str, Any] = {
        "method": method,
        "rate": rate,
        "trial": seed,
        "batch_size": batch_sizes.get(method),
        **{name: getattr(config, name) for name in settings},
    }
    if method == MOMENTUM:
        key["momentum"] = config.momentum
    if method == SAM:
        key["radius"] = config.radius
    return Task(
        labels={"optimizer": method, "rate": rate, "seed": seed},
        key=with_data(key, config.data),
        cost=COSTS.get(method, 1.0),
        group=(method, rate),
    )
