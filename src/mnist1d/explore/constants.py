"""Constants that the explorer's JavaScript shares with the package, written from their sources.

`python -m mnist1d.explore.constants` writes `static/data/constants.js`; a test compares the file
with what it would write.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from mnist1d.dataset.atomic import atomic_write
from mnist1d.dataset.checks import LARGEST_STRENGTH
from mnist1d.dataset.config import SAMPLE_PARAMETERS, SIGNAL_PARAMETERS, DatasetConfig, Shift
from mnist1d.dataset.constraints import constraints_of
from mnist1d.dataset.templates import digit_templates
from mnist1d.stream.tables import LARGEST_LENGTH

__all__ = ["FILE", "SHAPING", "module"]

FILE = Path(__file__).parent / "static" / "data" / "constants.js"
"""The module with the constants."""

_OTHERS = [name for name in SAMPLE_PARAMETERS if name not in (*SIGNAL_PARAMETERS, "channel_axis")]
SHAPING = (*SIGNAL_PARAMETERS, "seed", *_OTHERS)
"""The parameters that decide a stream's samples, but for their axis of channels."""


def module() -> str:
    """Return the text of the JavaScript module.

    >>> module().splitlines()[0]
    '// Made by `python -m mnist1d.explore.constants` from the Python package; do not edit.'
    """
    published = DatasetConfig()
    defaults = {known.name: getattr(published, known.name) for known in fields(DatasetConfig)}
    defaults["shifted_tests"] = {}
    lines = "\n".join(f"  {name}: {_text(value)}," for name, value in defaults.items())
    kinds = constraints_of(DatasetConfig)["label_noise_kind"].options  # type: ignore[attr-defined]
    shiftable = [known.name for known in fields(Shift) if known.name in SIGNAL_PARAMETERS]
    templates = ",\n  ".join(map(_text, digit_templates().x.tolist()))
    return f"""\
// Made by `python -m mnist1d.explore.constants` from the Python package; do not edit.

/** The published configuration: every parameter of `DatasetConfig`. */
export const DEFAULTS = Object.freeze({{
{lines}
}});

/** Parameters that decide a stream's samples. */
export const SHAPING = Object.freeze({_text(SHAPING)});

/** Those that a shifted set may change, with the same classes. */
export const SHIFTABLE = Object.freeze({_text(shiftable)});

/** Heights of the ten digits, 12 points each. */
export const TEMPLATES = Object.freeze([
  {templates},
]);

export const LABEL_NOISE_KINDS = Object.freeze({_text(kinds)});

/** Strengths and heights are at most of this size. */
export const LARGEST_STRENGTH = {LARGEST_STRENGTH!r};

/** Signals of a stream have at most so many points, before and after the final resampling. */
export const LARGEST_LENGTH = {LARGEST_LENGTH};
"""


def _text(value: Any) -> str:
    return json.dumps(value)


if __name__ == "__main__":
    with atomic_write(FILE) as file:
        file.write(module().encode())
