"""Draw the README's picture of experiments beyond the paper: `python docs/beyond_picture.py`.

Every panel is the mean over the runs of the record in `results`, with the 95 % interval.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes

from mnist1d.figures import style
from mnist1d.figures.style import Figure, house_style
from mnist1d.harness import record
from mnist1d.measures.uncertainty import estimate

ROOT = Path(__file__).resolve().parents[1]
PATH = ROOT / "docs" / "beyond.png"


def result_of(name: str) -> xr.Dataset:
    """Read the result of an experiment."""
    return record.read(ROOT / "results" / name / "result.nc")


def draw(axes: Axes, x: str, values: xr.DataArray, label: str = "", **how: object) -> None:
    """Draw a variable over one of its dimensions, with its interval over the seeds."""
    found = [estimate(row) for row in values.transpose(x, "seed").to_numpy()]
    known = [place for place, each in enumerate(found) if np.isfinite(each.mean)]
    parts = ([found[place][part] for place in known] for part in range(3))
    style.line_with_interval(axes, values[x].to_numpy()[known], *parts, label=label, **how)


def shaded(n: int) -> Iterable[object]:
    """Return colours for an ordered parameter."""
    return iter(colormaps["viridis"](np.linspace(0.9, 0.1, n)))


def edge_of_stability(axes: Axes) -> None:
    """Draw sharpness by learning rate."""
    runs = result_of("edge-of-stability").sharpness.sel(optimizer="gradient descent")
    rates = (0.07, 0.1, 0.14, 0.2)
    for rate, colour in zip(rates, shaded(len(rates)), strict=True):
        draw(axes, "step", runs.sel(rate=rate), f"{rate:g}", color=colour)
        axes.axhline(2 / rate, color=colour, linestyle="--", linewidth=0.6)
    axes.set(xlabel="Steps", ylabel="Sharpness", ylim=(0, None), title="The edge of stability")
    axes.legend(title="rate", loc="upper left", bbox_to_anchor=(1, 1))


def scaling_laws(axes: Axes) -> None:
    """Draw the loss over the samples of a data set."""
    result = result_of("scaling-laws")
    for model in ("MLP", "CNN"):
        draw(axes, "n_samples", result.fixed_loss.sel(model=model), model)
    axes.axhline(float(result.bayes_loss.mean()), color="0.5", linestyle="--", label="least")
    axes.set(xscale="log", yscale="log", xlabel="Training samples", ylabel="Test loss (nats)")
    axes.set_title("Scaling laws")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def double_descent(axes: Axes) -> None:
    """Draw the error over the width, without weight decay and with it."""
    runs = result_of("double-descent-complete").width_test_error.isel(step=-1)
    for decay in (0.0, 0.01):
        draw(axes, "width", 100 * runs.sel(decay=decay), f"{decay:g}")
    axes.set(xscale="log", xlabel="Width", ylabel="Test error (%)", title="Double descent")
    axes.legend(title="decay", loc="upper left", bbox_to_anchor=(1, 1))


def mode_connectivity(axes: Axes) -> None:
    """Draw the error along lines between children of one network."""
    runs = result_of("mode-connectivity").children_test_error.sel(model="CNN")
    splits = (0, 10, 100, 1000)
    for split, colour in zip(splits, shaded(len(splits)), strict=True):
        draw(axes, "place", 100 * runs.sel(split=split), f"{split:,}", color=colour)
    axes.set(xlabel="Place between two networks", ylabel="Test error (%)", ylim=(0, None))
    axes.set_title("Mode connectivity")
    axes.legend(title="split", loc="upper left", bbox_to_anchor=(1, 1))


def learning_rate_transfer(axes: Axes) -> None:
    """Draw the loss over the learning rate, by width."""
    runs = result_of("learning-rate-transfer").train_loss
    runs = runs.sel(optimizer="Adam", parametrisation="maximal update")
    widths = runs.width.to_numpy().tolist()[::2]
    for width, colour in zip(widths, shaded(len(widths)), strict=True):
        draw(axes, "rate", runs.sel(width=width), f"{width:,}", color=colour)
    axes.set(xscale="log", xlabel="Learning rate", ylabel="Training loss (nats)")
    axes.set_title("Maximal update")
    axes.legend(title="width", loc="upper left", bbox_to_anchor=(1, 1))


def plasticity(axes: Axes) -> None:
    """Draw the accuracy from task to task, mean over four tasks in a row."""
    runs = 100 * result_of("plasticity").accuracy.sel(kind="random labels")
    runs = runs.coarsen(task=4).mean()
    for training, label in (
        ("Adam", "Adam"),
        ("Adam, new network", "new network"),
        ("layer norm and L2", "norm and L2"),
    ):
        draw(axes, "task", runs.sel(training=training), label)
    axes.set(xlabel="Task", ylabel="Accuracy (%)", ylim=(0, 100), title="Loss of plasticity")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def grokking(axes: Axes) -> None:
    """Draw training and test accuracy over the logarithm of the steps."""
    result = result_of("grokking").sel(n_samples=250, decay=0.01, scale=4.0)
    for part in ("train", "test"):
        name = "training" if part == "train" else part
        draw(axes, "step", 100 * result[f"{part}_accuracy"], name)
    axes.set(xscale="log", xlabel="Steps", ylabel="Accuracy (%)", ylim=(0, 103), title="Grokking")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def generation(axes: Axes) -> None:
    """Draw how many generated signals are copies of training samples."""
    runs = 100 * result_of("generation").replicas
    sizes = runs.n_samples.to_numpy().tolist()
    for n, colour in zip(sizes, shaded(len(sizes)), strict=True):
        draw(axes, "step", runs.sel(n_samples=n), f"{n:,}", color=colour)
    axes.set(xlabel="Updates", ylabel="Copies (%)", ylim=(-3, 103), title="Generation")
    axes.legend(title="samples", loc="upper left", bbox_to_anchor=(1, 1))


PANELS = (
    *(edge_of_stability, scaling_laws, double_descent, mode_connectivity),
    *(learning_rate_transfer, plasticity, grokking, generation),
)


@house_style()
def picture() -> Figure:
    """Draw all panels."""
    figure = Figure(figsize=(11, 3.8))
    for axes, panel in zip(figure.subplots(2, 4).flat, PANELS, strict=True):
        panel(axes)
    return figure


if __name__ == "__main__":
    picture().savefig(PATH, dpi=130, metadata={"Software": None})
