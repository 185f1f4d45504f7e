"""Checks of a candidate's models and predictions, with errors that say what was expected."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from mnist1d.lab.candidates.contract import CandidateError, Schedule, Sets

SHORT = 2
"""Steps of the trial run of a candidate, if a run has so many."""

OTHER_LOSS = (
    ": a model returns logits alone, and what has a further loss, such as that of a router or of a "
    "reconstruction, is written as a training function"
)
"""What to write in place of a model that returns several things."""

_FEW = 200


class Predicted(NamedTuple):
    """The predictions of a candidate.

    Attributes:
        classes: shape (n,), int64.
        finite: False if the candidate returned logits some of which are not finite.
    """

    classes: NDArray[np.int64]
    finite: bool


def few_of(sets: Sets, schedule: Schedule) -> tuple[Sets, Schedule]:
    """Return a few samples and steps, enough to see whether a candidate works.

    >>> x, y = np.zeros((4000, 40), np.float32), np.zeros(4000, np.int64)
    >>> few, short = few_of(Sets(x, y, {"validation": x}, y), Schedule())
    >>> few.x.shape, short
    ((200, 40), Schedule(n_steps=2, batch_size=100, evaluate_every=1))
    """
    batch_size = min(schedule.batch_size, len(sets.x))
    n = min(max(1, _FEW // batch_size) * batch_size, len(sets.x) // batch_size * batch_size)
    evaluated = {name: x[:_FEW] for name, x in sets.evaluated.items()}
    few = Sets(sets.x[:n], sets.y[:n], evaluated, sets.y_validation[:_FEW], sets.n_classes)
    n_steps = min(SHORT, schedule.n_steps)
    # Evaluated after every step, as one that follows an evaluation may fail.
    return few, Schedule(n_steps, batch_size, evaluate_every=1)


def as_predicted(output: Any, n: int, n_classes: int) -> Predicted:
    """Return the predictions of a candidate for n signals from its output: classes or logits.

    Args:
        output: classes, shape (n,), or logits, shape (n, classes); anything NumPy can read.
        n: number of signals.
        n_classes: how many classes there are.

    Raises: CandidateError: if it is neither, with what was expected and what was returned.

    >>> as_predicted([[0.1, 0.9], [0.8, 0.2]], 2, 2).classes
    array([1, 0])
    >>> as_predicted([0, 7], 2, 2)
    Traceback (most recent call last):
        ...
    mnist1d.lab.candidates.contract.CandidateError: expected classes from 0 to 1, got 7
    """
    expected = f"expected classes of shape ({n},) or logits of shape ({n}, {n_classes})"
    try:
        values = np.asarray(output)
    except Exception as error:  # a user's object may raise anything when it is read
        raise CandidateError(f"{expected}, got what is no array: {error}") from error
    if values.dtype.kind not in "biuf":
        raise CandidateError(f"{expected}, got {type(output).__name__} of type {values.dtype}")
    if values.shape == (n,):
        return Predicted(_as_labels(values, n_classes), finite=True)
    if values.shape == (n, n_classes):
        return Predicted(values.argmax(axis=1), bool(np.isfinite(values).all()))
    raise CandidateError(f"{expected}, got shape {values.shape}")


def describe_error(error: BaseException) -> str:
    """Return an exception as one line.

    >>> describe_error(KeyError("x"))
    "KeyError: 'x'"
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def describe(error: BaseException) -> str:
    """Say what a candidate raised, in a line; a `CandidateError` says it itself.

    >>> describe(ValueError("no"))
    'expected to train and predict, and raised ValueError: no'
    """
    if isinstance(error, CandidateError):
        return str(error)
    return f"expected to train and predict, and raised {describe_error(error)}"


def _as_labels(values: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    # These comparisons are also false for values that are not finite.
    wrong = values[~((values >= 0) & (values < n_classes) & (values == np.floor(values)))]
    if wrong.size:
        raise CandidateError(f"expected classes from 0 to {n_classes - 1}, got {wrong[0]}")
    return values.astype(np.int64)


def varies_beyond_arrays(model: Any, again: Any, other: Any) -> bool:
    """Return whether something in a model that is no array depends on the key.

    Args:
        model: made with a key.
        again: made with the same key. Parts that differ here do not depend on the key, such as a
            function that every model defines again.
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
    """Return shapes and types of a model's arrays; and its structure with all other leaves."""
    arrays, static = eqx.partition(model, eqx.is_array)
    shapes = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(arrays)]
    leaves, structure = jax.tree.flatten(static)
    return [len(leaves), *shapes], [structure, *leaves]


def _same(first: Any, second: Any) -> bool:
    try:
        return first is second or bool(np.all(first == second))
    except Exception:  # noqa: BLE001 (a user's objects may raise anything: they cannot be compared)
        return True


def _equal(first: Array, second: Array) -> bool:
    if jnp.issubdtype(first.dtype, jax.dtypes.prng_key):
        first, second = jax.random.key_data(first), jax.random.key_data(second)
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=True)


def are_equal(first: Any, second: Any) -> bool:
    """Return whether two pytrees of arrays, keys among them, hold the same numbers."""
    return all(map(_equal, jax.tree.leaves(first), jax.tree.leaves(second)))


@contextmanager
def explained(expected: str, key_hint: str = "") -> Iterator[None]:
    """Turn an exception of a candidate into a `CandidateError` that says what was expected.

    Args:
        expected: what the model was expected to do.
        key_hint: what to write if a key was missing.
    """
    try:
        yield
    except CandidateError:
        raise
    except (Exception, SystemExit) as error:  # a user's model may raise anything
        hint = key_hint if re.search(r"\bkey\b", str(error)) else ""
        raise CandidateError(
            f"the model was expected {expected}, and raised {describe_error(error)}{hint}"
        ) from error
