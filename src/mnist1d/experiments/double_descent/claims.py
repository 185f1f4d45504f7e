"""The paper's claims about double descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.double_descent.config import SERIES
from mnist1d.experiments.double_descent.measures import (
    below_threshold,
    contrast,
    descent,
    fitted_peak,
    gain,
    geometric_mean,
    height,
    height_within,
    peak_over_threshold,
    size_at,
    threshold,
    value_at,
    wrong_labels,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import ACCURACY
from mnist1d.harness.verdicts.rules import AtMost, Equals, Positive, Similar
from mnist1d.harness.verdicts.runtime import minutes

if TYPE_CHECKING:
    import xarray as xr

    from mnist1d.experiments.double_descent.measures import Measured

MIN_PEAK = {"error": 2.0, "loss": 0.1}
"""Least height of a peak, in percentage points and in nats.

Each seed's peak is the highest point of its own curve, so that its height is positive by
construction: curves without a peak, with the runs' noise of a percentage point, give 1.6 points.
"""

WIDTH_STEP, CHANNEL_STEP = 3, 2
"""Steps of the widths about the threshold, and of the channels."""

AT_THRESHOLD = 0.3
"""How far a size "at" the threshold is from it, as a fraction: a step of the published widths, from
47 to 61, between which the published run has its peak and loses its last training errors."""

N_LABELS = 4000
"""Labels of the published training set: its share of wrong ones is of as many draws as ours."""

FIGURE = "Section 5.2, Figure 5"


def between(least: float, most: float, step: float) -> Similar:
    """Accept sizes between two published ones, give or take a step of our own sizes."""
    return Similar((most - least) / 2 + step, center=(least + most) / 2)


CLAIMS = (
    Claim(
        "label-noise",
        "15 % label noise: training labels that are wrong (%)",
        FIGURE,
        Equals(15, ACCURACY, n=N_LABELS, digits=0),
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
        "The test error peaks at about 50 hidden units, fitted to widths from 36 to 80: between 47 "
        f"and 61, as in the published run, give or take a step of {WIDTH_STEP} (units)",
        FIGURE,
        between(47, 61, WIDTH_STEP),
        geometric_mean("mlp-noise", fitted_peak),
    ),
    Claim(
        "threshold-mlp-noise",
        "The training error reaches zero at about 50 hidden units: smallest width without errors, "
        f"between 47 and 61, as in the published run, give or take a step of {WIDTH_STEP}",
        FIGURE,
        between(47, 61, WIDTH_STEP),
        threshold("mlp-noise"),
    ),
    Claim(
        "peak-at-threshold-mlp-noise",
        "The MLP's peak is where the training error reaches zero: width at the peak, fitted to "
        "widths from 36 to 80 / smallest width without training errors",
        FIGURE,
        Similar(AT_THRESHOLD, center=1),
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
        "Smallest width without training errors, MLP without label noise: between 36 and 47, as in "
        f"the published run, give or take a step of {WIDTH_STEP}",
        "Figure 5a",
        between(36, 47, WIDTH_STEP),
        threshold("mlp"),
    ),
    Claim(
        "rise-to-threshold-mlp-noise",
        "At the threshold the MLP errs more than before, with label noise: mean of 47 and 61 units "
        "minus mean of 16 and 21 (percentage points)",
        FIGURE,
        Positive(5.0),
        contrast("mlp-noise", (47, 61), (16, 21)),
    ),
    Claim(
        "fall-from-threshold-mlp-noise",
        "Beyond the threshold the MLP errs less again, with label noise: mean of 47 and 61 units "
        "minus the largest width (percentage points)",
        FIGURE,
        Positive(8.57),
        contrast("mlp-noise", (47, 61), (300,)),
    ),
    Claim(
        "runtime",
        "One run of all sizes takes 30 minutes at most "
        "(minutes on our machine, per run of those made together)",
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
        "rise-to-threshold-cnn-noise",
        "At the threshold the CNN errs more than before, with label noise: mean of 18 to 24 "
        "channels minus mean of 8 and 10 (percentage points)",
        "Figure 5c",
        Positive(11.62),
        contrast("cnn-noise", (18, 20, 22, 24), (8, 10)),
    ),
    Claim(
        "fall-from-threshold-cnn-noise",
        "Beyond the threshold the CNN errs less again, with label noise: mean of 18 to 24 channels "
        "minus the largest number (percentage points)",
        "Figure 5c",
        Positive(4.75),
        contrast("cnn-noise", (18, 20, 22, 24), (100,)),
    ),
    Claim(
        "peak-at-threshold-cnn-noise",
        "The CNN's peak is where its training error reaches zero: channels at the peak / smallest "
        "number without training errors",
        "Figure 5c",
        Similar(AT_THRESHOLD, center=1),
        peak_over_threshold("cnn-noise", lambda of: of.error_peak_size.to_numpy()),
    ),
    Claim(
        "threshold-cnn-noise",
        "Smallest number of channels without training errors, CNN with label noise: between 22 and "
        f"24, as in the published run, give or take a step of {CHANNEL_STEP}",
        "Figure 5c",
        between(22, 24, CHANNEL_STEP),
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
            f"{SERIES[series].title}: test error at the peak among the published sizes (%)",
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
