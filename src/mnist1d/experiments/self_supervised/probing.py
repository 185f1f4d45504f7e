"""Linear probes, nearest neighbours and t-SNE of the outputs of encoders' layers."""

import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import jax
import numpy as np

from mnist1d.dataset import generate
from mnist1d.execution import Arrays, OneByOne, Task
from mnist1d.execution.blas import one_thread
from mnist1d.experiments.self_supervised.config import BACKBONE, Config
from mnist1d.experiments.self_supervised.training import (
    all_signals,
    as_encoder,
    outputs_of_layers,
    training_signals,
)
from mnist1d.measures.probes import knn_accuracy, linear_accuracy, quick_linear_accuracy


class Evaluator(OneByOne):
    """Evaluates encoders, given weights: a `Runner` of the tasks that follow training.

    The arrays of a task depend on what it is:

    - "pixels": `pixel_linear_accuracy` and `pixel_knn_accuracy` of the signals themselves;
    - "probes": `during`, shape (evaluations, 2), accuracies of the linear probe before the head and
      of the neighbours at the output; `table`, shape (layers,), accuracies of the linear probe of
      every layer but the input, after the last step; `probe_seconds` and `table_seconds`;
    - "representations": the probed outputs `layer_1` and so on, shape (signals, features), `label`;
    - "embedding": `points`, shape (samples, 2), of the output by t-SNE, and `seconds`.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        # Before the first task, so that the limit of threads holds for their libraries, too.
        for name in ("linear_model", "manifold", "neighbors"):
            import_module(f"sklearn.{name}")
        dataset = generate(config.data)
        self._signals, self._n_train = all_signals(dataset), len(dataset.x)
        self._labels, self._test_labels = dataset.y, dataset.y_test
        self._samples = config.probed_samples
        self._embedded = training_signals(config)[0][: config.embedded_samples]
        self._iterations = config.embedding_iterations

    def _arrays(self, task: Task, device: Any) -> Arrays:
        kinds: dict[str, Callable[[Task], Arrays]] = {
            "pixels": self._pixels,
            "probes": self._probes,
            "representations": self._outputs,
            "embedding": self._embedding,
        }
        # Every core has a thread already; further threads of libraries would slow it down.
        with one_thread(), jax.default_device(device):
            return kinds[task.key["what"]](task)

    def _pixels(self, _: Task) -> Arrays:
        nearest = partial(knn_accuracy, metric="euclidean")
        return {
            "pixel_linear_accuracy": np.array(self._score(linear_accuracy, self._signals)),
            "pixel_knn_accuracy": np.array(self._score(nearest, self._signals)),
        }

    def _outputs(self, task: Task) -> Arrays:
        encoder = as_encoder(task.labels["variant"], task.inputs["weights"][-1])
        layers = outputs_of_layers(encoder, self._signals)[1:]
        return {
            "label": np.concatenate([self._labels, self._test_labels]),
            **{f"layer_{number}": layer for number, layer in enumerate(layers, start=1)},
        }

    def _probes(self, task: Task) -> Arrays:
        clock = time.perf_counter()
        during = []
        for vector in task.inputs["weights"]:
            outputs = outputs_of_layers(as_encoder(task.labels["variant"], vector), self._signals)
            linear = self._score(quick_linear_accuracy, outputs[BACKBONE])
            during.append((linear, self._score(knn_accuracy, outputs[-1])))
        probed = time.perf_counter()
        # The last outputs are the final ones.
        table = [self._score(linear_accuracy, layer) for layer in outputs[1:]]
        return {
            "during": np.array(during),
            "table": np.array(table),
            "probe_seconds": np.array(probed - clock),
            "table_seconds": np.array(time.perf_counter() - probed),
        }

    def _score(self, fit: Callable[..., float], x: np.ndarray) -> float:
        """Fit on the training part and score on the test part; NaN if the run diverged."""
        if not np.isfinite(x).all():
            return np.nan
        n, test = self._samples, slice(self._n_train, None)
        return fit(x[:n], self._labels[:n], x[test], self._test_labels)

    def _embedding(self, task: Task) -> Arrays:
        clock = time.perf_counter()
        encoder = as_encoder("default", task.inputs["weights"])
        outputs = outputs_of_layers(encoder, self._embedded)[-1]
        points = self._embed(outputs, task.labels["seed"])
        return {"points": points, "seconds": np.array(time.perf_counter() - clock)}

    def _embed(self, outputs: np.ndarray, seed: int) -> Any:
        if not np.isfinite(outputs).all():
            return np.full((len(outputs), 2), np.nan, np.float32)
        tsne = import_module("sklearn.manifold").TSNE(
            metric="cosine",
            init="random",
            learning_rate=200.0,
            max_iter=self._iterations,
            random_state=seed,
        )
        return tsne.fit_transform(outputs)
