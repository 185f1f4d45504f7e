"""Claims about architectures at equal size, and their measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist1d.experiments.beyond.architectures.config import LARGE, SAMPLES, SMALL
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.settings import SHIFTS
from mnist1d.harness.verdicts.rules import Positive
from mnist1d.measures.expressions import Measure, value

if TYPE_CHECKING:
    import xarray as xr

TITLES = {
    "MLP": "MLP",
    "CNN": "CNN",
    "GRU": "GRU",
    "LSTM": "LSTM",
    "TCN": "temporal convolutional network",
    "ResNet": "residual network",
    "Mixer": "MLP-mixer",
    "Transformer": "transformer",
    "StateSpace": "state-space model",
    "RandomFeatures": "random features",
}
POINTS = "(percentage points)"
FEW, MANY = 500, 50_000


def per_cent(name: str, **place: Any) -> Measure:
    """Return the measure of an accuracy in per cent."""
    return value(name, scale=100, limits=(0, 100), **place)


def accuracy(model: str, n_parameters: int = SMALL) -> Measure:
    """Test accuracy in per cent, with 4,000 samples in order."""
    return per_cent("test_accuracy", model=model, n_parameters=n_parameters)


def shuffled_accuracy(model: str) -> Measure:
    """Test accuracy in per cent, with shuffled points."""
    return per_cent("shuffled_accuracy", model=model)


def size_accuracy(model: str, n_samples: int) -> Measure:
    """Test accuracy in per cent, trained on a number of samples."""
    return per_cent("size_accuracy", model=model, n_samples=n_samples)


def shift_accuracy(model: str, test_set: str) -> Measure:
    """Accuracy in per cent on a shifted test set."""
    return per_cent("shift_accuracy", model=model, test_set=test_set)


def shuffling_cost(model: str) -> Measure:
    """Return what shuffled points cost, in percentage points."""
    return size_accuracy(model, SAMPLES) - shuffled_accuracy(model)


def shift_cost(model: str, test_set: str) -> Measure:
    """Return what a shift of the test set costs, in percentage points."""
    return size_accuracy(model, SAMPLES) - shift_accuracy(model, test_set)


def samples_to_reach_mlp(model: str) -> Measure:
    """Measure the number of samples at which a model is as good as the MLP with 4,000.

    It is interpolated on a logarithmic scale, and from the smallest to the largest number tried.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        sizes = result.n_samples.to_numpy()
        found = result.size_accuracy.sel(model=model).transpose("seed", "n_samples").to_numpy()
        targets = result.size_accuracy.sel(model="MLP", n_samples=SAMPLES).to_numpy()
        # Accuracy grows with samples but for chance: of two equal places the first counts.
        reached = [
            np.exp(np.interp(target, np.maximum.accumulate(curve), np.log(sizes)))
            for target, curve in zip(targets, found, strict=True)
        ]
        return np.where(np.isfinite(found).all(1) & np.isfinite(targets), reached, np.nan)

    return Measure(per_seed)


def _exceeds(better: str, worse: str, source: str, n_parameters: int = SMALL) -> Claim:
    suffix = "" if n_parameters == SMALL else "-large"
    return Claim(
        f"{better.lower()}-beats-{worse.lower()}{suffix}",
        f"With {n_parameters:,} parameters and {SAMPLES:,} samples the {TITLES[better]} exceeds "
        f"the {TITLES[worse]} {POINTS}",
        f"Beyond the paper: {source}",
        Positive(),
        accuracy(better, n_parameters) - accuracy(worse, n_parameters),
    )


def _catches_up(model: str, source: str) -> Claim:
    def behind(n: int) -> Measure:
        return size_accuracy("ResNet", n) - size_accuracy(model, n)

    return Claim(
        f"{model.lower()}-catches-up",
        f"The {TITLES[model]} is less far behind the residual network with {MANY:,} samples than "
        f"with {SAMPLES:,}: difference of the two {POINTS}",
        f"Beyond the paper: {source}, of images",
        Positive(),
        behind(SAMPLES) - behind(MANY),
    )


