"""Figure 7, the pieces fitted to the learned function, all seeds, and other networks."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.metalearn_activation.claims import TITLES, accuracy
from mnist1d.experiments.metalearn_activation.pieces import PUBLISHED_PIECES, Pieces
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import interval

COLOURS = {
    "relu": "#e6c700",
    "swish": "tab:orange",
    "elu": "tab:red",
    "softplus": "tab:purple",
    "tanh": "tab:blue",
    "sigmoid": "tab:green",
}


CAPTIONS = {
    "figure": "Figure 7: outer objective, test accuracy compared with known functions, and the "
    "learned function as it evolves; bands are 95 % intervals over seeds.",
    "figure-pieces": "The learned function, the piecewise linear one fitted to it, and the "
    "published one.",
    "figure-seeds": "Beyond the paper: the function that each seed learned.",
    "figure-transfer": "Beyond the paper: test accuracy of the MLP and the CNN of the "
    "classification experiment with the learned and with known functions, each with the best of "
    "the learning rates tried, by validation accuracy on two of the seeds. Bars do not start at 0.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 7 ("figure") and, beyond it, pieces, seeds and transfer."""
    return {
        "figure": _plot_panels(result),
        "figure-pieces": _plot_pieces(result),
        "figure-seeds": _plot_seeds(result),
        "figure-transfer": _plot_transfer(result),
    }


def _plot_panels(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(7, 2.4))
    objective, test, function = figure.subplots(1, 3)
    steps = result.outer_step.to_numpy()
    style.line_with_interval(
        objective, steps, *interval(result.objective.to_numpy()), color="black"
    )
    style.line_with_interval(
        test,
        steps,
        *interval(100 * result.test_accuracy.to_numpy()),
        color="black",
        label="learned",
        zorder=3,
    )
    for condition, colour in COLOURS.items():
        test.axhline(
            accuracy(condition)(result).mean, color=colour, linewidth=1, label=TITLES[condition]
        )
    for condition, line in (("our pieces", "--"), ("published pieces", ":")):
        test.axhline(
            accuracy(condition)(result).mean,
            color="grey",
            linestyle=line,
            label=TITLES[condition],
        )
    xlim = (0, max(int(steps[-1]), 1))
    objective.set(
        title=f"Mean of the last inner losses (n = {result.sizes['seed']})",
        xlabel="Outer training step",
        ylabel="Outer objective (nats)",
        xlim=xlim,
    )
    test.set(
        title="MNIST-1D test accuracy",
        xlabel="Outer training step",
        ylabel="Test accuracy (%)",
        xlim=xlim,
        ylim=(max(0, test.get_ylim()[0]), 85),
    )
    test.legend(
        loc="upper left",
        ncols=3,
        columnspacing=0.8,
        handlelength=1,
        handletextpad=0.4,
        borderaxespad=0.2,
        labelspacing=0.2,
    )
    _plot_evolution(function, result)
    for axes, letter in zip((objective, test, function), "abc", strict=True):
        style.panel_letter(axes, letter)
    return figure


def _plot_evolution(axes: Axes, result: xr.Dataset) -> None:
    """Draw the function of the first seed after every sixth outer step, dark to bright."""
    for side in ("h", "v"):
        getattr(axes, f"ax{side}line")(0, color="0.8", linewidth=0.5, zorder=0)
    one = result.isel(seed=0)
    n_steps = result.sizes["outer_step"]
    every = max(1, round((n_steps - 1) / 50))
    for rank, step in enumerate(range(0, n_steps, every)):
        axes.plot(
            result.place,
            one.learned.isel(outer_step=step),
            color=mpl.colormaps["viridis"](step / max(n_steps - 1, 1)),
            label=f"step {step}" if rank % 10 == 0 else None,
            linewidth=0.5,
        )
    pieces = _pieces(result, 0)
    axes.plot(result.place, pieces(result.place), "--", color="grey", label="pieces")
    axes.set(
        title="Learned activation function (seed 0)",
        xlabel="Input",
        ylabel="Output",
        xlim=(-5, 5),
        ylim=(-1.5, 4),
    )
    axes.legend(loc="upper left", labelspacing=0.2)


def _pieces(result: xr.Dataset, seed: int) -> Pieces:
    one = result.isel(seed=seed)
    return Pieces(
        one.piece_break.to_numpy(), one.piece_slope.to_numpy(), one.piece_intercept.to_numpy()
    )


def _plot_pieces(result: xr.Dataset) -> Figure:
    """Draw the last function of the first seed, the pieces fitted to it, and the published ones."""
    figure = Figure(figsize=(3, 3))
    axes = figure.subplots()
    place = np.linspace(-5, 5, 2001)
    axes.plot(
        result.place[::3],
        result.learned.isel(seed=0, outer_step=-1)[::3],
        "o",
        color="gold",
        label="Learned (seed 0)",
    )
    axes.plot(place, _pieces(result, 0)(place), color="black", label="Six pieces, fitted to it")
    axes.plot(place, PUBLISHED_PIECES(place), ":", color="tab:grey", label="Published pieces")
    axes.set(xlabel="Input", ylabel="Output", xlim=(-5, 5), ylim=(-2, 4))
    axes.legend(loc="upper left")
    return figure


def _plot_seeds(result: xr.Dataset) -> Figure:
    """Draw the last function of every seed."""
    figure = Figure(figsize=(3.25, 2.25))
    axes = figure.subplots()
    for side in ("h", "v"):
        getattr(axes, f"ax{side}line")(0, color="0.8", linewidth=0.5, zorder=0)
    learned = result.learned.isel(outer_step=-1).transpose("place", "seed")
    lines = axes.plot(result.place, learned, color="tab:blue", alpha=0.6)
    lines[0].set_label(f"learned ({len(lines)} seeds)")
    axes.plot(result.place, result.initial[0], "--", color="grey", label="before (seed 0)")
    axes.set(
        title="Learned activation functions",
        xlabel="Input",
        ylabel="Output",
        xlim=(-5, 5),
        ylim=(-2, 5),
    )
    axes.legend(loc="upper left", labelspacing=0.2)
    return figure


def _plot_transfer(result: xr.Dataset) -> Figure:
    """Draw test accuracies of MLP and CNN with every function."""
    figure = Figure(figsize=(4.5, 2.25))
    for axes, architecture in zip(
        figure.subplots(1, 2), result.architecture.to_numpy(), strict=True
    ):
        one = result.sel(architecture=architecture)
        heights = interval(100 * one.transfer_test.transpose("seed", "function").to_numpy())
        places = np.arange(result.sizes["function"])
        colours = ["tab:grey"] * (len(places) - 1) + ["tab:blue"]
        style.bars_with_interval(axes, places, *heights, color=colours, width=0.7)
        lowest = np.nanmin([heights[0], heights[1]])
        axes.set(
            title=f"{architecture} (n = {result.sizes['seed']})",
            ylabel="Test accuracy (%)" if architecture == "MLP" else "",
            ylim=(max(0, 5 * np.floor((lowest - 2) / 5)), None) if np.isfinite(lowest) else None,
        )
        axes.set_ylim(top=min(100, axes.get_ylim()[1]))
        labels = [
            f"{TITLES[name]}\n{float(one.transfer_rate.sel(function=name)):g}"
            for name in result.function.to_numpy()
        ]
        axes.set_xticks(places, labels)
        axes.set_xlabel("Function and its learning rate")
    return figure
