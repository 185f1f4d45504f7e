"""The paper's claims about self-supervised learning, and their measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist1d.experiments.self_supervised.config import BACKBONE, N_LAYERS, VARIANTS
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import LOSS, PROBE_ACCURACY
from mnist1d.harness.verdicts.rules import AtMost, Counted, Equals, Positive, Similar
from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.measures.expressions import Measure, Reduction, last, value
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr

ISOLATED = (0, 3, 6, 8)
"""The digits that the paper calls isolated."""

OTHERS = tuple(digit for digit in range(10) if digit not in ISOLATED)

PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "default": (32.8, 75.1, 80.9, 82.1, 76.1, 75.0),
    "no projector": (32.8, 82.2, 79.5, 53.4),
    "deep projector": (32.8, 75.9, 82.4, 79.5, 77.3, 72.8, 65.0, 61.1),
}
"""Linear accuracies of the paper's run in per cent, by layer, printed by the notebook."""

MIN_PEAK = 2.0
"""Least difference between the best inner layer and the ends, in percentage points.

Each seed chooses the layer on its own test accuracies: equally good layers would give 1.4 points.
"""

FIGURE = "Section 5.5, Figure 8b"
PRINTED = "Runs of Figure 8, printed"

_percent = partial(value, scale=100, digits=None)


def highest(*labels: int) -> Reduction:
    """Take the highest of the values at some labels."""
    return lambda values, axis: values.sel({axis: list(labels)}).max(axis, skipna=False)


def lowest(*labels: int) -> Reduction:
    """Take the lowest of the values at some labels."""
    return lambda values, axis: values.sel({axis: list(labels)}).min(axis, skipna=False)


def accuracy(variant: str, layer: int | Reduction) -> Measure:
    """Linear accuracy of a layer in per cent."""
    return _percent("linear_accuracy", variant=variant, layer=layer)


def cost_of_head(variant: str) -> Measure:
    """Linear accuracy before the head minus that after the last layer."""
    return accuracy(variant, BACKBONE) - accuracy(variant, N_LAYERS[variant])


def interior_peak(variant: str) -> Measure:
    """Accuracy of the best inner layer minus that of the better of input and last layer."""
    last_layer = N_LAYERS[variant]
    inner = accuracy(variant, highest(*range(1, last_layer)))
    return inner - accuracy(variant, highest(0, last_layer))


def lead(variant: str, layer: int) -> Measure:
    """Accuracy of a layer minus that of the best other layer, in percentage points."""
    others = [other for other in range(N_LAYERS[variant] + 1) if other != layer]
    return accuracy(variant, layer) - accuracy(variant, highest(*others))


