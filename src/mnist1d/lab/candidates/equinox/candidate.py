"""A candidate in Equinox and Optax."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import PRNGKeyArray

from mnist1d.dataset import checks
from mnist1d.lab.candidates.compiled.candidate import CompiledCandidate
from mnist1d.lab.candidates.equinox.network import as_network
from mnist1d.lab.candidates.search_space import named_parameters, takes_by_name


@dataclass(frozen=True)
class EquinoxCandidate(CompiledCandidate):
    """A model in Equinox, with the optimiser, loss and augmentation that it trains with.

    Settings of the search space other than `learning_rate` are passed to the optimiser or the model
    that has an argument of that name: with `optimizer=optax.adamw`, `search={"learning_rate":
    (0.001, 0.01), "weight_decay": (0.0, 0.1)}`. Runs that differ in numbers of the optimiser, seed
    and data train as one compiled program, as do all learning rates.

    Args:
        make: `key -> model`, such as the class of the model. The model maps one example `(length,)`
            to logits `(classes,)`; with `batch_last = True`, also `(length, n)` to `(classes, n)`.
            A model whose call takes a `key` (for dropout) gets one while it trains, and predicts in
            `equinox.nn.inference_mode`. One with layers that keep a state (`eqx.nn.BatchNorm`)
            takes and returns it: `(x, state) -> (logits, state)`; `make` may also give a model and
            its state, as `eqx.nn.make_with_state(Model)` does.
        optimizer: `learning_rate -> optax transformation`, or a transformation, in which nothing is
            tuned.
        loss: `(logits, labels) -> scalar`, of shapes (n, classes) and (n,).
        augment: `(x, key) -> x`, of shape (batch, length), for every training batch.
        evaluation_model: `(model, optimizer state) -> model`, what is evaluated, such as the model
            with averaged weights; None for the model that is trained, or, with the optimisers
            `schedule_free` and `sam` of `optax.contrib`, for the one that they say.
        search: the values to try, by setting; None for the learning rates of the comparison. The
            learning rate of a search space without one is the paper's, 0.01.
        average: `EMA(decay)` or `SWA(start)`, the average of the weights which is evaluated in
            their place.
        patience: number of evaluations in a row without a higher validation accuracy after which a
            run ends; what is tested is then the model with the highest one. None to train all
            steps, and test the last model.

    >>> import optax
    >>> from mnist1d.models import MLP
    >>> EquinoxCandidate(MLP, optax.sgd, search={"learning_rate": (0.1, 1.0)}).framework
    'Equinox'
    """

    framework: ClassVar[str] = "Equinox"

    def check_make(self) -> None:
        """Check that `make` is a function; see `CompiledCandidate`."""
        if not callable(self.make):
            raise TypeError(f"make must be a function, not {checks.typed(self.make)}")

    def model_settings(self) -> tuple[str, ...]:
        """Name the arguments of `make` other than the key."""
        return tuple(name for name in named_parameters(self.make) if name != "key")

    def made(self, key: PRNGKeyArray, settings: Mapping[str, Any]) -> Any:
        """Make a model; see `CompiledCandidate`."""
        if takes_by_name(self.make, "key"):
            return as_network(self.make(key=key, **settings))
        return as_network(self.make(key, **settings))
