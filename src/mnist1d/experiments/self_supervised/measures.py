"""Where in the network the digits are known best, and which of them stand apart.

Every measure takes the result of `self_supervised.run` and gives a mean over seeds; differences
are paired by seed.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from mnist1d.experiments.self_supervised.training import BACKBONE, VARIANTS
from mnist1d.measures.uncertainty import Estimate, estimate, paired_difference

N_LAYERS: Mapping[str, int] = {
    variant: BACKBONE + len(projection) for variant, projection in VARIANTS.items()
}
"""Number of the last layer, the input being 0."""

ISOLATED = (0, 3, 6, 8)
"""The digits that the paper calls isolated."""

PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "default": (32.8, 75.1, 80.9, 82.1, 76.1, 75.0),
    "no projector": (32.8, 82.2, 79.5, 53.4),
    "deep projector": (32.8, 75.9, 82.4, 79.5, 77.3, 72.8, 65.0, 61.1),
}
"""Linear accuracies of the paper's run in per cent, by layer; PAPER section 7.4."""


def published_bulge(variant: str) -> float:
    """Return what `mean_bulge` is in the paper's run.

    >>> published_bulge("default")
    7.1
    """
    first, *inner, last = PUBLISHED[variant]
    return round(max(inner) - max(first, last), 1)


def published_lead(variant: str, layer: int) -> float:
    """Return what `mean_lead` is in the paper's run.

    >>> published_lead("default", 2)
    -1.2
    """
    others = [value for k, value in enumerate(PUBLISHED[variant]) if k != layer]
    return round(PUBLISHED[variant][layer] - max(others), 1)


def _accuracies(result: xr.Dataset, variant: str, layer: int) -> np.ndarray:
    """Linear accuracy of every seed, in per cent."""
    return 100 * result["linear_accuracy"].sel(variant=variant, layer=layer).to_numpy()


def mean_accuracy(result: xr.Dataset, variant: str, layer: int) -> Estimate:
    """Linear accuracy of a layer in per cent."""
    return estimate(_accuracies(result, variant, layer))


def mean_gain(result: xr.Dataset, variant: str) -> Estimate:
    """How much more the layer before the head knows than the last, in percentage points."""
    return paired_difference(
        _accuracies(result, variant, BACKBONE), _accuracies(result, variant, N_LAYERS[variant])
    )


def mean_bulge(result: xr.Dataset, variant: str) -> Estimate:
    """How far the best inner layer is above both input and last layer, in percentage points."""
    last = N_LAYERS[variant]
    inner = np.stack([_accuracies(result, variant, layer) for layer in range(1, last)])
    ends = np.stack([_accuracies(result, variant, layer) for layer in (0, last)])
    return paired_difference(inner.max(axis=0), ends.max(axis=0))


def mean_lead(result: xr.Dataset, variant: str, layer: int) -> Estimate:
    """How far a layer is above the best of all others, in percentage points."""
    others = [k for k in range(N_LAYERS[variant] + 1) if k != layer]
    best = np.stack([_accuracies(result, variant, other) for other in others]).max(axis=0)
    return paired_difference(_accuracies(result, variant, layer), best)


def mean_peak(result: xr.Dataset, variant: str) -> Estimate:
    """Number of the best layer, the first of equals."""
    every = np.stack([_accuracies(result, variant, k) for k in range(N_LAYERS[variant] + 1)])
    peaks = np.where(np.isfinite(every).all(axis=0), every.argmax(axis=0), np.nan)
    return estimate(peaks)


def mean_knn(result: xr.Dataset, variant: str) -> Estimate:
    """Accuracy of nearest neighbours in the final output, in per cent."""
    return estimate(100 * result["probe_knn_accuracy"].sel(variant=variant)[:, -1].to_numpy())


def mean_loss(result: xr.Dataset, variant: str) -> Estimate:
    """Loss of the last epoch in nats."""
    return estimate(result["loss"].sel(variant=variant)[:, -1].to_numpy())


def mean_purity(result: xr.Dataset, digit: int, stage: str = "after") -> Estimate:
    """Share of a digit's neighbours in the t-SNE picture that show it, in per cent."""
    return estimate(100 * result["purity"].sel(stage=stage, digit=digit).to_numpy())


def mean_isolation(result: xr.Dataset) -> Estimate:
    """Purest of the other digits below the least pure of 0, 3, 6 and 8: by percentage points."""
    purity = 100 * result["purity"].sel(stage="after").to_numpy()
    others = [digit for digit in range(10) if digit not in ISOLATED]
    return paired_difference(purity[:, ISOLATED].min(axis=1), purity[:, others].max(axis=1))
