"""The trial of a candidate of JAX: what it is made of, gives and does in a step."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from mnist1d.lab.candidates.checks import (
    OTHER_LOSS,
    are_equal,
    explained,
    varies_beyond_arrays,
)
from mnist1d.lab.candidates.compiled.network import Network
from mnist1d.lab.candidates.compiled.recipe import PAPER_RATE, Recipe, takes_key
from mnist1d.lab.candidates.contract import CandidateError, Schedule, Sets
from mnist1d.models import count_parameters, predict
from mnist1d.training.loop import update
from mnist1d.training.stateful import state_of, trained_part, with_parts

_KEY_HINT = (
    "; a model whose call takes a key is given one while it trains: write "
    "`def __call__(self, x, key=None)`, and hand the key on to the layers that draw"
)


def check_model(recipe: Recipe, settings: Mapping[str, Any], sets: Sets, schedule: Schedule) -> int:
    """Make the model twice and trace a step; as `Candidate.check`, with some settings."""
    n_classes = sets.n_classes
    key = jax.random.key(0)
    with explained("to be made from a key"):
        model, again = (recipe.made(settings)(key) for _ in range(2))
        other = recipe.made(settings)(jax.random.key(1))
    first, second = (jax.tree.leaves(eqx.filter(each, eqx.is_array)) for each in (model, again))
    if len(first) != len(second) or not are_equal(first, second):
        raise CandidateError(
            "the model was expected to be the same twice with the same key, and was not: all "
            "its random numbers must come from the key"
        )
    if varies_beyond_arrays(model, again, other):
        raise CandidateError(
            "the model was expected to have the same shapes, numbers and settings with every "
            "key, and had others with another key: what is drawn must be in arrays, such as "
            "jnp.asarray(number)"
        )
    _check_shape(model, sets.x[:3], n_classes)
    with explained("to predict"):
        logits = [np.asarray(_predict_all(model, jnp.asarray(sets.x[:20]))) for _ in range(2)]
    if not np.isfinite(logits[0]).all():
        raise CandidateError(
            "the untrained model was expected to give finite logits, and gave "
            f"{logits[0][~np.isfinite(logits[0]).all(axis=1)][0]}"
        )
    if not np.array_equal(logits[0], logits[1]):
        raise CandidateError(
            "the model was expected to give the same logits twice for the same examples, and "
            "gave others"
        )
    hint = "" if takes_key(model) else _KEY_HINT
    with jax.disable_jit(disable=False), explained("to take a training step", hint):
        recipe.evaluated_by({"learning_rate": PAPER_RATE, **settings}, model)
        one, other = (_step(recipe, model, settings, sets, schedule) for _ in range(2))
        # Numbers that are drawn while a step is traced are part of its program. Programs may
        # also differ in names alone, so results are compared; most need not be compiled.
        if one.as_text() != other.as_text() and not are_equal(
            *(
                each.compile()(eqx.filter(trained_part(model), eqx.is_inexact_array))
                for each in (one, other)
            )
        ):
            raise CandidateError(
                "the training step was expected to be the same twice with the same key, and "
                "was not: all random numbers of model, loss, augment and optimizer must come "
                "from a key"
            )
    return count_parameters(trained_part(model))


def _check_shape(model: Any, x: np.ndarray, n_classes: int) -> None:
    """Check the shape of logits, and of a `Network` also what a step makes of its state."""
    of_batch = isinstance(model, Network) and model.of_batch
    n, length = x.shape
    before, after = ("(n, ", ")") if of_batch else ("(", ",)")
    given, wanted = (f"{before}{size}{after}" for size in (length, n_classes))
    what = f"{'a batch' if of_batch else 'an example'} of shape {given}"
    hint = "" if takes_key(model) else _KEY_HINT
    with explained(f"to map {what} to logits {wanted}", hint):
        found = eqx.filter_eval_shape(
            lambda model, x: predict(eqx.nn.inference_mode(model), x), model, x
        )
        state = None
        if isinstance(model, Network):
            found, state = eqx.filter_eval_shape(
                lambda model, x, key: model.in_training(x, key), model, x, jax.random.key(0)
            )
    got = getattr(found, "shape", None)
    if got != (n, n_classes):
        is_example = not of_batch and got is not None and got[:1] == (n,)
        text = f"shape {got[1:] if is_example else got}" if got is not None else f"{found}"
        text += OTHER_LOSS if isinstance(found, tuple | list | dict) else ""
        raise CandidateError(
            f"the model was expected to map {what} to logits of shape {wanted}, and gave {text}"
        )
    if isinstance(model, Network):
        before = eqx.filter_eval_shape(lambda model: model.state, model)
        if _kinds(before) != _kinds(state):
            raise CandidateError(
                "the model was expected to give a state of the same structure, shapes and types "
                f"as it was given, and gave {_shown(state)} for {_shown(before)}"
            )


def _kinds(state: Any) -> list[Any]:
    leaves, structure = jax.tree.flatten(state)
    return [structure, *((each.shape, each.dtype) for each in leaves)]


def _shown(state: Any) -> str:
    return eqx.tree_pformat(state, struct_as_array=True, width=1000)


def _step(
    recipe: Recipe, model: Any, settings: Mapping[str, Any], sets: Sets, schedule: Schedule
) -> jax.stages.Lowered:
    """Trace a training step: parameters to their updates."""
    x = jnp.asarray(sets.x[: schedule.batch_size])
    y, key = jnp.asarray(sets.y[: schedule.batch_size], jnp.int32), jax.random.key(0)
    if recipe.augment is not None:
        shape = jax.eval_shape(recipe.augment, x, key)
        if getattr(shape, "shape", None) != x.shape:
            raise CandidateError(
                f"augment was expected to give the shape {x.shape} that it was given, and gave "
                f"{getattr(shape, 'shape', shape)}"
            )
    parameters, rest = eqx.partition(trained_part(model), eqx.is_inexact_array)
    all_settings = {"learning_rate": PAPER_RATE, **settings}
    transformation = recipe.optimizer_of_run(all_settings, schedule.n_steps)

    def step(parameters: Any) -> Any:
        batch = recipe.augmented(x, key), y

        def loss(parameters: Any) -> Array:
            whole = with_parts(model, eqx.combine(parameters, rest), state_of(model))
            found = recipe.batch_loss(whole, batch, key)
            return found[0] if isinstance(model, Network) else found

        value, gradient = jax.value_and_grad(loss)(parameters)
        state = transformation.init(parameters)
        return update(transformation, (gradient, state, parameters), value, loss)

    return jax.jit(step).lower(parameters)


@eqx.filter_jit
def _predict_all(model: Any, x: Array) -> Array:
    return predict(eqx.nn.inference_mode(model), x)
