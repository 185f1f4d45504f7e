"""The multilayer perceptron with a mask on its parameters, and the units that a mask leaves."""

from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.layout import Layout, with_layout_constraint
from jaxtyping import Array, BFloat16, Float
from numpy.typing import NDArray

from mnist1d.models.layers import Linear
from mnist1d.models.masks import masked
from mnist1d.models.mlp import MLP

Products = Literal["float32", "bfloat16"]


class MaskedMLP(eqx.Module):
    """An MLP whose masked parameters are 0 and stay so.

    They are set to 0 when it is made, and their gradients are zero: with Adam or SGD no step moves
    them. Unlike in other models examples are rows, which for wide layers and few examples is 10 %
    faster than as columns.

    Args:
        network: the parameters, residual as in the paper, those that are masked of any value. Its
            second layer may have fewer units than its first; they are added to the first ones of
            the latter.
        mask: a tree of Booleans like the network, True for kept (`mnist1d.models.masks`).
        products: type of the factors of matrix products, of the backward pass too; sums and all
            else are float32.

    Source: Greydanus & Kobak (2024), section 5.1, and its notebook.

    >>> from mnist1d.models import predict
    >>> from mnist1d.models.masks import full_mask
    >>> network = MLP(hidden_size=20, key=jax.random.key(0))
    >>> model = MaskedMLP(network, full_mask(network))
    >>> bool(jnp.allclose(model(jnp.ones(40)), network(jnp.ones(40)), atol=1e-6))
    True
    """

    network: MLP
    mask: Any
    products: Products = eqx.field(static=True)

    def __init__(self, network: MLP, mask: Any, products: Products = "float32") -> None:
        self.network, self.mask, self.products = masked(network, mask), mask, products

    @property
    def batch_last(self) -> bool:
        """Whether a batch is mapped as one matrix: products in bfloat16 have their own gradient."""
        return self.products == "bfloat16"

    def __call__(self, x: Float[Array, " length *batch"]) -> Float[Array, " classes *batch"]:
        """Map a signal `(length,)`, or signals `(length, n)`, to logits `(classes, *batch)`."""
        kept = jax.tree.map(_only_kept_are_trained, self.network, self.mask)
        first = jax.nn.relu(self._affine(kept.hidden, x.T))
        second = jax.nn.relu(self._affine(kept.second, first))
        n_added = second.shape[-1]
        added = first[..., :n_added] + second
        return self._affine(kept.output, jnp.append(added, first[..., n_added:], axis=-1)).T

    def _affine(
        self, layer: Linear, x: Float[Array, "*batch in_size"]
    ) -> Float[Array, "*batch out_size"]:
        if self.products == "float32":
            product = jnp.matmul(x, layer.weight.T, preferred_element_type=jnp.float32)
        else:
            product = rounded_product(jnp.atleast_2d(x), layer.weight).reshape(*x.shape[:-1], -1)
        return product + layer.bias.reshape((1,) * (product.ndim - 1) + (-1,))


@jax.custom_vjp
def rounded_product(
    x: Float[Array, "n in_size"], weight: Float[Array, "out_size in_size"]
) -> Float[Array, "n out_size"]:
    """Multiply `x @ weight.T` with factors rounded to bfloat16 and sums in float32.

    So are the two products of its gradient. On a processor with matrix units for bfloat16 (AMX) all
    three use them.

    >>> x = jnp.array([[1.0, 2.0]])
    >>> rounded_product(x, jnp.array([[3.0, 1 / 3]])).tolist()  # a third has 8 bits
    [[3.66796875]]
    """
    return _rounded_product(x, weight)[0]


def _rounded_product(x: Array, weight: Array) -> tuple[Array, tuple[Array, Array]]:
    factors = x.astype(jnp.bfloat16), weight.astype(jnp.bfloat16)
    return _product(factors[0], factors[1].T), factors


def _gradient_of_rounded_product(
    factors: tuple[Array, Array], gradient: Array
) -> tuple[Array, Array]:
    x, weight = factors
    gradient = gradient.astype(jnp.bfloat16)
    return _product(gradient, weight), _product(gradient.T, x)


