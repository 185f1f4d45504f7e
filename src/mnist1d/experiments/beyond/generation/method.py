"""Method of the generation of signals: train, generate, and ask the generator."""

from itertools import product
from typing import Any

import xarray as xr

from mnist1d.execution import Compute, Task
from mnist1d.experiments.beyond.generation.config import Config
from mnist1d.experiments.beyond.generation.training import N_SHOWN, Generator, Truth
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import with_data

PARTS = ("true", "reference")
"""Two sets of true signals of a trial, with as many signals as are generated."""

BY_SAMPLE = ("shift", "scale", "log_density", "nearest", "second", "true_nearest", "true_second")
BY_PAIR = ("twin_distance", "unrelated_distance")
BY_NETWORK = (
    "asked",
    "euler_error",
    "heun_error",
    "own_on_true",
    "own_on_generated",
    "generated_on_true",
)
OF_TRUTH = ("true_shift", "true_scale", "true_log_density")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train networks on all numbers of samples, and judge what they generate.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: trains networks, or reads stored results.

    Returns: variables over `n_samples`, `step` (number of updates), `signal`, `shown`, `point`,
        `part` (of true signals) and `seed`:

        - `replicas` (n_samples, step, seed): share of generated signals that are replicas;
        - `shift`, `scale`, `log_density` (n_samples, signal, seed): what the generator says of
          generated signals, NaN where it could not have made one; `true_shift`, `true_scale`,
          `true_log_density` (part, signal, seed): of true ones;
        - `asked` (n_samples, seed): share of signals of the class asked for; `true_asked`
          (part, seed);
        - `nearest` and `second` (n_samples, signal, seed): distances to training samples;
          `true_nearest` and `true_second`: those of fresh true signals;
        - `twin_distance` and `unrelated_distance` (n_samples, signal, seed): between signals of two
          networks with other samples, from the same noise and from other noise; NaN where there is
          one network;
        - `euler_error` and `heun_error` (n_samples, seed);
        - `own_on_true`, `own_on_generated` and `generated_on_true` (n_samples, seed): accuracies of
          classifiers trained on the network's own samples, or on generated ones;
        - `signals` (n_samples, shown, point, seed) and `true_signals` (part, shown, point, seed).
    """
    compute = compute or Compute()
    seeds = list(range(config.seeds))
    tasks = [
        _network(config, n, has_twin, seed)
        for (n, has_twin), seed in product(
            zip(config.n_samples, config.has_twin, strict=True), seeds
        )
    ]
    found = counted(
        compute(tasks, Generator, config), tasks, progress, lambda _: "Networks", lambda t: t.cost
    )
    common: dict[str, Any] = {
        "signal": config.n_generated,
        "shown": N_SHOWN * len(config.data.labels),
        "point": config.data.final_seq_length,
        "seed": seeds,
    }
    trained = assemble(
        found,
        coords={**common, "n_samples": list(config.n_samples), "step": list(config.steps)},
        dims={
            **dict.fromkeys((*BY_SAMPLE, *BY_PAIR), ("n_samples", "signal", "seed")),
            **dict.fromkeys(BY_NETWORK, ("n_samples", "seed")),
            "replicas": ("n_samples", "step", "seed"),
            "signals": ("n_samples", "shown", "point", "seed"),
        },
    )
    return trained.merge(_truth(config, compute, progress, common))


def _truth(
    config: Config, compute: Compute, progress: Progress, common: dict[str, Any]
) -> xr.Dataset:
    keys = ({"part": part, "trial": seed} for part, seed in product(PARTS, range(config.seeds)))
    tasks = [
        Task(
            labels={"part": key["part"], "seed": key["trial"]},
            key=with_data({**key, "n_generated": config.n_generated}, config.data),
            group="truth",
        )
        for key in keys
    ]
    found = compute(tasks, Truth, config, devices="none")
    return assemble(
        counted(found, tasks, progress, lambda _: "True signals (sets)"),
        coords={**common, "part": list(PARTS)},
        dims={
            **dict.fromkeys(OF_TRUTH, ("part", "signal", "seed")),
            "true_asked": ("part", "seed"),
            "true_signals": ("part", "shown", "point", "seed"),
        },
    )


def _network(config: Config, n: int, has_twin: bool, seed: int) -> Task:
    """Return the task of a number of samples; a device trains all trials of it."""
    settings = (
        "channels",
        "n_steps",
        "batch_size",
        "learning_rate",
        "evaluate_every",
        "n_watched",
        "n_generated",
        "sampling_steps",
        "coarse_steps",
        "n_classified",
        "classifier_steps",
    )
    key = {
        "n_samples": n,
        "trial": seed,
        "has_twin": has_twin,
        **{name: getattr(config, name) for name in settings},
    }
    return Task(
        labels={"n_samples": n, "seed": seed},
        key=with_data(key, config.data),
        cost=1.0 + has_twin,
        group=n,
    )
