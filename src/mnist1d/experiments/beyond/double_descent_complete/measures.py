"""Measures of curves over sizes, samples and epochs: without weight decay, and with the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.double_descent_complete.config import FEATURES, PART_DIMS
from mnist1d.measures.expressions import Measure

if TYPE_CHECKING:
    import xarray as xr

N_LATE = 10
"""Evaluations at the end of a training that are averaged, as gradient descent with batches goes on
fluctuating."""

N_SMOOTHED = 3
"""Evaluations in a row that are averaged before the highest or lowest is sought."""

N_BEFORE = 5
"""Evaluations before a network fits its labels that are its threshold over the epochs."""

FITTED = 0.01
"""Share of wrong training labels below which a network fits them."""

Place = float | Sequence[float]
"""A size, or several whose values are averaged."""


def ends(result: xr.Dataset, part: str, name: str, *, best: bool = False) -> np.ndarray:
    """Return a measure at the end of all trainings or fits of a part.

    Args:
        result: of `run`.
        part: one of `PART_DIMS`.
        name: of the measure, as "test_error".
        best: whether with the best weight decay or ridge, which every trial chooses for every size
            on its validation samples: networks by their error, random features by the loss that is
            fitted. Otherwise without.

    Returns: shape (sizes, seeds); NaN where a training diverged.
    """
    found = _by_decay(result, part, name)
    if not best:
        return found[:, 0]
    chosen = best_decay(result, part)
    return np.take_along_axis(found, chosen[:, None], axis=1)[:, 0]


def best_decay(result: xr.Dataset, part: str) -> np.ndarray:
    """Return the places of the weight decays or ridges that validation samples choose.

    Returns: integers, shape (sizes, seeds).
    """
    name = "validation_loss" if part in FEATURES else "validation_error"
    judged = _by_decay(result, part, name)
    return np.where(np.isnan(judged), np.inf, judged).argmin(axis=1)


def _by_decay(result: xr.Dataset, part: str, name: str) -> np.ndarray:
    """Return late values of a measure, shape (sizes, decays, seeds)."""
    values = result[f"{part}_{name}"]
    if part in FEATURES:
        return values.transpose(PART_DIMS[part], "ridge", "seed").to_numpy()
    late = values.transpose(PART_DIMS[part], "decay", "seed", "step").to_numpy()[..., -N_LATE:]
    found: np.ndarray = late.astype(float).mean(axis=-1)
    return found


def at(part: str, name: str, sizes: Place, *, best: bool = False, scale: float = 1.0) -> Measure:
    """Measure something at a size, or its mean over several.

    Args:
        part: one of `PART_DIMS`.
        name: of the measure.
        sizes: labels of what the part varies.
        best: see `ends`.
        scale: factor on the values, as 100 for per cent.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        labels = result[PART_DIMS[part]].to_numpy().tolist()
        wanted = [sizes] if isinstance(sizes, int | float) else list(sizes)
        if missing := set(wanted) - {*labels}:
            raise KeyError(missing)
        rows = [labels.index(each) for each in wanted]
        found: np.ndarray = scale * ends(result, part, name, best=best)[rows].mean(axis=0)
        return found

    return Measure(per_seed)


def peak_size(part: str, name: str) -> Measure:
    """Measure the size at which something is highest, without weight decay or ridge."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        found = ends(result, part, name)
        sizes = result[PART_DIMS[part]].to_numpy().astype(float)
        highest = np.where(np.isnan(found), -np.inf, found).argmax(axis=0)
        return np.where(np.isnan(found).any(axis=0), np.nan, sizes[highest])

    return Measure(per_seed)


def lowest_before(part: str, name: str, size: float, *, scale: float = 1.0) -> Measure:
    """Measure the lowest value at sizes below one, which every trial finds for itself.

    Without weight decay or ridge; the lowest of noisy numbers is too low rather than too high.

    Args:
        part: one of `PART_DIMS`.
        name: of the measure.
        size: the one that is beyond.
        scale: see `at`.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        rows = result[PART_DIMS[part]].to_numpy() < size
        if not rows.any():
            raise KeyError(size)
        found: np.ndarray = scale * ends(result, part, name)[rows].min(axis=0)
        return found

    return Measure(per_seed)


