"""Method of the classification experiment: train models on MNIST-1D, in two orders, and MNIST."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import xarray as xr

from mnist1d.dataset import fresh_samples, generate
from mnist1d.execution import Arrays, Compute, OnStep, Runner, Task
from mnist1d.experiments.classification.config import Config
from mnist1d.experiments.classification.usual_models import (
    PIXEL_MEAN,
    PIXEL_SD,
    UsualRunner,
    assemble_usual,
    usual_tasks,
)
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import InputError, Progress, silent
from mnist1d.harness.settings import with_data
from mnist1d.mnist import LEFT_OUT, MNIST, load_mnist, mnist_folder
from mnist1d.models import CNN, GRU, MLP, Logistic, count_parameters, predict
from mnist1d.training import (
    Data,
    Training,
    accuracy,
    cross_entropy,
    initialise,
    train_runs,
)
from mnist1d.training.supervised import DIVERGED, supervised

Models = Mapping[str, Callable[..., Any]]

MODELS: Models = {"Logistic": Logistic, "MLP": MLP, "CNN": CNN, "GRU": GRU}
WIDE: Models = {"MLP 256": partial(MLP, hidden_size=256)}
"""The MLP of the width that the authors' training defaults name, on MNIST-1D alone."""
MNIST_MODELS: Models = {
    "Logistic": partial(Logistic, 784),
    "MLP": partial(MLP, 784),
    "CNN": partial(CNN, image_size=28),
    "GRU": partial(GRU, 28, 28),
}
ONE_AFTER_THE_OTHER = ("CNN",)
"""Models of MNIST whose steps on a CPU are faster alone than together: by a third."""
CURVES = ("train_accuracy", "validation_accuracy", "test_accuracy", "test_loss", "train_loss")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Train every model on every data set.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: trains a model on a data set, all runs together (a usual model on MNIST run by
            run), or reads stored results.

    Raises:
        InputError: if MNIST's folder is given and its files cannot be read.
        OSError: if results cannot be stored.

    Returns: variables over the dimensions `model`, `data` (plain, shuffled), `seed` and `step`
        (index of the step after which an evaluation took place):

        - `train_accuracy`, `validation_accuracy`, `test_accuracy` (fractions), `test_loss` and
          `train_loss` (nats; the latter of the step's batch before the update), all
          (model, data, seed, step);
        - `test_prediction` (model, data, seed, step, sample) and `test_label` (sample);
        - `early_stopped_accuracy`, `early_stopped_step` (model, data, seed);
        - `diverged` (model, data, seed): a training loss was not finite or above `DIVERGED`;
          accuracies and losses of such a run are NaN;
        - `n_parameters`, `compile_seconds`, `run_seconds` (model).

        Of the MLP of width 256 the same, prefixed `wide_`, without `model` and predictions. With
        MNIST the same, prefixed `mnist_`, without `data` and predictions, and of usual models:

        - `usual_train_accuracy`, `usual_test_accuracy` (fractions, after the last step),
          `usual_diverged`, `usual_compile_seconds`, `usual_run_seconds`, all (usual_model,
          usual_seed); `usual_n_parameters` (usual_model);
        - `logistic_train_accuracy` and `logistic_is_correct` (usual_image), for every test image:
          logistic regression, fitted until it has converged;
        - `usual_seconds`: the time that this part took.
    """
    compute = compute or Compute()
    files = _read_mnist(config, progress)
    if files is None:
        progress(LEFT_OUT, 0, 0)
        return _run_on_mnist1d(config, progress, compute)
    return xr.merge(
        [
            _run_on_mnist1d(config, progress, compute),
            _run_on_mnist(config, files, progress, compute),
            _run_usual_models(config, files, progress, compute),
        ]
    )


def _read_mnist(config: Config, progress: Progress) -> MNIST | None:
    """Read MNIST before training, so that damaged files are reported at once."""
    if mnist_folder(config.mnist) is None and not config.download_mnist:
        return None
    try:
        return load_mnist(config.mnist, download=config.download_mnist, progress=progress)
    except (OSError, ValueError) as error:
        raise InputError(f"MNIST cannot be read: {error}") from error


def _run_on_mnist1d(config: Config, progress: Progress, compute: Compute) -> xr.Dataset:
    models = {**MODELS, **WIDE}
    trained = list(_trained("MNIST-1D", models, mnist1d_trainer, config, progress, compute))
    labels = generate(config.data).y_test.astype(np.uint8)
    coords: dict[str, Any] = {
        "data": ["plain", "shuffled"],
        "seed": np.arange(config.seeds),
        "step": published_training(config).evaluation_steps,
    }
    published, wide = (
        _assembled(
            [each for each in trained if each[0].labels["model"] in models],
            {**coords, "model": list(models)} | samples,
        )
        for models, samples in ((MODELS, {"sample": len(labels)}), (WIDE, {}))
    )
    wide = wide.isel(model=0, drop=True)
    return xr.merge(
        [
            published.assign_coords(test_label=("sample", labels)),
            wide.rename({name: f"wide_{name}" for name in wide.data_vars}),
        ]
    )


def _run_on_mnist(config: Config, files: MNIST, progress: Progress, compute: Compute) -> xr.Dataset:
    trainer = partial(mnist_trainer, files)
    trained = _trained("MNIST", MNIST_MODELS, trainer, config, progress, compute, only_here=True)
    coords: dict[str, Any] = {
        "model": list(MNIST_MODELS),
        "seed": np.arange(config.seeds),
        "step": published_training(config, mnist=True).evaluation_steps,
    }
    result = _assembled(trained, coords)
    return result.rename({name: f"mnist_{name}" for name in [*result.data_vars, "step"]})


def _run_usual_models(
    config: Config, files: MNIST, progress: Progress, compute: Compute
) -> xr.Dataset:
    clock = time.perf_counter()
    tasks = usual_tasks(config)
    what, n_steps = "MNIST, usual models", len(tasks) * config.usual_steps
    found = compute(
        tasks,
        partial(UsualRunner, files),
        config,
        on_progress=lambda _, __, done: progress(what, done, n_steps),
        steps=config.usual_steps,
        only_here=True,
    )
    result = assemble_usual(found, config)
    progress(what, n_steps, n_steps)  # for stored results the only report
    return result.assign(usual_seconds=time.perf_counter() - clock)


def _trained(
    data: str,
    models: Models,
    make_trainer: Callable[[Config], Runner],
    config: Config,
    progress: Progress,
    compute: Compute,
    *,
    only_here: bool = False,
) -> Iterator[tuple[Task, Arrays]]:
    """Train every model on a data set, or read its stored results."""

    def report(tasks: Sequence[Task], steps: int, _: int = 0) -> None:
        for task in tasks:
            progress(f"{data}, {task.labels['model']}", steps, config.n_steps)

    for task, arrays in compute(
        [_task(config, data, model) for model in models],
        make_trainer,
        config,
        on_progress=report,
        steps=config.n_steps,
        devices="all",
        only_here=only_here,
    ):
        report([task], config.n_steps)  # for stored results the only report
        yield task, arrays


def _task(config: Config, data: str, model: str) -> Task:
    """Return the task of training a model on a data set, all runs together."""
    settings = dataclasses.asdict(config)
    for name in ("mnist", "download_mnist", "data", "mnist_seeds", "usual_steps"):
        del settings[name]
    key = {"data": data, "model": model, **settings}
    return Task({"model": model}, with_data(key, config.data) if data == "MNIST-1D" else key)


def mnist1d_trainer(config: Config) -> Runner:
    """Return the runner of models on MNIST-1D, for every seed and both orders of the points."""
    dataset = generate(config.data)
    parts = {
        "train": (dataset.x, dataset.y),
        "validation": fresh_samples(
            dataset, config.validation_samples, seed=config.validation_seed
        ),
        "test": (dataset.x_test, dataset.y_test),
    }
    length = config.data.final_seq_length
    orders = [np.arange(length), np.random.RandomState(42).permutation(length)]

    def in_both_orders(x: np.ndarray) -> np.ndarray:
        return np.repeat([x[:, order] for order in orders], config.seeds, axis=0)

    data = {
        part: (in_both_orders(x.astype(np.float32)), labels.astype(np.int32))
        for part, (x, labels) in parts.items()
    }
    models = {
        name: partial(make, length, n_classes=config.data.n_classes)
        for name, make in {**MODELS, **WIDE}.items()
    }
    seeds = np.tile(np.arange(config.seeds), 2)
    return _trainer(models, published_training(config), seeds, data, dict.fromkeys(data, (0, None)))


def mnist_trainer(files: MNIST, config: Config) -> Runner:
    """Return the runner of models on MNIST, for every seed."""

    def standardised(images: np.ndarray) -> np.ndarray:
        return (images.reshape(-1, 784) / np.float32(255) - PIXEL_MEAN) / PIXEL_SD

    x, labels = standardised(files.x), files.y.astype(np.int32)
    data = {
        "train": (x[:-5000], labels[:-5000]),
        "validation": (x[-5000:], labels[-5000:]),
        "test": (standardised(files.x_test), files.y_test.astype(np.int32)),
    }
    training = published_training(config, mnist=True)
    alone = ONE_AFTER_THE_OTHER if jax.default_backend() == "cpu" else ()
    return _trainer(MNIST_MODELS, training, np.arange(config.seeds), data, alone=alone)


def _trainer(
    models: Models,
    training: Training,
    seeds: np.ndarray,
    data: Data,
    data_axes: Any = None,
    alone: Sequence[str] = (),
) -> Runner:
    keys = jax.vmap(jax.random.key)(seeds)

    def train(
        tasks: Sequence[Task], _: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        for task in tasks:
            name = task.labels["model"]
            on_step(0)
            how = {
                "data_axes": data_axes,
                "report": lambda step, _: on_step(step),
                "batched": name not in alone,
            }
            yield task, _train(models[name], training, keys, data, how)

    return train


def _train(
    make: Callable[..., Any],
    training: Training,
    keys: Any,
    data: Data,
    how: Mapping[str, Any],
) -> dict[str, np.ndarray]:
    """Train a model, all seeds in one program; return arrays by run, and numbers about all runs."""
    models = initialise(lambda key: make(key=key), keys)
    trained = train_runs(training, models, data, keys=keys, **how)
    losses, metrics = trained.history
    diverged = ~(losses < DIVERGED).all(axis=1)
    arrays = {"train_loss": losses[:, training.evaluation_steps], **metrics}
    for name in CURVES:
        arrays[name][diverged] = np.nan
    return arrays | {
        "diverged": diverged,
        "n_parameters": np.array(count_parameters(models) // len(keys)),
        "compile_seconds": np.array(trained.compile_seconds),
        "run_seconds": np.array(trained.run_seconds),
    }


def published_training(config: Config, *, mnist: bool = False) -> Training:
    """Return the published training; on MNIST with another learning rate."""
    training = supervised(
        config.n_steps,
        optax.adam(config.mnist_learning_rate if mnist else config.learning_rate),
        batch_size=config.batch_size,
        evaluate_every=config.mnist_evaluate_every if mnist else config.evaluate_every,
    )

    def evaluate(model: Any, data: Any) -> dict[str, jax.Array]:
        logits = {part: predict(model, x, chunk_size=200) for part, (x, _) in data.items()}
        measured = {
            f"{part}_accuracy": accuracy(logits[part], labels) for part, (_, labels) in data.items()
        }
        measured["test_loss"] = cross_entropy(logits["test"], data["test"][1])
        if not mnist:
            measured["test_prediction"] = logits["test"].argmax(axis=1).astype(jnp.uint8)
        return measured

    return dataclasses.replace(training, evaluate=evaluate)


def _assembled(found: Iterable[tuple[Task, Arrays]], coords: Mapping[str, Any]) -> xr.Dataset:
    """Assemble the arrays of all models, whose first dimension has all runs."""
    run = tuple(axis for axis in ("model", "data", "seed") if axis in coords)
    shape = [len(coords[axis]) for axis in run[1:]]
    by_run = (
        (task, {n: v.reshape(*shape, *v.shape[1:]) if v.ndim else v for n, v in arrays.items()})
        for task, arrays in found
    )
    dims = {
        **dict.fromkeys(CURVES, (*run, "step")),
        **({"test_prediction": (*run, "step", "sample")} if "sample" in coords else {}),
        "diverged": run,
        **dict.fromkeys(("n_parameters", "compile_seconds", "run_seconds"), ("model",)),
    }
    fill = dict.fromkeys(CURVES, np.float32(np.nan)) | {
        "test_prediction": np.uint8(0),
        "diverged": False,
        "n_parameters": 0,
    }
    return _stop_early(assemble(by_run, coords, dims, fill))


def _stop_early(result: xr.Dataset) -> xr.Dataset:
    """Add the test accuracy at the evaluation with the highest validation accuracy."""
    best = result.validation_accuracy.fillna(-1).argmax("step")
    return result.assign(
        early_stopped_accuracy=result.test_accuracy.isel(step=best).drop_vars("step"),
        early_stopped_step=result.step.isel(step=best).drop_vars("step"),
    )
