"""Double descent over width, epochs and samples, and neural collapse through the threshold."""

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from mnist1d.experiments.beyond.double_descent_complete.config import FEATURES, PART_DIMS
from mnist1d.experiments.beyond.double_descent_complete.measures import ends, epoch_curve
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import interval

CAPTIONS = {
    "figure": "Networks trained on labels of which 15 % were redrawn: test error (a) of MLPs over "
    "their width and (b) of a CNN over the updates, (c) test loss of an MLP over the number of "
    "training samples. Blue without weight decay, orange with the best one, which validation "
    "samples choose at every size; dashed the training error without. Bands are 95 % intervals "
    "over trials.",
    "figure-features": "Least squares on random features, without a ridge and with the best one: "
    "test loss over features and over samples. The upright line marks the highest loss.",
    "figure-collapse": "Neural collapse through the threshold: its four properties at the end of "
    "the training, over the width of the MLP, by weight decay; 0 is complete collapse.",
}
PLAIN, BEST = "tab:blue", "tab:orange"


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw networks ("figure"), random features and neural collapse."""
    return {
        "figure": _plot_networks(result),
        "figure-features": _plot_features(result),
        "figure-collapse": _plot_collapse(result),
    }


def _plot_networks(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 2.1))
    width, epochs, samples = figure.subplots(1, 3)
    _plot_ends(width, result, "width", "test_error", 100)
    fitted = 100 * ends(result, "width", "train_error").mean(axis=1)
    width.plot(result["width"], fitted, "--", color=PLAIN, label="Training error")
    width.set(xlabel="Width", ylabel="Error (%)", ylim=(0, None), title="Over width")
    steps = result["step"].to_numpy()[1:-1]
    for best, colour in ((False, PLAIN), (True, BEST)):
        _band(epochs, steps, epoch_curve(result, best=best), colour, "")
    one = 100 * result.epochs_train_error.isel(channels=0, decay=0).mean("seed")
    epochs.plot(result["step"], one, "--", color=PLAIN)
    epochs.set(xlabel="Updates", ylim=(0, None), title="Over epochs", xscale="log")
    _plot_ends(samples, result, "samples", "test_loss", 1)
    samples.set(
        xlabel="Training samples", ylabel="Test loss (nats)", ylim=(0, None), title="Over samples"
    )
    width.legend()
    _label_sizes(width, result["width"].to_numpy())
    _label_sizes(samples, result["n_samples"].to_numpy())
    for axes, letter in zip((width, epochs, samples), "abc", strict=True):
        style.panel_letter(axes, letter)
    return figure


def _plot_features(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(4.5, 2))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, part, label in zip(
        panels, ("features", "feature_samples"), ("Features", "Samples"), strict=True
    ):
        _plot_ends(axes, result, part, "test_loss", 1)
        peak = result[PART_DIMS[part]][ends(result, part, "test_loss").mean(axis=1).argmax()]
        axes.axvline(float(peak), color="#dddddd", zorder=0.5)
        axes.set(xlabel=label, yscale="log")
    panels[0].set(ylabel="Test loss (squared)")
    panels[1].legend()
    return figure


def _plot_collapse(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.75, 1.9))
    panels = figure.subplots(1, 4)
    decays = _tried(result)
    shades = map(to_hex, colormaps["viridis"](np.linspace(0, 0.9, len(decays))))
    colours = dict(zip(decays, shades, strict=True))
    titles = {
        "variability": "NC1: variance within",
        "angles": "NC2: angles",
        "duality": "NC3: weights, means",
        "disagreement": "NC4: nearest mean",
    }
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        values = result[f"width_{name}"].isel(step=slice(-10, None)).mean("step")
        for decay, colour in colours.items():
            one = values.sel(decay=decay).transpose("seed", "width").to_numpy().mean(axis=0)
            label = f"decay {decay:g}"
            axes.plot(result["width"], one, marker=".", color=colour, label=label)
        axes.set(xlabel="Width", title=title, xscale="log")
        axes.xaxis.set_minor_formatter("")
        if name != "variability":
            axes.set(ylim=(0, None))
        elif (values.to_numpy() > 0).any():
            axes.set(yscale="log")
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _tried(result: xr.Dataset) -> list[float]:
    tried = result.width_test_error.notnull().any(["width", "step", "seed"])
    found: list[float] = result["decay"][tried.to_numpy()].to_numpy().tolist()
    return found


def _plot_ends(axes: Axes, result: xr.Dataset, part: str, name: str, scale: float) -> None:
    """Draw a measure over the sizes of a part, without weight decay and with the best."""
    penalty = "ridge" if part in FEATURES else "decay"
    for best, colour, label in ((False, PLAIN, f"No {penalty}"), (True, BEST, f"Best {penalty}")):
        values = scale * ends(result, part, name, best=best).T
        _band(axes, result[PART_DIMS[part]].to_numpy(), values, colour, label)
    axes.set(xscale="log")


def _label_sizes(axes: Axes, sizes: np.ndarray) -> None:
    """Label 1, 2, 5, 10, 20 ..., as far as they are in the range of sizes."""
    powers = 10 ** np.arange(7)
    ticks = sorted(int(m * power) for m in (1, 2, 5) for power in powers)
    shown = [tick for tick in ticks if sizes.min() <= tick <= sizes.max()]
    axes.set_xticks(shown, [f"{tick:,}" for tick in shown])
    axes.xaxis.set_minor_formatter("")


def _band(axes: Axes, x: np.ndarray, values: np.ndarray, colour: str, label: str) -> None:
    mean, low, high = interval(values)
    style.line_with_interval(
        axes, x, mean, np.maximum(low, 0), high, color=colour, label=label or None
    )
