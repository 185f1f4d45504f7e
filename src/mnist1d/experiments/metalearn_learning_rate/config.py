"""What can be set of the learning rate experiment."""

from dataclasses import dataclass
from typing import Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the learning rate experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of draws of initial weights of our own, at least 1, beside the published one.
        initial_rates: learning rate at the start of each trial; two or more, different, above 0.
        outer_steps: updates of the learning rate, at least 1.
        outer_rate: step size of these updates, above 0.
        inner_steps: updates of the network, at least 1.
        batch_size: samples per inner step, in stored order; divides the number of training
            samples.
        hidden_size: hidden units of the network, from 1 to 10,000.
        sweep_range: lowest and highest learning rate of the sweep, above 0.
        sweep_points: learning rates per pass of the sweep, at least 3.
        data: the dataset; claims belong to the published one.
    """

    seeds: int = 20
    initial_rates: tuple[float, ...] = (1.5, 0.15)
    outer_steps: int = 50
    outer_rate: float = 0.3
    inner_steps: int = 200
    batch_size: int = 50
    hidden_size: int = 50
    sweep_range: tuple[float, float] = (0.05, 2.0)
    sweep_points: int = 33
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "outer_steps", "inner_steps"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        checks.integer("hidden_size", self.hidden_size, 1, 10_000)
        checks.integer("sweep_points", self.sweep_points, 3, 10**6)
        check_data(self.data, SHAPES, "the network is made for ten digits of 40 points")
        n_train = self.data.n_train
        if n_train % checks.integer("batch_size", self.batch_size, 1, n_train):
            raise ValueError(f"batch_size must divide {n_train}, not {self.batch_size}")
        checks.positive("outer_rate", self.outer_rate)
        for field in ("initial_rates", "sweep_range"):
            values = getattr(self, field)
            for i, value in enumerate(checks.sequence(field, values, "a sequence of numbers")):
                checks.positive(f"{field}[{i}]", value)
        if not 2 <= len(set(self.initial_rates)) == len(self.initial_rates):
            raise ValueError(
                "initial_rates must be two or more different numbers, not "
                f"{checks.shown(self.initial_rates)}"
            )
        if len(self.sweep_range) != 2 or self.sweep_range[0] >= self.sweep_range[1]:
            raise ValueError(
                "sweep_range must be two numbers, the lower first, not "
                f"{checks.shown(self.sweep_range)}"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, outer_steps=12, inner_steps=40, sweep_points=9)