def best_layer(variant: str) -> Measure:
    """Number of the best layer, the first of equals."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        layers = range(N_LAYERS[variant] + 1)
        every = np.stack([accuracy(variant, layer).per_seed(result) for layer in layers])
        return np.where(np.isfinite(every).all(axis=0), every.argmax(axis=0), np.nan)

    return Measure(per_seed)


def neighbours(variant: str) -> Measure:
    """Accuracy of nearest neighbours in the final output, in per cent."""
    return _percent("probe_knn_accuracy", variant=variant, probe_epoch=last)


def final_loss(variant: str) -> Measure:
    """Loss of the last epoch in nats."""
    return value("loss", digits=None, variant=variant, epoch=last)


def purity(digit: int | list[int] | Reduction, stage: str = "after") -> Measure:
    """Share of a digit's neighbours in the t-SNE picture that show it, in per cent.

    Of several digits the mean.
    """
    return _percent("purity", stage=stage, digit=digit)


isolation = purity(lowest(*ISOLATED)) - purity(highest(*OTHERS))
"""Purity of the least pure of 0, 3, 6 and 8 minus that of the purest other, in points."""


def of_pixels(name: str, **place: Any) -> Callable[[xr.Dataset], Estimate]:
    """Accuracy from the signals in per cent, which is the same for all seeds."""

    def measure(result: xr.Dataset) -> Estimate:
        found = 100 * float(result[name].sel(**place).to_numpy().ravel()[0])
        return Estimate(found, found, found, 1)

    return measure


def published_peak(variant: str) -> float:
    """Return the interior peak of the paper's run.

    >>> published_peak("default")
    7.1
    """
    first, *inner, last = PUBLISHED[variant]
    return round(max(inner) - max(first, last), 1)


def published_lead(variant: str, layer: int) -> float:
    """Return the lead of a layer of the paper's run.

    >>> published_lead("default", 2)
    -1.2
    """
    others = [value for k, value in enumerate(PUBLISHED[variant]) if k != layer]
    return round(PUBLISHED[variant][layer] - max(others), 1)


def slug(variant: str) -> str:
    """Return a variant as names of claims have it."""
    return variant.replace(" ", "-")


CLAIMS = (
    Claim(
        "pixels",
        "Linear accuracy from the signals themselves (%)",
        FIGURE,
        Counted(33),
        of_pixels("linear_accuracy", variant="default", layer=0),
    ),
    Claim(
        "pixels-knn",
        "Accuracy of ten nearest neighbours from the signals themselves (%)",
        PRINTED,
        Counted(59.6),
        of_pixels("pixel_knn_accuracy"),
    ),
    Claim(
        "before-head",
        "Linear accuracy before the projection head (%)",
        FIGURE,
        Equals(82, PROBE_ACCURACY, digits=0),
        accuracy("default", BACKBONE),
    ),
    *(
        Claim(
            f"head-costs-{slug(variant)}",
            f"The linear accuracy is higher before the head than after it, {variant}: "
            "difference (percentage points)",
            FIGURE,
            Positive(round(PUBLISHED[variant][BACKBONE] - PUBLISHED[variant][-1], 1)),
            cost_of_head(variant),
        )
        for variant in ("default", "deep projector")
    ),
    *(
        Claim(
            f"peak-in-the-middle-{slug(variant)}",
            f"The linear accuracy peaks in the middle, {variant}: best inner layer minus the "
            "better of input and last layer (percentage points)",
            FIGURE,
            Positive(published_peak(variant), least=MIN_PEAK),
            interior_peak(variant),
        )
        for variant in VARIANTS
    ),
    *(
        Claim(
            f"second-layer-best-{slug(variant)}",
            f"The linear accuracy is highest after the second layer, {variant}: lead over the "
            "best other layer (percentage points)",
            FIGURE,
            Positive(published_lead(variant, 2)),
            lead(variant, 2),
        )
        for variant in VARIANTS
    ),
    *(
        Claim(
            f"last-layer-{slug(variant)}",
            f"Linear accuracy after the last layer, {variant} (%)",
            "Figure 8b",
            Equals(PUBLISHED[variant][-1], PROBE_ACCURACY),
            accuracy(variant, N_LAYERS[variant]),
        )
        for variant in VARIANTS
    ),
    *(
        Claim(
            f"best-layer-{slug(variant)}",
            f"Linear accuracy after layer {layer}, the best of the paper's run, {variant} (%)",
            "Figure 8b",
            Equals(PUBLISHED[variant][layer], PROBE_ACCURACY),
            accuracy(variant, layer),
        )
        for variant, layer in (("no projector", 1), ("deep projector", 2))
    ),
    *(
        Claim(
            f"knn-{slug(variant)}",
            f"Accuracy of ten nearest neighbours in the output, {variant} (%)",
            PRINTED,
            Equals(published, PROBE_ACCURACY),
            neighbours(variant),
        )
        for variant, published in zip(VARIANTS, (74.1, 48.7, 61.3), strict=True)
    ),
    *(
        Claim(
            f"loss-{slug(variant)}",
            f"Loss in the last epoch, {variant} (nats)",
            PRINTED,
            Equals(published, LOSS, digits=2),
            final_loss(variant),
        )
        for variant, published in zip(VARIANTS, (2.88, 3.39, 2.87), strict=True)
    ),
    *(
        Claim(
            f"isolated-{digit}",
            f"Digit {digit} is isolated in the t-SNE picture: share of its points' ten nearest "
            "neighbours that show it, minus that of the digits that the paper does not call "
            "isolated (percentage points)",
            "Section 5.5, Figure 8a",
            Positive(),
            purity(digit) - purity(list(OTHERS)),
        )
        for digit in ISOLATED
    ),
    *(
        Claim(
            f"as-good-{slug(variant)}",
            f"With {words} the representation is of similar quality: best layer of the paper's run "
            "minus that of the default head (percentage points)",
            "Section 5.5",
            Similar(PROBE_ACCURACY, round(PUBLISHED[variant][layer] - PUBLISHED["default"][3], 1)),
            accuracy(variant, layer) - accuracy("default", BACKBONE),
        )
        for variant, layer, words in (
            ("no projector", 1, "no head"),
            ("deep projector", 2, "a deeper head"),
        )
    ),
    Claim(
        "runtime",
        "One run of everything takes 5 minutes at most "
        "(minutes on our machine, per run of those made together)",
        "Section 5.5",
        AtMost(5),
        minutes(runs=1),
    ),
    Claim(
        "isolated-beyond-others",
        "The digits 0, 3, 6 and 8 are more isolated than the others: least pure of them minus "
        "purest other (percentage points)",
        "Section 5.5, Figure 8a",
        Positive(),
        isolation,
    ),
)


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    reasons = {}
    for variant, published in PUBLISHED.items():
        best = best_layer(variant).per_seed(result)
        best = best[np.isfinite(best)].astype(int)
        if not best.size:
            continue
        most = int(np.bincount(best).argmax())
        ours = [accuracy(variant, layer)(result).mean for layer in range(len(published))]
        reasons[f"second-layer-best-{slug(variant)}"] = (
            f"In {(best == most).sum()} of {best.size} runs layer {most} is the best, with "
            f"{_beside_the_second(ours, most)} on average. In the paper's own run it is layer "
            f"{(top := int(np.argmax(published)))}, with {_beside_the_second(published, top)}."
        )
    return reasons


def _beside_the_second(accuracies: Sequence[float], layer: int) -> str:
    text = f"{accuracies[layer]:.1f} %"
    return text if layer == 2 else f"{text} against {accuracies[2]:.1f} % of the second"


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all layers, of outputs and of digits."""
    rows, named = [], {claim.name for claim in CLAIMS}

    def add(
        group: str, condition: str, measure: Callable[..., Estimate], claim: str, **more: Estimate
    ) -> None:
        estimates = {"value": measure(result), **more}
        rows.append(Row(group, condition, estimates, claim if claim in named else None))

    pixels, pixels_knn = CLAIMS[:2]
    add("Signals", "linear (%)", pixels.measure, pixels.name)
    add("Signals", "kNN (%)", pixels_knn.measure, pixels_knn.name)
    for variant, last_layer in N_LAYERS.items():
        group, name = variant.capitalize(), slug(variant)
        best_published = int(np.argmax(PUBLISHED[variant]))
        for layer in range(1, last_layer + 1):
            claim = f"last-layer-{name}" if layer == last_layer else ""
            if layer == best_published:
                claim = "before-head" if variant == "default" else f"best-layer-{name}"
            add(group, f"linear, layer {layer} (%)", accuracy(variant, layer), claim)
        add(group, "kNN, output (%)", neighbours(variant), f"knn-{name}")
        add(group, "best layer", best_layer(variant), "")
        add(group, "middle - ends", interior_peak(variant), f"peak-in-the-middle-{name}")
        add(group, "layer 2 - best other", lead(variant, 2), f"second-layer-best-{name}")
        if last_layer > BACKBONE:
            add(group, "before - after head", cost_of_head(variant), f"head-costs-{name}")
        add(group, "loss (nats)", final_loss(variant), f"loss-{name}")
    for digit in range(10):
        before = purity(digit, "before")(result)
        add("t-SNE, purity", f"digit {digit} (%)", purity(digit), "", untrained=before)
    add("t-SNE, purity", "0, 3, 6, 8 - others", isolation, "isolated-beyond-others")
    return rows
