"""The elements of a comparison's figures: rows of candidates, and labels at the ends of lines."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.lab.statistics.yardsticks import notes_of, shown
from mnist1d.measures.uncertainty import interval

LINE_HEIGHT = 0.145
"""Inches per row of a list."""
_LABEL_HEIGHT = 0.095
_LONGEST_NAME = 26
_FEW = 10
_GREY = "0.55"
_MARKERS = ("o", "s", "^", "v", "D", "P", "X", "<", ">", "*")


class Row(NamedTuple):
    """A candidate in a figure: the same place, colour and marker in all panels."""

    name: str
    label: str
    colour: Any
    marker: str


def rows_of(result: xr.Dataset) -> list[Row]:
    """Return the candidates that have a result, the best first, those of the paper last and grey.

    Args:
        result: the labelled result of a comparison.
    """
    own, paper = _in_order(result)
    notes = notes_of(result)
    colours = [*_palette(len(own)), *[_GREY] * len(paper)]
    return [
        Row(name, short(shown(name, notes)), colour, _MARKERS[i % len(_MARKERS)])
        for i, (name, colour) in enumerate(zip([*own, *paper], colours, strict=True))
    ]


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


def _palette(n: int) -> Sequence[Any]:
    """Return different colours; with more than ten, neighbours are similar."""
    if n <= _FEW:
        return list(mpl.colormaps["tab10"](np.arange(n)))
    return list(mpl.colormaps["turbo"](np.linspace(0.03, 0.97, n)))


def short(name: str) -> str:
    """Shorten a name in the middle, as similar names differ at either end.

    >>> short("a model of which the name is long")
    'a model of w...ame is long'
    """
    if len(name) > _LONGEST_NAME:
        half = (_LONGEST_NAME - 2) // 2
        name = f"{name[:half]}...{name[-half + 1 :]}"
    return name.replace("$", r"\$")  # no formula


def list_rows(axes: Axes, labels: Sequence[str]) -> np.ndarray:
    """Write labels along the vertical axis, the first on top, and return their heights."""
    heights = np.arange(len(labels))[::-1]
    axes.set_yticks(heights, labels)
    axes.set_ylim(-0.6, max(len(labels), 1) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)
    return heights


def list_measure(axes: Axes, rows: Sequence[Row], values: Mapping[str, np.ndarray]) -> None:
    """Draw a measure of every row: the seeds as dots, and over them mean and interval.

    Args:
        axes: where to draw.
        rows: the candidates.
        values: of the measure by name, shape (seeds,), NaN where there is none.
    """
    for row, height in zip(rows, list_rows(axes, [row.label for row in rows]), strict=True):
        seeds(axes, height, values[row.name], row.colour)


def seeds(axes: Axes, height: float, values: np.ndarray, colour: Any) -> None:
    """Draw the values of a row."""
    mean, low, high = (float(each) for each in interval(values))
    axes.plot(
        values, np.full(len(values), height), "o", color=colour, markersize=2.5, alpha=0.4, mew=0
    )
    if np.isfinite(low):
        axes.plot([low, high], [height, height], color=colour, linewidth=1)
    axes.plot([mean], [height], "|", color=colour, markersize=8, mew=1.2)


def label_ends(axes: Axes, ends: Sequence[tuple[float, str, Any]], height: float) -> None:
    """Write the names of lines next to their ends, in the lines' order and none over another.

    Args:
        axes: with its final limits and scale.
        ends: of every line the value at its end, its label and its colour.
        height: of the axes, about, in inches.
    """
    known = sorted((end for end in ends if np.isfinite(end[0])), key=lambda end: end[0])
    to_fraction = axes.transScale + axes.transLimits
    at = [float(to_fraction.transform((1.0, value))[1]) for value, _, _ in known]
    for here, there, (_, label, colour) in zip(
        at, spread(at, _LABEL_HEIGHT / height), known, strict=True
    ):
        axes.plot(
            [1.005, 1.03],
            [here, there],
            color=colour,
            linewidth=0.4,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.text(1.035, there, label, color="black", va="center", transform=axes.transAxes)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move rising places in [0, 1] apart, as little as possible, to have a gap between them.

    >>> [round(place, 2) for place in spread([0.5, 0.5, 0.9, 1.0], 0.2)]
    [0.4, 0.6, 0.8, 1.0]
    """
    blocks: list[list[float]] = []  # of places that touch: the sum of where they begin, and n
    for i, place in enumerate(places):
        blocks.append([place - i * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, n = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += n
    starts = [total / n for total, n in blocks for _ in range(int(n))]
    highest = max(0.0, 1 - (len(starts) - 1) * gap)
    return [min(max(start, 0.0), highest) + i * gap for i, start in enumerate(starts)]
