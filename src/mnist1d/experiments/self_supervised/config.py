"""What can be set of the self-supervised experiment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data

VARIANTS: Mapping[str, tuple[int, ...]] = {
    "default": (125, 16),
    "no projector": (),
    "deep projector": (125, 125, 125, 16),
}
"""The projection heads, from PAPER section 7.2."""

BACKBONE = 3
"""Number of the layer before the projection head, the input being 0."""

N_LAYERS: Mapping[str, int] = {
    variant: BACKBONE + len(projection) for variant, projection in VARIANTS.items()
}
"""Number of the last layer, the input being 0."""

STAGES = ("before", "after")
TRAINING_PARTS = ("training", "both")
LOSSES = ("info-nce", "nt-xent")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the self-supervised experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of runs per variant, at least 1; run s draws from key s.
        training_data: "training", the part that the code trained on, or "both" (difference 2).
        loss: "info-nce", the published one, or "nt-xent" (difference 3).
        n_epochs: passes over the training data, at least 1.
        batch_size: signals per batch, at least 2; divides the sizes of training and test part.
        learning_rate: of Adam, above 0.
        temperature: of the loss, above 0.
        max_shift: views are shifted by 0 to `max_shift` - 1 points; 1 to 40.
        slope_scale: standard deviation of the views' slopes, per point, at least 0.
        offset_scale: standard deviation of the views' offsets, at least 0.
        probe_every: epochs between probes during training, at least 1; divides `n_epochs`.
        probed_samples: probes are fitted on the first so many signals of the training part; 100 to
            all of them.
        embedded_samples: t-SNE shows the first so many of the signals trained on; 100 to 5,000,
            but no more than there are.
        embedding_iterations: of t-SNE, at least 250.
        data: the dataset, with all ten digits; claims belong to the published one.
    """

    seeds: int = 5
    training_data: Literal["training", "both"] = "training"
    loss: Literal["info-nce", "nt-xent"] = "info-nce"
    n_epochs: int = 200
    batch_size: int = 100
    learning_rate: float = 0.01
    temperature: float = 0.5
    max_shift: int = 10
    slope_scale: float = 0.04
    offset_scale: float = 0.3
    probe_every: int = 10
    probed_samples: int = 4000
    embedded_samples: int = 5000
    embedding_iterations: int = 1000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        for field in ("seeds", "n_epochs", "probe_every"):
            checks.integer(field, getattr(self, field), 1, 10**6)
        if self.n_epochs % self.probe_every:
            raise ValueError(
                f"probe_every must divide n_epochs={self.n_epochs}, not {self.probe_every}"
            )
        check_data(self.data, (*SHAPES, "classes"), "encoders are made for ten digits of 40 points")
        common = math.gcd(self.data.n_train, self.data.n_test)
        if common % checks.integer("batch_size", self.batch_size, 2, common):
            raise ValueError(f"batch_size must divide {common}, not {self.batch_size}")
        checks.one_of("training_data", self.training_data, TRAINING_PARTS)
        checks.one_of("loss", self.loss, LOSSES)
        for field in ("learning_rate", "temperature"):
            checks.positive(field, getattr(self, field))
        for field in ("slope_scale", "offset_scale"):
            if checks.real(field, getattr(self, field)) < 0:
                raise ValueError(f"{field} must be at least 0, not {getattr(self, field)}")
        checks.integer("max_shift", self.max_shift, 1, 40)
        checks.integer("probed_samples", self.probed_samples, 100, self.data.n_train)
        checks.integer("embedded_samples", self.embedded_samples, 100, 5000)
        checks.integer("embedding_iterations", self.embedding_iterations, 250, 10**6)

    @classmethod
    def quick(cls) -> Self:
        """Return settings that take seconds and show that everything works, not more."""
        return cls(
            seeds=2,
            n_epochs=2,
            probe_every=1,
            probed_samples=500,
            embedded_samples=300,
            embedding_iterations=350,
        )

    @property
    def n_signals(self) -> int:
        """How many signals encoders are trained on."""
        return self.data.n_train + (self.data.n_test if self.training_data == "both" else 0)

    @property
    def views(self) -> dict[str, Any]:
        """Arguments of `draw_views`."""
        return {name: getattr(self, name) for name in ("max_shift", "slope_scale", "offset_scale")}
