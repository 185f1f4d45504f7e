"""The experiment: settings, runs, claims and figures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from mnist1d.dataset import Dataset, checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution.blas import one_thread
from mnist1d.execution.units import Units
from mnist1d.experiments.self_supervised.measures import (
    ISOLATED,
    N_LAYERS,
    PUBLISHED,
    mean_accuracy,
    mean_bulge,
    mean_gain,
    mean_isolation,
    mean_knn,
    mean_lead,
    mean_loss,
    mean_peak,
    mean_purity,
    published_bulge,
    published_lead,
)
from mnist1d.experiments.self_supervised.probing import Embedded, EmbeddingWork, ProbeWork, Trained
from mnist1d.experiments.self_supervised.training import (
    BACKBONE,
    LOSSES,
    VARIANTS,
    ContrastiveWork,
    Run,
    Schedule,
    Signals,
    about_signals,
    all_signals,
    as_encoder,
    as_vector,
    initial_encoder,
    outputs_of_layers,
    shapes_of,
)
from mnist1d.experiments.self_supervised.views import apply_views, draw_views, level
from mnist1d.figures import style
from mnist1d.harness.claims import AtLeast, Claim, Equals, Positive
from mnist1d.harness.interface import Progress, Row, silent
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data
from mnist1d.measures.probes import neighbourhood_purity
from mnist1d.measures.uncertainty import Estimate, interval
from mnist1d.models import Encoder

NAME = "self-supervised"
TITLE = "Self-supervised learning, SimCLR (Figure 8)"
VERSION = 1
PAPER_SEEDS = 1

STAGES = ("before", "after")
N_PICTURED = 8
TRAINING_PARTS = ("training", "both")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the self-supervised experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of runs per variant, at least 1; run s draws from key s.
        training_data: "training", the part that the code trained on, or "both" (difference 2).
        loss: "info-nce", the published one, or "nt-xent" (difference 3).
        n_epochs: passes over the training data, at least 1.
        batch_size: signals per batch, at least 2; divides the sizes of training and test part.
        learning_rate: of Adam, above 0.
        temperature: of the loss, above 0.
        max_shift: views are shifted by 0 to `max_shift` - 1 points; 1 to 40.
        slope_scale: standard deviation of the views' slopes, per point, at least 0.
        offset_scale: standard deviation of the views' offsets, at least 0.
        probe_every: epochs between probes during training, at least 1; divides `n_epochs`.
        probed_samples: probes are fitted on the first so many signals of the training part; 100 to
            all of them.
        embedded_samples: t-SNE shows the first so many of the signals trained on; 100 to 5,000,
            but no more than there are.
        embedding_iterations: of t-SNE, at least 250.
        data: the dataset, with all ten digits; claims belong to the published one.
    """

    seeds: int = 5
    training_data: Literal["training", "both"] = "training"
    loss: Literal["info-nce", "nt-xent"] = "info-nce"
    n_epochs: int = 200
    batch_size: int = 100
    learning_rate: float = 0.01
    temperature: float = 0.5
    max_shift: int = 10
    slope_scale: float = 0.04
    offset_scale: float = 0.3
    probe_every: int = 10
    probed_samples: int = 4000
    embedded_samples: int = 5000
    embedding_iterations: int = 1000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "n_epochs", "probe_every"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        if self.n_epochs % self.probe_every:
            raise ValueError(
                f"probe_every must divide n_epochs={self.n_epochs}, not {self.probe_every}"
            )
        check_data(self.data, (*SHAPES, "classes"), "encoders are made for ten digits of 40 points")
        common = math.gcd(self.data.n_train, self.data.n_test)
        if common % checks.integer("batch_size", self.batch_size, 2, common):
            raise ValueError(f"batch_size must divide {common}, not {self.batch_size}")
        checks.one_of("training_data", self.training_data, TRAINING_PARTS)
        checks.one_of("loss", self.loss, tuple(LOSSES))
        for field in ("learning_rate", "temperature"):
            checks.positive(field, getattr(self, field))
        for field in ("slope_scale", "offset_scale"):
            if checks.real(field, getattr(self, field)) < 0:
                raise ValueError(f"{field} must be at least 0, not {getattr(self, field)}")
        checks.integer("max_shift", self.max_shift, 1, 40)
        checks.integer("probed_samples", self.probed_samples, 100, self.data.n_train)
        checks.integer("embedded_samples", self.embedded_samples, 100, 5000)
        checks.integer("embedding_iterations", self.embedding_iterations, 250, 10**6)

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(
            seeds=2,
            n_epochs=2,
            probe_every=1,
            probed_samples=500,
            embedded_samples=300,
            embedding_iterations=350,
        )

    @property
    def signals(self) -> Signals:
        """What every run is trained on."""
        return Signals(self.data, self.training_data)

    @property
    def schedule(self) -> Schedule:
        """How every run is trained."""
        return Schedule(
            n_epochs=self.n_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            temperature=self.temperature,
            loss=self.loss,
            max_shift=self.max_shift,
            slope_scale=self.slope_scale,
            offset_scale=self.offset_scale,
            keep_every=self.probe_every,
        )


