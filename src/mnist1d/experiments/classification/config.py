"""The settings of the classification experiment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Integer, Positive, Seed, constrained
from mnist1d.dataset.presets import checked_config
from mnist1d.harness.settings import PUBLISHED_DATA


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the classification experiment; the defaults are the paper's.

    Attributes:
        seeds: number of runs per model and data set; run s draws initial weights from key s.
        n_steps: number of updates per run (the paper's steps 0 to 6000).
        evaluate_every: steps between evaluations.
        learning_rate: of Adam.
        batch_size: samples per batch, in stored order, over and over.
        validation_samples: size of the generated validation set.
        validation_seed: seed of the validation set, other than the data's, 42.
        mnist: folder with MNIST's four files; None for the environment variable MNIST1D_MNIST.
            Without either, MNIST is left out.
        download_mnist: whether to fetch missing files of MNIST from a public mirror.
        mnist_learning_rate: of Adam on MNIST.
        mnist_evaluate_every: steps between evaluations on MNIST.
        mnist_seeds: number of runs of each usual model on MNIST; no more than `seeds` are made.
        usual_steps: number of updates of a usual model on MNIST, 600 per epoch.
        data: the dataset in place of MNIST-1D, as rows of points; claims, figures and the human
            expert belong to the published one.
    """

    seeds: Count = 3
    n_steps: Count = 6001
    evaluate_every: Count = 250
    learning_rate: Positive = 0.01
    batch_size: Count = 100
    validation_samples: Annotated[int, Integer(10, 10**9, multiple_of=10)] = 1000
    validation_seed: Seed = 1
    mnist: str | Path | None = None
    download_mnist: bool = False
    mnist_learning_rate: Positive = 0.001
    mnist_evaluate_every: Count = 1000
    mnist_seeds: Count = 3
    usual_steps: Count = 9000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        if checked_config("data", self.data).channel_axis:
            raise ValueError("data must have rows of points: channel_axis must be False")
        checks.integer("batch_size", self.batch_size, 1, self.data.n_train)
        if self.validation_seed == self.data.seed:
            raise ValueError(
                f"validation_seed must differ from the data's seed, not {self.validation_seed}"
            )
        if not isinstance(self.mnist, str | Path | None):
            raise TypeError(f"mnist must be a path or None, not {self.mnist!r}")

    @property
    def n_usual_seeds(self) -> int:
        """Number of runs of each usual model on MNIST."""
        return min(self.seeds, self.mnist_seeds)

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(seeds=2, n_steps=101, mnist_evaluate_every=100, mnist_seeds=1, usual_steps=30)
