"""The experiment: settings, runs, claims and figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist1d.dataset import checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.units import Units
from mnist1d.experiments.double_descent.curves import (
    mean_difference,
    mean_level,
    mean_peak_over_threshold,
    mean_size,
    mean_threshold,
    measure_curves,
)
from mnist1d.experiments.double_descent.training import (
    PUBLISHED_DATA,
    Block,
    Schedule,
    SizeWork,
    Task,
    Unit,
    blocks,
    work_per_step,
)
from mnist1d.figures import style
from mnist1d.harness.claims import Claim, Equals, Positive
from mnist1d.harness.interface import Progress, Row, silent
from mnist1d.harness.settings import check_data
from mnist1d.measures.uncertainty import Estimate, interval
from mnist1d.training.supervised import DIVERGED as EXPLODED

NAME = "double-descent"
TITLE = "Deep double descent (Figure 5)"
VERSION = 1
PAPER_SEEDS = 1

WIDTHS = (2, 3, 4, 5, 7, 9, 12, 16, 21, 27, 36, 47, 61, 80, 104, 135, 177, 230, 300)
CHANNELS = (*range(2, 30, 2), *range(30, 101, 5))


class Series(NamedTuple):
    """One curve of Figure 5.

    Attributes:
        architecture: "MLP" or "CNN".
        noisy: whether it is trained on noisy labels.
        unit: what its size counts.
    """

    architecture: str
    noisy: bool
    unit: str

    @property
    def title(self) -> str:
        """The panel's title."""
        return f"{self.architecture}, {'label noise' if self.noisy else 'no label noise'}"


