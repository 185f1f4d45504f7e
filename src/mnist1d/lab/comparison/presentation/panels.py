"""The panels of a comparison's figures; each fills the cells of a grid that it is given."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import FuncFormatter, LogLocator

from mnist1d.figures import style
from mnist1d.figures.style import Figure
from mnist1d.lab.comparison.presentation.drawing import (
    Row,
    label_ends,
    list_measure,
    list_rows,
    seeds,
    short,
)
from mnist1d.lab.statistics.plan import Plan
from mnist1d.lab.statistics.stored import SECONDS_TO_TARGET, count_not_reached, measure
from mnist1d.measures.uncertainty import interval

_MOST_PAIRS = 30
_SHORT = 30


def accuracies(axes: Axes, result: xr.Dataset, rows: Sequence[Row]) -> None:
    """Draw the test accuracy of every candidate."""
    list_measure(axes, rows, _values(result, rows, "test_accuracy", 100))
    axes.set(title="Test accuracy, every seed a dot", xlabel="Accuracy (%)")


def drops(axes: Axes, result: xr.Dataset, rows: Sequence[Row]) -> None:
    """Draw what every candidate loses by shuffled positions."""
    list_measure(axes, rows, _values(result, rows, "shuffled_drop", 100))
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set(title="Drop by shuffling the positions", xlabel="Percentage points")


def chosen_pairs(differences: Sequence[Any], most: int = _MOST_PAIRS) -> list[Any]:
    """Return the differences with the smallest p values, in their order, if there are many."""
    few = sorted(differences, key=lambda each: (not np.isfinite(each.p_value), each.p_value))[:most]
    return [each for each in differences if each in few]


def pairs(
    axes: Axes, result: xr.Dataset, rows: Sequence[Row], chosen: Sequence[Any], n_all: int
) -> None:
    """Draw the differences of planned pairs: every seed a dot, mean and interval."""
    plan, labels = Plan.of(result), {row.name: row.label for row in rows}
    title = "Planned differences" + (f", {len(chosen)} of {n_all}" if len(chosen) < n_all else "")
    if plan.baseline is None:
        lines = [f"{labels[each.first]} - {labels[each.second]}" for each in chosen]
    else:
        lines = [labels[each.first] for each in chosen]
        title += f": each minus {labels.get(plan.baseline, plan.baseline)}"
    for each, height in zip(chosen, list_rows(axes, lines), strict=True):
        seeds(axes, height, np.array(each.estimate.values), "black" if each.told_apart else "0.6")
    axes.axvspan(-plan.margin, plan.margin, color="0.92", linewidth=0, zorder=0)
    axes.axvline(0, color="black", linewidth=0.5)
    about = f"black: significant; band: within ±{plan.margin:g}"
    axes.set(title=title, xlabel=f"Points of test accuracy ({about})")


def shifts(
    figure: Figure, cell: SubplotSpec, result: xr.Dataset, rows: Sequence[Row]
) -> list[Axes]:
    """Draw the accuracy on every shifted test set beside that on the test set."""
    of_sets = {"test set": _values(result, rows, "test_accuracy", 100)}
    for name in result.test_set.values:
        of_sets[str(name)] = _values(result.sel(test_set=name), rows, "shift_accuracy", 100)
    parts = side_by_side(figure, cell, len(of_sets), share_x=True)
    for axes, (name, values) in zip(parts, of_sets.items(), strict=True):
        list_measure(axes, rows, values)
        axes.set(title=short(name), xlabel="Accuracy (%)")
    return parts


def sizes(axes: Axes, result: xr.Dataset, rows: Sequence[Row], height: float) -> None:
    """Draw the accuracy by number of training samples, and the names at the lines' ends."""
    at, ends = result.train_size.to_numpy(), []
    for row in rows:
        values = 100 * result.size_accuracy.sel(candidate=row.name)
        found = interval(values.transpose("seed", "train_size").to_numpy())
        look = {"color": row.colour, "marker": row.marker, "markersize": 3}
        style.line_with_interval(axes, at, *found, **look)
        ends.append((found[0][-1], row.label, row.colour))
    axes.set_xscale("log")
    axes.set_xticks(at, [f"{size:,}" for size in at])
    axes.minorticks_off()
    axes.set(title="Number of training samples", xlabel="Training samples", ylabel="Accuracy (%)")
    axes.margins(x=0.01)
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    label_ends(axes, ends, height)


