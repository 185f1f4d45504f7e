"""The experiment: settings, runs, claims and figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.ndimage import gaussian_filter1d

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.store import Units
from mnist1d.experiments.pooling.training import Run, Schedule, VariantWork
from mnist1d.figures import style
from mnist1d.harness.claims import Claim, Equals, Positive
from mnist1d.harness.interface import Progress, Row, is_other_data, silent
from mnist1d.harness.settings import PUBLISHED_DATA, check_data
from mnist1d.measures.uncertainty import Estimate, estimate, interval, paired_difference
from mnist1d.models.pooling_cnn import POOLS, VARIANTS

NAME = "pooling"
TITLE = "Pooling (Figure 9)"
VERSION = 1
PAPER_SEEDS = 1

SIZES = (1000, 2000, 5000, 10_000, 20_000, 50_000)
LATE_STEPS = 1000
SET_BY_TRIAL = (
    "num_samples",
    "train_split",
    "train",
    "validation",
    "test",
    "seed",
    "shifted_tests",
    "channel_axis",
)
"""Parameters of a dataset that sizes and trials decide, or that networks do not take."""

PUBLISHED: Mapping[int, Mapping[str, float]] = {
    size: dict(zip(VARIANTS, values, strict=True))
    for size, values in {
        1000: (59.2, 57.4, 78.2, 78.0, 77.2),
        2000: (82.0, 81.7, 89.2, 90.0, 89.9),
        5000: (91.9, 89.9, 94.5, 94.0, 95.3),
        10_000: (94.3, 91.3, 97.0, 96.0, 96.6),
        20_000: (94.4, 92.2, 96.8, 96.2, 97.8),
        50_000: (96.3, 95.4, 98.1, 97.3, 97.1),
    }.items()
}
"""Test accuracy in per cent after the last step: size -> variant -> value. PAPER section 8.3."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the pooling experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of trials, at least 1; trial s has data of seed 42 + s and weights of seed s.
        sizes: training samples of sets from the published stream, rising, each a multiple of
            `batch_size` up to 1,000,000.
        stream_sizes: of further, larger sets, from the native stream; may be none.
        n_steps: updates per network, at least 1 (the paper's steps 0 to 6000).
        batch_size: samples per batch, 1 to 1,000,000.
        learning_rate: of Adam, above 0.
        evaluate_every: steps between evaluations, at least 1.
        data: what the samples are, but for sizes and seeds; claims belong to the published ones.
    """

    seeds: int = 5
    sizes: tuple[int, ...] = SIZES
    stream_sizes: tuple[int, ...] = (100_000, 200_000, 600_100)
    n_steps: int = 6001
    batch_size: int = 100
    learning_rate: float = 0.01
    evaluate_every: int = 100
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "n_steps", "batch_size", "evaluate_every"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        for field in ("sizes", "stream_sizes"):
            for size in checks.sequence(field, getattr(self, field), "a sequence of integers"):
                checks.integer(field, size, 1, 10**6)
                if size % self.batch_size:
                    raise ValueError(
                        f"{field} must be multiples of batch_size, {self.batch_size}, not {size}"
                    )
        if not self.sizes:
            raise ValueError("sizes must name at least one size, not ()")
        if list(self.all_sizes) != sorted(set(self.all_sizes)):
            raise ValueError(f"sizes, then stream_sizes, must rise, not {self.all_sizes}")
        checks.positive("learning_rate", self.learning_rate)
        check_data(self.data, SET_BY_TRIAL, "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, stream_sizes=(60_000,), n_steps=101)

    @property
    def all_sizes(self) -> tuple[int, ...]:
        """Sizes of either kind of set."""
        return (*self.sizes, *self.stream_sizes)

    @property
    def evaluation_steps(self) -> np.ndarray:
        """Steps after which the networks are evaluated."""
        return self.schedule.training().evaluation_steps

    @property
    def schedule(self) -> Schedule:
        """How a network is trained."""
        return Schedule(self.n_steps, self.batch_size, self.learning_rate, self.evaluate_every)


def run(config: Config, *, progress: Progress = silent, units: Units | None = None) -> xr.Dataset:
    """Train every variant on every set.

    Args:
        config: the settings.
        progress: told what is going on, in networks.
        units: where finished networks are kept; one found there is not trained again.

    Returns: variables over the dimensions `variant`, `n_samples` (of the training set), `seed` and
        `step` (of evaluations); of a run that diverged NaN:

        - `test_accuracy` (fraction), `test_loss` (nats), both (variant, n_samples, seed, step);
        - `train_accuracy` (variant, n_samples, seed): after the last step, on up to 50,000 samples;
        - `diverged`, `run_seconds`, `compile_seconds` (variant, n_samples, seed);
        - `n_parameters` (variant);
        - `streamed` (n_samples): whether the set is from the native stream.
    """
    work = VariantWork(
        config.schedule, tuple(config.sizes), tuple(config.stream_sizes), config.data
    )
    result = _empty(config)
    done = dict.fromkeys(VARIANTS, 0)
    n_sizes = len(config.all_sizes)
    for variant in VARIANTS:
        progress(f"{variant} (networks)", 0, config.seeds * n_sizes)
    runs = [
        Run(variant, size, trial)
        for trial in range(config.seeds)
        for variant in VARIANTS
        for size in config.all_sizes
    ]
    for each, (arrays,) in (units or Units()).compute(runs, work):
        _enter(result, each, arrays)
        done[each.variant] += 1
        progress(f"{each.variant} (networks)", done[each.variant], config.seeds * n_sizes)
    return result


def _empty(config: Config) -> xr.Dataset:
    """Make the result, its runs still to be entered."""
    runs = ("variant", "n_samples", "seed")
    shape = (len(VARIANTS), len(config.all_sizes), config.seeds)
    steps = config.evaluation_steps
    curves = ("test_accuracy", "test_loss")
    numbers = ("train_accuracy", "run_seconds", "compile_seconds")
    return xr.Dataset(
        {name: ((*runs, "step"), np.full((*shape, len(steps)), np.nan)) for name in curves}
        | {name: (runs, np.full(shape, np.nan)) for name in numbers}
        | {
            "diverged": (runs, np.zeros(shape, dtype=bool)),
            "n_parameters": ("variant", np.zeros(len(VARIANTS), dtype=np.int64)),
            "streamed": ("n_samples", np.isin(config.all_sizes, config.stream_sizes)),
        },
        coords={
            "variant": list(VARIANTS),
            "n_samples": list(config.all_sizes),
            "seed": np.arange(config.seeds),
            "step": steps,
        },
    )


def _enter(result: xr.Dataset, run: Run, arrays: Mapping[str, np.ndarray]) -> None:
    """Write what a run found into the result."""
    place = {"variant": run.variant, "n_samples": run.size, "seed": run.trial}
    diverged = bool(arrays["diverged"])
    for name in ("test_accuracy", "test_loss", "train_accuracy"):
        result[name].loc[place] = np.nan if diverged else arrays[name]
    for name in ("diverged", "run_seconds", "compile_seconds"):
        result[name].loc[place] = arrays[name]
    result["n_parameters"].loc[{"variant": run.variant}] = int(arrays["n_parameters"])


NOTHING = Estimate(np.nan, np.nan, np.nan, 0)
"""What is known of sizes that were left out."""


def _late(result: xr.Dataset) -> xr.DataArray:
    """Mean test accuracy over the evaluations of the last steps."""
    return result.test_accuracy.where(result.step >= result.step[-1] - LATE_STEPS, drop=True).mean(
        "step", skipna=False
    )


def _per_seed(
    result: xr.Dataset, variants: str | Sequence[str], size: int, *, late: bool = False
) -> np.ndarray:
    """Test accuracy in per cent, shape (seeds,), the mean of variants if there are several."""
    accuracy = _late(result) if late else result.test_accuracy.isel(step=-1)
    chosen = accuracy.sel(variant=np.atleast_1d(np.array(variants)), n_samples=size)
    # Stored as float32, so rounding keeps whole numbers of samples.
    return 100 * chosen.mean("variant", skipna=False).to_numpy().astype(float).round(6)


def _mean(result: xr.Dataset, variant: str, size: int) -> Estimate:
    if size not in result.n_samples:
        return NOTHING
    found = estimate(_per_seed(result, variant, size))
    # Student's interval knows nothing of the ends of the scale.
    return found._replace(low=np.maximum(found.low, 0.0), high=np.minimum(found.high, 100.0))


def mean_difference(
    result: xr.Dataset,
    first: str | Sequence[str],
    second: str | Sequence[str],
    size: int,
    *,
    late: bool = False,
) -> Estimate:
    """Estimate how much higher the test accuracy of a variant is than another's, paired by trial.

    Args:
        result: what `run` returned.
        first: the variant, or several, whose mean is taken.
        second: the variant, or several, to compare with.
        size: number of training samples; if it is not in the result, the estimate is empty.
        late: whether the mean over the last 1,000 steps is taken, not the last evaluation.

    Returns: in percentage points.
    """
    if size not in result.n_samples:
        return NOTHING
    return paired_difference(
        _per_seed(result, first, size, late=late), _per_seed(result, second, size, late=late)
    )


def _shrinkage(result: xr.Dataset, little: int, much: int) -> Estimate:
    """Gain of pooling with little data minus that with much, paired by trial."""
    if not {little, much} <= set(result.n_samples.to_numpy().tolist()):
        return NOTHING
    gains = [
        _per_seed(result, list(POOLS), size) - _per_seed(result, "no_pool", size)
        for size in (little, much)
    ]
    return paired_difference(*gains)


def tolerance(accuracy: float, n_samples: int = 1000) -> float:
    """Two standard errors of an accuracy in per cent, to 0.1.

    >>> tolerance(59.2), tolerance(98.1)
    (3.1, 0.9)
    """
    return round(2 * math.sqrt(accuracy * (100 - accuracy) / n_samples), 1)


def _published_gain(size: int, variants: Sequence[str] = tuple(POOLS)) -> float:
    published = PUBLISHED[size]
    mean = sum(published[variant] for variant in variants) / len(variants)
    return round(mean - published["no_pool"], 2)


CLAIMS = (
    *(
        Claim(
            f"gain-1000-{variant}",
            f"With 1,000 samples {variant} gains on no_pool (percentage points)",
            "Section 5.6, Figure 9",
            Positive(_published_gain(1000, [variant])),
            partial(mean_difference, first=variant, second="no_pool", size=1000),
        )
        for variant in POOLS
    ),
    Claim(
        "gain-1000",
        "With 1,000 samples pooling is very effective: gain on no_pool, mean of the three kinds "
        "(percentage points)",
        "Section 5.6, Figure 9",
        Equals(_published_gain(1000), round(math.hypot(tolerance(59.2), tolerance(77.8)), 1)),
        partial(mean_difference, first=list(POOLS), second="no_pool", size=1000),
    ),
    Claim(
        "striding-1000",
        "With 1,000 samples striding does not help: no_pool minus stride_2 (percentage points)",
        "Section 5.6, Figure 9",
        Positive(-_published_gain(1000, ["stride_2"])),
        partial(mean_difference, first="no_pool", second="stride_2", size=1000),
    ),
    Claim(
        "pooling-not-striding-1000",
        "With 1,000 samples pooling, mean of the three kinds, gains on striding, which has as few "
        "parameters (percentage points)",
        "Section 5.6, Figure 9",
        Positive(round(_published_gain(1000) - _published_gain(1000, ["stride_2"]), 2)),
        partial(mean_difference, first=list(POOLS), second="stride_2", size=1000),
    ),
    Claim(
        "gain-shrinks",
        "The gain of pooling shrinks with more data: with 1,000 minus with 50,000 samples "
        "(percentage points)",
        "Section 5.6, Figure 9",
        Positive(round(_published_gain(1000) - _published_gain(50_000), 2)),
        partial(_shrinkage, little=1000, much=50_000),
    ),
    Claim(
        "little-difference-50000",
        "With 50,000 samples pooling makes little difference: gain on no_pool, mean of the three "
        "kinds (percentage points), less than 2 counting as little",
        "Section 5.6, Figure 9",
        Equals(0, 2),
        partial(mean_difference, first=list(POOLS), second="no_pool", size=50_000),
    ),
    Claim(
        "hindered-50000",
        "With 50,000 samples pooling hinders: no_pool minus the mean of the three kinds "
        "(percentage points)",
        "Figure 9, caption",
        Positive(),
        partial(mean_difference, first="no_pool", second=list(POOLS), size=50_000),
    ),
    *(
        Claim(
            f"accuracy-{size}-{variant}",
            f"Test accuracy of {variant} with {size:,} samples (%)",
            "Runs of Figure 9, printed",
            Equals(value, tolerance(value)),
            partial(_mean, variant=variant, size=size),
        )
        for size, values in PUBLISHED.items()
        for variant, value in values.items()
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all variants by size: accuracies, and gains on no_pool."""
    claims = {claim.name for claim in CLAIMS}
    rows = []
    for size in result.n_samples.to_numpy().tolist():
        for variant in VARIANTS:
            name = f"accuracy-{size}-{variant}"
            columns = {"test (%)": _mean(result, variant, size)}
            if variant != "no_pool":
                for column, late in (("gain", False), ("late gain", True)):
                    columns[column] = mean_difference(result, variant, "no_pool", size, late=late)
            rows.append(Row(f"n = {size:,}", variant, columns, name if name in claims else None))
    return rows


LINES: Mapping[str, Mapping[str, Any]] = {
    "no_pool": {"color": "black"},
    "stride_2": {"color": "black", "linestyle": "--"},
    "max_pool": {"color": "tab:red"},
    "avg_pool": {"color": "tab:green"},
    "l2_pool": {"color": "tab:blue"},
}
LIMITS = {1000: (30, 85), 2000: (70, 92), 5000: (80, 100)}
"""What the published panels show; 90 to 100 for all others."""


CAPTIONS = {
    "figure": "Figure 9: test accuracy during training on 1,000, 5,000 and 50,000 samples; bands "
    "are 95 % intervals over trials.",
    "figure-sizes": "The same for all published sizes.",
    "figure-gain": "Gain of pooling and of striding on the network without either, paired by "
    "trial; right of the dotted line, beyond the paper, sets from the native stream.",
}


def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 9 ("figure"), all published sizes ("figure-sizes"), and gains ("figure-gain")."""
    sizes = result.n_samples[~result.streamed].to_numpy().tolist()
    shown = [size for size in (1000, 5000, 50_000) if size in sizes] or sizes[:3]
    figures = {"figure": _plot_curves(result, shown, (6.75, 1.8), n_rows=1)}
    if len(sizes) > len(shown):
        figures["figure-sizes"] = _plot_curves(result, sizes, (6.75, 3.5), n_rows=2)
    return figures | {"figure-gain": _plot_gains(result)}


def _plot_curves(
    result: xr.Dataset, sizes: Sequence[int], figsize: tuple[float, float], *, n_rows: int
) -> Figure:
    figure = Figure(figsize=figsize)
    panels = figure.subplots(n_rows, math.ceil(len(sizes) / n_rows), squeeze=False)
    for axes, size in zip(panels.flat, sizes, strict=False):
        for variant in VARIANTS:
            curves = 100 * result.test_accuracy.sel(variant=variant, n_samples=size).to_numpy()
            mean, low, high = interval(gaussian_filter1d(curves, 1))
            style.line_with_interval(
                axes,
                result.step,
                mean,
                np.maximum(low, 0),
                np.minimum(high, 100),
                label=variant,
                **LINES[variant],
            )
        limits = (0, 100) if is_other_data(result) else LIMITS.get(size, (90, 100))
        axes.set(title=f"{size:,} examples", xlim=(0, None), ylim=limits)
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    for axes in panels.flat[len(sizes) :]:
        axes.set_axis_off()
    panels[-1, 0].set(xlabel="Train step")
    for axes in panels[:, 0]:
        axes.set(ylabel="Test accuracy (%)")
    panels[0, 0].legend(ncols=2, loc="lower right", columnspacing=1, handlelength=1.5)
    return figure


def _plot_gains(result: xr.Dataset) -> Figure:
    """Draw gains on no_pool over the number of samples, published ones as crosses."""
    figure = Figure(figsize=(6.75, 2.2))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, late, letter in zip(panels, (False, True), "ab", strict=True):
        _plot_gain(axes, result, late=late)
        style.panel_letter(axes, letter)
    for variant in () if is_other_data(result) else VARIANTS[1:]:
        sizes = [size for size in PUBLISHED if size in result.n_samples]
        published = [_published_gain(size, [variant]) for size in sizes]
        panels[0].plot(sizes, published, "x", color=LINES[variant]["color"], markersize=3)
    if not is_other_data(result):
        panels[0].plot([], [], "x", color="0.5", markersize=3, label="published runs")
    panels[0].set(ylabel="Gain on no_pool (points)", title="After the last step")
    panels[1].set(title=f"Mean of the last {LATE_STEPS:,} steps")
    panels[1].legend(
        *panels[0].get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.2, 1)
    )
    return figure


def _plot_gain(axes: Axes, result: xr.Dataset, *, late: bool) -> None:
    sizes = result.n_samples.to_numpy().tolist()
    for variant in VARIANTS[1:]:
        gains = [mean_difference(result, variant, "no_pool", size, late=late) for size in sizes]
        style.line_with_interval(
            axes,
            sizes,
            *([gain[part] for gain in gains] for part in range(3)),
            marker=".",
            label=variant,
            **LINES[variant],
        )
    axes.axhline(0, color="#aaaaaa", linewidth=0.5, zorder=0.5)
    if result.streamed.any():
        between = math.sqrt(
            result.n_samples[~result.streamed].max() * result.n_samples[result.streamed].min()
        )
        axes.axvline(between, color="#aaaaaa", linestyle=":", zorder=0.5)
        axes.text(
            between,
            0.98,
            " beyond the paper",
            transform=axes.get_xaxis_transform(),
            color="0.4",
            va="top",
        )
    axes.set(xscale="log", xlabel="Training samples")
