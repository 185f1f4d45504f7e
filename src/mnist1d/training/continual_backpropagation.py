"""Continual backpropagation: units that are of least use are drawn anew, one at a time.

After every update each unit of a hidden layer gets a utility, a running mean of how much it adds to
the layer after it. Of the units that are old enough a small share per step is replaced, those with
the least utility: their incoming weights are drawn as at the start, and their outgoing ones are 0,
so that the network's outputs change by little.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from mnist1d.models.layers import Linear, uniform


class Units(NamedTuple):
    """What is known of the units of a hidden layer.

    Attributes:
        utility: running mean of what each adds, shape (units,).
        age: steps since each was drawn, shape (units,).
        due: how many units are due to be replaced, in fractions.
    """

    utility: Float[Array, " units"]
    age: Int[Array, " units"]
    due: Float[Array, ""]


def new_units(n_units: int) -> Units:
    """Return units of age 0.

    >>> new_units(2).age.tolist()
    [0, 0]
    """
    return Units(jnp.zeros(n_units), jnp.zeros(n_units, jnp.int32), jnp.zeros(()))


def next_units(
    units: Units,
    activity: Float[Array, " units"],
    outgoing: Float[Array, "next units"],
    *,
    rate: Float[Array, ""] | float,
    maturity: int,
    decay: float,
) -> tuple[Units, Int[Array, ""]]:
    """Take a step's activity into account, and choose the unit to be replaced, if one is due.

    Args:
        units: before the step.
        activity: mean of the absolute outputs of each unit over the batch.
        outgoing: weights of the next layer, after the update.
        rate: share of the mature units that is replaced per step.
        maturity: age, in steps, above which a unit may be replaced.
        decay: of the running mean of utility, 0 to below 1.

    Returns: the units after the step, a replaced one of age 0; its number, or -1 if none is due.
    Source: Dohare et al. (2024), Loss of plasticity in deep continual learning, Nature 632,
        algorithm 1 and equation 1; for a batch with the mean of its absolute outputs.

    >>> units, chosen = new_units(2)._replace(due=jnp.array(0.5)), []
    >>> for _ in range(3):
    ...     units, unit = next_units(units, jnp.array([1.0, 2.0]), jnp.ones((3, 2)),
    ...                          rate=0.3, maturity=1, decay=0.9)
    ...     chosen.append(int(unit))
    >>> chosen, units.age.tolist()
    ([-1, 0, -1], [1, 3])
    """
    added = activity * abs(outgoing).sum(axis=0)
    utility = decay * units.utility + (1 - decay) * added
    age = units.age + 1
    is_mature = age > maturity
    due = units.due + rate * is_mature.sum().astype(jnp.float32)
    is_due = (due > 1) & is_mature.any()
    unit = jnp.where(is_due, jnp.where(is_mature, utility, jnp.inf).argmin(), -1)
    is_replaced = jnp.arange(len(age)) == unit
    after = Units(
        jnp.where(is_replaced, 0, utility),
        jnp.where(is_replaced, 0, age),
        due - is_due.astype(jnp.float32),
    )
    return after, unit


def replaced(
    incoming: Linear, outgoing: Linear, unit: Int[Array, ""], drawn: tuple[Array, Array | float]
) -> tuple[Linear, Linear]:
    """Give a unit other incoming weights, and outgoing ones of 0.

    Args:
        incoming: the layer whose output the unit is; or what an optimiser keeps for its weights.
        outgoing: the layer that has it as an input; likewise.
        unit: its number; nothing is changed if it is -1.
        drawn: the new incoming weights, shape (inputs,), and the new bias.

    >>> import jax
    >>> first, second = (Linear(2, 2, key=jax.random.key(n)) for n in (0, 1))
    >>> first, second = replaced(first, second, jnp.array(1), (jnp.array([5.0, 6.0]), 7.0))
    >>> first.weight[1].tolist(), first.bias[1].item(), second.weight[:, 1].tolist()
    ([5.0, 6.0], 7.0, [0.0, 0.0])
    """
    chosen = jnp.arange(len(incoming.bias)) == unit
    weights, bias = drawn
    incoming = eqx.tree_at(
        lambda layer: (layer.weight, layer.bias),
        incoming,
        (
            jnp.where(chosen[:, None], weights, incoming.weight),
            jnp.where(chosen, bias, incoming.bias),
        ),
    )
    weight = jnp.where(chosen, 0, outgoing.weight)
    return incoming, eqx.tree_at(lambda layer: layer.weight, outgoing, weight)


def drawn_inputs(key: PRNGKeyArray, n_inputs: Sequence[int]) -> list[tuple[Array, Array]]:
    """Draw incoming weights and the bias of a unit of every layer, as they are drawn at first.

    Args:
        key: for one draw for all.
        n_inputs: of a unit of every layer.

    >>> import jax
    >>> (weights, bias), _ = drawn_inputs(jax.random.key(0), [4, 9])
    >>> weights.shape, bool(abs(weights).max() <= 1 / 2)
    ((4,), True)
    """
    numbers = uniform(key, (sum(n_inputs) + len(n_inputs),), 1)
    drawn = []
    for n in n_inputs:
        own, numbers = numbers[: n + 1] / math.sqrt(n), numbers[n + 1 :]
        drawn.append((own[:-1], own[-1]))
    return drawn
