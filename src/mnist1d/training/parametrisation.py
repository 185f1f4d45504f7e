"""Parametrisations: how initial weights and learning rates change with the width of a network.

A network is compared with one of a base width, at which all parametrisations are the same. What an
array is, follows from which of its sizes have grown.

| array | initial size | rate of Adam | rate of SGD |
|---|---|---|---|
| weights from the input | 1 | 1 | m |
| weights between hidden layers | 1 / sqrt(m) | 1 / m | 1 |
| weights to the output | 1 / m | 1 / m | 1 / m |
| biases of hidden layers | 1 | 1 | m |
| biases of the output | 1 | 1 | 1 |

This is the maximal-update parametrisation, by powers of m, the width over the base width. In the
standard one (PyTorch's defaults) all weights and biases are drawn with 1 / sqrt(inputs of their
layer), and every array has the same rate.

Sources: Yang & Hu (2021), arXiv:2011.14522; Yang et al. (2022), Tensor Programs V,
arXiv:2203.03466, table 3, whose initial biases may have any size that does not depend on the width.
A factor behind the output, in other tables of theirs, is the same with other rates.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from mnist1d.models.layers import Convolution, Linear


class Factors(NamedTuple):
    """Numbers by which the two arrays of a layer are multiplied, or their learning rates.

    Attributes:
        weight: of the weights.
        bias: of the bias.
    """

    weight: float
    bias: float


Rule = Callable[[float, float], Factors]
"""`(growth of the layer's inputs, growth of its outputs) -> factors`; a growth is a ratio to the
base width, and 1 where the size does not depend on the width, as at the ends of a network."""


@dataclass(frozen=True)
class Parametrisation:
    """How initial weights and learning rates depend on the width.

    Attributes:
        name: as it is called in results and figures.
        initial: factors on what is drawn with PyTorch's defaults.
        rates: factors on the learning rate, by optimiser.

    >>> import equinox as eqx, jax
    >>> from mnist1d.models import MLP
    >>> base, wide = (
    ...     eqx.filter_eval_shape(MLP, hidden_size=width, key=jax.random.key(0))
    ...     for width in (32, 128)
    ... )
    >>> rates = MAXIMAL_UPDATE.multipliers(wide, base, "Adam")
    >>> [float(layer.weight) for layer in (rates.hidden, rates.second, rates.output)]
    [1.0, 0.25, 0.25]
    """

    name: str
    initial: Rule
    rates: Mapping[str, Rule]

    def initialised(self, network: Any, base: Any) -> Any:
        """Return a network with its initial size, from one that was drawn with PyTorch's defaults.

        Args:
            network: a model whose parameters are those of `Linear` and `Convolution` layers.
            base: the same at the base width; its arrays may be shapes alone.

        Raises: ValueError: if the two have other layers, or parameters outside of layers.
        """

        def scaled(layer: Any, growth: tuple[float, float]) -> Any:
            factors = self.initial(*growth)
            arrays = (layer.weight * factors.weight, layer.bias * factors.bias)
            return eqx.tree_at(_arrays_of, layer, arrays)

        return _by_layer(scaled, network, base)

    def multipliers(self, network: Any, base: Any, optimizer: str) -> Any:
        """Return the factor on the learning rate of every array of a network.

        Args:
            network: as in `initialised`; its arrays may be shapes alone.
            base: the same at the base width.
            optimizer: one of `rates`: "Adam", for all whose steps do not depend on the gradient's
                length, or "SGD", with momentum or without.

        Returns: the trained part of the network, with float32 numbers in place of its arrays: an
            argument of `scale_by`.
        Raises: ValueError: if there is no rule for the optimiser, or as `initialised`.
        """
        if optimizer not in self.rates:
            known = ", ".join(self.rates)
            raise ValueError(f"optimizer must be one of {known}, not {optimizer!r}")
        rule = self.rates[optimizer]

        def factors_of(layer: Any, growth: tuple[float, float]) -> Any:
            factors = tuple(np.float32(factor) for factor in rule(*growth))
            return eqx.tree_at(_arrays_of, layer, factors)

        return eqx.filter(_by_layer(factors_of, network, base), eqx.is_inexact_array)


def scale_by(multipliers: Any) -> optax.GradientTransformation:
    """Multiply the updates of every array by a number of its own.

    After `optax.adam(rate)` or `optax.sgd(rate)` in `optax.chain`, these are factors on its rate.

    Args:
        multipliers: numbers in the structure of the parameters, which may be traced.

    >>> optimizer = optax.chain(optax.sgd(1.0), scale_by({"a": 1.0, "b": 0.25}))
    >>> gradient = {"a": jnp.array([8.0]), "b": jnp.array([8.0])}
    >>> updates, _ = optimizer.update(gradient, optimizer.init(gradient))
    >>> updates["a"].tolist(), updates["b"].tolist()
    ([-8.0], [-2.0])
    """

    def scaled(updates: Any, _: Any) -> Any:
        return jax.tree.map(jnp.multiply, updates, multipliers)

    return optax.stateless(scaled)


def _as_drawn(_: float, __: float) -> Factors:
    return Factors(1.0, 1.0)


def _maximal_initial(inputs: float, outputs: float) -> Factors:
    # Drawn with 1 / sqrt(inputs): weights to the output fall as 1 / inputs, biases do not fall.
    ends_here = outputs == 1
    return Factors(inputs**-0.5 if ends_here else 1.0, inputs**0.5)


def _maximal_adam(inputs: float, _: float) -> Factors:
    return Factors(1 / inputs, 1.0)


def _maximal_sgd(inputs: float, outputs: float) -> Factors:
    return Factors(outputs / inputs, outputs)


STANDARD = Parametrisation("standard", _as_drawn, {"Adam": _as_drawn, "SGD": _as_drawn})
"""PyTorch's defaults and one learning rate."""

MAXIMAL_UPDATE = Parametrisation(
    "maximal update", _maximal_initial, {"Adam": _maximal_adam, "SGD": _maximal_sgd}
)
"""The maximal-update parametrisation."""


def _arrays_of(layer: Any) -> tuple[Any, Any]:
    return layer.weight, layer.bias


def _is_layer(node: Any) -> bool:
    return isinstance(node, Linear | Convolution)


def _by_layer(function: Callable[[Any, tuple[float, float]], Any], network: Any, base: Any) -> Any:
    """Replace every layer by what a function makes of it and its growth."""
    layers, small = (jax.tree.leaves(each, is_leaf=_is_layer) for each in (network, base))
    structure: Any = jax.tree.structure(network, is_leaf=_is_layer)
    if not all(map(_is_layer, layers)):
        raise ValueError("network must have its parameters in Linear and Convolution layers alone")
    is_same = structure == jax.tree.structure(base, is_leaf=_is_layer)
    if not (is_same and list(map(type, layers)) == list(map(type, small))):
        raise ValueError("base must be the network at another width, with the same layers")
    made = [function(*pair) for pair in zip(layers, map(_growth, layers, small), strict=True)]
    return jax.tree.unflatten(structure, made)


def _growth(layer: Any, base: Any) -> tuple[float, float]:
    outputs, *inputs = layer.weight.shape
    base_outputs, *base_inputs = base.weight.shape
    return math.prod(inputs) / math.prod(base_inputs), outputs / base_outputs
