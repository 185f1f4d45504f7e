"""Pictures of the data: templates, samples of any dataset, and how a sample is built.

A signal is drawn upright, its values to the right and time downwards, in a row of narrow panels.
Every function returns a new matplotlib figure; `save_picture` writes it. Sizes and sequence are
those of the two introductory notebooks of the authors.
"""

import io
from collections.abc import Sequence
from os import PathLike
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

from mnist1d.dataset import checks, synthesis
from mnist1d.dataset.atomic import atomic_write
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.dataset import Dataset
from mnist1d.dataset.generation import draw_transforms, generate
from mnist1d.dataset.variants import point_order
from mnist1d.figures.style import Figure, house_style, signal_strip
from mnist1d.mnist import MNIST

__all__ = [
    "FORMATS",
    "Step",
    "building_picture",
    "building_sequence",
    "building_steps",
    "digit_spans",
    "overview_picture",
    "samples_picture",
    "save_picture",
    "templates_picture",
]

FORMATS = ("png", "pdf")
"""Formats of files that pictures are written in."""

# Sizes in the authors' notebooks, in inches and points: ten panels in a row of 15 inches.
_PANEL_WIDTH = 1.5
_COLUMNS = 10
_TEMPLATE_RATIO, _SHORT_RATIO, _TRANSFORMED_RATIO, _SAMPLES_RATIO = 1.33, 0.8, 2.2, 2.7
_SCREEN_DPI = 60
_TITLE_SIZE, _SMALLEST_TITLE = 22.0, 7.0
_LINE = 1.3 * _TITLE_SIZE / 72  # inches that a line of text takes
_LETTER = 0.62  # upper bound of the width of a letter, in sizes of its font
_MARGIN = 0.08
_ELLIPSIS_WIDTH = 0.7
# A picture of more takes minutes, and its panels are too small.
_LARGEST_PANELS = 400

_NOTHING = np.empty(0)
_WRONG = {False: "tab:red", True: "#ff7f7f"}  # on white, on black


class Step(NamedTuple):
    """One of the pictures that show how samples are built.

    Attributes:
        caption: what is new in it.
        labels: whose signals they are, shape (n_signals,).
        signals: not standardised, shape (n_signals, length).
        t: their time axis, shape (length,).
    """

    caption: str
    labels: np.ndarray
    signals: np.ndarray
    t: np.ndarray


class _Strip(NamedTuple):
    """One panel: a signal, or an image in its place, or nothing."""

    signal: np.ndarray = _NOTHING
    t: np.ndarray = _NOTHING
    title: str = ""
    wrong: bool = False
    image: np.ndarray | None = None
    spans: tuple[tuple[float, float], ...] = ()


class _Row(NamedTuple):
    """Panels side by side, their height in inches, a caption above, perhaps dots at the end."""

    strips: Sequence[_Strip]
    height: float
    caption: str = ""
    ellipsis: bool = False


def templates_picture(config: DatasetConfig | None = None, *, dark: bool = False) -> Figure:
    """Draw the clean signals that samples are made from, with their labels.

    Args:
        config: whose templates; the ten digits if omitted. Only `classes` are drawn.
        dark: white dots on black in place of black lines on white.

    Returns:
        A row of ten panels, 15 by 2 inches; more rows if there are more classes.

    Raises:
        ValueError: if there are more than 400 classes.

    Source:
        Greydanus & Kobak (2024), Figure 1.

    >>> len(templates_picture().axes)
    10
    """
    config = config or DatasetConfig()
    templates = config.class_templates()
    strips = [
        _Strip(templates.x[label], templates.t, _title(config, label)) for label in config.labels
    ]
    width = _limit(1.0, templates.x[list(config.labels)])
    return _sheet(_wrapped(strips, _TEMPLATE_RATIO), limits=(width, 1.0), dark=dark)


