"""What a model must be for many of them to train as one program."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from mnist1d.lab.candidates.checks import describe_error
from mnist1d.lab.candidates.contract import CandidateError


def varies_beyond_arrays(model: Any, again: Any, other: Any) -> bool:
    """Tell whether something that is no array depends on the key.

    Args:
        model: made with a key.
        again: made with the same key: what already differs here is no number, but a function that
            is made with every model, say.
        other: made with another key.
    """
    shapes, rest = zip(*map(_shapes_and_rest, (model, again, other)), strict=True)
    if shapes[0] != shapes[2]:
        return True
    return any(
        _same(one, same) and not _same(one, another)
        for one, same, another in zip(*rest, strict=False)
    )


def _shapes_and_rest(model: Any) -> tuple[list[Any], list[Any]]:
    """Return shapes and types of a model's arrays; and what else it has, with its structure."""
    arrays, static = eqx.partition(model, eqx.is_array)
    shapes = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(arrays)]
    leaves, structure = jax.tree.flatten(static)
    return [len(leaves), *shapes], [structure, *leaves]


def _same(first: Any, second: Any) -> bool:
    try:
        return first is second or bool(np.all(first == second))
    except Exception:  # noqa: BLE001 (whatever a stranger's objects raise: they cannot be compared)
        return True


def _equal(first: Array, second: Array) -> bool:
    if jnp.issubdtype(first.dtype, jax.dtypes.prng_key):
        first, second = jax.random.key_data(first), jax.random.key_data(second)
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=True)


def has_state(model: Any) -> bool:
    """Tell whether layers keep something between calls."""
    kinds = (eqx.nn.State, eqx.nn.StateIndex)
    leaves = jax.tree.leaves(model, is_leaf=lambda each: isinstance(each, kinds))
    return any(isinstance(each, kinds) for each in leaves)


def are_equal(first: Any, second: Any) -> bool:
    """Tell whether two pytrees of arrays hold the same numbers, keys among them."""
    return all(map(_equal, jax.tree.leaves(first), jax.tree.leaves(second)))


@contextmanager
def explained(expected: str) -> Iterator[None]:
    """Turn whatever a candidate raises into what was expected and what it raised."""
    try:
        yield
    except CandidateError:
        raise
    except Exception as error:  # whatever a stranger's model raises
        raise CandidateError(
            f"the model was expected {expected}, and raised {describe_error(error)}"
        ) from error
