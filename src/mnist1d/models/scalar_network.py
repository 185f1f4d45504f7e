"""A function of one number that is a small network, evaluated directly or from a table.

The network g has one input and one output, and hidden layers of tanh. As a learned activation
function f(x) = ELU(x) + scale * g(x) it is evaluated at every hidden unit of every sample: 12,800
points of a training step, 100 tanh each. A table has g at the centres of a few thousand cells, with
three derivatives, and uses Taylor's formula: one lookup of four neighbouring numbers. The
derivatives come from the network and not from differences of neighbouring values, which lose
precision: in float32 the second derivative of a cubic Hermite spline of the same cells is wrong by
1 % (`benchmarks/metalearn_activation.py`).

Hidden layers may have noise, the same for every x of a call. That after the last hidden layer only
adds a constant to g, and so is not in a table. A g with one hidden layer therefore has one table
for all calls, a deeper one a table per call.
"""

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from mnist1d.models.layers import Linear

Values = Any
"""An array of JAX, or of NumPy as `layers.draw_layers` returns them."""

Noise = tuple[Values, ...]
"""Noise of every hidden layer, shape (calls, units) each."""


class Jet(NamedTuple):
    """A function and its derivatives at some points, each of the shape of the points.

    Attributes:
        value: f.
        first: f'.
        second: f''.
    """

    value: Values
    first: Values
    second: Values


class Network(eqx.Module):
    """A scalar function: affine maps with tanh between them.

    Args:
        hidden: units of the hidden layers, one or more.
        key: for the initial weights (PyTorch's defaults).

    Source: Greydanus & Kobak (2024), the notebook of section 5.4.

    >>> network = Network((100,), key=jax.random.key(0))
    >>> sum(leaf.size for leaf in jax.tree.leaves(network))
    301
    """

    layers: tuple[Linear, ...]

    def __init__(self, hidden: tuple[int, ...], *, key: PRNGKeyArray) -> None:
        sizes = (1, *hidden, 1)
        keys = jax.random.split(key, len(sizes) - 1)
        self.layers = tuple(
            Linear(a, b, key=layer_key)
            for a, b, layer_key in zip(sizes[:-1], sizes[1:], keys, strict=True)
        )

    def derivatives(
        self, x: Float[Values, " n"], noise: tuple[Values, ...], order: int
    ) -> tuple[Values, ...]:
        """Evaluate the function and its first derivatives.

        Args:
            x: points.
            noise: added to the values of the hidden layers, shape (units,) each, one for every
                hidden layer, or for the first ones.
            order: of the highest derivative, 0 to 3.

        Returns: order + 1 arrays of the shape of `x`: value, first derivative, ...

        >>> network = Network((3,), key=jax.random.key(0))
        >>> value, slope = network.derivatives(jnp.array([0.5]), (jnp.zeros(3),), 1)
        >>> step = network.derivatives(jnp.array([0.51]), (jnp.zeros(3),), 0)[0] - value
        >>> bool(abs(step / 0.01 - slope)[0] < 0.01)
        True
        """
        return self.from_first_layer(self.first_layer(x, order), noise)

    def first_layer(self, x: Float[Values, " n"], order: int) -> list[Values]:
        """Evaluate the first hidden layer, times the weights after it: the part without noise.

        Arguments as for `derivatives`.
        """
        first, second = self.layers[:2]
        y = [x[None], jnp.ones_like(x)[None], *[jnp.zeros_like(x)[None]] * 2][: order + 1]
        y = [first.weight @ term for term in y]
        y[0] = y[0] + first.bias[:, None]
        return [second.weight @ term for term in _tanh(y)]

    def from_first_layer(self, y: list[Values], noise: tuple[Values, ...]) -> tuple[Values, ...]:
        """Evaluate the rest of `derivatives`, from what `first_layer` returned."""
        for level, layer in enumerate(self.layers[1:]):
            if level:
                y = [layer.weight @ term for term in _tanh(y)]
            shift = layer.bias
            if level < len(noise):
                shift = shift + layer.weight @ noise[level]
            y = [y[0] + shift[:, None], *y[1:]]
        return tuple(term[0] for term in y)

    @property
    def output(self) -> Float[Values, " units"]:
        """Weights after the last hidden layer."""
        return self.layers[-1].weight[0]


def _tanh(u: list[Values]) -> list[Values]:
    """Apply tanh to a function given by its derivatives (chain rule up to the third)."""
    t = jnp.tanh(u[0])
    s = 1 - t * t
    y = [t]
    if len(u) > 1:
        y.append(s * u[1])
    if len(u) > 2:
        s1 = -2 * t * s
        y.append(s * u[2] + s1 * u[1] ** 2)
    if len(u) > 3:
        s2 = s * (6 * t * t - 2)
        y.append(s * u[3] + 3 * s1 * u[1] * u[2] + s2 * u[1] ** 3)
    return y


def elu(x: Values) -> Jet:
    """ELU with alpha 1; at 0 as if from the left.

    >>> [float(part) for part in elu(jnp.array(2.0))]
    [2.0, 1.0, 0.0]
    """
    positive = x > 0
    below = jnp.expm1(jnp.minimum(x, 0))
    return Jet(
        jnp.where(positive, x, below),
        jnp.where(positive, 1, below + 1),
        jnp.where(positive, 0, below + 1),
    )


