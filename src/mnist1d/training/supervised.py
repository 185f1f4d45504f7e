"""Supervised training: classification of the samples of a dataset."""

from collections.abc import Callable
from typing import Any

import jax
import optax
from jaxtyping import Array, Float

from mnist1d.models import predict
from mnist1d.training import Training, accuracy, cross_entropy, sequential_batch

DIVERGED = 1e6
"""Loss in nats from which on a run has diverged; guessing costs 2.3."""


def supervised(
    n_steps: int,
    optimizer: optax.GradientTransformation,
    *,
    batch_size: int = 100,
    batch: Callable[[Any, Any, Any], Any] | None = None,
    loss: Callable[[Float[Array, "n classes"], Array], Float[Array, ""]] = cross_entropy,
    evaluate_every: int = 0,
) -> Training:
    """Return the training of a classifier on `as_data`, evaluated by its test accuracy.

    Args:
        n_steps: number of updates.
        optimizer: an Optax transformation.
        batch_size: samples per batch, in stored order; see `sequential_batch`.
        batch: `(data, step, key) -> (x, y)`, in place of those batches.
        loss: `(logits, labels) -> scalar`.
        evaluate_every: steps between evaluations; 0 for one, after the last step.

    >>> import mnist1d
    >>> from mnist1d.models import MLP
    >>> from mnist1d.training import as_data, initialise, train_runs
    >>> keys = jax.random.split(jax.random.key(0), 3)
    >>> models = initialise(lambda key: MLP(key=key), keys)
    >>> training = supervised(200, optax.adam(0.01))
    >>> trained = train_runs(training, models, as_data(mnist1d.load()), keys=keys)
    >>> trained.history.metrics.shape, bool(trained.history.metrics.min() > 0.3)
    ((3, 1), True)
    """

    def in_order(data: Any, step: Any, _: Any) -> Any:
        return sequential_batch(data["train"], step, batch_size)

    def loss_of(model: Any, batch: tuple[Array, Array], _: Any) -> Float[Array, ""]:
        return loss(predict(model, batch[0]), batch[1])

    def evaluate(model: Any, data: Any) -> Float[Array, ""]:
        x, y = data["test"]
        return accuracy(predict(model, jax.numpy.asarray(x)), jax.numpy.asarray(y))

    return Training(
        batch=batch or in_order,
        loss=loss_of,
        optimizer=optimizer,
        n_steps=n_steps,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
    )
