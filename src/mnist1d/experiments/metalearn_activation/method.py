"""Method of metalearning an activation: learn it, compare it, and use it in other networks."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from mnist1d.execution import Arrays, Compute, Task
from mnist1d.experiments.metalearn_activation.activation import grid_of
from mnist1d.experiments.metalearn_activation.comparison import train_with
from mnist1d.experiments.metalearn_activation.config import (
    CONDITIONS,
    DEEP_NETWORK,
    PLACES,
    Config,
)
from mnist1d.experiments.metalearn_activation.inner_loop import make_data
from mnist1d.experiments.metalearn_activation.outer_loop import (
    STEPS_PER_TASK,
    MetaTrainer,
    draw_network,
    draw_rest,
    function_of,
    state_of,
)
from mnist1d.experiments.metalearn_activation.pieces import (
    PUBLISHED_PIECES,
    count_extrema,
    fit_pieces,
)
from mnist1d.experiments.metalearn_activation.transfer import transfer
from mnist1d.harness.interface import Progress, silent
from mnist1d.models.scalar_network import LearnedFunction, Network

RIPPLE = 0.1
"""Smaller rises and falls of the learned function do not count as extrema: fixed before the run."""

RECORDED = (
    "objective",
    "last_loss",
    "test_accuracy",
    "gradient_square",
    "reach",
    "n_outside",
)
"""Numbers of every outer step, with the same name in tasks' arrays and in the result."""


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Metalearn a function from every seed; compare it with known ones, here and elsewhere.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: takes the outer steps and trains the networks, or reads stored results.

    Returns: variables over `seed`, `outer_step`, `inner_step`, `place` (-5 to 5), `condition`
        (baselines, pieces and the function after the last outer step), `architecture`, `function`,
        `rate` and `parameter` (of g):

        - `objective`, `last_loss` (nats), `test_accuracy` (fraction; of the first 500), all before
          the update, `gradient_square` (of the clipped meta-gradient), `reach` (largest input of
          the function), `n_outside` (inputs beyond the table), all (seed, outer_step);
        - `learned` (seed, outer_step, place): the function after the update; `initial` (seed,
          place); `network` (seed, parameter): g after the last update;
        - `stopped_outer`, `stopped_inner` (seed): the step from which the meta-gradient is not
          finite, -1 if it always is; later values are NaN;
        - `deep_objective` (deep_seed, outer_step), `deep_stopped_outer`, `deep_stopped_inner`
          (deep_seed): the same of trials with the network of the paper's text, if there are any;
        - `loss`, `accuracy` (condition, seed, inner_step): of one training with each function;
        - `piece_break`, `piece_slope`, `piece_intercept` (seed, ...): the pieces fitted to ours;
        - `n_extrema` (seed): of the function after the last outer step;
        - `transfer_tuning` (architecture, function, rate, tuning_seed): validation accuracy;
          `transfer_rate` (architecture, function); `transfer_validation`, `transfer_test`,
          `transfer_last_test` (architecture, function, seed): accuracies (fractions) at the
          evaluation with the best validation accuracy, and after the last step.
    """
    compute = compute or Compute()
    result, networks = _metalearn(config, compute, progress)
    result = result.assign(_compare(config, networks, result, progress))
    if config.deep_seeds:
        result = result.merge(_metalearn_deep(config, compute, progress))
    grid, terms = grid_of(config), []
    for network, stopped in zip(networks, result.stopped_outer >= 0, strict=True):
        function = LearnedFunction.of(network, config.scale, grid)
        terms.append(np.asarray(function.terms) * (np.nan if stopped else 1))
    return result.assign(transfer(config, terms, compute, progress))


def _metalearn_deep(config: Config, compute: Compute, progress: Progress) -> xr.Dataset:
    """Learn a function of two hidden layers from some seeds; return what became of it."""
    deep = replace(config, network=DEEP_NETWORK, seeds=config.deep_seeds)
    result, _ = _metalearn(deep, compute, progress, "Metalearning 1-100-100-1")
    kept = result[["objective", "stopped_outer", "stopped_inner"]].rename(seed="deep_seed")
    return kept.rename({name: f"deep_{name}" for name in kept.data_vars})


def _metalearn(
    config: Config, compute: Compute, progress: Progress, name: str = "Metalearning"
) -> tuple[xr.Dataset, list[Network]]:
    """Learn a function from every seed, some outer steps of all at a time.

    Returns: the variables about it; and the last network of every seed.
    """
    bar = f"{name} (outer steps)"
    result = _empty_result(config)
    last: dict[int, Arrays] = {seed: {} for seed in range(config.seeds)}
    n_done, n_outside, total = 0, 0, config.seeds * config.outer_steps
    progress(bar, 0, total)
    for first in range(0, config.outer_steps, STEPS_PER_TASK):
        going_on = [seed for seed in last if result.stopped_outer[seed] < 0]
        tasks = [_piece(config, seed, first, last[seed]) for seed in going_on]
        for task, piece in compute(tasks, MetaTrainer, config):
            seed, broken = task.labels["seed"], piece["broken"]
            last[seed] = piece
            _enter(result, seed, first, piece)
            n_outside += int(piece["n_outside"].sum())
            n_done += len(broken)
            if broken[-1] >= 0:
                outer = first + len(broken) - 1
                n_done += config.outer_steps - 1 - outer  # the remaining steps are not taken
                progress(
                    f"{name}: trial {seed} stopped, as its meta-gradient is not finite at outer "
                    f"step {outer}, from inner step {broken[-1]}",
                    0,
                    0,
                )
            progress(bar, n_done, total)
    if n_outside:
        progress(
            f"{n_outside} inputs of the function were beyond its table, where g continues as a "
            f"straight line; a larger grid_bound than {config.grid_bound:g} would include them",
            0,
            0,
        )
    networks = [state_of(config, seed, piece).network for seed, piece in last.items()]
    parameters = [
        np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(network)])
        for network in networks
    ]
    n_extrema = [
        float(count_extrema(function, RIPPLE)) if np.isfinite(function).all() else np.nan
        for function in result.learned[:, -1].to_numpy()
    ]
    result["network"] = (("seed", "parameter"), parameters)
    result["n_extrema"] = ("seed", n_extrema)
    return result, networks


def _piece(config: Config, seed: int, first: int, before: Arrays) -> Task:
    """Return the task of some outer steps of a trial, from the state after the steps before."""
    steps = [first, min(first + STEPS_PER_TASK, config.outer_steps)]
    return Task(
        labels={"seed": seed},
        key=config.determining | {"seed": seed, "outer_steps": steps},
        inputs={name: array for name, array in before.items() if name.startswith("state_")},
    )


def _empty_result(config: Config) -> xr.Dataset:
    """Make a result of meta-training in which no step was taken."""
    steps = ("seed", "outer_step")
    shape = (config.seeds, config.outer_steps)
    initial = [
        np.asarray(function_of(draw_network(config, seed), config.scale))
        for seed in range(config.seeds)
    ]
    return xr.Dataset(
        {name: (steps, np.full(shape, np.nan)) for name in RECORDED}
        | {
            "learned": ((*steps, "place"), np.full((*shape, len(PLACES)), np.nan)),
            "initial": (("seed", "place"), initial),
            "stopped_outer": ("seed", np.full(config.seeds, -1)),
            "stopped_inner": ("seed", np.full(config.seeds, -1)),
            "metalearning_seconds": ("seed", np.zeros(config.seeds)),
        },
        coords={
            "seed": np.arange(config.seeds),
            "outer_step": np.arange(config.outer_steps),
            "place": PLACES,
        },
    )


def _enter(result: xr.Dataset, seed: int, first: int, piece: Arrays) -> None:
    """Write a piece of a trial into the result, without the step that stopped it."""
    broken = piece["broken"]
    n_finite = int((broken < 0).sum())
    steps = slice(first, first + n_finite)
    for name in RECORDED:
        result[name][seed, steps] = piece[name][:n_finite]
    result.learned[seed, steps] = piece["function"][:n_finite]
    if n_finite < len(broken):
        result.stopped_outer[seed] = first + n_finite
        result.stopped_inner[seed] = broken[-1]
    result.metalearning_seconds[seed] += piece["seconds"]


def _compare(
    config: Config, networks: Sequence[Network], result: xr.Dataset, progress: Progress
) -> dict[str, Any]:
    """Train once with every condition, from the start and with the noise of each seed's trial.

    As this takes seconds, it is not stored.
    """
    data, n_pieces = make_data(config), len(PUBLISHED_PIECES.slopes)
    shape = (len(CONDITIONS), config.seeds, config.inner_steps)
    loss, accuracy = np.full(shape, np.nan), np.full(shape, np.nan)
    fitted = [np.full((config.seeds, n), np.nan) for n in (n_pieces - 1, n_pieces, n_pieces)]
    n_done, total = count(1), len(CONDITIONS) * config.seeds
    progress("Comparison (trainings)", 0, total)
    for seed, network in enumerate(networks):
        stopped = result.stopped_outer[seed] >= 0
        pieces = dict.fromkeys(CONDITIONS, PUBLISHED_PIECES)
        if not stopped:
            pieces["our pieces"] = fit_pieces(PLACES, result.learned[seed, -1], n_pieces)
            for array, part in zip(fitted, pieces["our pieces"], strict=True):
                array[seed] = part
        draws = draw_rest(config, seed)
        for row, condition in enumerate(CONDITIONS):
            if not (stopped and condition in ("our pieces", "learned")):
                arrays = (jnp.asarray(part, jnp.float32) for part in pieces[condition])
                loss[row, seed], accuracy[row, seed] = train_with(
                    config, jnp.asarray(row), tuple(arrays), network, draws, data
                )
            progress("Comparison (trainings)", next(n_done), total)
    return {
        "loss": (("condition", "seed", "inner_step"), loss),
        "accuracy": (("condition", "seed", "inner_step"), accuracy),
        "piece_break": (("seed", "break"), fitted[0]),
        "piece_slope": (("seed", "piece"), fitted[1]),
        "piece_intercept": (("seed", "piece"), fitted[2]),
        "condition": list(CONDITIONS),
    }
