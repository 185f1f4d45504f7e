"""What can be set of the t-SNE experiment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness.settings import PUBLISHED_DATA, check_data

PREFIX = {"MNIST": "mnist_", "MNIST-1D": ""}
"""Of the variables of a data set in the result."""

STEPS_PER_LOG = 50
"""Iterations between two entries of the divergence, as openTSNE prints them."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the t-SNE experiment; the defaults are the paper's, but for the seeds.

    Attributes:
        seeds: number of embeddings of MNIST-1D, at least 1; run s draws from seed s.
        mnist_seeds: number of embeddings of MNIST, at least 1; no more than `seeds` are made.
        samples: of MNIST-1D, the first of training and test set together, 100 to all of them.
        mnist_samples: of MNIST likewise, 100 to 70,000.
        perplexity: at least 4, so that ten neighbours are known, and less than a third of the
            number of samples.
        early_exaggeration: at least 1.
        early_iterations: iterations with exaggeration, a multiple of 50, at least 50.
        iterations: iterations without, a multiple of 50, at least 50.
        mnist: folder with MNIST's four files; None for the environment variable MNIST1D_MNIST.
            Without either, MNIST is left out.
        download_mnist: whether to fetch what is missing of MNIST from a public mirror.
        data: the dataset in place of MNIST-1D, with ten classes; claims belong to the published
            one.
    """

    seeds: int = 3
    mnist_seeds: int = 5
    samples: int = 5000
    mnist_samples: int = 70_000
    perplexity: float = 30.0
    early_exaggeration: float = 12.0
    early_iterations: int = 250
    iterations: int = 500
    mnist: str | Path | None = None
    download_mnist: bool = False
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "mnist_seeds"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        check_data(self.data, ("channel_axis", "templates", "classes"), "ten digits are compared")
        most = self.data.n_train + self.data.n_test
        checks.integer("samples", self.samples, 100, most)
        checks.integer("mnist_samples", self.mnist_samples, 100, 70_000)
        least = min(self.samples, self.mnist_samples)
        if not 4 <= checks.real("perplexity", self.perplexity) < least / 3:
            raise ValueError(
                f"perplexity must be at least 4 and below {least / 3:g}, a third of the number of "
                f"samples, not {self.perplexity}"
            )
        if checks.real("early_exaggeration", self.early_exaggeration) < 1:
            raise ValueError(
                f"early_exaggeration must be at least 1, not {self.early_exaggeration}"
            )
        for field in ("early_iterations", "iterations"):
            if checks.integer(field, getattr(self, field), STEPS_PER_LOG, 10**6) % STEPS_PER_LOG:
                raise ValueError(
                    f"{field} must be a multiple of {STEPS_PER_LOG}, not {getattr(self, field)}"
                )
        if not isinstance(self.mnist, str | Path | None):
            raise TypeError(f"mnist must be a path or None, not {self.mnist!r}")
        checks.truth("download_mnist", self.download_mnist)

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, samples=1000, mnist_samples=2000, early_iterations=100, iterations=150)

    @property
    def n_iterations(self) -> int:
        """Iterations of both phases."""
        return self.early_iterations + self.iterations
