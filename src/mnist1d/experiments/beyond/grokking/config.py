"""The settings of grokking."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data

PER_DECADE = 16
"""Evaluations from one power of ten of the steps to the next: 15 % apart."""


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of grokking.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s and weights of seed s.
        scales: factors on all initial weights and biases.
        decay: weight decay of AdamW, which takes `learning_rate` times as large a share of every
            weight at every step.
        other_decays: weight decays that are tried, too, with the largest training set.
        n_samples: sizes of the training set, each a divisor of the last.
        learning_rate: of AdamW.
        hidden_size: width of both hidden layers.
        n_steps: updates per network.
        n_test: test samples.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    scales: Annotated[tuple[float, ...], Each(Number(above=0), least=1, rising=True)] = (
        1.0,
        2.0,
        4.0,
    )
    decay: Annotated[float, Number(least=0)] = 0.01
    other_decays: Annotated[tuple[float, ...], Each(Number(least=0), rising=True)] = (0.0, 0.02)
    n_samples: Annotated[tuple[int, ...], Each(Integer(10, 10**6), least=1, rising=True)] = (
        125,
        250,
    )
    learning_rate: Positive = 0.01
    hidden_size: Count = 100
    n_steps: Annotated[int, Integer(10, 10**7)] = 32_000
    n_test: Annotated[int, Integer(10, 10**6)] = 5000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for size in self.n_samples:
            if self.n_samples[-1] % size:
                raise ValueError(
                    f"n_samples must each divide the last one, {self.n_samples[-1]}, not {size}"
                )
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(seeds=2, hidden_size=10, n_steps=200, n_test=200)

    @property
    def decays(self) -> list[float]:
        """Return all weight decays.

        >>> Config(decay=0.01, other_decays=(0.0, 0.02)).decays
        [0.0, 0.01, 0.02]
        """
        return sorted({self.decay, *self.other_decays})

    @property
    def conditions(self) -> list[tuple[int, float]]:
        """Return sizes of the training set and weight decays that are tried together.

        >>> Config(n_samples=(125, 250), decay=0.5, other_decays=(0.0,)).conditions
        [(125, 0.5), (250, 0.0), (250, 0.5)]
        """
        *fewer, most = self.n_samples
        return [
            *((size, self.decay) for size in fewer),
            *((most, decay) for decay in self.decays),
        ]
