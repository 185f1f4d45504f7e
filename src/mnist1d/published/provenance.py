"""The note in a dataset file on its arguments, and whether a file agrees with given ones."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

from mnist1d.dataset.templates import digit_templates
from mnist1d.published.arguments import PUBLISHED, Arguments, differences, plain
from mnist1d.published.pickles import PROTOCOL

__all__ = ["agrees", "contradictions", "note"]

_VERSION = 1
# Of the published arrays: training signals as float32, training labels as int64.
_PUBLISHED_SHA256 = (
    "d53506bddd12d3b72c7153b1ae7f34807724b1dd078a7273809bf9d0792319f6",
    "d97dc7aecec8ad6b5d8f143ba3e9c4bd7e25c420d7dfc2eb990591cfc0ed3e15",
)


def note(arguments: Arguments, template: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the note of a file: the arguments that it was made for, in the types of JSON.

    >>> note({"seed": np.int64(7)}, None)
    {'mnist1d': 1, 'arguments': {'seed': 7}, 'template': None}
    """
    return {
        "mnist1d": _VERSION,
        "arguments": {name: plain(name, value) for name, value in arguments.items()},
        "template": _fingerprint(template),
    }


def agrees(of_file: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether the note of a file agrees with a wanted one, in all arguments of the latter.

    >>> agrees(note({"seed": 7, "num_samples": 10}, None), note({"seed": 7}, None))
    True
    """
    stored = of_file.get("arguments")
    return (
        of_file.get("mnist1d") == wanted["mnist1d"]
        and of_file.get("template") == wanted["template"]
        and isinstance(stored, dict)
        and all(stored.get(name, ...) == value for name, value in wanted["arguments"].items())
    )


def contradictions(
    data: Any, arguments: Arguments, template: Mapping[str, Any] | None
) -> list[str]:
    """Return in what data of unknown origin contradict given arguments.

    Sizes and lengths can be compared, and the published arrays are known by their checksums.
    Nothing else can be seen, such as noise of another strength, or another seed.

    >>> part = {"x": np.zeros((8, 40)), "y": np.zeros(8)}
    >>> data = part | {"x_test": np.zeros((2, 40)), "y_test": np.zeros(2)}
    >>> contradictions(data, {"num_samples": 20, "train_split": 0.8}, None)
    ['8 training samples, not 16', '2 test samples, not 4']
    """
    try:
        parts = [_shape(data[name]) for name in ("x", "y", "x_test", "y_test")]
        x, y, x_test, y_test = parts
        lengths = [x[0], y[0], x_test[0], y_test[0], x[-1]]
    except (TypeError, ValueError, LookupError):
        return ["no MNIST-1D dataset"]
    if _is_published(data):
        return [
            f"the published dataset, with {name}={PUBLISHED[name]!r}, not {arguments[name]!r}"
            for name in differences(arguments)
        ] + ([] if template is None else ["the published dataset, made from the ten digits"])
    n_train, n_labels, n_test, n_test_labels, length = lengths
    n_classes = len(digit_templates().y if template is None else template["y"])
    train_size, test_size = _sizes(arguments, n_classes)
    compared = [
        ("points in a signal", length, arguments.get("final_seq_length")),
        ("templates", _n_templates(data), n_classes),
        ("training samples", n_train, train_size),
        ("training labels", n_labels, n_train),
        ("test samples", n_test, test_size),
        ("test labels", n_test_labels, n_test),
    ]
    return [
        f"{found} {what}, not {asked}"
        for what, found, asked in compared
        if None not in (found, asked) and found != asked
    ]


def _shape(part: Any) -> tuple[int, ...]:
    """Return that of an array; of nested lists as far as their first ones show it."""
    lengths: list[int] = []
    while isinstance(part, list | tuple) and len(lengths) < 3:
        lengths.append(len(part))
        part = part[0] if part else None
    return (*lengths, *getattr(part, "shape", ()))


def _is_published(data: Mapping[str, Any]) -> bool:
    x, y = data["x"], data["y"]
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        return False
    if x.shape != (4000, 40) or x.dtype.kind != "f" or y.shape != (4000,) or y.dtype.kind != "i":
        return False
    content = (x.astype("<f4").tobytes(), y.astype("<i8").tobytes())
    return tuple(hashlib.sha256(part).hexdigest() for part in content) == _PUBLISHED_SHA256


def _n_templates(data: Mapping[str, Any]) -> int | None:
    try:
        return len(data["templates"]["y"])
    except (TypeError, LookupError):
        return None


def _sizes(arguments: Arguments, n_classes: int) -> tuple[int | None, int | None]:
    """Return the sizes of training and test set that the arguments ask for, if they do."""
    try:
        samples = range(arguments["num_samples"] // n_classes * n_classes)
        n_train = int(len(samples) * arguments["train_split"])
    except (KeyError, TypeError, ValueError):
        return None, None
    return len(samples[:n_train]), len(samples[n_train:])


def _fingerprint(template: Any) -> str | None:
    if template is None:
        return None
    try:
        content = [plain("", np.asarray(template[name])) for name in ("x", "t", "y")]
        text = json.dumps(content).encode()
    except (TypeError, ValueError, LookupError):  # ragged, or of other things than numbers
        text = pickle.dumps(template, protocol=PROTOCOL)
    return hashlib.sha256(text).hexdigest()
