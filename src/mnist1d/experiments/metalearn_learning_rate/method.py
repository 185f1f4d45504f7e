"""Method of the learning rate experiment: learn the rate from every start, sweep the objective."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, Compute, Runner, Task
from mnist1d.experiments.metalearn_learning_rate.config import Config
from mnist1d.experiments.metalearn_learning_rate.inner_loop import (
    Batches,
    Network,
    cut_into_batches,
    differentiate,
    draw_networks,
    over_runs,
)
from mnist1d.experiments.metalearn_learning_rate.sweep import sweep, sweep_rates
from mnist1d.harness.interface import Progress, silent
from mnist1d.harness.settings import with_data

STEPS_PER_TASK = 10
"""Outer steps that are stored together, which an interrupted run may have to repeat."""

TRIAL = ("initial_rate", "draw")
RECORD = (*TRIAL, "outer_step")
DIMS = {
    "rate": RECORD,
    "objective": RECORD,
    "meta_gradient": RECORD,
    "last_loss": RECORD,
    "stopped_outer_step": TRIAL,
    "stopped_inner_step": TRIAL,
    "sweep_objective": ("draw", "sweep_rate"),
    "near_rate": ("draw", "point"),
    "near_objective": ("draw", "point"),
    "sweep_optimum": ("draw",),
    "sweep_lowest": ("draw",),
}
"""Dimensions of the variables; draw 0 is the published initial weights."""


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Learn the learning rate from every start and initial weights; sweep the objective.

    Args:
        config: the settings.
        progress: called with the progress, in outer steps and passes of the sweep.
        compute: computes the outer steps, or reads stored ones: a run continues after the last.

    Returns: variables over `initial_rate`, `seed`, `outer_step` (from 0), `sweep_rate` and
        `point`. Those that begin with `published_` are of the published initial weights and have
        no `seed`; there is one for each of the following:

        - `rate` after the update, `objective` (mean inner loss) and `meta_gradient` before it,
          `last_loss` of the inner loop, all (initial_rate, seed, outer_step), losses in nats; NaN
          from where a trial stopped;
        - `stopped_outer_step`, `stopped_inner_step` (initial_rate, seed): the step at which
          something was not finite; -1 if there is none;
        - `sweep_objective` (seed, sweep_rate); `near_rate` and `near_objective` (seed, point), the
          second pass, around the lowest of the first; `sweep_optimum` (seed), the learning rate of
          the minimum, and `sweep_lowest`, the objective there; NaN if the lowest is at an end.

    Raises: OSError: if results cannot be stored.
    """
    compute = compute or Compute()
    found = {**_learn(config, compute, progress), **_sweep(config, compute, progress)}
    variables: dict[str, xr.DataArray] = {}
    for name, values in found.items():
        of_all = xr.DataArray(values, dims=DIMS[name])
        variables[f"published_{name}"] = of_all.isel(draw=0)
        variables[name] = of_all.isel(draw=slice(1, None)).rename(draw="seed")
    coordinates = {
        "initial_rate": np.array(config.initial_rates),
        "seed": np.arange(config.seeds),
        "outer_step": np.arange(config.outer_steps),
        "sweep_rate": sweep_rates(config),
    }
    return xr.Dataset(variables, coordinates)


def _learn(config: Config, compute: Compute, progress: Progress) -> dict[str, np.ndarray]:
    """Compute the outer steps of all trials, a few steps of all trials at a time."""
    rates = np.repeat(np.array(config.initial_rates, np.float32), config.seeds + 1)
    segments = []
    progress("outer steps", 0, config.outer_steps)
    for start in range(0, config.outer_steps, STEPS_PER_TASK):
        stop = min(start + STEPS_PER_TASK, config.outer_steps)
        task = _outer_steps(config, start, stop, rates)
        [(_, segment)] = compute([task], outer_loop, config, devices="all")
        progress("outer steps", stop, config.outer_steps)
        stopped = np.isnan(segment["rate"])
        for run in np.flatnonzero(stopped[:, -1] & ~np.isnan(rates)):
            step = int(stopped[run].argmax())
            inner_step = int(segment["first_odd_step"][run, step])
            progress(_stop_message(config, int(run), start + step, inner_step), 0, 0)
        rates = segment["rate"][:, -1]
        segments.append(segment)
    shape = len(config.initial_rates), config.seeds + 1, config.outer_steps
    arrays = {
        name: np.concatenate([segment[name] for segment in segments], axis=1).reshape(shape)
        for name in segments[0]
    }
    first_nonfinite_step = arrays.pop("first_odd_step")
    stopped = np.isnan(arrays["rate"])
    outer = stopped.argmax(axis=-1)
    inner = np.take_along_axis(first_nonfinite_step, outer[..., None], axis=-1)[..., 0]
    return arrays | {
        "stopped_outer_step": np.where(stopped.any(axis=-1), outer, -1),
        "stopped_inner_step": np.where(stopped.any(axis=-1), inner, -1),
    }