def samples_picture(
    data: Dataset | DatasetConfig | None = None,
    *,
    rows: int | None = None,
    first: int | None = None,
    part: str = "train",
    limit: float | None = None,
    dark: bool = False,
) -> Figure:
    """Draw samples of a dataset with their labels, one column per class or in stored order.

    If a label is wrong because of label noise, the title also has the clean label, in red.

    Args:
        data: the dataset, or the configuration of one that is generated; the published one if
            omitted.
        rows: how many samples of each class to draw (1 if omitted): the first ones of the part. A
            class that has fewer leaves panels empty. More than ten classes are wrapped.
        first: draw that many samples in stored order in place of so many of each class.
        part: train, validation, test or the name of a shifted test set.
        limit: values and time are shown from -limit to limit (6 in the published quiz); chosen to
            show all values if omitted.
        dark: white dots on black in place of black lines on white.

    Returns:
        A figure as wide as its panels, 1.5 inches each, at most ten in a row.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if there is no such part, both `rows` and `first` are given, one of them is out
            of range, or there would be more than 400 panels.

    >>> figure = samples_picture(DatasetConfig(classes=(3, 8)), rows=4)
    >>> len(figure.axes), figure.get_size_inches().round(2).tolist()
    (8, [3.0, 14.53])
    """
    if rows is not None and first is not None:
        raise ValueError("rows must be left out if first is given: one column per class, or none")
    if not isinstance(data, Dataset):
        data = generate(data)
    config = data.config
    samples = data.parts[checks.one_of("part", part, tuple(data.parts))]
    truth = data.y_clean if part == "train" else samples.y
    signals = samples.x.reshape(len(samples.y), -1)
    if first is not None:
        first = checks.integer("first", first, 1, min(len(samples.y), _LARGEST_PANELS))
        columns = _COLUMNS
        chosen = [*range(first), *[-1] * (-first % columns if first > columns else 0)]
    else:
        rows = checks.integer("rows", 1 if rows is None else rows, 1, _LARGEST_PANELS)
        columns = min(_COLUMNS, len(config.labels))
        chosen = _one_column_per_class(samples.y, config.labels, rows)
    _check_panels(len(chosen))
    titled = first is not None or len(config.labels) > _COLUMNS or config.label_noise > 0
    strips = []
    for place, i in enumerate(chosen):
        if i < 0:
            strips.append(_Strip())
            continue
        wrong = bool(samples.y[i] != truth[i])
        title = _title(config, samples.y[i]) if titled or place < columns else ""
        if wrong:
            title += f"\nreally {config.label_names[truth[i]]}"
        strips.append(_Strip(signals[i], data.t, title, wrong))
    drawn = [strip.signal for strip in strips if strip.signal.size]
    limits = (
        (limit, limit) if limit is not None else (_limit(0.0, *drawn) or 1.0, _limit(0.0, data.t))
    )
    return _sheet(_wrapped(strips, _SAMPLES_RATIO, columns), limits=limits, dark=dark)


