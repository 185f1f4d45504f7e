"""Masks: which parameters of a network are kept.

A mask is a tree like the network's own, of Booleans in place of numbers, True for kept. It is made
on the host, layer by layer. A layer is one vector: its weights row by row (output unit by output
unit), then its biases, as biases are pruned too.

Source: Greydanus & Kobak (2024), section 5.1, and its notebook.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from numpy.typing import NDArray

from mnist1d.models.layers import Convolution, Linear

Matrix = NDArray[np.bool_]
LAYERS = (Linear, Convolution, eqx.nn.Linear, eqx.nn.Conv)
"""The layers that can be pruned; each has weights, and biases or none."""


def full_mask(network: Any) -> Any:
    """Return the mask that keeps everything.

    >>> from mnist1d.models import MLP
    >>> sparsity(full_mask(MLP(hidden_size=4, key=jax.random.key(0))))
    0.0
    """
    return jax.tree.map(lambda values: np.ones(values.shape, bool), network)


def magnitude_mask(network: Any, fraction: float) -> Any:
    """Return the mask that drops the smallest parameters of every layer.

    Parameters that are masked already are exactly 0, and so are dropped first: masks of growing
    sparsity are nested.

    Args:
        network: any tree of affine maps and convolutions, trained, with its dropped parameters
            at 0.
        fraction: share of every layer's parameters to drop, 0 to 1; rounded down to whole ones.

    >>> from mnist1d.models import MLP
    >>> mask = magnitude_mask(MLP(hidden_size=50, key=jax.random.key(0)), 0.9)
    >>> round(sparsity(mask), 2), round(sparsity(mask.hidden), 2)
    (0.9, 0.9)
    """
    return _by_layer(lambda values: _keep_largest(np.abs(values), fraction), network)


def random_mask(network: Any, fraction: float, rng: np.random.Generator) -> Any:
    """Return a mask that drops the same share of every layer at random.

    Args:
        network: any tree of layers, as for `magnitude_mask`; only its shapes matter.
        fraction: share of every layer's parameters to drop, 0 to 1; rounded down to whole ones.
        rng: source of randomness.

    >>> from mnist1d.models import MLP
    >>> network = MLP(hidden_size=50, key=jax.random.key(0))
    >>> round(sparsity(random_mask(network, 0.9, np.random.default_rng(0))), 2)
    0.9
    """
    return _by_layer(lambda values: _keep_largest(rng.random(values.shape), fraction), network)


def masked(network: Any, mask: Any) -> Any:
    """Return the network with the parameters that the mask drops at 0; traceable.

    >>> from mnist1d.models import MLP
    >>> network = MLP(hidden_size=4, key=jax.random.key(0))
    >>> nothing = jax.tree.map(lambda kept: kept & False, full_mask(network))
    >>> float(abs(masked(network, nothing)(jax.numpy.ones(40))).max())
    0.0
    """
    return jax.tree.map(lambda values, kept: jax.numpy.where(kept, values, 0), network, mask)


def sparsity(mask: Any) -> float:
    """Return the share of parameters that a mask, or a part of one, drops.

    >>> sparsity([np.array([True, False]), np.array([True, True])])
    0.25
    """
    leaves = jax.tree.leaves(mask)
    return 1 - sum(int(leaf.sum()) for leaf in leaves) / sum(leaf.size for leaf in leaves)


def pack(mask: Any) -> NDArray[np.uint8]:
    """Return the bits of a mask, eight to a byte, to be stored.

    >>> from mnist1d.models import MLP
    >>> network = MLP(hidden_size=4, key=jax.random.key(0))
    >>> mask = random_mask(network, 0.5, np.random.default_rng(0))
    >>> jax.tree.all(jax.tree.map(np.array_equal, unpack(pack(mask), network), mask))
    True
    """
    return np.packbits(np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(mask)]))


def unpack(bits: NDArray[np.uint8], network: Any) -> Any:
    """Return the mask that `pack` stored.

    Args:
        bits: what `pack` returned.
        network: one of the same shapes.

    Raises: ValueError: if there are not as many bits as the network needs.

    >>> unpack(np.packbits([True, False, True]), np.zeros((1, 3)))
    array([[ True, False,  True]])
    """
    leaves, structure = jax.tree.flatten(network)
    sizes = [leaf.size for leaf in leaves]
    if bits.size != -(-sum(sizes) // 8):
        raise ValueError(f"a mask of {sum(sizes)} parameters cannot be made of {bits.size} bytes")
    parts = np.split(np.unpackbits(bits)[: sum(sizes)].astype(bool), np.cumsum(sizes)[:-1])
    shaped = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, shaped)


def with_same_degrees(kept: Matrix, rng: np.random.Generator, n_swaps: int = 20) -> Matrix:
    """Return a random mask with as many weights for every unit, and for every input, as this one.

    Only that adjacency is left which these numbers imply. Pairs of units exchange weights that
    only one of the two has, until the mask is independent of the given one (the "curveball" chain).

    Args:
        kept: shape (units, inputs).
        rng: source of randomness.
        n_swaps: exchanges per unit.

    >>> rng = np.random.default_rng(0)
    >>> kept = rng.random((30, 40)) < 0.2
    >>> other = with_same_degrees(kept, rng)
    >>> (other.sum(0) == kept.sum(0)).all(), (other.sum(1) == kept.sum(1)).all()
    (np.True_, np.True_)
    >>> bool((other == kept).all())
    False
    """
    kept = kept.copy()
    for _ in range(n_swaps * len(kept)):
        first, second = rng.choice(len(kept), 2, replace=False)
        different = np.flatnonzero(kept[first] != kept[second])
        owners = rng.permutation(kept[first, different])
        kept[first, different], kept[second, different] = owners, ~owners
    return kept


def with_same_runs(kept: Matrix, rng: np.random.Generator) -> Matrix:
    """Return a random mask in which every unit has the same runs of neighbouring weights.

    The number of a unit's weights and their adjacency stay; the positions and the order of its runs
    are random, so that nothing else of the mask is left.

    Args:
        kept: shape (units, inputs).
        rng: source of randomness.

    >>> kept = np.array([[1, 1, 0, 0, 1, 0, 0, 0]], bool)
    >>> with_same_runs(kept, np.random.default_rng(1)).astype(int).tolist()
    [[0, 0, 1, 1, 0, 0, 1, 0]]
    """
    result = np.zeros_like(kept)
    for row, unit in zip(result, kept, strict=True):
        edges = np.flatnonzero(np.diff(np.pad(unit.astype(np.int8), 1)))
        lengths = rng.permutation(edges[1::2] - edges[::2])
        n_free = len(unit) - int(lengths.sum()) - max(0, len(lengths) - 1)
        # Runs among free zeros, all arrangements equally likely. The place of a run is the number
        # of zeros before it: free ones, and one for each earlier run, which separates the two.
        places = np.sort(rng.choice(n_free + len(lengths), len(lengths), replace=False))
        before = np.cumsum(lengths) - lengths
        for first, length in zip(places + before, lengths, strict=True):
            row[first : first + length] = True
    return result


def _keep_largest(scores: NDArray[np.floating], fraction: float) -> Matrix:
    n_dropped = int(fraction * scores.size)
    kept = np.ones(scores.shape, bool)
    kept[np.argpartition(scores, n_dropped - 1)[:n_dropped]] = False
    return kept


def _by_layer(keep: Callable[[NDArray[np.floating]], Matrix], network: Any) -> Any:
    def of_layer(layer: Any) -> Any:
        if not isinstance(layer, LAYERS):
            raise TypeError(
                "network must be made of linear and convolutional layers alone, not "
                f"{type(layer).__name__} of shape {getattr(layer, 'shape', ())} outside of one"
            )
        # Weights before biases.
        leaves, structure = jax.tree.flatten(layer)
        kept = keep(np.concatenate([np.ravel(leaf) for leaf in leaves]))
        parts = np.split(kept, np.cumsum([leaf.size for leaf in leaves])[:-1])
        shaped = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
        return jax.tree.unflatten(structure, shaped)

    return jax.tree.map(of_layer, network, is_leaf=lambda node: isinstance(node, LAYERS))
