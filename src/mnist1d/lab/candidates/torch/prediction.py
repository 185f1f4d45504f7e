"""What a PyTorch model predicts and how well; the samples and draws of a run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

from mnist1d.dataset.imports import required

torch = required("torch", extra="torch")

# A type checker must not need PyTorch.
Tensor: TypeAlias = Any
Module: TypeAlias = Any

_CHUNK = 2000
"""Samples that are predicted at a time."""
_GENERATORS = threading.RLock()


class Data(NamedTuple):
    """The samples of a run as tensors on the device."""

    x: Tensor
    y: Tensor
    evaluated: dict[str, Tensor]
    y_validation: Tensor


def checked_device(device: Any) -> str | None:
    """Return the name of a device, or None for none.

    Raises: ValueError: if there is no such device here, or it is of another kind than CPU and CUDA.
    """
    if device is None:
        return None
    n = torch.cuda.device_count()
    names = ["cpu", *(["cuda"] if n else []), *(f"cuda:{i}" for i in range(n))]
    if str(device) not in names:
        raise ValueError(f"device must be one that is here ({', '.join(names)}), not {device!r}")
    return str(device)


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed PyTorch's generators of the CPU and of a device, and restore them afterwards."""
    on_gpu = device.startswith("cuda")
    # The generators belong to the process: other threads wait.
    with _GENERATORS, torch.random.fork_rng(devices=[torch.device(device)] if on_gpu else []):
        # `torch.manual_seed` would seed all GPUs.
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def logits_of(model: Module, x: Tensor) -> Tensor:
    """Predict in evaluation mode; the model is in training mode afterwards."""
    model.eval()
    # No inference mode: tensors that a model stores while predicting may be used in training.
    with torch.no_grad():
        parts = [model(part) for part in x.split(_CHUNK)]
        logits = parts[0] if len(parts) == 1 else torch.cat(parts)
    model.train()
    return logits


def accuracy_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the share of correct answers; NaN if logits are not finite."""
    correct = (logits.argmax(dim=1) == labels).double().mean()
    return torch.where(torch.isfinite(logits).all(), correct, torch.nan)
