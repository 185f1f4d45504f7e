"""A candidate of JAX: the model, of any library, and what it trains with."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray

from mnist1d.dataset import checks
from mnist1d.lab.candidates.averaging import EMA, SWA, check_patience, evaluated_text
from mnist1d.lab.candidates.compiled.check import check_model
from mnist1d.lab.candidates.compiled.programs import (
    Program,
    accuracies_and_steps,
    groups_of,
    train_together,
)
from mnist1d.lab.candidates.compiled.recipe import PAPER_RATE, Recipe
from mnist1d.lab.candidates.contract import OnEvaluation, Outcome, Run, RunSteps, Schedule, Sets
from mnist1d.lab.candidates.fingerprint import source_text
from mnist1d.lab.candidates.search_space import LEARNING_RATE, named_parameters, plain_values
from mnist1d.models import count_parameters
from mnist1d.training import History, cross_entropy
from mnist1d.training.stateful import trained_part


@dataclass(frozen=True)
class CompiledCandidate(ABC):
    """What the candidates of JAX share; a subclass says how a model is made.

    Runs that differ in numbers of the optimiser, seed and data train as one compiled program.
    Attributes are those of `EquinoxCandidate`.
    """

    make: Any
    optimizer: Callable[..., optax.GradientTransformation] | optax.GradientTransformation = (
        optax.adam
    )
    loss: Callable[[Array, Array], Array] = cross_entropy
    augment: Callable[[Array, PRNGKeyArray], Array] | None = None
    evaluation_model: Callable[[Any, Any], Any] | None = None
    search: Mapping[str, Sequence[Any]] | None = None
    _: KW_ONLY
    average: EMA | SWA | None = None
    patience: int | None = None
    _programs: dict[str, Program] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    framework: ClassVar[str]

    @abstractmethod
    def check_make(self) -> None:
        """Check the argument `make`.

        Raises: TypeError: if it can make no model.
        """

    @abstractmethod
    def model_settings(self) -> tuple[str, ...]:
        """Name the settings that the model takes."""

    @abstractmethod
    def made(self, key: PRNGKeyArray, settings: Mapping[str, Any]) -> Any:
        """Make a model: an Equinox module of one example, or a `Network`."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave out compiled programs, which other processes cannot run."""
        return {**self.__dict__, "_programs": {}}

    def __post_init__(self) -> None:
        object.__setattr__(self, "search", plain_values(self.search))
        self.check_make()
        optional = ("augment", "evaluation_model")
        for name in ("loss", *optional):
            value = getattr(self, name)
            if not callable(value) and not (value is None and name in optional):
                raise TypeError(f"{name} must be a function, not {checks.typed(value)}")
        self._check_evaluated()
        is_fixed = isinstance(self.optimizer, optax.GradientTransformation)
        if not is_fixed and not callable(self.optimizer):
            raise TypeError(
                "optimizer must be a function of the learning rate or an Optax transformation, not "
                f"{checks.typed(self.optimizer)}"
            )
        if is_fixed and self.search is None:
            object.__setattr__(self, "search", {})
        for name in self.search or {}:
            if name in self.model_settings():
                continue
            if not is_fixed and name != LEARNING_RATE and name == self._name_of_rate():
                raise ValueError(
                    f"search must call the optimizer's first argument {LEARNING_RATE}, not {name!r}"
                )
            if is_fixed or (name != LEARNING_RATE and name not in named_parameters(self.optimizer)):
                raise ValueError(
                    f"search must have names of arguments of make or of optimizer, not {name!r}"
                )

    def _name_of_rate(self) -> str | None:
        """Return the name that the optimiser has for the learning rate, which it gets first."""
        return next(iter(named_parameters(self.optimizer)), None)

    def _check_evaluated(self) -> None:
        if self.average is not None and not isinstance(self.average, EMA | SWA):
            raise TypeError(
                f"average must be EMA(decay) or SWA(start), not {checks.typed(self.average)}"
            )
        if self.average is not None and self.evaluation_model is not None:
            raise ValueError("average must be left out with an evaluation_model, or this with that")
        check_patience(self.patience)

    @property
    def evaluated(self) -> str:
        """What of a run is evaluated; empty if it is the model after the last step."""
        return evaluated_text(self.average, self.patience, self.evaluation_model)

    @property
    def untuned_rate(self) -> str:
        """The learning rate if the search space has none, as a text; empty if unknown."""
        return "" if isinstance(self.optimizer, optax.GradientTransformation) else f"{PAPER_RATE}"

    def source(self) -> str:
        """Return the source of model, optimiser, loss and augmentation, with their values."""
        names = ["make", "optimizer", "loss", "augment", "evaluation_model"]
        # Later fields have no line without a value, so that stored runs are still found.
        names += [name for name in ("average", "patience") if getattr(self, name) is not None]
        return "\n".join(f"{name}: {source_text(getattr(self, name))}" for name in names)

    def check(self, sets: Sets, schedule: Schedule) -> int | None:
        """Make the model twice and trace a step; see `Candidate`."""
        settings = {name: values[0] for name, values in (self.search or {}).items()}
        return check_model(self._recipe, settings, sets, schedule)

    def count(self, settings: Mapping[str, Any], sets: Sets) -> int | None:  # noqa: ARG002
        """Count the parameters that the model has with some settings."""
        make, key = self._recipe.made(settings), jax.random.key(0)
        try:
            return count_parameters(trained_part(eqx.filter_eval_shape(make, key)))
        except Exception:  # noqa: BLE001 (a model may ask for numbers that a trace does not have)
            return count_parameters(trained_part(make(key)))

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
                        loss = float(np.mean(recorded.train_loss[i]))
                        if self.patience is not None and np.isnan(loss):
                            continue  # the run has ended
                        accuracy, _ = accuracies_and_steps(recorded.metrics)
                        on_evaluation(number, float(accuracy[i]), loss)

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
        parts = ("optimizer", "loss", "augment", "evaluation_model", "average", "patience")
        own = (getattr(self, name) for name in parts)
        return Recipe(self.made, self.model_settings(), *own)
