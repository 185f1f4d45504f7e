"""A candidate in Equinox and Optax: the model, and what it trains with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray

from mnist1d.dataset import checks
from mnist1d.lab.candidates.contract import OnEvaluation, Outcome, Run, RunSteps, Schedule, Sets
from mnist1d.lab.candidates.equinox.check import check_model
from mnist1d.lab.candidates.equinox.programs import Program, groups_of, train_together
from mnist1d.lab.candidates.equinox.recipe import PAPER_RATE, Recipe
from mnist1d.lab.candidates.fingerprint import source_text
from mnist1d.lab.candidates.search_space import named_parameters, plain_values
from mnist1d.models import count_parameters
from mnist1d.training import History, cross_entropy


@dataclass(frozen=True)
class EquinoxCandidate:
    """A model in Equinox, with the optimiser, loss and augmentation that it trains with.

    Settings of the search space other than `learning_rate` are passed to the optimiser or the model
    that has an argument of that name: with `optimizer=optax.adamw`, `search={"learning_rate":
    (0.001, 0.01), "weight_decay": (0.0, 0.1)}`. Runs that differ in numbers of the optimiser, seed
    and data train as one compiled program, as do all learning rates.

    Args:
        make: `key -> model`, such as the class of the model. The model maps one example `(length,)`
            to logits `(classes,)`; with `batch_last = True`, also `(length, n)` to `(classes, n)`.
            A model whose call takes a `key` (for dropout) gets one while it trains, and predicts in
            `equinox.nn.inference_mode`.
        optimizer: `learning_rate -> optax transformation`, or a transformation, in which nothing is
            tuned.
        loss: `(logits, labels) -> scalar`, of shapes (n, classes) and (n,).
        augment: `(x, key) -> x`, of shape (batch, length), for every training batch.
        evaluation_model: `(model, optimizer state) -> model`, what is evaluated, such as the model
            with averaged weights; None for the model that is trained, or, with the optimisers
            `schedule_free` and `sam` of `optax.contrib`, for the one that they say.
        search: the values to try, by setting; None for the learning rates of the comparison. The
            learning rate of a search space without one is the paper's, 0.01.

    >>> from mnist1d.models import MLP
    >>> EquinoxCandidate(MLP, optax.sgd, search={"learning_rate": (0.1, 1.0)}).framework
    'Equinox'
    """

    make: Callable[..., Any]
    optimizer: Callable[..., optax.GradientTransformation] | optax.GradientTransformation = (
        optax.adam
    )
    loss: Callable[[Array, Array], Array] = cross_entropy
    augment: Callable[[Array, PRNGKeyArray], Array] | None = None
    evaluation_model: Callable[[Any, Any], Any] | None = None
    search: Mapping[str, Sequence[Any]] | None = None
    _programs: dict[str, Program] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    framework: ClassVar[str] = "Equinox"

    def __getstate__(self) -> dict[str, Any]:
        """Leave out compiled programs, which other processes cannot run."""
        return {**self.__dict__, "_programs": {}}

    def __post_init__(self) -> None:
        object.__setattr__(self, "search", plain_values(self.search))
        optional = ("augment", "evaluation_model")
        for name in ("make", "loss", *optional):
            value = getattr(self, name)
            if not callable(value) and not (value is None and name in optional):
                raise TypeError(f"{name} must be a function, not {checks.typed(value)}")
        is_fixed = isinstance(self.optimizer, optax.GradientTransformation)
        if not is_fixed and not callable(self.optimizer):
            raise TypeError(
                "optimizer must be a function of the learning rate or an Optax transformation, not "
                f"{checks.typed(self.optimizer)}"
            )
        if is_fixed and self.search is None:
            object.__setattr__(self, "search", {})
        for name in self.search or {}:
            if name in named_parameters(self.make) and name != "key":
                continue
            if is_fixed or (
                name != "learning_rate" and name not in named_parameters(self.optimizer)
            ):
                raise ValueError(
                    f"search must have names of arguments of make or of optimizer, not {name!r}"
                )

    @property
    def untuned_rate(self) -> str:
        """The learning rate if the search space has none, as a text; empty if unknown."""
        return "" if isinstance(self.optimizer, optax.GradientTransformation) else f"{PAPER_RATE}"

    def source(self) -> str:
        """Return the source of model, optimiser, loss and augmentation, with their values."""
        parts = self._recipe._asdict()
        return "\n".join(f"{name}: {source_text(part)}" for name, part in parts.items())

    def check(self, sets: Sets, schedule: Schedule) -> int | None:
        """Make the model twice and trace a step; see `Candidate`."""
        settings = {name: values[0] for name, values in (self.search or {}).items()}
        return check_model(self._recipe, settings, sets, schedule)

    def count(self, settings: Mapping[str, Any], sets: Sets) -> int | None:  # noqa: ARG002
        """Count the parameters that the model has with some settings."""
        make, key = self._recipe.made(settings), jax.random.key(0)
        try:
            return count_parameters(eqx.filter_eval_shape(make, key))
        except Exception:  # noqa: BLE001 (a model may ask for numbers that a trace does not have)
            return count_parameters(make(key))

    def train(
        self,
        runs: Sequence[Run],
        sets: Mapping[str, Sets],
        schedule: Schedule,
        report: Callable[[int, int], None],
        on_evaluation: OnEvaluation | None = None,
    ) -> Iterator[tuple[int, Outcome]]:
        """Train runs, as many as possible in one program; see `Candidate`."""
        n_finished, steps = 0, RunSteps(len(runs), schedule, report)
        for group in groups_of(self._recipe, self.source(), runs, sets):
            # On a CPU one run per core at a time: at least as fast as larger programs, and a run's
            # numbers do not depend on the other runs in its program.
            is_cpu = jax.default_backend() == "cpu"
            n_together = min(jax.device_count(), len(group.runs)) if is_cpu else len(group.runs)
            for start in range(0, len(group.runs), n_together):
                numbers = group.runs[start : start + n_together]
                some = [runs[i] for i in numbers]
                on_step = steps.after(n_finished, len(some))

                def pass_on(_: int, recorded: History, numbers: Sequence[int] = numbers) -> None:
                    if on_evaluation is None:
                        return
                    for i, number in enumerate(numbers):
                        loss = np.mean(recorded.train_loss[i])
                        on_evaluation(number, float(recorded.metrics[i]), float(loss))

                outcomes = train_together(
                    self._recipe,
                    self._programs,
                    some,
                    n_together,
                    group,
                    sets,
                    schedule,
                    on_step,
                    pass_on,
                )
                n_finished += len(some)
                yield from zip(numbers, outcomes, strict=True)

    @property
    def _recipe(self) -> Recipe:
        return Recipe(*(getattr(self, name) for name in Recipe._fields))
