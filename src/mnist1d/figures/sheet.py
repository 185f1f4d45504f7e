"""Sheets of narrow panels, a signal in each, in rows with titles and captions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

from mnist1d.dataset.config import DatasetConfig
from mnist1d.figures.style import Figure, house_style, signal_strip

# Sizes in the authors' notebooks, in inches and points: ten panels in a row of 15 inches.
PANEL_WIDTH = 1.5
COLUMNS = 10
TRANSFORMED_RATIO = 2.2
# A picture of more takes minutes, and its panels are too small.
LARGEST_PANELS = 400
_SCREEN_DPI = 60
_TITLE_SIZE, _SMALLEST_TITLE = 22.0, 7.0
_LINE = 1.3 * _TITLE_SIZE / 72  # inches that a line of text takes
_LETTER = 0.62  # upper bound of the width of a letter, in sizes of its font
_MARGIN = 0.08
_ELLIPSIS_WIDTH = 0.7

_NOTHING = np.empty(0)
_WRONG = {False: "tab:red", True: "#ff7f7f"}  # on white, on black


class Strip(NamedTuple):
    """One panel: a signal, or an image in its place, or nothing."""

    signal: np.ndarray = _NOTHING
    t: np.ndarray = _NOTHING
    title: str = ""
    wrong: bool = False
    image: np.ndarray | None = None
    spans: tuple[tuple[float, float], ...] = ()


class Row(NamedTuple):
    """Panels side by side, their height in inches, a caption above, perhaps dots at the end."""

    strips: Sequence[Strip]
    height: float
    caption: str = ""
    ellipsis: bool = False


def title_of(config: DatasetConfig, label: int) -> str:
    """Return the title of a panel of a class."""
    return config.class_names[label] if config.class_names else f"label={label}"


def check_panels(n_panels: int) -> None:
    """Refuse a sheet of too many panels, with a ValueError."""
    if n_panels > LARGEST_PANELS:
        raise ValueError(
            f"a picture must have at most {LARGEST_PANELS} panels, not {n_panels}; "
            "choose fewer rows or classes"
        )


def limit_of(least: float, *values: np.ndarray) -> float:
    """Return the limit of a panel's axis, which is symmetric: the least, or beyond all values."""
    largest = max(float(np.abs(array).max()) for array in values)
    return least if largest <= least else 1.1 * largest


def panel_height(ratio: float, title_lines: int) -> float:
    """Return the height of the panels of a row; the ratio includes titles and margin."""
    return PANEL_WIDTH * ratio - title_lines * _LINE - 2 * _MARGIN


def wrapped(strips: Sequence[Strip], ratio: float, columns: int = COLUMNS) -> list[Row]:
    """Arrange panels in rows, all of the height that leaves room for titles."""
    check_panels(len(strips))
    height = panel_height(ratio, 1)
    return [
        Row(strips[start : start + columns], height) for start in range(0, len(strips), columns)
    ]


def sheet(rows: Sequence[Row], *, limits: tuple[float, float], dark: bool) -> Figure:
    """Draw rows of panels below each other, without gaps between panels."""
    ink, paper = ("white", "black") if dark else ("black", "white")
    columns = max(len(row.strips) for row in rows)
    strips_width = columns * PANEL_WIDTH
    captions = max(len(row.caption) for row in rows) * _LETTER * _TITLE_SIZE / 72
    width = strips_width + (_ELLIPSIS_WIDTH if any(row.ellipsis for row in rows) else 0)
    width = max(width, captions + 2 * _MARGIN if captions else 0)
    title_size = _title_size(rows)
    heads = [_head(row) for row in rows]
    # Rows without anything above them touch the one before.
    gaps = [_MARGIN if number == 0 or head else 0.0 for number, head in enumerate(heads)]
    height = sum(heads) + sum(gaps) + sum(row.height for row in rows) + _MARGIN
    panel = (strips_width - 2 * _MARGIN) / columns
    with house_style():
        figure = Figure(figsize=(width, height), dpi=_SCREEN_DPI, facecolor=paper)
        figure.set_layout_engine("none")
        bottom = height
        for row, head, gap in zip(rows, heads, gaps, strict=True):
            top = bottom - gap
            if row.caption:
                figure.text(
                    _MARGIN / width,
                    (top - _LINE / 2) / height,
                    row.caption,
                    fontsize=_TITLE_SIZE,
                    va="center",
                    color=ink,
                )
            bottom = top - head - row.height
            for column, strip in enumerate(row.strips):
                if not strip.signal.size and strip.image is None:
                    continue
                left = _MARGIN + column * panel
                axes = figure.add_axes(
                    (left / width, bottom / height, panel / width, row.height / height)
                )
                _draw(axes, strip, limits, title_size, dark)
            if row.ellipsis:
                figure.text(
                    (strips_width + _ELLIPSIS_WIDTH / 2) / width,
                    (bottom + row.height / 2) / height,
                    "…",
                    fontsize=2 * _TITLE_SIZE,
                    ha="center",
                    va="center",
                    color=ink,
                )
    return figure


def _head(row: Row) -> float:
    """Return the inches that caption and titles take above the panels."""
    lines = max(strip.title.count("\n") + 1 if strip.title else 0 for strip in row.strips)
    return _LINE * (lines + (1 if row.caption else 0))


def _draw(
    axes: Axes, strip: Strip, limits: tuple[float, float], title_size: float, dark: bool
) -> None:
    if strip.image is not None:
        axes.imshow(strip.image, cmap="gray", vmin=0, vmax=255, aspect="auto")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color="0.4", linewidth=0.8)
        return
    signal_strip(axes, strip.signal, strip.t, limits=limits, dark=dark)
    for begin, end in strip.spans:
        axes.add_patch(_mark(strip.signal, strip.t, begin, end))
    if strip.title:
        axes.set_title(
            _shortened(strip.title),
            fontsize=title_size,
            color=_WRONG[dark] if strip.wrong else "white" if dark else "black",
            parse_math=False,
        )


def _title_size(rows: Sequence[Row]) -> float:
    """Return the size in which the longest title is as wide as its panel, or the published one."""
    lines = [line for row in rows for strip in row.strips for line in strip.title.split("\n")]
    longest = max(len(_shortened(line)) for line in lines)
    return min(_TITLE_SIZE, 0.95 * 72 * PANEL_WIDTH / (_LETTER * max(longest, 1)))


def _shortened(title: str) -> str:
    """Cut off what would not fit even in the smallest size."""
    most = int(0.95 * 72 * PANEL_WIDTH / (_LETTER * _SMALLEST_TITLE))
    return "\n".join(
        line if len(line) <= most else f"{line[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
        for line in title.split("\n")
    )


def _mark(signal: np.ndarray, t: np.ndarray, begin: float, end: float) -> Ellipse:
    """Return an ellipse around the part of a signal between two fractions of its time."""
    first, last = (t[0] + share * (t[-1] - t[0]) for share in (begin, end))
    inside = signal[(t > first) & (t < last)]
    values = np.concatenate([np.interp([first, last], t, signal), inside])
    low, high = values.min(), values.max()
    # The smallest ellipse around a rectangle is larger by the root of two; a small margin is added.
    return Ellipse(
        ((low + high) / 2, (first + last) / 2),
        np.sqrt(2) * (high - low) + 0.1,
        np.sqrt(2) * (last - first) + 0.1,
        fill=False,
        color="tab:red",
        linewidth=2,
    )
