"""Accuracy from task to task, and what changes in the networks meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Any

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
    "update; bands are 95 % intervals over trials. (a) Tasks of random labels, without a remedy: "
    "one network for all tasks, and (dashed) a new one for each. (b) The same tasks, with Adam and "
    "remedies. (c) Tasks of permuted inputs.",
    "figure-units": "What changes in networks that learn random labels in turn, after the last "
    "update of each task: (a) share of the hidden units that are 0 for all samples, (b) mean "
    "absolute weight, (c) effective rank of the second layer's outputs. Bands are 95 % intervals "
    "over trials.",
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

BELOW: Mapping[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.22), "ncols": 2}
"""Where legends are, as curves take all of a panel."""


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw accuracies over the tasks ("figure"), and units, weights and ranks ("figure-units")."""
    return {"figure": _plot_accuracies(result), "figure-units": _plot_units(result)}


def _plot_accuracies(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.6))
    panels = figure.subplots(1, 3, sharey=True)
    shown = (
        (LABELS, BARE, "Random labels"),
        (LABELS, (ADAM, *REMEDIES), "Random labels, Adam with remedies"),
        (ORDERS, (ADAM, NEW), "Permuted inputs"),
    )
    for axes, (kind, trainings, title) in zip(panels, shown, strict=True):
        for training in trainings:
            _plot_curve(axes, result, ("accuracy", kind, training), 100)
        axes.set(xlabel="Task", ylim=(0, 100), title=title)
        axes.legend(**BELOW)
    panels[0].set_ylabel("Accuracy while learning the task (%)")
    _letter(panels)
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
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    _letter(panels)
    return figure


def _plot_curve(axes: Axes, result: xr.Dataset, what: tuple[str, str, str], scale: float) -> None:
    name, kind, training = what
    values = result[name].sel({"kind": kind, "training": training}).transpose("task", "seed")
    found = [estimate(scale * each) for each in values.to_numpy().astype(float)]
    parts = (np.array([each[part] for each in found]) for part in range(3))
    style.line_with_interval(
        axes,
        result.task.to_numpy(),
        *parts,
        color=COLOURS[training],
        linestyle="--" if training in NEW_ONES else "-",
        label=training,
    )


def _letter(panels: Sequence[Axes]) -> None:
    for axes, letter in zip(panels, "abc", strict=True):
        style.panel_letter(axes, letter)
