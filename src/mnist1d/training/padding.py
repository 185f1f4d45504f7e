"""Padding of models to a common size, so that models of several sizes train as one program."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree


def pad_model(model: PyTree, larger: PyTree) -> PyTree:
    """Add zero units to a model until it has the shapes of a larger one of its architecture.

    With relu the added parameters stay exactly zero under gradient descent: the input of an added
    unit is 0, where relu and its derivative are 0, and its output is multiplied by 0. Outputs and
    training of the padded model therefore equal those of the model, up to rounding.

    Args:
        model: any pytree of arrays, here an MLP or a CNN.
        larger: one of the same structure with arrays, or shapes, at least as long on every axis.

    Returns: the padded model; NumPy's arrays stay NumPy's.
    Raises: ValueError: if an array does not fit, naming both shapes.

    >>> from mnist1d.models import MLP, count_parameters
    >>> small, large = (MLP(hidden_size=n, key=jax.random.key(0)) for n in (3, 5))
    >>> padded = pad_model(small, large)
    >>> x = jnp.ones(40)
    >>> padded.second.weight.shape, bool(jnp.allclose(padded(x), small(x)))
    ((5, 5), True)
    """

    def pad(leaf: Any, target: Any) -> Any:
        widths = [(0, long - short) for short, long in zip(leaf.shape, target.shape, strict=False)]
        if len(leaf.shape) != len(target.shape) or any(more < 0 for _, more in widths):
            raise ValueError(f"an array of shape {leaf.shape} does not fit into {target.shape}")
        # On the host, where JAX would compile a program for every shape.
        return np.pad(leaf, widths) if isinstance(leaf, np.ndarray) else jnp.pad(leaf, widths)

    return jax.tree.map(pad, model, larger)
