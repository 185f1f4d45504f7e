"""Probing and embedding what encoders have learnt; every encoder is a task of its own."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import jax
import numpy as np

from mnist1d.dataset import Dataset, generate
from mnist1d.execution.blas import one_thread
from mnist1d.execution.work import Result, Told, Work
from mnist1d.experiments.self_supervised.measures import N_LAYERS
from mnist1d.experiments.self_supervised.training import (
    BACKBONE,
    Run,
    Schedule,
    Signals,
    about_signals,
    all_signals,
    as_encoder,
    initial_encoder,
    outputs_of_layers,
)
from mnist1d.measures.probes import knn_accuracy, linear_accuracy, quick_linear_accuracy


class Trained(NamedTuple):
    """A run that has been trained.

    Attributes:
        run: which.
        weights: of the evaluations, shape (evaluations, parameters).
    """

    run: Run
    weights: np.ndarray


@dataclass(frozen=True)
class ProbeWork(Work[Trained]):
    """Fitting linear classifiers and nearest neighbours on what an encoder makes of the signals.

    The arrays of a run are `during`, shape (evaluations, 2), accuracies of the linear probe before
    the head and of the neighbours at the output; `table`, shape (layers,), accuracies of the linear
    probe of every layer but the input, after the last step; `probe_seconds` and `table_seconds`.
    Of seed 0 there is another unit before it, the outputs of all layers: `layer_1` and so on, and
    `label`.

    Attributes:
        schedule: of training.
        signals: what was trained on.
        samples: probes are fitted on the first so many of the training part.
    """

    schedule: Schedule
    signals: Signals
    samples: int

    def start(self) -> "Prober":
        """Generate the dataset."""
        return Prober(generate(self.signals.data), self.samples)

    def keys(self, task: Trained) -> Sequence[Mapping[str, Any]]:
        """Return what determines the units of a run."""
        common = {**vars(self.schedule), **about_signals(self.signals), **task.run._asdict()}
        probes = {"what": "probes", **common, "samples": self.samples}
        outputs = {"what": "representations", **common}
        return [probes] if task.run.seed else [outputs, probes]

    def cost(self, task: Trained) -> float:
        """Return the number of layers."""
        return N_LAYERS[task.run.variant]


class Prober:
    """Probes encoders.

    Args:
        dataset: on whose training part probes are fitted, and on whose test part they are scored.
        samples: probes are fitted on the first so many of the training part.
    """

    def __init__(self, dataset: Dataset, samples: int) -> None:
        self._signals, self._samples, self._n_train = all_signals(dataset), samples, len(dataset.x)
        self._labels, self._test_labels = dataset.y, dataset.y_test

    def __call__(
        self, tasks: Sequence[Trained], device: jax.Device, told: Told
    ) -> Iterator[tuple[Trained, Result]]:
        """Probe runs, one after the other."""
        # Every thread has a core to itself; libraries with threads of their own get in the way.
        with one_thread():
            yield from self._probe(tasks, device, told)

    def _probe(
        self, tasks: Sequence[Trained], device: jax.Device, told: Told
    ) -> Iterator[tuple[Trained, Result]]:
        for number, task in enumerate(tasks, start=1):
            run, weights = task
            with jax.default_device(device):
                clock = time.perf_counter()
                during = []
                for vector in weights:
                    outputs = outputs_of_layers(as_encoder(run.variant, vector), self._signals)
                    linear = self.score(quick_linear_accuracy, outputs[BACKBONE])
                    during.append((linear, self.score(knn_accuracy, outputs[-1])))
                probed = time.perf_counter()
                # The last outputs are the final ones.
                table = [self.score(linear_accuracy, layer) for layer in outputs[1:]]
            arrays = {
                "during": np.array(during),
                "table": np.array(table),
                "probe_seconds": np.array(probed - clock),
                "table_seconds": np.array(time.perf_counter() - probed),
            }
            stored = {f"layer_{i}": layer for i, layer in enumerate(outputs[1:], start=1)}
            stored["label"] = np.concatenate([self._labels, self._test_labels])
            told(number)
            yield task, [arrays] if run.seed else [stored, arrays]

    def score_pixels(self) -> tuple[float, float]:
        """Return the accuracies of the linear probe and of the neighbours on the signals."""
        nearest = partial(knn_accuracy, metric="euclidean")
        return self.score(linear_accuracy, self._signals), self.score(nearest, self._signals)

    def score(self, fit: Callable[..., float], x: np.ndarray) -> float:
        """Fit on the training part and score on the test part; what diverged has no accuracy."""
        if not np.isfinite(x).all():
            return np.nan
        n, test = self._samples, slice(self._n_train, None)
        return fit(x[:n], self._labels[:n], x[test], self._test_labels)


class Embedded(NamedTuple):
    """An embedding to be made.

    Attributes:
        stage: "before" or "after" training.
        seed: of the run of the default variant, and of the embedding.
        weights: after training, shape (parameters,).
    """

    stage: str
    seed: int
    weights: np.ndarray


@dataclass(frozen=True)
class EmbeddingWork(Work[Embedded]):
    """Embedding outputs in the plane by t-SNE: `points`, shape (samples, 2), and `seconds`.

    Attributes:
        schedule: of training.
        signals: what was trained on.
        samples: the first so many are embedded.
        iterations: of t-SNE.
    """

    schedule: Schedule
    signals: Signals
    samples: int
    iterations: int

    def start(self) -> "Embedder":
        """Generate the signals."""
        return Embedder(self.signals.generate()[0][: self.samples], self.iterations)

    def keys(self, task: Embedded) -> Sequence[Mapping[str, Any]]:
        """Return what determines an embedding."""
        common = {**vars(self.schedule), **about_signals(self.signals)}
        about = {"samples": self.samples, "iterations": self.iterations}
        own = {"stage": task.stage, "seed": task.seed}
        return [{"what": "embedding", **common, **own, **about}]


class Embedder:
    """Embeds what encoders make of signals.

    Args:
        signals: float32, shape (samples, length).
        iterations: of t-SNE.
    """

    def __init__(self, signals: np.ndarray, iterations: int) -> None:
        self._signals, self._iterations = signals, iterations

    def __call__(
        self, tasks: Sequence[Embedded], device: jax.Device, told: Told
    ) -> Iterator[tuple[Embedded, Result]]:
        """Make embeddings, one after the other."""
        with one_thread():
            yield from self._embed(tasks, device, told)

    def _embed(
        self, tasks: Sequence[Embedded], device: jax.Device, told: Told
    ) -> Iterator[tuple[Embedded, Result]]:
        for number, task in enumerate(tasks, start=1):
            clock = time.perf_counter()
            trained = as_encoder("default", task.weights)
            encoder = trained if task.stage == "after" else initial_encoder("default", task.seed)
            with jax.default_device(device):
                outputs = outputs_of_layers(encoder, self._signals)[-1]
            points = np.full((len(self._signals), 2), np.nan, np.float32)
            if np.isfinite(outputs).all():
                points = (
                    import_module("sklearn.manifold")
                    .TSNE(
                        metric="cosine",
                        init="random",
                        learning_rate=200.0,
                        max_iter=self._iterations,
                        random_state=task.seed,
                    )
                    .fit_transform(outputs)
                )
            told(number)
            yield task, [{"points": points, "seconds": np.array(time.perf_counter() - clock)}]
