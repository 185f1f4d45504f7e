"""The settings of the generation of signals."""

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data

FALLING = 0.3
"""Share of the training, its end, over which the learning rate falls to zero."""

_Samples = Annotated[tuple[int, ...], Each(Integer(2, 10**6), least=2, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the generation of signals.

    Attributes:
        seeds: number of trials; trial s has the stream of seed 42 + s and weights of seed s.
        n_samples: numbers of training samples. With the first and the last a second network is
            trained, on samples that the first does not see.
        channels: of the velocity network at full length.
        n_steps: updates per network, the last 30 % at a rate that falls to zero.
        batch_size: samples per batch, drawn with replacement.
        learning_rate: of Adam.
        evaluate_every: steps between counts of replicas; `n_steps` is a multiple of it.
        n_watched: signals that are generated for each count.
        n_generated: signals that are generated at the end and judged by the generator; as many true
            ones are compared.
        sampling_steps: of Heun's method, at the end; on the way half of them.
        coarse_steps: of Heun's method where methods are compared; Euler's makes twice as many.
        n_classified: generated signals on which a classifier is trained, or true ones at most; a
            multiple of `n_generated`.
        classifier_steps: updates of a classifier.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    n_samples: _Samples = (100, 200, 1000, 100_000)
    channels: Count = 16
    n_steps: Count = 3000
    batch_size: Count = 64
    learning_rate: Positive = 0.004
    evaluate_every: Count = 100
    n_watched: Count = 200
    n_generated: Count = 1000
    sampling_steps: Annotated[int, Integer(2, 10**4)] = 32
    coarse_steps: Count = 8
    n_classified: Count = 4000
    classifier_steps: Count = 1000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        if self.n_steps % self.evaluate_every:
            raise ValueError(
                f"n_steps must be a multiple of evaluate_every={self.evaluate_every}, not "
                f"{self.n_steps}"
            )
        if self.n_classified % self.n_generated:
            raise ValueError(
                f"n_classified must be a multiple of n_generated={self.n_generated}, not "
                f"{self.n_classified}"
            )
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")
        checks.integer("n_generated", self.n_generated, 2 * len(self.data.labels), 10**6)
        if self.data.iid_noise_scale == 0 or self.data.shuffle_seq:
            raise ValueError(
                "data must have iid_noise_scale other than 0 and no shuffle_seq: signals would "
                "have no density"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            n_samples=(100, 200),
            channels=4,
            n_steps=60,
            batch_size=16,
            evaluate_every=20,
            n_watched=20,
            n_generated=100,
            sampling_steps=8,
            coarse_steps=2,
            n_classified=200,
            classifier_steps=20,
        )

    @property
    def steps(self) -> tuple[int, ...]:
        """Return after how many updates replicas are counted.

        >>> Config().steps[:2], Config().steps[-1]
        ((100, 200), 3000)
        """
        return tuple(range(self.evaluate_every, self.n_steps + 1, self.evaluate_every))

    @property
    def has_twin(self) -> tuple[bool, ...]:
        """Return with which numbers of samples a second network is trained.

        >>> Config().has_twin
        (True, False, False, True)
        """
        return tuple(n in {self.n_samples[0], self.n_samples[-1]} for n in self.n_samples)

    def asked(self, n: int) -> np.ndarray:
        """Return the classes that are asked for, in turn; int32, shape (n,).

        >>> Config().asked(12).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
        """
        return np.resize(np.array(self.data.labels, np.int32), n)
