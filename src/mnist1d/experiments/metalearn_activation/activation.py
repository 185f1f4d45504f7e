"""The activation function that is learned, in the forms that training and its adjoint need.

A training step needs f, f' and f'' at every hidden unit of every sample: from the network itself
(`Direct`), or from tables of it (`Tabulated`).
"""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from mnist1d.experiments.metalearn_activation.config import Config
from mnist1d.models.scalar_network import Grid, Jet, Network, Noise, Tables, elu, lookup


class Activation(Protocol):
    """A function with the noise of all calls of a training."""

    def __call__(self, call: Int[Array, ""], x: Array) -> Jet:
        """Evaluate the function with the noise of one call."""


class Direct(NamedTuple):
    """f evaluated by its network at every point.

    Attributes:
        network: g.
        noise: of every call.
        scale: factor of g.
    """

    network: Network
    noise: Noise
    scale: float

    def __call__(self, call: Int[Array, ""], x: Array) -> Jet:
        """Evaluate f with the noise of one call."""
        g = self._evaluate(self.network, call, x, 2)
        return Jet(*(a + b.reshape(x.shape) for a, b in zip(elu(x), g, strict=True)))

    def zeros(self) -> Network:
        """Return the adjoint of the network before anything is accumulated."""
        return jax.tree.map(jnp.zeros_like, self.network)

    def accumulate(
        self, adjoint: Network, call: Int[Array, ""], x: Array, value: Array, first: Array
    ) -> Network:
        """Add the gradient that reaches the network's parameters through f(x) and f'(x).

        Args:
            adjoint: the accumulated gradient so far.
            call: number of the call.
            x: points.
            value: adjoint of f at every point.
            first: adjoint of f' at every point.
        """
        _, pull = jax.vjp(lambda network: self._evaluate(network, call, x, 1), self.network)
        return jax.tree.map(jnp.add, adjoint, pull((value.ravel(), first.ravel()))[0])

    def _evaluate(
        self, network: Network, call: Int[Array, ""], x: Array, order: int
    ) -> tuple[Array, ...]:
        noise = tuple(layer[call] for layer in self.noise)
        terms = network.derivatives(x.ravel(), noise, order)
        return tuple(self.scale * term for term in terms)


def grid_of(config: Config) -> Grid:
    """Return the cells of a configuration's table."""
    return Grid(float(config.grid_bound), config.grid_cells)


class Tabulated(NamedTuple):
    """f with g from tables; beyond the grid g continues as a straight line.

    Attributes:
        tables: of g.
        grid: their cells.
    """

    tables: Tables
    grid: Grid

    def __call__(self, call: Int[Array, ""], x: Array) -> Jet:
        """Evaluate f with the noise of one call."""
        one_for_all = len(self.tables.terms) == 1
        g = lookup(self.tables.terms[0 if one_for_all else call], self.grid, x)
        e = elu(x)
        value = e.value + g.value + self.tables.shifts[call]
        return Jet(value, e.first + g.first, e.second + g.second)

    def zeros(self) -> Tables:
        """Return the adjoint of the tables before anything is accumulated."""
        return jax.tree.map(jnp.zeros_like, self.tables)

    def accumulate(
        self, adjoint: Tables, call: Int[Array, ""], x: Array, value: Array, first: Array
    ) -> Tables:
        """Add the gradient that reaches the tables; arguments as for `Direct.accumulate`."""
        cell, d, excess = self.grid.locate(x)
        first = first + value * excess
        linear = value * d
        parts = jnp.stack(
            [value, linear + first, d * (linear + 2 * first), d * d * (linear + 3 * first)], axis=-1
        )
        # One index per point, as pairs of indices would be written to memory first.
        flat = adjoint.terms.reshape(-1, 4)
        if len(adjoint.terms) > 1:
            cell = cell + call.astype(cell.dtype) * self.grid.n_cells
        flat = flat.at[cell].add(parts, mode="promise_in_bounds")
        shifts = adjoint.shifts.at[call].add(value.sum())
        return Tables(flat.reshape(adjoint.terms.shape), shifts)


Learnable = Direct | Tabulated
"""f with methods to accumulate the gradient of its parameters."""
