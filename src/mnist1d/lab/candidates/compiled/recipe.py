"""What the settings of a run make: the model, the optimiser, and the functions that train it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray

from mnist1d.lab.candidates.averaging import EMA, SWA, followed_by, mean_of
from mnist1d.lab.candidates.compiled.evaluation import evaluated_by
from mnist1d.lab.candidates.compiled.network import Network
from mnist1d.lab.candidates.contract import CandidateError
from mnist1d.lab.candidates.search_space import named_parameters
from mnist1d.models import predict
from mnist1d.training.loop import update
from mnist1d.training.stateful import trained_part

PAPER_RATE = 0.01
"""Learning rate of a candidate whose search space has none: the paper's."""


class Recipe(NamedTuple):
    """The functions of a `CompiledCandidate`, most of them its attributes of the same names.

    Attributes:
        make: `(key, settings) -> model`, an Equinox module of one example or a `Network`.
        model_settings: names of the settings that are arguments of the model.
    """

    make: Callable[[PRNGKeyArray, Mapping[str, Any]], Any]
    model_settings: tuple[str, ...]
    optimizer: Callable[..., optax.GradientTransformation] | optax.GradientTransformation
    loss: Callable[[Array, Array], Array]
    augment: Callable[[Array, PRNGKeyArray], Array] | None
    evaluation_model: Callable[[Any, Any], Any] | None
    average: EMA | SWA | None
    patience: int | None

    def made(self, settings: Mapping[str, Any]) -> Callable[[PRNGKeyArray], Any]:
        """Return `key -> model` with those settings that are arguments of the model."""
        own = {name: value for name, value in settings.items() if name in self.model_settings}
        return lambda key: self.make(key, own)

    def transformation(self, settings: Mapping[str, Any]) -> optax.GradientTransformation:
        """Return the optimiser with those settings that are no arguments of the model."""
        if isinstance(self.optimizer, optax.GradientTransformation):
            return self.optimizer
        own = {name: value for name, value in settings.items() if name not in self.model_settings}
        return self.optimizer(own.pop("learning_rate"), **own)

    def optimizer_of_run(
        self, settings: Mapping[str, Any], n_steps: int
    ) -> optax.GradientTransformation:
        """Return the optimiser of a run of so many steps, with the average of weights if any."""
        transformation = self.transformation(settings)
        if self.average is None:
            return transformation
        return followed_by(transformation, self.average, n_steps)

    def evaluated_by(
        self, settings: Mapping[str, Any], model: Any
    ) -> Callable[[Any, Any], Any] | None:
        """Return what makes the model for evaluation; None if that is the trained one.

        Raises: CandidateError: if it cannot be told which model that is.
        """
        if self.evaluation_model is not None:
            return self.evaluation_model
        own = evaluated_by(self.transformation(settings), trained_part(model))
        if self.average is None:
            return own
        if own is not None:
            raise CandidateError(
                "average must be left out with an optimizer that has weights for evaluation of its "
                "own, such as schedule_free and sam"
            )
        return lambda model, state: eqx.combine(mean_of(state), model)

    def traced(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Name the settings that the compiled program can take as numbers, those of the optimiser.

        Some schedules branch on the value of a rate, and so need a program per value.
        """
        numbers = {
            name: float(value)
            for name, value in {"learning_rate": PAPER_RATE, **settings}.items()
            if isinstance(value, float | np.floating) and name not in self.model_settings
        }
        fixed = {name: value for name, value in settings.items() if name not in numbers}

        def start(numbers: Mapping[str, Array], key: PRNGKeyArray) -> Any:
            transformation = self.transformation({**fixed, **numbers})
            weights = eqx.filter(trained_part(self.made(fixed)(key)), eqx.is_inexact_array)
            state = transformation.init(weights)
            nothing = jnp.zeros(())
            return update(transformation, (weights, state, weights), nothing, lambda _: nothing)

        try:
            traced = {name: jnp.float32(value) for name, value in numbers.items()}
            jax.eval_shape(start, traced, jax.random.key(0))
        except Exception:  # noqa: BLE001 (it branches on the rate; training raises all other errors)
            return ()
        return tuple(sorted(numbers))

    def batch_loss(self, model: Any, batch: tuple[Array, Array], key: PRNGKeyArray) -> Any:
        """Return the loss of a batch in training; of a `Network` with the new state."""
        x, y = batch
        if isinstance(model, Network):
            logits, state = model.in_training(x, key)
            return self.loss(logits, y), state
        return self.loss(_logits_in_training(model, x, key), y)

    def augmented(self, x: Array, key: PRNGKeyArray) -> Array:
        """Return a batch of signals as it is trained on."""
        return x if self.augment is None else self.augment(x, key)


def takes_key(model: Any) -> bool:
    """Return whether the call of a model takes a key."""
    if isinstance(model, Network):
        return model.takes_key()
    return "key" in named_parameters(type(model).__call__)


def _logits_in_training(model: Any, x: Array, key: PRNGKeyArray) -> Array:
    if not takes_key(model):
        return predict(model, x)
    if getattr(model, "batch_last", False):
        return model(x.T, key=key).T
    return jax.vmap(lambda x, key: model(x, key=key))(x, jax.random.split(key, len(x)))
