"""The table of the loss of plasticity, remarks on it, and why a claim differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist1d.experiments.beyond.plasticity.claims import (
    accuracy,
    dead,
    early,
    fall,
    late,
    throughout,
)
from mnist1d.experiments.beyond.plasticity.config import (
    ADAM,
    KINDS,
    L2,
    L2_START,
    LABELS,
    NEW,
    NORM,
    NORM_L2,
    ORDERS,
    REPLACE,
    SGD,
    SGD_NEW,
    SHRINK,
    TUNED,
)
from mnist1d.harness.interface import Row
from mnist1d.measures.expressions import value
from mnist1d.measures.text import with_ends

if TYPE_CHECKING:
    import xarray as xr

CLAIM_ABOUT = {
    (LABELS, ADAM): "adam-loses",
    (LABELS, L2): "l2-half",
    (LABELS, L2_START): "l2-start-keeps",
    (LABELS, SHRINK): "shrink-half",
    (LABELS, REPLACE): "replacement-keeps",
    (LABELS, NORM): "layer-norm-half",
    (LABELS, NORM_L2): "layer-norm-l2-keeps",
    (LABELS, SGD): "sgd-loses",
    (ORDERS, ADAM): "adam-loses-permuted",
}
"""The claim that is judged by a row of the table."""


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of accuracies, dead units, weights and ranks, by tasks and training."""
    rows = []
    for kind, trainings in KINDS.items():
        for training in trainings:
            place: dict[str, Any] = {"kind": kind, "training": training, "task": late}
            columns = {
                "accuracy, first tenth (%)": accuracy(training, early, kind),
                "accuracy, last tenth (%)": accuracy(training, late, kind),
                "dead units (%)": dead(training, late, kind),
                "weights": value("weight_size", digits=None, **place),
                "effective rank": value("effective_rank", digits=None, **place),
            }
            estimates = {name: measure(result) for name, measure in columns.items()}
            rows.append(Row(kind, training, estimates, CLAIM_ABOUT.get((kind, training))))
    return rows


def remarks(result: xr.Dataset) -> list[str]:
    """Say which strengths were chosen, and what claims that hold leave open."""
    chosen = dict(zip(TUNED, result.chosen_strength.to_numpy().tolist(), strict=True))
    lines = [
        "All columns but the first are of the last tenth of the tasks. Chosen strengths: "
        + ", ".join(f"{name} {strength:g}" for name, strength in chosen.items())
        + "."
    ]
    ends = (result.strength.min("choice"), result.strength.max("choice"))
    at_end = [
        name
        for name, strength in chosen.items()
        if any(float(end.sel(tuned=name)) == strength for end in ends)
    ]
    if at_end:
        lines.append(
            f"Of {', '.join(at_end)} this is the smallest or the largest strength that was tried."
        )
    losses = [
        (accuracy(new, throughout) - accuracy(kept, throughout))(result).mean
        for new, kept in ((NEW, ADAM), (SGD_NEW, SGD))
    ]
    lines.append(
        "Of networks that end at chance the last tasks do not say who lost more: over all tasks, "
        "Adam loses {:.3g} points to new networks and SGD {:.3g}.".format(*losses)
    )
    lines += _beside_claims(result, chosen[SHRINK])
    dies = _first_without_rank(result)
    names = [name for name, tasks in dies.items() if len(tasks)]
    if names:
        tasks = [int(task) for name in names for task in dies[name]]
        lines.append(
            f"Of {', '.join(names)}, {len(tasks)} networks end with a rank of 0, which is a fall "
            "of 100 %: all units of the second layer are dead, and no gradient will revive them. "
            f"The last one died in one of the tasks {min(tasks)} to {max(tasks)}."
        )
    return lines


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    permuted = result.sel(kind=ORDERS)
    first, second = (
        100 * float(permuted.accuracy.sel(training=ADAM).isel(task=task).mean()) for task in (0, 1)
    )
    end = 100 * float(permuted.last_accuracy.sel(training=NEW).mean())
    anew = accuracy(NEW, throughout, ORDERS)(result)
    change = -fall(ADAM, ORDERS)(result).mean
    return {
        "adam-loses-permuted": (
            f"With Adam the first task of permuted inputs has {first:.1f} %, as that of any new "
            f"network, and the second has {second:.1f} %. Another order of the points asks for "
            "another first layer, while all behind it may stay as it is, which gives a network "
            "that goes on a head start. New ones are slower rather than unable: they have "
            f"{anew.mean:.1f} % in the mean over the updates of a task and {end:.1f} % after the "
            "last. A loss that is smaller than the head start would not show in this comparison; "
            f"from the first tenth of the tasks to the last, the accuracy changes by {change:+.1f} "
            "points."
        )
    }


def _beside_claims(result: xr.Dataset, shrink: float) -> list[str]:
    """Say of remedies that remove half of a loss what they do not."""
    below = (accuracy(SHRINK) - accuracy(NEW))(result)
    shrunk = (
        f"The accuracy of {SHRINK} minus that of new networks is {with_ends(below)} points in the "
        f"last tenth: starting again removes the loss, too. At the chosen strength every weight "
        f"loses a share of {shrink:g} before every task and gains as much of a newly drawn one; "
        "Adam begins anew as well."
    )
    normalised = (
        f"With {NORM} alone, the accuracy falls by {with_ends(fall(NORM)(result))} points from "
        "the first tenth of the tasks to the last, all the same."
    )
    return [shrunk, normalised]


def _first_without_rank(result: xr.Dataset) -> dict[str, np.ndarray]:
    """Return, by training, in which tasks the rank became 0 of networks that end with it."""
    found = {}
    for training in result.training.to_numpy().tolist():
        ranks = result.effective_rank.sel(training=training).transpose("kind", "seed", "task")
        zero = ranks.to_numpy().reshape(-1, result.sizes["task"]) == 0
        # The first of the tasks that end the sequence, all with a rank of 0.
        n_last = np.cumprod(zero[:, ::-1], axis=1).sum(axis=1)
        found[training] = result.task.to_numpy()[-n_last[n_last > 0]]
    return found
