"""Runs of neighbouring weights above chance, and the accuracy of the tickets."""

from collections.abc import Callable
from functools import partial
from string import ascii_lowercase
from typing import Any

import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.beyond.ticket_locality.claims import NUMBERS, excess, reference_width
from mnist1d.experiments.beyond.ticket_locality.config import LENGTHS, ORDERS, PRUNINGS
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.expressions import Measure, value

CAPTIONS = {
    "figure": "Runs of neighbouring weights in the first layer of lottery tickets, more than in "
    "random masks with as many weights per unit and per input, by the number of training "
    "samples. (a) Pairs, and runs of three and four, of 500 units; dotted: after the "
    "positions were shuffled. (b) Runs of three by width. (c) Runs of three, pruned in rounds and "
    "at once. Bands are 95 % intervals over trials.",
    "figure-accuracy": "Test accuracy of dense networks and of tickets, by width.",
}
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red")


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw locality ("figure") and accuracies ("figure-accuracy") over the number of samples."""
    return {"figure": _plot_locality(result), "figure-accuracy": _plot_accuracy(result)}


def _plot_locality(result: xr.Dataset) -> Figure:
    units = reference_width(result)
    figure = Figure(figsize=(6.75, 2.1))
    lengths, widths, prunings = figure.subplots(1, 3, sharey=True)
    for length, colour in zip(LENGTHS, COLOURS, strict=False):
        for order, line in zip(ORDERS, ("-", ":"), strict=True):
            curve = partial(_excess, length, width=units, order=order)
            label = NUMBERS[length] if order == ORDERS[0] else None
            _plot_line(lengths, result, curve, color=colour, linestyle=line, label=label)
    for width, colour in zip(result.width.to_numpy().tolist(), COLOURS, strict=False):
        curve = partial(_excess, 3, width=width)
        _plot_line(widths, result, curve, color=colour, label=f"{width} units")
    for pruning, colour in zip(PRUNINGS, COLOURS, strict=False):
        curve = partial(_excess, 3, width=units, pruning=pruning)
        _plot_line(prunings, result, curve, color=colour, label=f"pruned {pruning}")
    lengths.set(ylabel="Above chance, per 100 weights", title=f"{units} units")
    widths.set(title="Runs of three")
    prunings.set(title=f"Runs of three, {units} units")
    for axes, letter in zip((lengths, widths, prunings), "abc", strict=True):
        axes.axhline(0, color="#aaaaaa", linewidth=0.5, zorder=0.5)
        _finish(axes, letter)
    return figure


def _plot_accuracy(result: xr.Dataset) -> Figure:
    widths = result.width.to_numpy().tolist()
    figure = Figure(figsize=(6.75, 2))
    panels = figure.subplots(1, len(widths), sharey=True, squeeze=False)[0]
    curves: dict[str, dict[str, Any]] = {"dense": {"name": "dense_accuracy"}}
    for pruning in PRUNINGS:
        curves[f"pruned {pruning}"] = {"name": "ticket_accuracy", "pruning": pruning}
    for axes, width, letter in zip(panels, widths, ascii_lowercase, strict=False):
        for (label, what), colour in zip(curves.items(), ("black", *COLOURS), strict=False):
            curve = partial(_accuracy, width=width, **what)
            _plot_line(axes, result, curve, color=colour, label=label)
        axes.set(title=f"{width} units")
        _finish(axes, letter)
    panels[0].set(ylabel="Test accuracy (%)")
    return figure


def _excess(length: int, size: int, **place: Any) -> Measure:
    return excess(length, n_samples=size, **place)


def _accuracy(size: int, *, name: str, **place: Any) -> Measure:
    return value(name, scale=100, limits=(0, 100), n_samples=size, **place)


def _plot_line(
    axes: Axes, result: xr.Dataset, measure: Callable[[int], Measure], **appearance: Any
) -> None:
    """Draw a measure over the number of training samples."""
    sizes = result.n_samples.to_numpy().tolist()
    found = [measure(size)(result) for size in sizes]
    parts = ([each[part] for each in found] for part in range(3))
    style.line_with_interval(axes, sizes, *parts, marker=".", **appearance)


def _finish(axes: Axes, letter: str) -> None:
    axes.set(xscale="log", xlabel="Training samples")
    axes.legend()
    style.panel_letter(axes, letter)
