"""The figure of a comparison."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.figures import style
from mnist1d.figures.style import Figure
from mnist1d.lab.statistics.plan import Plan
from mnist1d.lab.statistics.yardsticks import notes_of, shown as with_note
from mnist1d.measures.uncertainty import interval

_PAPER_WIDTH = 6.75
_LONGEST_NAME = 26
_MOST_PAIRS = 30
_FEW = 10
_GREY = "0.55"


def draw(result: xr.Dataset, differences: Sequence[Any]) -> Figure:
    """Draw a comparison: a panel per measure, all candidates in the same order and colour.

    Args:
        result: the labelled result.
        differences: of the planned pairs.
    """
    own, paper = _in_order(result)
    notes, margin = notes_of(result), Plan.of(result).margin
    shown = {name: _short(with_note(name, notes)) for name in (*own, *paper)}
    # The user's candidates are coloured, the paper's models grey.
    colours: dict[str, Any] = dict(zip(own, _palette(len(own)), strict=True))
    colours |= dict.fromkeys(paper, _GREY)
    few = sorted(differences, key=_certainty)[:_MOST_PAIRS]
    pairs = [each for each in differences if each in few]
    n_lines = {"accuracy": len(shown), "drop": len(shown), "pairs": len(pairs)}
    n_lines |= {"shifts": max(len(shown), 7), "sizes": max(len(shown), 7)}
    panels: dict[str, Callable[[Axes], None]] = {
        "accuracy": lambda axes: _accuracies(axes, result, shown, colours)
    }
    if "shuffled_accuracy" in result:
        panels["drop"] = lambda axes: _drops(axes, result, shown, colours)
    if pairs:
        panels["pairs"] = lambda axes: _differences(axes, pairs, len(differences), shown, margin)
    if "shift_accuracy" in result:
        panels["shifts"] = lambda axes: _shifts(axes, result, shown, colours)
    if "size_accuracy" in result:
        panels["sizes"] = lambda axes: _sizes(axes, result, shown, colours)
    names = list(panels)
    rows = [names[i : i + 2] for i in range(0, len(names), 2)]
    heights = [0.6 + 0.145 * max(n_lines[name] for name in row) for row in rows]
    figure = Figure(figsize=(_PAPER_WIDTH, max(1.2, sum(heights))))
    grid = figure.add_gridspec(len(rows), 2, height_ratios=heights)
    for i, row in enumerate(rows):
        for j, name in enumerate(row):
            axes = figure.add_subplot(grid[i, j] if len(row) > 1 else grid[i, :])
            panels[name](axes)
            axes.set_title(f"{'abcde'[2 * i + j]}  {axes.get_title()}", loc="left")
            axes.set_title("", loc="center")
    return figure


def _palette(n: int) -> Sequence[Any]:
    """Return different colours; with more than ten, neighbours are similar."""
    if n <= _FEW:
        return list(mpl.colormaps["tab10"](np.arange(n)))
    return list(mpl.colormaps["turbo"](np.linspace(0.03, 0.97, n)))


def _certainty(difference: Any) -> tuple[bool, float]:
    """Return a sort key: differences with the smallest p value first, those without one last."""
    return not np.isfinite(difference.p_value), difference.p_value


def _in_order(result: xr.Dataset) -> tuple[list[str], list[str]]:
    """Name the candidates and the paper's models that have a result, the best first."""
    mean = {
        str(name): float(np.nanmean(values))
        for name, values in zip(result.candidate.values, result.test_accuracy.values, strict=True)
        if np.isfinite(values).any()
    }
    ranked = sorted(mean, key=lambda name: -mean[name])
    paper = [name for name in ranked if bool(result.is_reference.sel(candidate=name))]
    return [name for name in ranked if name not in paper], paper


