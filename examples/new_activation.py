"""Is a new activation function better than relu? The same network with each, tuned alike."""

import equinox as eqx
import jax
import jax.numpy as jnp

from mnist1d.lab import compare


def snake(x):
    """Return x plus a wave, the new activation function."""
    return x + jnp.sin(x) ** 2


def network(activation):
    """Return a function that makes a network with this activation from a key."""
    return lambda key: eqx.nn.MLP(40, 10, 100, depth=2, activation=activation, key=key)


CANDIDATES = {"relu": network(jax.nn.relu), "snake": network(snake)}


def main(**protocol):
    """Compare, print and return the comparison; `protocol` are fields of `mnist1d.lab.Protocol`."""
    comparison = compare(CANDIDATES, **protocol)
    print(comparison)
    return comparison


if __name__ == "__main__":
    main()
