"""The settings of the loss of plasticity, its kinds of tasks and its methods of training."""

from dataclasses import dataclass
from typing import Annotated, Self

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.constraints import Count, Each, Integer, Number, Positive, constrained
from mnist1d.harness.settings import (
    PUBLISHED_DATA,
    SET_BY_TRIAL,
    SHAPES,
    check_at_most,
    check_data,
)

LABELS, ORDERS = "random labels", "permuted inputs"
"""The kinds of tasks."""

ADAM, NEW = "Adam", "Adam, new network"
SGD, SGD_NEW = "SGD", "SGD, new network"
L2, L2_START, SHRINK = "L2", "L2 to the start", "shrink and perturb"
REPLACE, NORM, NORM_L2 = "continual backpropagation", "layer norm", "layer norm and L2"
"""All but SGD are with Adam."""

TRAININGS = (ADAM, NEW, L2, L2_START, SHRINK, REPLACE, NORM, NORM_L2, SGD, SGD_NEW)
TUNED = (L2, L2_START, SHRINK, REPLACE, NORM_L2)
"""Those of which a strength is chosen."""

KINDS = {LABELS: TRAININGS, ORDERS: (ADAM, NEW)}
"""How networks are trained on every kind of tasks."""

PARTS = 10
"""The first and the last of so many parts of the sequence are compared."""

_Strengths = Annotated[tuple[float, ...], Each(Number(above=0), least=1, rising=True)]
_Shares = Annotated[tuple[float, ...], Each(Number(above=0, most=1), least=1, rising=True)]


@dataclass(frozen=True, kw_only=True)
@constrained
class Config:
    """Settings of the loss of plasticity.

    Attributes:
        seeds: number of trials; trial s has data of seed 42 + s, tasks and weights of seed s.
        n_tasks: number of tasks in a sequence.
        n_steps: updates per task.
        batch_size: samples per batch, `n_samples` at most.
        n_samples: of every task.
        hidden_size: width of both hidden layers.
        adam_rate: learning rate of Adam.
        sgd_rate: learning rate of SGD.
        decays: strengths of L2 regularisation that are tried in a further trial, and of that to
            the initial weights.
        shrinks: shares by which weights are shrunk before a task that are tried; as much of new
            weights is added.
        replacements: shares of the mature units that are replaced per step that are tried.
        maturity: steps before continual backpropagation may replace a unit.
        data: what the samples are, but for sizes and seeds.
    """

    seeds: Count = 5
    n_tasks: Annotated[int, Integer(PARTS, 10**6)] = 100
    n_steps: Count = 300
    batch_size: Count = 20
    n_samples: Annotated[int, Integer(10, 10**6)] = 100
    hidden_size: Count = 64
    adam_rate: Positive = 0.001
    sgd_rate: Positive = 0.15
    decays: _Strengths = (0.0003, 0.001, 0.003, 0.01)
    shrinks: _Shares = (0.1, 0.2, 0.4, 0.8)
    replacements: _Shares = (0.0001, 0.0003, 0.001, 0.003)
    maturity: Count = 100
    data: DatasetConfig = PUBLISHED_DATA

    def __post_init__(self) -> None:
        check_at_most(self, "batch_size", "n_samples")
        check_data(self.data, (*SHAPES, *SET_BY_TRIAL), "sizes and trials say which sets are made")

    @classmethod
    def quick(cls) -> Self:
        """Return settings for a run of seconds, which tests that everything works."""
        return cls(
            seeds=2,
            n_tasks=10,
            n_steps=20,
            batch_size=10,
            n_samples=20,
            hidden_size=8,
            decays=(0.003, 0.01),
            shrinks=(0.2, 0.4),
            replacements=(0.001, 0.01),
            maturity=10,
        )

    @property
    def strengths(self) -> dict[str, tuple[float, ...]]:
        """Return the strengths that are tried, by training.

        >>> Config().strengths["shrink and perturb"]
        (0.1, 0.2, 0.4, 0.8)
        """
        of = {SHRINK: self.shrinks, REPLACE: self.replacements}
        return {training: of.get(training, self.decays) for training in TUNED}

    def factors(self, training: str, strength: float | None = None) -> dict[str, float]:
        """Return the numbers of a training that are not 0, as `mnist1d.training.continual.Method`.

        Args:
            training: one of `TRAININGS`.
            strength: of a remedy in `TUNED`.

        Raises: ValueError: if there is no such training.

        >>> Config().factors("L2", 0.01)
        {'adam_rate': 0.001, 'decay': 0.01}
        """
        checks.one_of("training", training, TRAININGS)
        if training in (SGD, SGD_NEW):
            rate = {"sgd_rate": self.sgd_rate}
        else:
            rate = {"adam_rate": self.adam_rate}
        anew = {"shrink": 1.0, "noise": 1.0}
        given = 0.0 if strength is None else strength
        return rate | {
            NEW: anew,
            SGD_NEW: anew,
            L2: {"decay": given},
            L2_START: {"decay_to_start": given},
            SHRINK: {"shrink": given, "noise": given},
            REPLACE: {"replacement": given},
            NORM: {"normalise": 1.0},
            NORM_L2: {"normalise": 1.0, "decay": given},
        }.get(training, {})