def _list(axes: Axes, labels: Sequence[str]) -> np.ndarray:
    """Write labels along the vertical axis, the first on top, and return their heights."""
    heights = np.arange(len(labels))[::-1]
    axes.set_yticks(heights, labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    return heights


def _short(name: str) -> str:
    """Shorten a name in the middle, as similar names differ at either end."""
    if len(name) > _LONGEST_NAME:
        half = (_LONGEST_NAME - 2) // 2
        name = f"{name[:half]}...{name[-half + 1 :]}"
    if name.startswith("_"):
        name = f" {name}"  # otherwise it would be in no legend
    return name.replace("$", r"\$")  # no formula


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
    axes: Axes, result: xr.Dataset, names: Mapping[str, str], colours: dict[str, Any]
) -> None:
    for name, height in zip(names, _list(axes, list(names.values())), strict=True):
        values = 100 * result.test_accuracy.sel(candidate=name).to_numpy()
        _points(axes, height, values, colours[name])
    axes.set(title="Test accuracy, every seed a dot", xlabel="Accuracy (%)")


def _drops(
    axes: Axes, result: xr.Dataset, names: Mapping[str, str], colours: dict[str, Any]
) -> None:
    for name, height in zip(names, _list(axes, list(names.values())), strict=True):
        each = result.sel(candidate=name)
        drop = 100 * (each.test_accuracy - each.shuffled_accuracy).to_numpy()
        _points(axes, height, drop, colours[name])
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set(title="Drop by shuffling the positions", xlabel="Percentage points")


def _differences(
    axes: Axes, differences: Sequence[Any], n_all: int, names: Mapping[str, str], margin: float
) -> None:
    labels = [f"{names[each.first]} - {names[each.second]}" for each in differences]
    heights = _list(axes, labels)
    for each, height in zip(differences, heights, strict=True):
        mean, low, high, *_ = each.estimate
        colour = "black" if each.told_apart else "0.6"
        if np.isfinite(low):
            axes.plot([low, high], [height, height], color=colour, linewidth=1)
        axes.plot([mean], [height], "o", color=colour, markersize=3)
    axes.axvspan(-margin, margin, color="0.92", linewidth=0, zorder=0)
    axes.axvline(0, color="black", linewidth=0.5)
    some = f", {len(differences)} of {n_all}" if len(differences) < n_all else ""
    axes.set(
        title=f"Planned differences{some}",
        xlabel=f"Points (black: significant; band: ±{margin:g})",
    )


def _shifts(
    axes: Axes, result: xr.Dataset, names: Mapping[str, str], colours: dict[str, Any]
) -> None:
    """Draw every shifted test set as a column of means, with the test set first."""
    labels = ["test set", *(_short(str(name)) for name in result.test_set.values)]
    for i, (name, label) in enumerate(names.items()):
        each = result.sel(candidate=name)
        columns = [
            each.test_accuracy,
            *(each.shift_accuracy.sel(test_set=s) for s in result.test_set),
        ]
        means, low, high = interval(100 * np.stack([np.asarray(c) for c in columns], axis=1))
        at = np.arange(len(labels)) + 0.5 * (i - (len(names) - 1) / 2) / max(len(names), 1)
        style.error_bars(axes, at, means, low, high, ecolor=colours[name], elinewidth=0.7)
        marker = _MARKERS[i % len(_MARKERS)]
        axes.plot(at, means, marker, color=colours[name], markersize=3, label=label)
    axes.set_xticks(np.arange(len(labels)), labels)
    axes.tick_params(axis="x", rotation=35)
    for tick in axes.get_xticklabels():
        tick.set(ha="right", rotation_mode="anchor")
    axes.set(title="Shifted test sets", ylabel="Accuracy (%)")
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    _legend(axes)


def _sizes(
    axes: Axes, result: xr.Dataset, names: Mapping[str, str], colours: dict[str, Any]
) -> None:
    sizes = result.train_size.to_numpy()
    for i, (name, label) in enumerate(names.items()):
        values = 100 * result.size_accuracy.sel(candidate=name).transpose("seed", "train_size")
        style.line_with_interval(
            axes,
            sizes,
            *interval(values.to_numpy()),
            color=colours[name],
            marker=_MARKERS[i % len(_MARKERS)],
            markersize=3,
            label=label,
        )
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set(title="Number of training samples", xlabel="Training samples", ylabel="Accuracy (%)")
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    _legend(axes)


_MARKERS = ("o", "s", "^", "v", "D", "P", "X", "<", ">", "*")


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:  # none if no candidate has a result
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0, handlelength=1.5)
