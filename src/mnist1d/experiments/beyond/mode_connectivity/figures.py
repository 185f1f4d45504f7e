"""Test error along lines and barriers by split, matching by width, and averages."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from mnist1d.experiments.beyond.mode_connectivity.claims import STABLE
from mnist1d.experiments.beyond.mode_connectivity.config import (
    AVERAGES,
    BY_ACTIVATIONS,
    BY_WEIGHTS,
    LATE,
    MATCHINGS,
    ORIGINS,
    UNMATCHED,
)
from mnist1d.experiments.beyond.mode_connectivity.measures import (
    average_of,
    children_barrier,
    independent_barrier,
    line_values,
)
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.expressions import Measure
from mnist1d.measures.uncertainty import estimate

CAPTIONS = {
    "figure": "Two children of one network, which train on in different orders of samples from a "
    "step on, and the straight line between their weights. Test error along the line, (a) of the "
    "MLP and (b) of the CNN, a curve per split; (c) its barrier, the largest rise above the "
    "straight line between the ends; dashed: 2 points, below which networks count as stable. "
    "Bands are 95 % intervals over trials.",
    "figure-matching": "Independent MLPs, before and after the units of one are brought into the "
    "order of the other. (a) Training loss along the line between the widest. Barrier (b) of the "
    "training loss and (c) of the test error, by width; dashed: 2 points. Bands are 95 % intervals "
    "over trials.",
    "figure-averages": "Test error of one network, of the average of its weights over the end of "
    "the training (SWA), of the average of the weights of several networks (soup), and of the "
    "average of their outputs (ensemble), (a) MLP and (b) CNN; bars that are cut have "
    "their number. Error bars are 95 % intervals over trials.",
}

BESIDE: Mapping[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
"""Where legends are, as curves take all of a panel."""

COLOURS = {UNMATCHED: "tab:red", BY_WEIGHTS: "tab:blue", BY_ACTIVATIONS: "tab:green"}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw children ("figure"), matched networks ("figure-matching") and averages."""
    return {
        "figure": _plot_children(result),
        "figure-matching": _plot_matching(result),
        "figure-averages": _plot_averages(result),
    }


def _plot_children(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(8, 2.2))
    models = result.model.to_numpy().tolist()
    *lines, barriers = figure.subplots(1, len(models) + 1)
    splits = result.split.to_numpy().tolist()
    shades = [to_hex(shade) for shade in colormaps["viridis"](np.linspace(0.9, 0, len(splits)))]
    for axes, model in zip(lines, models, strict=True):
        for split, shade in zip(splits, shades, strict=True):
            values = line_values(result, "children_test_error", model=model, split=split)
            _plot_curve(axes, result.place.to_numpy(), values.T, color=shade, label=f"{split}")
        axes.set(title=model, ylabel="Test error (%)", ylim=(0, None))
        axes.set_xticks([0, 0.5, 1], ["first child", "middle", "second child"])
    lines[-1].legend(title="split at step", title_fontsize=6, **BESIDE)
    for number, model in enumerate(models):
        found = [children_barrier(model, split, "test_error") for split in splits]
        _plot_measures(
            barriers, result, range(len(splits)), found, color=f"C{number}", marker=".", label=model
        )
    barriers.axhline(STABLE, linestyle="--", color="0.5", linewidth=0.6)
    barriers.set(xlabel="Split at step", ylabel="Barrier of the test error (points)")
    barriers.set(ylim=(0, None))
    barriers.set_xticks(range(len(splits)), splits)
    barriers.legend()
    for axes, letter in zip((*lines, barriers), "abc", strict=False):
        style.panel_letter(axes, letter)
    return figure


def _plot_matching(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(8, 2.2))
    line, *panels = figure.subplots(1, 3)
    widths = result.width.to_numpy().tolist()
    for matching in MATCHINGS:
        how = {"color": COLOURS[matching], "label": matching}
        place = {"width": widths[-1], "matching": matching}
        values = line_values(result, "independent_train_loss", **place)
        _plot_curve(line, result.place.to_numpy(), values.T, **how)
        for axes, measure in zip(panels, ("train_loss", "test_error"), strict=True):
            found = [independent_barrier(width, matching, measure) for width in widths]
            _plot_measures(axes, result, widths, found, marker=".", **how)
    line.set(title=f"Width {widths[-1]}", ylabel="Training loss (nats)", ylim=(0, None))
    line.set_xticks([0, 0.5, 1], ["first network", "middle", "second network"])
    for axes, label in zip(panels, ("training loss (nats)", "test error (points)"), strict=True):
        axes.set(xscale="log", xlabel="Width", ylabel=f"Barrier of the {label}", ylim=(0, None))
        axes.set_xticks(widths, [f"{width}" for width in widths])
        axes.minorticks_off()
    panels[1].axhline(STABLE, linestyle="--", color="0.5", linewidth=0.6)
    panels[1].legend(title="units of the second", title_fontsize=6, **BESIDE)
    for axes, letter in zip((line, *panels), "abc", strict=True):
        style.panel_letter(axes, letter)
    return figure


def _plot_averages(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.2))
    models = result.model.to_numpy().tolist()
    panels = figure.subplots(1, len(models), squeeze=False)[0]
    for axes, model, letter in zip(panels, models, "ab", strict=True):
        highs: list[float] = []
        for number, origin in enumerate(ORIGINS):
            found = [
                average_of(model, origin, averaged, "test_error")(result) for averaged in AVERAGES
            ]
            parts = ([each[part] for each in found] for part in range(3))
            highs += [each.high for each in found]
            places = np.arange(len(AVERAGES)) + 0.4 * (number - 0.5)
            colour = "tab:blue" if origin == LATE else "tab:orange"
            style.bars_with_interval(axes, places, *parts, width=0.4, color=colour, label=origin)
        _cut(axes, np.array(highs))
        axes.set(title=model, ylabel="Test error (%)")
        axes.set_xticks(range(len(AVERAGES)), AVERAGES)
        style.panel_letter(axes, letter)
    panels[-1].legend(**BESIDE)
    return figure


def _cut(axes: Axes, highs: np.ndarray) -> None:
    """Cut bars that would make all others small, and write how high they are.

    Those that are not cut keep their error bars, which end at `highs`, shape (bars,).
    """
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    heights = np.array([bar.get_height() for bar in bars])
    top = 2 * np.nanmedian(heights)
    if not np.isfinite(top) or top <= 0:
        return
    top = np.nanmax([top, *(1.02 * highs[heights <= top])])
    axes.set_ylim(0, top)
    for bar, height in zip(bars, heights, strict=True):
        if height > top:
            text = f"{height:.0f} \N{UPWARDS ARROW}"
            axes.text(bar.get_x() + bar.get_width() / 2, top, text, ha="center", va="bottom")


def _plot_curve(
    axes: Axes, x: Sequence[float] | np.ndarray, values: np.ndarray, **how: Any
) -> None:
    """Draw the means of values, shape (points, seeds), with bands."""
    found = [estimate(each) for each in values]
    style.line_with_interval(axes, x, *([each[part] for each in found] for part in range(3)), **how)


def _plot_measures(
    axes: Axes, result: xr.Dataset, x: Sequence[float], measures: Sequence[Measure], **how: Any
) -> None:
    """Draw measures with bands."""
    found = [measure(result) for measure in measures]
    style.line_with_interval(axes, x, *([each[part] for each in found] for part in range(3)), **how)
