"""Figure 8, and beyond it the signals and their views, both embeddings, and training curves."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from mnist1d.experiments.self_supervised.claims import accuracy
from mnist1d.experiments.self_supervised.config import N_LAYERS, STAGES
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import interval

LINES: Mapping[str, tuple[str, str, str]] = {
    "default": ("Default", "-", "."),
    "no projector": ("No proj.", "--", ""),
    "deep projector": ("Deep proj.", "-.", ""),
}
"""Name, line and marker of each variant in the figures."""


LABEL_DISTANCE, LABEL_MOVES = 0.13, 50
"""Least distance of two labels in the picture of an embedding, as a part of its width, and how
often labels that are nearer are moved."""


CAPTIONS = {
    "figure": "Figure 8: outputs of an encoder with projection head, embedded by t-SNE (a), and "
    "linear accuracy of every layer (b); bands are 95 % intervals over seeds.",
    "figure-samples": "Signals, one row per digit.",
    "figure-views": "Two random views (blue, orange) of the same signals, laid over each other.",
    "figure-tsne": "Outputs before and after training, embedded by t-SNE.",
    "figure-training": "Loss, nearest neighbours of the output, and linear accuracy before the "
    "head, during training.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 8 ("figure") and, beyond it, pictures of the code and training curves."""
    return {
        "figure": _plot_figure(result),
        "figure-samples": _plot_grid(result["pictured_signals"].to_numpy()[None]),
        "figure-views": _plot_grid(result["pictured_views"].to_numpy()),
        "figure-tsne": _plot_stages(result),
        "figure-training": _plot_training(result),
    }


def _plot_figure(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(3.25, 1.5))
    left, right = figure.subplots(1, 2)
    _plot_embedding(left, result, "after")
    figure.text(0.01, 0.99, "a", fontsize=8, fontweight="bold", va="top")
    for variant, (name, line, marker) in LINES.items():
        layers = range(N_LAYERS[variant] + 1)
        mean, low, high, *_ = zip(*(accuracy(variant, k)(result) for k in layers), strict=True)
        look = {"color": "black", "linestyle": line, "marker": marker, "label": name}
        style.line_with_interval(right, layers, mean, low, high, **look)
    right.set(xlabel="Layer", ylabel="Linear accuracy (%)", xticks=range(8), ylim=(30, 90))
    right.set_yticks(range(30, 91, 10))
    right.legend(loc="lower right", handlelength=2.2, labelspacing=0.3)
    figure.text(0.44, 0.99, "b", fontsize=8, fontweight="bold", va="top")
    return figure


def _plot_embedding(axes: Axes, result: xr.Dataset, stage: str, seed: int = 0) -> None:
    points = result["embedding"].sel(stage=stage, seed=seed).to_numpy()
    labels = result["label"].to_numpy()
    x, y = points.T
    axes.scatter(x, y, c=labels, cmap=colormaps["tab10"], vmin=0, vmax=9, s=2, linewidths=0)
    # Before training the medians of all digits are close together.
    if stage == "after" and np.isfinite(points).all():
        digits = np.unique(labels)
        middles = np.stack([np.median(points[labels == digit], axis=0) for digit in digits])
        for digit, (x_middle, y_middle) in zip(digits, _apart(middles, points), strict=True):
            text = axes.text(x_middle, y_middle, str(digit), fontsize=9, ha="center", va="center")
            text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()


def _apart(middles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Move labels that would overlap away from each other, a little at a time."""
    least = LABEL_DISTANCE * np.ptp(points, axis=0).max()
    places = middles.astype(float)
    for _ in range(LABEL_MOVES):
        between = places[:, None] - places[None]
        distances = np.linalg.norm(between, axis=-1, keepdims=True)
        # Two in the same place have no direction, and stay.
        steps = between / np.where(distances, distances, 1) * np.clip(least - distances, 0, None)
        places += steps.sum(axis=1) / 4
    return places


def _plot_stages(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(5, 2.5))
    for axes, stage in zip(figure.subplots(1, 2), STAGES, strict=True):
        _plot_embedding(axes, result, stage)
        axes.set_title(f"{stage.capitalize()} training")
    return figure


def _plot_grid(curves: np.ndarray) -> Figure:
    """Draw a row of signals per digit; `curves` has the shape (views, 10, examples, length)."""
    n_rows, n_columns = curves.shape[1:3]
    figure = Figure(figsize=(4, 5))
    panels = np.asarray(figure.subplots(n_rows, n_columns, sharex=True, sharey=True))
    for digit, row in enumerate(panels):
        for example, axes in enumerate(row):
            for view, colour in zip(curves, ("tab:blue", "tab:orange"), strict=False):
                axes.plot(view[digit, example], color=colour)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        row[0].set_ylabel(str(digit), rotation=0, labelpad=6, va="center", fontsize=7)
    return figure


def _plot_training(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(5, 1.6))
    for axes, (name, axis, unit, label) in zip(
        figure.subplots(1, 3),
        (
            ("loss", "epoch", 1, "Loss (nats)"),
            ("probe_knn_accuracy", "probe_epoch", 100, "kNN accuracy\nof output (%)"),
            ("probe_linear_accuracy", "probe_epoch", 100, "Linear accuracy\nbefore head (%)"),
        ),
        strict=True,
    ):
        for variant, (title, line, _) in LINES.items():
            values = unit * result[name].sel(variant=variant).to_numpy()
            look = {"color": "black", "linestyle": line, "label": title}
            style.line_with_interval(axes, result[axis], *interval(values), **look)
        axes.set(xlabel="Epoch", ylabel=label)
        axes.set_xlim(0, None)
    figure.axes[0].legend(loc="upper right", handlelength=2.2, labelspacing=0.3)
    return figure
