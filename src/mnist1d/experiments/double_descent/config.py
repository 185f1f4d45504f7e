"""The settings of the double descent experiment, and its three curves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, Positive, constrained
from mnist1d.harness.settings import check_data

PUBLISHED_WIDTHS = (2, 3, 4, 5, 7, 9, 12, 16, 21, 27, 36, 47, 61, 80, 104, 135, 177, 230, 300)
ADDED_WIDTHS = (40, 43, 45, 49, 52, 55, 58, 64, 67, 70)
"""Widths about the threshold, beyond the paper: with 47 and 61 a step of them is 2 or 3 units."""
WIDTHS = tuple(sorted((*PUBLISHED_WIDTHS, *ADDED_WIDTHS)))
CHANNELS = (*range(2, 30, 2), *range(30, 101, 5))

PUBLISHED_DATA = DatasetConfig(
    num_samples=16_000, train_split=0.25, label_noise=0.15, label_noise_kind="published"
)
"""The dataset that the paper trains on."""


def is_published(sizes: ArrayLike) -> NDArray[np.bool_]:
    """Return which sizes of a series are not the added ones; all of other widths than the paper's.

    >>> is_published(WIDTHS).sum(), is_published((8, 40)).sum()
    (np.int64(19), np.int64(2))
    """
    added = np.isin(sizes, ADDED_WIDTHS)
    return ~(added & np.isin(PUBLISHED_WIDTHS, sizes).all())


class Series(NamedTuple):
    """One curve of Figure 5.

    Attributes:
        architecture: "MLP" or "CNN".
        noisy: whether it is trained on noisy labels.
        unit: what its size counts.
    """

    architecture: str
    noisy: bool
    unit: str

    @property
    def title(self) -> str:
        """The panel's title."""
        return f"{self.architecture}, {'label noise' if self.noisy else 'no label noise'}"


SERIES: Mapping[str, Series] = {
    "mlp": Series("MLP", noisy=False, unit="hidden units"),
    "mlp-noise": Series("MLP", noisy=True, unit="hidden units"),
    "cnn-noise": Series("CNN", noisy=True, unit="channels"),
}


_Sizes = Annotated[tuple[int, ...], Each(Integer(1, 10_000), least=1, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the double descent experiment.

    The defaults are the paper's, but for `seeds` and the widths about the threshold.

    Attributes:
        seeds: number of runs per size and series; run s draws weights and batches from seed s.
        widths: of the MLP's two hidden layers.
        channels: of the CNN.
        n_epochs: passes over the training set.
        batch_size: samples per batch; the remainder of an epoch is dropped.
        learning_rate: of gradient descent.
        momentum: of gradient descent.
        data: the dataset; its label noise is that of the series with label noise. Claims belong to
            the published one.
    """

    seeds: Count = 3
    widths: _Sizes = WIDTHS
    channels: _Sizes = CHANNELS
    n_epochs: Count = 500
    batch_size: Count = 100
    learning_rate: Positive = 0.01
    momentum: Annotated[float, Number(least=0, below=1)] = 0.9
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        check_data(self.data, ("channel_axis",), "models take rows of points")
        checks.integer("batch_size", self.batch_size, 1, self.data.n_train)

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(seeds=2, widths=(8, 16, 40), channels=(4, 8, 12), n_epochs=25)

    @property
    def n_steps(self) -> int:
        """Number of updates per run."""
        return self.n_epochs * (self.data.n_train // self.batch_size)

    def sizes(self, architecture: str) -> tuple[int, ...]:
        """Sizes of "MLP" or "CNN"."""
        return self.widths if architecture == "MLP" else self.channels
