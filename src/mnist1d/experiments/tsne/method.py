"""The experiment: settings, runs, claims and figures."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from threading import Event, Lock
from typing import NamedTuple, Self

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from mnist1d.dataset import checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.extras import required
from mnist1d.execution.units import Units
from mnist1d.experiments.tsne.embedding import STEPS_PER_LOG, Method, embed
from mnist1d.figures import style
from mnist1d.harness.claims import AtLeast, Claim, Equals, Positive
from mnist1d.harness.interface import InputError, Progress, Row, silent
from mnist1d.harness.settings import PUBLISHED_DATA, check_data, with_data
from mnist1d.measures.uncertainty import Estimate, estimate, interval, paired_difference
from mnist1d.mnist import load_mnist, mnist_folder

NAME = "tsne"
TITLE = "t-SNE of MNIST and MNIST-1D (Figure 3)"
VERSION = 1
PAPER_SEEDS = 1
USES_JAX = False

PREFIX = {"MNIST": "mnist_", "MNIST-1D": ""}
"""Of the variables of a data set in the result."""
HAS_MNIST = "mnist_accuracy"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the t-SNE experiment; the defaults are the paper's, but for the seeds.

    Attributes:
        seeds: number of embeddings of MNIST-1D, at least 1; run s draws from seed s.
        mnist_seeds: number of embeddings of MNIST, at least 1; no more than `seeds` are made.
        samples: of MNIST-1D, the first of training and test set together, 100 to all of them.
        mnist_samples: of MNIST likewise, 100 to 70,000.
        perplexity: at least 4, so that ten neighbours are known, and less than a third of the
            number of samples.
        early_exaggeration: at least 1.
        early_iterations: iterations with exaggeration, a multiple of 50, at least 50.
        iterations: iterations without, a multiple of 50, at least 50.
        mnist: folder with MNIST's four files; None for the environment variable MNIST1D_MNIST.
            Without either, MNIST is left out.
        download_mnist: whether to fetch what is missing of MNIST from a public mirror.
        data: the dataset in place of MNIST-1D, with ten classes; claims belong to the published
            one.
    """

    seeds: int = 3
    mnist_seeds: int = 5
    samples: int = 5000
    mnist_samples: int = 70_000
    perplexity: float = 30.0
    early_exaggeration: float = 12.0
    early_iterations: int = 250
    iterations: int = 500
    mnist: str | Path | None = None
    download_mnist: bool = False
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "mnist_seeds"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        check_data(self.data, ("channel_axis", "templates", "classes"), "ten digits are compared")
        most = self.data.n_train + self.data.n_test
        checks.integer("samples", self.samples, 100, most)
        checks.integer("mnist_samples", self.mnist_samples, 100, 70_000)
        least = min(self.samples, self.mnist_samples)
        if not 4 <= checks.real("perplexity", self.perplexity) < least / 3:
            raise ValueError(
                f"perplexity must be at least 4 and below {least / 3:g}, a third of the number of "
                f"samples, not {self.perplexity}"
            )
        if checks.real("early_exaggeration", self.early_exaggeration) < 1:
            raise ValueError(
                f"early_exaggeration must be at least 1, not {self.early_exaggeration}"
            )
        for field in ("early_iterations", "iterations"):
            if checks.integer(field, getattr(self, field), STEPS_PER_LOG, 10**6) % STEPS_PER_LOG:
                raise ValueError(
                    f"{field} must be a multiple of {STEPS_PER_LOG}, not {getattr(self, field)}"
                )
        if not isinstance(self.mnist, str | Path | None):
            raise TypeError(f"mnist must be a path or None, not {self.mnist!r}")
        checks.truth("download_mnist", self.download_mnist)

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, samples=1000, mnist_samples=2000, early_iterations=100, iterations=150)

    @property
    def method(self) -> Method:
        """How every embedding is made."""
        return Method(
            float(self.perplexity),
            float(self.early_exaggeration),
            self.early_iterations,
            self.iterations,
        )


class _Job(NamedTuple):
    """An embedding to be made."""

    data: str
    seed: int


