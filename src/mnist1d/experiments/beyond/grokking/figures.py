"""Accuracy, norm and features over the steps, and the delay by scale."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.beyond.grokking.measures import (
    Curves,
    Place,
    accuracy_when_fitted,
    curves_of,
    delay,
    final_accuracy,
    fitted_after,
    generalised_after,
)
from mnist1d.experiments.beyond.grokking.table import places_of
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.expressions import Measure
from mnist1d.measures.uncertainty import estimate

CAPTIONS = {
    "figure": "Above: training and test accuracy over the steps; dotted: the steps (geometric mean "
    "over trials) after which the training accuracy is 99 %, and the test accuracy 90 % of its "
    "highest; no line where trials are more than tenfold apart. Below: the norm of all weights. "
    "From left to right: large initial weights with weight decay, without it, and initial weights "
    "of the usual size with weight decay. Means over trials with 95 % bands.",
    "figure-scales": "By the factor on the initial weights: (a) how many times later networks "
    "generalise than they fit their samples; dashed: no later, dotted: ten times as late; (b) test "
    "accuracy when the samples are fitted, and in the end. (c) Similarity of the features that the "
    "last layer sees with the initial ones. Means over trials with 95 % intervals.",
}
TRAINING, TEST = "tab:blue", "tab:red"

APART = 10
"""Ratio of the steps of trials above which no mean of them is drawn."""


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw accuracy and norm over the steps ("figure"), and delays by scale ("figure-scales")."""
    return {"figure": _plot_steps(result), "figure-scales": _plot_scales(result)}


def shown_places(result: xr.Dataset) -> list[Place]:
    """Return large weights with the smallest decay above zero, with none, and the usual weights.

    All have the largest training set.

    >>> from types import SimpleNamespace
    >>> labels = {"n_samples": [125, 250], "decay": [0.0, 0.01, 0.02], "scale": [1.0, 4.0]}
    >>> result = SimpleNamespace(**{name: np.array(each) for name, each in labels.items()})
    >>> [tuple(place) for place in shown_places(result)]
    [(250, 0.01, 4.0), (250, 0.0, 4.0), (250, 0.01, 1.0)]
    """
    n_samples = int(result.n_samples[-1])
    decays = [float(each) for each in result.decay]
    usual, large = (float(result.scale[place]) for place in (0, -1))
    shrinking = next((each for each in decays if each > 0), decays[0])
    places = [(shrinking, large), (decays[0], large), (shrinking, usual)]
    return list(dict.fromkeys(Place(n_samples, *place) for place in places))


def _plot_steps(result: xr.Dataset) -> Figure:
    places = shown_places(result)
    figure = Figure(figsize=(6.75, 3.1))
    panels = figure.subplots(
        2, len(places), sharex=True, sharey="row", height_ratios=(1.6, 1), squeeze=False
    )
    for place, above, below in zip(places, *panels, strict=True):
        runs = curves_of(result, place)
        _plot_curve(above, runs, lambda run: 100 * run.train_accuracy, 100, color=TRAINING)
        _plot_curve(above, runs, lambda run: 100 * run.test_accuracy, 100, color=TEST)
        for measure, colour in ((fitted_after, TRAINING), (generalised_after, TEST)):
            steps = measure(place).per_seed(result)
            # A mean of trials that are far apart, as of two clusters, would be where no trial is.
            if np.isfinite(steps).all() and steps.max() <= APART * steps.min():
                middle = np.exp(np.log(steps).mean())
                above.axvline(middle, color=colour, linestyle=":", linewidth=0.75)
        _plot_curve(below, runs, lambda run: run.norm, np.inf, color="black")
        decay = f"weight decay {place.decay:g}" if place.decay else "no weight decay"
        above.set(
            title=f"initial weights \N{MULTIPLICATION SIGN} {place.scale:g}, {decay}",
            ylim=(0, 103),
        )
        below.set(xlabel="Steps", xscale="log")
    first = panels[0, 0]
    first.set_ylabel("Accuracy (%)")
    first.text(0.03, 0.95, "training", color=TRAINING, transform=first.transAxes, va="top")
    first.text(0.03, 0.87, "test", color=TEST, transform=first.transAxes, va="top")
    panels[1, 0].set(ylabel="Norm of the weights", ylim=(0, None))
    for axes, letter in zip(panels[0], "abc", strict=False):
        style.panel_letter(axes, letter)
    return figure


