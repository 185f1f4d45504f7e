"""Neural collapse: how near last-layer features and weights are to a simplex of equal angles.

Late in the training of a classifier that fits its labels, the features of a class become one point,
the class means the corners of a simplex around their mean, the rows of the last layer point to
them, and the nearest corner decides. Each of the four is a number here, 0 where it is complete.

Source: Papyan, Han & Donoho (2020), Prevalence of neural collapse during the terminal phase of deep
learning training, PNAS 117(40), arXiv:2008.08186.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Collapse(NamedTuple):
    """The four properties of neural collapse; 0 where one is complete.

    Attributes:
        variability: NC1, the variance of features within classes relative to that of class means,
            direction by direction; 0 if every class is a point.
        norms: NC2, by how much the lengths of centred class means differ: standard deviation over
            mean.
        angles: NC2, how far cosines of two centred class means are from those of a simplex,
            -1 / (classes - 1): mean absolute difference, 0 to 2.
        duality: NC3, squared distance of the last layer's weights from the centred class means,
            both scaled to length 1; 0 to 4.
        disagreement: NC4, share of examples that the last layer puts into another class than the
            nearest class mean does; 0 to 1.
    """

    variability: Array
    norms: Array
    angles: Array
    duality: Array
    disagreement: Array


def neural_collapse(
    h: Float[Array, "n features"],
    y: Int[Array, " n"],
    weight: Float[Array, "classes features"],
    bias: Float[Array, " classes"],
) -> Collapse:
    """Measure neural collapse of the last layer of a classifier.

    Every class has the same weight, whatever its number of examples. Zero features change nothing,
    so that padded networks have the numbers of those without.

    Args:
        h: inputs of the last layer.
        y: labels of the examples, those that it was trained on, 0 to classes - 1; every class at
            least once.
        weight: of the last layer, whose outputs are `weight @ h + bias`.
        bias: of the last layer.

    Returns: five numbers of shape (); NaN if a class has no example, or all means are the same.
    Raises: ValueError: if there are fewer than two classes, or shapes do not fit, naming them.
    Source: Papyan, Han & Donoho (2020), Figures 6 (NC1), 2 (norms), 4 (angles), 5 (NC3), 7 (NC4).

    >>> corners = jnp.eye(3) - 1 / 3  # a simplex of three points around zero
    >>> found = neural_collapse(jnp.repeat(corners, 4, axis=0), jnp.arange(12) // 4, corners,
    ...                         jnp.zeros(3))
    >>> [round(float(abs(each)), 4) for each in found]
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    if len(weight) < 2 or weight.shape != (len(bias), h.shape[1]) or len(h) != len(y):
        raise ValueError(
            "weight must have a row for each of two classes or more, and a column for each "
            f"feature, got h {h.shape}, y {y.shape}, weight {weight.shape}, bias {bias.shape}"
        )
    n_classes = len(weight)
    members = jax.nn.one_hot(y, n_classes, dtype=h.dtype)
    counts = members.sum(axis=0)
    shares = members / counts[None]
    means = shares.T @ h
    centred = means - means.mean(axis=0)[None]
    lengths = jnp.linalg.norm(centred, axis=1)
    found = Collapse(
        _variability(h - members @ means, shares, centred),
        lengths.std() / lengths.mean(),
        _angles(centred / lengths[:, None]),
        ((_scaled(weight) - _scaled(centred)) ** 2).sum(),
        _disagreement(h @ weight.T + bias[None], h, means, shares),
    )
    # Compiled, zero divided by zero may have become zero.
    is_complete = (counts > 0).all()
    return Collapse(*(jnp.where(is_complete, each, jnp.nan) for each in found))


def _variability(
    residuals: Float[Array, "n features"],
    shares: Float[Array, "n classes"],
    centred: Float[Array, "classes features"],
) -> Float[Array, ""]:
    """Return the trace of (covariance within) (covariance between)^+ / classes."""
    n_classes = len(centred)
    _, values, directions = jnp.linalg.svd(centred, full_matrices=False)
    # Centred means of n classes span n - 1 directions: the last value is nothing but rounding.
    tolerance = n_classes * jnp.finfo(values.dtype).eps
    is_spanned = (values > tolerance * values[0]) & (jnp.arange(len(values)) < n_classes - 1)
    inverse = jnp.where(is_spanned, 1 / jnp.where(is_spanned, values, 1), 0)
    in_units = (residuals @ directions.T * inverse[None]) ** 2
    # The covariance between is centred.T @ centred / classes, so that classes cancel.
    within = (shares.sum(axis=1) / n_classes) @ in_units.sum(axis=1)
    return jnp.where(values[0] > 0, within, jnp.nan)


def _angles(directions: Float[Array, "classes features"]) -> Float[Array, ""]:
    n_classes = len(directions)
    cosines = directions @ directions.T
    away = jnp.abs(cosines + 1 / (n_classes - 1))
    return jnp.where(jnp.eye(n_classes, dtype=bool), 0, away).sum() / (n_classes * (n_classes - 1))


def _scaled(matrix: Float[Array, "rows columns"]) -> Float[Array, "rows columns"]:
    return matrix / jnp.linalg.norm(matrix)


def _disagreement(
    outputs: Float[Array, "n classes"],
    h: Float[Array, "n features"],
    means: Float[Array, "classes features"],
    shares: Float[Array, "n classes"],
) -> Float[Array, ""]:
    # |h - m|^2 without |h|^2, which is the same for all means.
    distances = (means**2).sum(axis=1)[None] - 2 * h @ means.T
    disagree = outputs.argmax(axis=1) != distances.argmin(axis=1)
    found = shares.sum(axis=1) @ disagree.astype(h.dtype) / len(means)
    return jnp.where(jnp.isfinite(distances).all(), found, jnp.nan)
