"""Pictures of how samples are built, step by step, and of what MNIST-1D is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist1d.dataset import checks, synthesis
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.generation import draw_transforms
from mnist1d.dataset.variants import point_order
from mnist1d.figures.sheet import (
    COLUMNS,
    PANEL_WIDTH,
    TRANSFORMED_RATIO,
    Row,
    Strip,
    limit_of,
    panel_height,
    sheet,
    title_of,
)
from mnist1d.figures.style import Figure
from mnist1d.mnist import MNIST

_SHORT_RATIO = 0.8


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
    labels = np.array(config.labels[:COLUMNS])
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
    return tuple(sheet([row._replace(caption="")], limits=limits, dark=dark) for row in rows)


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
    return sheet(rows, limits=limits, dark=dark)


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
    n_classes = checks.integer("n_classes", n_classes, 1, COLUMNS)
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
        strips = [Strip(image=image) for image in images]
        rows.append(Row(strips, PANEL_WIDTH, "Original MNIST examples"))
    strips = [Strip(templates.x[label], templates.t) for label in labels]
    rows.append(Row(strips, PANEL_WIDTH, "Represent digits as 1D patterns"))
    strips = [
        Strip(signal, t, spans=spans)
        for signal, spans in zip(signals, digit_spans(drawn, config), strict=True)
    ]
    height = panel_height(TRANSFORMED_RATIO, 0)
    rows.append(Row(strips, height, "Pad, translate, & transform"))
    rows = [row._replace(ellipsis=len(labels) < len(config.labels)) for row in rows]
    width = limit_of(1.0, templates.x[labels], signals)
    return sheet(rows, limits=(width, 1.0), dark=dark)


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


def _building_rows(
    config: DatasetConfig, steps: Sequence[Step]
) -> tuple[list[Row], tuple[float, float]]:
    rows = []
    for number, step in enumerate(steps):
        titles = ["" if number else title_of(config, label) for label in step.labels]
        strips = [
            Strip(signal, step.t, title) for signal, title in zip(step.signals, titles, strict=True)
        ]
        ratio = TRANSFORMED_RATIO if number else _SHORT_RATIO
        rows.append(Row(strips, panel_height(ratio, 0 if number else 1), step.caption))
    # The same limits for all, so that heights can be compared.
    return rows, (limit_of(1.0, *(step.signals for step in steps)), 1.0)
