"""Figure 2, accuracy during training, and Figure S1, errors by digit."""

import numpy as np
import xarray as xr

from mnist1d.experiments.classification import human_expert
from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.harness.interface import is_other_data
from mnist1d.measures.uncertainty import interval

CAPTIONS = {
    "figure": "Figure 2: training and test accuracy over training steps; bands are 95 % intervals "
    "over seeds.",
    "figure-s1": "Figure S1: errors of the human expert and of the CNN, digit by digit; bars with "
    "95 % intervals.",
}


@house_style()
def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 2 ("figure") and Figure S1 ("figure-s1"); of other data the former alone."""
    if is_other_data(result):
        return {"figure": _plot_curves(result)}
    return {"figure": _plot_curves(result), "figure-s1": _plot_errors(result)}


COLOURS = {"Logistic": "tab:red", "MLP": "tab:green", "CNN": "tab:blue", "GRU": "tab:orange"}


def _plot_curves(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(3.25, 2.25))
    panels = figure.subplots(1, 2)
    for axes, part, letter in zip(panels, ("train", "test"), "ab", strict=True):
        for model, colour in COLOURS.items():
            for data, line in (("plain", "-"), ("shuffled", "--")):
                curves = 100 * result[f"{part}_accuracy"].sel(model=model, data=data)
                style.line_with_interval(
                    axes,
                    result.step,
                    *interval(curves.transpose("seed", "step")),
                    color=colour,
                    linestyle=line,
                    label=model if line == "-" else None,
                    clip_on=part == "test" or model == "Logistic",
                )
        title = "Training accuracy" if part == "train" else "Test accuracy"
        axes.set(title=title, xlabel="Training step", ylim=(0, 100))
        style.panel_letter(axes, letter)
    panels[0].plot([], [], "k--", label="After shuffling")
    panels[0].set_ylabel("Accuracy (%)")
    panels[0].legend(loc="lower right", labelspacing=0.2)
    if is_other_data(result):
        return figure
    human = 100 * np.mean(human_expert.PUBLISHED_QUIZ_ACCURACY)
    panels[1].axhline(human, color="black", zorder=1)
    # The published figure has it below the line, where our CNN's interval is.
    panels[1].text(0, 96.3, "Human", va="bottom")
    return figure


def _plot_errors(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(7, 2.5))
    left, right = figure.subplots(1, 2, sharey=True)
    digits = np.arange(10)
    human = np.transpose([found[:3] for found in human_expert.errors_per_digit(result)])
    style.bars_with_interval(left, digits, *human, color="tab:green")
    cnn = np.clip(interval(human_expert.cnn_errors_per_digit(result)), 0, 100)
    style.bars_with_interval(right, digits, *cnn, color="tab:green")
    n_seeds = result.sizes["seed"]
    for axes, who, n in (
        (left, "Human", f"{len(human_expert.TEST_INDEX)} samples"),
        (right, "CNN", f"500 samples, {n_seeds} seed{'s' * (n_seeds > 1)}"),
    ):
        axes.set(title=f"{who} mistakes by class label ({n})", xlabel="Label", xticks=digits)
    left.set(ylabel="% misclassified", ylim=(0, None))
    return figure
