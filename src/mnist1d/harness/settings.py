"""Settings: changing the fields of a configuration by name, and writing them as JSON."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.presets import checked_config
from mnist1d.harness.interface import InputError

PUBLISHED_DATA = DatasetConfig()
"""The dataset of the paper."""

SHIFTS: Mapping[str, Mapping[str, Any]] = {
    "noise": {"iid_noise_scale": 0.1},
    "shear": {"shear_scale": 1.5},
    "scale": {"scale_coeff": 1.2},
    "translation": {"max_translation": 72},
}
"""Shifted test sets by name: the parameters that differ from the published dataset.

White noise five times as strong; slopes twice as steep; heights that vary three times as much;
all 72 circular shifts in place of the first 48.
"""


def with_settings(config: Any, settings: Mapping[str, Any]) -> Any:
    """Return a configuration with other values for some fields.

    Args:
        config: a dataclass.
        settings: values by field; `data.seed` is the field `seed` of the configuration `data`.

    Raises: InputError: if there is no such field (the nearest one is named), or a value is not
        allowed.

    >>> from mnist1d.experiments.classification import Config
    >>> with_settings(Config(), {"learning_rate": 0.1}).learning_rate
    0.1
    >>> with_settings(Config(), {"learning_rte": 0.1})
    Traceback (most recent call last):
        ...
    mnist1d.harness.interface.InputError: no field 'learning_rte'; did you mean 'learning_rate'?
    """
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    known = {field.name for field in dataclasses.fields(config)}
    for name, value in settings.items():
        outer, _, rest = name.partition(".")
        if outer not in known or (rest and not dataclasses.is_dataclass(getattr(config, outer))):
            near = checks.nearest(name, field_names(config))
            hint = near or f"there are: {', '.join(known)}"
            raise InputError(f"no field {checks.shown(name)}; {hint}")
        if rest:
            inner.setdefault(outer, {})[rest] = value
        else:
            own[outer] = value
    for name, changes in inner.items():
        value = own.get(name, getattr(config, name))
        try:
            own[name] = (
                # Its own method also resets fields that the changes make obsolete.
                value.replace(**changes)
                if isinstance(value, DatasetConfig)
                else with_settings(value, changes)
            )
        except (TypeError, ValueError) as error:
            raise InputError(f"{name}: {error}") from None
    try:
        return dataclasses.replace(config, **own)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error
    except (Exception, SystemExit) as error:  # a user's configuration may raise anything
        name = type(config).__name__
        raise InputError(f"{name} raised {type(error).__name__}: {error}") from error


SHAPES = ("templates", "final_seq_length", "channel_axis")
"""Parameters of a dataset that networks made for ten digits and 40 points do not take."""

SET_BY_TRIAL = (
    "num_samples",
    "train_split",
    "train",
    "validation",
    "test",
    "seed",
    "shifted_tests",
    "channel_axis",
)
"""Parameters of a dataset of which an experiment makes sets of its own sizes, from its trials."""


def check_at_most(config: Any, name: str, limit: str) -> None:
    """Refuse a setting that is above another.

    Args:
        config: a dataclass with numbers in both fields.
        name: the field that is checked.
        limit: the field that it may reach.

    Raises: ValueError: naming both.

    >>> from types import SimpleNamespace
    >>> check_at_most(SimpleNamespace(objective_steps=4, inner_steps=3), "objective_steps",
    ...               "inner_steps")
    Traceback (most recent call last):
        ...
    ValueError: objective_steps must be at most inner_steps=3, not 4
    """
    value, most = getattr(config, name), getattr(config, limit)
    if value > most:
        raise ValueError(f"{name} must be at most {limit}={most}, not {value}")


def check_data(
    data: Any, fixed: Sequence[str], why: str, published: DatasetConfig = PUBLISHED_DATA
) -> DatasetConfig:
    """Return the dataset of a configuration's field `data`, checked.

    Args:
        data: the given value.
        fixed: parameters that must be those of the published dataset.
        why: reason, for the message.
        published: the dataset of the experiment.

    Raises:
        TypeError: if it is no dataset.
        ValueError: if one of the parameters is another.

    >>> check_data(DatasetConfig(seed=7), ("seed",), "trials have seeds of their own")
    Traceback (most recent call last):
        ...
    ValueError: data must leave seed as it is: trials have seeds of their own
    """
    checked_config("data", data)
    for field in fixed:
        if getattr(data, field) != getattr(published, field):
            raise ValueError(f"data must leave {field} as it is: {why}")
    return data


def with_data(
    key: Mapping[str, Any], data: DatasetConfig, published: DatasetConfig = PUBLISHED_DATA
) -> dict[str, Any]:
    """Return the key of a task, with the dataset if it is not the published one.

    >>> list(with_data({"seed": 0}, DatasetConfig())), list(with_data({}, DatasetConfig(seed=7)))
    (['seed'], ['dataset'])
    """
    return {**key} if data == published else {**key, "dataset": data.to_dict()}


def field_names(config: Any) -> list[str]:
    """Return the names of all fields, those of configurations inside with a dot.

    >>> from mnist1d.dataset.config import DatasetConfig
    >>> field_names(DatasetConfig())[:2]
    ['num_samples', 'train_split']
    """
    return list(values_by_name(config))


def values_by_name(config: Any) -> dict[str, Any]:
    """Return the values of all fields, those of configurations inside with a dot.

    >>> from mnist1d.experiments.classification import Config
    >>> values_by_name(Config())["n_steps"]
    6001
    """
    values: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            values |= {f"{field.name}.{name}": each for name, each in values_by_name(value).items()}
        else:
            values[field.name] = value
    return values


def label(value: Any) -> str:
    """Write a value of a field as a short text.

    >>> label((8, 16)), label(0.01), label(None)
    ('8 16', '0.01', 'None')
    """
    if isinstance(value, tuple | list):
        return " ".join(map(label, value))
    return str(value)


def as_json(value: Any) -> str:
    """Write a configuration, or values of its fields, as JSON.

    >>> as_json({"widths": (8, 16), "rate": np.float64(0.1)})
    '{"widths": [8, 16], "rate": 0.1}'
    """
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, DatasetConfig):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
