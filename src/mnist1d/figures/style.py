"""The house style of figures, and the elements that they share.

Figures are built on `Figure`, never through pyplot: nothing global changes. The style is that of
the published figures of 2024.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from numpy.typing import ArrayLike

STYLE: Mapping[str, Any] = {
    "axes.labelsize": 6,
    "axes.linewidth": 0.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlepad": 3,
    "axes.titlesize": 7,
    "figure.constrained_layout.use": True,
    "figure.dpi": 135,
    "figure.titlesize": 8,
    "font.size": 6,
    "image.cmap": "tab10",
    "legend.fontsize": 6,
    "legend.frameon": False,
    "lines.linewidth": 0.75,
    "lines.markersize": 4,
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
    "scatter.marker": ".",
    "xtick.labelsize": 6,
    "xtick.major.pad": 1.5,
    "xtick.major.size": 2,
    "xtick.major.width": 0.5,
    "ytick.labelsize": 6,
    "ytick.major.pad": 1.5,
    "ytick.major.size": 2,
    "ytick.major.width": 0.5,
}

_COLOURS = {
    **{name: mpl.rcParamsDefault[name] for name in mpl.rcParams if name.endswith("color")},
    "axes.grid": False,
    "axes.prop_cycle": mpl.rcParamsDefault["axes.prop_cycle"],
}
"""Black on white: much is drawn in black, which a dark style of the user's would hide."""


@contextmanager
def house_style() -> Iterator[None]:
    """Use the house style inside a `with` block, for making and for saving figures.

    >>> with house_style():
    ...     figure = Figure()
    >>> figure.get_dpi()
    135.0
    """
    with mpl.rc_context(cast("Any", {**_COLOURS, **STYLE})):
        yield


