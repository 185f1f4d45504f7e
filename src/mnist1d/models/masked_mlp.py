"""The multilayer perceptron of which a mask drops parameters."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist1d.models.layers import Linear
from mnist1d.models.mlp import MLP

Products = Literal["float32", "bfloat16"]


class MaskedMLP(eqx.Module):
    """An MLP whose masked parameters count as 0, and so are never trained.

    Optimisers see zero gradients there: with Adam or SGD, and no weight decay, a masked parameter
    stays as it is. It is made for wide layers and few examples, where rows of examples are 10 %
    faster than columns.

    Args:
        network: the parameters, residual as in PAPER section 3.1. Its second layer may have fewer
            units than its first; they are added to as many of the first's, from the start.
        mask: a tree of Booleans like the network, True for kept (`mnist1d.models.masks`).
        products: type of the factors of matrix products that lead to activations; sums and all
            else are float32.

    Source: PAPER section 3.1.

    >>> from mnist1d.models import predict
    >>> from mnist1d.models.masks import full_mask
    >>> network = MLP(hidden_size=20, key=jax.random.key(0))
    >>> model = MaskedMLP(network, full_mask(network))
    >>> bool(jnp.allclose(model(jnp.ones(40)), network(jnp.ones(40)), atol=1e-6))
    True
    """

    network: MLP
    mask: Any
    products: Products = eqx.field(static=True, default="float32")

    def __call__(self, x: Float[Array, " length"]) -> Float[Array, " classes"]:
        """Map a signal to logits."""
        kept = jax.tree.map(lambda value, keep: jnp.where(keep, value, 0), self.network, self.mask)
        first = jax.nn.relu(self._affine(kept.hidden, x))
        second = jax.nn.relu(self._affine(kept.second, first))
        n_added = second.shape[-1]
        return self._affine(kept.output, jnp.append(first[:n_added] + second, first[n_added:]))

    def _affine(self, layer: Linear, x: Float[Array, " in_size"]) -> Float[Array, " out_size"]:
        weight = layer.weight.T
        if self.products == "bfloat16":
            x, weight = x.astype(jnp.bfloat16), weight.astype(jnp.bfloat16)
        return jnp.matmul(x, weight, preferred_element_type=jnp.float32) + layer.bias
