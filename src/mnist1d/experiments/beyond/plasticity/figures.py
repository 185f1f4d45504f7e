"""Accuracy from task to task, and what changes in the networks meanwhile."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.beyond.plasticity.config import (
    ADAM,
    L2,
    L2_START,
    LABELS,
    NEW,
    NORM,
    NORM_L2,
    ORDERS,
    REPLACE,
    SGD,
    SGD_NEW,
    SHRINK,
)
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import estimate

CAPTIONS = {
    "figure": "How well a task is learned: accuracy of the batches of a task, each before its "
    "update. Points are means over a twenty-fifth of the tasks, bands 95 % intervals over trials. "
    "(a) Tasks of random labels, without a remedy: one network for all tasks, and (dashed) a new "
    "one for each. (b) The same tasks, with Adam and remedies. (c) Tasks of permuted inputs.",
    "figure-units": "What changes in networks that learn random labels in turn, after the last "
    "update of each task: (a) share of the hidden units that are 0 for all samples, (b) mean "
    "absolute weight, (c) effective rank of the second layer's outputs. Points and bands as in "
    "the other figure.",
}

COLOURS = {
    ADAM: "tab:red",
    NEW: "black",
    SGD: "tab:blue",
    SGD_NEW: "tab:blue",
    L2: "tab:orange",
    L2_START: "tab:brown",
    SHRINK: "tab:pink",
    REPLACE: "tab:green",
    NORM: "tab:cyan",
    NORM_L2: "tab:purple",
}
NEW_ONES = (NEW, SGD_NEW)
BARE = (ADAM, NEW, SGD, SGD_NEW)
REMEDIES = (NORM_L2, REPLACE, L2_START, L2, NORM, SHRINK)
INSIDE = (ADAM, NEW, *REMEDIES)

N_POINTS = 25
"""Points of a curve, each a mean over neighbouring tasks: single tasks differ by chance."""


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw accuracies over the tasks ("figure"), and units, weights and ranks ("figure-units")."""
    return {"figure": _plot_accuracies(result), "figure-units": _plot_units(result)}


def _plot_accuracies(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.6))
    panels = figure.subplots(1, 3, sharey=True)
    shown = (
        (LABELS, BARE, "Random labels"),
        (LABELS, INSIDE, "Random labels, with remedies"),
        (ORDERS, (ADAM, NEW), "Permuted inputs"),
    )
    for axes, (kind, trainings, title) in zip(panels, shown, strict=True):
        for training in trainings:
            _plot_curve(axes, result, ("accuracy", kind, training), 100)
        axes.set(xlabel="Task", ylim=(0, 100), title=title)
    panels[0].set_ylabel("Accuracy while learning the task (%)")
    _finish(figure, panels)
    return figure


def _plot_units(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.6))
    panels = figure.subplots(1, 3)
    shown = (
        ("dead_units", 100, "Dead units (%)"),
        ("weight_size", 1, "Mean absolute weight"),
        ("effective_rank", 1, "Effective rank"),
    )
    for axes, (name, scale, label) in zip(panels, shown, strict=True):
        for training in INSIDE:
            _plot_curve(axes, result, (name, LABELS, training), scale)
        axes.set(xlabel="Task", ylabel=label, ylim=(0, None))
    _finish(figure, panels)
    return figure


def _plot_curve(axes: Axes, result: xr.Dataset, what: tuple[str, str, str], scale: float) -> None:
    name, kind, training = what
    values = result[name].sel({"kind": kind, "training": training}).transpose("task", "seed")
    places = np.array_split(np.arange(result.sizes["task"]), N_POINTS)
    places = [place for place in places if len(place)]
    ordered = values.to_numpy().astype(float)
    found = [estimate(scale * ordered[place].mean(axis=0)) for place in places]
    parts = (np.array([each[part] for each in found]) for part in range(3))
    tasks = result.task.to_numpy()
    style.line_with_interval(
        axes,
        [tasks[place].mean() for place in places],
        *parts,
        color=COLOURS[training],
        linestyle="--" if training in NEW_ONES else "-",
        label=training,
    )


def _finish(figure: Figure, panels: Sequence[Axes]) -> None:
    """Write letters, and below all panels what the lines are."""
    for axes, letter in zip(panels, "abc", strict=True):
        style.panel_letter(axes, letter)
    lines = {
        name: line
        for axes in panels
        for line, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=4)