def building_steps(config: DatasetConfig | None = None, *, seed: int = 0) -> tuple[Step, ...]:
    """Return the signals of the pictures that show how samples are built.

    The steps are added one by one: the templates; padding, always of the highest number of zeros,
    and resampling; random padding; random scale; random shift; smooth noise around the digit; white
    noise; shear. Before each, the published random stream is seeded again, and one sample of each
    class is made, in order. A strength of zero uses up its random numbers, so that all pictures
    from the shift on show the same draws. Those before it show others, as no random number is used
    for a shift of 0.

    Args:
        config: the configuration; the published one if omitted. Of more than ten classes, the first
            ten. Where it changes the order of the points, a ninth step shows it.
        seed: of the stream, 0 to 2**32 - 1.

    >>> [step.caption for step in building_steps()][:3]
    ['Templates', 'Pad with 60 zeros, resample to 40 points', 'Random padding, 36 to 60 zeros']
    """
    config = config or DatasetConfig()
    seed = checks.integer("seed", seed, 0, 2**32 - 1)
    templates = config.class_templates()
    labels = np.array(config.labels[:_COLUMNS])
    lowest, highest = config.padding
    length = config.final_seq_length
    settings = {
        "shear_scale": 0.0,
        "iid_noise_scale": 0.0,
        "corr_noise_scale": 0.0,
        "max_translation": 1,
        "scale_coeff": 0.0,
        "padding": (highest, highest),
    }
    captions = (
        "Shear",
        "White noise",
        "Smooth noise around the digit",
        "Random circular shift",
        "Random scale",
        f"Random padding, {lowest} to {highest} zeros",
        f"Pad with {highest} zeros, resample to {length} points",
    )
    steps = [Step("Templates", labels, templates.x[labels], templates.t)]
    t = np.linspace(templates.t[0], templates.t[-1], length)
    rng = np.random.RandomState(seed)
    for n_off in range(len(settings), -1, -1):
        rng.seed(seed)
        off = config.replace(**dict(list(settings.items())[:n_off]))
        drawn = draw_transforms(off, rng, len(labels))
        signals = synthesis.synthesise(templates.x, labels, drawn, off)
        steps.append(Step(captions[n_off], labels, signals, t))
    order = point_order(config, rng)
    if order is not None:
        steps.append(Step("Order of the points", labels, signals[:, order], t))
    return tuple(steps)


def building_sequence(
    config: DatasetConfig | None = None, *, seed: int = 0, dark: bool = False
) -> tuple[Figure, ...]:
    """Draw how samples are built, one figure per step.

    Args:
        config: the configuration; the published one if omitted.
        seed: of the published stream, from which every picture starts again.
        dark: white dots on black in place of black lines on white.

    Returns:
        Eight figures (nine if the order of the points is changed), one panel per class: 15 by 1.2
        inches with labels for the templates, and 15 by 3.3 inches.

    >>> len(building_sequence())
    8
    """
    config = config or DatasetConfig()
    steps = building_steps(config, seed=seed)
    rows, limits = _building_rows(config, steps)
    return tuple(_sheet([row._replace(caption="")], limits=limits, dark=dark) for row in rows)


def building_picture(
    config: DatasetConfig | None = None, *, seed: int = 0, dark: bool = False
) -> Figure:
    """Draw how samples are built in one figure, with what each step adds.

    Args:
        config: the configuration; the published one if omitted.
        seed: of the published stream, from which every step starts again.
        dark: white dots on black in place of black lines on white.

    Returns:
        The pictures of `building_sequence` below each other.

    >>> len(building_picture(DatasetConfig(classes=(3, 8))).axes)
    16
    """
    config = config or DatasetConfig()
    rows, limits = _building_rows(config, building_steps(config, seed=seed))
    return _sheet(rows, limits=limits, dark=dark)


