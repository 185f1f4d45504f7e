"""The random stream of PyTorch's CPU generator, without PyTorch."""

import math

import numpy as np
from numpy.typing import NDArray


class PyTorchStream:
    """Draws the uniform numbers that PyTorch draws on a CPU after `torch.manual_seed(seed)`.

    Some published numbers depend on PyTorch's initial weights for a seed, and on nothing else that
    is random. PyTorch's CPU generator is the Mersenne Twister MT19937, seeded as NumPy's legacy
    generator is. A float32 takes the lower 24 bits of one 32-bit word, scaled to [low, high) in
    double precision and then rounded.

    Args:
        seed: from 0 to 2**32 - 1.

    Source: observed with PyTorch 2.13, bit for bit; a test compares with the installed version.

    >>> bool(PyTorchStream(0).uniform(0.0, 1.0, (1,))[0] == np.float32(0.49625658988952637))
    True
    """

    def __init__(self, seed: int) -> None:
        self._words = np.random.RandomState(seed)

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> NDArray[np.float32]:
        """Draw numbers from [low, high), as `Tensor.uniform_` fills a float32 tensor.

        Args:
            low: lower bound, rounded to float32 first.
            high: upper bound, rounded to float32 first.
            size: shape of the result.
        """
        words = self._words.randint(0, 2**32, math.prod(size), dtype=np.uint32)
        fractions = (words & 0xFFFFFF) * 2.0**-24
        least, most = float(np.float32(low)), float(np.float32(high))
        return (fractions * (most - least) + least).astype(np.float32).reshape(size)