def run(config: Config, *, progress: Progress = silent, units: Units | None = None) -> xr.Dataset:
    """Embed MNIST-1D and, where its files are, MNIST, from several seeds.

    Args:
        config: the settings.
        progress: told what is going on.
        units: keeps every finished embedding.

    Raises:
        InputError: if openTSNE is not installed, or MNIST's folder is given and its files cannot
            be read.
        OSError: if a finished unit cannot be stored.

    Returns: of MNIST-1D, over the dimensions `seed`, `digit` and `iteration` (both phases, every
        50):

        - `embedding` (sample, axis) and `label` (sample): of seed 0;
        - `divergence` (seed, iteration): Kullback-Leibler divergence in nats;
        - `pixel_accuracy`, `accuracy` (seed): of ten nearest neighbours, in pixel space and in the
          embedding (fractions); `pixel_silhouette`, `silhouette` (seed), -1 to 1;
        - `pixel_purity`, `purity`, `islanders` (seed, digit; fractions);
        - `recall` (seed): share of the neighbours that were found;
        - `neighbour_seconds`, `optimisation_seconds` (seed), while others may have been at work.

        `neighbour_embedding.embed` says more. With MNIST the same, prefixed `mnist_`; so are the
        dimensions `seed` and `sample`.
    """
    units = units or Units()
    try:
        required("openTSNE", extra="lab")
    except ModuleNotFoundError as error:
        raise InputError(str(error)) from error
    points = _points(config, progress)
    jobs = [
        _Job(data, seed)
        for data in points
        for seed in range(config.seeds if data == "MNIST-1D" else _n_mnist_seeds(config))
    ]
    finished = _finish(jobs, points, config, progress, units)
    parts = [
        _labelled(data, [finished[job] for job in jobs if job.data == data], labels, config)
        for data, (_, labels) in points.items()
    ]
    return xr.merge(parts).assign_attrs(opentsne=metadata.version("openTSNE"))


def _n_mnist_seeds(config: Config) -> int:
    return min(config.seeds, config.mnist_seeds)


def _points(config: Config, progress: Progress) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return raw points and labels; MNIST comes first, as what takes longest has to start first."""
    points = {}
    if mnist_folder(config.mnist) is None and not config.download_mnist:
        progress("MNIST is left out: name a folder with its files (--mnist DIR)", 0, 0)
    else:
        try:
            files = load_mnist(config.mnist, download=config.download_mnist, progress=progress)
        except (OSError, ValueError) as error:
            raise InputError(f"MNIST cannot be read: {error}") from error
        images = np.concatenate([files.x, files.x_test])[: config.mnist_samples]
        labels = np.concatenate([files.y, files.y_test])[: config.mnist_samples]
        points["MNIST"] = images.reshape(len(images), -1), labels
    dataset = generate(config.data)
    points["MNIST-1D"] = (
        np.concatenate([dataset.x, dataset.x_test])[: config.samples],
        np.concatenate([dataset.y, dataset.y_test])[: config.samples],
    )
    return points


def _finish(
    jobs: list[_Job],
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    config: Config,
    progress: Progress,
    units: Units,
) -> dict[_Job, dict[str, np.ndarray]]:
    """Find or make every embedding, as many at a time as there are cores."""
    finished, keys = {}, {job: _unit_key(job, config, len(points[job.data][0])) for job in jobs}
    for job in jobs:
        found = units.load(**keys[job])
        if found is not None:
            finished[job] = found
    bars = _Bars(jobs, points, config, progress)
    for job in finished:
        bars.fill(job)
    n_cores = _count_cores()
    stop = Event()

    def make(job: _Job) -> dict[str, np.ndarray]:
        x, labels = points[job.data]
        return embed(
            x,
            labels,
            config.method,
            seed=job.seed,
            n_threads=n_cores,
            report=partial(bars.add, job.data),
            should_stop=stop.is_set,
        )

    with ThreadPoolExecutor(n_cores) as pool:
        running = {pool.submit(make, job): job for job in jobs if job not in finished}
        try:
            for done in as_completed(running):
                job = running[done]
                finished[job] = done.result()
                units.save(finished[job], **keys[job])
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return finished


class _Bars:
    """How far all embeddings of a data set are, told by several threads."""

    def __init__(
        self,
        jobs: list[_Job],
        points: Mapping[str, tuple[np.ndarray, np.ndarray]],
        config: Config,
        progress: Progress,
    ) -> None:
        iterations = config.early_iterations + config.iterations
        self._work = {
            data: {"neighbours": len(x), "iterations": iterations}
            for data, (x, _) in points.items()
        }
        self._n_jobs = {data: sum(job.data == data for job in jobs) for data in points}
        self._done = {(data, what): 0 for data, work in self._work.items() for what in work}
        self._progress, self._lock = progress, Lock()

    def add(self, data: str, what: str, n: int) -> None:
        """Note that `n` more of `what` are done."""
        with self._lock:
            self._done[data, what] += n
            total = self._n_jobs[data] * self._work[data][what]
            self._progress(f"{data}, {what}", self._done[data, what], total)

    def fill(self, job: _Job) -> None:
        """Note that an embedding was finished before."""
        for what, n in self._work[job.data].items():
            self.add(job.data, what, n)


def _unit_key(job: _Job, config: Config, n_samples: int) -> dict[str, object]:
    """Return what determines an embedding."""
    key = {
        **job._asdict(),
        **vars(config.method),
        "samples": n_samples,
        "opentsne": metadata.version("openTSNE"),
    }
    return with_data(key, config.data) if job.data == "MNIST-1D" else key


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _labelled(
    data: str, runs: list[dict[str, np.ndarray]], labels: np.ndarray, config: Config
) -> xr.Dataset:
    """Name the dimensions of the runs of a data set."""
    prefix = PREFIX[data]
    own = {"seed": f"{prefix}seed", "sample": f"{prefix}sample"}
    dims = dict.fromkeys(("pixel_purity", "purity", "islanders"), ("digit",))
    dims |= {"divergence": ("iteration",)}
    variables = {
        f"{prefix}{name}": (
            (own["seed"], *dims.get(name, ())),
            np.stack([one[name] for one in runs]),
        )
        for name in runs[0]
        if name != "embedding"
    }
    variables[f"{prefix}embedding"] = ((own["sample"], "axis"), runs[0]["embedding"])
    last = config.early_iterations + config.iterations
    return xr.Dataset(
        variables,
        coords={
            own["seed"]: np.arange(len(runs)),
            "digit": np.arange(10),
            "iteration": np.arange(STEPS_PER_LOG, last + 1, STEPS_PER_LOG),
            f"{prefix}label": (own["sample"], labels.astype(np.uint8)),
        },
    )


def _per_seed(result: xr.Dataset, data: str, measure: str) -> np.ndarray:
    """A measure with the seeds first, in per cent, but for the divergence."""
    unit = 1 if measure == "divergence" else 100
    return unit * result[f"{PREFIX[data]}{measure}"].to_numpy().astype(float).round(6)


def _estimate_within(values: np.ndarray, least: float, most: float) -> Estimate:
    """Estimate a mean on a scale with ends, of which Student's interval knows nothing."""
    found = estimate(values)
    return found._replace(low=np.maximum(found.low, least), high=np.minimum(found.high, most))