class Grid(NamedTuple):
    """Cells of equal width from -bound to bound.

    Attributes:
        bound: upper end of the last cell.
        n_cells: number of cells.
    """

    bound: float
    n_cells: int

    @property
    def width(self) -> float:
        """Width of a cell."""
        return 2 * self.bound / self.n_cells

    def centres(self, dtype: Any) -> Float[Array, " cells"]:
        """Return the centres of the cells."""
        return self._centre(jnp.arange(self.n_cells), dtype)

    def locate(self, x: Values) -> tuple[Array, Array, Array]:
        """Return the cell of every point, its offset from the centre, and that from the grid."""
        inside = jnp.clip(x, -self.bound, self.bound)
        cell = ((inside + self.bound) / self.width).astype(jnp.int32)
        # NaN has no cell, and must not be looked up beyond the table.
        cell = jnp.clip(cell, 0, self.n_cells - 1)
        return cell, inside - self._centre(cell, x.dtype), x - inside

    def _centre(self, cell: Array, dtype: Any) -> Array:
        return (cell.astype(dtype) + 0.5) * self.width - self.bound


class Tables(NamedTuple):
    """The tables of g, times its scale.

    Attributes:
        terms: Taylor coefficients at the centres of the cells, shape (tables, cells, 4): one table
            for all calls or one for each.
        shifts: constants from the noise after the last hidden layer, shape (calls,).
    """

    terms: Float[Values, "tables cells 4"]
    shifts: Float[Values, " calls"]


def tabulate(network: Network, noise: Noise, scale: float, grid: Grid) -> Tables:
    """Evaluate g in all cells, for all calls.

    Differentiable in `network`. Noise after the first hidden layer shifts the inputs of the second,
    so that all calls share the products of the two. The tables of a deep network are computed again
    in the backward pass, as storing the values of its hidden units would take gigabytes.

    Args:
        network: g.
        noise: of every call.
        scale: factor of g.
        grid: the cells.

    >>> network = Network((5,), key=jax.random.key(0))
    >>> tables = tabulate(network, (jnp.zeros((301, 5)),), 0.2, Grid(16.0, 64))
    >>> tables.terms.shape, tables.shifts.shape
    ((1, 64, 4), (301,))
    """
    centres = grid.centres(network.output.dtype)

    def table(begun: list[Array], noise: tuple[Array, ...]) -> Array:
        value, first, second, third = network.from_first_layer(begun, noise)
        return scale * jnp.stack([value, first, second / 2, third / 6], axis=1)

    *inner, last = noise
    if inner:
        begun = network.first_layer(centres, 3)
        terms = jax.lax.map(jax.checkpoint(partial(table, begun)), tuple(inner))
    else:
        terms = jax.checkpoint(lambda: table(network.first_layer(centres, 3), ()))()[None]
    return Tables(terms, scale * (last @ network.output))


def lookup(terms: Float[Values, "cells 4"], grid: Grid, x: Values) -> Jet:
    """Evaluate a tabulated function and its derivatives.

    Args:
        terms: Taylor coefficients per cell.
        grid: the cells.
        x: points, of any shape.

    >>> grid = Grid(2.0, 4)
    >>> centres = grid.centres(jnp.float32)
    >>> square = jnp.stack([centres**2, 2 * centres, jnp.ones(4), jnp.zeros(4)], axis=1)
    >>> lookup(square, grid, jnp.array([1.5, 2.5])).value  # 1.5 squared; 4 and half a slope of 4
    Array([2.25, 6.  ], dtype=float32)
    """
    cell, d, excess = grid.locate(x)
    row = terms.at[cell].get(mode="promise_in_bounds")
    c0, c1, c2, c3 = (row[..., k] for k in range(4))
    first = c1 + d * (2 * c2 + 3 * d * c3)
    second = jnp.where(excess == 0, 2 * c2 + 6 * d * c3, 0)
    return Jet(c0 + d * (c1 + d * (c2 + d * c3)) + first * excess, first, second)


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

    terms: Float[Values, "cells 4"]
    grid: Grid = eqx.field(static=True)

    @classmethod
    def of(cls, network: Network, scale: float, grid: Grid) -> "LearnedFunction":
        """Tabulate g."""
        return cls(_tabulate_without_noise(network, scale, grid), grid)

    def __call__(self, x: Values) -> Array:
        """Evaluate f; differentiable in `x` alone."""
        return _apply(self.grid, self.terms, x)


@partial(jax.jit, static_argnums=(1, 2))
def _tabulate_without_noise(network: Network, scale: float, grid: Grid) -> Array:
    none = tuple(jnp.zeros((1, len(layer.bias))) for layer in network.layers[:-1])
    return tabulate(network, none, scale, grid).terms[0]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _apply(grid: Grid, terms: Values, x: Values) -> Array:
    return elu(x).value + lookup(terms, grid, x).value


@_apply.defjvp
def _apply_tangent(
    grid: Grid, primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Differentiate by the tabulated derivative; the table itself has no gradient."""
    terms, x = primals
    e, g = elu(x), lookup(terms, grid, x)
    return e.value + g.value, (e.first + g.first) * tangents[1]
