"""The state of each candidate during a comparison, and the labelled result of all."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from mnist1d.execution import Task
from mnist1d.harness.assembly import assemble
from mnist1d.lab.candidates.contract import Candidate, Outcome
from mnist1d.lab.candidates.fingerprint import source_text
from mnist1d.lab.comparison.data import DataSets
from mnist1d.lab.comparison.outcomes import has_diverged
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.runs import Setup
from mnist1d.lab.comparison.shipped import measured
from mnist1d.lab.statistics.unfinished import FINISHED, FULL, SHUFFLED, STAGE, of_size

_RUN = ("candidate", "seed")
_DIMS: Mapping[str, tuple[str, ...]] = {
    "test_accuracy": _RUN,
    "train_accuracy": _RUN,
    "seconds": _RUN,
    "cpu_seconds": _RUN,
    "compile_seconds": _RUN,
    "steps_to_target": _RUN,
    "judged_step": _RUN,
    "shuffled_accuracy": _RUN,
    "shift_accuracy": (*_RUN, "test_set"),
    "size_accuracy": (*_RUN, "train_size"),
    "validation_accuracy": (*_RUN, "step"),
    "train_loss": (*_RUN, "step"),
    "diverged": _RUN,
    "test_prediction": (*_RUN, "sample"),
}


@dataclass
class Entry:
    """The state of one candidate during a comparison.

    Attributes:
        name: of the candidate.
        candidate: the candidate.
        space: its search space.
        tries: the settings that are tried.
        is_reference: whether it is a model of the paper.
        source: its source text.
        n_parameters: number of trained parameters with the chosen settings; None if unknown.
        tuning_accuracy: on the validation set, shape (tries, tuning seeds), if anything was tuned.
        is_tuned: whether its settings have been chosen.
        is_measured: whether the final runs are done.
        is_stopped: whether the budget of time was spent before all its runs were finished.
        chosen: index of the chosen settings.
        settings: the chosen settings.
        outcomes: of the final runs, by seed and kind: "full", "shuffled" or number of samples.
        remarks: on its tuning.
        failure: the reason why it failed; empty if it did not.
        shipped: its finished row that came with the package; None if it trains.
        setup: for running it in any process; set after its check.
    """

    name: str
    candidate: Candidate
    space: Mapping[str, Sequence[Any]]
    tries: list[dict[str, Any]]
    is_reference: bool = False
    source: str = ""
    n_parameters: int | None = None
    tuning_accuracy: np.ndarray | None = None
    is_tuned: bool = False
    is_measured: bool = False
    is_stopped: bool = False
    chosen: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    outcomes: dict[Any, Outcome] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    failure: str = ""
    shipped: Mapping[str, Any] | None = None
    setup: Setup = field(init=False, repr=False)

    def choose(self, number: int) -> None:
        """Choose the settings to train with."""
        self.chosen, self.settings = number, self.tries[number]

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to do: it is measured, has failed or was stopped."""
        return bool(self.failure) or self.is_measured or self.is_stopped

    def remark_on_steps(self) -> None:
        """Remark after how many steps the models of the final runs were, if not after the last."""
        steps = [outcome.step for outcome in self.outcomes.values() if outcome.step is not None]
        if steps:
            first, last = min(steps), max(steps)
            number = f"{first:,}" if first == last else f"{first:,} to {last:,}"
            self.remarks.append(f"final runs are judged by their states after {number} steps")

    def take(self, row: Mapping[str, Any]) -> None:
        """Take a finished row in place of training."""
        self.choose(self.tries.index(row["settings"]))
        self.tuning_accuracy = np.array(row["tuning_accuracy"], float)
        self.n_parameters, self.shipped = row["n_parameters"], row
        self.is_tuned = self.is_measured = True
        self.remarks.append(f"from the package, computed on {row['finished']}")


def evaluated_of(entries: Sequence[Entry]) -> dict[str, str]:
    """Say what is evaluated of candidates that are not judged by their last state, by name."""
    texts = {entry.name: getattr(entry.candidate, "evaluated", "") for entry in entries}
    return {name: text for name, text in texts.items() if text}


