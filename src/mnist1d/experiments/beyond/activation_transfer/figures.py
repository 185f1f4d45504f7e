"""The learned functions, and what they are ahead of known ones in networks of all sizes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.beyond.activation_transfer.claims import (
    MEAN_OF_THREE,
    TITLES,
    accuracy,
    advantage,
)
from mnist1d.experiments.beyond.activation_transfer.config import ARCHITECTURES
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import interval

LINES: Mapping[str, Mapping[str, Any]] = {
    "relu": {"color": "black", "linestyle": ":"},
    "elu": {"color": "black", "linestyle": "--"},
    "swish": {"color": "black", "linestyle": "-."},
    "gelu": {"color": "0.65"},
    "tanh": {"color": "0.65", "linestyle": "--"},
    "snake": {"color": "tab:green"},
    "sine": {"color": "tab:purple"},
    "learned in MLP": {"color": "tab:orange", "linewidth": 1.75},
    "learned in CNN": {"color": "tab:blue", "linewidth": 1.75},
}
LABELS = {
    "table-1": "Table 1",
    "2-times-as-wide": "2 times\nas wide",
    "4-times-as-wide": "4 times\nas wide",
    "1-layer-more": "1 layer\nmore",
    "2-layers-more": "2 layers\nmore",
}

CAPTIONS = {
    "figure": "The functions learned in the MLP and in the CNN of Table 1, one line per trial, and "
    f"how much higher than {MEAN_OF_THREE} the test accuracy is with every function, each at its "
    "best learning rate, in networks of both architectures; bands are 95 % intervals over trials "
    "of the learned functions.",
    "figure-learning": "The objective while functions are learned: mean loss of the later batches "
    "of a training with the function, on initial weights and batches of its own; one line per "
    "trial. Points: the functions that are used, those with the lowest mean of five steps.",
    "figure-accuracy": "Test accuracy with every function in all networks; bands are 95 % "
    "intervals over trials of the learned functions.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw functions and advantages ("figure"), their learning, and accuracies."""
    return {
        "figure": _plot_advantages(result),
        "figure-learning": _plot_learning(result),
        "figure-accuracy": _plot_accuracies(result),
    }


def _plot_advantages(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(7, 2.4))
    functions, *panels = figure.subplots(1, 3, width_ratios=(1, 1.4, 1.4))
    _plot_functions(functions, result)
    for axes, architecture in zip(panels, ARCHITECTURES, strict=True):
        axes.axhline(0, color="0.8", linewidth=0.5, zorder=0)
        _plot_sizes(axes, result, architecture, advantage)
        axes.set(title=f"In the {architecture} (n = {result.sizes['seed']})")
    panels[0].set(ylabel="Ahead of ReLU, ELU and Swish (points)")
    panels[1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    for axes, letter in zip((functions, *panels), "abc", strict=True):
        style.panel_letter(axes, letter)
    return figure


def _plot_functions(axes: Axes, result: xr.Dataset) -> None:
    for side in ("h", "v"):
        getattr(axes, f"ax{side}line")(0, color="0.8", linewidth=0.5, zorder=0)
    for source in ARCHITECTURES:
        for seed in range(result.sizes["seed"]):
            axes.plot(
                result.place,
                result.learned.sel(source=source)[seed],
                color=LINES[f"learned in {source}"]["color"],
                label=f"in the {source}" if seed == 0 else None,
            )
    axes.plot(result.place, np.maximum(result.place, 0), label="ReLU", **LINES["relu"])
    axes.set(title="Learned functions", xlabel="Input", ylabel="Output", xlim=(-5, 5), ylim=(-3, 5))
    axes.legend(loc="lower right", labelspacing=0.2)


def _plot_sizes(axes: Axes, result: xr.Dataset, architecture: str, measure: Any) -> None:
    """Draw a measure of every function over the networks of an architecture."""
    sizes = result["size"].to_numpy().tolist()
    for function in result.function.to_numpy().tolist():
        found = [measure(architecture, size, function)(result) for size in sizes]
        mean, *ends = ([each[part] for each in found] for part in range(3))
        # Nine bands would hide each other; the table has all intervals.
        low, high = ends if function.startswith("learned") else [[np.nan] * len(sizes)] * 2
        style.line_with_interval(
            axes,
            np.arange(len(sizes)),
            mean,
            low,
            high,
            marker=".",
            label=TITLES[function],
            **LINES[function],
        )
    axes.set_xticks(range(len(sizes)), [LABELS[size] for size in sizes])


def _plot_learning(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(4.5, 2))
    panels = figure.subplots(1, 2)
    for axes, source in zip(panels, ARCHITECTURES, strict=True):
        found = result.objective.sel(source=source).transpose("seed", "outer_step").to_numpy()
        colour = LINES[f"learned in {source}"]["color"]
        axes.plot(result.outer_step, found.T, color=colour, linewidth=0.4, alpha=0.6)
        axes.plot(result.outer_step, interval(found)[0], color="black", label="mean")
        best = result.best_step.sel(source=source).to_numpy()
        axes.plot(best, found[np.arange(len(best)), best], "o", color=colour, label="chosen")
        axes.set(title=f"Learning in the {source}", xlabel="Outer training step")
    panels[0].set(ylabel="Mean loss of later batches (nats)")
    panels[0].legend()
    return figure


def _plot_accuracies(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.5, 2.6))
    panels = figure.subplots(1, 2)
    for axes, architecture in zip(panels, ARCHITECTURES, strict=True):
        _plot_sizes(axes, result, architecture, accuracy)
        axes.set(title=f"{architecture} (n = {result.sizes['seed']})")
    panels[0].set(ylabel="Test accuracy (%)")
    panels[1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
