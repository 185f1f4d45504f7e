"""Sharpness and loss over the training, by learning rate and by method."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.beyond.edge_of_stability.config import (
    ADAM,
    CROSS_ENTROPY,
    GD,
    MOMENTUM,
    SAM,
    is_sgd,
)
from mnist1d.experiments.beyond.edge_of_stability.measures import rates_of
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import estimate

CAPTIONS = {
    "figure": "Gradient descent at several learning rates. Above: the largest eigenvalue of the "
    "Hessian of the training loss, its mean over trials with a 95 % band; dashed: 2 / learning "
    "rate, above which gradient descent is unstable. Below: the training loss of trial 0.",
    "figure-methods": "(a) Sharpness with momentum, SGD and sharpness-aware minimisation (SAM) "
    "beside gradient descent at the same learning rate; dashed: where each is unstable, of SAM "
    "depending on the gradient. (b) Sharpness of Adam's preconditioned Hessian; dashed: 38 / "
    "learning rate. (c) Gradient descent on the cross-entropy. Bands are 95 % intervals over "
    "trials.",
}
BESIDE: Mapping[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
"""Where legends are, as curves take all of a panel."""

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw sharpness over the training by rate ("figure") and by method ("figure-methods")."""
    return {"figure": _plot_rates(result), "figure-methods": _plot_methods(result)}


def _plot_rates(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(4.5, 3.4))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    rates = rates_of(result, GD)
    for number, rate in enumerate(rates):
        colour = COLOURS[number % len(COLOURS)]
        _plot_sharpness(
            above, result, GD, rate, colour, f"rate {rate:g}: 2 / rate = {2 / rate:.3g}"
        )
        losses = result.train_loss.sel(optimizer=GD, rate=rate).isel(seed=0)
        below.plot(result.step, losses, color=colour)
    # A sharpness far above its edge, as of a training that diverges, would hide the others.
    above.set(ylabel="Sharpness", ylim=(0, 1.2 * 2 / min(rates)))
    above.legend(**BESIDE)
    below.set(xlabel="Steps", ylabel="Training loss", yscale="log")
    return figure


def _plot_methods(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(9, 2.1))
    methods, adam, entropy = figure.subplots(1, 3)
    shared = rates_of(result, SAM)[0]
    names = [GD, MOMENTUM, *_sgd_of(result), SAM]
    for number, method in enumerate(names):
        rates = rates_of(result, method)
        rate = shared if shared in rates else rates[0]
        colour = COLOURS[number % len(COLOURS)]
        label = method if rate == shared else f"{method}, rate {rate:g}"
        _plot_sharpness(methods, result, method, rate, colour, label)
    for number, rate in enumerate(rates_of(result, ADAM)):
        colour = COLOURS[number % len(COLOURS)]
        _plot_sharpness(adam, result, ADAM, rate, colour, f"rate {rate:g}")
    for number, rate in enumerate(rates_of(result, CROSS_ENTROPY)):
        colour = COLOURS[number % len(COLOURS)]
        _plot_sharpness(entropy, result, CROSS_ENTROPY, rate, colour, f"rate {rate:g}")
    methods.set(ylabel="Sharpness", title=f"Rate {shared:g}")
    adam.set(ylabel="Preconditioned sharpness", title=ADAM)
    entropy.set(title="Gradient descent on the cross-entropy")
    for axes, letter in zip((methods, adam, entropy), "abc", strict=True):
        axes.set(xlabel="Steps", ylim=(0, None))
        axes.legend(**BESIDE)
        style.panel_letter(axes, letter)
    return figure


def _sgd_of(result: xr.Dataset) -> Sequence[str]:
    return [name for name in result.optimizer.to_numpy().tolist() if is_sgd(name)]


def _plot_sharpness(
    axes: Axes, result: xr.Dataset, method: str, rate: float, colour: str, label: str
) -> None:
    """Draw sharpness over the steps, and its edge."""
    steps = result.step.to_numpy()
    run = result.sel(optimizer=method, rate=rate)
    found = [estimate(values) for values in run.sharpness.transpose("step", "seed").to_numpy()]
    parts = ([each[part] for each in found] for part in range(3))
    style.line_with_interval(axes, steps, *parts, color=colour, label=label)
    edge = np.nanmean(run.edge.transpose("step", "seed").to_numpy(), axis=1)
    axes.plot(steps, edge, "--", color=colour, linewidth=0.6)
