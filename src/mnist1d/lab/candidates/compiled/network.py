"""Models that programs do not train as they are: those of a batch, or with a state."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from jaxtyping import Array, PRNGKeyArray

from mnist1d.lab.candidates.checks import OTHER_LOSS
from mnist1d.lab.candidates.contract import CandidateError
from mnist1d.lab.candidates.search_space import named_parameters
from mnist1d.training.stateful import Stateful


class Network(Stateful):
    """A model as programs train it, made of one of another library.

    Its call predicts, like that of other models with `batch_last`: without dropout, and with
    running statistics in place of a batch's.
    """

    batch_last: ClassVar[bool] = True
    of_batch: ClassVar[bool] = True
    """Whether its author wrote it for a batch (n, length), not for an example (length,)."""

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """Predict: from (length, n) to logits (classes, n)."""

    @abstractmethod
    def takes_key(self) -> bool:
        """Return whether what is called takes a key, or has another source of random numbers."""

    @abstractmethod
    def in_training(self, x: Array, key: PRNGKeyArray) -> tuple[Array, Any]:
        """Return the logits of a batch (n, length) while training, (n, classes), and the state."""


def logits_alone(found: Any) -> Array:
    """Return what a model gave for a batch, if that is one array.

    Raises: CandidateError: if it gave several things.
    """
    if isinstance(found, tuple | list | dict):
        what = type(found).__name__
        raise CandidateError(f"the model was expected to give logits, and gave {what}{OTHER_LOSS}")
    logits: Array = found
    return logits


def arguments_in(
    function: Callable[..., Any], *, key: PRNGKeyArray | None, train: bool
) -> dict[str, Any]:
    """Return those of the arguments `key` and `train` that a function takes.

    Args:
        function: of a user's model.
        key: for dropout; None while predicting.
        train: whether the model trains.

    >>> arguments_in(lambda parameters, x, train: x, key=None, train=True)
    {'train': True}
    """
    names = named_parameters(function)
    return {name: value for name, value in {"key": key, "train": train}.items() if name in names}
