"""What can be set of the metalearning of an activation function."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data, with_data

BASELINES = ("relu", "swish", "elu", "softplus", "tanh", "sigmoid")
"""Known functions that the classifier is trained with, by their names in `jax.nn`."""

CONDITIONS = (*BASELINES, "published pieces", "our pieces", "learned")
SIZES = ("num_samples", "train_split", "train", "validation", "test")
PLACES = np.linspace(-5, 5, 100)
"""Where the function is recorded."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of meta-trainings, at least 1; trial s draws from key s.
        outer_steps: updates of the function, at least 1.
        inner_steps: updates of the classifier per training, at least 1.
        objective_steps: the objective is the mean of this many last inner losses, at least 1 and at
            most `inner_steps`.
        hidden_size: hidden units of the classifier, 1 to 10,000.
        network: units of the hidden layers of g, one layer or more, each 1 to 10,000; the paper's
            text has (100, 100).
        scale: factor of g, a number.
        noise: the largest noise in hidden layers, at least 0.
        batch_size: samples per batch; divides 8,000.
        inner_learning_rate: of RMSprop, above 0.
        inner_decay: of RMSprop's mean square, at least 0 and below 1.
        outer_learning_rate: of gradient descent on g, above 0.
        outer_momentum: at least 0 and below 1.
        clip: the largest component of a meta-gradient, above 0.
        evaluation: of g: "table" or "direct" (six times slower, to check the table).
        grid_bound: the table of g reaches from minus this to this, above 0; beyond it g goes on as
            a straight line. Inputs reach about 12; in five trials one of 5,800 million was beyond
            16.
        grid_cells: cells of the table, 2 to 1,000,000.
        transfer_steps: updates of the MLP and the CNN, at least 1.
        transfer_rates: learning rates tried for every function, each above 0.
        data: what the samples are, but for their number; claims belong to the published ones.
    """

    seeds: int = 5
    outer_steps: int = 301
    inner_steps: int = 301
    objective_steps: int = 200
    hidden_size: int = 128
    network: tuple[int, ...] = (100,)
    scale: float = 0.2
    noise: float = 0.1
    batch_size: int = 100
    inner_learning_rate: float = 0.01
    inner_decay: float = 0.4
    outer_learning_rate: float = 0.3
    outer_momentum: float = 0.0
    clip: float = 0.1
    evaluation: str = "table"
    grid_bound: float = 16.0
    grid_cells: int = 2048
    transfer_steps: int = 6001
    transfer_rates: tuple[float, ...] = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "outer_steps", "inner_steps", "batch_size", "transfer_steps"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        checks.integer("objective_steps", self.objective_steps, 1, self.inner_steps)
        checks.integer("hidden_size", self.hidden_size, 1, 10_000)
        checks.integer("grid_cells", self.grid_cells, 2, 10**6)
        if 8000 % self.batch_size:
            raise ValueError(f"batch_size must divide 8000, not {self.batch_size}")
        layers = checks.sequence("network", self.network, "a sequence of integers")
        rates = checks.sequence("transfer_rates", self.transfer_rates, "a sequence of numbers")
        for field, values in (("network", layers), ("transfer_rates", rates)):
            if not values:
                raise ValueError(f"{field} must not be empty")
        for units in layers:
            checks.integer("network", units, 1, 10_000)
        # A list would have no hash, and compiled programs are found by their configuration.
        object.__setattr__(self, "network", tuple(layers))
        object.__setattr__(self, "transfer_rates", tuple(rates))
        for place, rate in enumerate(rates):
            checks.positive(f"transfer_rates[{place}]", rate)
        if len(set(rates)) < len(rates):
            raise ValueError(f"transfer_rates must all be different, not {tuple(rates)}")
        for field in ("inner_learning_rate", "outer_learning_rate", "clip", "grid_bound"):
            checks.positive(field, getattr(self, field))
        checks.real("scale", self.scale)
        if checks.real("noise", self.noise) < 0:
            raise ValueError(f"noise must be at least 0, not {self.noise}")
        for field in ("inner_decay", "outer_momentum"):
            if not 0 <= checks.real(field, getattr(self, field)) < 1:
                raise ValueError(f"{field} must be from 0 to below 1, not {getattr(self, field)}")
        checks.one_of("evaluation", self.evaluation, ("table", "direct"))
        check_data(self.data, (*SHAPES, *SIZES), "networks and numbers of samples are the paper's")

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(
            seeds=2,
            outer_steps=8,
            inner_steps=61,
            objective_steps=40,
            transfer_steps=101,
            transfer_rates=(0.005, 0.01),
        )

    @property
    def determining(self) -> dict[str, Any]:
        """What the learned functions depend on, in the types of JSON."""
        free = ("seeds", "transfer_steps", "transfer_rates", "outer_steps", "data")
        values = {name: value for name, value in vars(self).items() if name not in free}
        return with_data(values | {"network": list(self.network)}, self.data)
