"""Claims about the loss of plasticity, and their measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.plasticity.config import (
    ADAM,
    L2,
    L2_START,
    LABELS,
    NEW,
    NORM,
    NORM_L2,
    ORDERS,
    PARTS,
    REPLACE,
    SGD,
    SGD_NEW,
    SHRINK,
    Config,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.verdicts.rules import NoGain, Positive
from mnist1d.measures.expressions import Measure, Reduction, value

if TYPE_CHECKING:
    import xarray as xr

N_COMPARED = Config().n_tasks // PARTS

LOSS = 5.0
"""Points of accuracy from which on the ability to learn counts as lost: in Dohare et al. it falls
from 89 to 77 % on pairs of classes of ImageNet, and by some points on permuted digits. Per cent of
the units, too, of which up to a quarter die there."""

SAME = 2.0
"""Points of accuracy, or per cent of the units, that count as none: curves of remedies that "keep"
the ability to learn move by one or two points in the figures of Dohare et al. and Kumar et al."""

CHANGE = 10.0
"""Per cent by which weights and ranks have to change: what these papers call growth and decline is
several times as much, and neighbouring tasks differ by less."""

DOHARE = "Beyond the paper: Dohare et al. (2024), of images"
KUMAR = "Beyond the paper: Kumar et al. (2023), of images"
LYLE = "Beyond the paper: Lyle et al. (2023), of images"
LYLE_2024 = "Beyond the paper: Lyle et al. (2024), of images"
ASH = "Beyond the paper: Ash & Adams (2020) and Dohare et al. (2024), of images"


def early(values: xr.DataArray, dimension: str) -> xr.DataArray:
    """Average over the first tenth of the tasks.

    >>> import xarray as xr
    >>> early(xr.DataArray(np.arange(20.0), dims="task"), "task").item()
    0.5
    """
    n = values.sizes[dimension] // PARTS
    return values.isel({dimension: slice(n)}).mean(dimension, skipna=False)


def late(values: xr.DataArray, dimension: str) -> xr.DataArray:
    """Average over the last tenth of the tasks.

    >>> import xarray as xr
    >>> late(xr.DataArray(np.arange(20.0), dims="task"), "task").item()
    18.5
    """
    n = values.sizes[dimension] // PARTS
    return values.isel({dimension: slice(-n, None)}).mean(dimension, skipna=False)


def throughout(values: xr.DataArray, dimension: str) -> xr.DataArray:
    """Average over all tasks."""
    return values.mean(dimension, skipna=False)


def accuracy(training: str | list[str], when: Reduction = late, kind: str = LABELS) -> Measure:
    """Measure the accuracy in per cent; of several trainings their mean."""
    return value("accuracy", scale=100, limits=(0, 100), kind=kind, training=training, task=when)


def fall(training: str, kind: str = LABELS) -> Measure:
    """Measure by how many points the accuracy falls from the first to the last tasks."""
    return accuracy(training, early, kind) - accuracy(training, late, kind)


def dead(training: str, when: Reduction = late, kind: str = LABELS) -> Measure:
    """Measure which share of the units is dead, in per cent."""
    return value("dead_units", scale=100, limits=(0, 100), kind=kind, training=training, task=when)


def growth(name: str, training: str) -> Measure:
    """Measure by how much a variable is larger in the last tasks than in the first, in per cent."""
    first, last = (
        value(name, digits=None, kind=LABELS, training=training, task=when)
        for when in (early, late)
    )
    return Measure(
        lambda result: np.asarray(100 * (last.per_seed(result) / first.per_seed(result) - 1))
    )


def negative(measure: Measure) -> Measure:
    """Measure the negative of a measure."""
    return Measure(lambda result: -measure.per_seed(result))


def above_half(training: str) -> Measure:
    """Measure how far a remedy is above the middle between Adam and new networks, in points."""
    return accuracy(training) - accuracy([ADAM, NEW])


LAST = f"in the last {N_COMPARED} of {Config().n_tasks} tasks"
FROM_FIRST = f"from the first {N_COMPARED} tasks to the last {N_COMPARED}"


def _removes_half(name: str, training: str, what: str, source: str) -> Claim:
    return Claim(
        name,
        f"{what} removes at least half of the loss: accuracy above the middle between Adam and "
        f"new networks, {LAST} (points)",
        source,
        Positive(),
        above_half(training),
    )


def _keeps_all(name: str, training: str, what: str, source: str) -> Claim:
    return Claim(
        name,
        f"{what} keeps the ability to learn: accuracy falls by less than {SAME:g} points, "
        f"{FROM_FIRST}",
        source,
        NoGain(SAME),
        fall(training),
    )


CLAIMS = (
    Claim(
        "adam-loses",
        "With Adam a network loses the ability to learn new random labels: accuracy of new "
        f"networks minus its own, {LAST} (points)",
        KUMAR,
        Positive(least=LOSS),
        accuracy(NEW) - accuracy(ADAM),
    ),
    Claim(
        "adam-falls",
        f"With Adam the accuracy on random labels falls, {FROM_FIRST} (points)",
        LYLE,
        Positive(least=LOSS),
        fall(ADAM),
    ),
    Claim(
        "adam-loses-permuted",
        "With Adam the same is lost on permuted inputs: accuracy of new networks minus its own, "
        f"{LAST} (points)",
        DOHARE,
        Positive(least=LOSS),
        accuracy(NEW, kind=ORDERS) - accuracy(ADAM, kind=ORDERS),
    ),
    Claim(
        "units-die",
        f"Meanwhile units die: growth of their share, {FROM_FIRST} (per cent of the units)",
        DOHARE,
        Positive(least=LOSS),
        dead(ADAM) - dead(ADAM, early),
    ),
    Claim(
        "weights-grow",
        f"Meanwhile weights grow: mean absolute value, {FROM_FIRST} (per cent more)",
        DOHARE,
        Positive(least=CHANGE),
        growth("weight_size", ADAM),
    ),
    Claim(
        "rank-falls",
        "Meanwhile the representation loses rank: effective rank of the second layer, "
        f"{FROM_FIRST} (per cent less)",
        DOHARE,
        Positive(least=CHANGE),
        negative(growth("effective_rank", ADAM)),
    ),
    _removes_half("l2-half", L2, "L2 regularisation", DOHARE),
    _removes_half("shrink-half", SHRINK, "Shrinking and perturbing the weights", ASH),
    _removes_half("layer-norm-half", NORM, "Layer normalisation", LYLE),
    _keeps_all("l2-start-keeps", L2_START, "L2 regularisation towards the initial weights", KUMAR),
    _keeps_all("replacement-keeps", REPLACE, "Continual backpropagation", DOHARE),
    _keeps_all("layer-norm-l2-keeps", NORM_L2, "Layer normalisation with L2", LYLE_2024),
    Claim(
        "start-beats-zero",
        "L2 towards the initial weights is better than L2: difference of the accuracies, "
        f"{LAST} (points)",
        KUMAR,
        Positive(),
        accuracy(L2_START) - accuracy(L2),
    ),
    Claim(
        "replacement-few-dead",
        f"With continual backpropagation hardly a unit is dead, {LAST} (per cent of the units)",
        DOHARE,
        NoGain(SAME),
        dead(REPLACE),
    ),
    Claim(
        "sgd-loses",
        "SGD loses the ability to learn, too: accuracy of new networks minus its own, "
        f"{LAST} (points)",
        DOHARE,
        Positive(least=LOSS),
        accuracy(SGD_NEW) - accuracy(SGD),
    ),
    Claim(
        "adam-loses-more",
        f"Adam loses more than SGD: difference of what they lose to new networks, {LAST} (points)",
        LYLE,
        Positive(),
        (accuracy(NEW) - accuracy(ADAM)) - (accuracy(SGD_NEW) - accuracy(SGD)),
    ),
)
