"""Measures of the curves of errors over model sizes, estimated over seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.double_descent.config import is_published
from mnist1d.experiments.double_descent.curves import fit_peak
from mnist1d.measures.expressions import UNLIMITED, Measure
from mnist1d.measures.uncertainty import Estimate, estimate_proportion, in_percent

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    Values = Callable[[xr.Dataset], ArrayLike]
    Measured = Callable[[xr.Dataset], Estimate]

SCALE = {"error": 100.0, "loss": 1.0}
"""Errors are given in per cent, losses in nats."""


def mean(series: str, values: Values, limits: tuple[float, float] = UNLIMITED) -> Measured:
    """Estimate the mean over seeds of a measure of the curves of a series.

    A curve in which a run diverged has no value, nor does one that does not reach 0 have a
    threshold: then the mean is that of the other seeds, and the interval is unknown.

    Args:
        series: name of the curves.
        values: `result of the series -> one value per seed`.
        limits: ends of their scale.
    """
    measure = Measure(lambda result: np.asarray(values(result.sel(series=series))), limits)

    def measured(result: xr.Dataset) -> Estimate:
        found = measure(result)
        diverged = result.diverged.sel(series=series).any("rank").to_numpy()
        if np.isnan(measure.per_seed(result)[~diverged]).any():
            found = found._replace(low=np.nan, high=np.nan)
        return found._replace(n_diverged=int(diverged.sum()))

    return measured


def geometric_mean(series: str, values: Values) -> Measured:
    """Estimate the geometric mean, as sizes are spaced by factors."""
    logarithm = mean(series, lambda curves: np.log(values(curves)))

    def measured(result: xr.Dataset) -> Estimate:
        found = logarithm(result)
        middle, low, high = np.exp(found[:3])
        sizes = tuple(np.exp(found.values).tolist())
        return found._replace(mean=middle, low=low, high=high, values=sizes)

    return measured


def value_at(series: str, point: str, curve: str = "error") -> Measured:
    """Measure the test error, or the loss, at the "valley", the "peak" or the "last" size."""
    return mean(series, lambda of: SCALE[curve] * of[f"{curve}_{point}"], (0, np.inf))


def size_at(series: str, point: str, curve: str = "error") -> Measured:
    """Measure the size at the "valley" or the "peak"."""
    return geometric_mean(series, lambda of: of[f"{curve}_{point}_size"])


def height(series: str, curve: str = "error") -> Measured:
    """Measure the height of the peak above the valley before it."""
    return mean(series, lambda of: SCALE[curve] * (of[f"{curve}_peak"] - of[f"{curve}_valley"]))


def descent(series: str) -> Measured:
    """Measure how far the test error falls from the peak to the largest size."""
    return mean(series, lambda of: 100 * (of.error_peak - of.error_last))


def gain(series: str) -> Measured:
    """Measure how far the test error of the largest size is below that of the first valley."""
    return mean(series, lambda of: 100 * (of.error_valley - of.error_last))


def errors_at(of: xr.Dataset, chosen: xr.DataArray) -> np.ndarray:
    """Return test errors in per cent of the chosen ranks, (ranks, seeds); NaN if there is none."""
    errors = 100 * of.test_error.transpose("rank", "seed").to_numpy()[chosen.to_numpy()]
    return errors.astype(float) if len(errors) else np.full((1, of.sizes["seed"]), np.nan)


def height_within(series: str, smallest: float, largest: float) -> Measured:
    """Measure the highest rise of the test error above what came before, between two sizes.

    Of the published ones: among more sizes the noise of runs alone rises higher.
    """

    def heights(of: xr.Dataset) -> ArrayLike:
        within = (of["size"] >= smallest) & (of["size"] <= largest)
        errors = errors_at(of, within & is_published(of["size"]))
        return (errors - np.minimum.accumulate(errors)).max(axis=0)

    return mean(series, heights)


def contrast(series: str, sizes: Sequence[int], others: Sequence[int]) -> Measured:
    """Measure the mean test error of some sizes minus that of others, in percentage points."""

    def difference(of: xr.Dataset) -> ArrayLike:
        first, second = (errors_at(of, of["size"].isin(list(chosen))) for chosen in (sizes, others))
        return first.mean(axis=0) - second.mean(axis=0)

    return mean(series, difference)


def threshold(series: str) -> Measured:
    """Measure the smallest size without training errors.

    The interval extends to the next smaller sizes, as the threshold may lie anywhere between two
    sizes even if all seeds agree.
    """
    fits, before = geometric_mean(series, lambda of: of.threshold), below_threshold(series)
    return lambda result: fits(result)._replace(low=before(result).low)


def below_threshold(series: str) -> Measured:
    """Measure the largest size of those before the threshold, which has training errors."""
    return geometric_mean(series, lambda of: of.threshold_below)


def fitted_peak(of: xr.Dataset) -> np.ndarray:
    """Return the width at the peak of every seed's test error, fitted to those about 50."""
    one = of.isel(rank=(of["size"] > 0).to_numpy())
    errors = one.test_error.transpose("seed", "rank").to_numpy()
    return np.array([fit_peak(one["size"], each) for each in errors])


def peak_over_threshold(series: str, values: Values = fitted_peak) -> Measured:
    """Measure the size at the peak of the test error over the threshold, paired by seed."""
    return geometric_mean(series, lambda of: values(of) / of.threshold.to_numpy())


def wrong_labels(result: xr.Dataset) -> Estimate:
    """Share of the training labels that are wrong, in per cent; the draws are those of labels."""
    wrong = np.arange(int(result.n_labels)) < int(result.n_wrong_labels)
    return in_percent(estimate_proportion(wrong))
