"""True and generated signals, memorisation by samples and over the training, and distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from mnist1d.experiments.beyond.generation.measures import replicas_at_end
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import Estimate, estimate

CAPTIONS = {
    "figure": "(a) Above: a true signal of every class; below: one that the network generated when "
    "asked for this class, after training on the largest number of samples (trial 0; values to "
    "the right, time downwards). (b) Share of generated signals that are replicas of training "
    "samples, by the number of training samples, and the same of fresh true signals. (c) Signals "
    "of two networks that were trained on other samples, from the same noise: mean distance "
    "between them, beside the distances to training samples. Dots with 95 % intervals over trials; "
    "lines join sizes that follow each other, and the second network has not all of them.",
    "figure-judged": "(a) Share of replicas over the training, by the number of training samples, "
    "with 95 % bands; of lines at 0 that of most samples covers the others. (b, c) Shifts and "
    "scales of generated signals, by the posterior of the generator, beside true ones; all trials. "
    "(d) Logarithms of the densities of signals under the generator, per point; what is further "
    "below is left out.",
}

TRUE_COLOUR = "black"
LOWEST = 3.0
"""Nats per point below the median of true signals, from which on densities are not drawn."""

APART = 3
"""Ratio of two sizes whose labels do not collide on the axis."""


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw signals with memorisation ("figure"), and what the generator says ("figure-judged")."""
    return {"figure": _plot_signals(result), "figure-judged": _plot_judged(result)}


def _plot_signals(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 4.2))
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    above, below = parts
    true = result.true_signals.sel(part="true").isel(seed=0).transpose("shown", "point")
    made = result.signals.isel(n_samples=-1, seed=0).transpose("shown", "point")
    n_classes = result.sizes["shown"] // 2
    strips = above.subplots(2, n_classes, squeeze=False)
    drawn = np.concatenate([true.to_numpy()[:n_classes], made.to_numpy()[:n_classes]])
    limit = 1.05 * float(np.nanmax(abs(drawn))) if np.isfinite(drawn).any() else 1.0
    time = np.linspace(-1, 1, result.sizes["point"])
    for row, (name, signals) in enumerate((("true", true), ("generated", made))):
        for axes, signal in zip(strips[row], signals.to_numpy(), strict=False):
            style.signal_strip(axes, signal, time, limits=(limit, 1))
            axes.lines[0].set(linewidth=1, color=TRUE_COLOUR if row == 0 else "tab:blue")
        strips[row, 0].set_ylabel(name)
    for digit, axes in enumerate(strips[0]):
        axes.set_title(f"{digit}")
    style.panel_letter(strips[0, 0], "a")
    replicas, distances = below.subplots(1, 2)
    n_samples = result.n_samples.to_numpy()
    for true_ones, colour, name in ((False, "tab:blue", "generated"), (True, "0.5", "fresh true")):
        found = [replicas_at_end(n, true=true_ones)(result) for n in n_samples.tolist()]
        _plot_points(replicas, n_samples, found, color=colour, label=f"{name} signals")
    replicas.set(ylabel="Replicas (%)", ylim=(-3, 103))
    for name, colour, label in (
        ("nearest", "tab:blue", "to the nearest training sample"),
        ("true_nearest", "0.5", "the same of fresh true signals"),
        ("twin_distance", "tab:orange", "to the other network's signal"),
    ):
        values = result[name].mean("signal").transpose("n_samples", "seed").to_numpy()
        known = np.isfinite(values).any(axis=1)
        found = [estimate(row) for row in values[known]]
        # A line over sizes that are missing would cross others at a made-up place.
        line = "-" if known.all() else ""
        _plot_points(distances, n_samples[known], found, linestyle=line, color=colour, label=label)
    distances.set(ylabel="Mean distance of signals", ylim=(0, None))
    for axes, letter in ((replicas, "b"), (distances, "c")):
        axes.set(xscale="log", xlabel="Training samples")
        axes.set_xticks(n_samples, _labels(n_samples.tolist()))
        axes.xaxis.set_minor_formatter("")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        style.panel_letter(axes, letter)
    return figure