def _mean(result: xr.Dataset, data: str, measure: str) -> Estimate:
    return _estimate_within(_per_seed(result, data, measure), -100, 100)


def _mean_of_digit(result: xr.Dataset, digit: int, data: str, measure: str) -> Estimate:
    return _estimate_within(_per_seed(result, data, measure)[:, digit], 0, 100)


def _more_on_mnist(result: xr.Dataset, measure: str) -> Estimate:
    """MNIST minus MNIST-1D, paired by seed as far as both have it."""
    mnist, mnist_1d = (_per_seed(result, data, measure) for data in PREFIX)
    return paired_difference(mnist, mnist_1d[: len(mnist)])


def _digits_with_islands(result: xr.Dataset, data: str) -> np.ndarray:
    """Count the digits more than half of whose points lie in islands, shape (seeds,)."""
    return (_per_seed(result, data, "islanders") > 50).sum(axis=1)


def _with_islands(result: xr.Dataset, data: str) -> Estimate:
    return _estimate_within(_digits_with_islands(result, data), 0, 10)


def _without_islands(result: xr.Dataset, data: str) -> Estimate:
    return _estimate_within(10 - _digits_with_islands(result, data), 0, 10)


def _ahead(result: xr.Dataset, digits: tuple[int, ...], behind: tuple[int, ...]) -> Estimate:
    """Least share of islanders of some digits of MNIST-1D minus the most of others."""
    islanders = _per_seed(result, "MNIST-1D", "islanders")
    return paired_difference(
        islanders[:, list(digits)].min(axis=1), islanders[:, list(behind)].max(axis=1)
    )


def _divergence(result: xr.Dataset, data: str, iteration: int) -> Estimate:
    """Divergence after an iteration in per cent of the published one."""
    # The nearest one in a run that is shorter than the paper's.
    place = abs(result.iteration.to_numpy() - iteration).argmin()
    return estimate(
        100 * _per_seed(result, data, "divergence")[:, place] / PUBLISHED[data][iteration]
    )