def curves(axes: Axes, result: xr.Dataset, rows: Sequence[Row], name: str, height: float) -> None:
    """Draw a curve over training steps: the mean over seeds and its interval.

    Args:
        axes: where to draw.
        result: the labelled result.
        rows: the candidates.
        name: "validation_accuracy" or "train_loss".
        height: of the axes, in inches.
    """
    is_loss = name == "train_loss"
    at, ends, drawn = result.step.to_numpy(), [], []
    for row in rows:
        values = result[name].sel(candidate=row.name).transpose("seed", "step").to_numpy()
        mean, low, high = _of_losses(values) if is_loss else interval(100 * values)
        if not np.isfinite(mean).any():  # a candidate without a loss
            continue
        # One without steps is a point, after training.
        look = {} if np.isfinite(mean[:-1]).any() else {"marker": row.marker, "markersize": 3}
        style.line_with_interval(axes, at, mean, low, high, color=row.colour, **look)
        ends.append((mean[np.isfinite(mean)][-1], row.label, row.colour))
        drawn.append(values[np.isfinite(values) & (values > 0)])
    axes.set_xlabel("Training step")
    axes.margins(x=0.01)
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    if is_loss:
        axes.set(title="Training loss, geometric mean", ylabel="Mean since the last evaluation")
        known = np.concatenate([*drawn, []])
        if len(known):
            # Intervals of two runs may reach over many powers of ten.
            axes.set(yscale="log", ylim=(known.min() / 1.5, known.max() * 1.5))
    else:
        axes.set(title="Validation accuracy", ylabel="Accuracy (%)")
    label_ends(axes, ends, height)


def _of_losses(values: np.ndarray) -> np.ndarray:
    """Return geometric mean of losses, shape (seeds, steps), and its interval.

    An interval of losses themselves often reaches below 0, which a logarithmic axis does not have.
    """
    above = values[values > 0]
    least = above.min() if len(above) else 1.0  # stands for 0
    found: np.ndarray = np.exp(np.clip(interval(np.log(np.maximum(values, least))), -700, 700))
    return found


def times(figure: Figure, cell: SubplotSpec, result: xr.Dataset, rows: Sequence[Row]) -> list[Axes]:
    """Draw accuracy, time of a run, and time and steps to the target, in the same order."""
    target = f"{100 * json.loads(result.attrs['config'])['target_accuracy']:g} %"
    axes, *parts = side_by_side(figure, cell, 4)
    accuracies(axes, result, rows)
    axes.set_title("Test accuracy")
    heads = {
        "cpu_seconds": ("Time of a run", "Processor seconds"),
        SECONDS_TO_TARGET: (f"Time to {target}", "Processor seconds"),
        "steps_to_target": (f"Steps to {target}", "Training steps"),
    }
    for axes_of, (name, (title, unit)) in zip(parts, heads.items(), strict=True):
        values = _values(result, rows, name)
        list_measure(axes_of, rows, values)
        axes_of.set(title=title, xlabel=unit)
        _use_log(axes_of, np.concatenate([*values.values(), []]))
    _count_missing(parts[-1], result, rows)
    return [axes, *parts]


def _use_log(axes: Axes, values: np.ndarray) -> None:
    """Give a horizontal axis a logarithmic scale with plain numbers, if there are any."""
    known = values[np.isfinite(values) & (values > 0)]
    if len(known):
        axes.set_xscale("log")
        is_short = known.max() < _SHORT * known.min()
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if is_short else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.minorticks_off()


def _count_missing(axes: Axes, result: xr.Dataset, rows: Sequence[Row]) -> None:
    """Write how many runs of a candidate did not reach the target; they are in no mean."""
    for height, row in zip(range(len(rows))[::-1], rows, strict=True):
        each = result.sel(candidate=row.name)
        n, n_reached = count_not_reached(each), int(np.isfinite(each.steps_to_target).sum())
        text = "no steps" if n is None else f"missed by {n} of {n + n_reached}" if n else ""
        place = axes.get_yaxis_transform()
        axes.text(1.03, height, text, color="0.4", va="center", transform=place)


def side_by_side(figure: Figure, cell: SubplotSpec, n: int, *, share_x: bool = False) -> list[Axes]:
    """Make axes next to each other with the same rows, which only the first names."""
    grid = cell.subgridspec(1, n)
    first = figure.add_subplot(grid[0, 0])
    others = [
        figure.add_subplot(grid[0, i], sharey=first, sharex=first if share_x else None)
        for i in range(1, n)
    ]
    for axes in others:
        axes.tick_params(labelleft=False)
    return [first, *others]


def _values(
    result: xr.Dataset, rows: Sequence[Row], name: str, scale: float = 1.0
) -> dict[str, np.ndarray]:
    values = scale * measure(result, name)
    return {row.name: values.sel(candidate=row.name).to_numpy() for row in rows}