def to_dataset(entries: Sequence[Entry], sets: DataSets) -> xr.Dataset:
    """Return the measurements of all candidates as one dataset.

    Args:
        entries: the candidates.
        sets: the samples of the protocol.

    Returns: variables over `candidate` and `seed`, NaN where a run diverged or is missing, all
        accuracies as fractions:

        - `test_accuracy`, `train_accuracy`, `shuffled_accuracy`, `diverged`, `seconds` (that
          passed), `cpu_seconds` (of all cores), `compile_seconds`, `steps_to_target` (NaN if the
          target was not reached), with early stopping `judged_step`, the number of steps after
          which the best model was (NaN for candidates without);
        - `shift_accuracy` (…, test_set), `size_accuracy` (…, train_size), `validation_accuracy` and
          `train_loss` (…, step), `test_prediction` (…, sample) with `test_label` (seed, sample);
        - of each candidate `n_parameters` (NaN if unknown), `framework`, `settings` (JSON),
          `source`, `is_reference`, `remarks`, `failure` (empty if none), `n_tries`;
        - `tuning_accuracy` (candidate, try, tuning_seed) and `tuning_settings` (candidate, try);
        - if the comparison was stopped, which runs are finished (`statistics.unfinished`).
    """
    protocol = sets.protocol
    schedule, seeds = protocol.schedule, protocol.final_seeds
    coords: dict[str, Any] = {
        "candidate": [entry.name for entry in entries],
        "seed": list(seeds),
        "step": schedule.evaluate_every * np.arange(1, schedule.n_evaluations + 1),
        "test_set": list(protocol.shift_names),
        "train_size": list(protocol.train_sizes),
        "tuning_seed": list(protocol.seeds_of_tuning),
        "sample": np.arange(protocol.data.n_test),
    }
    asked_for = {
        "shuffled_accuracy": protocol.shuffled,
        "shift_accuracy": bool(protocol.shift_names),
        "size_accuracy": bool(protocol.train_sizes),
        "judged_step": any(
            outcome.step is not None for entry in entries for outcome in entry.outcomes.values()
        ),
    }
    result = assemble(
        (each for entry in entries for each in _measured(entry, sets)),
        {name: labels for name, labels in coords.items() if len(labels)},
        {name: dims for name, dims in _DIMS.items() if asked_for.get(name, True)},
        fill={"diverged": False, "test_prediction": np.int16(-1)},
    )
    labels = [sets.labels(sets.final_variant(seed, "full"))["test"] for seed in seeds]
    result["test_label"] = (("seed", "sample"), np.array(labels, np.int16))
    result = result.drop_vars("sample").assign(_facts(entries, protocol))
    if any(entry.is_stopped for entry in entries):
        result = result.assign(_finished(entries, protocol))
    return result


def _finished(entries: Sequence[Entry], protocol: Protocol) -> dict[str, Any]:
    """Return which final runs are finished."""
    seeds, kinds = protocol.final_seeds, protocol.kinds
    finished = [
        [[bool(e.shipped) or (seed, kind) in e.outcomes for kind in kinds] for seed in seeds]
        for e in entries
    ]
    names = {"full": FULL, "shuffled": SHUFFLED}
    return {
        FINISHED: (("candidate", "seed", STAGE), np.array(finished, bool)),
        STAGE: [of_size(kind) if isinstance(kind, int) else names[kind] for kind in kinds],
    }


