"""The settings of the transfer of learned activation functions."""

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, OneOf, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_at_most, check_data, with_data

ARCHITECTURES = ("MLP", "CNN")
SIZES = ("table-1", "2-times-as-wide", "4-times-as-wide", "1-layer-more", "2-layers-more")
"""Networks of an architecture: that of Table 1, wider and deeper ones."""

KNOWN = ("relu", "elu", "swish", "gelu", "tanh", "snake", "sine")
"""Known functions, by their names in `models.activations`."""

FUNCTIONS = (*KNOWN, *(f"learned in {architecture}" for architecture in ARCHITECTURES))
PLACES = np.linspace(-5, 5, 101)
"""Points at which the learned functions are recorded."""

_Rates = Annotated[tuple[float, ...], Each(Number(above=0), least=1, different=True)]
_Sizes = Annotated[tuple[str, ...], Each(OneOf(*SIZES), least=1, different=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the transfer of learned activation functions.

    Attributes:
        seeds: number of trials that claims are about.
        tuning_seeds: number of further trials, which choose the learning rates.
        outer_steps: updates of a function.
        inner_steps: updates of the network that a function is learned in, per outer step.
        objective_steps: a function is learned by the mean loss of this many last batches; at most
            `inner_steps`.
        units: hidden units of g.
        inner_learning_rate: of RMSprop, when a function is learned.
        outer_learning_rate: of Adam on g.
        sizes: networks of both architectures that all functions are tried in.
        n_steps: updates of these networks.
        rates: learning rates of Adam that are tried for every function; a rate falls to zero along
            a cosine.
        common_rate: learning rate of all functions alike, in the networks of Table 1, to show
            what tuning changes.
        batch_size: samples per batch.
        data: what the samples are, but for their number; claims belong to the published ones.
    """

    seeds: Count = 5
    tuning_seeds: Count = 1
    outer_steps: Count = 100
    inner_steps: Count = 200
    objective_steps: Count = 150
    units: Annotated[int, Integer(1, 10_000)] = 32
    inner_learning_rate: Positive = 0.003
    outer_learning_rate: Positive = 0.1
    sizes: _Sizes = SIZES
    n_steps: Count = 800
    rates: _Rates = (0.001, 0.003, 0.01, 0.03, 0.1)
    common_rate: Positive = 0.003
    batch_size: Annotated[int, Integer(1, 4000)] = 100
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        check_at_most(self, "objective_steps", "inner_steps")
        fixed = (*SHAPES, "num_samples", "train_split", "train", "validation", "test")
        check_data(self.data, fixed, "networks and numbers of samples are the experiment's")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            outer_steps=2,
            inner_steps=6,
            objective_steps=4,
            sizes=SIZES[:1],
            n_steps=30,
            rates=(0.003, 0.01),
        )

    @property
    def learning(self) -> dict[str, Any]:
        """Everything that determines a learned function, in the types of JSON."""
        names = (
            "outer_steps",
            "inner_steps",
            "objective_steps",
            "units",
            "inner_learning_rate",
            "outer_learning_rate",
            "batch_size",
        )
        return with_data({name: getattr(self, name) for name in names}, self.data)
