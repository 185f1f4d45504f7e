"""The data of many runs as the arrays of one program, and their predictions."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from mnist1d.lab.candidate_runs import Run, Schedule, Sets, batch_order
from mnist1d.models import predict

CHUNK = 500
"""Samples that are predicted at a time."""

_order = lru_cache(maxsize=32)(batch_order)


def stack_runs(
    runs: Sequence[Run],
    sets: Mapping[str, Sets],
    schedule: Schedule,
    numbers: Mapping[str, np.ndarray],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put the data of runs into one pytree: all samples once, and for every run which are its.

    Args:
        runs: all of one program.
        sets: the samples of every name in `runs`; all validation sets have one shape.
        schedule: how long every run trains.
        numbers: what else differs from run to run, shape (runs,) each.

    Returns: the data, and their axes as `train_runs` takes them: None for what all runs share.
    """
    names = list(dict.fromkeys(run.data for run in runs))
    used = [sets[name] for name in names]
    # The order of batches goes with the number of training samples, too.
    orders = list(dict.fromkeys((len(sets[run.data].x), run.seed) for run in runs))
    largest = max(len(each.x) for each in used)

    def padded(values: np.ndarray) -> np.ndarray:
        # Rows beyond a smaller set are never drawn.
        return np.concatenate(
            [values, np.zeros((largest - len(values), *values.shape[1:]), values.dtype)]
        )

    shared = {
        "x": np.stack([padded(each.x) for each in used]),
        "y": np.stack([padded(each.y) for each in used]),
        "validation": np.stack([each.evaluated["validation"] for each in used]),
        "y_validation": np.stack([each.y_validation for each in used]),
        "rows": np.stack([_order(n, schedule, seed) for n, seed in orders]),
    }
    own = {
        "set": np.array([names.index(run.data) for run in runs], np.int32),
        "seed": np.array(
            [orders.index((len(sets[run.data].x), run.seed)) for run in runs], np.int32
        ),
        "numbers": dict(numbers),
    }
    return shared | own, dict.fromkeys(shared) | dict.fromkeys(own, 0)


def predict_runs(models: Any, sets: Sequence[Sets]) -> list[dict[str, np.ndarray]]:
    """Predict everything that each run's sets ask for, one chunk of all runs at a time.

    Args:
        models: trained models, every array leaf with a leading run axis.
        sets: those of every run.

    Returns: for every run the classes of `Sets.evaluated`, by name.
    """
    samples = [np.concatenate(list(each.evaluated.values())) for each in sets]
    arrays, static = eqx.partition(models, eqx.is_array)

    @jax.jit
    def predicted(arrays: Any, x: Array) -> Array:
        def one(arrays: Any, x: Array) -> Array:
            return predict(eqx.nn.inference_mode(eqx.combine(arrays, static)), x).argmax(axis=1)

        return jax.vmap(one)(arrays, x)

    found = []
    for start in range(0, max(map(len, samples)), CHUNK):
        x = np.zeros((len(sets), CHUNK, samples[0].shape[1]), np.float32)
        for i, each in enumerate(samples):
            piece = each[start : start + CHUNK]
            x[i, : len(piece)] = piece
        found.append(np.asarray(predicted(arrays, x)))
    classes = np.concatenate(found, axis=1)
    divided = []
    for row, own in zip(classes, sets, strict=True):
        stops = np.cumsum([len(x) for x in own.evaluated.values()])
        divided.append(dict(zip(own.evaluated, np.split(row, stops)[:-1], strict=True)))
    return divided
