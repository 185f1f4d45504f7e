"""The settings of the comparison of architectures."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, OneOf, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data
from mnist1d.models.beyond.sizes import SETTINGS

SAMPLES = 4000
"""The paper's number of training samples, for which learning rates are chosen."""

SMALL, LARGE = 5000, 15_000
"""Numbers of parameters."""

ORDERS = ("in order", "shuffled")
"""Of the points of the signals."""

_Models = Annotated[tuple[str, ...], Each(OneOf(*SETTINGS), least=1, different=True)]
_Rates = Annotated[tuple[float, ...], Each(Number(above=0), least=1, different=True)]
_Sizes = Annotated[
    tuple[int, ...], Each(Integer(SMALL, LARGE, multiple_of=SMALL), least=1, rising=True)
]
_Samples = Annotated[tuple[int, ...], Each(Integer(1, 10**6), least=1, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the comparison of architectures.

    Attributes:
        seeds: number of trials that claims are about; trial s has data of seed 42 + s and weights
            of seed s.
        tuning_seeds: number of further trials, which choose the learning rates.
        models: the architectures.
        n_parameters: trained parameters of an architecture, 5,000 and 15,000; all but the test
            accuracy is measured with the first of them.
        n_samples: numbers of training samples, `batch_size` or more; 4,000 is among them.
        rates: learning rates of Adam that are tried for every architecture and size; a rate falls
            to zero along a cosine.
        n_steps: updates per network.
        batch_size: samples per batch, in stored order, over and over.
        n_test: samples of every test set.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    tuning_seeds: Count = 1
    models: _Models = tuple(SETTINGS)
    n_parameters: _Sizes = (SMALL, LARGE)
    n_samples: _Samples = (500, 1500, SAMPLES, 15_000, 50_000)
    rates: _Rates = (0.001, 0.003, 0.01, 0.03, 0.1)
    n_steps: Count = 800
    batch_size: Count = 100
    n_test: Annotated[int, Integer(10, 10**6)] = 2000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for number in self.n_parameters:
            if number not in {SMALL, LARGE}:
                raise ValueError(f"n_parameters must be {SMALL} or {LARGE}, not {number}")
        if SAMPLES not in self.n_samples:
            raise ValueError(
                f"n_samples must have {SAMPLES}, for which learning rates are chosen, not "
                f"{checks.shown(self.n_samples)}"
            )
        checks.integer("batch_size", self.batch_size, 1, self.n_samples[0])
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            models=("MLP", "CNN", "RandomFeatures"),
            n_parameters=(SMALL,),
            n_samples=(500, SAMPLES),
            rates=(0.003, 0.01),
            n_steps=40,
            n_test=200,
        )
