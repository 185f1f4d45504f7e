"""Pictures of the data: templates, samples of any dataset, and how a sample is built.

A signal is drawn upright, its values to the right and time downwards, in a row of narrow panels.
Every function returns a new matplotlib figure; `save_picture` writes it. Sizes and sequence are
those of the two introductory notebooks of the authors.
"""

import io
from collections.abc import Sequence
from os import PathLike

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import atomic_write
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.dataset import Dataset
from mnist1d.dataset.generation import generate
from mnist1d.figures.building import (
    Step,
    building_picture,
    building_sequence,
    building_steps,
    digit_spans,
    overview_picture,
)
from mnist1d.figures.sheet import (
    COLUMNS,
    LARGEST_PANELS,
    Strip,
    check_panels,
    limit_of,
    sheet,
    title_of,
    wrapped,
)
from mnist1d.figures.style import Figure, house_style

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

_TEMPLATE_RATIO, _SAMPLES_RATIO = 1.33, 2.7


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
        Strip(templates.x[label], templates.t, title_of(config, label)) for label in config.labels
    ]
    width = limit_of(1.0, templates.x[list(config.labels)])
    return sheet(wrapped(strips, _TEMPLATE_RATIO), limits=(width, 1.0), dark=dark)


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
        first = checks.integer("first", first, 1, min(len(samples.y), LARGEST_PANELS))
        columns = COLUMNS
        chosen = [*range(first), *[-1] * (-first % columns if first > columns else 0)]
    else:
        rows = checks.integer("rows", 1 if rows is None else rows, 1, LARGEST_PANELS)
        columns = min(COLUMNS, len(config.labels))
        chosen = _one_column_per_class(samples.y, config.labels, rows)
    check_panels(len(chosen))
    titled = first is not None or len(config.labels) > COLUMNS or config.label_noise > 0
    strips = []
    for place, i in enumerate(chosen):
        if i < 0:
            strips.append(Strip())
            continue
        wrong = bool(samples.y[i] != truth[i])
        title = title_of(config, samples.y[i]) if titled or place < columns else ""
        if wrong:
            title += f"\nreally {config.label_names[truth[i]]}"
        strips.append(Strip(signals[i], data.t, title, wrong))
    drawn = [strip.signal for strip in strips if strip.signal.size]
    limits = (
        (limit, limit)
        if limit is not None
        else (limit_of(0.0, *drawn) or 1.0, limit_of(0.0, data.t))
    )
    return sheet(wrapped(strips, _SAMPLES_RATIO, columns), limits=limits, dark=dark)


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


def _one_column_per_class(y: np.ndarray, labels: Sequence[int], rows: int) -> list[int]:
    """Return which samples to draw in rows of at most ten classes each, -1 for none."""
    chosen = []
    for start in range(0, len(labels), COLUMNS):
        of_class = [np.flatnonzero(y == label) for label in labels[start : start + COLUMNS]]
        for row in range(rows):
            chosen += [int(found[row]) if row < len(found) else -1 for found in of_class]
            if start:
                chosen += [-1] * (COLUMNS - len(of_class))
    return chosen
