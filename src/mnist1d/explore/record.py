"""What the page knows of the models: on which test samples those of the record err."""

import json

import numpy as np
from numpy.typing import NDArray

from mnist1d.explore.site import STATIC

__all__ = ["recorded_accuracies"]


def recorded_accuracies(data: str) -> dict[str, NDArray[np.float64]]:
    """Return how often the recorded models are right, by model and test sample.

    Args:
        data: "plain" or "shuffled".

    Returns: per model the share of runs that answer a sample rightly, shape (1000,), in the order
        of the published test set; of every run at the step that validation chooses.

    >>> accuracies = recorded_accuracies("plain")
    >>> {model: len(each) for model, each in accuracies.items()}
    {'Logistic': 1000, 'MLP': 1000, 'CNN': 1000, 'GRU': 1000}
    """
    found = json.loads((STATIC / "record" / "classification.json").read_text("utf-8"))
    errors = found["errors"][data]
    return {
        model: 1 - np.array([int(n, 36) for n in text], dtype=np.float64) / found["seeds"]
        for model, text in errors.items()
    }
