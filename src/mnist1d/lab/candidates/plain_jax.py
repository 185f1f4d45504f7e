"""A candidate of two functions in JAX: one makes parameters, one computes with them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from mnist1d.dataset import checks
from mnist1d.lab.candidates.compiled.candidate import CompiledCandidate
from mnist1d.lab.candidates.compiled.network import Network, arguments_in, logits_alone
from mnist1d.lab.candidates.contract import CandidateError
from mnist1d.lab.candidates.search_space import named_parameters, own_settings, takes_by_name

_GIVEN = ("state", "key", "train")
"""Arguments of `apply` that it gets if it takes them."""


@dataclass(frozen=True)
class JaxCandidate(CompiledCandidate):
    """A model as two functions, as of plain JAX, Haiku or Flax Linen, and what it trains with.

    Args:
        make: `(init, apply)`. `init(key)` returns the parameters, any pytree, whose inexact arrays
            are trained. `apply(parameters, x)` maps a batch (n, length) to logits (n, classes). It
            may have arguments `key` (for dropout; None while it predicts) and `train` (whether it
            trains). If it has an argument `state`, for running statistics, `init` returns
            `(parameters, state)`, and `apply` `(logits, new state)`. Settings of the search space
            are passed to whichever of the two has an argument of that name.
        optimizer: as of `EquinoxCandidate`, like all that follow.
        loss: see `optimizer`.
        augment: see `optimizer`.
        evaluation_model: `(parameters, optimizer state) -> parameters`.
        search: see `optimizer`.
        average: see `optimizer`.
        patience: see `optimizer`.

    >>> def init(key, width=20):
    ...     return {"in": jax.random.normal(key, (40, width)) / 6, "out": jnp.zeros((width, 10))}
    >>> def apply(parameters, x):
    ...     return jnp.tanh(x @ parameters["in"]) @ parameters["out"]
    >>> candidate = JaxCandidate((init, apply), search={"learning_rate": [0.1], "width": [5, 10]})
    >>> candidate.count({"width": 5}, None)
    250
    """

    framework: ClassVar[str] = "JAX"

    def check_make(self) -> None:
        """Check that `make` has two functions; see `CompiledCandidate`."""
        if not is_pair(self.make):
            raise TypeError(
                f"make must be two functions, (init, apply), not {checks.typed(self.make)}"
            )

    def model_settings(self) -> tuple[str, ...]:
        """Name further arguments of `init` and `apply`."""
        init, apply = self.make
        names = named_parameters(init)
        of_init = [name for name in names if name != ("key" if "key" in names else names[0])]
        of_apply = [name for name in named_parameters(apply)[2:] if name not in _GIVEN]
        return tuple(dict.fromkeys([*of_init, *of_apply]))

    def made(self, key: PRNGKeyArray, settings: Mapping[str, Any]) -> Any:
        """Make the parameters; see `CompiledCandidate`."""
        init, apply = self.make
        own = own_settings(init, settings)
        made = init(key=key, **own) if takes_by_name(init, "key") else init(key, **own)
        parameters, state = made, None
        if "state" in named_parameters(apply):
            if not isinstance(made, tuple) or len(made) != 2:
                raise CandidateError(
                    "init was expected to give (parameters, state), as apply takes a state, and "
                    f"gave {type(made).__name__}"
                )
            parameters, state = made
        # Not what it would take by `**others`, as that of Flax Linen takes anything.
        of_apply = {name: settings[name] for name in named_parameters(apply) if name in settings}
        return FunctionNetwork(
            model=_with_arrays(parameters, np.ndarray | np.generic | float),
            state=_with_arrays(state, np.ndarray | np.generic | float | int),
            apply=partial(apply, **of_apply) if of_apply else apply,
        )


class FunctionNetwork(Network):
    """Parameters and state of two functions, with the one that computes."""

    apply: Callable[..., Any] = eqx.field(static=True)

    def __call__(self, x: Array) -> Array:
        """Predict."""
        return self._applied(x.T, None)[0].T

    def takes_key(self) -> bool:
        """Return whether `apply` takes a key."""
        return "key" in named_parameters(self.apply)

    def in_training(self, x: Array, key: PRNGKeyArray) -> tuple[Array, Any]:
        """Return logits of a batch and the state after it."""
        return self._applied(x, key)

    def _applied(self, x: Array, key: PRNGKeyArray | None) -> tuple[Array, Any]:
        more = arguments_in(self.apply, key=key, train=key is not None)
        if "state" not in named_parameters(self.apply):
            return logits_alone(self.apply(self.model, x, **more)), None
        found = self.apply(self.model, x, state=self.state, **more)
        if not isinstance(found, tuple) or len(found) != 2:
            raise CandidateError(
                "apply was expected to give (logits, state), as it takes a state, and gave "
                f"{type(found).__name__}"
            )
        return found


def is_pair(given: Any) -> bool:
    """Return whether something is two functions.

    >>> is_pair((abs, max)), is_pair(abs)
    (True, False)
    """
    return isinstance(given, tuple) and len(given) == 2 and all(map(callable, given))


def _with_arrays(tree: Any, kinds: Any) -> Any:
    """Return a tree with JAX's arrays in place of NumPy's and of plain numbers, of some kinds."""
    return jax.tree.map(
        lambda leaf: jnp.array(np.asarray(leaf)) if isinstance(leaf, kinds) else leaf,
        tree,
    )
