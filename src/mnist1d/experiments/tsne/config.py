"""The settings of the t-SNE experiment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Integer, Number, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, check_data

PREFIX = {"MNIST": "mnist_", "MNIST-1D": ""}
"""Prefix of the variables of a data set in the result."""

STEPS_PER_LOG = 50
"""Iterations between two entries of the divergence, as openTSNE prints them."""


_Iterations = Annotated[int, Integer(STEPS_PER_LOG, 10**6, multiple_of=STEPS_PER_LOG)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the t-SNE experiment; the defaults are the paper's, but for the seeds.

    Attributes:
        seeds: number of embeddings of MNIST-1D; run s has seed s.
        mnist_seeds: number of embeddings of MNIST; no more than `seeds` are made.
        samples: of MNIST-1D, the first of training and test set together; no more than there are.
        mnist_samples: of MNIST likewise.
        perplexity: less than a third of the number of samples, and enough for ten neighbours.
        early_exaggeration: factor of the attraction in the early iterations.
        early_iterations: iterations with exaggeration.
        iterations: iterations without.
        mnist: folder with MNIST's four files; None for the environment variable MNIST1D_MNIST.
            Without either, MNIST is left out.
        download_mnist: whether to fetch missing files of MNIST from a public mirror.
        data: the dataset in place of MNIST-1D, with ten classes; claims belong to the published
            one.
    """

    seeds: Count = 3
    mnist_seeds: Count = 5
    samples: Annotated[int, Integer(100, 10**9)] = 5000
    mnist_samples: Annotated[int, Integer(100, 70_000)] = 70_000
    perplexity: Annotated[float, Number(least=4)] = 30.0
    early_exaggeration: Annotated[float, Number(least=1)] = 12.0
    early_iterations: _Iterations = 250
    iterations: _Iterations = 500
    mnist: str | Path | None = None
    download_mnist: bool = False
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        check_data(self.data, ("channel_axis", "templates", "classes"), "ten digits are compared")
        most = self.data.n_train + self.data.n_test
        if self.samples > most:
            raise ValueError(f"samples must be at most {most}, all there are, not {self.samples}")
        least = min(self.samples, self.mnist_samples)
        if self.perplexity >= least / 3:
            raise ValueError(
                f"perplexity must be below {least / 3:g}, a third of the number of samples, not "
                f"{self.perplexity}"
            )
        if not isinstance(self.mnist, str | Path | None):
            raise TypeError(f"mnist must be a path or None, not {self.mnist!r}")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(seeds=2, samples=1000, mnist_samples=2000, early_iterations=100, iterations=150)

    @property
    def n_iterations(self) -> int:
        """Iterations of both phases."""
        return self.early_iterations + self.iterations
