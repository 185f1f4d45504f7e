"""Steps of PyTorch's optimizers, and the weights that they are evaluated with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from mnist1d.dataset.imports import required
from mnist1d.lab.candidates.search_space import named, needs

torch = required("torch", extra="torch")

# PyTorch is not there for a type checker.
Tensor: TypeAlias = Any


class Update:
    """A step of an optimizer, with a closure for those that evaluate the loss more than once.

    Args:
        optimizer: any; its step may need a closure (LBFGS), or refuse to work without one (SAM).
    """

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._needs_closure = needs(optimizer.step, "closure")
        is_of_torch = type(optimizer).__module__.startswith("torch.")
        self._may_need_it = not is_of_torch and named(optimizer.step, "closure")

    def __call__(self, loss_of: Callable[[], Tensor]) -> Tensor:
        """Make a step; return the loss before it."""

        def evaluate() -> Tensor:
            with torch.enable_grad():
                self._optimizer.zero_grad()
                loss = loss_of()
                loss.backward()
            return loss

        # Some optimizers need gradients before the step, even some of those with a closure.
        loss = evaluate().detach()
        if self._may_need_it:
            self._try_without()
        elif not self._needs_closure:
            self._optimizer.step()
        if self._needs_closure:
            self._optimizer.step(evaluate)
        return loss

    def _try_without(self) -> None:
        """Make the first step without a closure; undo it if the optimizer needs one."""
        self._may_need_it = False
        groups = getattr(self._optimizer, "param_groups", ())
        parameters = [each for group in groups for each in group["params"]]
        before = [each.detach().clone() for each in parameters]
        try:
            self._optimizer.step()
        except Exception as error:
            texts = ("closure", "'NoneType' object is not callable")
            if not isinstance(error, AssertionError) and not any(t in str(error) for t in texts):
                raise
            self._needs_closure = True
            with torch.no_grad():
                for each, value in zip(parameters, before, strict=True):
                    each.copy_(value)


@contextmanager
def evaluation_weights(optimizer: Any) -> Iterator[None]:
    """Have a model the weights for evaluation, if its optimizer has others for training.

    Such optimizers have the methods `eval` and `train`, as those of the package schedulefree do.
    """
    training_weights(optimizer, "eval")
    yield
    training_weights(optimizer)


def training_weights(optimizer: Any, mode: str = "train") -> None:
    """Give a model the weights for training, if its optimizer has others for evaluation."""
    if callable(getattr(optimizer, "eval", None)) and callable(getattr(optimizer, "train", None)):
        getattr(optimizer, mode)()
