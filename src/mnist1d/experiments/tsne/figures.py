"""Figure 3, and the purity of neighbourhoods."""

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from mnist1d.experiments.tsne.claims import per_cent
from mnist1d.experiments.tsne.config import PREFIX
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import interval

COLOURS = colormaps["Paired"](np.arange(10))
LETTERS = {"MNIST": "a", "MNIST-1D": "b"}
MARKER_SIZES = {"MNIST": 1, "MNIST-1D": 5}

CAPTIONS = {
    "figure": "Figure 3: MNIST (a) and MNIST-1D (b) embedded in the plane by t-SNE, coloured by "
    "digit; seed 0.",
    "figure-purity": "Beyond the paper: share of a point's ten nearest neighbours in the embedding "
    "that show the same digit, by digit.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 3 ("figure"), and the purity of neighbourhoods by digit ("figure-purity")."""
    shown = [data for data in PREFIX if f"{PREFIX[data]}accuracy" in result]
    return {
        "figure": _plot_embeddings(result, shown),
        "figure-purity": _plot_purity(result, shown),
    }


def _plot_embeddings(result: xr.Dataset, shown: list[str]) -> Figure:
    figure = Figure(figsize=(3.25 * len(shown) / 2, 1.7))
    for axes, data in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        embedding = result[f"{PREFIX[data]}embedding"].to_numpy()
        labels = result[f"{PREFIX[data]}label"].to_numpy()
        axes.scatter(
            *embedding.T,
            c=COLOURS[labels],
            s=MARKER_SIZES[data],
            marker=".",
            edgecolors="none",
            rasterized=True,
        )
        axes.set(title=data, aspect="equal")
        axes.axis("off")
        if data == "MNIST":
            _write_digits(axes, embedding, labels)
        axes.set_title(LETTERS[data], loc="left", fontsize=8, fontweight="bold")
    return figure


def _write_digits(axes: Axes, embedding: np.ndarray, labels: np.ndarray) -> None:
    """Write each digit at the median position of its points."""
    for digit in range(10):
        x, y = np.median(embedding[labels == digit], axis=0)
        axes.text(
            x,
            y,
            str(digit),
            fontsize=7,
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=1, foreground="white")],
        )


def _plot_purity(result: xr.Dataset, shown: list[str]) -> Figure:
    figure = Figure(figsize=(3.25 * len(shown) / 2, 1.7))
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, data in zip(panels, shown, strict=True):
        spread = np.clip(interval(per_cent(data, "purity").per_seed(result)), 0, 100)
        style.bars_with_interval(axes, np.arange(10), *spread, color=COLOURS)
        pixels, *_ = interval(per_cent(data, "pixel_purity").per_seed(result))
        axes.plot(np.arange(10), pixels, "_", color="black", markersize=8, label="In pixel space")
        axes.axhline(10, color="#888888", linestyle=":", label="By chance")
        axes.set(title=data, xlabel="Digit", xticks=np.arange(10), ylim=(0, 100))
        style.panel_letter(axes, LETTERS[data])
    panels[0].set_ylabel("Neighbours of\nthe same digit (%)")
    # Below the panels, as it could cover bars in them.
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
