"""Stacked data and predictions of many runs, for one compiled program."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from mnist1d.execution.numerics import cached_by_settings
from mnist1d.lab.candidates.contract import Run, Schedule, Sets, batch_order
from mnist1d.models import predict

CHUNK = 500
"""Samples that are predicted at a time."""

_order = cached_by_settings(8)(batch_order)


def stack_runs(
    runs: Sequence[Run],
    sets: Mapping[str, Sets],
    schedule: Schedule,
    numbers: Mapping[str, np.ndarray],
    n_train: int,
) -> dict[str, Any]:
    """Put the data of runs into one pytree, every array with a leading run axis.

    Nothing is shared between runs, so that the shapes do not depend on which runs these are, and
    one program serves all.

    Args:
        runs: all of one program.
        sets: the samples of every name in `runs`; all validation sets have one shape.
        schedule: how long every run trains.
        numbers: further numbers per run, shape (runs,) each.
        n_train: number of rows to which training sets are padded.
    """
    used = [sets[run.data] for run in runs]

    def padded(values: np.ndarray) -> np.ndarray:
        # Rows beyond a smaller set are never drawn.
        return np.pad(values, [(0, n_train - len(values))] + [(0, 0)] * (values.ndim - 1))

    return {
        "x": np.stack([padded(each.x) for each in used]),
        "y": np.stack([padded(each.y) for each in used]).astype(np.int32),
        "validation": np.stack([each.evaluated["validation"] for each in used]),
        "y_validation": np.stack([each.y_validation for each in used]).astype(np.int32),
        # The order of batches also depends on the number of training samples.
        "rows": np.stack(
            [_order(len(own.x), schedule, run.seed) for own, run in zip(used, runs, strict=True)]
        ),
        "numbers": dict(numbers),
    }


def predictor(static: Any) -> Callable[[Any, ArrayLike], Array]:
    """Compile the prediction of many models at once, each for its own samples.

    Args:
        static: the part of the models that is no array.

    Returns: `(arrays, x) -> classes`, of shapes (runs, ...), (runs, n, length) and (runs, n).
    """

    @jax.jit
    def predicted(arrays: Any, x: ArrayLike) -> Array:
        def one(arrays: Any, x: Array) -> Array:
            return predict(eqx.nn.inference_mode(eqx.combine(arrays, static)), x).argmax(axis=1)

        return jax.vmap(one)(arrays, jnp.asarray(x))

    return predicted


def predict_runs(
    predicted: Callable[[Any, ArrayLike], Array], arrays: Any, sets: Sequence[Sets]
) -> list[dict[str, np.ndarray]]:
    """Predict everything that each run's sets ask for, one chunk of all runs at a time.

    Args:
        predicted: what `predictor` returned.
        arrays: the arrays of trained models, every leaf with a leading run axis.
        sets: those of every run.

    Returns: for every run the classes of `Sets.evaluated`, by name.
    """
    samples = [np.concatenate(list(each.evaluated.values())) for each in sets]
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
