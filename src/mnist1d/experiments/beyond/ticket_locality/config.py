"""The settings of the locality of lottery tickets."""

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data

PRUNINGS = ("in rounds", "at once")
ORDERS = ("as they are", "shuffled")
LENGTHS = (2, 3, 4)
"""Lengths of the runs of neighbouring weights that are counted."""

_Rising = Annotated[tuple[int, ...], Each(Integer(1, 10**6), least=1, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the locality of lottery tickets.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s and weights of seed s.
        sizes: numbers of training samples, `batch_size` or more.
        widths: of both hidden layers.
        rounds: number of networks that are trained in a row, the first of them dense.
        sparsity: share of every layer's parameters that a ticket lacks.
        n_steps: updates per network.
        batch_size: samples per batch, in stored order, over and over.
        learning_rate: of Adam.
        evaluate_every: steps between evaluations.
        n_masks: random masks per ticket.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    sizes: _Rising = (1000, 4000, 20_000, 100_000)
    widths: _Rising = (250, 500, 1000)
    rounds: Annotated[int, Integer(2, 1000)] = 12
    sparsity: Annotated[float, Number(above=0, below=1)] = 0.92
    n_steps: Count = 1502
    batch_size: Count = 100
    learning_rate: Positive = 0.02
    evaluate_every: Count = 100
    n_masks: Annotated[int, Integer(2, 10**6)] = 200
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        checks.integer("batch_size", self.batch_size, 1, self.sizes[0])
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            sizes=(1000, 4000),
            widths=(20, 40),
            rounds=3,
            n_steps=61,
            evaluate_every=20,
            n_masks=20,
        )

    @property
    def sparsities(self) -> np.ndarray:
        """Share of parameters that is dropped before every round, and of a ticket, rising.

        >>> Config().sparsities.round(3).tolist()[:3], len(Config().sparsities)
        ([0.0, 0.19, 0.344], 13)
        """
        return 1 - np.geomspace(1, 1 - self.sparsity, self.rounds + 1)