PAPER = "section 4, at equal size"
CLAIMS = (
    _exceeds("CNN", "MLP", PAPER),
    _exceeds("CNN", "MLP", PAPER, LARGE),
    _exceeds("GRU", "MLP", PAPER),
    _exceeds("ResNet", "MLP", "Wang, Yan & Oates (2017), of time series"),
    _exceeds("TCN", "LSTM", "Bai, Kolter & Koltun (2018), of sequences"),
    _exceeds("TCN", "GRU", "Bai, Kolter & Koltun (2018), of sequences"),
    _exceeds("StateSpace", "Transformer", "Gu, Goel & Ré (2022), of long sequences"),
    _exceeds("StateSpace", "LSTM", "Gu, Goel & Ré (2022), of long sequences"),
    _exceeds("ResNet", "Transformer", "Dosovitskiy et al. (2021), of images and small sets"),
    _exceeds("ResNet", "Mixer", "Tolstikhin et al. (2021), of images and small sets"),
    Claim(
        "features-are-learned",
        f"With {SMALL:,} trained parameters and {SAMPLES:,} samples the MLP exceeds a linear "
        f"readout of random features {POINTS}",
        "Beyond the paper: Ghorbani et al. (2020)",
        Positive(),
        accuracy("MLP") - accuracy("RandomFeatures"),
    ),
    _catches_up("Transformer", "Dosovitskiy et al. (2021)"),
    _catches_up("Mixer", "Tolstikhin et al. (2021)"),
    Claim(
        "bias-saves-samples",
        f"The CNN is further ahead of the MLP with {FEW:,} samples than with {MANY:,}: difference "
        f"of the two {POINTS}",
        "Beyond the paper: Dosovitskiy et al. (2021), of images",
        Positive(),
        Measure(
            lambda result: (
                (size_accuracy("CNN", FEW) - size_accuracy("MLP", FEW)).per_seed(result)
                - (size_accuracy("CNN", MANY) - size_accuracy("MLP", MANY)).per_seed(result)
            )
        ),
    ),
    Claim(
        "shuffling-costs-cnn-more",
        f"Shuffled points cost the CNN more than the MLP: difference of the two {POINTS}",
        f"Beyond the paper: {PAPER}",
        Positive(),
        shuffling_cost("CNN") - shuffling_cost("MLP"),
    ),
    Claim(
        "translation-costs-resnet-less",
        "Translations that training has not seen cost the residual network, whose last layer takes "
        f"the mean over points, less than the MLP: difference of the two {POINTS}",
        "Beyond the paper: Zhang (2019), of images",
        Positive(),
        shift_cost("MLP", "translation") - shift_cost("ResNet", "translation"),
    ),
)


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    found = {
        (model, n): size_accuracy(model, n)(result).mean
        for model in ("CNN", "MLP")
        for n in (FEW, MANY)
    }
    return {
        "bias-saves-samples": (
            f"With {FEW:,} samples the CNN reaches {found['CNN', FEW]:.1f} % and the MLP "
            f"{found['MLP', FEW]:.1f} %, with {MANY:,} {found['CNN', MANY]:.1f} % and "
            f"{found['MLP', MANY]:.1f} %. Few samples are too few for either, and more of them "
            "help the CNN further than the MLP, which the ceiling of its size stops."
        )
    }


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all architectures: accuracies in per cent, by all that was varied."""
    models = result.model.to_numpy().tolist()
    sizes = result.n_parameters.to_numpy().tolist()
    samples = result.n_samples.to_numpy().tolist()
    rows = []
    for model in models:
        columns = {f"{size:,}": accuracy(model, size) for size in sizes}
        columns |= {"shuffled": shuffled_accuracy(model)}
        columns |= {f"tested: {name}": shift_accuracy(model, name) for name in SHIFTS}
        estimates = {name: measure(result) for name, measure in columns.items()}
        rows.append(Row(f"Accuracy (%), by parameters, {SAMPLES:,} samples", model, estimates))
    for model in models:
        by_size = {f"{n:,}": size_accuracy(model, n)(result) for n in samples}
        if "MLP" in models:
            by_size["reaches the\nMLP with"] = samples_to_reach_mlp(model)(result)
        rows.append(Row(f"Accuracy (%), by samples, {sizes[0]:,} parameters", model, by_size))
    neighbours = {f"{n:,}": per_cent("neighbours_accuracy", n_samples=n)(result) for n in samples}
    group = f"Accuracy (%), by samples, {sizes[0]:,} parameters"
    return [*rows, Row(group, "ten nearest neighbours", neighbours)]


def remarks(result: xr.Dataset) -> list[str]:
    """Say what "reaches" means, and which rates are at an end of those tried."""
    low, high = (int(result.n_samples[end]) for end in (0, -1))
    text = f"the number of samples at which a model is as good as the MLP with {SAMPLES:,}"
    ends = f"{low:,} stands for no more than that, {high:,} for no fewer"
    lines = [f"Reaches the MLP with: {text}, interpolated; {ends}."]
    extremes = [float(result.rate.min()), float(result.rate.max())]
    at_end = int(result.chosen_rate.isin(extremes).sum())
    if at_end:
        lines.append(
            f"For {at_end} of {result.chosen_rate.size} architectures and sizes the best learning "
            "rate is the smallest or the largest that was tried."
        )
    return lines
