"""The settings of the edge of stability, its methods of training, and their thresholds."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data

GD, MOMENTUM, SAM, ADAM = "gradient descent", "momentum", "SAM", "Adam"
CROSS_ENTROPY = "gradient descent, cross-entropy"
"""All others have the squared loss."""

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Of Adam, as usual."""

_Rates = Annotated[tuple[float, ...], Each(Number(above=0), least=1, rising=True)]
_Sizes = Annotated[tuple[int, ...], Each(Integer(1, 10**6), least=1, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the edge of stability.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s and weights of seed s.
        rates: learning rates of gradient descent.
        shared_rate: learning rate of SGD and of sharpness-aware minimisation; one of `rates`.
        momentum_rates: learning rates of gradient descent with momentum.
        adam_rates: learning rates of Adam.
        cross_entropy_rates: learning rates of gradient descent on the cross-entropy.
        momentum: share of the last update that is added to the next, below 1.
        batch_sizes: samples per batch of SGD, `n_samples` at most; all other methods have all.
        radius: how far sharpness-aware minimisation looks for the largest loss.
        n_samples: of the training set.
        hidden_size: width of both hidden layers.
        n_steps: updates per network.
        evaluate_every: steps between measurements; `n_steps` is 20 times as many or more, and a
            multiple of it.
        n_iterations: of Lanczos per measurement.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    rates: _Rates = (0.07, 0.1, 0.14, 0.2)
    shared_rate: Positive = 0.1
    momentum_rates: _Rates = (0.2,)
    adam_rates: _Rates = (0.0005, 0.001)
    cross_entropy_rates: _Rates = (0.2,)
    momentum: Annotated[float, Number(least=0, below=1)] = 0.9
    batch_sizes: _Sizes = (10, 100)
    radius: Positive = 0.05
    n_samples: Annotated[int, Integer(10, 10**6)] = 1000
    hidden_size: Count = 100
    n_steps: Count = 4000
    evaluate_every: Count = 40
    n_iterations: Count = 30
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        if self.shared_rate not in self.rates:
            raise ValueError(
                f"shared_rate must be one of rates, {checks.shown(self.rates)}, not "
                f"{self.shared_rate:g}"
            )
        for size in self.batch_sizes:
            checks.integer("batch_sizes", size, 1, self.n_samples)
        checks.integer("n_steps", self.n_steps, 20 * self.evaluate_every, 10**9)
        if self.n_steps % self.evaluate_every:
            raise ValueError(
                f"n_steps must be a multiple of evaluate_every={self.evaluate_every}, not "
                f"{self.n_steps}"
            )
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            batch_sizes=(10,),
            n_samples=100,
            hidden_size=20,
            n_steps=100,
            evaluate_every=5,
            n_iterations=10,
        )

    @property
    def methods(self) -> dict[str, tuple[float, ...]]:
        """Return the learning rates of every method.

        >>> Config().methods["SGD, batches of 10"]
        (0.1,)
        """
        shared = (self.shared_rate,)
        return {
            GD: self.rates,
            CROSS_ENTROPY: self.cross_entropy_rates,
            MOMENTUM: self.momentum_rates,
            **{sgd(size): shared for size in self.batch_sizes},
            SAM: shared,
            ADAM: self.adam_rates,
        }


SGD = "SGD, batches of"


def sgd(batch_size: int) -> str:
    """Return the name of stochastic gradient descent with a batch size."""
    return f"{SGD} {batch_size}"


def is_sgd(method: str) -> bool:
    """Return whether a method is stochastic gradient descent."""
    return method.startswith(SGD)