def most_fitted(result: xr.Dataset) -> np.ndarray:
    """Return the largest number of samples that the network fits, by seed; NaN if none."""
    fits = ends(result, "samples", "train_error") < FITTED
    sizes = result[PART_DIMS["samples"]].to_numpy().astype(float)
    return np.where(fits.any(axis=0), np.where(fits, sizes[:, None], 0).max(axis=0), np.nan)


def over(measure: Measure, divisor: Callable[[xr.Dataset], np.ndarray] | float) -> Measure:
    """Measure a ratio, seed by seed."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        below = divisor(result) if callable(divisor) else divisor
        return np.asarray(measure.per_seed(result) / below)

    return Measure(per_seed)


def halvings(larger: Measure, smaller: Measure) -> Measure:
    """Measure how often something has to be halved to be something else, seed by seed."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        return np.asarray(np.log2(larger.per_seed(result) / smaller.per_seed(result)))

    return Measure(per_seed)


def highest_rise(part: str, name: str, *, best: bool, relative: bool = True) -> Measure:
    """Measure the highest rise of a curve over sizes above the lowest point before.

    Args:
        part: one of `PART_DIMS`.
        name: of the measure.
        best: see `ends`.
        relative: in per cent of the lowest point, not in the unit of the curve.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        found = ends(result, part, name, best=best)
        lowest = np.minimum.accumulate(found, axis=0)
        rises = 100 * (found / lowest - 1) if relative else found - lowest
        return np.asarray(rises.max(axis=0))

    return Measure(per_seed)


def epoch_curve(result: xr.Dataset, *, best: bool = False) -> np.ndarray:
    """Return the CNN's test error (%) over the steps, smoothed, shape (seeds, evaluations - 2)."""
    values = 100 * result.epochs_test_error.isel(channels=0).transpose("seed", "decay", "step")
    chosen = best_decay(result, "epochs")[0] if best else np.zeros(values.sizes["seed"], int)
    curves = np.take_along_axis(values.to_numpy(), chosen[:, None, None], axis=1)[:, 0]
    window = np.full(N_SMOOTHED, 1 / N_SMOOTHED)
    return np.array([np.convolve(each, window, mode="valid") for each in curves])


def epoch_rise(*, best: bool = False) -> Measure:
    """Measure the highest rise of the CNN's test error over the epochs above what came before.

    In percentage points, of curves smoothed over three evaluations.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        curves = epoch_curve(result, best=best)
        return np.asarray((curves - np.minimum.accumulate(curves, axis=1)).max(axis=1))

    return Measure(per_seed)


def epoch_fall() -> Measure:
    """Measure how far the CNN's test error falls from its threshold in time to the end.

    In percentage points, without weight decay: mean of the last evaluations (`N_BEFORE`) before the
    network first fits its labels (`FITTED`) minus the mean of the last ten. NaN if it never does.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        one = result.isel(channels=0, decay=0)
        errors = one.epochs_train_error.transpose("seed", "step").to_numpy()
        curves = 100 * one.epochs_test_error.transpose("seed", "step").to_numpy()
        falls = []
        for fits, curve in zip(errors < FITTED, curves, strict=True):
            first = int(fits.argmax())  # 0 if it never fits, or fits from the beginning
            before = curve[max(first - N_BEFORE, 0) : first]
            falls.append(before.mean() - curve[-N_LATE:].mean() if first else np.nan)
        return np.array(falls)

    return Measure(per_seed)


def fall_after_fit(name: str, decay: float) -> Measure:
    """Measure by which factor something falls after the followed network fits its labels.

    It is the value at the first evaluation with so few training errors (`FITTED`) over the mean of
    the last ten, as a logarithm to the base 2: 1 if it halves. NaN if the network never fits them.

    Args:
        name: a field of `mnist1d.measures.collapse.Collapse`.
        decay: weight decay of the network, the MLP of the part `collapse`.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        one = result.sel(decay=decay).isel(collapse_width=0)
        errors = one.collapse_train_error.transpose("seed", "step").to_numpy()
        curves = one[f"collapse_{name}"].transpose("seed", "step").to_numpy().astype(float)
        first = (errors < FITTED).argmax(axis=1)
        falls = np.log2(np.take_along_axis(curves, first[:, None], axis=1)[:, 0])
        falls -= np.log2(curves[:, -N_LATE:].mean(axis=1))
        return np.asarray(np.where((errors < FITTED).any(axis=1), falls, np.nan))

    return Measure(per_seed)