PUBLISHED: Mapping[str, Mapping[int, float]] = {
    "MNIST": {
        **dict(zip(range(50, 251, 50), (5.9916, 5.8277, 5.7787, 5.7614, 5.7526), strict=True)),
        **dict(
            zip(
                range(300, 751, 50),
                (3.5778, 3.3168, 3.1843, 3.0980, 3.0353, 2.9869, 2.9478, 2.9154, 2.8876, 2.8642),
                strict=True,
            )
        ),
    },
    "MNIST-1D": {
        **dict(zip(range(50, 251, 50), (4.8808, 4.8335, 4.8343, 4.8343, 4.8344), strict=True)),
        **dict(
            zip(
                range(300, 751, 50),
                (2.9251, 2.7425, 2.6568, 2.6090, 2.5808, 2.5634, 2.5512, 2.5415, 2.5338, 2.5276),
                strict=True,
            )
        ),
    },
}
"""Kullback-Leibler divergence in nats after so many iterations of both phases, printed."""

ISLANDS = "more than half of whose points have at least 9 of their 10 nearest neighbours in the "
ISLANDS += "embedding from their own digit"

CLAIMS = (
    Claim(
        "islands-mnist",
        f"MNIST separates into ten islands: digits {ISLANDS}",
        "Figure 3a",
        AtLeast(10),
        partial(_with_islands, data="MNIST"),
        needs=HAS_MNIST,
    ),
    Claim(
        "no-islands-mnist1d",
        f"MNIST-1D does not, but for digits 0, 6 and 3: digits other than those {ISLANDS}",
        "Figure 3b",
        AtLeast(7),
        partial(_without_islands, data="MNIST-1D"),
    ),
    *(
        Claim(
            f"more-{name}-on-mnist",
            f"{what} is higher on MNIST than on MNIST-1D ({unit})",
            "Figure 3",
            Positive(),
            partial(_more_on_mnist, measure=measure),
            needs=HAS_MNIST,
        )
        for name, what, unit, measure in (
            (
                "separable-pixels",
                "Accuracy of ten nearest neighbours in pixel space",
                "percentage points",
                "pixel_accuracy",
            ),
            (
                "separable-embedding",
                "Accuracy of ten nearest neighbours in the embedding",
                "percentage points",
                "accuracy",
            ),
            (
                "compact-embedding",
                "Silhouette of the digits in the embedding",
                "hundredths",
                "silhouette",
            ),
        )
    ),
    Claim(
        "islands-digit-0",
        "On MNIST-1D digit 0 has the largest share of points in islands: "
        "digit 0 minus the next (percentage points)",
        "Figure 3b",
        Positive(),
        partial(_ahead, digits=(0,), behind=(1, 2, 3, 4, 5, 6, 7, 8, 9)),
    ),
    Claim(
        "islands-digits-3-6",
        "On MNIST-1D digits 3 and 6 come next: the smaller of their shares of points in islands "
        "minus the largest of the seven others (percentage points)",
        "Figure 3b",
        Positive(),
        partial(_ahead, digits=(3, 6), behind=(1, 2, 4, 5, 7, 8, 9)),
    ),
    *(
        Claim(
            f"divergence-{iteration}-{'mnist' if data == 'MNIST' else 'mnist1d'}",
            f"{data}: Kullback-Leibler divergence after {iteration} iterations "
            f"(% of the published {PUBLISHED[data][iteration]} nats)",
            "Runs of Figure 3, printed",
            Equals(100, 1),
            partial(_divergence, data=data, iteration=iteration),
            needs=HAS_MNIST if data == "MNIST" else None,
        )
        for data in PUBLISHED
        for iteration in (250, 750)
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of how well neighbours tell the digits, in pixel space and in the embedding.

    Its words are short, so that they fit beside the numbers: accuracy and purity are those of ten
    nearest neighbours, KL the divergence in per cent of the published one, an island digit one with
    more than half of its points in islands, and what Annoy finds the share of true neighbours.
    """
    rows = []
    for data in PREFIX:
        if data == "MNIST" and HAS_MNIST not in result:
            continue
        short = "mnist" if data == "MNIST" else "mnist1d"
        mean = partial(_mean, result, data)
        rows += [
            Row(
                data,
                "accuracy (%)",
                {"pixels": mean("pixel_accuracy"), "embedding": mean("accuracy")},
            ),
            Row(
                data,
                "silhouette (0.01)",
                {"pixels": mean("pixel_silhouette"), "embedding": mean("silhouette")},
            ),
            Row(data, "Annoy finds (%)", {"pixels": mean("recall")}),
            Row(
                data,
                "island digits",
                {"embedding": _with_islands(result, data)},
                f"islands-{short}" if data == "MNIST" else None,
            ),
            *(
                Row(
                    data,
                    f"KL at {iteration} (%)",
                    {"embedding": _divergence(result, data, iteration)},
                    f"divergence-{iteration}-{short}",
                )
                for iteration in (250, 750)
            ),
        ]
        rows += [
            Row(
                f"{data}, purity (%)",
                str(digit),
                {
                    "pixels": _mean_of_digit(result, digit, data, "pixel_purity"),
                    "embedding": _mean_of_digit(result, digit, data, "purity"),
                },
            )
            for digit in range(10)
        ]
        rows += [
            Row(
                f"{data}, in islands (%)",
                str(digit),
                {"embedding": _mean_of_digit(result, digit, data, "islanders")},
            )
            for digit in range(10)
        ]
    return rows


# The pairs of colours of Figure 3: light and dark blue, green, red, orange, purple.
COLOURS = (
    "#a6cee3",
    "#1f78b4",
    "#b2df8a",
    "#33a02c",
    "#fb9a99",
    "#e31a1c",
    "#fdbf6f",
    "#ff7f00",
    "#cab2d6",
    "#6a3d9a",
)


CAPTIONS = {
    "figure": "Figure 3: MNIST (a) and MNIST-1D (b) embedded in the plane by t-SNE, coloured by "
    "digit; seed 0.",
    "figure-purity": "Beyond the paper: how many of a point's ten nearest neighbours in the "
    "embedding show the same digit, by digit.",
}


def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 3 ("figure"), and per digit how pure neighbourhoods are ("figure-purity")."""
    shown = [data for data in PREFIX if f"{PREFIX[data]}accuracy" in result]
    return {
        "figure": _plot_embeddings(result, shown),
        "figure-purity": _plot_purity(result, shown),
    }


LETTERS = {"MNIST": "a", "MNIST-1D": "b"}
MARKER_SIZES = {"MNIST": 1, "MNIST-1D": 5}


def _plot_embeddings(result: xr.Dataset, shown: list[str]) -> Figure:
    figure = Figure(figsize=(3.25 * len(shown) / 2, 1.7))
    for axes, data in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        embedding = result[f"{PREFIX[data]}embedding"].to_numpy()
        labels = result[f"{PREFIX[data]}label"].to_numpy()
        axes.scatter(
            *embedding.T,
            c=np.array(COLOURS)[labels],
            s=MARKER_SIZES[data],
            marker=".",
            edgecolors="none",
            rasterized=True,
        )
        axes.set(title=data, aspect="equal")
        axes.axis("off")
        if data == "MNIST":
            _write_digits(axes, embedding, labels)
        axes.set_title(LETTERS[data], loc="left", fontsize=8, fontweight="bold")
    return figure


def _write_digits(axes: Axes, embedding: np.ndarray, labels: np.ndarray) -> None:
    """Write each digit at the median position of its points."""
    for digit in range(10):
        x, y = np.median(embedding[labels == digit], axis=0)
        axes.text(
            x,
            y,
            str(digit),
            fontsize=7,
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=1, foreground="white")],
        )


def _plot_purity(result: xr.Dataset, shown: list[str]) -> Figure:
    figure = Figure(figsize=(3.25 * len(shown) / 2, 1.7))
    panels = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, data in zip(panels, shown, strict=True):
        spread = np.clip(interval(_per_seed(result, data, "purity")), 0, 100)
        style.bars_with_interval(axes, np.arange(10), *spread, color=COLOURS)
        pixels, *_ = interval(_per_seed(result, data, "pixel_purity"))
        axes.plot(np.arange(10), pixels, "_", color="black", markersize=8, label="In pixel space")
        axes.axhline(10, color="#888888", linestyle=":", label="By chance")
        axes.set(title=data, xlabel="Digit", xticks=np.arange(10), ylim=(0, 100))
        style.panel_letter(axes, LETTERS[data])
    panels[0].set_ylabel("Neighbours of\nthe same digit (%)")
    # Below, as bars of any height may be in its way.
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
