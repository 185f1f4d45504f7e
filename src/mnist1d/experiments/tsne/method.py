"""Method of the t-SNE experiment: embed MNIST-1D and, if available, MNIST from several seeds."""

from collections.abc import Iterator, Sequence
from importlib import metadata

import jax
import numpy as np
import xarray as xr

from mnist1d.dataset import generate
from mnist1d.dataset.imports import required
from mnist1d.execution import Arrays, Compute, OnProgress, OnStep, Runner, Task
from mnist1d.execution.cluster import ClusterError
from mnist1d.execution.machine import count_cores
from mnist1d.experiments.tsne.config import PREFIX, STEPS_PER_LOG, Config
from mnist1d.experiments.tsne.embedding import embed
from mnist1d.harness.assembly import assemble
from mnist1d.harness.interface import InputError, Progress, silent
from mnist1d.harness.settings import with_data
from mnist1d.mnist import LEFT_OUT, load_mnist, mnist_folder

PER_SEED = ("pixel_accuracy", "accuracy", "pixel_silhouette", "silhouette", "recall")
TIMES = ("neighbour_seconds", "optimisation_seconds")
PER_DIGIT = ("pixel_purity", "purity", "islanders")


def run(
    config: Config, *, progress: Progress = silent, compute: Compute | None = None
) -> xr.Dataset:
    """Embed MNIST-1D and, if its files are available, MNIST, from several seeds.

    Args:
        config: the settings.
        progress: called with the progress.
        compute: computes the embeddings, or reads stored ones.

    Raises:
        InputError: if openTSNE is not installed, or MNIST's folder is given and its files cannot
            be read.
        OSError: if results cannot be stored.

    Returns: of MNIST-1D, over the dimensions `seed`, `digit` and `iteration` (both phases, every
        50):

        - `embedding` (sample, axis) and `label` (sample): of seed 0;
        - `divergence` (seed, iteration): Kullback-Leibler divergence in nats;
        - `pixel_accuracy`, `accuracy` (seed): of ten nearest neighbours, in pixel space and in the
          embedding (fractions); `pixel_silhouette`, `silhouette` (seed), -1 to 1;
        - `pixel_purity`, `purity`, `islanders` (seed, digit; fractions);
        - `recall` (seed): share of the neighbours that were found;
        - `neighbour_seconds`, `optimisation_seconds` (seed), perhaps with others at the same time.

        `embedding.embed` has the details. With MNIST the same, prefixed `mnist_`; so are the
        dimensions `seed` and `sample`.
    """
    try:
        required("openTSNE", extra="tsne")
    except ModuleNotFoundError as error:
        raise InputError(str(error)) from error
    points = _read_points(config, progress)
    n_seeds = {"MNIST": min(config.seeds, config.mnist_seeds), "MNIST-1D": config.seeds}
    tasks = [
        _embedding(config, data, seed, x, labels)
        for data, (x, labels) in points.items()
        for seed in range(n_seeds[data])
    ]
    n_steps = 2 * config.n_iterations  # of which half are for the neighbours
    note = _bars(tasks, n_steps, progress)
    found = (compute or Compute())(
        tasks,
        embedder,
        config,
        on_progress=note,
        steps=n_steps,
        devices="none",
        only_here="MNIST" in points,  # its images are too large to send
    )
    embedded: dict[str, list[tuple[Task, Arrays]]] = {data: [] for data in points}
    for task, arrays in found:
        note([task], n_steps, 0)
        embedded[task.labels["data"]].append((task, arrays))
    parts = [_labelled(config, data, embedded[data], points[data][1]) for data in points]
    return xr.merge(parts).assign_attrs(opentsne=metadata.version("openTSNE"))


def _read_points(config: Config, progress: Progress) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return raw points and labels of every data set."""
    points = {}
    if mnist_folder(config.mnist) is None and not config.download_mnist:
        progress(LEFT_OUT, 0, 0)
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


def _embedding(config: Config, data: str, seed: int, x: np.ndarray, labels: np.ndarray) -> Task:
    """Return the task of an embedding of a data set."""
    key = {
        "data": data,
        "seed": seed,
        "perplexity": float(config.perplexity),
        "early_exaggeration": float(config.early_exaggeration),
        "early_iterations": config.early_iterations,
        "iterations": config.iterations,
        "samples": len(x),
        "opentsne": metadata.version("openTSNE"),
    }
    return Task(
        labels={"data": data, "seed": seed},
        key=with_data(key, config.data) if data == "MNIST-1D" else key,
        cost=len(x),
        inputs={"x": x, "labels": labels},
    )


def embedder(config: Config) -> Runner:
    """Return the runner of embeddings."""

    def run_tasks(
        tasks: Sequence[Task], _: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        installed = metadata.version("openTSNE")
        for task in tasks:
            if installed != task.key["opentsne"]:
                raise ClusterError(
                    f"this worker has openTSNE {installed} and should have "
                    f"{task.key['opentsne']}; install the same everywhere"
                )
            yield (
                task,
                embed(
                    **task.inputs,
                    config=config,
                    seed=task.labels["seed"],
                    n_threads=count_cores(),
                    on_step=on_step,
                ),
            )

    return run_tasks


def _bars(tasks: Sequence[Task], n_steps: int, progress: Progress) -> OnProgress:
    """Return a function that reports the steps of embeddings, with one bar per data set."""
    done = dict.fromkeys(tasks, 0)

    def note(group: Sequence[Task], n_done: int, _: int) -> None:
        for task in group:
            done[task] = n_done
            data = task.labels["data"]
            of_data = [n for each, n in done.items() if each.labels["data"] == data]
            progress(f"{data} (steps)", sum(of_data), n_steps * len(of_data))

    return note


def _labelled(
    config: Config, data: str, embedded: Sequence[tuple[Task, Arrays]], labels: np.ndarray
) -> xr.Dataset:
    """Return the result of a data set, with its prefix."""
    result = assemble(
        embedded,
        coords={
            "seed": np.arange(len(embedded)),
            "digit": np.arange(10),
            "iteration": np.arange(STEPS_PER_LOG, config.n_iterations + 1, STEPS_PER_LOG),
        },
        dims={
            "divergence": ("seed", "iteration"),
            **dict.fromkeys(PER_DIGIT, ("seed", "digit")),
            **dict.fromkeys(PER_SEED + TIMES, ("seed",)),
        },
    )
    (first,) = (arrays for task, arrays in embedded if task.labels["seed"] == 0)
    result = result.assign(embedding=(("sample", "axis"), first["embedding"])).assign_coords(
        label=("sample", labels.astype(np.uint8))
    )
    own = {*result.variables, "sample"} - {"digit", "iteration"}
    return result.rename({name: f"{PREFIX[data]}{name}" for name in own})
