"""A candidate in Flax NNX."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, PRNGKeyArray

from mnist1d.dataset import checks
from mnist1d.dataset.imports import required
from mnist1d.lab.candidates.compiled.candidate import CompiledCandidate
from mnist1d.lab.candidates.compiled.network import Network, arguments_in, logits_alone
from mnist1d.lab.candidates.contract import CandidateError
from mnist1d.lab.candidates.search_space import named_parameters, takes_by_name

nnx = required("flax.nnx", extra="flax")


@dataclass(frozen=True)
class FlaxCandidate(CompiledCandidate):
    """A module of Flax NNX, and what it trains with.

    Args:
        make: `rngs -> module`, such as the module's class; or `key -> module`. The module maps a
            batch (n, length) to logits (n, classes). It is in the mode of `module.train()` while it
            trains, and in that of `module.eval()` while it predicts; if its call has an argument
            `train`, it is told, too. Parameters (`nnx.Param`) are trained; running statistics,
            counters of random numbers and other variables are carried from step to step.
        optimizer: as of `EquinoxCandidate`, like all that follow. It sees the parameters as
            `nnx.state(module, nnx.Param)`.
        loss: see `optimizer`.
        augment: see `optimizer`.
        evaluation_model: `(parameters, optimizer state) -> parameters`.
        search: see `optimizer`.
        average: see `optimizer`.
        patience: see `optimizer`.

    >>> import optax
    >>> FlaxCandidate(lambda rngs: nnx.Linear(40, 10, rngs=rngs), optax.sgd).count({}, None)
    410
    """

    framework: ClassVar[str] = "Flax"

    def check_make(self) -> None:
        """Check that `make` is a function; see `CompiledCandidate`."""
        if not callable(self.make) or isinstance(self.make, nnx.Module):
            raise TypeError(f"make must be a function of rngs, not {checks.typed(self.make)}")

    def model_settings(self) -> tuple[str, ...]:
        """Name the arguments of `make` other than the source of random numbers."""
        names = named_parameters(self.make)
        source = next((name for name in ("rngs", "key") if name in names), names[0])
        return tuple(name for name in names if name != source)

    def made(self, key: PRNGKeyArray, settings: Mapping[str, Any]) -> Any:
        """Make a module; see `CompiledCandidate`."""
        names = named_parameters(self.make)
        if "key" in names and "rngs" not in names:
            module = self.make(key=key, **settings)
        elif takes_by_name(self.make, "rngs"):
            module = self.make(rngs=nnx.Rngs(key), **settings)
        else:
            module = self.make(nnx.Rngs(key), **settings)
        if not isinstance(module, nnx.Module):
            raise CandidateError(
                f"make was expected to give a module of flax.nnx, and gave {type(module).__name__}"
            )
        graph, parameters, others = nnx.split(module, nnx.Param, ...)
        return FlaxNetwork(model=parameters, state=others, graph=graph)


class FlaxNetwork(Network):
    """Parameters and other variables of a module, with its structure."""

    graph: Any = eqx.field(static=True)

    def __call__(self, x: Array) -> Array:
        """Predict."""
        module = nnx.merge(self.graph, self.model, self.state, copy=True)
        module.eval()
        more = arguments_in(type(module).__call__, key=None, train=False)
        return logits_alone(module(x.T, **more)).T

    def takes_key(self) -> bool:
        """Return that modules have random numbers of their own."""
        return True

    def in_training(self, x: Array, key: PRNGKeyArray) -> tuple[Array, Any]:
        """Return logits of a batch and the variables after it."""
        module = nnx.merge(self.graph, self.model, self.state, copy=True)
        module.train()
        more = arguments_in(type(module).__call__, key=key, train=True)
        logits = logits_alone(module(x, **more))
        _, _, others = nnx.split(module, nnx.Param, ...)
        return logits, others
