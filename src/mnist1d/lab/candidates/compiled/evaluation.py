"""Models for evaluation, of optimisers whose weights in training are not the ones to evaluate."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from optax.contrib import SAMState, ScheduleFreeState, schedule_free_eval_params

from mnist1d.lab.candidates.contract import CandidateError


def evaluated_by(
    optimizer: optax.GradientTransformation, model: Any
) -> Callable[[Any, Any], Any] | None:
    """Return what makes the model for evaluation, if an optimiser has other weights for it.

    Args:
        optimizer: `optax.contrib.schedule_free` and its kinds, which average, and
            `optax.contrib.sam`, which may be at disturbed weights, are known, alone or in a chain.
        model: any that it trains.

    Returns: `(model, optimizer state) -> model`; None if the trained weights are meant.
    Raises: CandidateError: if such an optimiser trains a part of the weights, or there are several.

    >>> evaluated_by(optax.adam(0.1), jnp.ones(3)) is None
    True
    >>> evaluated_by(optax.contrib.schedule_free_sgd(0.1), jnp.ones(3)) is None
    False
    """
    weights = eqx.filter(model, eqx.is_inexact_array)
    states = _states(jax.eval_shape(optimizer.init, weights))
    if not states:
        return None
    structure = jax.tree.structure(weights)
    if [jax.tree.structure(_own_weights(state)) for state in states] != [structure]:
        raise CandidateError(
            "optimizer has other weights for evaluation than those it trains, but of a part of the "
            "model: say by evaluation_model which model is to be evaluated"
        )
    return _evaluated


def _evaluated(model: Any, optimizer_state: Any) -> Any:
    weights, rest = eqx.partition(model, eqx.is_inexact_array)
    (state,) = _states(optimizer_state)
    if isinstance(state, ScheduleFreeState):
        weights = schedule_free_eval_params(state, weights)
    else:
        is_disturbed = state.steps_since_sync > 0
        weights = jax.tree.map(lambda x, y: jnp.where(is_disturbed, y, x), weights, state.cache)
    return eqx.combine(weights, rest)


def _states(optimizer_state: Any) -> list[Any]:
    """Return the states of known optimisers in the state of one."""
    leaves = jax.tree.leaves(optimizer_state, is_leaf=_is_known)
    return [leaf for leaf in leaves if _is_known(leaf)]


def _is_known(state: Any) -> bool:
    return isinstance(state, ScheduleFreeState) or (
        isinstance(state, SAMState) and state.cache is not None
    )


def _own_weights(state: Any) -> Any:
    return state.z if isinstance(state, ScheduleFreeState) else state.cache