def _plot_scales(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.0))
    delays, accuracies, features = figure.subplots(1, 3)
    places = places_of(result)
    conditions = list(dict.fromkeys((place.n_samples, place.decay) for place in places))
    for number, (n_samples, decay) in enumerate(conditions):
        own = [place for place in places if place[:2] == (n_samples, decay)]
        label = f"{n_samples:,} samples, decay {decay:g}"
        _plot_points(delays, result, own, delay, color=f"C{number}", label=label)
    delays.axhline(0, color="0.5", linestyle="--", linewidth=0.5)
    delays.axhline(1, color="0.5", linestyle=":", linewidth=0.75)
    delays.set(ylabel="Delay (powers of ten)")
    delays.legend(loc="upper left", bbox_to_anchor=(0, -0.3))
    shown = shown_places(result)
    groks = shown[0]
    own = [place for place in places if place[:2] == groks[:2]]
    _plot_points(accuracies, result, own, accuracy_when_fitted, color=TRAINING, label="when fitted")
    _plot_points(accuracies, result, own, final_accuracy, color=TEST, label="in the end")
    accuracies.set(ylabel="Test accuracy (%)")
    accuracies.legend(
        title=f"{groks.n_samples:,} samples, decay {groks.decay:g}",
        title_fontsize=6,
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(0, -0.3),
    )
    for axes in (delays, accuracies):
        scales = result.scale.to_numpy()
        ends = (0.9 * scales[0], 1.1 * scales[-1])
        axes.set(xlabel="Factor on the initial weights", xscale="log", xlim=ends)
        axes.set_xticks(scales, [f"{scale:g}" for scale in scales])
        axes.minorticks_off()
    for number, place in enumerate(shown):
        shrinks = f"decay {place.decay:g}" if place.decay else "no decay"
        label = f"weights \N{MULTIPLICATION SIGN} {place.scale:g}, {shrinks}"
        runs = curves_of(result, place)
        _plot_curve(features, runs, lambda run: run.similarity, 1, color=f"C{number}", label=label)
    features.set(xlabel="Steps", ylabel="Similarity of features", xscale="log", ylim=(0, 1.03))
    features.legend(loc="upper left", bbox_to_anchor=(0, -0.3))
    for axes, letter in zip((delays, accuracies, features), "abc", strict=True):
        style.panel_letter(axes, letter)
    return figure


def _plot_curve(
    axes: Axes,
    runs: Sequence[Curves],
    values: Callable[[Curves], np.ndarray],
    most: float,
    **how: Any,
) -> None:
    """Draw the mean of a curve over trials, with its band from 0 to `most`."""
    found = [estimate(each) for each in np.array([values(run) for run in runs]).T]
    parts = (np.clip([each[part] for each in found], 0, most) for part in range(3))
    style.line_with_interval(axes, runs[0].step, *parts, **how)


def _plot_points(
    axes: Axes,
    result: xr.Dataset,
    places: Sequence[Place],
    measure: Callable[[Place], Measure],
    **how: Any,
) -> None:
    """Draw a measure by scale, where all trials have one."""
    known = [place for place in places if np.isfinite(measure(place).per_seed(result)).all()]
    scales = [place.scale for place in known]
    found = [measure(place)(result) for place in known]
    mean, low, high = ([each[part] for each in found] for part in range(3))
    axes.plot(scales, mean, ".-", **how)
    if known:
        style.error_bars(axes, scales, mean, low, high, ecolor=how["color"], elinewidth=0.5)
