"""The settings of the pooling experiment."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, check_data

VARIANTS = ("no_pool", "stride_2", "max_pool", "avg_pool", "l2_pool")
POOLED = VARIANTS[2:]

SIZES = (1000, 2000, 5000, 10_000, 20_000, 50_000)
STREAM_SIZES = (100_000, 200_000, 600_100)


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the pooling experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s and weights of seed s.
        sizes: training samples of sets from the published stream, `batch_size` or more.
        stream_sizes: of further, larger sets, from the native stream; may be none.
        n_steps: updates per network (the paper's steps 0 to 6000).
        batch_size: samples per batch, in stored order, over and over.
        learning_rate: of Adam.
        evaluate_every: steps between evaluations.
        data: what the samples are, but for sizes and seeds; claims belong to the published ones.
    """

    seeds: Count = 5
    sizes: Annotated[tuple[int, ...], Each(Integer(1, 10**6), least=1, rising=True)] = SIZES
    stream_sizes: Annotated[tuple[int, ...], Each(Integer(1, 10**6), rising=True)] = STREAM_SIZES
    n_steps: Count = 6001
    batch_size: Count = 100
    learning_rate: Positive = 0.01
    evaluate_every: Count = 100
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("sizes", "stream_sizes"):
            for size in getattr(self, field):
                if size < self.batch_size:
                    raise ValueError(
                        f"{field} must be at least batch_size, {self.batch_size}, not {size}"
                    )
        if list(self.all_sizes) != sorted(set(self.all_sizes)):
            raise ValueError(f"sizes, then stream_sizes, must rise, not {self.all_sizes}")
        check_data(self.data, SET_BY_TRIAL, "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(seeds=2, stream_sizes=(60_000,), n_steps=101)

    @property
    def all_sizes(self) -> tuple[int, ...]:
        """Sizes of either kind of set."""
        return (*self.sizes, *self.stream_sizes)
