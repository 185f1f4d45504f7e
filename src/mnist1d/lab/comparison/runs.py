"""Doing a candidate's runs, none of them twice."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

from mnist1d.execution.units import Units
from mnist1d.lab.candidates.checks import describe_error
from mnist1d.lab.candidates.contract import Candidate, CandidateError, Outcome, Run, Schedule, Sets
from mnist1d.lab.candidates.fingerprint import settings_text, source_text
from mnist1d.lab.comparison.data import DataSets, Variant

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "Equinox": ("equinox", "jax", "optax"),
    "PyTorch": ("torch",),
    "scikit-learn": ("scikit-learn",),
}
"""The packages that candidates of a framework are made with; of others nothing is known."""


class Wanted(NamedTuple):
    """A run that a comparison needs.

    Attributes:
        settings: of the candidate.
        seed: of weights and batches.
        variant: the samples.
    """

    settings: Mapping[str, Any]
    seed: int
    variant: Variant


class Done(NamedTuple):
    """What became of the runs of a candidate.

    Attributes:
        outcomes: by number of the run; some are missing if the candidate failed.
        failure: what the candidate did wrong; empty if nothing.
    """

    outcomes: Mapping[int, Outcome]
    failure: str


class FinishedRuns:
    """Does runs, and keeps every finished one.

    Args:
        sets: the samples.
        schedule: how long every run trains.
        units: where finished runs are kept.
    """

    def __init__(self, sets: DataSets, schedule: Schedule, units: Units) -> None:
        self._sets, self._schedule, self._units = sets, schedule, units

    def do(
        self,
        candidate: Candidate,
        wanted: Sequence[Wanted],
        report: Callable[[int, int], None],
    ) -> Done:
        """Return the outcome of every run, from what is kept or from the candidate.

        Args:
            candidate: whose runs they are.
            wanted: the runs.
            report: told of steps done and steps in all.

        Raises: OSError: if a finished run cannot be stored.
        """
        source = hashlib.sha256(candidate.source().encode()).hexdigest()
        keys = [self._key(candidate, source, each) for each in wanted]
        outcomes = {
            i: _outcome(found)
            for i, key in enumerate(keys)
            if (found := self._units.load(**key)) is not None
        }
        left = [i for i in range(len(wanted)) if i not in outcomes]
        if not left:
            report(1, 1)
            return Done(outcomes, "")
        variants = {each.variant.name: each.variant for each in wanted}
        sets = {name: self._sets.sets(variant) for name, variant in variants.items()}
        runs = [Run(wanted[i].settings, wanted[i].seed, wanted[i].variant.name) for i in left]
        results = candidate.train(runs, sets, self._schedule, report)
        while True:
            # Storing is outside, so that a full disk is not taken for the candidate's fault.
            try:
                number, outcome = next(results)
                run = runs[number]
                outcome = _checked(outcome, sets[run.data], self._schedule)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 (whatever a stranger's code raises)
                return Done(outcomes, describe(error))
            outcomes[left[number]] = outcome
            self._units.save(_arrays(outcome), **keys[left[number]])
        missing = len(wanted) - len(outcomes)
        failure = f"expected {len(runs)} runs, got {len(runs) - missing}" if missing else ""
        return Done(outcomes, failure)

    def _key(self, candidate: Candidate, source: str, wanted: Wanted) -> dict[str, Any]:
        schedule = {name: getattr(self._schedule, name) for name in self._schedule.__annotations__}
        return {
            "framework": candidate.framework,
            "packages": {
                package: metadata.version(package)
                for package in PACKAGES.get(candidate.framework, ())
            },
            "source": source,
            "settings": settings_text(wanted.settings),
            "seed": wanted.seed,
            "data": self._sets.key(wanted.variant),
            "schedule": schedule,
        }


def shown_settings(settings: Mapping[str, Any]) -> str:
    """Write settings as JSON, functions among them as their names, if they have one.

    >>> shown_settings({"activation": np.tanh, "learning_rate": 0.01})
    '{"activation": "tanh", "learning_rate": 0.01}'
    """

    def shown(value: Any) -> str:
        name = str(getattr(value, "__name__", "<lambda>"))
        return source_text(value) if name == "<lambda>" else name

    return json.dumps(dict(settings), default=shown)


def describe(error: Exception) -> str:
    """Say what a candidate raised, in a line; a `CandidateError` says it itself."""
    if isinstance(error, CandidateError):
        return str(error)
    return f"expected to train and predict, and raised {describe_error(error)}"


def has_diverged(outcome: Outcome) -> bool:
    """Tell whether a run ended with numbers that are not finite; without a loss none has."""
    loss = outcome.train_loss
    is_finite = np.isfinite(loss)
    has_loss = is_finite.any() or np.isinf(loss).any()
    return not np.isfinite(outcome.validation_accuracy[-1]) or bool(
        has_loss and not is_finite.all()
    )


def _checked(outcome: Outcome, sets: Sets, schedule: Schedule) -> Outcome:
    """Return an outcome that is what was asked for, and say what was expected and got if not."""
    n_classes = sets.n_classes
    for name, x in sets.evaluated.items():
        classes = np.asarray(outcome.predictions.get(name, ()))
        if classes.shape != (len(x),) or classes.dtype.kind not in "iu":
            raise CandidateError(
                f"expected {len(x)} integers as predictions for {name}, got {classes.dtype} of "
                f"shape {classes.shape}"
            )
        if len(classes) and not 0 <= classes.min() <= classes.max() < n_classes:
            raise CandidateError(
                f"expected classes from 0 to {n_classes - 1} as predictions for {name}, got "
                f"{classes.min()} to {classes.max()}"
            )
    curves = {
        name: np.atleast_1d(np.asarray(getattr(outcome, name), float))
        for name in ("validation_accuracy", "train_loss")
    }
    for name, curve in curves.items():
        if curve.shape not in {(1,), (schedule.n_evaluations,)}:
            raise CandidateError(
                f"expected {name} at {schedule.n_evaluations} evaluations, or one value after "
                f"training, got shape {curve.shape}"
            )
    return outcome._replace(
        validation_accuracy=curves["validation_accuracy"], train_loss=curves["train_loss"]
    )


def _arrays(outcome: Outcome) -> dict[str, np.ndarray]:
    largest = max(int(classes.max(initial=0)) for classes in outcome.predictions.values())
    kind = np.min_scalar_type(largest)
    return {
        "validation_accuracy": outcome.validation_accuracy,
        "train_loss": outcome.train_loss,
        "seconds": np.array([outcome.seconds, outcome.compile_seconds]),
        **{f"of {name}": np.asarray(c).astype(kind) for name, c in outcome.predictions.items()},
    }


def _outcome(arrays: Mapping[str, np.ndarray]) -> Outcome:
    predictions = {
        name.removeprefix("of "): values for name, values in arrays.items() if name[:3] == "of "
    }
    seconds, compile_seconds = arrays["seconds"].tolist()
    return Outcome(
        arrays["validation_accuracy"], predictions, arrays["train_loss"], seconds, compile_seconds
    )
