"""The settings of the learning rate experiment."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data

_Rates = Annotated[tuple[float, ...], Each(Number(above=0), least=2, different=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the learning rate experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of our own draws of initial weights, in addition to the published one.
        initial_rates: learning rate at the start of each trial.
        outer_steps: updates of the learning rate.
        outer_rate: step size of these updates.
        inner_steps: updates of the network.
        batch_size: samples per inner step, in stored order, over and over.
        hidden_size: hidden units of the network.
        sweep_range: lowest and highest learning rate of the sweep.
        sweep_points: learning rates per pass of the sweep.
        data: the dataset; claims belong to the published one.
    """

    seeds: Count = 20
    initial_rates: _Rates = (1.5, 0.15)
    outer_steps: Count = 50
    outer_rate: Positive = 0.3
    inner_steps: Count = 200
    batch_size: Count = 50
    hidden_size: Annotated[int, Integer(1, 10_000)] = 50
    sweep_range: Annotated[tuple[float, float], Each(Number(above=0), rising=True)] = (0.05, 2.0)
    sweep_points: Annotated[int, Integer(3, 10**6)] = 33
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        check_data(self.data, SHAPES, "the network is made for ten digits of 40 points")
        checks.integer("batch_size", self.batch_size, 1, self.data.n_train)
        if len(self.sweep_range) != 2:
            raise ValueError(
                "sweep_range must be two numbers, the lower first, not "
                f"{checks.shown(self.sweep_range)}"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(seeds=2, outer_steps=12, inner_steps=40, sweep_points=9)