def run(config: Config, *, progress: Progress = silent, units: Units | None = None) -> xr.Dataset:
    """Train encoders of every variant and seed, probe all their layers, embed their outputs.

    Args:
        config: the settings.
        progress: told what is going on.
        units: where finished runs, probes and embeddings are kept; what is found there is not
            repeated. The outputs of all layers of seed 0 are stored there, too.

    Returns: variables over `variant` (default, no projector, deep projector), `seed`, `layer` (0
        is the input; NaN beyond a variant's last), `epoch`, `probe_epoch` (after which a probe took
        place) and `stage` (before, after training); accuracies are those of the test part,
        fractions:

        - `linear_accuracy` (variant, seed, layer), `n_features` (variant, layer; 0 beyond the
          last), `n_parameters` (variant);
        - `pixel_knn_accuracy`: of the signals themselves, by Euclidean distance;
        - `loss` (variant, seed, epoch): mean over the epoch's batches, in nats;
        - `probe_linear_accuracy`, of the layer before the head, and `probe_knn_accuracy`, of the
          output, both (variant, seed, probe_epoch);
        - `embedding` (stage, seed, sample, axis): of the default variant's output; `label` (sample)
          is the digit; `purity` (stage, seed, digit) of the neighbourhoods in it, a fraction;
        - `weights_default`, `weights_no_projector`, `weights_deep_projector` (seed, and a dimension
          of its own): final weights, for `representations`;
        - `pictured_signals` (digit, example, point) and `pictured_views` (view, digit, example,
          point): for the pictures;
        - `run_seconds`, `compile_seconds` of training, `probe_seconds` during training and
          `table_seconds` of all layers, all (variant, seed), `embedding_seconds` (stage, seed).

    Raises: OSError: if a finished unit cannot be stored.
    """
    units = units or Units()
    dataset = generate(config.data)
    result = empty_result(config).assign(_picture(config, dataset))
    # Every thread has a core to itself; libraries with threads of their own would get in the way.
    with one_thread():
        weights = train_encoders(config, result, progress, units)
        probe_encoders(config, weights, result, progress, units)
        embed_outputs(config, weights, result, progress, units)
    for variant in VARIANTS:
        final = [weights[Run(variant, seed)][-1] for seed in range(config.seeds)]
        name = weights_name(variant)
        result[name] = (("seed", f"{name}_axis"), np.stack(final))
    return result


def weights_name(variant: str) -> str:
    """Return the name of the variable that holds the weights of a variant.

    >>> weights_name("no projector")
    'weights_no_projector'
    """
    return f"weights_{variant.replace(' ', '_')}"


