"""Outcomes of runs: checked, and as the arrays that are stored."""

from collections.abc import Mapping

import numpy as np

from mnist1d.lab.candidates.contract import CandidateError, Outcome, Schedule, Sets


def has_diverged(outcome: Outcome) -> bool:
    """Return whether a run ended with numbers that are not finite, other than a missing loss."""
    if outcome.step is not None:  # an earlier model predicts than the one that diverged
        return not np.isfinite(outcome.validation_accuracy[-1])
    loss = outcome.train_loss
    is_finite = np.isfinite(loss)
    has_loss = is_finite.any() or np.isinf(loss).any()
    return not np.isfinite(outcome.validation_accuracy[-1]) or bool(
        has_loss and not is_finite.all()
    )


def checked_outcome(outcome: Outcome, sets: Sets, schedule: Schedule) -> Outcome:
    """Check the shapes and classes of an outcome, and return it with its curves as arrays.

    Raises: CandidateError: naming what was expected and what came.
    """
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


def arrays_of(outcome: Outcome) -> dict[str, np.ndarray]:
    """Return the arrays that are stored of an outcome."""
    largest = max(int(classes.max(initial=0)) for classes in outcome.predictions.values())
    kind = np.min_scalar_type(largest)
    return {
        "validation_accuracy": outcome.validation_accuracy,
        "train_loss": outcome.train_loss,
        "seconds": np.array([outcome.seconds, outcome.compile_seconds]),
        "cpu_seconds": np.array(outcome.cpu_seconds),
        **({} if outcome.step is None else {"step": np.array(outcome.step)}),
        **{f"of {name}": np.asarray(c).astype(kind) for name, c in outcome.predictions.items()},
    }


def outcome_of(arrays: Mapping[str, np.ndarray]) -> Outcome:
    """Return the outcome that stored arrays are of."""
    predictions = {
        name.removeprefix("of "): values for name, values in arrays.items() if name[:3] == "of "
    }
    seconds, compile_seconds = arrays["seconds"].tolist()
    cpu_seconds = arrays.get("cpu_seconds", np.nan)  # which older files do not have
    return Outcome(
        arrays["validation_accuracy"],
        predictions,
        arrays["train_loss"],
        seconds,
        compile_seconds,
        float(cpu_seconds),
        step=int(arrays["step"]) if "step" in arrays else None,
    )
