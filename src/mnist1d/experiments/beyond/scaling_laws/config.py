"""The settings of the scaling laws."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data

MODELS = ("MLP", "CNN")
"""What is trained on fixed numbers of samples."""

TRANSIENT = 16
"""Laws are fitted from a sixteenth of the training on, as the very first steps follow none."""

_Widths = Annotated[tuple[int, ...], Each(Integer(1, 4096), least=3, rising=True)]
_Rates = Annotated[tuple[float, ...], Each(Number(above=0), least=1, different=True)]
_Samples = Annotated[tuple[int, ...], Each(Integer(1, 10**8), least=1, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the scaling laws.

    Attributes:
        seeds: number of trials; trial s has the stream of seed 42 + s and weights of seed s.
        widths: hidden units of both layers of the MLPs that see endless data.
        n_steps: updates on endless data.
        evaluate_every: steps between evaluations on endless data; `n_steps` is a multiple of it, 16
            times as many or more.
        batch_size: samples per batch.
        rates: learning rates of schedule-free AdamW that are tried for every network, in a further
            trial.
        n_samples: fixed numbers of samples, of which the last is seen once in the whole training:
            `fixed_steps` times `batch_size`.
        fixed_steps: updates on fixed numbers of samples.
        evaluate_fixed: steps between evaluations there, of which `fixed_steps` is a multiple: the
            best of few samples comes soon.
        fixed_width: of the MLP on fixed numbers of samples; one of `widths`.
        fixed_channels: of the CNN on fixed numbers of samples.
        n_test: test samples, whose posterior is computed as well.
        n_validation: samples that choose rates, and on fixed numbers of samples the step.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    widths: _Widths = (8, 16, 32, 64, 128, 256)
    n_steps: Count = 6400
    evaluate_every: Count = 100
    batch_size: Count = 100
    rates: _Rates = (0.003, 0.01, 0.03, 0.1, 0.3)
    n_samples: _Samples = (500, 1000, 2000, 4000, 8000, 16_000, 32_000, 80_000, 320_000)
    fixed_steps: Count = 3200
    evaluate_fixed: Count = 20
    fixed_width: Count = 128
    fixed_channels: Count = 25
    n_test: Annotated[int, Integer(10, 10**6)] = 10_000
    n_validation: Annotated[int, Integer(10, 10**6)] = 2000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        checks.integer("n_steps", self.n_steps, TRANSIENT * self.evaluate_every, 10**9)
        for name, every in (("n_steps", "evaluate_every"), ("fixed_steps", "evaluate_fixed")):
            if getattr(self, name) % getattr(self, every):
                raise ValueError(
                    f"{name} must be a multiple of {every}={getattr(self, every)}, not "
                    f"{getattr(self, name)}"
                )
        n_seen = self.fixed_steps * self.batch_size
        if self.n_samples[-1] != n_seen:
            raise ValueError(
                f"n_samples must end with fixed_steps x batch_size = {n_seen}, which are seen "
                f"once, not with {self.n_samples[-1]}"
            )
        checks.integer("n_samples", self.n_samples[0], self.batch_size, n_seen)
        if self.fixed_width not in self.widths:
            raise ValueError(
                f"fixed_width must be one of widths, {checks.shown(self.widths)}, not "
                f"{self.fixed_width}"
            )
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")
        if self.data.iid_noise_scale == 0 or self.data.shuffle_seq:
            raise ValueError(
                "data must have iid_noise_scale other than 0 and no shuffle_seq: signals would "
                "have no posterior"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            widths=(4, 8, 16),
            n_steps=160,
            evaluate_every=10,
            batch_size=20,
            rates=(0.03, 0.1),
            n_samples=(50, 100, 200, 400, 1200),
            fixed_steps=60,
            evaluate_fixed=10,
            fixed_width=16,
            fixed_channels=5,
            n_test=100,
            n_validation=100,
        )

    @property
    def networks(self) -> tuple[tuple[str, int], ...]:
        """Return all networks, each by model and size: widths, or channels.

        >>> Config().networks[-2:]
        (('MLP', 256), ('CNN', 25))
        """
        return (*(("MLP", width) for width in self.widths), ("CNN", self.fixed_channels))

    @property
    def seen(self) -> tuple[int, ...]:
        """Return how many samples a network on endless data has seen at every evaluation.

        >>> Config().seen[:3], Config().seen[-1]
        ((10000, 20000, 30000), 640000)
        """
        every = self.evaluate_every
        return tuple(step * self.batch_size for step in range(every, self.n_steps + 1, every))
