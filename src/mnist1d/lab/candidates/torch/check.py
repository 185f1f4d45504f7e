"""The trial of a candidate in PyTorch: what its model gives, and whether it does so again."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from mnist1d.dataset.imports import required
from mnist1d.lab.candidates.checks import OTHER_LOSS, describe_error
from mnist1d.lab.candidates.contract import CandidateError, Outcome
from mnist1d.lab.candidates.torch.prediction import Data, logits_of

torch = required("torch", extra="torch")

# A type checker must not need PyTorch.
Tensor: TypeAlias = Any
Module: TypeAlias = Any


def check_output(model: Module, loss: Callable[..., Any], data: Data, n_classes: int) -> None:
    """Check the logits of a new model, and their loss.

    Raises: CandidateError: if they have other shapes than expected, or are not finite.
    """
    x = data.evaluated["validation"]
    shape = tuple(x.shape)
    expected = f"expected logits of shape ({shape[0]}, {n_classes}) for signals of shape {shape}"
    try:
        logits = logits_of(model, x)
    except (Exception, SystemExit) as error:  # a user's model may raise anything
        hint = _layout_hint(model, x, n_classes)
        raise CandidateError(
            f"{expected}, but the model raised {describe_error(error)}{hint}"
        ) from error
    if not isinstance(logits, torch.Tensor):
        hint = OTHER_LOSS if isinstance(logits, tuple | list | dict) else ""
        raise CandidateError(f"{expected}, got {type(logits).__name__}{hint}")
    if not _fits(logits, len(x), n_classes):
        hint = _layout_hint(model, x, n_classes)
        raise CandidateError(f"{expected}, got shape {tuple(logits.shape)}{hint}")
    if not torch.isfinite(logits).all():
        raise CandidateError(
            "expected finite logits before the first step, got values that are not"
        )
    try:
        value = loss(logits, data.y_validation)
    except (Exception, SystemExit) as error:  # a user's loss may raise anything
        raise CandidateError(f"loss raised {describe_error(error)}") from error
    if not isinstance(value, torch.Tensor) or value.ndim:
        what = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        raise CandidateError(f"expected one number as loss, got {what}")


def check_same(first: Outcome, second: Outcome, device: str) -> None:
    """Refuse a candidate that its seed does not determine, up to rounding on a GPU."""
    tolerance = 0.0 if device == "cpu" else 1e-4
    if not np.allclose(first.train_loss, second.train_loss, rtol=tolerance, atol=0, equal_nan=True):
        raise CandidateError(
            "it is not the same twice with the same seed: the mean loss of the first steps was "
            f"{first.train_loss.mean():.6g}, then {second.train_loss.mean():.6g}; all draws "
            "must come from PyTorch's generator, which is seeded for every run"
        )


def _fits(logits: Any, n: int, n_classes: int) -> bool:
    return isinstance(logits, torch.Tensor) and tuple(logits.shape) == (n, n_classes)


def _layout_hint(model: Module, x: Tensor, n_classes: int) -> str:
    """Return a hint on another layout of the input that the model takes, or an empty text."""
    n, length = x.shape
    layouts = {
        "x[:, None, :]": (f"({n}, 1, {length})", x[:, None, :]),
        "x[:, :, None]": (f"({n}, {length}, 1)", x[:, :, None]),
        "x.T": (f"({length}, {n})", x.T),
        "x.T[:, :, None]": (f"({length}, {n}, 1)", x.T[:, :, None]),
    }
    for how, (shape, other) in layouts.items():
        try:
            with torch.no_grad():
                logits = model.eval()(other)
        except Exception:  # noqa: BLE001, S112 (it does not take this one)
            continue
        if _fits(logits, n, n_classes):
            return (
                f"; it takes signals of shape {shape}, while a comparison gives ({n}, {length}): "
                f"begin its forward with x = {how}"
            )
    return ""