def representations(
    result: xr.Dataset, variant: str, seed: int = 0, data: DatasetConfig = PUBLISHED_DATA
) -> list[np.ndarray]:
    """Return what every layer of a finished run makes of all 5,000 signals.

    Enough to repeat the probes by hand.

    Args:
        result: what `run` returned.
        variant: "default", "no projector" or "deep projector".
        seed: number of the run, below those of the result.
        data: the dataset that it was trained on.

    Returns: one array of shape (5000, features) per layer, float32, the first being the signals;
        the training part is first, in the order of `mnist1d.load`.
    Raises: ValueError: if there is no such variant or run, naming it.
    """
    checks.one_of("variant", variant, tuple(VARIANTS))
    checks.integer("seed", seed, 0, result.sizes["seed"] - 1)
    vector = result[weights_name(variant)].sel(seed=seed).to_numpy()
    return outputs_of_layers(as_encoder(variant, vector), all_signals(generate(data)))


def stored_representations(
    config: Config, variant: str, units: Units
) -> dict[str, np.ndarray] | None:
    """Return the outputs of all layers of seed 0 that a run has stored, or None without them.

    Args:
        config: that of the run.
        variant: "default", "no projector" or "deep projector".
        units: those of the run.

    Returns: `layer_1`, `layer_2` and so on, shape (5000, features), float32, and `label`; the
        training part is first.
    """
    return units.load(**_key(config, "representations", variant=variant, seed=0))


def _key(config: Config, what: str, **more: Any) -> dict[str, Any]:
    """Return what determines a unit."""
    return {"what": what, **vars(config.schedule), **about_signals(config.signals), **more}


