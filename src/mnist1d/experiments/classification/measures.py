"""Measures of the models: accuracies in per cent, their ranges, running time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.measures.expressions import EMPTY, Measure, Reduction, last, value
from mnist1d.measures.uncertainty import Estimate, estimate_proportion, in_percent

if TYPE_CHECKING:
    import xarray as xr

DATA = {"mnist": "MNIST", "plain": "MNIST-1D", "shuffled": "MNIST-1D, shuffled"}
MODELS = ("Logistic", "MLP", "CNN", "GRU")
USUAL = {"MLP": "MLP 2 x 512", "CNN": "LeNet", "GRU": "GRU 128"}
"""The usual network on MNIST that stands for a model of Table 1."""
WIDE = "MLP 256"
"""The MLP of the width that the authors' training defaults name; on MNIST a usual one."""


def early_stopped(data: str, model: str) -> Measure:
    """Test accuracy in per cent at the evaluation with the highest validation accuracy."""
    return _accuracy("early_stopped", data, model)


def after_last_step(data: str, model: str) -> Measure:
    """Test accuracy in per cent after the last step."""
    return _accuracy("test", data, model, last)


def gap(data: str, model: str) -> Measure:
    """Training minus test accuracy after the last step, in percentage points."""
    return _accuracy("train", data, model, last) - after_last_step(data, model)


def best_training(data: str, model: str) -> Measure:
    """Training accuracy in per cent, the highest of all evaluations."""
    return _accuracy("train", data, model, lambda values, step: values.max(step))


def _accuracy(part: str, data: str, model: str, over_steps: Reduction | None = None) -> Measure:
    prefix = "mnist_" if data == "mnist" else ""
    place: dict[str, Any] = {"model": model}
    if model == WIDE:
        prefix, place = "wide_", {}
    if data != "mnist":
        place["data"] = data
    if over_steps is not None:
        place["mnist_step" if data == "mnist" else "step"] = over_steps
    return _if_there(f"{prefix}{part}_accuracy", **place)


def usual(part: str, network: str) -> Measure:
    """Accuracy in per cent of a usual network on MNIST after the last step.

    Args:
        part: "train" or "test".
        network: its name.
    """
    return _if_there(f"usual_{part}_accuracy", usual_model=network)


def _if_there(name: str, **place: Any) -> Measure:
    """Measure an accuracy in per cent; empty of results that are older than its variable."""
    measure = value(name, scale=100, limits=(0, 100), **place)

    def per_seed(result: xr.Dataset) -> np.ndarray:
        if name not in result:
            raise KeyError(name)
        return measure.per_seed(result)

    return replace(measure, per_seed=per_seed)


def converged_test(result: xr.Dataset) -> Estimate:
    """Test accuracy in per cent of the converged logistic regression on MNIST.

    There is no chance in the fit; the interval is over the test images.
    """
    if "logistic_is_correct" not in result:
        return EMPTY
    return in_percent(estimate_proportion(result.logistic_is_correct.to_numpy()))


def converged_training(result: xr.Dataset) -> Estimate:
    """Training accuracy in per cent of the converged logistic regression on MNIST."""
    if "logistic_train_accuracy" not in result:
        return EMPTY
    return Estimate(100 * float(result.logistic_train_accuracy), np.nan, np.nan, 1)


def spread(data: str) -> Measure:
    """Range of the early-stopped accuracies of MLP, CNN and GRU."""
    accuracies = [early_stopped(data, model) for model in ("MLP", "CNN", "GRU")]
    return Measure(lambda result: np.ptp([each.per_seed(result) for each in accuracies], axis=0))


def lowest(data: str) -> Measure:
    """Lowest of the early-stopped accuracies of all models, in per cent."""
    accuracies = [early_stopped(data, model) for model in MODELS]
    return Measure(lambda result: np.min([each.per_seed(result) for each in accuracies], axis=0))


def not_fitted(data: str, model: str) -> Measure:
    """Training error at the best evaluation, in per cent."""
    return Measure(lambda result: 100 - best_training(data, model).per_seed(result))


def counted(number: float) -> Callable[[xr.Dataset], Estimate]:
    """Return a number that every result has, as an estimate without an interval."""
    return lambda _: Estimate(number, np.nan, np.nan, 1)


def minutes_without_usual_models(result: xr.Dataset) -> Estimate:
    """Minutes of three runs of everything but the usual models on MNIST."""
    seconds = result.attrs.get("seconds")
    if seconds is not None and "usual_seconds" in result:
        result = result.assign_attrs(seconds=seconds - float(result.usual_seconds))
    return minutes(runs=3)(result)
