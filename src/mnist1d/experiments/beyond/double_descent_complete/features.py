"""Least squares on random features, without and with a ridge: double descent without training."""

from collections.abc import Iterator, Sequence

import jax
import numpy as np

from mnist1d.execution import Arrays, OnStep, Task, one_by_one
from mnist1d.execution.blas import one_thread
from mnist1d.experiments.beyond.double_descent_complete.config import Config
from mnist1d.experiments.beyond.double_descent_complete.training import samples_of

SMALLEST = 1e-9
"""Singular values below this share of the largest count as zero."""


def random_features(x: np.ndarray, n_features: int, trial: int) -> np.ndarray:
    """Return relu of random projections of signals; more features begin with the fewer ones.

    Args:
        x: signals, shape (n, length).
        n_features: number of features.
        trial: seed of the projections, of standard normal numbers over the root of the length.

    Source: Rahimi & Recht (2007), with relu; Nakkiran et al. (2021), section 5.

    >>> random_features(np.ones((3, 40)), 5, trial=0).shape
    (3, 5)
    """
    directions = np.random.default_rng((trial, 2)).normal(size=(n_features, x.shape[1]))
    return np.maximum(x @ directions.T / np.sqrt(x.shape[1]), 0)


def fit_ridges(
    features: np.ndarray, targets: np.ndarray, others: Sequence[np.ndarray], ridges: Sequence[float]
) -> list[np.ndarray]:
    """Fit targets by least squares with every ridge, and predict those of other samples.

    The fit has an intercept, which is not penalised. Without a ridge it is the one of the smallest
    coefficients, the limit of ever smaller ridges.

    Args:
        features: shape (n, features).
        targets: shape (n, outputs).
        others: features of other samples, shape (m, features) each.
        ridges: penalties on the squared coefficients, as shares of n; 0 for none.

    Returns: for each of `others` predictions of shape (ridges, m, outputs).

    >>> x = np.arange(4.0)[:, None]
    >>> (found,) = fit_ridges(x, 2 * x + 1, [np.array([[10.0]])], [0, 1e9])
    >>> found.round(6).ravel().tolist()  # a line; and no more than the mean
    [21.0, 4.0]
    """
    center, mean = features.mean(axis=0), targets.mean(axis=0)
    left, values, directions = np.linalg.svd(features - center, full_matrices=False)
    is_used = values > SMALLEST * values[0]
    left, values, directions = left[:, is_used], values[is_used], directions[is_used]
    explained = left.T @ (targets - mean)
    penalties = len(features) * np.asarray(ridges, float)[:, None]
    shrunk = (values / (values**2 + penalties))[:, :, None] * explained
    return [(other - center) @ directions.T @ shrunk + mean for other in others]


class Fitter:
    """Fits random features with every ridge.

    The arrays of a fit are of shape (ridges,): `validation_loss` and `test_loss`, the squared
    distance of the outputs from labels as 0 and 1, mean over samples, and `train_error`,
    `validation_error` and `test_error`, fractions.

    Args:
        config: the settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def __call__(
        self, tasks: Sequence[Task], device: jax.Device | None, on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Fit the features of every task."""
        del device
        return one_by_one(tasks, self._fit, on_step)

    def _fit(self, task: Task) -> Arrays:
        key = task.key
        parts = samples_of(self._config, key["trial"]).parts
        samples = {name: (part.x, part.y) for name, part in parts.items()}
        x_train, y_train = samples["train"]
        samples["train"] = x_train[: key["n_samples"]], y_train[: key["n_samples"]]
        n_classes = self._config.data.n_classes
        features = {
            name: random_features(x, key["n_features"], key["trial"])
            for name, (x, _) in samples.items()
        }
        targets = {name: np.eye(n_classes)[y] for name, (_, y) in samples.items()}
        with one_thread():
            found = fit_ridges(
                features["train"], targets["train"], list(features.values()), key["ridges"]
            )
        arrays: dict[str, np.ndarray] = {}
        for (name, (_, y)), outputs in zip(samples.items(), found, strict=True):
            arrays[f"{name}_error"] = (outputs.argmax(axis=2) != y).mean(axis=1)
            arrays[f"{name}_loss"] = ((outputs - targets[name]) ** 2).sum(axis=2).mean(axis=1)
        return arrays
