"""Method of the self-supervised experiment: train encoders, probe layers, embed outputs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product, zip_longest
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from mnist1d.dataset import checks, generate
from mnist1d.dataset.config import DatasetConfig
from mnist1d.execution import Arrays, Compute, Store, Task
from mnist1d.execution.blas import one_thread
from mnist1d.experiments.self_supervised.config import N_LAYERS, STAGES, VARIANTS, Config
from mnist1d.experiments.self_supervised.probing import Evaluator
from mnist1d.experiments.self_supervised.training import (
    Trainer,
    all_signals,
    as_encoder,
    as_vector,
    cost_of_pass,
    initial_encoder,
    layer_sizes,
    outputs_of_layers,
    training_signals,
)
from mnist1d.experiments.self_supervised.views import apply_views, draw_views, level
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import Progress, counted, silent
from mnist1d.harness.settings import PUBLISHED_DATA, with_data
from mnist1d.measures.probes import neighbourhood_purity
from mnist1d.models import count_parameters

N_PICTURED = 8
DETERMINING = (
    "training_data",
    "n_epochs",
    "batch_size",
    "learning_rate",
    "temperature",
    "loss",
    "max_shift",
    "slope_scale",
    "offset_scale",
)
"""Settings that determine encoders, with `probe_every`, `data`, a variant and a seed."""

RUN = ("variant", "seed")
PROBE = (*RUN, "probe_epoch")
PICTURE = ("stage", "seed")

Found = Iterator[tuple[Task, Arrays]]
Weights = Mapping[tuple[str, int], np.ndarray]
"""Variant and seed -> weights at the evaluations, shape (evaluations, parameters)."""


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train encoders of every variant and seed, probe all their layers, embed their outputs.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: trains, probes and embeds, or reads stored results. It also stores the outputs of
            all layers of seed 0.

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

    Raises: OSError: if results cannot be stored.
    """
    compute = compute or Compute()
    labels = training_signals(config)[1][: config.embedded_samples]
    # Every core has a thread already; further threads of libraries would slow it down.
    with one_thread():
        trained = list(train_encoders(config, compute, progress))
        weights = {
            (task.labels["variant"], task.labels["seed"]): arrays["weights"]
            for task, arrays in trained
        }
        tasks = tasks_of_evaluation(config, weights)
        evaluated = list(evaluate(config, tasks, labels, compute, progress))
    epochs = np.arange(1, config.n_epochs + 1)
    result = assemble(
        [*trained, *evaluated],
        coords={
            "variant": list(VARIANTS),
            "seed": np.arange(config.seeds),
            "layer": np.arange(max(N_LAYERS.values()) + 1),
            "epoch": epochs,
            "probe_epoch": epochs[config.probe_every - 1 :: config.probe_every],
            "stage": list(STAGES),
            "digit": np.arange(10),
            "sample": len(labels),
            "axis": 2,
        },
        dims={
            "linear_accuracy": (*RUN, "layer"),
            "loss": (*RUN, "epoch"),
            "probe_linear_accuracy": PROBE,
            "probe_knn_accuracy": PROBE,
            "run_seconds": RUN,
            "compile_seconds": RUN,
            "probe_seconds": RUN,
            "table_seconds": RUN,
            "embedding": (*PICTURE, "sample", "axis"),
            "purity": (*PICTURE, "digit"),
            "embedding_seconds": PICTURE,
            "pixel_linear_accuracy": (),
            "pixel_knn_accuracy": (),
        },
        fill={"embedding": np.float32(np.nan)},
    )
    result["linear_accuracy"].loc[{"layer": 0}] = result.pixel_linear_accuracy
    for variant in VARIANTS:
        name = weights_name(variant)
        final = [weights[variant, seed][-1] for seed in range(config.seeds)]
        result[name] = (("seed", f"{name}_axis"), np.stack(final))
    sizes = np.array(list(zip_longest(*map(layer_sizes, VARIANTS), fillvalue=0))).T
    initial = [initial_encoder(variant, 0) for variant in VARIANTS]
    return result.drop_vars("pixel_linear_accuracy").assign(
        label=("sample", labels),
        n_features=(("variant", "layer"), sizes),
        n_parameters=("variant", list(map(count_parameters, initial))),
        **_pictured_views(config),
    )


def train_encoders(config: Config, compute: Compute, progress: Progress) -> Found:
    """Train an encoder of every variant and seed."""
    tasks = [
        _task(config, "training", {"variant": variant, "seed": seed}, cost=cost_of_pass(variant))
        for variant, seed in product(VARIANTS, range(config.seeds))
    ]
    return counted(compute(tasks, Trainer, config), tasks, progress, lambda _: "training")


