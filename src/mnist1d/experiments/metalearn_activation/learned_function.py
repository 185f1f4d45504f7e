"""A learned activation function, fixed, for use in other networks."""

from functools import partial
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist1d.experiments.metalearn_activation.activation import (
    Grid,
    Network,
    elu,
    lookup,
    tabulate,
)


class LearnedFunction(eqx.Module):
    """f without noise as a function of one argument, whose parameters are not trained.

    Attributes:
        terms: Taylor coefficients of g, times its scale, per cell.
        grid: the cells.

    >>> network = Network((100,), key=jax.random.key(0))
    >>> f = LearnedFunction.of(network, 0.0, Grid(16.0, 256))
    >>> f(jnp.array([-100.0, 0.0, 2.0]))
    Array([-1.,  0.,  2.], dtype=float32)
    """

    terms: Float[Array, "cells 4"]
    grid: Grid = eqx.field(static=True)

    @classmethod
    def of(cls, network: Network, scale: float, grid: Grid) -> Self:
        """Tabulate g."""
        return cls(_tabulate_without_noise(network, scale, grid), grid)

    def __call__(self, x: Array) -> Array:
        """Evaluate f; differentiable in `x` alone."""
        return _apply(self.grid, self.terms, x)


@partial(jax.jit, static_argnums=(1, 2))
def _tabulate_without_noise(network: Network, scale: float, grid: Grid) -> Array:
    none = tuple(jnp.zeros((1, len(layer.bias))) for layer in network.layers[:-1])
    return tabulate(network, none, scale, grid).terms[0]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _apply(grid: Grid, terms: Array, x: Array) -> Array:
    return elu(x).value + lookup(terms, grid, x).value


@_apply.defjvp
def _apply_tangent(
    grid: Grid, primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Differentiate by the tabulated derivative; the table itself has no gradient."""
    terms, x = primals
    e, g = elu(x), lookup(terms, grid, x)
    return e.value + g.value, (e.first + g.first) * tangents[1]
