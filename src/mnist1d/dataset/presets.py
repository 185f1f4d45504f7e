"""Presets: named configurations, some with one change, some from easy to hard."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mnist1d.dataset import checks
from mnist1d.dataset.config import DatasetConfig

__all__ = ["PRESETS", "Preset", "checked_config", "preset"]


@dataclass(frozen=True)
class Preset:
    """A named dataset.

    Attributes:
        meaning: what it is and what it is for, in one sentence.
        parameters: in what it differs from the published dataset.
    """

    meaning: str
    parameters: Mapping[str, Any]


_NO_NOISE = {"corr_noise_scale": 0.0, "iid_noise_scale": 0.0}
_UPRIGHT = {"shear_scale": 0.0, "scale_coeff": 0.0}


def _presets(**presets: tuple[str, dict[str, Any]]) -> Mapping[str, Preset]:
    return MappingProxyType(
        {
            name.replace("_", "-"): Preset(meaning, MappingProxyType(parameters))
            for name, (meaning, parameters) in presets.items()
        }
    )


PRESETS: Mapping[str, Preset] = _presets(
    published=("The dataset of the paper, number for number.", {}),
    clean=(
        (
            "Templates of one width and height, in one place, no noise: ten signals; a check that "
            "a model can learn at all."
        ),
        {"padding": (48, 48), "max_translation": 1, **_NO_NOISE, **_UPRIGHT},
    ),
    translation_only=(
        "Clean but for the circular shift: what shift invariance alone is worth.",
        {"padding": (48, 48), **_NO_NOISE, **_UPRIGHT},
    ),
    no_translation=(
        "Published but for the shift: what is left when no shift invariance is needed.",
        {"max_translation": 1},
    ),
    translation_anywhere=(
        "Published, but digits start anywhere, round the end too: more shift invariance is needed.",
        {"max_translation": 72},
    ),
    no_noise=(
        "Published without smooth and white noise: nothing looks like a digit but the digit.",
        dict(_NO_NOISE),
    ),
    no_distractors=(
        "Published without the smooth noise around the digit; white noise stays.",
        {"corr_noise_scale": 0.0},
    ),
    noisy=(
        "Twice the smooth noise and five times the white: distractors are as tall as digits.",
        {"corr_noise_scale": 0.5, "iid_noise_scale": 0.1},
    ),
    easy=(
        "Half of every difficulty: noise, shear, scale, translation.",
        {
            "corr_noise_scale": 0.125,
            "iid_noise_scale": 0.01,
            "shear_scale": 0.375,
            "scale_coeff": 0.2,
            "max_translation": 24,
        },
    ),
    hard=(
        "One and a half times every difficulty: noise, shear, scale, translation.",
        {
            "corr_noise_scale": 0.375,
            "iid_noise_scale": 0.03,
            "shear_scale": 1.125,
            "scale_coeff": 0.6,
            "max_translation": 72,
        },
    ),
    short=("20 points in place of 40: details are lost.", {"final_seq_length": 20}),
    long=(
        (
            "160 points, the digit no longer than before: it has to be found in a longer signal, "
            "as by models of sequences."
        ),
        {"final_seq_length": 160, "padding": (228, 276), "max_translation": 240},
    ),
    fine=("160 points in place of 40, all else the same: smoother.", {"final_seq_length": 160}),
    few=("400 training samples, 1000 for testing: priors decide.", {"train": 400, "test": 1000}),
    many=(
        "40,000 training samples, 1000 for testing: priors matter less.",
        {"train": 40_000, "test": 1000},
    ),
    noisy_labels=(
        "A fifth of the training labels wrong: whether a model memorises.",
        {"label_noise": 0.2, "label_noise_kind": "other"},
    ),
    shuffled=(
        "Positions permuted as in the paper's Table 1: no neighbourhood is left to use.",
        {"positions": "shuffled_classification"},
    ),
)
"""The presets by name."""


def preset(name: str, /, **parameters: Any) -> DatasetConfig:
    """Return the configuration of a preset.

    Args:
        name: one of `PRESETS`.
        **parameters: fields of `DatasetConfig` to replace.

    Raises:
        TypeError: if the name is no text, or a parameter is unknown or of a wrong type.
        ValueError: if there is no preset of that name, or a parameter is out of range.

    >>> preset("no-noise", seed=7)
    DatasetConfig(corr_noise_scale=0.0, iid_noise_scale=0.0, seed=7)
    >>> preset("no noise")
    Traceback (most recent call last):
        ...
    ValueError: there is no preset 'no noise'; did you mean 'no-noise'? There are: published, ...
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a preset must be a text, not {name!r}")
    if name not in PRESETS:
        raise ValueError(checks.unknown("preset", name, [*PRESETS]))
    return DatasetConfig(**{**PRESETS[name].parameters, **parameters})


def checked_config(name: str, value: Any) -> DatasetConfig:
    """Return a configuration; anything else is refused, with what makes one of it.

    >>> checked_config("data", "noisy")
    Traceback (most recent call last):
        ...
    TypeError: data must be a DatasetConfig, not 'noisy' of type str; mnist1d.preset('noisy') is one
    """
    if isinstance(value, DatasetConfig):
        return value
    hint = ""
    if isinstance(value, str):
        named = repr(value) if value in PRESETS else "NAME"
        hint = f"; mnist1d.preset({named}) is one"
    raise TypeError(f"{name} must be a DatasetConfig, not {checks.typed(value)}{hint}")
