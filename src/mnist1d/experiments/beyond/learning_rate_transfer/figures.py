"""Loss over the learning rate by width, best rates, and how far activations move."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from mnist1d.experiments.beyond.learning_rate_transfer.config import (
    ADAM,
    LAYERS,
    MAXIMAL_UPDATE,
    PARAMETRISATIONS,
    SGD,
    STANDARD,
    Config,
)
from mnist1d.experiments.beyond.learning_rate_transfer.measures import (
    GUESSING,
    best_rates,
    changes,
    losses_at,
    tuned_losses,
    tuned_rate,
    widths_of,
)
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import estimate

CAPTIONS = {
    "figure": "Training loss over the learning rate of Adam, a curve per width of the MLP, with 95 "
    "% bands over trials; dots: vertex of a parabola through the lowest loss and its neighbours, "
    "mean over trials; dotted: the rate that is best at the smallest width. (a) Standard "
    "parametrisation, (b) maximal update, at the smallest width the same. Networks wider than "
    f"{Config().all_rates_up_to} have five rates.",
    "figure-sgd": "The same with SGD. Trainings that diverge count as guessing, ln 10 = 2.3 nats, "
    "where bands end; next to them vertices lie off the lowest mean.",
    "figure-width": "By width, with Adam: (a) the best rate, in grey the inverse of the width; (b) "
    "training loss at the rate that is best at the smallest width (lines), and at the best of each "
    "width (dashed); (c) and (d) how far the outputs of the layers move in the first updates at "
    "the former rate. Bands are 95 % intervals over trials.",
}

COLOURS = {STANDARD: "tab:red", MAXIMAL_UPDATE: "tab:blue"}
LAYER_COLOURS = dict(zip(LAYERS, ("tab:green", "tab:orange", "tab:purple"), strict=True))
TITLES = {STANDARD: "Standard parametrisation", MAXIMAL_UPDATE: "Maximal update"}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw losses over rates ("figure", "figure-sgd"), and what changes with the width."""
    return {
        "figure": _plot_rates(result, ADAM),
        "figure-sgd": _plot_rates(result, SGD),
        "figure-width": _plot_widths(result),
    }


def _plot_rates(result: xr.Dataset, optimizer: str) -> Figure:
    figure = Figure(figsize=(6.5, 2.5))
    panels = figure.subplots(1, 2, sharey=True, sharex=True)
    widths = widths_of(result, optimizer)
    shades = [to_hex(shade) for shade in colormaps["viridis"](np.linspace(0.9, 0.05, len(widths)))]
    lowest = min(
        losses_at(result, optimizer, each, width)[1].mean(axis=0).min()
        for each in PARAMETRISATIONS
        for width in widths
    )
    bottom = 0.93 * lowest
    for axes, parametrisation, letter in zip(panels, PARAMETRISATIONS, "ab", strict=True):
        axes.axvline(
            tuned_rate(result, optimizer, parametrisation),
            color="0.5",
            linestyle=":",
            linewidth=0.8,
        )
        for width, shade in zip(widths, shades, strict=True):
            rates, losses = losses_at(result, optimizer, parametrisation, width)
            _line(axes, rates, losses.T, (bottom, GUESSING), color=shade, label=f"{width:,}")
            best = best_rates(result, optimizer, parametrisation, width)
            if np.isfinite(best).any():
                place = np.exp(np.nanmean(np.log(best)))
                height = np.interp(np.log(place), np.log(rates), losses.mean(axis=0))
                axes.plot(place, height, "o", color=shade, markersize=4, markeredgecolor="black")
        axes.set(xscale="log", xlabel="Learning rate", title=TITLES[parametrisation])
        style.panel_letter(axes, letter)
    panels[0].set(ylabel=f"Training loss (nats), {optimizer}", yscale="log")
    ticks = [0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.2, 1.5, 2]
    panels[0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    panels[0].yaxis.set_minor_formatter("")
    panels[0].set_ylim(bottom, 2.5)
    panels[1].legend(title="width", title_fontsize=6, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _plot_widths(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.5, 4.2))
    (rates, losses), moves = figure.subplots(2, 2)
    widths = widths_of(result, ADAM)
    for parametrisation in PARAMETRISATIONS:
        how: dict[str, Any] = {"color": COLOURS[parametrisation]}
        best = np.array([best_rates(result, ADAM, parametrisation, width) for width in widths])
        _line(rates, widths, best, label=parametrisation, **how)
        if parametrisation == STANDARD:
            inverse = estimate(best[0]).mean * widths[0] / np.array(widths)
        _line(losses, widths, tuned_losses(result, ADAM, parametrisation), **how)
        lowest = [
            losses_at(result, ADAM, parametrisation, width)[1].min(axis=1) for width in widths
        ]
        losses.plot(widths, np.mean(lowest, axis=1), "--", linewidth=0.8, **how)
    rates.plot(widths, inverse, color="0.7", linewidth=0.8, label="1 / width")
    rates.set(ylabel="Best learning rate", yscale="log")
    rates.legend(loc="lower left")
    losses.set(ylabel="Training loss (nats)")
    losses.plot([], [], color="0.3", label=f"at {tuned_rate(result, ADAM):g}")
    losses.plot([], [], "--", color="0.3", linewidth=0.8, label="at the best rate")
    losses.legend()
    for axes, parametrisation in zip(moves, PARAMETRISATIONS, strict=True):
        for layer, name in zip(LAYERS, ("first layer", "second layer", "logits"), strict=True):
            moved = changes(result, ADAM, parametrisation, layer)
            _line(axes, widths, moved, color=LAYER_COLOURS[layer], label=name)
        axes.set(title=TITLES[parametrisation], yscale="log")
    moves[0].set(ylabel="Change of outputs (RMS)")
    moves[0].legend(loc="upper left")
    limits = [axes.get_ylim() for axes in moves]
    for axes in moves:
        axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    for axes, letter in zip((rates, losses, *moves), "abcd", strict=True):
        axes.set(xscale="log", xlabel="Width")
        axes.set_xticks(widths[::2], [f"{width:,}" for width in widths[::2]])
        axes.xaxis.set_minor_formatter("")
        style.panel_letter(axes, letter)
    return figure


def _line(
    axes: Axes,
    x: Any,
    values: np.ndarray,
    limits: tuple[float, float] = (-np.inf, np.inf),
    **how: Any,
) -> None:
    """Draw means with their band, which is cut at limits; values are of shape (points, seeds)."""
    found = [estimate(each) for each in values]
    means, lows, highs = ([each[part] for each in found] for part in range(3))
    style.line_with_interval(axes, x, means, np.clip(lows, *limits), np.clip(highs, *limits), **how)
