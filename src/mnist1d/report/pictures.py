"""Figures of a report: as images for a page, with a description and the points of curves."""

import base64
import io
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from PIL import Image

from mnist1d.figures import style
from mnist1d.figures.style import Figure
from mnist1d.harness.interface import NAME
from mnist1d.harness.stored.attributes import parsed
from mnist1d.harness.stored.findings import RESULT, needs_of
from mnist1d.report.contents import Report, Section
from mnist1d.report.wording import sentence

_PIXELS_PER_INCH = 192
_LEAST_PIXELS_PER_INCH = 84
_MOST_PIXELS = 640
"""Largest height of a figure, so that it fits a screen."""

_MOST_POINTS = 5000
"""Largest number of points of a panel whose values can be shown."""

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 20_000_000
_STORED_PIXELS_PER_INCH = 300.0

_LARGE = 40_000
"""Bytes from which on an image is tried as WebP as well."""

_SHARP = 200.0
"""Pixels per inch of a WebP: a page shows figures in their size, screens have 96, or twice that."""


@dataclass(frozen=True)
class Picture:
    """A figure of a section.

    Attributes:
        name: its file name without suffix.
        caption: what it is.
        words: a description, for readers who cannot see the image.
        image: SVG, its text as outlines, so that it looks the same everywhere; WebP of 256 colours
            if the SVG is large and WebP smaller.
        media_type: of the image.
        size: width and height in inches, as in the paper.
        panels: for every panel with numbers at its axes, its position (`box`: left, top, width,
            height, as fractions of the picture), the axes `x` and `y` (limits, whether logarithmic,
            label) and its `series` (label, colour and points).
    """

    name: str
    caption: str
    words: str
    image: bytes
    media_type: str
    size: tuple[float, float]
    panels: tuple[Mapping[str, Any], ...]

    @property
    def address(self) -> str:
        """The image as a data URL."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.image).decode('ascii')}"

    @property
    def pixels(self) -> dict[str, int]:
        """Its `width` and `height` on a page, and the `least` width at which it can be read."""
        scale = min(_PIXELS_PER_INCH, _MOST_PIXELS / self.size[1])
        width, height = (round(inches * scale) for inches in self.size)
        return {
            "width": width,
            "height": height,
            "least": round(self.size[0] * _LEAST_PIXELS_PER_INCH),
        }


def caption_of(section: Section, name: str) -> str:
    """Return a figure's caption: the experiment's, or one made of its name and the title."""
    if name in section.captions:
        return section.captions[name]
    if name == "figure" and (found := re.search(r"Figure \w+", section.title)):
        return f"{found[0]}."
    return f"{section.short_title}: {name.removeprefix('figure-').replace('-', ' ')}."


def draw_pictures(section: Section) -> tuple[Picture, ...]:
    """Draw all figures of a section from its result."""
    with style.house_style():
        return tuple(
            picture_of(name, figure, caption_of(section, name))
            for name, figure in _figures(section)
        )


def draw_report(report: Report, folder: Path) -> tuple[Report, dict[str, tuple[Picture, ...]]]:
    """Draw all figures of a report.

    Args:
        report: what `read_report` made of the folder.
        folder: the record.

    Returns: the report without the sections whose result does not hold what a figure needs, and
        the figures of every other experiment, by its name.
    """
    pictures = {}
    for section in report.sections:
        try:
            with needs_of(section.name, folder / section.name / RESULT):
                pictures[section.name] = draw_pictures(section)
        except ValueError as error:
            report = report.without(section, str(error))
    pictures |= {each.name: own_pictures(each, folder / each.name) for each in report.own}
    return report, pictures


def own_pictures(section: Section, folder: Path) -> tuple[Picture, ...]:
    """Return the figures that were stored with a result; one that is gone is left out.

    Args:
        section: of the experiment.
        folder: of the experiment.
    """
    found = []
    for name in parsed(section.result.attrs, "figures", []):
        pixels = size_of_figure(folder, name)
        if pixels is None:
            continue
        width, height = (each / _STORED_PIXELS_PER_INCH for each in pixels)
        caption, image = caption_of(section, name), (folder / f"{name}.png").read_bytes()
        found.append(Picture(name, caption, caption, image, "image/png", (width, height), ()))
    return tuple(found)


def size_of_figure(folder: Path, name: str) -> tuple[int, int] | None:
    """Return width and height in pixels of a stored figure; None if it is no PNG or not there.

    Args:
        folder: of the result.
        name: of the figure, which may be anything.
    """
    path = folder / f"{name}.png"
    if not NAME.fullmatch(name) or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return None
    with path.open("rb") as file:
        head = file.read(24)
    if not head.startswith(_PNG) or len(head) < 24:
        return None
    width, height = struct.unpack(">II", head[16:])
    return (width, height) if 0 < width < 2**15 and 0 < height < 2**15 else None


def picture_of(name: str, figure: Figure, caption: str) -> Picture:
    """Make a picture of a figure.

    Args:
        name: file name without suffix.
        figure: the figure.
        caption: its caption.
    """
    image, media_type = saved(figure, "svg"), "image/svg+xml"
    if len(image) > _LARGE:
        with style.layout_kept(figure):
            pixels = _webp(saved(figure, "png", _SHARP))
        if len(pixels) < len(image):
            image, media_type = pixels, "image/webp"
    width, height = figure.get_size_inches()
    return Picture(
        name,
        caption,
        f"{caption.rstrip('.')}. {describe(figure)}".rstrip(),
        image,
        media_type,
        (float(width), float(height)),
        _panels(figure),
    )


def draw_png(section: Section) -> dict[str, bytes]:
    """Draw all figures of a section as PNG, by file name without suffix."""
    drawn = {}
    with style.house_style():
        for name, figure in _figures(section):
            drawn[name] = saved(figure, "png")
    return drawn


def saved(figure: Figure, kind: str, pixels_per_inch: float | None = None) -> bytes:
    """Return a figure as a file of a kind, "svg" or "png"; equal figures give equal bytes."""
    file = io.BytesIO()
    # Dates and random identifiers would make equal figures differ.
    about = {"Date": None, "Creator": None} if kind == "svg" else {}
    with mpl.rc_context({"svg.hashsalt": "mnist1d"}):
        figure.savefig(file, format=kind, metadata=about, dpi=pixels_per_inch)
    return file.getvalue()


def _webp(png: bytes) -> bytes:
    """Return a PNG as WebP of 256 colours, which lines and letters do with."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.convert("RGB").save(file, "webp", lossless=True)
    return file.getvalue()


