"""Is an optimiser of one's own better than Adam? Both with the same number of tuned rates."""

import jax
import jax.numpy as jnp
import optax

from mnist1d.lab import CNN, EquinoxCandidate, compare


def sign_descent(learning_rate, decay=0.9):
    """Step by the sign of the averaged gradient."""
    return optax.chain(
        optax.ema(decay),
        optax.stateless(lambda updates, _: jax.tree.map(jnp.sign, updates)),
        optax.scale_by_learning_rate(learning_rate),
    )


# Steps of a sign are longer than Adam's: smaller rates, but not more of them.
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01)
CANDIDATES = {
    "Adam": EquinoxCandidate(CNN, optimizer=optax.adam),
    "sign": EquinoxCandidate(CNN, optimizer=sign_descent, search={"learning_rate": RATES}),
}


def main(**protocol):
    """Compare, print and return the comparison; `protocol` are fields of `mnist1d.lab.Protocol`."""
    comparison = compare(CANDIDATES, **protocol)
    print(comparison)
    return comparison


if __name__ == "__main__":
    main()
