"""Averages of a model's weights over the steps of a run, and how it is said what is evaluated."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from mnist1d.dataset import checks
from mnist1d.dataset.constraints import Count, Float, constrained


@dataclass(frozen=True)
@constrained
class EMA:
    """The exponential moving average of the weights, which is evaluated in their place.

    It begins with the weights after the first step. A state, such as running statistics, is that of
    the model which is trained. Source: Polyak & Juditsky (1992), SIAM Journal on Control and
    Optimization 30(4), for averages of all steps; Tarvainen & Valpola (2017), arXiv:1703.01780.

    Args:
        decay: what remains of the average in a step, from 0 to below 1; 0.99 averages over the last
            hundred steps or so.

    >>> EMA(0.9).shares(3)
    array([1. , 0.1, 0.1])
    >>> EMA(1)
    Traceback (most recent call last):
        ...
    ValueError: decay must be from 0 to below 1, not 1
    """

    decay: Annotated[float, Float(least=0, below=1)] = 0.99

    def shares(self, n_steps: int) -> np.ndarray:
        """Return the share of the weights after each step in the new average, shape (n_steps,)."""
        return np.where(np.arange(n_steps) == 0, 1.0, 1 - self.decay)

    def __str__(self) -> str:
        return f"the exponential moving average of its weights (decay {self.decay:g})"


@dataclass(frozen=True)
@constrained
class SWA:
    """Stochastic weight averaging: the mean of the weights at the end of a run is evaluated.

    Before, the trained weights are. A state, such as running statistics, is that of the model which
    is trained. Source: Izmailov et al. (2018), arXiv:1803.05407, who average after every epoch
    (`every=40` with the default batches), and compute statistics for the mean anew.

    Args:
        start: fraction of the steps after which the mean begins, from 0 to below 1.
        every: number of steps between the weights that are averaged.

    >>> SWA(0.5).shares(6).round(2)
    array([1.  , 1.  , 1.  , 1.  , 0.5 , 0.33])
    """

    start: Annotated[float, Float(least=0, below=1)] = 0.75
    every: Count = 1

    def shares(self, n_steps: int) -> np.ndarray:
        """Return the share of the weights after each step in the new average, shape (n_steps,)."""
        after = np.arange(n_steps) - math.ceil(self.start * n_steps)
        number = after // self.every + 1
        return np.where(
            after <= 0, 1.0, np.where(after % self.every, 0.0, 1 / np.maximum(number, 1))
        )

    def __str__(self) -> str:
        often = "" if self.every == 1 else f", every {self.every} steps"
        return f"the mean of its weights after the first {100 * self.start:g} % of the steps{often}"


class Averaged(NamedTuple):
    """The state of an average, the last in the chain of an optimiser.

    Attributes:
        step: number of steps.
        mean: the average, a pytree like the weights.
    """

    step: Array
    mean: Any


def followed_by(
    optimizer: optax.GradientTransformation, average: EMA | SWA, n_steps: int
) -> optax.GradientTransformation:
    """Return an optimiser that also averages the weights; `mean_of` finds the average."""
    shares = average.shares(n_steps)

    def init(weights: Any) -> Averaged:
        return Averaged(jnp.int32(0), weights)

    def update(updates: Any, state: Averaged, weights: Any = None) -> tuple[Any, Averaged]:
        share = jnp.asarray(shares)[state.step]

        def mixed(mean: Array, new: Array) -> Array:
            part = share.astype(mean.dtype)
            return (1 - part) * mean + part * new

        moved = optax.apply_updates(weights, updates)
        return updates, Averaged(state.step + 1, jax.tree.map(mixed, state.mean, moved))

    return optax.chain(optimizer, optax.GradientTransformation(init, update))


def mean_of(optimizer_state: Any) -> Any:
    """Return the average in the state of an optimiser that `followed_by` returned."""
    return optimizer_state[-1].mean


def check_patience(patience: int | None) -> None:
    """Check a number of evaluations.

    Raises: ValueError: if it is none.
    """
    if patience is not None:
        checks.integer("patience", patience, 1, 10**9)


def evaluated_text(average: Any, patience: int | None, other: Any = None) -> str:
    """Say what of a run is evaluated, if it is not the model after the last step.

    Args:
        average: of the weights, if any.
        patience: of early stopping, if any.
        other: a function that makes the model to evaluate, if any.

    >>> evaluated_text(EMA(0.9), 5)  # doctest: +NORMALIZE_WHITESPACE
    'the exponential moving average of its weights (decay 0.9), as of the evaluation with the
    highest validation accuracy; a run ends after 5 in a row without a higher one'
    >>> evaluated_text(None, 3)  # doctest: +NORMALIZE_WHITESPACE
    'its state at the evaluation with the highest validation accuracy; a run ends after 3 in a row
    without a higher one'
    >>> evaluated_text(None, None)
    ''
    """
    text = "" if average is None else "an average of its weights"
    if isinstance(average, EMA | SWA):
        text = str(average)
    if other is not None:
        text = "what its evaluation_model makes of the trained one"
    if patience is None:
        return text
    what = f"{text}, as of" if text else "its state at"
    return (
        f"{what} the evaluation with the highest validation accuracy; a run ends after {patience} "
        "in a row without a higher one"
    )
