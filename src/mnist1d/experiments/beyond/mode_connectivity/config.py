"""The settings of mode connectivity, and what is compared."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data

MODELS = ("MLP", "CNN")

UNMATCHED, BY_WEIGHTS, BY_ACTIVATIONS = "not matched", "by weights", "by activations"
MATCHINGS = (UNMATCHED, BY_WEIGHTS, BY_ACTIVATIONS)
"""How hidden units of independent networks are brought into one order."""

LATE, INDEPENDENT = "children of a late split", "independent networks"
ORIGINS = (LATE, INDEPENDENT)
"""Where the networks come from that are averaged."""

ONE, SWA, SOUP, ENSEMBLE = "one network", "SWA", "soup", "ensemble"
AVERAGES = (ONE, SWA, SOUP, ENSEMBLE)
"""A network after its last step; the mean of its weights over the end of its training; the mean of
the weights of all; the mean of the outputs of all. Of the first two, the mean over networks."""

MEASURES = ("train_loss", "train_error", "test_loss", "test_error")
"""Losses in nats, errors as fractions."""

_Steps = Annotated[tuple[int, ...], Each(Integer(0, 10**9), least=1, rising=True)]
_Widths = Annotated[tuple[int, ...], Each(Integer(1, 4096), least=1, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of mode connectivity.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s, weights and orders of seed s.
        splits: steps after which the children of one network have orders of their own, below
            `n_steps`.
        soup_split: of the children whose weights and outputs are averaged; one of `splits`.
        n_averaged: how many networks are averaged; even, as they are trained in pairs.
        hidden_size: width of both hidden layers of the MLP; one of `widths`.
        channels: of every convolution of the CNN.
        widths: of independent MLPs, whose units are matched.
        n_samples: of the training set, `batch_size` or more.
        batch_size: samples per batch.
        learning_rate: of Adam.
        n_steps: updates of every network, those before its split included.
        average_from: step after which weights are averaged, below `n_steps`.
        average_every: steps between the weights that are averaged, of which those from
            `average_from` to `n_steps` are a multiple.
        n_places: places of a line at which networks are evaluated, both ends included.
        n_test: test samples.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    splits: _Steps = (0, 10, 30, 100, 300, 1000, 2000)
    soup_split: Annotated[int, Integer(0, 10**9)] = 2000
    n_averaged: Annotated[int, Integer(2, 1000, multiple_of=2)] = 4
    hidden_size: Count = 100
    channels: Count = 25
    widths: _Widths = (25, 100, 400)
    n_samples: Annotated[int, Integer(10, 10**7)] = 16_000
    batch_size: Count = 100
    learning_rate: Positive = 0.01
    n_steps: Count = 4000
    average_from: Annotated[int, Integer(0, 10**9)] = 3000
    average_every: Count = 40
    n_places: Annotated[int, Integer(3, 1001)] = 21
    n_test: Annotated[int, Integer(10, 10**6)] = 4000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        checks.integer("batch_size", self.batch_size, 1, self.n_samples)
        checks.integer("splits", self.splits[-1], 0, self.n_steps - 1)
        checks.integer("average_from", self.average_from, 0, self.n_steps - 1)
        if (self.n_steps - self.average_from) % self.average_every:
            raise ValueError(
                f"average_every must divide the {self.n_steps - self.average_from} steps after "
                f"average_from, not be {self.average_every}"
            )
        for name, among in (("soup_split", "splits"), ("hidden_size", "widths")):
            if getattr(self, name) not in getattr(self, among):
                raise ValueError(
                    f"{name} must be one of {among}, {checks.shown(getattr(self, among))}, not "
                    f"{getattr(self, name)}"
                )
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            splits=(0, 20),
            soup_split=20,
            n_averaged=2,
            hidden_size=16,
            channels=5,
            widths=(16,),
            n_samples=200,
            batch_size=50,
            n_steps=40,
            average_from=30,
            average_every=5,
            n_places=5,
            n_test=100,
        )

    @property
    def sizes(self) -> dict[str, int]:
        """Return the size of every model that has children.

        >>> Config().sizes
        {'MLP': 100, 'CNN': 25}
        """
        return dict(zip(MODELS, (self.hidden_size, self.channels), strict=True))
