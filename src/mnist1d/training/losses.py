"""Losses and accuracy of classification, and losses of contrastive learning."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int


def cross_entropy(logits: Float[Array, "n classes"], labels: Int[Array, " n"]) -> Float[Array, ""]:
    """Mean softmax cross-entropy in nats.

    >>> cross_entropy(jnp.zeros((2, 10)), jnp.array([3, 7])).round(4)
    Array(2.3026, dtype=float32)
    """
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def squared_error(outputs: Float[Array, "n classes"], labels: Int[Array, " n"]) -> Float[Array, ""]:
    """Half the squared distance of outputs from labels as 0 and 1, mean over examples.

    Source: Cohen et al. (2021), arXiv:2103.00065, in their code.

    >>> squared_error(jnp.zeros((2, 10)), jnp.array([3, 7]))
    Array(0.5, dtype=float32)
    """
    targets = jax.nn.one_hot(labels, outputs.shape[1], dtype=outputs.dtype)
    return ((outputs - targets) ** 2).sum(axis=1).mean() / 2


def accuracy(logits: Float[Array, "n classes"], labels: Int[Array, " n"]) -> Float[Array, ""]:
    """Fraction of examples whose largest logit is the label's, in [0, 1].

    The result is NaN if no loss can be computed from the logits, because some are not finite or
    differ by more than the largest number.

    >>> accuracy(jnp.array([[0., 1.], [1., 0.]]), jnp.array([1, 1]))
    Array(0.5, dtype=float32)
    """
    correct = (logits.argmax(axis=1) == labels).mean(dtype=logits.dtype)
    return jnp.where(jnp.isfinite(jnp.ptp(logits, axis=1)).all(), correct, jnp.nan)


def info_nce(
    first: Float[Array, "features n"], second: Float[Array, "features n"], temperature: float
) -> Float[Array, ""]:
    """InfoNCE of two views in one direction, from half the batch: the published loss, in nats.

    For every first view, its own second view has to be identified among all n of them; first views
    are no candidates. Chance level is log n.

    Args:
        first: outputs for the first views, one column per sample, of any length but 0.
        second: outputs for the second views.
        temperature: divides the cosine similarities, above 0.

    Source: Greydanus & Kobak (2024), the notebook of section 5.5.

    >>> info_nce(jnp.ones((2, 100)), jnp.ones((2, 100)), 0.5).round(3)
    Array(4.605, dtype=float32)
    """
    similarities = _normalised(first).T @ _normalised(second) / temperature
    return (jax.nn.logsumexp(similarities, axis=1) - jnp.diagonal(similarities)).mean()


def nt_xent(
    first: Float[Array, "features n"], second: Float[Array, "features n"], temperature: float
) -> Float[Array, ""]:
    """NT-Xent of two views, the full loss of SimCLR, in nats.

    For every one of the 2 n views, its partner has to be identified among all 2 n - 1 others.
    Chance level is log(2 n - 1).

    Args:
        first: outputs for the first views, one column per sample, of any length but 0.
        second: outputs for the second views.
        temperature: divides the cosine similarities, above 0.

    Source: Chen et al. (2020), equation 1.

    >>> nt_xent(jnp.ones((2, 100)), jnp.ones((2, 100)), 0.5).round(3)
    Array(5.293, dtype=float32)
    """
    n = first.shape[1]
    views = _normalised(jnp.concatenate([first, second], axis=1))
    similarities = views.T @ views / temperature
    others = jnp.where(jnp.eye(2 * n, dtype=bool), -jnp.inf, similarities)
    partners = jnp.concatenate([jnp.diagonal(similarities, n)] * 2)
    return (jax.nn.logsumexp(others, axis=1) - partners).mean()


def _normalised(outputs: Float[Array, "features n"]) -> Float[Array, "features n"]:
    """Scale columns to length 1; with PyTorch's lower bound of the norm, zeros stay zeros."""
    squares = (outputs**2).sum(axis=0, keepdims=True)
    return outputs * jax.lax.rsqrt(jnp.maximum(squares, 1e-24))