def empty_result(config: Config) -> xr.Dataset:
    """Make the result, its runs still to be entered."""
    n_layers = max(N_LAYERS.values()) + 1
    n_variants, n_seeds = len(VARIANTS), config.seeds
    epochs = np.arange(1, config.n_epochs + 1)
    runs = ("variant", "seed")
    numbers = {
        "linear_accuracy": ((*runs, "layer"), n_layers),
        "loss": ((*runs, "epoch"), config.n_epochs),
        "probe_linear_accuracy": ((*runs, "probe_epoch"), config.n_epochs // config.probe_every),
        "probe_knn_accuracy": ((*runs, "probe_epoch"), config.n_epochs // config.probe_every),
    }
    times = ("run_seconds", "compile_seconds", "probe_seconds", "table_seconds")
    sizes = [[len(layer) for layer in _shapes_of_layers(variant)] for variant in VARIANTS]
    return xr.Dataset(
        {
            name: (dimensions, np.full((n_variants, n_seeds, n), np.nan))
            for name, (dimensions, n) in numbers.items()
        }
        | {name: (runs, np.full((n_variants, n_seeds), np.nan)) for name in times}
        | {
            "embedding_seconds": (("stage", "seed"), np.full((len(STAGES), n_seeds), np.nan)),
            "purity": (("stage", "seed", "digit"), np.full((len(STAGES), n_seeds, 10), np.nan)),
            "n_features": (
                ("variant", "layer"),
                np.array([[*row, *[0] * (n_layers - len(row))] for row in sizes]),
            ),
            "n_parameters": (
                "variant",
                np.array([len(as_vector(initial_encoder(variant, 0))) for variant in VARIANTS]),
            ),
        },
        coords={
            "variant": list(VARIANTS),
            "seed": np.arange(n_seeds),
            "layer": np.arange(n_layers),
            "epoch": epochs,
            "probe_epoch": epochs[config.probe_every - 1 :: config.probe_every],
            "stage": list(STAGES),
            "digit": np.arange(10),
        },
    )


def _shapes_of_layers(variant: str) -> list[Any]:
    signal = jax.ShapeDtypeStruct((40,), jnp.float32)
    return [signal, *jax.eval_shape(Encoder.layers, shapes_of(variant), signal)]


def _picture(config: Config, dataset: Dataset) -> dict[str, Any]:
    """Draw two views of some test signals of every digit, for the pictures."""
    rows = np.stack([np.flatnonzero(dataset.y_test == digit)[:N_PICTURED] for digit in range(10)])
    signals = dataset.x_test[rows].astype(np.float32)
    columns = jnp.asarray(signals.reshape(-1, 40).T)
    views = []
    for key in jax.random.split(jax.random.key(0)):
        draws = draw_views(columns.shape[1], **config.schedule.views, key=key)
        view = apply_views(level(columns), draws, max_shift=config.max_shift)
        views.append(np.asarray(view).T.reshape(signals.shape))
    return {
        "pictured_signals": (("digit", "example", "point"), signals),
        "pictured_views": (("view", "digit", "example", "point"), np.stack(views)),
    }


def train_encoders(
    config: Config, result: xr.Dataset, progress: Progress, units: Units
) -> dict[Run, np.ndarray]:
    """Train every run; return the weights after every `probe_every` epochs."""
    weights: dict[Run, np.ndarray] = {}
    runs = [Run(variant, seed) for variant in VARIANTS for seed in range(config.seeds)]
    progress("training", 0, len(runs))
    for run, (arrays,) in units.compute(runs, ContrastiveWork(config.schedule, config.signals)):
        place = run._asdict()
        result["loss"].loc[place] = arrays["loss"]
        for times in ("run_seconds", "compile_seconds"):
            result[times].loc[place] = float(arrays[times])
        weights[run] = arrays["weights"]
        progress("training", len(weights), len(runs))
    return weights


def probe_encoders(
    config: Config,
    weights: Mapping[Run, np.ndarray],
    result: xr.Dataset,
    progress: Progress,
    units: Units,
) -> None:
    """Fit linear classifiers and nearest neighbours on what was learnt."""
    work = ProbeWork(config.schedule, config.signals, config.probed_samples)
    progress("probes", 0, len(weights))
    linear, nearest = work.start().score_pixels()
    result["linear_accuracy"].loc[{"layer": 0}] = linear
    result["pixel_knn_accuracy"] = ((), nearest)
    tasks = [Trained(run, vectors) for run, vectors in weights.items()]
    for n_done, ((run, _), (*_, arrays)) in enumerate(units.compute(tasks, work), start=1):
        place = run._asdict()
        for column, name in enumerate(("probe_linear_accuracy", "probe_knn_accuracy")):
            result[name].loc[place] = arrays["during"][:, column]
        result["linear_accuracy"].loc[place | {"layer": slice(1, N_LAYERS[run.variant])}] = arrays[
            "table"
        ]
        for times in ("probe_seconds", "table_seconds"):
            result[times].loc[place] = float(arrays[times])
        progress("probes", n_done, len(weights))


def embed_outputs(
    config: Config,
    weights: Mapping[Run, np.ndarray],
    result: xr.Dataset,
    progress: Progress,
    units: Units,
) -> None:
    """Embed the outputs of the default variant in the plane, before and after training."""
    labels = config.signals.generate()[1][: config.embedded_samples]
    work = EmbeddingWork(config.schedule, config.signals, len(labels), config.embedding_iterations)
    tasks = [
        Embedded(stage, seed, weights[Run("default", seed)][-1])
        for stage in STAGES
        for seed in range(config.seeds)
    ]
    embedding = np.full((len(STAGES), config.seeds, len(labels), 2), np.nan, np.float32)
    progress("t-SNE", 0, len(tasks))
    for n_done, (task, (arrays,)) in enumerate(units.compute(tasks, work), start=1):
        place = STAGES.index(task.stage), task.seed
        points = embedding[place] = arrays["points"]
        if np.isfinite(points).all():
            result["purity"][place] = neighbourhood_purity(points, labels)
        result["embedding_seconds"][place] = float(arrays["seconds"])
        progress("t-SNE", n_done, len(tasks))
    result["embedding"] = (("stage", "seed", "sample", "axis"), embedding)
    result["label"] = ("sample", labels)


def _constant(result: xr.Dataset, name: str, **place: Any) -> Estimate:
    """Return an accuracy in per cent that no seed changes: counted, so without uncertainty."""
    value = 100 * float(result[name].sel(**place).to_numpy().ravel()[0])
    return Estimate(value, value, value, 1)


def _slug(variant: str) -> str:
    return variant.replace(" ", "-")


BULGE = 2.0
"""How far the best inner layer has to be above the ends, in percentage points.

It is chosen by each seed on its own test accuracies: equally good layers would give 1.4 points.
"""

CLAIMS = (
    Claim(
        "pixels",
        "Linear accuracy from the signals themselves (%)",
        "Section 5.5, Figure 8b",
        Equals(33, 1),
        partial(_constant, name="linear_accuracy", variant="default", layer=0),
    ),
    Claim(
        "pixels-knn",
        "Accuracy of ten nearest neighbours from the signals themselves (%)",
        "Runs of Figure 8, printed",
        Equals(59.6, 0.5),
        partial(_constant, name="pixel_knn_accuracy"),
    ),
    Claim(
        "before-head",
        "Linear accuracy before the projection head (%)",
        "Section 5.5, Figure 8b",
        Equals(82, 2),
        partial(mean_accuracy, variant="default", layer=BACKBONE),
    ),
    *(
        Claim(
            f"head-costs-{_slug(variant)}",
            f"The linear accuracy is higher before the head than after it, {variant}: "
            "difference (percentage points)",
            "Section 5.5, Figure 8b",
            Positive(round(PUBLISHED[variant][BACKBONE] - PUBLISHED[variant][-1], 1)),
            partial(mean_gain, variant=variant),
        )
        for variant in ("default", "deep projector")
    ),
    *(
        Claim(
            f"peak-in-the-middle-{_slug(variant)}",
            f"The linear accuracy peaks in the middle, {variant}: best inner layer minus the "
            "better of input and last layer (percentage points)",
            "Section 5.5, Figure 8b",
            Positive(published_bulge(variant), least=BULGE),
            partial(mean_bulge, variant=variant),
        )
        for variant in VARIANTS
    ),
    *(
        Claim(
            f"second-layer-best-{_slug(variant)}",
            f"The linear accuracy is highest after the second layer, {variant}: lead over the "
            "best other layer (percentage points)",
            "Section 5.5, Figure 8b",
            Positive(published_lead(variant, 2)),
            partial(mean_lead, variant=variant, layer=2),
        )
        for variant in VARIANTS
    ),
    *(
        Claim(
            f"last-layer-{_slug(variant)}",
            f"Linear accuracy after the last layer, {variant} (%)",
            "Figure 8b",
            Equals(PUBLISHED[variant][-1], 3),
            partial(mean_accuracy, variant=variant, layer=N_LAYERS[variant]),
        )
        for variant in VARIANTS
    ),
    *(
        Claim(
            f"best-layer-{_slug(variant)}",
            f"Linear accuracy after layer {layer}, the best of the paper's run, {variant} (%)",
            "Figure 8b",
            Equals(PUBLISHED[variant][layer], 3),
            partial(mean_accuracy, variant=variant, layer=layer),
        )
        for variant, layer in (("no projector", 1), ("deep projector", 2))
    ),
    *(
        Claim(
            f"knn-{_slug(variant)}",
            f"Accuracy of ten nearest neighbours in the output, {variant} (%)",
            "Runs of Figure 8, printed",
            Equals(published, 3),
            partial(mean_knn, variant=variant),
        )
        for variant, published in (
            ("default", 74.1),
            ("no projector", 48.7),
            ("deep projector", 61.3),
        )
    ),
    *(
        Claim(
            f"loss-{_slug(variant)}",
            f"Loss in the last epoch, {variant} (nats)",
            "Runs of Figure 8, printed",
            Equals(published, 0.05),
            partial(mean_loss, variant=variant),
        )
        for variant, published in (
            ("default", 2.88),
            ("no projector", 3.39),
            ("deep projector", 2.87),
        )
    ),
    *(
        Claim(
            f"isolated-{digit}",
            f"Digit {digit} is isolated in the t-SNE picture: share of its points' ten nearest "
            "neighbours that show it (%)",
            "Section 5.5, Figure 8a",
            AtLeast(90),
            partial(mean_purity, digit=digit),
        )
        for digit in ISOLATED
    ),
    Claim(
        "isolated-beyond-others",
        "The digits 0, 3, 6 and 8 are more isolated than the others: least pure of them minus "
        "purest other (percentage points)",
        "Section 5.5, Figure 8a",
        Positive(),
        mean_isolation,
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all layers, of outputs and of digits."""
    names = {claim.name for claim in CLAIMS}
    rows = []

    def add(group: str, condition: str, found: Estimate, claim: str, **more: Estimate) -> None:
        known = claim if claim in names else None
        rows.append(Row(group, condition, {"value": found} | more, known))

    pixels, pixels_knn = CLAIMS[0], CLAIMS[1]
    add("Signals", "linear (%)", pixels.measure(result), pixels.name)
    add("Signals", "kNN (%)", pixels_knn.measure(result), pixels_knn.name)
    for variant, last in N_LAYERS.items():
        group, slug = variant.capitalize(), _slug(variant)
        best_published = max(range(last + 1), key=lambda k: PUBLISHED[variant][k])
        for layer in range(1, last + 1):
            claim = f"last-layer-{slug}" if layer == last else ""
            if layer == best_published:
                claim = "before-head" if variant == "default" else f"best-layer-{slug}"
            found = mean_accuracy(result, variant, layer)
            add(group, f"linear, layer {layer} (%)", found, claim)
        add(group, "kNN, output (%)", mean_knn(result, variant), f"knn-{slug}")
        add(group, "best layer", mean_peak(result, variant), "")
        add(group, "middle - ends", mean_bulge(result, variant), f"peak-in-the-middle-{slug}")
        add(
            group,
            "layer 2 - best other",
            mean_lead(result, variant, 2),
            f"second-layer-best-{slug}",
        )
        if last > BACKBONE:
            add(group, "before - after head", mean_gain(result, variant), f"head-costs-{slug}")
        add(group, "loss (nats)", mean_loss(result, variant), f"loss-{slug}")
    for digit in range(10):
        add(
            "t-SNE, purity",
            f"digit {digit} (%)",
            mean_purity(result, digit),
            f"isolated-{digit}",
            untrained=mean_purity(result, digit, "before"),
        )
    add("t-SNE, purity", "0, 3, 6, 8 - others", mean_isolation(result), CLAIMS[-1].name)
    return rows


LINES: Mapping[str, tuple[str, str, str]] = {
    "default": ("Default", "-", "."),
    "no projector": ("No proj.", "--", ""),
    "deep projector": ("Deep proj.", "-.", ""),
}
"""Name, line and marker of each variant in the figures."""


CAPTIONS = {
    "figure": "Figure 8: outputs of an encoder with projection head, embedded by t-SNE (a), and "
    "linear accuracy of every layer (b); bands are 95 % intervals over seeds.",
    "figure-samples": "Signals, one row per digit.",
    "figure-views": "Two random views (blue, orange) of the same signals, laid over each other.",
    "figure-tsne": "Outputs before and after training, embedded by t-SNE.",
    "figure-training": "Loss, nearest neighbours of the output, and linear accuracy before the "
    "head, during training.",
}


def explain(result: xr.Dataset) -> dict[str, str]:
    """Say why claims differ, claim by claim, in numbers of the result itself."""
    purity = 100 * result.purity.sel(stage="after", digit=8)
    lowest, highest = float(purity.min()), float(purity.max())
    return {
        "isolated-8": (
            "The paper shows one picture of one run and judges it by eye. Over our seeds the "
            f"purity of digit 8 goes from {lowest:.1f} to {highest:.1f} %: it is apart in some "
            "pictures and not in others."
        )
    }


def plot(result: xr.Dataset) -> dict[str, Figure]:
    """Draw Figure 8 ("figure") and, beyond it, pictures of the code and training curves."""
    return {
        "figure": _plot_figure(result),
        "figure-samples": _plot_grid(result["pictured_signals"].to_numpy()[None]),
        "figure-views": _plot_grid(result["pictured_views"].to_numpy()),
        "figure-tsne": _plot_stages(result),
        "figure-training": _plot_training(result),
    }


def _plot_figure(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(3.25, 1.5))
    left, right = figure.subplots(1, 2)
    _plot_embedding(left, result, "after")
    figure.text(0.01, 0.99, "a", fontsize=8, fontweight="bold", va="top")
    for variant, (name, line, marker) in LINES.items():
        layers = np.arange(N_LAYERS[variant] + 1)
        values = 100 * result["linear_accuracy"].sel(variant=variant).to_numpy()[:, layers]
        look = {"color": "black", "linestyle": line, "marker": marker, "label": name}
        style.line_with_interval(right, layers, *interval(values), **look)
    right.set(xlabel="Layer", ylabel="Linear accuracy (%)", xticks=range(8), ylim=(30, 90))
    right.set_yticks(range(30, 91, 10))
    right.legend(loc="lower right", handlelength=2.2, labelspacing=0.3)
    figure.text(0.44, 0.99, "b", fontsize=8, fontweight="bold", va="top")
    return figure


def _plot_embedding(axes: Axes, result: xr.Dataset, stage: str, seed: int = 0) -> None:
    points = result["embedding"].sel(stage=stage, seed=seed).to_numpy()
    labels = result["label"].to_numpy()
    x, y = points.T
    axes.scatter(x, y, c=labels, cmap=colormaps["tab10"], vmin=0, vmax=9, s=2, linewidths=0)
    # Before training all digits have their middle in the middle.
    if stage == "after" and np.isfinite(points).all():
        for digit in np.unique(labels):
            middle = np.median(points[labels == digit], axis=0)
            x_middle, y_middle = middle
            text = axes.text(x_middle, y_middle, str(digit), fontsize=9, ha="center", va="center")
            text.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()


def _plot_stages(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(5, 2.5))
    for axes, stage in zip(figure.subplots(1, 2), STAGES, strict=True):
        _plot_embedding(axes, result, stage)
        axes.set_title(f"{stage.capitalize()} training")
    return figure


def _plot_grid(curves: np.ndarray) -> Figure:
    """Draw a row of signals per digit; `curves` has the shape (views, 10, examples, length)."""
    n_rows, n_columns = curves.shape[1:3]
    figure = Figure(figsize=(4, 5))
    panels = np.asarray(figure.subplots(n_rows, n_columns, sharex=True, sharey=True))
    for digit, row in enumerate(panels):
        for example, axes in enumerate(row):
            for view, colour in zip(curves, ("tab:blue", "tab:orange"), strict=False):
                axes.plot(view[digit, example], color=colour)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        row[0].set_ylabel(str(digit), rotation=0, labelpad=6, va="center", fontsize=7)
    return figure


def _plot_training(result: xr.Dataset) -> Figure:
    figure = Figure(figsize=(5, 1.6))
    for axes, (name, axis, unit, label) in zip(
        figure.subplots(1, 3),
        (
            ("loss", "epoch", 1, "Loss (nats)"),
            ("probe_knn_accuracy", "probe_epoch", 100, "kNN accuracy\nof output (%)"),
            ("probe_linear_accuracy", "probe_epoch", 100, "Linear accuracy\nbefore head (%)"),
        ),
        strict=True,
    ):
        for variant, (title, line, _) in LINES.items():
            values = unit * result[name].sel(variant=variant).to_numpy()
            look = {"color": "black", "linestyle": line, "label": title}
            style.line_with_interval(axes, result[axis], *interval(values), **look)
        axes.set(xlabel="Epoch", ylabel=label)
        axes.set_xlim(0, None)
    figure.axes[0].legend(loc="upper right", handlelength=2.2, labelspacing=0.3)
    return figure
