"""Does augmentation help? Training batches that are shifted at random, or have more noise."""

import jax
import jax.numpy as jnp

from mnist1d.lab import MLP, EquinoxCandidate, compare


def shifted(x, key):
    """Shift every signal of (batch, length) in a circle, by up to three points."""
    return jax.vmap(jnp.roll)(x, jax.random.randint(key, (len(x),), -3, 4))


def noisier(x, key):
    """Add white noise; a standardised signal has a standard deviation of 1."""
    return x + 0.1 * jax.random.normal(key, x.shape)


CANDIDATES = {
    "as it is": EquinoxCandidate(MLP),
    "shifted": EquinoxCandidate(MLP, augment=shifted),
    "noisier": EquinoxCandidate(MLP, augment=noisier),
}


def main(**protocol):
    """Compare, print and return the comparison; `protocol` are fields of `mnist1d.lab.Protocol`."""
    comparison = compare(CANDIDATES, **protocol)
    print(comparison)
    return comparison


if __name__ == "__main__":
    main()
