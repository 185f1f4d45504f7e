"""Loss over work, parameters and samples, and the sizes that are best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from mnist1d.experiments.beyond.scaling_laws.claims import bayes
from mnist1d.experiments.beyond.scaling_laws.measures import (
    FLOPS,
    Law,
    best_sizes,
    budgets_of,
    fitted_places,
    fixed_law,
    losses_at,
    parameters_law,
    samples_law,
)
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import estimate

CAPTIONS = {
    "figure": "(a) Test loss on endless samples by the work of training, 6 operations per "
    "parameter and sample; a curve per MLP, mean over trials; black: the least loss for that work "
    "or less; dashed, or a number if it is far below: the least loss that is possible, by the "
    "posterior of the generator. (b) The best number of parameters by work, a point per trial and "
    "budget, and its power law.",
    "figure-laws": "Test loss (a) by samples seen, of the widest MLP, (b) by parameters, at the "
    "end of the training, (c) by fixed numbers of samples, at the best step; dots with 95 % "
    "intervals over trials. Lines: a power and a constant, fitted to each trial, their mean. "
    "Dashed, or a number if it is far below: the least loss that is possible.",
}

FAR_BELOW = 10.0
"""How many times the axis' lowest loss may be as high as one that is drawn."""


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw loss over work with the best sizes ("figure"), and the laws ("figure-laws")."""
    return {"figure": _plot_work(result), "figure-laws": _plot_laws(result)}


def _plot_work(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.6))
    losses, sizes = figure.subplots(1, 2, width_ratios=(1.3, 1))
    seen, n_parameters = result.seen.to_numpy(), result.n_parameters.to_numpy()
    shades = map(to_hex, colormaps["viridis"](np.linspace(0.9, 0.05, len(n_parameters))))
    means = _mean(result.test_loss.transpose("width", "seen", "seed").to_numpy())
    for n, mean, shade in zip(n_parameters, means, shades, strict=True):
        losses.plot(FLOPS * n * seen, mean, color=shade, label=f"{n:,}")
    budgets = budgets_of(result)
    every = range(result.sizes["seed"])
    # Where an MLP's training ends, too: it has the least loss there, or soon after another has.
    work = np.union1d(budgets, np.clip(FLOPS * n_parameters * seen[-1], budgets[0], budgets[-1]))
    least = [_least(losses_at(result, seed, work)) for seed in every]
    losses.plot(work, np.exp(_mean(np.log(least).T)), color="black", linewidth=1.5)
    losses.set(xscale="log", yscale="log", xlabel="Work (operations)", ylabel="Test loss (nats)")
    _plot_possible(losses, result)
    losses.legend(title="parameters", title_fontsize=6)
    best = np.array([best_sizes(result, seed) for seed in every])
    for row in best:
        sizes.plot(budgets, row, ".", color="tab:blue", alpha=0.5)
    known = np.isfinite(best)
    if known.sum() >= 3:
        work = np.broadcast_to(budgets, best.shape)[known]
        power, height = np.polyfit(np.log(work), np.log(best[known]), 1)
        ends = np.array([work.min(), work.max()])
        sizes.plot(
            ends, np.exp(height) * ends**power, color="black", label=f"work to the {power:.2f}"
        )
        sizes.legend()
    sizes.set(
        xscale="log",
        yscale="log",
        xlim=losses.get_xlim(),
        ylim=(n_parameters[0], n_parameters[-1]),
        xlabel="Work (operations)",
        ylabel="Best number of parameters",
    )
    for axes, letter in zip((losses, sizes), "ab", strict=True):
        style.panel_letter(axes, letter)
    return figure


def _plot_laws(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.2))
    samples, parameters, fixed = figure.subplots(1, 3, sharey=True)
    places = fitted_places(result)
    ordered = result.test_loss.transpose("width", "seen", "seed").to_numpy()
    seen, n_parameters = result.seen.to_numpy(), result.n_parameters.to_numpy()
    _plot_points(samples, seen[places], ordered[-1, places], color="tab:blue")
    _plot_law(samples, result, samples_law, seen[places], color="tab:blue")
    _plot_points(parameters, n_parameters, ordered[:, -1], color="tab:blue")
    _plot_law(parameters, result, parameters_law, n_parameters, color="tab:blue")
    n_samples = result.n_samples.to_numpy()
    for number, model in enumerate(result.model.to_numpy().tolist()):
        values = result.fixed_loss.sel(model=model).transpose("n_samples", "seed").to_numpy()
        colour = f"C{number}"
        _plot_points(fixed, n_samples, values, color=colour, label=model)
        _plot_law(fixed, result, fixed_law(model), n_samples, color=colour)
    samples.set(xlabel="Samples seen", ylabel="Test loss (nats)")
    parameters.set(xlabel="Parameters")
    fixed.set(xlabel="Fixed number of samples")
    fixed.legend()
    for axes in (samples, parameters, fixed):
        axes.set(xscale="log", yscale="log")
    # Less than two decades, of which every number would have its label.
    ticks = seen[places][::-4]
    samples.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    samples.xaxis.set_minor_formatter("")
    for axes, letter in zip((samples, parameters, fixed), "abc", strict=True):
        _plot_possible(axes, result)
        style.panel_letter(axes, letter)
    return figure


def _plot_possible(axes: Axes, result: xr.Dataset) -> None:
    """Draw the least possible loss as a line, or write it below an arrow if it is far away."""
    possible = bayes("bayes_loss")(result).mean
    if possible > axes.get_ylim()[0] / FAR_BELOW:
        axes.axhline(possible, linestyle="--", color="0.5", linewidth=0.6)
    else:
        text = f"\N{DOWNWARDS ARROW} possible: {possible:.1g}"
        axes.text(0.03, 0.03, text, transform=axes.transAxes, color="0.4", fontsize=6)


def _plot_points(
    axes: Axes, x: Sequence[float] | np.ndarray, values: np.ndarray, **how: Any
) -> None:
    """Draw means with intervals; values are of shape (points, seeds)."""
    found = [estimate(each) for each in values]
    mean, low, high = ([each[part] for each in found] for part in range(3))
    axes.plot(x, mean, ".", **how)
    style.error_bars(axes, x, mean, low, high, ecolor=how["color"], elinewidth=0.5)


def _plot_law(axes: Axes, result: xr.Dataset, law: Law, x: np.ndarray, **how: Any) -> None:
    fine = np.geomspace(x[0], x[-1], 50)
    curves = [law(result, seed)(fine) for seed in range(result.sizes["seed"])]
    axes.plot(fine, _mean(np.array(curves).T), linewidth=0.6, **how)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return means over the last axis of what is finite, NaN where nothing is."""
    known = np.isfinite(values)
    number = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _least(losses: np.ndarray) -> np.ndarray:
    """Return the least loss for every budget or less, NaN where there is none."""
    least = np.where(np.isfinite(losses), losses, np.inf).min(axis=0)
    least = np.minimum.accumulate(least)
    return np.where(np.isfinite(least), least, np.nan)
