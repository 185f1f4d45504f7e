"""The settings of the self-supervised experiment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Integer, Number, Positive, constrained
from mnist1d.harness.settings import PUBLISHED_DATA, SHAPES, check_data

VARIANTS: Mapping[str, tuple[int, ...]] = {
    "default": (125, 16),
    "no projector": (),
    "deep projector": (125, 125, 125, 16),
}
"""The published projection heads."""

BACKBONE = 3
"""Number of the layer before the projection head, the input being 0."""

N_LAYERS: Mapping[str, int] = {
    variant: BACKBONE + len(projection) for variant, projection in VARIANTS.items()
}
"""Number of the last layer, the input being 0."""

STAGES = ("before", "after")


_Scale = Annotated[float, Number(least=0)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the self-supervised experiment; the defaults are the paper's, but for `seeds`.

    Attributes:
        seeds: number of runs per variant; run s draws weights, batches and views from seed s.
        training_data: "training", the part that the code trained on, or "both" (difference 2).
        loss: "info-nce", the published one, or "nt-xent" (difference 3).
        n_epochs: passes over the training data.
        batch_size: signals per batch; the remainder of an epoch is dropped.
        learning_rate: of Adam.
        temperature: of the loss.
        max_shift: views are shifted by 0 to `max_shift` - 1 points.
        slope_scale: standard deviation of the views' slopes, per point.
        offset_scale: standard deviation of the views' offsets.
        probe_every: epochs between probes during training; divides `n_epochs`.
        probed_samples: number of the first signals of the training part that probes are fitted on;
            no more than there are.
        embedded_samples: number of the first signals trained on that t-SNE shows; all if there are
            fewer.
        embedding_iterations: of t-SNE.
        data: the dataset, with all ten digits; claims belong to the published one.
    """

    seeds: Count = 5
    training_data: Literal["training", "both"] = "training"
    loss: Literal["info-nce", "nt-xent"] = "info-nce"
    n_epochs: Count = 200
    batch_size: Annotated[int, Integer(2, 10**9)] = 100
    learning_rate: Positive = 0.01
    temperature: Positive = 0.5
    max_shift: Annotated[int, Integer(1, 40)] = 10
    slope_scale: _Scale = 0.04
    offset_scale: _Scale = 0.3
    probe_every: Count = 10
    probed_samples: Annotated[int, Integer(100, 10**9)] = 4000
    embedded_samples: Annotated[int, Integer(100, 5000)] = 5000
    embedding_iterations: Annotated[int, Integer(250, 10**6)] = 1000
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        if self.n_epochs % self.probe_every:
            raise ValueError(
                f"probe_every must divide n_epochs={self.n_epochs}, not {self.probe_every}"
            )
        check_data(self.data, (*SHAPES, "classes"), "encoders are made for ten digits of 40 points")
        checks.integer("batch_size", self.batch_size, 2, self.n_signals)
        if self.probed_samples > self.data.n_train:
            raise ValueError(
                f"probed_samples must be at most {self.data.n_train}, all there are, not "
                f"{self.probed_samples}"
            )

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
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
        """Number of signals that encoders are trained on."""
        return self.data.n_train + (self.data.n_test if self.training_data == "both" else 0)

    @property
    def views(self) -> dict[str, Any]:
        """Arguments of `draw_views`."""
        return {name: getattr(self, name) for name in ("max_shift", "slope_scale", "offset_scale")}