def _measured(entry: Entry, sets: DataSets) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Yield the measurements of the final runs of a candidate, with their labels in the result."""
    protocol = sets.protocol
    for labels, values in measured(entry.shipped) if entry.shipped else ():
        yield Task({"candidate": entry.name, **labels}, {}), values
    for (seed, kind), outcome in entry.outcomes.items():
        labels = {"candidate": entry.name, "seed": seed}
        accuracy = _accuracies(outcome, sets.labels(sets.final_variant(seed, kind)))
        if kind == "shuffled":
            yield Task(labels, {}), {"shuffled_accuracy": accuracy["test"]}
        elif kind == "full":
            yield Task(labels, {}), _of_full_run(outcome, accuracy, protocol)
        size = protocol.data.n_train if kind == "full" else kind
        if size in protocol.train_sizes:
            yield Task({**labels, "train_size": size}, {}), {"size_accuracy": accuracy["test"]}


def _of_full_run(
    outcome: Outcome, accuracy: Mapping[str, float], protocol: Protocol
) -> dict[str, Any]:
    n = protocol.schedule.n_evaluations
    return {
        "test_accuracy": accuracy["test"],
        "train_accuracy": accuracy["train"],
        "shift_accuracy": [accuracy[name] for name in protocol.shift_names],
        "seconds": outcome.seconds,
        "cpu_seconds": outcome.cpu_seconds,
        "compile_seconds": outcome.compile_seconds,
        "steps_to_target": steps_to_target(outcome, protocol),
        **({} if outcome.step is None else {"judged_step": outcome.step}),
        "diverged": has_diverged(outcome),
        "test_prediction": outcome.predictions["test"],
        "validation_accuracy": _curve(outcome.validation_accuracy, n),
        "train_loss": _curve(outcome.train_loss, n),
    }


def _curve(values: np.ndarray, n: int) -> np.ndarray:
    """Return values at all evaluations; a single value is the last, after training."""
    return np.concatenate([np.full(n - len(values), np.nan), values])


def steps_to_target(outcome: Outcome, protocol: Protocol) -> float:
    """Return after how many steps a run reached the target accuracy; NaN if it did not.

    That is the first evaluation with it: the true number may be smaller by less than the steps
    between two evaluations.
    """
    n = protocol.schedule.n_evaluations
    # Without steps there is nothing to count.
    has_steps = n > 1 or not np.isnan(outcome.train_loss).all()
    reached = np.flatnonzero(outcome.validation_accuracy >= protocol.target_accuracy)
    if not has_steps or len(outcome.validation_accuracy) < n or not len(reached):
        return np.nan
    return float(protocol.evaluate_every * (1 + reached[0]))


def _accuracies(outcome: Outcome, labels: Mapping[str, np.ndarray]) -> dict[str, float]:
    if has_diverged(outcome):
        return dict.fromkeys(labels, np.nan)
    return {name: float((outcome.predictions[name] == y).mean()) for name, y in labels.items()}


def shown_settings(settings: Mapping[str, Any]) -> str:
    """Write settings as JSON, functions as their names, or as their source without one.

    >>> shown_settings({"activation": np.tanh, "learning_rate": 0.01})
    '{"activation": "tanh", "learning_rate": 0.01}'
    """

    def shown(value: Any) -> str:
        name = str(getattr(value, "__name__", "<lambda>"))
        return source_text(value) if name == "<lambda>" else name

    return json.dumps(dict(settings), default=shown)


def _facts(entries: Sequence[Entry], protocol: Protocol) -> dict[str, Any]:
    """Return the variables with one value per candidate, and the settings that were tried."""
    n_tries = max(len(entry.tries) for entry in entries)
    accuracy = np.full((len(entries), n_tries, protocol.tuning_seeds), np.nan)
    tried = np.full((len(entries), n_tries), "", dtype=object)
    for i, entry in enumerate(entries):
        tried[i, : len(entry.tries)] = [shown_settings(settings) for settings in entry.tries]
        if entry.tuning_accuracy is not None:
            accuracy[i, : len(entry.tries)] = entry.tuning_accuracy
    texts = {
        "framework": [entry.candidate.framework for entry in entries],
        "settings": [shown_settings(entry.settings) for entry in entries],
        "source": [entry.source for entry in entries],
        "remarks": ["; ".join(entry.remarks) for entry in entries],
        "failure": [entry.failure for entry in entries],
    }
    numbers = [np.nan if entry.n_parameters is None else entry.n_parameters for entry in entries]
    return {
        **{name: ("candidate", np.array(values, dtype=object)) for name, values in texts.items()},
        "n_parameters": ("candidate", np.array(numbers, float)),
        "n_tries": ("candidate", [len(entry.tries) for entry in entries]),
        "is_reference": ("candidate", [entry.is_reference for entry in entries]),
        "tuning_accuracy": (("candidate", "try", "tuning_seed"), accuracy),
        "tuning_settings": (("candidate", "try"), tried),
    }
