"""Random cases, a few by default, and as many as asked for with another seed."""

import os

import numpy as np
import pytest


@pytest.fixture
def cases():
    """Return a function from a usual number of cases to a generator of random numbers for each.

    MNIST1D_FUZZ_NUMBER=5000 makes it that many, MNIST1D_FUZZ_SEED=7 other ones.
    """
    seed = int(os.environ.get("MNIST1D_FUZZ_SEED", "0"))

    def generators(number):
        for case in range(int(os.environ.get("MNIST1D_FUZZ_NUMBER", number))):
            yield np.random.default_rng([seed, case])

    return generators


def damage(content, rng):
    """Return bytes with a few of them flipped, cut out, put in, moved or set to zero."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        start = int(rng.integers(0, len(damaged) + 1))
        # Ends of files decide most.
        if rng.random() < 0.3:
            start = max(0, len(damaged) - int(rng.integers(0, 120)))
        stop = min(len(damaged), start + int(rng.integers(1, 40)))
        kind = rng.integers(7)
        if kind <= 1 and start < len(damaged):
            damaged[start] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            del damaged[start:stop]
        elif kind == 3:
            damaged[start:start] = rng.bytes(int(rng.integers(1, 40)))
        elif kind == 4:
            damaged[start:stop] = bytes(stop - start)
        elif kind == 5:
            del damaged[start:]
        else:
            damaged[start:start] = damaged[: stop - start]
    return bytes(damaged)


@pytest.fixture(name="damage")
def _damage():
    return damage