rounded_product.defvjp(_rounded_product, _gradient_of_rounded_product)


def _product(first: BFloat16[Array, "m k"], second: BFloat16[Array, "k n"]) -> Float[Array, "m n"]:
    """Multiply with sums in float32.

    XLA has matrix units for factors and products in rows alone; it would take transposed factors
    as they are, and multiply them in float32, four times as slowly.
    """
    return _rows(jnp.matmul(_rows(first), _rows(second), preferred_element_type=jnp.float32))


def _rows(matrix: Array) -> Array:
    def in_rows(matrix: Array) -> Array:
        return with_layout_constraint(matrix, Layout((0, 1)))

    return jax.lax.platform_dependent(matrix, cpu=in_rows, default=lambda matrix: matrix)


def _only_kept_are_trained(values: Any, kept: Any) -> Array:
    """Return the values, with a gradient of 0 where they are not kept.

    The compiler leaves the choice between equals out: the weights go into products as they are,
    not into a masked copy first, which would cost a seventh of a step.
    """
    return jnp.where(kept, values, jax.lax.stop_gradient(values))


class Needed(NamedTuple):
    """The units of a masked network that can affect its output, perhaps rounded up.

    Attributes:
        units: indices of the units of both layers, shape (units,).
        n_second: how many of them, from the start, the second layer needs.
    """

    units: NDArray[np.int64]
    n_second: int

    def take_from(self, network: Any) -> Any:
        """Return the network, or mask, of these units alone."""
        leaves, structure = jax.tree.flatten(network)
        pairs = zip(leaves, self._places, strict=True)
        return jax.tree.unflatten(structure, [np.asarray(leaf)[place] for leaf, place in pairs])

    def put_into(self, network: Any, trained: Any) -> Any:
        """Return the whole network with these units' parameters, which may have leading axes."""
        leaves, structure = jax.tree.flatten(network)
        wholes = []
        for leaf, part, place in zip(leaves, jax.tree.leaves(trained), self._places, strict=True):
            more = np.shape(part)[: np.ndim(part) - np.ndim(leaf)]
            whole = np.broadcast_to(leaf, (*more, *np.shape(leaf))).copy()
            whole[(..., *place)] = part
            wholes.append(whole)
        return jax.tree.unflatten(structure, wholes)

    @property
    def _places(self) -> list[tuple[Any, ...]]:
        """Indices of the units in weights and bias of the hidden, second and output layer."""
        units, second, all_ = self.units, self.units[: self.n_second], slice(None)
        return [
            (units, all_),
            (units,),
            np.ix_(second, units),
            (second,),
            (all_, units),
            (all_,),
        ]


def needed_units(mask: Any, multiple: int = 1) -> Needed:
    """Find the units of a `MaskedMLP` that can affect its output under a mask.

    A unit without weights or bias is always 0, and one without weights to later layers has no
    effect; the gradients of their parameters are 0. Without these units a network of high sparsity
    is smaller, and its training the same except for the order of sums.

    Args:
        mask: of a residual `MLP` with two hidden layers of the same width.
        multiple: both numbers of units are rounded up to multiples of it, at least one and at most
            all, so that masks share shapes.

    >>> from mnist1d.models.masks import full_mask
    >>> mask = full_mask(MLP(hidden_size=50, key=jax.random.key(0)))
    >>> mask.output.weight[:, 10:] = False
    >>> needed_units(mask).units.size, needed_units(mask).n_second, needed_units(mask, 25).n_second
    (50, 10, 25)
    """
    of_second, used = mask.second.weight, mask.output.weight.any(axis=0)
    first = mask.hidden.weight.any(axis=1) | mask.hidden.bias
    second = ((of_second & first).any(axis=1) | mask.second.bias) & used
    first &= used | of_second[second].any(axis=0)
    order = np.argsort(~second * 2 + ~(first | second) * 1, kind="stable")

    def rounded(count: int) -> int:
        return min(len(order), multiple * max(1, -(-count // multiple)))

    n_second, n_units = rounded(int(second.sum())), rounded(int((first | second).sum()))
    return Needed(order[: max(n_units, n_second)], n_second)
