"""The settings of the complete double descent, and which networks share a program."""

from dataclasses import dataclass
from typing import Annotated, Any, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, Positive, constrained
from mnist1d.harness.settings import SET_BY_TRIAL, SHAPES, check_data

NOISY_DATA = DatasetConfig(label_noise=0.15, label_noise_kind="published")
"""The noise of labels of the paper's double descent."""

PART_DIMS = {
    "width": "width",
    "samples": "n_samples",
    "epochs": "channels",
    "collapse": "collapse_width",
    "features": "n_features",
    "feature_samples": "n_feature_samples",
}
"""What each part varies, by the dimension of the result."""

NETWORKS, FEATURES = (
    ("width", "samples", "epochs", "collapse"),
    ("features", "feature_samples"),
)

_Sizes = Annotated[tuple[int, ...], Each(Integer(1, 10**6), least=2, rising=True)]
_Decays = Annotated[tuple[float, ...], Each(Number(least=0), least=2, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the complete double descent.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s and weights of seed s.
        widths: of both hidden layers of the MLP, at `samples` training samples.
        samples: training samples while the MLP's width varies.
        sample_counts: numbers of training samples, at `width`.
        width: of the MLP while samples vary.
        channels: of the CNN whose test error is followed over the epochs.
        epoch_samples: training samples of the CNN.
        collapse_width: of the MLP whose neural collapse is followed over the epochs.
        collapse_samples: its training samples.
        decays: weight decays of the MLP, the first of them 0.
        epoch_decays: weight decays of the CNN, the first of them 0.
        n_features: numbers of random features, fitted to `fixed` samples.
        n_feature_samples: numbers of samples, to which `fixed` random features are fitted.
        fixed: samples while features vary, and features while samples vary.
        ridges: penalties of the fit, as shares of the number of samples, the first of them 0.
        n_steps: updates per network.
        batch_size: samples per batch, at most the smallest training set.
        learning_rate: of gradient descent.
        momentum: share of the last update that is added to the next, below 1.
        evaluate_every: steps between evaluations; `n_steps` is 10 times as many or more, and a
            multiple of it.
        n_evaluated: training samples that are evaluated, from the first on.
        n_validation: samples that choose weight decays and ridges.
        n_test: test samples.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    widths: _Sizes = (5, 9, 12, 16, 20, 28, 36, 40, 44, 48, 56, 64, 128)
    samples: Count = 4000
    sample_counts: _Sizes = (250, 350, 500, 700, 1000, 1400, 2000, 4000)
    width: Count = 20
    channels: Count = 40
    epoch_samples: Count = 4000
    collapse_width: Count = 128
    collapse_samples: Count = 1000
    decays: _Decays = (0, 0.001, 0.003, 0.01, 0.02)
    epoch_decays: _Decays = (0, 0.003, 0.01)
    n_features: _Sizes = (25, 50, 100, 200, 300, 400, 450, 500, 550, 700, 1000, 2000, 5000)
    n_feature_samples: _Sizes = (50, 100, 200, 300, 400, 450, 500, 550, 700, 1000, 2000, 4000)
    fixed: Count = 500
    ridges: _Decays = (0, 0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
    n_steps: Count = 10_000
    batch_size: Count = 100
    learning_rate: Positive = 0.02
    momentum: Annotated[float, Number(least=0, below=1)] = 0.9
    evaluate_every: Count = 200
    n_evaluated: Count = 1000
    n_validation: Count = 1000
    n_test: Count = 2000
    data: DatasetConfig = NOISY_DATA

    def __post_init__(self) -> None:
        least = min(self.samples, self.epoch_samples, self.collapse_samples, *self.sample_counts)
        checks.integer("batch_size", self.batch_size, 1, least)
        checks.integer("n_steps", self.n_steps, 10 * self.evaluate_every, 10**9)
        if self.n_steps % self.evaluate_every:
            raise ValueError(
                f"n_steps must be a multiple of evaluate_every={self.evaluate_every}, not "
                f"{self.n_steps}"
            )
        for name in ("decays", "epoch_decays", "ridges"):
            first = getattr(self, name)[0]
            if first:
                raise ValueError(f"{name} must begin with 0, not {first:g}")
        why = "sizes and trials say which sets are made"
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), why, NOISY_DATA)

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            widths=(4, 12),
            samples=100,
            sample_counts=(50, 100),
            width=12,
            channels=4,
            epoch_samples=100,
            collapse_width=12,
            collapse_samples=100,
            decays=(0, 0.01),
            epoch_decays=(0, 0.01),
            n_features=(10, 50, 100),
            n_feature_samples=(25, 50, 100),
            fixed=50,
            n_steps=200,
            batch_size=20,
            evaluate_every=20,
            n_evaluated=100,
            n_validation=200,
            n_test=200,
        )

    @property
    def n_generated(self) -> int:
        """Training samples of a trial; smaller sets are the first of them."""
        return max(
            self.samples,
            self.epoch_samples,
            self.collapse_samples,
            self.fixed,
            *self.sample_counts,
            *self.n_feature_samples,
        )

    @property
    def coords(self) -> dict[str, Any]:
        """Labels of all dimensions of a result but seeds.

        >>> Config().coords["step"][-1]
        10000
        """
        steps = range(self.evaluate_every, self.n_steps + 1, self.evaluate_every)
        return {
            "width": list(self.widths),
            "n_samples": list(self.sample_counts),
            "channels": [self.channels],
            "collapse_width": [self.collapse_width],
            "n_features": list(self.n_features),
            "n_feature_samples": list(self.n_feature_samples),
            "decay": sorted({*self.decays, *self.epoch_decays}),
            "ridge": list(self.ridges),
            "step": list(steps),
        }


PADDED_TO = (20, 48, 64)
"""Widths of programs: a narrower network is padded with zero units to the next of these."""


def padded_width(width: int) -> int:
    """Return the width of the program that trains a network.

    >>> [padded_width(width) for width in (4, 20, 28, 64)]
    [20, 20, 48, 64]
    """
    return next((each for each in PADDED_TO if width <= each), width)
