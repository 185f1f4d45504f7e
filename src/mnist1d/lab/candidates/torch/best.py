"""Averages of weights in PyTorch, and the best model of a run."""

import copy
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from mnist1d.dataset.imports import required
from mnist1d.lab.candidates.torch.updates import evaluation_weights

torch = required("torch", extra="torch")

# PyTorch is not there for a type checker.
Module: TypeAlias = Any
Tensor: TypeAlias = Any


def averaged_by(shares: np.ndarray) -> Callable[[Module], Module]:
    """Return what makes a model with averaged weights.

    Args:
        shares: of the weights after each step in the new average, shape (n_steps,).

    >>> model = torch.nn.Linear(1, 1)
    >>> mean = averaged_by(np.array([1.0, 0.5]))(model)
    >>> for value in (1.0, 2.0):
    ...     _ = torch.nn.init.constant_(model.weight, value)
    ...     mean.update_parameters(model)
    >>> mean.module.weight.item()
    1.5
    """

    def mixed(mean: Tensor, new: Tensor, n_averaged: Any) -> Tensor:
        return mean.lerp(new, float(shares[int(n_averaged)]))

    return lambda model: torch.optim.swa_utils.AveragedModel(model, avg_fn=mixed)


class BestModel:
    """The model of the best evaluation of a run that stops early.

    Args:
        patience: number of evaluations in a row without a higher accuracy after which the run ends;
            None for a run that does not stop early, of which nothing is kept.

    Attributes:
        step: number of steps after which it was; None if the run does not stop early.
        has_ended: whether the run is over.
    """

    def __init__(self, patience: int | None) -> None:
        self._patience, self._since, self._accuracy = patience, 0, -math.inf
        self._weights: dict[str, Tensor] | None = None
        self.step = None if patience is None else 0
        self.has_ended = False

    def after(self, model: Module, accuracy: Tensor, step: int, optimizer: Any) -> Tensor:
        """Take an evaluation, and return the accuracy of the best model so far."""
        if self._patience is None:
            return accuracy
        value = accuracy.item()
        self._since += 1
        if value > self._accuracy:  # which no NaN is
            self._accuracy, self._since, self.step = value, 0, step
            with evaluation_weights(optimizer):
                self._weights = copy.deepcopy(model.state_dict())
        self.has_ended = self._since >= self._patience
        return torch.full_like(accuracy, self._accuracy) if self._weights else accuracy

    def restore(self, model: Module) -> None:
        """Give a model the weights of the best evaluation, if there is one."""
        if self._weights is not None:
            model.load_state_dict(self._weights)
