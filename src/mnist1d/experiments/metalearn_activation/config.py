"""The settings of the metalearning of an activation function."""

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import (
    Count,
    Each,
    Integer,
    Number,
    OneOf,
    Positive,
    constrained,
)
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_at_most, check_data, with_data

BASELINES = ("relu", "swish", "elu", "softplus", "tanh", "sigmoid")
"""Known functions that the classifier is trained with, by their names in `jax.nn`."""

CONDITIONS = (*BASELINES, "published pieces", "our pieces", "learned")
SIZES = ("num_samples", "train_split", "train", "validation", "test")
PLACES = np.linspace(-5, 5, 100)
"""Points at which the function is recorded."""
DEEP_NETWORK = (100, 100)
"""Units of the hidden layers of g in the paper's text; its code has one layer of 100."""


_Units = Integer(1, 10_000)
_Layers = Annotated[tuple[int, ...], Each(_Units, least=1)]
_Decay = Annotated[float, Number(least=0, below=1)]
_Rates = Annotated[tuple[float, ...], Each(Number(above=0), least=1, different=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of meta-trainings; trial s draws its function and networks from seed s.
        deep_seeds: number of meta-trainings with the network of the paper's text, 1-100-100-1,
            which are not compared with anything; may be 0.
        outer_steps: updates of the function.
        inner_steps: updates of the classifier per training.
        objective_steps: the objective is the mean of this many last inner losses; at most
            `inner_steps`.
        hidden_size: hidden units of the classifier.
        network: units of the hidden layers of g; the paper's text has (100, 100).
        scale: factor of g.
        noise: the largest noise in hidden layers.
        batch_size: samples per batch, in stored order, over and over.
        inner_learning_rate: of RMSprop.
        inner_decay: of RMSprop's mean square.
        outer_learning_rate: of gradient descent on g.
        outer_momentum: of gradient descent on g.
        clip: the largest component of a meta-gradient.
        evaluation: of g: "table" or "direct" (six times slower, to check the table).
        grid_bound: the table of g is from minus this to this; beyond it g continues as a straight
            line. Inputs are up to about 12; in five trials one of 5,800 million was beyond 16.
        grid_cells: cells of the table.
        transfer_steps: updates of the MLP and the CNN.
        transfer_rates: learning rates tried for every function.
        data: what the samples are, but for their number; claims belong to the published ones.
    """

    seeds: Count = 5
    deep_seeds: Annotated[int, Integer(0, 10**6)] = 3
    outer_steps: Count = 301
    inner_steps: Count = 301
    objective_steps: Count = 200
    hidden_size: Annotated[int, _Units] = 128
    network: _Layers = (100,)
    scale: Annotated[float, Number()] = 0.2
    noise: Annotated[float, Number(least=0)] = 0.1
    batch_size: Count = 100
    inner_learning_rate: Positive = 0.01
    inner_decay: _Decay = 0.4
    outer_learning_rate: Positive = 0.3
    outer_momentum: _Decay = 0.0
    clip: Positive = 0.1
    evaluation: Annotated[str, OneOf("table", "direct")] = "table"
    grid_bound: Positive = 16.0
    grid_cells: Annotated[int, Integer(2, 10**6)] = 2048
    transfer_steps: Count = 6001
    transfer_rates: _Rates = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        check_at_most(self, "objective_steps", "inner_steps")
        checks.integer("batch_size", self.batch_size, 1, 8000)
        check_data(self.data, (*SHAPES, *SIZES), "networks and numbers of samples are the paper's")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            deep_seeds=1,
            outer_steps=3,
            inner_steps=31,
            objective_steps=20,
            transfer_steps=31,
            transfer_rates=(0.005, 0.01),
        )

    @property
    def determining(self) -> dict[str, Any]:
        """Everything that determines the learned functions, in the types of JSON."""
        free = ("seeds", "deep_seeds", "transfer_steps", "transfer_rates", "outer_steps", "data")
        values = {name: value for name, value in vars(self).items() if name not in free}
        return with_data(values | {"network": list(self.network)}, self.data)
