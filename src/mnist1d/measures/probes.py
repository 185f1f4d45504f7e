"""Probes of a representation: linear classifiers, nearest neighbours, neighbourhood purity.

Representations are arrays of shape (samples, features) here, as in scikit-learn.
"""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

GRADIENT = 0.01
"""Largest entry of the gradient of the summed loss at which a fit has converged.

The published `tol=0.01`, which scikit-learn applied to the sum until version 1.3.
"""

CURVATURE = 0.1
"""The value that `fit_linear` assumes for p (1 - p) of predicted probabilities."""

N_NEIGHBOURS = 10


def linear_accuracy(x: Array, y: Array, x_test: Array, y_test: Array) -> float:
    """Fit a linear classifier with scikit-learn and score it on the test part.

    Features are standardised on the training part, then `LogisticRegression` is fitted with its
    defaults (L2 of strength 1, L-BFGS) until it has converged as published. From version 1.4 on the
    tolerance is one of the mean loss, so the published 0.01 is divided by the number of samples.

    Args:
        x: training part, shape (samples, features).
        y: its labels, shape (samples,).
        x_test: test part.
        y_test: its labels.

    Returns: accuracy, in [0, 1].
    Source: Greydanus & Kobak (2024), section 5.5, and its notebook.

    >>> x, y = np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([0, 0, 1, 1])
    >>> linear_accuracy(x, y, x, y)
    1.0
    """
    preprocessing = import_module("sklearn.preprocessing")
    linear_model = import_module("sklearn.linear_model")
    scaler = preprocessing.StandardScaler().fit(x)
    probe = linear_model.LogisticRegression(tol=GRADIENT / len(x), max_iter=1000)
    probe.fit(scaler.transform(x), y)
    return float(probe.score(scaler.transform(x_test), y_test))


def quick_linear_accuracy(x: Array, y: Array, x_test: Array, y_test: Array) -> float:
    """Fit the classifier of `linear_accuracy` several times faster, and score it.

    The same convex loss is minimised, in coordinates in which features are uncorrelated: L-BFGS
    then needs fewer iterations, and they cost less. It stops within a ten-thousandth of the least
    loss, which may change the class of single test samples.

    Args:
        x: training part, shape (samples, features).
        y: its labels, shape (samples,), integers from 0.
        x_test: test part.
        y_test: its labels.

    Returns: accuracy, in [0, 1].

    >>> x, y = np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([0, 0, 1, 1])
    >>> quick_linear_accuracy(x, y, x, y)
    1.0
    """
    scaler = import_module("sklearn.preprocessing").StandardScaler().fit(x)
    weights, intercepts = fit_linear(scaler.transform(x), y)
    scores = scaler.transform(x_test) @ weights + intercepts
    return float((scores.argmax(axis=1) == y_test).mean())


def fit_linear(x: Array, y: Array) -> tuple[Array, Array]:
    """Minimise summed cross-entropy + |weights|^2 / 2, as `LogisticRegression()` does.

    Args:
        x: standardised features, shape (samples, features).
        y: labels, shape (samples,), integers from 0, each class at least once.

    Returns: weights, shape (features, classes), and intercepts, shape (classes,), whose loss is
        within about a ten-thousandth of the least.

    >>> x, y = np.array([[-1.0], [0.0], [1.0]]), np.arange(3)
    >>> weights, intercepts = fit_linear(x, y)
    >>> from sklearn.linear_model import LogisticRegression
    >>> fitted = LogisticRegression(tol=1e-6).fit(x, y)
    >>> bool(np.abs(weights.T - fitted.coef_).max() < 0.02)
    True
    """
    x = np.asarray(x, np.float32)
    n, n_features = x.shape
    n_classes = int(y.max()) + 1
    rows = np.arange(n)
    # The Hessian is the features' products times p (1 - p); to choose coordinates, a typical value
    # of the latter suffices.
    values, vectors = np.linalg.eigh(x.T @ x)
    scale = 1 / np.sqrt(CURVATURE * np.maximum(values, 0) + 1)
    intercept_scale = 1 / np.sqrt(CURVATURE * n)
    turned = np.empty((n_features + 1, n), np.float32)
    turned[:-1] = (vectors * scale).T.astype(np.float32) @ x.T
    turned[-1] = intercept_scale
    penalty = np.append(scale**2, 0)
    by_sample = np.ascontiguousarray(turned.T)

    def loss(flat: Array) -> tuple[float, Array]:
        parameters = flat.reshape(n_classes, -1)
        # Classes first: sums over ten rows are several times faster than over ten columns.
        logits = parameters.astype(np.float32) @ turned
        logits -= logits.max(axis=0)
        own = logits[y, rows]
        np.exp(logits, out=logits)
        sums = logits.sum(axis=0)
        penalised = penalty * parameters
        value = (np.log(sums) - own).sum(dtype=np.float64) + 0.5 * (penalised * parameters).sum()
        logits /= sums
        logits[y, rows] -= 1
        return float(value), (logits @ by_sample + penalised).ravel()

    fitted = import_module("scipy.optimize").minimize(
        loss,
        np.zeros(n_classes * (n_features + 1)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000, "gtol": GRADIENT, "ftol": 0.0},
    )
    parameters = fitted.x.reshape(n_classes, -1).T
    return vectors @ (scale[:, None] * parameters[:-1]), parameters[-1] * intercept_scale


def knn_accuracy(
    x: Array, y: Array, x_test: Array, y_test: Array, *, metric: str = "cosine"
) -> float:
    """Classify the test part by the ten nearest neighbours in the training part.

    Args:
        x: training part, shape (samples, features).
        y: its labels, shape (samples,).
        x_test: test part.
        y_test: its labels.
        metric: "cosine", or "euclidean", as in the paper for pixels.

    Returns: accuracy, in [0, 1].
    Source: Greydanus & Kobak (2024), section 5.5, and its notebook.

    >>> x = np.repeat([[1.0, 0.0], [0.0, 1.0]], 10, axis=0)
    >>> knn_accuracy(x, np.repeat([3, 7], 10), 5 * x[[0, 10]], np.array([3, 7]))
    1.0
    """
    make = import_module("sklearn.neighbors").KNeighborsClassifier
    neighbours = make(n_neighbors=N_NEIGHBOURS, metric=metric)
    return float(neighbours.fit(x, y).score(x_test, y_test))


def neighbourhood_purity(points: Array, labels: Array, n_classes: int = 10) -> Array:
    """Return the purity of each class: 1 if it is isolated, its share of the points if mixed.

    The purity of a point is the share of its ten nearest neighbours that have its label; that of a
    class is the mean over its points.

    Args:
        points: shape (points, dimensions), more than ten of them.
        labels: shape (points,), integers from 0 to `n_classes` - 1.
        n_classes: number of classes.

    Returns: shape (n_classes,); NaN for a class without points.

    >>> points = np.concatenate([np.arange(20.0), 100 + np.arange(20.0)])[:, None]
    >>> neighbourhood_purity(points, np.repeat([0, 1], 20), 2)
    array([1., 1.])
    """
    make = import_module("sklearn.neighbors").NearestNeighbors
    neighbours = make(n_neighbors=N_NEIGHBOURS).fit(points)
    _, rows = neighbours.kneighbors()  # of the points themselves, none its own neighbour
    own = (labels[rows] == labels[:, None]).mean(axis=1)
    of_class = labels == np.arange(n_classes)[:, None]
    counts = of_class.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return (of_class * own).sum(axis=1) / counts
