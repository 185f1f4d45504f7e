"""Batches: a dataset in the types of training, and the examples of each step."""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, PRNGKeyArray, UInt32

from mnist1d.dataset.dataset import Dataset

Data = dict[str, tuple[np.ndarray, np.ndarray]]
"""Signals and labels by the name of their part, as "train"."""


def as_data(dataset: Dataset) -> Data:
    """Return the parts of a dataset in the types of training: float32 and int32.

    >>> import mnist1d
    >>> {name: x.shape for name, (x, y) in as_data(mnist1d.load()).items()}
    {'train': (4000, 40), 'test': (1000, 40)}
    """
    parts = dataset.parts
    return {
        name: (part.x.astype(np.float32), part.y.astype(np.int32))
        for name, part in parts.items()
        if len(part.y)
    }


def sequential_batch(data: Any, step: Int[Array, ""], batch_size: int) -> Any:
    """Take the rows from (step * batch_size) mod n on, in stored order: no shuffling.

    A batch that reaches the end continues with the first rows, so that all are taken equally often.

    Args:
        data: a pytree of arrays with a common leading size n.
        step: index of the step, from 0.
        batch_size: rows per batch, from 1 to n.

    Returns: the same pytree with leading size `batch_size`.
    Raises: ValueError: if the batch size is out of range, naming it and n.
    Source: the training loop in the authors' notebooks, which never shuffles.

    >>> import jax.numpy as jnp
    >>> sequential_batch(jnp.arange(6), jnp.asarray(4), 2)
    Array([2, 3], dtype=int32)
    >>> sequential_batch(jnp.arange(6), jnp.asarray(1), 4)
    Array([4, 5, 0, 1], dtype=int32)
    """
    n = _leading_size(data)
    if _count_batches(n, batch_size) * batch_size == n:
        start = step % (n // batch_size) * batch_size
        return jax.tree.map(
            lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, batch_size), data
        )
    # Batches repeat after so many; without it, late steps would overflow.
    n_different = n // math.gcd(n, batch_size)
    rows = (step % n_different * batch_size + jnp.arange(batch_size)) % n
    return jax.tree.map(lambda leaf: jnp.take(leaf, rows, axis=0), data)


def sequential_rows(n: int, batch_size: int) -> np.ndarray:
    """Return the rows of the batches in stored order, up to where they begin to repeat.

    Args:
        n: number of examples.
        batch_size: rows per batch, from 1 to n.

    Returns: row indices, shape (batches, batch_size): the rows that `sequential_batch` takes.
    Raises: ValueError: if the batch size is out of range, naming it and n.

    >>> sequential_rows(6, 4)
    array([[0, 1, 2, 3],
           [4, 5, 0, 1],
           [2, 3, 4, 5]])
    """
    _count_batches(n, batch_size)
    return (np.arange(math.lcm(n, batch_size)) % n).reshape(-1, batch_size)


def shuffled_order(
    n: int, batch_size: int, n_steps: int, *, key: PRNGKeyArray
) -> Int[Array, "steps batch"]:
    """Draw the rows of every step, reshuffled each epoch.

    An epoch has n // batch_size steps; its remainder, other examples in every epoch, is dropped.

    Args:
        n: number of examples.
        batch_size: rows per batch, from 1 to n.
        n_steps: number of steps; the last epoch may be cut short.
        key: for the permutations, one per epoch.

    Returns: row indices, shape (n_steps, batch_size).
    Raises: ValueError: if the batch size is out of range, naming it and n.
    Source: Greydanus & Kobak (2024), the notebook of section 5.2.

    >>> order = shuffled_order(6, 2, 5, key=jax.random.key(0))
    >>> order.shape, sorted(order[:3].ravel().tolist())
    ((5, 2), [0, 1, 2, 3, 4, 5])
    """
    n_batches = _count_batches(n, batch_size)
    keys = jax.random.split(key, math.ceil(n_steps / n_batches))
    if isinstance(keys, jax.core.Tracer):
        permutations = jax.vmap(lambda epoch_key: jax.random.permutation(epoch_key, n))(keys)
    else:
        permutations = jnp.asarray(_permutations(keys, n))
    whole = permutations[:, : n_batches * batch_size]
    return whole.reshape(-1, batch_size)[:n_steps]


def _permutations(keys: Key[Array, " epochs"], n: int) -> np.ndarray:
    """Draw the permutations of `jax.random.permutation`, sorted by NumPy, faster on a CPU.

    JAX sorts by random words several times, so that equal words do not matter.
    """
    n_rounds = math.ceil(3 * math.log(n) / math.log(2**32 - 1))
    order = np.broadcast_to(np.arange(n, dtype=np.int32), (len(keys), n))
    for words in np.asarray(_words(keys, n, n_rounds)):
        # The position in the lower bits keeps equal words in order.
        sorted_words = words.astype(np.uint64) << np.uint64(32) | np.arange(n, dtype=np.uint64)
        sorted_words.sort(axis=1)
        order = np.take_along_axis(order, sorted_words.astype(np.uint32).astype(np.int64), axis=1)
    return order


@partial(jax.jit, static_argnums=(1, 2))
def _words(keys: Key[Array, " epochs"], n: int, n_rounds: int) -> UInt32[Array, "rounds epochs n"]:
    rounds = []
    for _ in range(n_rounds):
        keys, round_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        rounds.append(jax.vmap(lambda key: jax.random.bits(key, (n,), jnp.uint32))(round_keys))
    return jnp.stack(rounds) if rounds else jnp.zeros((0, len(keys), n), jnp.uint32)


def _leading_size(data: Any) -> int:
    sizes = {len(leaf) for leaf in jax.tree.leaves(data)}
    if len(sizes) != 1:
        raise ValueError(f"data must have one common leading size, got {sorted(sizes)}")
    return sizes.pop()


def _count_batches(n: int, batch_size: int) -> int:
    if not 1 <= batch_size <= n:
        raise ValueError(
            f"batch_size must be from 1 to {n}, the number of examples, not {batch_size}"
        )
    return n // batch_size
