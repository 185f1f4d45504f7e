"""Measures of grokking: when a network fits its samples, when it generalises, and what is between.

Steps are read off curves of evaluations, between two of them on a straight line over the logarithm
of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist1d.measures.expressions import UNLIMITED, Measure

if TYPE_CHECKING:
    import xarray as xr

FITTED = 0.99
"""Training accuracy from which on a network fits its samples."""

NEAR_BEST = 0.9
"""Share of its highest test accuracy from which on a network generalises.

An accuracy that all share would not do: with 250 samples no network reaches what one with 1,000
does. The highest of noisy numbers is too high by about 2 % of it, which this share allows for."""

LATE = 10.0
"""How many times the steps of fitting count as long after it."""

NUMBER = (0.0, np.inf)
"""Ends of the scale of a number of steps."""

CURVES = ("train_accuracy", "test_accuracy", "train_loss", "norm", "similarity")


class Place(NamedTuple):
    """The condition of a network."""

    n_samples: int
    decay: float
    scale: float


class Curves(NamedTuple):
    """What was measured of a network on its way, each of shape (evaluations,).

    Attributes:
        step: numbers of updates, rising.
        train_accuracy: a fraction; the others are variables of the result, too.
    """

    step: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    train_loss: np.ndarray
    norm: np.ndarray
    similarity: np.ndarray

    @property
    def fitted(self) -> float:
        """Steps after which the samples are fitted; NaN if they never are."""
        return first_reached(self.step, self.train_accuracy, FITTED)

    @property
    def generalised(self) -> float:
        """Steps after which the test accuracy is near its highest."""
        return first_reached(self.step, self.test_accuracy, NEAR_BEST * self.test_accuracy.max())

    @property
    def final_accuracy(self) -> float:
        """Test accuracy, mean over the last third of the steps."""
        return float(self.test_accuracy[self.step >= 2 / 3 * self.step[-1]].mean())

    def at(self, name: str, step: float) -> float:
        """Return the value of a curve after a number of steps; NaN beyond the last."""
        if not step <= self.step[-1]:
            return np.nan
        return float(np.interp(np.log(step), np.log(self.step), getattr(self, name)))


def first_reached(steps: np.ndarray, values: np.ndarray, level: float) -> float:
    """Return after how many steps a curve first reaches a level; NaN if it does not.

    Args:
        steps: numbers of updates, rising, above 0.
        values: the curve.
        level: to be reached.

    >>> steps = np.array([1, 10, 100, 1000])
    >>> first_reached(steps, np.array([0.1, 0.5, 0.9, 0.2]), 0.7).__round__(1)
    31.6
    >>> first_reached(steps, np.array([0.1, 0.5, 0.9, 0.2]), 0.95)
    nan
    """
    reached = np.flatnonzero(values >= level)
    if not len(reached):
        return np.nan
    first = reached[0]
    if first == 0:
        return float(steps[0])
    between = [first - 1, first]
    return float(np.exp(np.interp(level, values[between], np.log(steps[between]))))


def curves_of(result: xr.Dataset, place: Place) -> list[Curves]:
    """Return the curves of a condition, by trial.

    Raises: KeyError: if the result lacks the condition.
    """
    there = {name: result[name].sel(place._asdict()) for name in CURVES}
    arrays = {name: each.transpose("seed", "step").to_numpy() for name, each in there.items()}
    steps = result.step.to_numpy()
    return [
        Curves(steps, **{name: each[seed] for name, each in arrays.items()})
        for seed in range(result.sizes["seed"])
    ]


def of_run(
    place: Place, measure: Callable[[Curves], float], limits: tuple[float, float] = UNLIMITED
) -> Measure:
    """Return a measure of the curves of single networks; NaN where one diverged.

    Args:
        place: the condition.
        measure: `curves -> number`.
        limits: ends of its scale, to which intervals are clipped.
    """

    def number(curves: Curves) -> float:
        return measure(curves) if np.isfinite(curves).all() else np.nan

    return Measure(lambda result: np.array([*map(number, curves_of(result, place))], float), limits)


def fitted_after(place: Place) -> Measure:
    """Measure after how many steps a network fits its samples."""
    return of_run(place, lambda run: run.fitted, NUMBER)


def generalised_after(place: Place) -> Measure:
    """Measure after how many steps a network generalises."""
    return of_run(place, lambda run: run.generalised, NUMBER)


def delay(place: Place) -> Measure:
    """Measure how many times later a network generalises than it fits, in powers of ten."""
    return of_run(place, lambda run: float(np.log10(run.generalised / run.fitted)))


def late_rise(place: Place) -> Measure:
    """Measure how far the test accuracy rises after ten times the steps of fitting, in points."""
    return of_run(
        place,
        lambda run: 100 * (run.final_accuracy - run.at("test_accuracy", LATE * run.fitted)),
    )


def final_accuracy(place: Place) -> Measure:
    """Measure the test accuracy of the last third of the steps, in per cent."""
    return of_run(place, lambda run: 100 * run.final_accuracy)


def accuracy_when_fitted(place: Place) -> Measure:
    """Measure the test accuracy when the samples are first fitted, in per cent."""
    return of_run(place, lambda run: 100 * run.at("test_accuracy", run.fitted))


def log_time(place: Place) -> Measure:
    """Measure the steps to generalising, in powers of two."""
    return of_run(place, lambda run: float(np.log2(run.generalised)))


def norm_at(place: Place, when: Callable[[Curves], float]) -> Measure:
    """Measure the norm of all weights after some steps.

    Args:
        place: the condition.
        when: `curves -> steps`.
    """
    return of_run(place, lambda run: run.at("norm", when(run)))


def log_norm(place: Place, when: Callable[[Curves], float]) -> Measure:
    """Measure the norm of all weights after some steps, in powers of two.

    Args:
        place: the condition.
        when: `curves -> steps`.
    """
    return of_run(place, lambda run: float(np.log2(run.at("norm", when(run)))))


def final_similarity(place: Place) -> Measure:
    """Measure how similar the features are to the initial ones after the last step."""
    return of_run(place, lambda run: float(run.similarity[-1]))


def later_change(place: Place) -> Measure:
    """Measure how much more features change between fitting and generalising than before fitting.

    A change is the fall of their similarity with the initial features, which is 1 at the start.
    """

    def more(run: Curves) -> float:
        fitted, generalised = (run.at("similarity", step) for step in (run.fitted, run.generalised))
        return (fitted - generalised) - (1 - fitted)

    return of_run(place, more)


def growth(places: dict[float, Place]) -> Measure:
    """Measure how the delay grows with the initial weights, in powers of ten per doubling.

    It is the slope of a line through the delays of all scales, fitted to every trial.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        delays = np.array([delay(place).per_seed(result) for place in places.values()])
        doublings = np.log2([*places])
        doublings -= doublings.mean()
        found: np.ndarray = doublings @ delays / (doublings**2).sum()
        return found

    return Measure(per_seed)
