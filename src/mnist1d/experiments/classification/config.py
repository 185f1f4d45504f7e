"""What can be set of the classification experiment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness.settings import PUBLISHED_DATA


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the classification experiment; the defaults are the paper's.

    Attributes:
        seeds: number of runs per model and data set, at least 1; run s draws from key s.
        n_steps: number of updates per run, at least 1 (the paper's steps 0 to 6000).
        evaluate_every: steps between evaluations, at least 1.
        learning_rate: of Adam, above 0.
        batch_size: samples per batch; divides the number of training samples and MNIST's 55,000.
        validation_samples: size of the generated validation set, a multiple of 10, at least 10.
        validation_seed: seed of the validation set, 0 to 2**32 - 1, other than the data's 42.
        mnist: folder with MNIST's four files; None for the environment variable MNIST1D_MNIST.
            Without either, MNIST is left out.
        download_mnist: whether to fetch what is missing of MNIST from a public mirror.
        mnist_learning_rate: of Adam on MNIST, above 0.
        mnist_evaluate_every: steps between evaluations on MNIST, at least 1.
        data: the dataset in place of MNIST-1D, as rows of points; claims, figures and the human
            expert belong to the published one.
    """

    seeds: int = 3
    n_steps: int = 6001
    evaluate_every: int = 250
    learning_rate: float = 0.01
    batch_size: int = 100
    validation_samples: int = 1000
    validation_seed: int = 1
    mnist: str | Path | None = None
    download_mnist: bool = False
    mnist_learning_rate: float = 0.001
    mnist_evaluate_every: int = 1000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "n_steps", "evaluate_every", "batch_size", "mnist_evaluate_every"):
            checks.integer(field, getattr(self, field), 1, 10**9)
        for field in ("learning_rate", "mnist_learning_rate"):
            checks.positive(field, getattr(self, field))
        if not isinstance(self.data, DatasetConfig):
            raise TypeError(f"data must be a DatasetConfig, not {self.data!r}")
        if self.data.channel_axis:
            raise ValueError("data must have rows of points: channel_axis must be False")
        for name, n_samples in (("training", self.data.n_train), ("MNIST's training", 55_000)):
            if n_samples % self.batch_size:
                raise ValueError(
                    f"batch_size must divide the {n_samples:,} {name} samples, not "
                    f"{self.batch_size}"
                )
        if checks.integer("validation_samples", self.validation_samples, 10, 10**9) % 10:
            raise ValueError(
                f"validation_samples must be a multiple of 10, not {self.validation_samples}"
            )
        seed = checks.integer("validation_seed", self.validation_seed, 0, 2**32 - 1)
        if seed == self.data.seed:
            raise ValueError(f"validation_seed must differ from the data's seed, not {seed}")
        if not isinstance(self.mnist, str | Path | None):
            raise TypeError(f"mnist must be a path or None, not {self.mnist!r}")
        checks.truth("download_mnist", self.download_mnist)

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, n_steps=501, mnist_evaluate_every=500)