class Figure(MatplotlibFigure):
    """A matplotlib figure that a notebook shows as a picture, without pyplot and its state.

    As the last line of a cell, or given to IPython's `display`, it appears in the house style.

    >>> figure = Figure(figsize=(2, 1))
    >>> figure._repr_png_()[1:4]
    b'PNG'
    """

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save the figure as matplotlib does, in the house style."""
        with house_style():
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi="figure")
        return content.getvalue()


@contextmanager
def layout_kept(figure: MatplotlibFigure) -> Iterator[None]:
    """Leave axes where they are inside a `with` block, when a figure is saved there.

    Matplotlib lays a figure out again whenever it draws it, which takes as long as drawing. What
    was saved once needs this no more.

    >>> with house_style():
    ...     figure = Figure()
    >>> engine = figure.get_layout_engine()
    >>> with layout_kept(figure):
    ...     figure.get_layout_engine() is engine
    False
    >>> figure.get_layout_engine() is engine
    True
    """
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def line_with_interval(
    axes: Axes,
    x: ArrayLike,
    mean: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    **style: Any,
) -> None:
    """Draw a curve and, behind it, the band of its interval.

    Args:
        axes: where to draw.
        x: shape (points,).
        mean: the curve, shape (points,).
        low: lower ends of the intervals; NaN where there is none.
        high: upper ends of the intervals.
        **style: for `Axes.plot`.

    >>> axes = Figure().subplots()
    >>> line_with_interval(axes, [0, 1], [2, 3], [1, 2], [3, 4], color="tab:blue")
    >>> len(axes.lines), len(axes.collections)
    (1, 1)
    """
    (line,) = axes.plot(np.asarray(x), np.asarray(mean), **style)
    axes.fill_between(
        np.asarray(x),
        np.asarray(low),
        np.asarray(high),
        color=line.get_color(),
        alpha=0.2,
        linewidth=0,
        zorder=line.get_zorder() - 0.5,
    )


def bars_with_interval(
    axes: Axes,
    x: ArrayLike,
    mean: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    **style: Any,
) -> None:
    """Draw bars with their intervals as error bars.

    Args:
        axes: where to draw.
        x: positions, shape (bars,).
        mean: heights, shape (bars,).
        low: lower ends of the intervals; NaN where there is none.
        high: upper ends of the intervals.
        **style: for `Axes.bar`.

    >>> axes = Figure().subplots()
    >>> bars_with_interval(axes, [0, 1], [2, 3], [1, np.nan], [3, np.nan])
    >>> [bar.get_height() for bar in axes.patches]
    [np.float64(2.0), np.float64(3.0)]
    """
    axes.bar(np.asarray(x, dtype=float), np.asarray(mean, dtype=float), **style)
    error_bars(axes, x, mean, low, high, ecolor="black", elinewidth=0.5, capsize=1.5, capthick=0.5)


def error_bars(
    axes: Axes,
    x: ArrayLike,
    mean: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    **style: Any,
) -> None:
    """Draw intervals as error bars, without a mark at the mean.

    Args:
        axes: where to draw.
        x: positions, shape (points,).
        mean: shape (points,).
        low: lower ends of the intervals; NaN where there is none.
        high: upper ends of the intervals.
        **style: for `Axes.errorbar`.

    >>> axes = Figure().subplots()
    >>> error_bars(axes, [0, 1], [2, 3], [1, np.nan], [3, np.nan])
    >>> [len(lines.get_segments()) for lines in axes.collections]
    [1]
    """
    x, mean, low, high = (np.asarray(values, dtype=float) for values in (x, mean, low, high))
    known = np.isfinite(low)
    spans = [(mean - low)[known], (high - mean)[known]]
    axes.errorbar(x[known], mean[known], yerr=spans, fmt="none", **style)


def signal_strip(
    axes: Axes,
    signal: ArrayLike,
    t: ArrayLike,
    *,
    limits: tuple[float, float],
    dark: bool = False,
) -> None:
    """Draw a signal upright: its values to the right, time downwards, without ticks.

    Light mode is a black line on white, dark mode white dots on black.

    Args:
        axes: where to draw.
        signal: shape (length,).
        t: its time axis, shape (length,).
        limits: how far to both sides of zero the panel reaches, in values and in time.
        dark: whether dots on black are drawn.

    >>> axes = Figure().subplots()
    >>> signal_strip(axes, [0.5, -0.5], [0, 1], limits=(4, 1))
    >>> axes.get_xlim()
    (np.float64(-4.0), np.float64(4.0))
    """
    ink, paper, frame = ("white", "black", "0.4") if dark else ("black", "white", "black")
    if dark:
        # Smaller dots for long signals, which would merge otherwise.
        size = min(6.0, max(1.0, 240 / len(np.asarray(t))))
        axes.plot(np.asarray(signal), np.asarray(t), "o", color=ink, markersize=size, mew=0)
    else:
        axes.plot(np.asarray(signal), np.asarray(t), color=ink, linewidth=2)
    width, height = limits
    axes.set(xlim=(-width, width), ylim=(height, -height), xticks=[], yticks=[], facecolor=paper)
    axes.spines[:].set(visible=True, color=frame, linewidth=0.8)


def panel_letter(axes: Axes, letter: str) -> None:
    """Write a panel's letter to the upper left of its axes.

    >>> axes = Figure().subplots()
    >>> panel_letter(axes, "a")
    >>> axes.texts[0].get_text()
    'a'
    """
    axes.annotate(
        letter,
        (0, 1),
        xycoords="axes fraction",
        xytext=(-22, 6),
        textcoords="offset points",
        fontsize=8,
        fontweight="bold",
        va="bottom",
    )


def mark_as_quick(figure: MatplotlibFigure, text: str = "Quick run, not the full protocol") -> None:
    """Write below a figure that it does not show the full protocol.

    Args:
        figure: to be marked.
        text: what it shows instead.

    >>> figure = Figure()
    >>> mark_as_quick(figure)
    >>> figure.get_supxlabel()
    'Quick run, not the full protocol'
    """
    figure.supxlabel(text, fontsize=6, color="tab:red")
