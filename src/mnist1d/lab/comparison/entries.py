"""A candidate on its way through a comparison, and all of them as one labelled result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.lab.candidates.contract import Candidate, Outcome
from mnist1d.lab.comparison.data import DataSets, Variant
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.runs import has_diverged, shown_settings


@dataclass
class Compared:
    """A candidate and what is known of it so far.

    Attributes:
        name: of the candidate.
        candidate: itself.
        space: its search space.
        tries: the settings that are tried.
        is_reference: whether it is a model of the paper.
        source: its text.
        n_parameters: trained numbers with the chosen settings, if there is such a number.
        tuning_accuracy: on the validation set, shape (tries, tuning seeds), if anything was tuned.
        chosen: the settings it trains with.
        outcomes: of the final runs, by seed and kind: "full", "shuffled" or number of samples.
        remarks: what is to be known of its tuning.
        failure: what it did wrong.
    """

    name: str
    candidate: Candidate
    space: Mapping[str, Sequence[Any]]
    tries: list[dict[str, Any]]
    is_reference: bool = False
    source: str = ""
    n_parameters: int | None = None
    tuning_accuracy: np.ndarray | None = None
    chosen: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[Any, Outcome] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    failure: str = ""


def assemble(rows: Sequence[Compared], protocol: Protocol, sets: DataSets) -> xr.Dataset:
    """Put what became of all candidates into one dataset.

    Args:
        rows: the candidates.
        protocol: what they went through.
        sets: the samples.

    Returns: variables over `candidate` and `seed`, NaN where a run diverged or is missing, all
        accuracies as fractions:

        - `test_accuracy`, `train_accuracy`, `shuffled_accuracy`, `diverged`, `seconds`,
          `compile_seconds`, `steps_to_target` (NaN if the target was not reached);
        - `shift_accuracy` (…, test_set), `size_accuracy` (…, train_size), `validation_accuracy` and
          `train_loss` (…, step), `test_prediction` (…, sample) with `test_label` (seed, sample);
        - of each candidate `n_parameters` (NaN if unknown), `framework`, `settings` (JSON),
          `source`, `is_reference`, `remarks`, `failure` (empty if none), `n_tries`;
        - `tuning_accuracy` (candidate, try, tuning_seed) and `tuning_settings` (candidate, try).
    """
    seeds, schedule = protocol.final_seeds, protocol.schedule
    steps = schedule.evaluate_every * np.arange(1, schedule.n_evaluations + 1)
    shape = (len(rows), len(seeds))
    sizes, shifts = protocol.train_sizes, protocol.shift_names
    n_test = protocol.data.n_test

    def empty(*more: int) -> np.ndarray:
        return np.full((*shape, *more), np.nan)

    found = {
        name: empty() for name in ("test_accuracy", "train_accuracy", "seconds", "compile_seconds")
    }
    found |= {"steps_to_target": empty(), "shuffled_accuracy": empty()}
    found |= {"shift_accuracy": empty(len(shifts)), "size_accuracy": empty(len(sizes))}
    curves = {name: empty(len(steps)) for name in ("validation_accuracy", "train_loss")}
    diverged = np.zeros(shape, bool)
    predictions = np.zeros((*shape, n_test), np.int16) - 1
    for i, row in enumerate(rows):
        for j, seed in enumerate(seeds):
            full = Variant(seed if protocol.vary_data else None, final=True)
            at = (i, j)
            if (outcome := row.outcomes.get((seed, "full"))) is not None:
                accuracy = _accuracies(outcome, sets.labels(full))
                diverged[at] = has_diverged(outcome)
                found["test_accuracy"][at] = accuracy["test"]
                found["train_accuracy"][at] = accuracy["train"]
                found["shift_accuracy"][at] = [accuracy[name] for name in shifts]
                found["seconds"][at] = outcome.seconds
                found["compile_seconds"][at] = outcome.compile_seconds
                predictions[at] = outcome.predictions["test"]
                for name, values in curves.items():
                    curve = getattr(outcome, name)
                    values[at][len(steps) - len(curve) :] = curve
                reached = steps[curves["validation_accuracy"][at] >= protocol.target_accuracy]
                # Without steps there is nothing to count.
                has_steps = len(steps) > 1 or not np.isnan(outcome.train_loss).all()
                if len(reached) and len(outcome.validation_accuracy) == len(steps) and has_steps:
                    found["steps_to_target"][at] = reached[0]
                if protocol.data.n_train in sizes:
                    found["size_accuracy"][at][sizes.index(protocol.data.n_train)] = accuracy[
                        "test"
                    ]
            if (outcome := row.outcomes.get((seed, "shuffled"))) is not None:
                labels = sets.labels(full._replace(shuffled=True))
                found["shuffled_accuracy"][at] = _accuracies(outcome, labels)["test"]
            for k, size in enumerate(sizes):
                if (outcome := row.outcomes.get((seed, size))) is not None:
                    labels = sets.labels(full._replace(size=size))
                    found["size_accuracy"][at][k] = _accuracies(outcome, labels)["test"]
    unasked = {
        "shuffled_accuracy": not protocol.shuffled,
        "shift_accuracy": not shifts,
        "size_accuracy": not sizes,
    }
    found = {name: values for name, values in found.items() if not unasked.get(name)}
    own_axes = {"shift_accuracy": ("test_set",), "size_accuracy": ("train_size",)}
    variables: dict[str, Any] = {
        name: (("candidate", "seed", *own_axes.get(name, ())), values)
        for name, values in found.items()
    }
    variables |= {name: (("candidate", "seed", "step"), each) for name, each in curves.items()}
    variables["diverged"] = (("candidate", "seed"), diverged)
    variables["test_prediction"] = (("candidate", "seed", "sample"), predictions)
    labels_of_test = [
        sets.labels(Variant(seed if protocol.vary_data else None, final=True))["test"]
        for seed in seeds
    ]
    variables["test_label"] = (("seed", "sample"), np.array(labels_of_test, np.int16))
    coordinates: dict[str, Any] = {
        "candidate": [row.name for row in rows],
        "seed": list(seeds),
        "step": steps,
        "test_set": list(shifts),
        "train_size": list(sizes),
        "tuning_seed": list(protocol.seeds_of_tuning),
    }
    coordinates = {name: values for name, values in coordinates.items() if len(values)}
    return xr.Dataset(variables | _facts(rows, protocol), coordinates)


def _accuracies(outcome: Outcome, labels: Mapping[str, np.ndarray]) -> dict[str, float]:
    if has_diverged(outcome):
        return dict.fromkeys(labels, np.nan)
    return {name: float((outcome.predictions[name] == y).mean()) for name, y in labels.items()}


def _facts(rows: Sequence[Compared], protocol: Protocol) -> dict[str, Any]:
    """Return what is one value per candidate, and what was tried."""
    n_tries = max(len(row.tries) for row in rows)
    accuracy = np.full((len(rows), n_tries, protocol.tuning_seeds), np.nan)
    tried = np.full((len(rows), n_tries), "", dtype=object)
    for i, row in enumerate(rows):
        tried[i, : len(row.tries)] = [shown_settings(settings) for settings in row.tries]
        if row.tuning_accuracy is not None:
            accuracy[i, : len(row.tries)] = row.tuning_accuracy
    texts = {
        "framework": [row.candidate.framework for row in rows],
        "settings": [shown_settings(row.chosen) for row in rows],
        "source": [row.source for row in rows],
        "remarks": ["; ".join(row.remarks) for row in rows],
        "failure": [row.failure for row in rows],
    }
    numbers = [np.nan if row.n_parameters is None else row.n_parameters for row in rows]
    return {
        **{name: ("candidate", np.array(values, dtype=object)) for name, values in texts.items()},
        "n_parameters": ("candidate", np.array(numbers, float)),
        "n_tries": ("candidate", [len(row.tries) for row in rows]),
        "is_reference": ("candidate", [row.is_reference for row in rows]),
        "tuning_accuracy": (("candidate", "try", "tuning_seed"), accuracy),
        "tuning_settings": (("candidate", "try"), tried),
    }
