"""The settings of the transfer of learning rates."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SET_BY_TRIAL, SHAPES, check_data

ADAM, SGD = "Adam", "SGD"
STANDARD, MAXIMAL_UPDATE = "standard", "maximal update"
PARAMETRISATIONS = (STANDARD, MAXIMAL_UPDATE)
LAYERS = ("hidden", "second", "output")
"""Layers of the MLP, by their names there."""

_Widths = Annotated[tuple[int, ...], Each(Integer(2, 16_384), least=3, rising=True)]
_Rates = Annotated[tuple[float, ...], Each(Number(above=0), least=3, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the transfer of learning rates.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s and weights of seed s.
        widths: hidden units of both layers; at the first, both parametrisations are the same.
        rates: learning rates of Adam.
        sgd_rates: learning rates of SGD.
        all_rates_up_to: width up to which all rates are tried; wider networks have those around the
            best one of the width before, two on either side, and the best one of the first width.
        sgd_up_to: width up to which networks are trained with SGD, too.
        n_samples: of the training set.
        batch_size: samples per batch, `n_samples` at most.
        n_epochs: passes over the training set.
        check_steps: updates after which the change of activations is measured.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    widths: _Widths = (32, 64, 128, 256, 512, 1024, 2048)
    rates: _Rates = tuple(round(0.0002 * 2**k, 4) for k in range(11))
    sgd_rates: _Rates = tuple(round(0.04 * 2**k, 2) for k in range(8))
    all_rates_up_to: Count = 512
    sgd_up_to: Count = 512
    n_samples: Annotated[int, Integer(10, 10**6)] = 4000
    batch_size: Count = 100
    n_epochs: Count = 5
    check_steps: Count = 5
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        checks.integer("batch_size", self.batch_size, 1, self.n_samples)
        checks.integer("check_steps", self.check_steps, 1, self.n_steps - 1)
        # Two widths have no exponent, and one no rate to go on from.
        for name in ("all_rates_up_to", "sgd_up_to"):
            least = self.widths[0 if name == "all_rates_up_to" else 2]
            checks.integer(name, getattr(self, name), least, 10**6)
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            widths=(8, 16, 32),
            rates=(0.004, 0.016, 0.064, 0.256),
            sgd_rates=(0.08, 0.32, 1.28),
            all_rates_up_to=16,
            sgd_up_to=32,
            n_samples=100,
            batch_size=20,
            n_epochs=4,
            check_steps=2,
        )

    @property
    def epoch_steps(self) -> int:
        """Return the number of updates per epoch.

        >>> Config().epoch_steps
        40
        """
        return self.n_samples // self.batch_size

    @property
    def n_steps(self) -> int:
        """Return the number of updates.

        >>> Config().n_steps
        200
        """
        return self.n_epochs * self.epoch_steps

    def rates_of(self, optimizer: str) -> tuple[float, ...]:
        """Return the learning rates of an optimiser, "Adam" or "SGD"."""
        return self.rates if optimizer == ADAM else self.sgd_rates

    def widths_of(self, optimizer: str) -> tuple[int, ...]:
        """Return the widths of an optimiser.

        >>> Config().widths_of("SGD")
        (32, 64, 128, 256, 512)
        """
        return tuple(width for width in self.widths if optimizer == ADAM or width <= self.sgd_up_to)
