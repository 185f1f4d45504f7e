"""Matching of hidden units: the order that brings one network nearest to another.

A network computes the same in any order of its hidden units, so two trained networks may be far
apart in weights for this reason alone. Each array of a network is described by its axes: a name for
an axis of hidden units, None for another. Axes of the same name have one order.

Sources: Entezari, Sedghi, Saukh & Neyshabur (2022), arXiv:2110.06296; Ainsworth, Hayase & Srinivasa
(2023), Git re-basin, arXiv:2209.04836, algorithm 1 (weights) and section 3.1 (activations).
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

Axes = Sequence[tuple[str | None, ...]]
"""For every array of a network, in the order of `jax.tree.leaves`, the names of its axes."""

Orders = Mapping[str, Int[np.ndarray, " units"]]
"""For every name, which unit of a network comes at every place."""


def mlp_axes(depth: int = 2, *, residual: bool = True) -> Axes:
    """Return the axes of an `MLP` of `mnist1d.models`, or of any network with arrays like its own.

    Layers that are added to each other have units in one order; else every layer has its own.

    Args:
        depth: number of hidden layers, 2 or more.
        residual: whether layers add to those before.

    >>> mlp_axes()
    (('hidden', None), ('hidden',), ('hidden', 'hidden'), ('hidden',), (None, 'hidden'), (None,))
    >>> mlp_axes(residual=False)[2]
    ('hidden 2', 'hidden 1')
    """
    names = ["hidden" if residual else f"hidden {place + 1}" for place in range(depth)]
    layers: list[tuple[str | None, str | None]] = [(names[0], None), (names[1], names[0])]
    layers.append((None, names[-1]))  # the output, which stands before further layers
    layers += zip(names[2:], names[1:], strict=False)
    return tuple(axes for out, into in layers for axes in ((out, into), (out,)))


def permuted(network: Any, axes: Axes, orders: Orders) -> Any:
    """Return a network with its hidden units in another order, which computes the same.

    Args:
        network: any pytree of arrays.
        axes: of its arrays.
        orders: for every name in `axes`, the unit of `network` that comes at each place.

    Raises: ValueError: if the axes do not fit the arrays, naming the array.

    >>> weights = [np.array([[1.0], [2.0]]), np.array([[3.0, 4.0]])]
    >>> turned = permuted(weights, [("hidden", None), (None, "hidden")], {"hidden": [1, 0]})
    >>> [each.tolist() for each in turned]
    [[[2.0], [1.0]], [[4.0, 3.0]]]
    """
    leaves, structure = jax.tree.flatten(network)
    _sizes(leaves, axes)
    turned = [
        _turned(np.asarray(leaf), names, orders) for leaf, names in zip(leaves, axes, strict=True)
    ]
    return jax.tree.unflatten(structure, turned)


def match_weights(first: Any, second: Any, axes: Axes) -> dict[str, np.ndarray]:
    """Find the order of a network's units in which its weights are nearest to another's.

    Layer by layer, the best order given those of the other layers is an assignment problem, which
    is solved exactly, over and over until no layer comes nearer: a local optimum, as the problem of
    all layers is NP-hard. The first round goes from the input to the output and compares what is in
    order already, so that a copy in another order is found exactly if no two units have the same
    weights. A name on both axes of an array makes the problem quadratic: there its linear part at
    the order so far is solved, and taken if the distance falls.

    Args:
        first: any pytree of arrays.
        second: another like it.
        axes: of the arrays of both.

    Returns: for every name, the unit of `second` that comes at each place (`permuted`).
    Raises: ValueError: if the axes do not fit the arrays, or the networks each other.

    >>> first = [np.array([[1.0], [5.0], [3.0]]), np.array([[2.0, 0.0, 1.0]])]
    >>> axes = [("hidden", None), (None, "hidden")]
    >>> copy = permuted(first, axes, {"hidden": np.array([2, 0, 1])})
    >>> order = match_weights(first, copy, axes)
    >>> order["hidden"].tolist(), permuted(copy, axes, order)[0].tolist()
    ([1, 2, 0], [[1.0], [5.0], [3.0]])
    """
    one, other = ([np.asarray(leaf, float) for leaf in jax.tree.leaves(n)] for n in (first, second))
    sizes = _sizes(one, axes)
    shapes = [[leaf.shape for leaf in leaves] for leaves in (one, other)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"both networks must have shapes {shapes[0]}, not {shapes[1]}")
    orders: dict[str, np.ndarray] = {}
    for name in sizes:  # from input to output
        gains = _gains(one, other, axes, name, orders)
        orders[name] = np.arange(sizes[name]) if gains is None else _assigned(gains)
    best, improves = _agreement(one, other, axes, orders), True
    while improves:
        improves = False
        for name in sizes:
            gains = _gains(one, other, axes, name, orders)
            if gains is None:  # it has no unit
                continue
            tried = {**orders, name: _assigned(gains)}
            agreement = _agreement(one, other, axes, tried)
            # It rises every time, so that no order comes twice and the search ends.
            if agreement > best:
                orders, best, improves = tried, agreement, True
    return orders


def match_activations(
    first: Mapping[str, Float[np.ndarray, "units values"]],
    second: Mapping[str, Float[np.ndarray, "units values"]],
) -> dict[str, np.ndarray]:
    """Find the order of a network's units in which what they compute is nearest to another's.

    Every name is an assignment problem of its own, solved exactly.

    Args:
        first: for every name, the outputs of its units on the same samples; of layers that share a
            name, those of all layers in one row.
        second: those of the other network.

    Returns: for every name, the unit of `second` that comes at each place (`permuted`).
    Raises: ValueError: if names or shapes differ.

    >>> ours, theirs = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.1, 0.9], [1.1, 0.0]])
    >>> match_activations({"hidden": ours}, {"hidden": theirs})["hidden"].tolist()
    [1, 0]
    """
    shapes = [{name: np.shape(each) for name, each in found.items()} for found in (first, second)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"both networks must have the same names and shapes, not {shapes[0]} and {shapes[1]}"
        )
    return {
        name: _assigned(np.asarray(each, float) @ np.asarray(second[name], float).T)
        for name, each in first.items()
    }


def _assigned(gains: np.ndarray) -> np.ndarray:
    """Return the column of every row that together gain most."""
    if not np.isfinite(gains).all():  # of a training that diverged, any order is as good
        return np.arange(len(gains))
    assign = import_module("scipy.optimize").linear_sum_assignment  # which loads slowly
    columns: np.ndarray = assign(gains, maximize=True)[1]
    return columns


def _gains(
    one: Sequence[np.ndarray],
    other: Sequence[np.ndarray],
    axes: Axes,
    name: str,
    orders: Orders,
) -> np.ndarray | None:
    """Return what each unit of the other network adds to the agreement at each place.

    What goes through axes that have no order yet is left out; None if that is all.
    """
    found = None
    for ours, theirs, names in zip(one, other, axes, strict=True):
        for axis, own in enumerate(names):
            rest = tuple(None if place == axis else each for place, each in enumerate(names))
            if own != name or not {each for each in rest if each} <= orders.keys():
                continue
            turned = _turned(theirs, rest, orders)
            left, right = (
                np.moveaxis(each, axis, 0).reshape(each.shape[axis], -1) for each in (ours, turned)
            )
            found = left @ right.T + (0 if found is None else found)
    return found


def _agreement(
    one: Sequence[np.ndarray], other: Sequence[np.ndarray], axes: Axes, orders: Orders
) -> float:
    """Return the inner product of both networks, which is greatest where they are nearest."""
    return sum(
        float((ours * _turned(theirs, names, orders)).sum())
        for ours, theirs, names in zip(one, other, axes, strict=True)
    )


def _turned(array: np.ndarray, names: Sequence[str | None], orders: Orders) -> np.ndarray:
    for axis, name in enumerate(names):
        if name is not None:
            array = array.take(orders[name], axis)
    return array


def _sizes(leaves: Sequence[Any], axes: Axes) -> dict[str, int]:
    """Return the number of units of every name, in order of appearance."""
    if len(leaves) != len(axes):
        raise ValueError(f"axes must be those of {len(leaves)} arrays, not of {len(axes)}")
    sizes: dict[str, int] = {}
    for number, (leaf, names) in enumerate(zip(leaves, axes, strict=True)):
        if np.ndim(leaf) != len(names):
            raise ValueError(
                f"axes of array {number} must have {np.ndim(leaf)} names, not {len(names)}"
            )
        for size, name in zip(np.shape(leaf), names, strict=True):
            if name is not None and sizes.setdefault(name, size) != size:
                raise ValueError(
                    f"axes of name {name!r} must have one size, not {sizes[name]} and {size}"
                )
    return sizes
