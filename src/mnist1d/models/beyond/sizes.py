"""Settings at which models have about the same number of parameters."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mnist1d import models
from mnist1d.dataset import checks

SETTINGS: Mapping[str, Mapping[int, Mapping[str, int]]] = {
    "MLP": {5_000: {"hidden_size": 49}, 15_000: {"hidden_size": 99}},
    "CNN": {5_000: {"channels": 25}, 15_000: {"channels": 45}},
    "GRU": {5_000: {"hidden_size": 6}, 15_000: {"hidden_size": 16}},
    "LSTM": {5_000: {"hidden_size": 6}, 15_000: {"hidden_size": 16}},
    "TCN": {5_000: {"channels": 15}, 15_000: {"channels": 26}},
    "ResNet": {5_000: {"channels": 16}, 15_000: {"channels": 28}},
    "Mixer": {5_000: {"width": 16, "depth": 3}, 15_000: {"width": 32, "depth": 3}},
    "Transformer": {5_000: {"width": 16, "depth": 2}, 15_000: {"width": 24, "depth": 3}},
    "StateSpace": {5_000: {"width": 20, "depth": 3}, 15_000: {"width": 40, "depth": 3}},
    "RandomFeatures": {5_000: {"n_features": 499}, 15_000: {"n_features": 1499}},
}
"""By a model's name in `mnist1d.models` and a number of trained parameters, met within 5 %.

For signals of 40 points in ten classes. The numbers are about those of the paper's CNN and MLP.
"""


def of_size(name: str, n_parameters: int) -> Callable[..., Any]:
    """Return the constructor of a model with a number of parameters, within 5 %.

    Args:
        name: "MLP", "CNN", "GRU", "LSTM", "TCN", "ResNet", "Mixer", "Transformer", "StateSpace" or
            "RandomFeatures".
        n_parameters: 5,000 or 15,000.

    Returns: the class with its settings, to be called with `key=`; a candidate for
        `mnist1d.lab.compare`.
    Raises: ValueError: if there is no such model, or no settings for such a number.

    >>> import jax
    >>> models.count_parameters(of_size("Transformer", 5_000)(key=jax.random.key(0)))
    4890
    """
    by_size = SETTINGS[checks.one_of("name", name, tuple(SETTINGS))]
    if n_parameters not in by_size:
        sizes = " or ".join(map(str, by_size))
        raise ValueError(f"n_parameters must be {sizes}, not {checks.shown(n_parameters)}")
    return partial(getattr(models, name), **by_size[n_parameters])
