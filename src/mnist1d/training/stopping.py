"""Early stopping: a run ends when its evaluations no longer improve, and keeps its best model."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Best(NamedTuple):
    """The model of the highest metric so far.

    Attributes:
        arrays: those of the model.
        metric: of it; minus infinity before the first evaluation that has a number.
        step: number of steps after which it was.
        since: number of evaluations since then.
    """

    arrays: Any
    metric: Float[Array, ""]
    step: Int[Array, ""]
    since: Int[Array, ""]


class Judged(NamedTuple):
    """What evaluations of a run with early stopping record, of the best model so far.

    Attributes:
        metric: of it; NaN if no evaluation had a number.
        step: number of steps after which it was.
    """

    metric: Float[Array, "..."]
    step: Int[Array, "..."]


def first(arrays: Any) -> Best:
    """Return the best model before the first evaluation: that of the start.

    >>> float(judged(first(jnp.ones(3))).metric)
    nan
    """
    return Best(arrays, jnp.asarray(-jnp.inf, float), jnp.int32(0), jnp.int32(0))


def with_evaluation(best: Best, arrays: Any, metric: Array, step: Array) -> Best:
    """Return the best model after an evaluation, the earlier one of two that are equal.

    >>> best = with_evaluation(first(jnp.ones(3)), jnp.zeros(3), jnp.float32(0.5), jnp.int32(10))
    >>> worse = with_evaluation(best, jnp.ones(3), jnp.float32(0.4), jnp.int32(20))
    >>> int(worse.step), int(worse.since), worse.arrays.tolist()
    (10, 1, [0.0, 0.0, 0.0])
    """
    metric = metric.astype(best.metric.dtype)
    new = Best(arrays, metric, step.astype(best.step.dtype), jnp.zeros_like(best.since))
    is_better = metric > best.metric  # which no NaN is
    return jax.tree.map(partial(jnp.where, is_better), new, best._replace(since=best.since + 1))


def judged(best: Best) -> Judged:
    """Return what an evaluation records."""
    return Judged(jnp.where(jnp.isfinite(best.metric), best.metric, jnp.nan), best.step)
