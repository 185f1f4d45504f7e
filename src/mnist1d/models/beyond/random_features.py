"""Random Fourier features with a trained affine map: kernel regression's finite approximation."""

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mnist1d.models.layers import Linear


class RandomFeatures(eqx.Module):
    """Cosines of random projections, fixed, feed one affine map, which alone is trained.

    The features are sqrt(2) cos(w.x / length_scale + b), with w from N(0, 1) and b from U[0, 2 pi]:
    their mean product for two signals is the Gaussian kernel exp(-|x - y|² / (2 length_scale²)).
    The source divides them by the root of their number, which Adam at another rate makes up for.
    5,000 trained parameters by default.

    Args:
        input_size: length of the signal.
        n_features: number of cosines.
        n_classes: number of classes.
        length_scale: distance of signals over which the kernel falls; by default the root of
            `input_size`, where projections of signals of variance 1 have variance 1.
        key: for the projections, and the initial weights of the map (PyTorch's defaults).

    Source: Rahimi & Recht (2007), "Random features for large-scale kernel machines".

    >>> model = RandomFeatures(key=jax.random.key(0))
    >>> model(jnp.ones((40, 3))).shape
    (10, 3)
    >>> x, y = jnp.zeros(40), jnp.ones(40)  # at a distance of the root of 40
    >>> model = RandomFeatures(n_features=100_000, key=jax.random.key(0))
    >>> round(float((model.features(x) * model.features(y)).mean()), 1), round(math.exp(-1 / 2), 1)
    (0.6, 0.6)
    """

    # The bits of fixed numbers: no gradient, no weight decay and no count of parameters sees them.
    directions: Int[Array, "features length"]
    phases: Int[Array, " features"]
    output: Linear
    batch_last: ClassVar[bool] = True

    def __init__(
        self,
        input_size: int = 40,
        n_features: int = 499,
        n_classes: int = 10,
        *,
        length_scale: float | None = None,
        key: PRNGKeyArray,
    ) -> None:
        directions_key, phases_key, output_key = jax.random.split(key, 3)
        scale = math.sqrt(input_size) if length_scale is None else length_scale
        directions = jax.random.normal(directions_key, (n_features, input_size), jnp.float32)
        phases = jax.random.uniform(phases_key, (n_features,), jnp.float32, maxval=2 * math.pi)
        self.directions = lax.bitcast_convert_type(directions / scale, jnp.int32)
        self.phases = lax.bitcast_convert_type(phases, jnp.int32)
        self.output = Linear(n_features, n_classes, key=output_key)

    def features(self, x: Float[Array, "length *batch"]) -> Float[Array, "features *batch"]:
        """Map signals `(length, *batch)` to their cosines `(features, *batch)`."""
        directions, phases = (
            lax.bitcast_convert_type(bits, jnp.float32).astype(x.dtype)
            for bits in (self.directions, self.phases)
        )
        angles = jnp.tensordot(directions, x, 1) + phases.reshape(-1, *(1,) * (x.ndim - 1))
        return math.sqrt(2) * jnp.cos(angles)

    def __call__(self, x: Float[Array, "length *batch"]) -> Float[Array, "classes *batch"]:
        """Map signals `(length, *batch)` to logits `(classes, *batch)`."""
        return self.output(self.features(x))
