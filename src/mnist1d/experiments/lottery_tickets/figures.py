"""Figure 4, Figure S2, and a figure beyond the paper."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from mnist1d.experiments.lottery_tickets.claims import LENGTHS, adjacency
from mnist1d.experiments.lottery_tickets.config import CONTROLS, NETWORKS, SEARCHES
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.adjacency import runs_per_unit
from mnist1d.measures.uncertainty import interval

COLOURS = {
    "dense": "black",
    "random": "tab:red",
    "lottery": "tab:blue",
    "same degrees": "tab:orange",
    "same runs": "tab:green",
}
PANELS = {"c": "original", "d": "flipped", "e": "shuffled", "f": "re-initialised"}

CAPTIONS = {
    "figure": "Figure 4, a to g: the search for tickets over sparsities, tickets trained for long "
    "on several data, and neighbouring weights that are kept; bands are 95 % intervals over "
    "trials, the dashed line is the mean of the dense network at its last evaluation.",
    "figure-s2": "Figure S2: weights of the first layer that are kept (black), of random and of "
    "lottery tickets of two trials. Units are sorted by their runs of neighbouring weights; the "
    "sparsity is that of these weights alone, not of all parameters.",
    "beyond": "Beyond the paper: tickets on chunked signals, and controls of which property of a "
    "ticket's first layer helps; bands are 95 % intervals over trials.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 4 ("figure"), Figure S2 ("figure-s2") and "beyond", which is not in the paper."""
    return {
        "figure": _plot_panels(result),
        "figure-s2": _plot_masks(result),
        "beyond": _plot_beyond(result),
    }


def _plot_panels(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(7, 3.4))
    panels = dict(zip("abcdefg", figure.subplots(2, 4).ravel()[:7], strict=True))
    figure.axes[-1].remove()
    for letter, axes in panels.items():
        style.panel_letter(axes, letter)
    final = {
        "a": result.search_test_loss.isel(step=-1),
        "b": 100 * result.search_test_accuracy.isel(step=-1),
    }
    for letter, values in final.items():
        for search in SEARCHES:
            curves = values.sel(search=search).transpose("seed", "sparsity")
            look = {"color": COLOURS[search], "label": search}
            style.line_with_interval(panels[letter], result.sparsity, *interval(curves), **look)
        dense = float(values.sel(search="lottery").isel(sparsity=0).mean())
        panels[letter].axhline(dense, color="black", linestyle="--", label="dense")
    highest = max(5.0, float(final["a"].max()))
    panels["a"].set(title="Final test loss", xlabel="Sparsity", yscale="log", ylim=(None, highest))
    axis = panels["a"].yaxis
    axis.set_major_locator(LogLocator(subs=range(1, 10)))
    axis.set_major_formatter(FuncFormatter(lambda nats, _: f"{nats:g}"))
    axis.set_minor_locator(NullLocator())
    panels["a"].set_ylabel("Nats")
    panels["b"].set(title="Final test accuracy", xlabel="Sparsity", ylim=(55, 80))
    panels["b"].set_ylabel("Accuracy (%)")
    panels["b"].legend(loc="upper left", ncols=2, columnspacing=0.8, handlelength=1)
    for letter, study in PANELS.items():
        _plot_study(panels[letter], result, study, NETWORKS)
        title = "Re-initialised ticket" if letter == "f" else f"Ticket on {study} signals"
        panels[letter].set_title(title)
    # In the order of the curves from top to bottom.
    handles, labels = panels["c"].get_legend_handles_labels()
    order = [labels.index(network) for network in ("lottery", "dense", "random")]
    panels["e"].legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="lower right",
        handlelength=1,
        labelspacing=0.2,
    )
    _plot_adjacency(panels["g"], result, SEARCHES)
    return figure


def _plot_study(axes: Axes, result: xr.Dataset, study: str, networks: Sequence[str]) -> None:
    for network in networks:
        if network in CONTROLS:
            curves = result.control_test_accuracy.sel(control=network)
        else:
            curves = result.study_test_accuracy.sel(study=study, network=network)
        bands = interval(100 * curves.transpose("seed", "study_step"))
        look = {"color": COLOURS[network], "label": network}
        style.line_with_interval(axes, result.study_step, *bands, **look)
    axes.set(xlabel="Training step", ylabel="Test accuracy (%)", ylim=(50, 76))


def _plot_adjacency(axes: Axes, result: xr.Dataset, searches: Sequence[str]) -> None:
    for place, search in enumerate(searches):
        bands = [adjacency(search, length)(result)[:3] for length in LENGTHS]
        mean, low, high = np.array(bands).T
        x = np.arange(3) + 0.4 * place - 0.2
        look = {"width": 0.4, "color": COLOURS[search], "label": search, "alpha": 0.5}
        style.bars_with_interval(axes, x, mean, np.maximum(low, 0), high, **look)
    axes.set(title="Kept neighbours", ylabel="Probability (%)", xticks=range(3))
    axes.set_xticklabels(LENGTHS.values())
    axes.legend(loc="upper right")


def _plot_masks(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(7, 4.2))
    trials = range(min(2, result.sizes["seed"]))
    shown = [(search, trial) for search in SEARCHES for trial in trials]
    panels = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, (search, trial) in zip(panels, shown, strict=True):
        kept = result.pictured_mask.sel(search=search).isel(seed=trial).to_numpy()
        order = np.argsort(-(runs_per_unit(kept, 2) + 0.001 * kept.sum(axis=1)))
        axes.imshow(kept[order].T, cmap="gray_r", aspect="auto", interpolation="nearest")
        title = (
            f"{search.capitalize()} ticket #{trial + 1} ({100 * (1 - kept.mean()):.0f} % sparse)"
        )
        axes.set_title(title, loc="left")
        axes.set(ylabel="Input axis", xticks=[], yticks=[])
    axes.set_xlabel("Hidden layer axis")
    return figure


def _plot_beyond(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(5, 1.9))
    left, right = figure.subplots(1, 2)
    _plot_study(left, result, "chunked", NETWORKS)
    left.set_title("Ticket on chunked signals")
    left.legend(loc="lower right")
    controls = CONTROLS if "control_test_accuracy" in result else ()
    _plot_study(right, result, "re-initialised", (*NETWORKS, *controls))
    right.set_title("What of a re-initialised ticket helps")
    right.legend(loc="lower right", ncols=2)
    return figure