def overview_picture(
    config: DatasetConfig | None = None,
    *,
    mnist: MNIST | None = None,
    n_classes: int = 5,
    seed: int = 42,
    dark: bool = False,
) -> Figure:
    """Draw what MNIST-1D is in three rows: MNIST, the templates, and samples made from them.

    A red ellipse marks the digit in each sample, two if the shift takes it round the end. Its
    position is computed from the random draws. If there are more classes, the rows end in dots.

    Args:
        config: the configuration; the published one if omitted. Its order of the points and its
            label noise are left out.
        mnist: MNIST, as `mnist1d.mnist.load_mnist` returns it, for the first training image of each
            class. Without it, that row is left out.
        n_classes: how many classes to draw at most, 1 to 10.
        seed: of the published stream, from which one sample per class is drawn in order.
        dark: white dots on black in place of black lines on white.

    Raises:
        ValueError: if a number is out of range, or MNIST is given with templates that are not the
            ten digits.

    Source:
        Greydanus & Kobak (2024), Figure 1.

    >>> len(overview_picture().axes)
    10
    """
    config = config or DatasetConfig()
    n_classes = checks.integer("n_classes", n_classes, 1, _COLUMNS)
    seed = checks.integer("seed", seed, 0, 2**32 - 1)
    labels = np.array(config.labels[:n_classes])
    templates = config.class_templates()
    drawn = draw_transforms(config, np.random.RandomState(seed), len(labels))
    signals = synthesis.synthesise(templates.x, labels, drawn, config)
    t = np.linspace(templates.t[0], templates.t[-1], config.final_seq_length)
    rows = []
    if mnist is not None:
        if config.templates is not None:
            raise ValueError("mnist must be left out if templates are not the ten digits")
        images = [mnist.x[int((mnist.y == label).argmax())] for label in labels]
        strips = [_Strip(image=image) for image in images]
        rows.append(_Row(strips, _PANEL_WIDTH, "Original MNIST examples"))
    strips = [_Strip(templates.x[label], templates.t) for label in labels]
    rows.append(_Row(strips, _PANEL_WIDTH, "Represent digits as 1D patterns"))
    strips = [
        _Strip(signal, t, spans=spans)
        for signal, spans in zip(signals, digit_spans(drawn, config), strict=True)
    ]
    height = _panel_height(_TRANSFORMED_RATIO, 0)
    rows.append(_Row(strips, height, "Pad, translate, & transform"))
    rows = [row._replace(ellipsis=len(labels) < len(config.labels)) for row in rows]
    width = _limit(1.0, templates.x[labels], signals)
    return _sheet(rows, limits=(width, 1.0), dark=dark)


def digit_spans(
    draws: synthesis.TransformDraws, config: DatasetConfig
) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return the position of the digit in each sample, from the sample's random draws.

    Args:
        draws: the random part of the samples, in NumPy's arrays.
        config: the configuration that they were drawn for.

    Returns:
        Per sample the pieces of the digit, first that with its start: begin and end as fractions of
        the sample's time, from the template's first to its last point. There are two pieces if the
        shift takes the digit round the end.

    >>> config = DatasetConfig(padding=(60, 60))
    >>> drawn = draw_transforms(config, np.random.RandomState(0), 1)
    >>> digit_spans(drawn._replace(shift=np.array([0])), config)[0][0][1] == 11 / 71
    True
    """
    n_points, length = config.template_len, config.stretched_length
    last = length - 1
    spans = []
    for padding, shift in zip(draws.padding.tolist(), draws.shift.tolist(), strict=True):
        stop = shift + (n_points - 1) / (n_points - 1 + padding) * last
        pieces = [(shift / last, min(stop, last) / last)]
        # The first point follows the last one at a distance of one point, as any other.
        if stop >= length:
            pieces.append((0.0, (stop - length) / last))
        spans.append(tuple(pieces))
    return tuple(spans)


def save_picture(figure: Figure, path: str | PathLike[str], *, dpi: int = 100) -> None:
    """Write a picture to a file, atomically; equal pictures give equal bytes.

    Args:
        figure: the picture, or any figure.
        path: the file; its ending, .png or .pdf, is the format. Missing folders are made.
        dpi: pixels per inch of a PNG, 10 to 1000.

    Raises:
        IsADirectoryError: if it is a folder.
        OSError: if it cannot be written.
        ValueError: if the ending is another one, or `dpi` out of range.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "templates.png"
    ...     save_picture(templates_picture(), path)
    ...     path.read_bytes()[1:4]
    b'PNG'
    """
    path = checks.path("path", path)
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise ValueError(f"a picture must be a .png or a .pdf file, not {str(path)!r}")
    dpi = checks.integer("dpi", dpi, 10, 1000)
    # With its date, no two files would be equal.
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None}}[suffix]
    content = io.BytesIO()
    with house_style():
        figure.savefig(
            content,
            format=suffix,
            dpi=dpi,
            metadata=metadata,
            facecolor=figure.get_facecolor(),
        )
    with atomic_write(path) as file:
        file.write(content.getvalue())


def _building_rows(
    config: DatasetConfig, steps: Sequence[Step]
) -> tuple[list[_Row], tuple[float, float]]:
    rows = []
    for number, step in enumerate(steps):
        titles = ["" if number else _title(config, label) for label in step.labels]
        strips = [
            _Strip(signal, step.t, title)
            for signal, title in zip(step.signals, titles, strict=True)
        ]
        ratio = _TRANSFORMED_RATIO if number else _SHORT_RATIO
        rows.append(_Row(strips, _panel_height(ratio, 0 if number else 1), step.caption))
    # The same limits for all, so that heights can be compared.
    return rows, (_limit(1.0, *(step.signals for step in steps)), 1.0)


def _one_column_per_class(y: np.ndarray, labels: Sequence[int], rows: int) -> list[int]:
    """Return which samples to draw in rows of at most ten classes each, -1 for none."""
    chosen = []
    for start in range(0, len(labels), _COLUMNS):
        of_class = [np.flatnonzero(y == label) for label in labels[start : start + _COLUMNS]]
        for row in range(rows):
            chosen += [int(found[row]) if row < len(found) else -1 for found in of_class]
            if start:
                chosen += [-1] * (_COLUMNS - len(of_class))
    return chosen


def _check_panels(n_panels: int) -> None:
    if n_panels > _LARGEST_PANELS:
        raise ValueError(
            f"a picture must have at most {_LARGEST_PANELS} panels, not {n_panels}; "
            "choose fewer rows or classes"
        )


def _title(config: DatasetConfig, label: int) -> str:
    return config.class_names[label] if config.class_names else f"label={label}"


def _limit(least: float, *values: np.ndarray) -> float:
    """Return the limit of a panel's axis, which is symmetric: the least, or beyond all values."""
    largest = max(float(np.abs(array).max()) for array in values)
    return least if largest <= least else 1.1 * largest


