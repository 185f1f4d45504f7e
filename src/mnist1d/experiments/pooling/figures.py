"""Figure 9, the same for all sizes, and the gains."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from scipy.ndimage import gaussian_filter1d

from mnist1d.experiments.pooling.claims import AT_END, LATE_STEPS, PUBLISHED, gain, printed
from mnist1d.experiments.pooling.config import VARIANTS
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.harness.interface import is_other_data
from mnist1d.measures.expressions import Reduction, last
from mnist1d.measures.uncertainty import interval

LINES: Mapping[str, Mapping[str, Any]] = {
    "no_pool": {"color": "black"},
    "stride_2": {"color": "black", "linestyle": "--"},
    "max_pool": {"color": "tab:red"},
    "avg_pool": {"color": "tab:green"},
    "l2_pool": {"color": "tab:blue"},
}
LIMITS = {1000: (30, 85), 2000: (70, 92), 5000: (80, 100)}
"""Vertical limits of the published panels; 90 to 100 for all others."""


CAPTIONS = {
    "figure": "Figure 9: test accuracy during training on 1,000, 5,000 and 50,000 samples; bands "
    "are 95 % intervals over trials.",
    "figure-sizes": "The same for all published sizes.",
    "figure-gain": "Gain of pooling and of striding on the network without either, paired by "
    "trial; right of the dotted line, beyond the paper, sets from the native stream.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 9 ("figure"), all published sizes ("figure-sizes"), and gains ("figure-gain")."""
    sizes = result.n_samples[~result.streamed].to_numpy().tolist()
    shown = [size for size in (1000, 5000, 50_000) if size in sizes] or sizes[:3]
    figures = {"figure": _plot_curves(result, shown, (6.75, 1.8), n_rows=1)}
    if len(sizes) > len(shown):
        figures["figure-sizes"] = _plot_curves(result, sizes, (6.75, 3.5), n_rows=2)
    return figures | {"figure-gain": _plot_gains(result)}


def _plot_curves(
    result: xr.Dataset, sizes: Sequence[int], figsize: tuple[float, float], *, n_rows: int
) -> Figure:
    figure = Figure(figsize=figsize)
    panels = figure.subplots(n_rows, math.ceil(len(sizes) / n_rows), squeeze=False)
    for axes, size in zip(panels.flat, sizes, strict=False):
        for variant in VARIANTS:
            curves = 100 * result.test_accuracy.sel(variant=variant, n_samples=size).to_numpy()
            mean, low, high = interval(gaussian_filter1d(curves, 1))
            style.line_with_interval(
                axes,
                result.step,
                mean,
                np.maximum(low, 0),
                np.minimum(high, 100),
                label=variant,
                **LINES[variant],
            )
        limits = (0, 100) if is_other_data(result) else LIMITS.get(size, (90, 100))
        axes.set(title=f"{size:,} examples", xlim=(0, None), ylim=limits)
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    for axes in panels.flat[len(sizes) :]:
        axes.set_axis_off()
    panels[-1, 0].set(xlabel="Train step")
    for axes in panels[:, 0]:
        axes.set(ylabel="Test accuracy (%)")
    panels[0, 0].legend(ncols=2, loc="lower right", columnspacing=1, handlelength=1.5)
    return figure


def _plot_gains(result: xr.Dataset) -> Figure:
    """Draw gains on no_pool over the number of samples, published ones as crosses."""
    figure = Figure(figsize=(6.75, 2.2))
    panels = figure.subplots(1, 2, sharey=True)
    reductions: tuple[Reduction, ...] = (last, AT_END)
    for axes, at, letter in zip(panels, reductions, "ab", strict=True):
        _plot_gain(axes, result, at)
        style.panel_letter(axes, letter)
    for variant in () if is_other_data(result) else VARIANTS[1:]:
        sizes = [size for size in PUBLISHED if size in result.n_samples]
        published = [printed([variant], size) for size in sizes]
        panels[0].plot(sizes, published, "x", color=LINES[variant]["color"], markersize=3)
    if not is_other_data(result):
        panels[0].plot([], [], "x", color="0.5", markersize=3, label="published runs")
    panels[0].set(ylabel="Gain on no_pool (points)", title="After the last step")
    panels[1].set(title=f"Mean of the last {LATE_STEPS:,} steps")
    panels[1].legend(
        *panels[0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.2, 1)
    )
    return figure


def _plot_gain(axes: Axes, result: xr.Dataset, at: Reduction) -> None:
    sizes = result.n_samples.to_numpy().tolist()
    for variant in VARIANTS[1:]:
        gains = [gain(variant, size, at)(result) for size in sizes]
        style.line_with_interval(
            axes,
            sizes,
            *([gain[part] for gain in gains] for part in range(3)),
            marker=".",
            label=variant,
            **LINES[variant],
        )
    axes.axhline(0, color="#aaaaaa", linewidth=0.5, zorder=0.5)
    if result.streamed.any():
        between = math.sqrt(
            result.n_samples[~result.streamed].max() * result.n_samples[result.streamed].min()
        )
        axes.axvline(between, color="#aaaaaa", linestyle=":", zorder=0.5)
        axes.text(
            between,
            0.98,
            " beyond the paper",
            transform=axes.get_xaxis_transform(),
            color="0.4",
            va="top",
        )
    axes.set(xscale="log", xlabel="Training samples")
