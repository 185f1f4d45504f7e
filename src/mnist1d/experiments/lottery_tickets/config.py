"""The settings of the lottery-ticket experiment."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Integer, Number, Positive, Seed, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data

SEARCHES = ("random", "lottery")
STUDIES = ("original", "flipped", "shuffled", "chunked", "re-initialised")
NETWORKS = ("dense", "random", "lottery")
CONTROLS = ("same degrees", "same runs")
POSITIONED = ("positions", "positions_seed", "shuffle_seq")
PUBLISHED_PRUNING_STEP = 1000


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the lottery-ticket experiment; the defaults are the paper's.

    Attributes:
        seeds: number of trials; trial s draws initial weights and random masks from seed s.
        protocol: "corrected", or "published": what the code did (differences 1 to 5).
        hidden_size: width of both hidden layers.
        rounds: number of sparsities, equally spaced from 0 to 1.
        learning_rate: of Adam.
        search_steps: updates per round (the paper's steps 0 to 1501).
        search_batch_size: samples per batch in the search, in stored order, over and over.
        ticket_sparsity: sparsity of the tickets that are studied; the nearest one of the search is
            taken.
        study_steps: updates per network in the studies (steps 0 to 6000).
        study_batch_size: likewise in the studies.
        study_seed: seed of the studies' data; the search's data has 42.
        evaluate_every: steps between evaluations.
        controls: whether to train the two controls.
        products: type of the factors of matrix products, "float32" or "bfloat16"; sums and updates
            are float32.
        data: what the samples are, but for the studies' seed and positions; claims belong to the
            published ones.
    """

    seeds: Count = 3
    protocol: Literal["corrected", "published"] = "corrected"
    hidden_size: Annotated[int, Integer(1, 10_000)] = 500
    rounds: Annotated[int, Integer(2, 10**6)] = 100
    learning_rate: Positive = 0.02
    search_steps: Count = 1502
    search_batch_size: Count = 100
    ticket_sparsity: Annotated[float, Number(least=0, most=1)] = 0.92
    study_steps: Count = 6001
    study_batch_size: Count = 500
    study_seed: Seed = 43
    evaluate_every: Count = 100
    controls: bool = True
    products: Literal["float32", "bfloat16"] = "float32"
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        check_data(
            self.data, (*SHAPES, *POSITIONED), "studies have 40 points in orders of their own"
        )
        n_train = self.data.n_train
        for field in ("search_batch_size", "study_batch_size"):
            checks.integer(field, getattr(self, field), 1, n_train)
        if self.protocol == "published" and (
            self.search_steps <= PUBLISHED_PRUNING_STEP
            or PUBLISHED_PRUNING_STEP % self.evaluate_every
        ):
            raise ValueError(
                f"protocol 'published' prunes after step {PUBLISHED_PRUNING_STEP}, which must be "
                f"one of the evaluations: search_steps={self.search_steps} must be above it and "
                f"evaluate_every={self.evaluate_every} divide it"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2, hidden_size=30, rounds=13, search_steps=61, study_steps=61, evaluate_every=20
        )

    @property
    def sparsities(self) -> np.ndarray:
        """Sparsity of every round, shape (rounds,)."""
        return np.linspace(0, 1, self.rounds)

    @property
    def ticket_round(self) -> int:
        """Index of the round whose masks are studied."""
        return int(np.abs(self.sparsities - self.ticket_sparsity).argmin())
