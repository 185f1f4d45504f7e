"""Figure 6, and the sweep with the results of gradient descent."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style

COLOURS = ("tab:red", "tab:blue", "tab:green", "tab:purple", "tab:orange")

CAPTIONS = {
    "figure": "Figure 6: both trials from the published initial weights (lines) and from our own "
    "weights (dashed: their median; bands: the middle 95 % of them, as one that diverges would "
    "move every mean).",
    "figure-sweep": "Beyond the paper: the objective at all learning rates, and the ends of "
    "gradient descent.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 6 ("figure") and the sweep with the ends of the trials ("figure-sweep")."""
    return {"figure": _plot_trials(result), "figure-sweep": _plot_sweep(result)}


def _trials(result: xr.Dataset) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Yield label, colour and values of every trial."""
    for number, start in enumerate(result.initial_rate.to_numpy()):
        label = f"Trial {number + 1}: init_lr={start:g}"
        yield label, COLOURS[number % len(COLOURS)], result.isel(initial_rate=number)


def _plot_trials(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(9, 2.5))
    panels = figure.subplots(1, 3)
    for axes, (name, title), letter in zip(
        panels,
        (
            ("objective", "Outer objective (mean inner loss, nats)"),
            ("last_loss", "Final MLP training loss (nats)"),
            ("rate", "Metalearned learning rate"),
        ),
        "abc",
        strict=True,
    ):
        for number, (label, colour, trial) in enumerate(_trials(result)):
            style.line_with_interval(
                axes,
                result.outer_step,
                *_middle(trial[name].transpose("seed", "outer_step").to_numpy()),
                color=colour,
                linestyle="--",
                label=None if number else f"Median of {result.sizes['seed']} draws",
                alpha=0.6,
                zorder=2,
            )
            axes.plot(
                result.outer_step,
                trial[f"published_{name}"],
                color=colour,
                marker="." if name == "rate" else None,
                label=label,
                zorder=3,
            )
        axes.set(xlabel="Outer training step", ylabel=title)
        style.panel_letter(axes, letter)
    highest = float(result.published_objective.isel(outer_step=0).max())
    if np.isfinite(highest) and highest > 1.75 > float(result.published_objective.min()):
        panels[0].set_ylim(None, 1.75)
    panels[1].legend(loc="upper right")
    return figure


def _middle(values: np.ndarray) -> np.ndarray:
    """Return median and ends of the middle 95 % of the draws that are numbers, at every step."""
    of_all = np.full((3, values.shape[1]), np.nan)
    some = np.isfinite(values).any(axis=0)
    finite = np.where(np.isfinite(values), values, np.nan)
    of_all[:, some] = np.nanquantile(finite[:, some], (0.5, 0.025, 0.975), axis=0)
    return of_all


def _plot_sweep(result: xr.Dataset) -> Figure:
    """Draw the objective over the learning rate, and the ends of trials against its minimum."""
    figure = Figure(figsize=(5, 2.2))
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    _plot_curves(left, result)
    _plot_minima(right, result)
    for axes, letter in ((left, "a"), (right, "b")):
        style.panel_letter(axes, letter)
    return figure


def _plot_curves(axes: Axes, result: xr.Dataset) -> None:
    curves = result.sweep_objective.transpose("sweep_rate", "seed").to_numpy()
    lines = axes.plot(result.sweep_rate, curves, color="#bbbbbb", linewidth=0.4)
    lines[0].set_label("Sweep, our draws")
    axes.plot(
        result.sweep_rate,
        result.published_sweep_objective,
        color="black",
        label="Sweep, published weights",
    )
    for label, colour, trial in _trials(result):
        axes.plot(
            np.append(trial.initial_rate, trial.published_rate[:-1]),
            trial.published_objective,
            linestyle="none",
            marker=".",
            markersize=3,
            color=colour,
            label=label,
        )
    axes.set(xscale="log", xlabel="Learning rate", ylabel="Outer objective (nats)")
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1, 2) if _inside(tick, result.sweep_rate)]
    if ticks:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    axes.legend(loc="upper center")


def _inside(tick: float, rates: xr.DataArray) -> bool:
    return bool(rates[0] * 0.999 <= tick <= rates[-1] * 1.001)


def _plot_minima(axes: Axes, result: xr.Dataset) -> None:
    ends = result.rate.isel(outer_step=-1)
    # A trial that diverged ends where no learning rate is; drawn, it would hide all others.
    inside = (ends >= result.sweep_rate[0]) & (ends <= result.sweep_rate[-1])
    numbers = np.append(result.sweep_optimum.to_numpy(), ends.where(inside).to_numpy())
    if np.isfinite(numbers).any():
        limits = [np.nanmin(numbers), np.nanmax(numbers)]
        axes.plot(limits, limits, color="#bbbbbb", linewidth=0.5, zorder=1)
    for number, (label, colour, trial) in enumerate(_trials(result)):
        axes.plot(
            trial.sweep_optimum,
            ends.where(inside).isel(initial_rate=number),
            linestyle="none",
            marker="+" if number else ".",
            color=colour,
            label=label,
        )
    axes.plot(
        [float(result.published_sweep_optimum)] * result.sizes["initial_rate"],
        result.published_rate.isel(outer_step=-1),
        linestyle="none",
        marker="s",
        markersize=3.5,
        markerfacecolor="none",
        color="black",
        label="Published weights",
    )
    if outside := int((~inside).sum()):
        axes.plot([], [], " ", label=f"({outside} of {inside.size} outside)")
    axes.set(xlabel="Learning rate at the sweep's minimum", ylabel="Metalearned learning rate")
    axes.legend(loc="lower right")
