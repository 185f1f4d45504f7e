"""The figures of a comparison: one of everything, and one of each part in more detail."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.gridspec import SubplotSpec

from mnist1d.dataset import checks
from mnist1d.figures.style import Figure
from mnist1d.lab.comparison.presentation import panels
from mnist1d.lab.comparison.presentation.drawing import LINE_HEIGHT, Row, rows_of

Plot = Literal["overview", "pairs", "curves", "samples", "shifts", "time"]
"""What is drawn."""

_WIDTH = 6.75
_AROUND = 0.6
"""Inches for the title and the axis of a part."""
_CURVE_HEIGHT = 1.6
_NEEDS: Mapping[str, tuple[str, str]] = {
    "samples": ("size_accuracy", "train_sizes in its protocol"),
    "shifts": ("shift_accuracy", "shifts in its protocol, or shifted_tests of its data"),
    "time": ("cpu_seconds", "times of processors, which older results lack"),
}

Strip = tuple[float, Callable[[Figure, SubplotSpec], list[Axes]]]
"""A part of a figure that is as wide as it: its height in inches, and what draws it.

That returns the axes that have a letter in a figure of several parts.
"""


def draw(result: xr.Dataset, differences: Sequence[Any], what: Plot = "overview") -> Figure:
    """Draw a comparison, all candidates in the same order and colour.

    Args:
        result: the labelled result, with its statistics.
        differences: of the planned pairs.
        what: the whole, or one part of it.

    Raises: ValueError: if there is no such part, or the comparison lacks what it shows.
    """
    checks.one_of("what", what, get_args(Plot))
    variable, needed = _NEEDS.get(what, ("test_accuracy", ""))
    if variable not in result:
        raise ValueError(f"plot({what!r}) needs a comparison with {needed}")
    if what == "pairs" and not differences:
        raise ValueError("plot('pairs') needs a planned pair of candidates with a result")
    strips = _STRIPS[what](result, rows_of(result), differences)
    heights = [height for height, _ in strips]
    figure = Figure(figsize=(_WIDTH, sum(heights)))
    grid = figure.add_gridspec(len(strips), 1, height_ratios=heights)
    parts = [axes for i, (_, fill) in enumerate(strips) for axes in fill(figure, grid[i, 0])]
    for letter, axes in zip("abcde", parts if what == "overview" else (), strict=False):
        axes.set_title(f"{letter}  {axes.get_title()}", loc="left")
        axes.set_title("", loc="center")
    return figure


def _overview(result: xr.Dataset, rows: list[Row], differences: Sequence[Any]) -> list[Strip]:
    has_drops = "shuffled_accuracy" in result

    def first(figure: Figure, cell: SubplotSpec) -> list[Axes]:
        axes, *others = panels.side_by_side(figure, cell, 2 if has_drops else 1)
        panels.accuracies(axes, result, rows)
        for each in others:
            panels.drops(each, result, rows)
        return [axes, *others]

    strips: list[Strip] = [(_list_height(len(rows)), first)]
    if differences:
        strips += _pairs(result, rows, panels.chosen_pairs(differences), len(differences))
    strips += _shifts(result, rows) if "shift_accuracy" in result else []
    strips += _samples(result, rows) if "size_accuracy" in result else []
    return strips


def _pairs(
    result: xr.Dataset, rows: list[Row], chosen: Sequence[Any], n_all: int | None = None
) -> list[Strip]:
    n = len(chosen) if n_all is None else n_all
    place = {row.name: i for i, row in enumerate(rows)}
    chosen = sorted(chosen, key=lambda each: (place[each.first], place[each.second]))

    def fill(figure: Figure, cell: SubplotSpec) -> list[Axes]:
        (axes,) = panels.side_by_side(figure, cell, 1)
        panels.pairs(axes, result, rows, chosen, n)
        return [axes]

    return [(_list_height(len(chosen)), fill)]


def _curves(result: xr.Dataset, rows: list[Row]) -> list[Strip]:
    return [
        _lines(rows, partial(panels.curves, result=result, rows=rows, name=name))
        for name in ("validation_accuracy", "train_loss")
    ]


def _samples(result: xr.Dataset, rows: list[Row]) -> list[Strip]:
    return [_lines(rows, partial(panels.sizes, result=result, rows=rows))]


def _lines(rows: list[Row], draw_in: Callable[..., None]) -> Strip:
    height = max(_CURVE_HEIGHT, 0.1 * len(rows))

    def fill(figure: Figure, cell: SubplotSpec) -> list[Axes]:
        (axes,) = panels.side_by_side(figure, cell, 1)
        draw_in(axes, height=height)
        return [axes]

    return _AROUND + height, fill


def _shifts(result: xr.Dataset, rows: list[Row]) -> list[Strip]:
    return [(_list_height(len(rows)), lambda f, cell: panels.shifts(f, cell, result, rows)[:1])]


def _time(result: xr.Dataset, rows: list[Row]) -> list[Strip]:
    return [(_list_height(len(rows)), lambda f, cell: panels.times(f, cell, result, rows))]


def _list_height(n: int) -> float:
    return _AROUND + LINE_HEIGHT * max(n, 2)


_STRIPS: Mapping[Plot, Callable[[xr.Dataset, list[Row], Sequence[Any]], list[Strip]]] = {
    "overview": _overview,
    "pairs": _pairs,
    "curves": lambda result, rows, _: _curves(result, rows),
    "samples": lambda result, rows, _: _samples(result, rows),
    "shifts": lambda result, rows, _: _shifts(result, rows),
    "time": lambda result, rows, _: _time(result, rows),
}
