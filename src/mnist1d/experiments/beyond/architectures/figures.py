"""Accuracy over samples, and what shuffled points and shifted tests cost."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.beyond.architectures.claims import (
    TITLES,
    accuracy,
    per_cent,
    shift_accuracy,
    shuffled_accuracy,
    size_accuracy,
)
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.harness.settings import SHIFTS
from mnist1d.measures.expressions import Measure

CAPTIONS = {
    "figure": "(a) Test accuracy of architectures of the same number of parameters, by the number "
    "of training samples, and of ten nearest neighbours (dashed). (b) With 4,000 samples: by the "
    "number of parameters, and with points in order and shuffled. Bands and bars are 95 % "
    "intervals over trials.",
    "figure-shifts": "Accuracy on test samples like those of training, and on samples with other "
    "noise, slope, height and position, trained on 4,000 samples.",
}

BESIDE: Mapping[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
"""Where legends are, as curves and bars take all of a panel."""

Columns = dict[str, Callable[[str], Measure]]
"""Measures of a model, by their label."""

COLOURS = {model: f"C{number}" for number, model in enumerate(TITLES)}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw accuracies over samples and orders ("figure"), and on shifted tests."""
    return {"figure": _plot_samples(result), "figure-shifts": _plot_shifts(result)}


def _plot_samples(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(8, 2.4))
    curves, bars = figure.subplots(1, 2, width_ratios=(1.2, 1))
    samples = result.n_samples.to_numpy().tolist()
    for model in result.model.to_numpy().tolist():
        _plot_line(curves, result, samples, partial(size_accuracy, model), model)
    neighbours = [per_cent("neighbours_accuracy", n_samples=n)(result).mean for n in samples]
    curves.plot(samples, neighbours, "--", color="0.5", label="neighbours")
    sizes = result.n_parameters.to_numpy().tolist()
    curves.set(
        xscale="log",
        xlabel="Training samples",
        ylabel="Test accuracy (%)",
        title=f"{sizes[0]:,} parameters",
    )
    curves.legend(**BESIDE)
    columns: Columns = {f"{n:,}": partial(accuracy, n_parameters=n) for n in sizes}
    columns[f"{sizes[0]:,}, shuffled"] = shuffled_accuracy
    _plot_bars(bars, result, columns)
    bars.set(ylabel="Test accuracy (%)", title="4,000 samples")
    bars.legend(title="Parameters", **BESIDE)
    for axes, letter in zip((curves, bars), "ab", strict=True):
        style.panel_letter(axes, letter)
    return figure


def _plot_shifts(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.2))
    axes = figure.subplots()
    first = int(result.n_parameters[0])
    columns: Columns = {"as in training": partial(accuracy, n_parameters=first)}
    columns |= {name: partial(shift_accuracy, test_set=name) for name in SHIFTS}
    _plot_bars(axes, result, columns)
    axes.set(ylabel="Accuracy (%)")
    return figure


def _plot_line(
    axes: Axes,
    result: xr.Dataset,
    samples: Sequence[int],
    measure: Callable[[int], Measure],
    model: str,
) -> None:
    found = [measure(n)(result) for n in samples]
    parts = ([each[part] for each in found] for part in range(3))
    style.line_with_interval(axes, samples, *parts, marker=".", color=COLOURS[model], label=model)


def _plot_bars(axes: Axes, result: xr.Dataset, columns: Columns) -> None:
    """Draw a group of bars for every model, one for every measure."""
    models = result.model.to_numpy().tolist()
    width = 0.8 / len(columns)
    for number, (label, measure) in enumerate(columns.items()):
        found = [measure(model)(result) for model in models]
        parts = ([each[part] for each in found] for part in range(3))
        places = np.arange(len(models)) + (number - (len(columns) - 1) / 2) * width
        style.bars_with_interval(axes, places, *parts, width=width, color=f"C{number}", label=label)
    axes.set_xticks(range(len(models)), models, rotation=60, ha="right", rotation_mode="anchor")
    axes.legend(**BESIDE)