def _panel_height(ratio: float, title_lines: int) -> float:
    """Return the height of the panels of a row; the ratio includes titles and margin."""
    return _PANEL_WIDTH * ratio - title_lines * _LINE - 2 * _MARGIN


def _wrapped(strips: Sequence[_Strip], ratio: float, columns: int = _COLUMNS) -> list[_Row]:
    """Arrange panels in rows, all of the height that leaves room for titles."""
    _check_panels(len(strips))
    height = _panel_height(ratio, 1)
    return [
        _Row(strips[start : start + columns], height) for start in range(0, len(strips), columns)
    ]


def _sheet(rows: Sequence[_Row], *, limits: tuple[float, float], dark: bool) -> Figure:
    """Draw rows of panels below each other, without gaps between panels."""
    ink, paper = ("white", "black") if dark else ("black", "white")
    columns = max(len(row.strips) for row in rows)
    strips_width = columns * _PANEL_WIDTH
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


def _head(row: _Row) -> float:
    """Return the inches that caption and titles take above the panels."""
    lines = max(strip.title.count("\n") + 1 if strip.title else 0 for strip in row.strips)
    return _LINE * (lines + (1 if row.caption else 0))


def _draw(
    axes: Axes, strip: _Strip, limits: tuple[float, float], title_size: float, dark: bool
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


def _title_size(rows: Sequence[_Row]) -> float:
    """Return the size in which the longest title is as wide as its panel, or the published one."""
    lines = [line for row in rows for strip in row.strips for line in strip.title.split("\n")]
    longest = max(len(_shortened(line)) for line in lines)
    return min(_TITLE_SIZE, 0.95 * 72 * _PANEL_WIDTH / (_LETTER * max(longest, 1)))


def _shortened(title: str) -> str:
    """Cut off what would not fit even in the smallest size."""
    most = int(0.95 * 72 * _PANEL_WIDTH / (_LETTER * _SMALLEST_TITLE))
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
