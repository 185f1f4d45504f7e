"""What can be set of the pooling experiment."""

from dataclasses import dataclass
from typing import Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness.settings import PUBLISHED_DATA, check_data

VARIANTS = ("no_pool", "stride_2", "max_pool", "avg_pool", "l2_pool")
POOLED = VARIANTS[2:]

SIZES = (1000, 2000, 5000, 10_000, 20_000, 50_000)
SET_BY_TRIAL = (
    "num_samples",
    "train_split",
    "train",
    "validation",
    "test",
    "seed",
    "shifted_tests",
    "channel_axis",
)
"""Parameters of a dataset that sizes and trials decide, or that networks do not take."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the pooling experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of trials, at least 1; trial s has data of seed 42 + s and weights of seed s.
        sizes: training samples of sets from the published stream, rising, each a multiple of
            `batch_size` up to 1,000,000.
        stream_sizes: of further, larger sets, from the native stream; may be none.
        n_steps: updates per network, at least 1 (the paper's steps 0 to 6000).
        batch_size: samples per batch, 1 to 1,000,000.
        learning_rate: of Adam, above 0.
        evaluate_every: steps between evaluations, at least 1.
        data: what the samples are, but for sizes and seeds; claims belong to the published ones.
    """

    seeds: int = 5
    sizes: tuple[int, ...] = SIZES
    stream_sizes: tuple[int, ...] = (100_000, 200_000, 600_100)
    n_steps: int = 6001
    batch_size: int = 100
    learning_rate: float = 0.01
    evaluate_every: int = 100
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "n_steps", "batch_size", "evaluate_every"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        for field in ("sizes", "stream_sizes"):
            for size in checks.sequence(field, getattr(self, field), "a sequence of integers"):
                checks.integer(field, size, 1, 10**6)
                if size % self.batch_size:
                    raise ValueError(
                        f"{field} must be multiples of batch_size, {self.batch_size}, not {size}"
                    )
        if not self.sizes:
            raise ValueError("sizes must name at least one size, not ()")
        if list(self.all_sizes) != sorted(set(self.all_sizes)):
            raise ValueError(f"sizes, then stream_sizes, must rise, not {self.all_sizes}")
        checks.positive("learning_rate", self.learning_rate)
        check_data(self.data, SET_BY_TRIAL, "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(seeds=2, stream_sizes=(60_000,), n_steps=101)

    @property
    def all_sizes(self) -> tuple[int, ...]:
        """Sizes of either kind of set."""
        return (*self.sizes, *self.stream_sizes)