def tasks_of_evaluation(config: Config, weights: Weights) -> list[Task]:
    """Return the tasks that follow training: probes and outputs of encoders, and embeddings.

    Those of the default variant are embedded before and after training. The signals themselves are
    probed, too, and the outputs of all layers of seed 0 are stored.
    """
    samples = config.probed_samples
    tasks = [_task(config, "pixels", {}, cost=1, samples=samples)]
    for (variant, seed), vectors in weights.items():
        labels, cost = {"variant": variant, "seed": seed}, N_LAYERS[variant]
        tasks.append(_task(config, "probes", labels, vectors, cost=cost, samples=samples))
        if seed == 0:
            tasks.append(_task(config, "representations", labels, vectors[-1:], cost=0))
    embedding = {
        "samples": len(training_signals(config)[1][: config.embedded_samples]),
        "iterations": config.embedding_iterations,
    }
    for stage, seed in product(STAGES, range(config.seeds)):
        trained, initial = weights["default", seed][-1], initial_encoder("default", seed)
        vector = trained if stage == "after" else as_vector(initial)
        labels = {"stage": stage, "seed": seed}
        # An embedding takes longer than the probes of any variant.
        tasks.append(_task(config, "embedding", labels, vector, cost=20, **embedding))
    return tasks


def evaluate(
    config: Config, tasks: Sequence[Task], labels: np.ndarray, compute: Compute, progress: Progress
) -> Found:
    """Compute tasks of the evaluation, all kinds together, so that no core waits for another."""
    found = compute(tasks, Evaluator, config)
    for task, arrays in counted(found, tasks, progress, _bar):
        yield task, {**arrays, **_named(task.key["what"], arrays, labels)}


def _bar(task: Task) -> str:
    return "t-SNE" if task.key["what"] == "embedding" else "probes"


def _named(what: str, arrays: Arrays, labels: np.ndarray) -> Arrays:
    """Return the variables of a result that a task has found."""
    if what == "probes":
        linear, nearest = arrays["during"].T
        # The signals come before the first layer; layers that a variant lacks have no accuracy.
        around = (1, max(N_LAYERS.values()) - len(arrays["table"]))
        return {
            "linear_accuracy": np.pad(arrays["table"], around, constant_values=np.nan),
            "probe_linear_accuracy": linear,
            "probe_knn_accuracy": nearest,
        }
    if what == "embedding":
        points, purity = arrays["points"], np.full(10, np.nan)
        if np.isfinite(points).all():
            purity = neighbourhood_purity(points, labels)
        return {"embedding": points, "embedding_seconds": arrays["seconds"], "purity": purity}
    return {}


def _task(
    config: Config,
    what: str,
    labels: Mapping[str, Any],
    weights: np.ndarray | None = None,
    *,
    cost: float = 1.0,
    **settings: Any,
) -> Task:
    """Return a task, whose key has its labels, settings and what determines an encoder."""
    key = {name: getattr(config, name) for name in DETERMINING}
    key |= {"what": what, "keep_every": config.probe_every, **labels, **settings}
    inputs = {} if weights is None else {"weights": weights}
    return Task(labels, with_data(key, config.data), cost, inputs=inputs)


def _pictured_views(config: Config) -> dict[str, Any]:
    """Draw two views of some test signals of every digit, for the pictures."""
    dataset = generate(config.data)
    rows = np.stack([np.flatnonzero(dataset.y_test == digit)[:N_PICTURED] for digit in range(10)])
    signals = dataset.x_test[rows].astype(np.float32)
    columns = jnp.asarray(signals.reshape(-1, 40).T)
    views = []
    for key in jax.random.split(jax.random.key(0)):
        draws = draw_views(columns.shape[1], **config.views, key=key)
        view = apply_views(level(columns), draws, max_shift=config.max_shift)
        views.append(np.asarray(view).T.reshape(signals.shape))
    return {
        "pictured_signals": (("digit", "example", "point"), signals),
        "pictured_views": (("view", "digit", "example", "point"), np.stack(views)),
    }


def weights_name(variant: str) -> str:
    """Return the name of the variable of a variant's weights.

    >>> weights_name("no projector")
    'weights_no_projector'
    """
    return f"weights_{variant.replace(' ', '_')}"


def representations(
    result: xr.Dataset, variant: str, seed: int = 0, data: DatasetConfig = PUBLISHED_DATA
) -> list[np.ndarray]:
    """Return the outputs of every layer of a finished run for all 5,000 signals.

    The probes can be repeated on them.

    Args:
        result: what `run` returned.
        variant: "default", "no projector" or "deep projector".
        seed: number of the run, below those of the result.
        data: the dataset that it was trained on.

    Returns: one array of shape (5000, features) per layer, float32, the first being the signals;
        the training part is first, in the order of `mnist1d.load`.
    Raises: ValueError: if there is no such variant or run, naming it, or if the result is one
        without weights, as in the record that the project ships.
    """
    checks.one_of("variant", variant, tuple(VARIANTS))
    checks.integer("seed", seed, 0, result.sizes["seed"] - 1)
    if (name := weights_name(variant)) not in result:
        raise ValueError(f"result must hold {name}: run it again, as the record leaves weights out")
    vector = result[name].sel(seed=seed).to_numpy()
    return outputs_of_layers(as_encoder(variant, vector), all_signals(generate(data)))


def stored_representations(
    config: Config, variant: str, store: Store
) -> dict[str, np.ndarray] | None:
    """Return the outputs of all layers of seed 0 that a run has stored, or None without them.

    Args:
        config: that of the run.
        variant: "default", "no projector" or "deep projector".
        store: that of the run.

    Returns: `layer_1`, `layer_2` and so on, shape (5000, features), float32, and `label`; the
        training part is first.
    """
    return store.load(**_task(config, "representations", {"variant": variant, "seed": 0}).key)