SERIES: Mapping[str, Series] = {
    "mlp": Series("MLP", noisy=False, unit="hidden units"),
    "mlp-noise": Series("MLP", noisy=True, unit="hidden units"),
    "cnn-noise": Series("CNN", noisy=True, unit="channels"),
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the double descent experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of runs per size and series, at least 1; run s draws from key s.
        widths: of the MLP's two hidden layers, rising, each from 1 to 10,000.
        channels: of the CNN, rising, each from 1 to 10,000.
        n_epochs: passes over the training set, at least 1.
        batch_size: samples per batch; divides the number of training samples.
        learning_rate: of gradient descent, above 0.
        momentum: at least 0 and below 1.
        data: the dataset; its label noise is that of the series with label noise. Claims belong to
            the published one.
    """

    seeds: int = 3
    widths: tuple[int, ...] = WIDTHS
    channels: tuple[int, ...] = CHANNELS
    n_epochs: int = 500
    batch_size: int = 100
    learning_rate: float = 0.01
    momentum: float = 0.9
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "n_epochs", "batch_size"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        check_data(self.data, ("channel_axis",), "models take rows of points")
        if self.data.n_train % self.batch_size:
            raise ValueError(f"batch_size must divide {self.data.n_train}, not {self.batch_size}")
        for field in ("widths", "channels"):
            sizes = checks.sequence(field, getattr(self, field), "a sequence of integers")
            if not sizes:
                raise ValueError(f"{field} must name at least one size, not {getattr(self, field)}")
            for size in sizes:
                checks.integer(field, size, 1, 10_000)
            if list(sizes) != sorted(set(sizes)):
                raise ValueError(f"{field} must rise, not {getattr(self, field)}")
        checks.positive("learning_rate", self.learning_rate)
        if not 0 <= checks.real("momentum", self.momentum) < 1:
            raise ValueError(f"momentum must be from 0 to below 1, not {self.momentum}")

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, widths=(8, 16, 40), channels=(4, 8, 12), n_epochs=25)

    @property
    def n_steps(self) -> int:
        """Number of updates per run."""
        return self.n_epochs * self.data.n_train // self.batch_size

    def sizes(self, architecture: str) -> tuple[int, ...]:
        """Sizes of "MLP" or "CNN"."""
        return self.widths if architecture == "MLP" else self.channels


def run(config: Config, *, progress: Progress = silent, units: Units | None = None) -> xr.Dataset:
    """Train a model of every size, series and seed; find thresholds and peaks.

    Args:
        config: the settings.
        progress: told what is going on, in GFLOP of work.
        units: where finished runs are kept; a run found there is not repeated.

    Returns: variables over the dimensions `series` (mlp, mlp-noise, cnn-noise), `rank` (of a size
        in its series) and `seed`; where a series has fewer sizes, `size` is 0 and the rest NaN:

        - `size`, `n_parameters` (series, rank);
        - `train_error`, `test_error` (fractions; of a run that diverged NaN), `train_loss`,
          `test_loss` (nats), `run_seconds`, `compile_seconds` (of all runs that were trained
          together), all (series, rank, seed); training errors are those on the labels trained on;
        - `diverged` (series, rank, seed): a loss was not finite or beyond `EXPLODED`;
        - `threshold`, `threshold_below` (series, seed): the smallest size whose training error is
          0 and the one before it; NaN if there is none;
        - `error_...` and `loss_...` (series, seed): `peak_size`, `peak`, `valley_size`, `valley`,
          `last`, of the test error (fraction) and the test loss (nats);
        - `n_wrong_labels`, `n_redrawn_labels`, `n_labels`: of the training labels with noise.
    """
    dataset = generate(config.data)
    schedule = Schedule(config.n_steps, config.batch_size, config.learning_rate, config.momentum)
    every_block = [
        block
        for architecture, noises in (("MLP", (False, True)), ("CNN", (True,)))
        for block in blocks(
            config.sizes(architecture), architecture, noises, TOGETHER_UP_TO[architecture]
        )
    ]
    result = _empty(config)
    work = {
        name: {
            size: config.n_steps * work_per_step(series.architecture, size, config.batch_size) / 1e9
            for size in config.sizes(series.architecture)
        }
        for name, series in SERIES.items()
    }
    done: dict[str, list[float]] = {name: [] for name in SERIES}

    def note(name: str) -> None:
        total = max(1, round(config.seeds * sum(work[name].values())))
        complete = len(done[name]) == config.seeds * len(work[name])
        # Nothing done would be shown as compilation.
        shown = min(max(1, round(sum(done[name]))), total) if done[name] else 0
        progress(f"{SERIES[name].title} (GFLOP)", total if complete else shown, total)

    def report(block: Block, unit: Unit, arrays: Mapping[str, np.ndarray]) -> None:
        name = next(
            name
            for name, series in SERIES.items()
            if (series.architecture, series.noisy) == (block.architecture, unit.noisy)
        )
        rank = config.sizes(block.architecture).index(unit.size)
        _enter(result, name, rank, unit.seed, arrays, (len(dataset.y), len(dataset.y_test)))
        done[name].append(work[name][unit.size])
        note(name)

    for name in SERIES:
        note(name)
    tasks = [Task(block, seed) for block in every_block for seed in range(config.seeds)]
    for (block, seed), result_of_block in (units or Units()).compute(
        tasks, SizeWork(schedule, config.data)
    ):
        for unit, arrays in zip(block.units(seed), result_of_block, strict=True):
            report(block, unit, arrays)
    wrong = int((dataset.y != dataset.y_clean).sum())
    return measure_curves(result).assign(
        n_wrong_labels=wrong,
        n_redrawn_labels=int(dataset.noise_mask.sum()),
        n_labels=len(dataset.y),
    )


TOGETHER_UP_TO: Mapping[str, int] = {"MLP": 16, "CNN": 6}
"""The largest size that shares its program with others: beyond, padding costs more than it saves.

On two cores of an AMD EPYC a step of the MLPs of 2 to 12 units takes 245 us as one program and 248
us as seven.
"""


def _empty(config: Config) -> xr.Dataset:
    """Make the result, its runs still to be entered."""
    sizes = [config.sizes(series.architecture) for series in SERIES.values()]
    n_ranks = max(map(len, sizes))
    runs = ("series", "rank", "seed")
    shape = (len(SERIES), n_ranks, config.seeds)
    numbers = ("train_error", "test_error", "train_loss", "test_loss")
    return xr.Dataset(
        {name: (runs, np.full(shape, np.nan)) for name in numbers}
        | {name: (runs, np.full(shape, np.nan)) for name in ("compile_seconds", "run_seconds")}
        | {
            "diverged": (runs, np.zeros(shape, dtype=bool)),
            "size": (runs[:2], np.array([[*s, *[0] * (n_ranks - len(s))] for s in sizes])),
            "n_parameters": (runs[:2], np.zeros(shape[:2], dtype=np.int64)),
        },
        coords={"series": list(SERIES), "seed": np.arange(config.seeds)},
    )


def _enter(
    result: xr.Dataset,
    name: str,
    rank: int,
    seed: int,
    arrays: Mapping[str, np.ndarray],
    n_samples: tuple[int, int],
) -> None:
    """Write what a run found into the result, `n_samples` being those of training and test set."""
    place = {"series": list(SERIES).index(name), "rank": rank, "seed": seed}
    losses = [float(arrays[f"{part}_loss"]) for part in ("train", "test")]
    diverged = not (np.array(losses) < EXPLODED).all()
    for part, loss, n in zip(("train", "test"), losses, n_samples, strict=True):
        result[f"{part}_loss"][place] = np.nan if diverged else loss
        result[f"{part}_error"][place] = np.nan if diverged else int(arrays[f"{part}_wrong"]) / n
    result["diverged"][place] = diverged
    result["n_parameters"][place["series"], rank] = int(arrays["n_parameters"])
    for times in ("compile_seconds", "run_seconds"):
        result[times][place] = float(arrays[times])


def _wrong_labels(result: xr.Dataset) -> Estimate:
    """Share of wrong labels in per cent: counted, so without uncertainty."""
    share = 100 * float(result.n_wrong_labels / result.n_labels)
    return Estimate(share, share, share, int(result.n_labels))


HEIGHT = ("error_peak", "error_valley")
DESCENT = ("error_peak", "error_last")
GAIN = ("error_valley", "error_last")
CHANCE = {"error": 2.0, "loss": 0.1}
"""How high a peak has to stand, in percentage points and in nats.

Each seed's peak is where its own curve stands highest, which is above zero by construction: curves
without a peak, with the runs' noise of a percentage point, give 1.6 points.
"""


def _differs(
    name: str,
    statement: str,
    source: str,
    published: float,
    series: str,
    measures: tuple[str, str],
    unit: float = 100.0,
) -> Claim:
    first, second = measures
    measure = partial(mean_difference, series=series, first=first, second=second, unit=unit)
    least = 0.0 if measures == GAIN else CHANCE["loss" if unit == 1 else "error"]
    return Claim(name, statement, source, Positive(published, least), measure)


CLAIMS = (
    Claim(
        "label-noise",
        "15 % label noise: training labels that are wrong (%), counted",
        "Section 5.2, Figure 5",
        Equals(15, 1),
        _wrong_labels,
    ),
    _differs(
        "peak-mlp-noise",
        "With label noise the test error of the MLP has a peak: "
        "height above the valley before it (percentage points)",
        "Section 5.2, Figure 5",
        6.81,
        "mlp-noise",
        HEIGHT,
    ),
    Claim(
        "peak-size-mlp-noise",
        "The test error peaks at about 50 hidden units",
        "Section 5.2, Figure 5",
        Equals(50, 15),
        partial(mean_size, series="mlp-noise", measure="error_peak_size"),
    ),
    Claim(
        "threshold-mlp-noise",
        "The training error reaches zero at about 50 hidden units: smallest width without errors",
        "Section 5.2, Figure 5",
        Equals(50, 15),
        partial(mean_threshold, series="mlp-noise"),
    ),
    Claim(
        "peak-at-threshold-mlp-noise",
        "The MLP's peak is where the training error reaches zero: width at the peak / smallest "
        "width without training errors",
        "Section 5.2, Figure 5",
        Equals(1, 0.4),
        partial(mean_peak_over_threshold, series="mlp-noise"),
    ),
    _differs(
        "descent-mlp-noise",
        "Beyond the peak the test error of the MLP falls: peak minus largest width "
        "(percentage points)",
        "Section 5.2, Figure 5",
        8.58,
        "mlp-noise",
        DESCENT,
    ),
    _differs(
        "second-valley-mlp-noise",
        "The widest MLP errs less than the one in the valley before the peak, with label noise "
        "(percentage points)",
        "Figure 5b",
        1.77,
        "mlp-noise",
        GAIN,
    ),
    Claim(
        "no-peak-mlp",
        "Without label noise the test error of the MLP has no peak: height (percentage points), "
        "less than 2 counting as none",
        "Figure 5a",
        Equals(0, 2),
        partial(mean_difference, series="mlp", first=HEIGHT[0], second=HEIGHT[1]),
    ),
    _differs(
        "loss-peak-mlp",
        "Without label noise the test loss of the MLP has a peak: height (nats)",
        "Runs of Figure 5a, printed",
        3.11,
        "mlp",
        ("loss_peak", "loss_valley"),
        1.0,
    ),
    Claim(
        "threshold-mlp",
        "Smallest width without training errors, MLP without label noise",
        "Figure 5a",
        Equals(47, 14),
        partial(mean_threshold, series="mlp"),
    ),
    _differs(
        "peak-cnn-noise",
        "With label noise the test error of the CNN has a peak: height (percentage points)",
        "Figure 5c",
        14.16,
        "cnn-noise",
        HEIGHT,
    ),
    Claim(
        "peak-at-threshold-cnn-noise",
        "The CNN's peak is where its training error reaches zero: channels at the peak / smallest "
        "number without training errors",
        "Figure 5c",
        Equals(1, 0.4),
        partial(mean_peak_over_threshold, series="cnn-noise"),
    ),
    Claim(
        "threshold-cnn-noise",
        "Smallest number of channels without training errors, CNN with label noise",
        "Figure 5c",
        Equals(24, 4),
        partial(mean_threshold, series="cnn-noise"),
    ),
    _differs(
        "descent-cnn-noise",
        "Beyond the peak the test error of the CNN falls: peak minus largest (percentage points)",
        "Figure 5c",
        6.14,
        "cnn-noise",
        DESCENT,
    ),
    *(
        Claim(
            f"last-error-{series}",
            f"{SERIES[series].title}: test error of the largest model (%)",
            f"Figure 5{letter}",
            Equals(published, 1.5),
            partial(mean_level, series=series, measure="error_last"),
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
            Equals(published, 1.5),
            partial(mean_level, series=series, measure="error_peak"),
        )
        for series, letter, published in (("mlp-noise", "b", 54.05), ("cnn-noise", "c", 33.80))
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of thresholds, valleys, peaks and largest models."""
    names = {claim.name for claim in CLAIMS}
    rows = []
    for name, series in SERIES.items():
        largest = float(result["size"].sel(series=name).max())
        rows += [
            Row(series.title, condition, estimates, claim if claim in names else None)
            for condition, estimates, claim in (
                (
                    f"threshold ({series.unit})",
                    {"size": mean_threshold(result, name)},
                    f"threshold-{name}",
                ),
                (
                    "last with training errors",
                    {"size": mean_size(result, name, "threshold_below")},
                    None,
                ),
                (
                    "valley before the peak",
                    {
                        "size": mean_size(result, name, "error_valley_size"),
                        "error (%)": mean_level(result, name, "error_valley"),
                    },
                    None,
                ),
                (
                    "peak",
                    {
                        "size": mean_size(result, name, "error_peak_size"),
                        "error (%)": mean_level(result, name, "error_peak"),
                    },
                    f"peak-error-{name}",
                ),
                (
                    f"largest ({largest:.0f})",
                    {"error (%)": mean_level(result, name, "error_last")},
                    f"last-error-{name}",
                ),
                (
                    "peak of the loss (nats)",
                    {
                        "size": mean_size(result, name, "loss_peak_size"),
                        "loss": mean_level(result, name, "loss_peak", 1.0),
                    },
                    None,
                ),
            )
        ]
    return rows


CAPTIONS = {
    "figure": "Figure 5: training and test error over model size; bands are 95 % intervals over "
    "seeds, the grey upright line the smallest size without training errors, the dotted line the "
    "share of labels drawn anew.",
    "figure-loss": "The losses of the same runs, which the paper's code prints and does not show.",
}


def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 5 ("figure") and the losses of the same runs ("figure-loss")."""
    return {
        "figure": _plot_panels(result, "error", 100.0, "Classification error (%)", (0, 70)),
        "figure-loss": _plot_panels(result, "loss", 1.0, "Cross-entropy (nats)", (0, None)),
    }


def _plot_panels(
    result: xr.Dataset,
    measure: str,
    unit: float,
    label: str,
    limits: tuple[float, float | None],
) -> Figure:
    """Draw the three series; the legend is in the last panel, where no curve is in its way."""
    figure = Figure(figsize=(3.25, 2))
    panels = figure.subplots(1, len(SERIES), sharey=True)
    for axes, (name, series), letter in zip(panels, SERIES.items(), "abc", strict=True):
        _plot_series(axes, result.sel(series=name), measure, unit)
        if series.noisy and measure == "error":
            axes.axhline(15, color="#aaaaaa", linestyle=":", zorder=1)
        axes.set(
            title=f"{series.architecture}\n{'Label' if series.noisy else 'No label'} noise",
            xlabel="Hidden layer size" if series.architecture == "MLP" else "Num. of channels",
            xlim=(0, 300) if series.architecture == "MLP" else (0, 100),
            xticks=[0, 100, 200, 300] if series.architecture == "MLP" else [0, 50, 100],
        )
        for spine in ("left", "bottom"):
            axes.spines[spine].set_position(("outward", 3))
        style.panel_letter(axes, letter)
    # After all curves, so that the shared axis holds the highest.
    panels[0].set(ylabel=label, ylim=limits)
    panels[-1].legend(
        loc="upper right",
        bbox_to_anchor=(1.15, 1),
        borderaxespad=0,
        handlelength=0.8,
        handletextpad=0.4,
        labelspacing=0.2,
    )
    return figure


def _plot_series(axes: Axes, one: xr.Dataset, measure: str, unit: float) -> None:
    one = one.isel(rank=(one["size"] > 0).to_numpy())
    for part, colour, line, height in (
        ("test", "tab:blue", "-", 3),
        ("train", "tab:orange", "--", 2),
    ):
        mean, low, high = interval(
            unit * one[f"{part}_{measure}"].transpose("seed", "rank").to_numpy()
        )
        style.line_with_interval(
            axes,
            one["size"],
            mean,
            np.maximum(low, 0),
            high,
            color=colour,
            linestyle=line,
            label=part.capitalize(),
            zorder=height,
        )
    thresholds = one.threshold.to_numpy()
    if np.isfinite(thresholds).any():
        axes.axvline(
            float(np.exp(np.nanmean(np.log(thresholds)))),
            color="#dddddd",
            label="Threshold",
            zorder=0.5,
        )