def _outer_steps(config: Config, start: int, stop: int, rates: np.ndarray) -> Task:
    """Return the task of some outer steps of all trials, from these learning rates on."""
    # Without the total number of outer steps: results of fewer are the beginning of more.
    key = {
        "part": "trials",
        "start": start,
        "stop": stop,
        "seeds": config.seeds,
        "initial_rates": config.initial_rates,
        "outer_rate": config.outer_rate,
        "inner_steps": config.inner_steps,
        "batch_size": config.batch_size,
        "hidden_size": config.hidden_size,
    }
    return Task({"start": start, "stop": stop}, with_data(key, config.data), inputs={"rate": rates})


def outer_loop(config: Config) -> Runner:
    """Return the runner of outer steps of all trials together.

    The arrays of a task have the shape (trials, outer steps): all draws from the first learning
    rate, then all from the next; their names are those of `take_steps`.
    """
    n_starts = len(config.initial_rates)
    networks = jax.tree.map(lambda leaf: np.concatenate([leaf] * n_starts), draw_networks(config))
    batches = cut_into_batches(generate(config.data), config.batch_size)
    take = over_runs(partial(take_steps, config=config), networks, batches)

    def run_tasks(tasks: Sequence[Task], *_: Any) -> Iterator[tuple[Task, Arrays]]:
        for task in tasks:
            n_steps = task.labels["stop"] - task.labels["start"]
            taken = take(task.inputs["rate"])
            yield task, {name: values[:, :n_steps] for name, values in taken.items()}

    return run_tasks


def take_steps(rate: Any, network: Network, batches: Batches, *, config: Config) -> dict[str, Any]:
    """Take some outer steps of a trial; from the step at which it stops on, its record is NaN."""

    def step(rate: Any, _: None) -> tuple[Any, dict[str, Any]]:
        found = differentiate(rate, network, batches, config.inner_steps)
        following = rate - config.outer_rate * found.meta_gradient
        goes_on = jnp.isfinite(found.objective) & jnp.isfinite(following)
        measured = {
            "rate": following,
            "objective": found.objective,
            "meta_gradient": found.meta_gradient,
            "last_loss": found.last_loss,
        }
        measured = {name: jnp.where(goes_on, value, jnp.nan) for name, value in measured.items()}
        # A learning rate that is NaN makes everything NaN from the first inner step on. Stored
        # results have the step under another name.
        return measured["rate"], measured | {"first_odd_step": found.first_nonfinite_step}

    # The last steps of a trial may be more than needed: fewer would need another program.
    return jax.lax.scan(step, rate, None, min(STEPS_PER_TASK, config.outer_steps))[1]


def _stop_message(config: Config, run: int, outer_step: int, inner_step: int) -> str:
    trial, draw = divmod(run, config.seeds + 1)
    weights = "published initial weights" if draw == 0 else f"seed {draw - 1}"
    where = (
        f"inner step {inner_step}"
        if inner_step >= 0
        else "though every inner step is: the sum overflows"
    )
    return (
        f"Trial from learning rate {config.initial_rates[trial]:g}, {weights}: stopped, as the "
        f"meta-gradient is not finite at outer step {outer_step}, {where}. Other trials continue."
    )


def _sweep(config: Config, compute: Compute, progress: Progress) -> Arrays:
    """Evaluate the objective at many learning rates, for all initial weights."""
    key = {
        "part": "sweep",
        "seeds": config.seeds,
        "inner_steps": config.inner_steps,
        "batch_size": config.batch_size,
        "hidden_size": config.hidden_size,
        "sweep_range": config.sweep_range,
        "sweep_points": config.sweep_points,
    }
    [(_, found)] = compute(
        [Task({}, with_data(key, config.data))],
        sweep,
        config,
        on_progress=lambda _, done, __: progress("sweep", done, 2),
        steps=2,
        devices="all",
    )
    progress("sweep", 2, 2)
    return found
