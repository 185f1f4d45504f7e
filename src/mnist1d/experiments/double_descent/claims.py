"""The paper's claims about double descent, and their measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.double_descent.config import SERIES
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import ACCURACY
from mnist1d.harness.verdicts.rules import AtMost, Equals, Positive, Similar
from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.measures.expressions import UNLIMITED, Measure
from mnist1d.measures.uncertainty import Estimate, estimate_proportion, in_percent

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike

    Values = Callable[[xr.Dataset], ArrayLike]
    Measured = Callable[[xr.Dataset], Estimate]

SCALE = {"error": 100.0, "loss": 1.0}
"""Errors are given in per cent, losses in nats."""

MIN_PEAK = {"error": 2.0, "loss": 0.1}
"""Least height of a peak, in percentage points and in nats.

Each seed's peak is the highest point of its own curve, so that its height is positive by
construction: curves without a peak, with the runs' noise of a percentage point, give 1.6 points.
"""

FIGURE = "Section 5.2, Figure 5"


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
    """Measure the highest rise of the test error above what came before, between two sizes."""

    def heights(of: xr.Dataset) -> ArrayLike:
        errors = errors_at(of, (of["size"] >= smallest) & (of["size"] <= largest))
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


def peak_over_threshold(series: str) -> Measured:
    """Measure the size at the peak of the test error over the threshold, paired by seed."""
    return geometric_mean(series, lambda of: of.error_peak_size / of.threshold)


def wrong_labels(result: xr.Dataset) -> Estimate:
    """Share of the training labels that are wrong, in per cent; the draws are those of labels."""
    wrong = np.arange(int(result.n_labels)) < int(result.n_wrong_labels)
    return in_percent(estimate_proportion(wrong))


CLAIMS = (
    Claim(
        "label-noise",
        "15 % label noise: training labels that are wrong (%)",
        FIGURE,
        Equals(15, ACCURACY),
        wrong_labels,
    ),
    Claim(
        "peak-mlp-noise",
        "With label noise the test error of the MLP has a peak: "
        "height above the valley before it (percentage points)",
        FIGURE,
        Positive(6.81, MIN_PEAK["error"]),
        height("mlp-noise"),
    ),
    Claim(
        "peak-size-mlp-noise",
        "The test error peaks at about 50 hidden units",
        FIGURE,
        Similar(15, center=50),
        size_at("mlp-noise", "peak"),
    ),
    Claim(
        "threshold-mlp-noise",
        "The training error reaches zero at about 50 hidden units: smallest width without errors",
        FIGURE,
        Similar(15, center=50),
        threshold("mlp-noise"),
    ),
    Claim(
        "peak-at-threshold-mlp-noise",
        "The MLP's peak is where the training error reaches zero: width at the peak / smallest "
        "width without training errors",
        FIGURE,
        Similar(0.4, center=1),
        peak_over_threshold("mlp-noise"),
    ),
    Claim(
        "descent-mlp-noise",
        "Beyond the peak the test error of the MLP falls: peak minus largest width "
        "(percentage points)",
        FIGURE,
        Positive(8.58, MIN_PEAK["error"]),
        descent("mlp-noise"),
    ),
    Claim(
        "second-valley-mlp-noise",
        "The widest MLP errs less than the one in the valley before the peak, with label noise "
        "(percentage points)",
        "Figure 5b",
        Positive(1.77),
        gain("mlp-noise"),
    ),
    Claim(
        "no-peak-mlp",
        "Without label noise the test error of the MLP has no peak about the threshold, from 21 "
        f"to 135 units: height (percentage points), less than {MIN_PEAK['error']:g} counting as "
        "none",
        "Figure 5a",
        Similar(MIN_PEAK["error"]),
        height_within("mlp", 21, 135),
    ),
    Claim(
        "loss-peak-mlp",
        "Without label noise the test loss of the MLP has a peak: height (nats)",
        "Runs of Figure 5a, printed",
        Positive(3.11, MIN_PEAK["loss"]),
        height("mlp", "loss"),
    ),
    Claim(
        "threshold-mlp",
        "Smallest width without training errors, MLP without label noise",
        "Figure 5a",
        Similar(14, center=47),
        threshold("mlp"),
    ),
    Claim(
        "rise-to-threshold-mlp-noise",
        "At the threshold the MLP errs more than before, with label noise: mean of 47 and 61 units "
        "minus mean of 16 and 21 (percentage points)",
        FIGURE,
        Positive(),
        contrast("mlp-noise", (47, 61), (16, 21)),
    ),
    Claim(
        "fall-from-threshold-mlp-noise",
        "Beyond the threshold the MLP errs less again, with label noise: mean of 47 and 61 units "
        "minus the largest width (percentage points)",
        FIGURE,
        Positive(),
        contrast("mlp-noise", (47, 61), (300,)),
    ),
    Claim(
        "runtime",
        "One run of all sizes takes 30 minutes at most "
        "(minutes; the share of that many of our runs, which are made together)",
        "Section 5.2",
        AtMost(30),
        minutes(runs=1),
    ),
    Claim(
        "peak-cnn-noise",
        "With label noise the test error of the CNN has a peak: height (percentage points)",
        "Figure 5c",
        Positive(14.16, MIN_PEAK["error"]),
        height("cnn-noise"),
    ),
    Claim(
        "peak-at-threshold-cnn-noise",
        "The CNN's peak is where its training error reaches zero: channels at the peak / smallest "
        "number without training errors",
        "Figure 5c",
        Similar(0.4, center=1),
        peak_over_threshold("cnn-noise"),
    ),
    Claim(
        "threshold-cnn-noise",
        "Smallest number of channels without training errors, CNN with label noise",
        "Figure 5c",
        Similar(4, center=24),
        threshold("cnn-noise"),
    ),
    Claim(
        "descent-cnn-noise",
        "Beyond the peak the test error of the CNN falls: peak minus largest (percentage points)",
        "Figure 5c",
        Positive(6.14, MIN_PEAK["error"]),
        descent("cnn-noise"),
    ),
    *(
        Claim(
            f"last-error-{series}",
            f"{SERIES[series].title}: test error of the largest model (%)",
            f"Figure 5{letter}",
            Equals(published, ACCURACY),
            value_at(series, "last"),
        )
        for series, letter, published in (
            ("mlp", "a", 37.25),
            ("mlp-noise", "b", 45.47),
            ("cnn-noise", "c", 27.66),
        )
    ),
    *(
        Claim(
            f"peak-error-{series}",
            f"{SERIES[series].title}: test error at the peak (%)",
            f"Figure 5{letter}",
            Equals(published, ACCURACY),
            value_at(series, "peak"),
        )
        for series, letter, published in (("mlp-noise", "b", 54.05), ("cnn-noise", "c", 33.80))
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of thresholds, valleys, peaks and largest models."""
    rows, named = [], {claim.name for claim in CLAIMS}
    for name, series in SERIES.items():
        largest = float(result["size"].sel(series=name).max())
        table: dict[str, tuple[dict[str, Measured], str]] = {
            f"threshold ({series.unit})": ({"size": threshold(name)}, "threshold"),
            "last with training errors": ({"size": below_threshold(name)}, ""),
            "valley before the peak": (
                {"size": size_at(name, "valley"), "error (%)": value_at(name, "valley")},
                "",
            ),
            "peak": (
                {"size": size_at(name, "peak"), "error (%)": value_at(name, "peak")},
                "peak-error",
            ),
            f"largest ({largest:.0f})": ({"error (%)": value_at(name, "last")}, "last-error"),
            "peak of the loss (nats)": (
                {"size": size_at(name, "peak", "loss"), "loss": value_at(name, "peak", "loss")},
                "",
            ),
        }
        for condition, (columns, subject) in table.items():
            estimates = {column: measure(result) for column, measure in columns.items()}
            claim = f"{subject}-{name}"
            rows.append(Row(series.title, condition, estimates, claim if claim in named else None))
    return rows


def remarks(result: xr.Dataset) -> list[str]:
    """Name the series that cannot show double descent: no network fits its training labels."""
    errors = {
        series.title: 100 * float(result.train_error.sel(series=name).min())
        for name, series in SERIES.items()
        if not np.isfinite(result.threshold.sel(series=name)).any()
    }
    if not errors:
        return []
    of_each = ", ".join(f"{error:.0f} % ({title})" for title, error in errors.items())
    remark = (
        "Double descent cannot show with these settings: the test error peaks where networks begin "
        "to fit all of their training labels, and none of these does. The smallest training errors "
        f"are {of_each}. It takes larger networks and longer training (widths, channels, n_epochs)."
    )
    return [remark]