def _figures(section: Section) -> Iterator[tuple[str, Figure]]:
    for name, figure in section.experiment.plot(section.result).items():
        if section.note:
            style.mark_as_quick(figure, sentence(section.note))
        yield name, figure


def describe(figure: Figure) -> str:
    """Describe a figure in one line: title, axes and series of every panel.

    >>> figure = Figure()
    >>> axes = figure.subplots()
    >>> _ = axes.plot([0, 1], [2, 3], label="CNN")
    >>> _ = axes.set(title="Training", xlabel="Step", ylabel="Accuracy (%)")
    >>> describe(figure)
    'Training: Accuracy (%) against Step, for CNN.'
    """
    return " ".join(" ".join(map(_describe_panel, figure.axes)).split())


def _describe_panel(axes: Axes) -> str:
    title = _title(axes)
    _, labels = axes.get_legend_handles_labels()
    against = " against ".join(filter(None, (axes.get_ylabel(), axes.get_xlabel())))
    series = f"for {', '.join(dict.fromkeys(labels))}" if labels else ""
    shown = ", ".join(filter(None, (against, series)))
    text = ": ".join(filter(None, (title, shown)))
    return f"{text}." if text else ""


def _title(axes: Axes) -> str:
    titles = [axes.get_title(loc=place) for place in ("left", "center", "right")]
    return ", ".join(" ".join(title.split()) for title in titles if title)


def _panels(figure: Figure) -> tuple[Mapping[str, Any], ...]:
    panels = []
    for axes in figure.axes:
        if not len(axes.get_xticks()) and not len(axes.get_yticks()):
            continue  # without ticks, as signals are drawn
        series = [*_lines(axes), *_bars(axes)]
        if not series or sum(len(one["points"]) for one in series) > _MOST_POINTS:
            continue
        box = axes.get_position()
        panels.append(
            {
                "box": [_short(v) for v in (box.x0, 1 - box.y1, box.width, box.height)],
                "x": _axis(axes.get_xlim(), axes.get_xscale(), axes.get_xlabel()),
                "y": _axis(axes.get_ylim(), axes.get_yscale(), axes.get_ylabel() or _title(axes)),
                "series": series,
            }
        )
    return tuple(panels)


def _axis(limits: tuple[float, float], scale: str, label: str) -> dict[str, Any]:
    return {
        "limits": [_short(limit) for limit in limits],
        "log": scale == "log",
        "label": " ".join(label.split()),
    }


def _lines(axes: Axes) -> Iterator[dict[str, Any]]:
    """Yield curves; one without a label gets those of its colour and of its dashes."""
    figure = axes.get_figure()
    # The legend may be in another panel.
    everywhere = [axes, *(figure.axes if figure else [])]
    named = [
        line
        for panel in everywhere
        for line in panel.lines
        if not str(line.get_label()).startswith("_")
    ]
    for line in axes.lines:
        points = _points(line.get_xdata(), line.get_ydata())
        of_data = line.get_transform() == axes.transData
        if not points or not of_data or line.get_linestyle() == "None":
            continue
        names = [str(line.get_label())]
        if line not in named:
            dashes = line.get_linestyle()
            of_colour = [n for n in named if n.get_color() == line.get_color()]
            of_dashes = [
                n
                for n in named
                if n.get_linestyle() == dashes != "-" and not np.size(n.get_xdata())
            ]
            names = [str(n.get_label()) for n in (*of_colour[:1], *of_dashes[:1])]
        yield {
            "label": ", ".join(names),
            "colour": to_hex(line.get_color()),
            "points": points,
        }


def _bars(axes: Axes) -> Iterator[dict[str, Any]]:
    for container in axes.containers:
        if isinstance(container, BarContainer) and container.patches:
            bars = container.patches
            middles = [bar.get_x() + bar.get_width() / 2 for bar in bars]
            label = str(container.get_label())
            yield {
                "label": "" if label.startswith("_") else label,
                "colour": to_hex(bars[0].get_facecolor()),
                "points": _points(middles, [bar.get_height() for bar in bars]),
            }


def _points(x: Any, y: Any) -> list[list[float]]:
    x, y = (np.asarray(values, dtype=float).ravel() for values in (x, y))
    known = np.isfinite(x) & np.isfinite(y)
    return [
        [_short(a), _short(b)] for a, b in zip(x[known].tolist(), y[known].tolist(), strict=True)
    ]


def _short(value: float) -> float:
    """Round to five significant digits."""
    return float(f"{value:.5g}")
