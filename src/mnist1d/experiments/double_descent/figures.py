"""Figure 5, and the losses of the same runs."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.experiments.double_descent.config import SERIES
from mnist1d.experiments.double_descent.measures import SCALE, threshold
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.measures.uncertainty import interval

CAPTIONS = {
    "figure": "Figure 5: training and test error over model size; bands are 95 % intervals over "
    "seeds, the grey vertical line the smallest size without training errors, the dotted line the "
    "share of labels redrawn.",
    "figure-loss": "The losses of the same runs, which the paper's code prints but does not plot.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 5 ("figure") and the losses of the same runs ("figure-loss")."""
    return {
        "figure": _plot_panels(result, "error", "Classification error (%)", (0, 70)),
        "figure-loss": _plot_panels(result, "loss", "Cross-entropy (nats)", (0, None)),
    }


def _plot_panels(
    result: xr.Dataset, curve: str, label: str, limits: tuple[float, float | None]
) -> Figure:
    """Draw the three series, with the legend in the last panel, where it covers no curve."""
    figure = Figure(figsize=(3.25, 2))
    panels = figure.subplots(1, len(SERIES), sharey=True)
    for axes, (name, series), letter in zip(panels, SERIES.items(), "abc", strict=True):
        _plot_series(axes, result, name, curve)
        if series.noisy and curve == "error":
            axes.axhline(15, color="#aaaaaa", linestyle=":", zorder=1)
        axes.set(
            title=f"{series.architecture}\n{'Label' if series.noisy else 'No label'} noise",
            xlabel="Hidden layer size" if series.architecture == "MLP" else "Num. of channels",
            xlim=(0, 300) if series.architecture == "MLP" else (0, 100),
            xticks=[0, 100, 200, 300] if series.architecture == "MLP" else [0, 50, 100],
        )
        for spine in ("left", "bottom"):
            axes.spines[spine].set_position(("outward", 3))
        style.panel_letter(axes, letter)
    # After all curves, so that the shared axis includes the highest.
    panels[0].set(ylabel=label, ylim=limits)
    panels[-1].legend(
        loc="upper right",
        bbox_to_anchor=(1.15, 1),
        borderaxespad=0,
        handlelength=0.8,
        handletextpad=0.4,
        labelspacing=0.2,
    )
    return figure


def _plot_series(axes: Axes, result: xr.Dataset, name: str, curve: str) -> None:
    one = result.sel(series=name)
    one = one.isel(rank=(one["size"] > 0).to_numpy())
    for part, colour, line, height in (
        ("test", "tab:blue", "-", 3),
        ("train", "tab:orange", "--", 2),
    ):
        mean, low, high = interval(
            SCALE[curve] * one[f"{part}_{curve}"].transpose("seed", "rank").to_numpy()
        )
        style.line_with_interval(
            axes,
            one["size"],
            mean,
            np.maximum(low, 0),
            high,
            color=colour,
            linestyle=line,
            label=part.capitalize(),
            zorder=height,
        )
    fits = threshold(name)(result).mean
    if np.isfinite(fits):
        axes.axvline(fits, color="#dddddd", label="Threshold", zorder=0.5)