def _labels(sizes: list[int]) -> list[str]:
    """Write the sizes that are far enough from the one written before, so that none collide."""
    found, last = [], 0
    for n in sizes:
        is_written = n >= APART * last
        found.append(f"{n:,}" if is_written else "")
        last = n if is_written else last
    return found


def _plot_points(axes: Axes, x: np.ndarray, found: list[Estimate], **how: Any) -> None:
    """Draw means with intervals, joined by lines."""
    mean, low, high = ([each[part] for each in found] for part in range(3))
    axes.plot(x, mean, **{"marker": ".", "linestyle": "-", **how})
    style.error_bars(axes, x, mean, low, high, ecolor=how["color"], elinewidth=0.5)


def _plot_judged(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 3.8))
    panels = figure.subplots(2, 2)
    training, shift, scale, density = panels.flat
    sizes = result.n_samples.to_numpy().tolist()
    shades = [to_hex(each) for each in colormaps["viridis"](np.linspace(0.9, 0.1, len(sizes)))]
    for n, shade in zip(sizes, shades, strict=True):
        label = f"{n:,} training samples"
        shares = 100 * result.replicas.sel(n_samples=n).transpose("step", "seed").to_numpy()
        found = [estimate(row) for row in shares]
        parts = (np.array([each[part] for each in found]) for part in range(3))
        mean, low, high = parts
        low, high = np.clip(low, 0, 100), np.clip(high, 0, 100)
        style.line_with_interval(
            training, result.step.to_numpy(), mean, low, high, color=shade, label=label
        )
    training.set(xlabel="Updates", ylabel="Replicas (%)", ylim=(-3, 103))
    true_density = result.true_log_density.sel(part="true").to_numpy() / result.sizes["point"]
    highest = float(np.nanmax(true_density)) if np.isfinite(true_density).any() else 0.0
    lowest = float(np.nanmedian(true_density)) - LOWEST if np.isfinite(true_density).any() else -1
    for axes, name, bins in (
        (shift, "shift", _bins(result.true_shift.to_numpy(), whole=True)),
        (scale, "scale", _bins(result.true_scale.to_numpy())),
        (density, "log_density", np.linspace(lowest, highest, 41)),
    ):
        per = result.sizes["point"] if name == "log_density" else 1
        true = result[f"true_{name}"].sel(part="true").to_numpy() / per
        _plot_share(axes, true, bins, color=TRUE_COLOUR, label="true")
        for n, shade in zip(sizes, shades, strict=True):
            values = result[name].sel(n_samples=n).to_numpy() / per
            _plot_share(axes, values, bins, color=shade, label=f"{n:,} training samples")
    shift.set(xlabel="Shift (points of the stretched signal)", ylabel="Share of signals", ylim=0)
    scale.set(xlabel="Scale", ylabel="Share of signals", ylim=(0, None))
    density.set(xlabel="Log density (nats per point)", ylabel="Share of signals", ylim=(0, None))
    for axes, letter in zip(panels.flat, "abcd", strict=True):
        style.panel_letter(axes, letter)
    handles, labels = shift.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")
    return figure


def _bins(values: np.ndarray, *, whole: bool = False) -> np.ndarray:
    """Return edges of bins over the range of true signals; of whole numbers, some together."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if not whole:
        return np.linspace(low, high if high > low else low + 1, 17)
    return np.append(np.arange(low - 0.5, high + 0.5, 4), high + 0.5)


def _plot_share(axes: Axes, values: np.ndarray, bins: np.ndarray, **how: Any) -> None:
    """Draw how many of all values are in each bin, divided by the bin's width."""
    known = values[np.isfinite(values)]
    counts, _ = np.histogram(known, bins)
    axes.stairs(counts / max(values.size, 1) / np.diff(bins) * np.diff(bins)[0], bins, **how)
