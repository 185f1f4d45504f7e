"""The figure of a comparison."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d import plotting
from mnist1d.uncertainty import interval

_PAPER_WIDTH = 6.75
_LONGEST_NAME = 28
_GREY = "0.55"


def draw(result: xr.Dataset, differences: Sequence[Any]) -> Figure:
    """Draw a comparison: a panel per question, all candidates in the same order and colour.

    Args:
        result: the labelled result.
        differences: between its candidates.
    """
    accuracy = result.test_accuracy
    names = [str(name) for name in result.candidate.values]
    shown = [name for name in names if np.isfinite(accuracy.sel(candidate=name)).any()]
    own = [name for name in shown if not bool(result.is_reference.sel(candidate=name))]
    # Colours are the user's; the paper's models are the grey background.
    palette = mpl.colormaps["tab10"]
    colours: dict[str, Any] = {name: palette(i % 10) for i, name in enumerate(own)}
    colours |= {name: _GREY for name in shown if name not in colours}
    panels: list[tuple[str, int, Callable[[Axes], None]]] = [
        ("accuracy", len(shown), lambda axes: _accuracies(axes, result, shown, colours))
    ]
    if differences:
        panels.append(("differences", len(differences), lambda a: _differences(a, differences)))
    if "shuffled_accuracy" in result:
        panels.append(("drop", len(shown), lambda axes: _drops(axes, result, shown, colours)))
    if "shift_accuracy" in result:
        n = len(shown) + 1
        panels.append(("shifts", n, lambda axes: _shifts(axes, result, shown, colours)))
    if "size_accuracy" in result:
        n = max(len(shown), 8)
        panels.append(("sizes", n, lambda axes: _sizes(axes, result, shown, colours)))
    rows = [panels[i : i + 2] for i in range(0, len(panels), 2)]
    heights = [0.55 + 0.155 * max(n for _, n, _ in row) for row in rows]
    figure = Figure(figsize=(_PAPER_WIDTH, max(1.2, sum(heights))))
    grid = figure.add_gridspec(len(rows), 2, height_ratios=heights)
    for i, row in enumerate(rows):
        for j, (_, _, fill) in enumerate(row):
            axes = figure.add_subplot(grid[i, j] if len(row) > 1 else grid[i, :])
            fill(axes)
            axes.set_title(f"{'abcdefgh'[2 * i + j]}  {axes.get_title()}", loc="left")
            axes.set_title("", loc="center")
    return figure


def _list(axes: Axes, labels: Sequence[str]) -> np.ndarray:
    """Give every label a line of the axes, the first on top, and return their heights."""
    heights = np.arange(len(labels))[::-1]
    axes.set_yticks(heights, labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    return heights


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _points(axes: Axes, height: float, values: np.ndarray, colour: Any) -> None:
    """Draw the seeds as dots, and over them mean and interval."""
    mean, low, high = (float(each) for each in interval(values))
    axes.plot(
        values, np.full(len(values), height), "o", color=colour, markersize=2.5, alpha=0.4, mew=0
    )
    if np.isfinite(low):
        axes.plot([low, high], [height, height], color=colour, linewidth=1)
    axes.plot([mean], [height], "|", color=colour, markersize=8, mew=1.2)


def _accuracies(
    axes: Axes, result: xr.Dataset, names: Sequence[str], colours: dict[str, Any]
) -> None:
    for name, height in zip(names, _list(axes, [_short(n) for n in names]), strict=True):
        values = 100 * result.test_accuracy.sel(candidate=name).to_numpy()
        _points(axes, height, values, colours[name])
    axes.set(title="Test accuracy, every seed a dot", xlabel="Accuracy (%)")


def _drops(axes: Axes, result: xr.Dataset, names: Sequence[str], colours: dict[str, Any]) -> None:
    for name, height in zip(names, _list(axes, [_short(n) for n in names]), strict=True):
        each = result.sel(candidate=name)
        drop = 100 * (each.test_accuracy - each.shuffled_accuracy).to_numpy()
        _points(axes, height, drop, colours[name])
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set(title="Drop by shuffling the positions", xlabel="Percentage points")


def _differences(axes: Axes, differences: Sequence[Any]) -> None:
    labels = [f"{_short(each.first)} - {_short(each.second)}" for each in differences]
    heights = _list(axes, labels)
    for each, height in zip(differences, heights, strict=True):
        mean, low, high, *_ = each.estimate
        colour = "black" if each.told_apart else "0.6"
        if np.isfinite(low):
            axes.plot([low, high], [height, height], color=colour, linewidth=1)
        axes.plot([mean], [height], "o", color=colour, markersize=3)
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set(
        title="Paired differences (black: told apart)", xlabel="Percentage points of test accuracy"
    )


def _shifts(axes: Axes, result: xr.Dataset, names: Sequence[str], colours: dict[str, Any]) -> None:
    """Draw every shifted test set as a column of means, with the test set first."""
    labels = ["test set", *(str(name) for name in result.test_set.values)]
    for i, name in enumerate(names):
        each = result.sel(candidate=name)
        columns = [
            each.test_accuracy,
            *(each.shift_accuracy.sel(test_set=s) for s in result.test_set),
        ]
        means, low, high = interval(100 * np.stack([np.asarray(c) for c in columns], axis=1))
        at = np.arange(len(labels)) + 0.5 * (i - (len(names) - 1) / 2) / max(len(names), 1)
        known = np.isfinite(low)
        axes.errorbar(
            at[known],
            means[known],
            yerr=[(means - low)[known], (high - means)[known]],
            fmt="none",
            ecolor=colours[name],
            elinewidth=0.7,
        )
        axes.plot(at, means, _MARKERS[i % len(_MARKERS)], color=colours[name], label=_short(name))
    axes.set_xticks(np.arange(len(labels)), labels)
    axes.set(title="Shifted test sets", ylabel="Accuracy (%)")
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    _legend(axes)


def _sizes(axes: Axes, result: xr.Dataset, names: Sequence[str], colours: dict[str, Any]) -> None:
    sizes = result.train_size.to_numpy()
    for i, name in enumerate(names):
        values = 100 * result.size_accuracy.sel(candidate=name).transpose("seed", "train_size")
        plotting.line_with_interval(
            axes,
            sizes,
            *interval(values.to_numpy()),
            color=colours[name],
            marker=_MARKERS[i % len(_MARKERS)],
            label=_short(name),
        )
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set(title="Number of training samples", xlabel="Training samples", ylabel="Accuracy (%)")
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    _legend(axes)


_MARKERS = ("o", "s", "^", "v", "D", "P", "X", "<", ">", "*")


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0, handlelength=1.5)
