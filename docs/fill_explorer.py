"""Write what the explorer's page says of the package: `python docs/fill_explorer.py`.

`static/record/parameters.json` has the parameters of `DatasetConfig` (defaults, help, bounds) and
the presets, `static/record/classification.json` what the committed record says of the models and of
the published human expert, sample by sample, `static/record/phenomena.json` its curves and claims.
A test checks that all are up to date: after a change of the record, run this again.
"""

import inspect
import json
import re
import string
from pathlib import Path
from typing import Any

import numpy as np
from explorer_phenomena import phenomena

import mnist1d
from mnist1d.dataset.constraints import OneOf, constraints_of
from mnist1d.experiments.classification import human_expert
from mnist1d.explore import STATIC
from mnist1d.explore.constants import SHAPING
from mnist1d.harness import record
from mnist1d.stream.stream import SIZES
from mnist1d.stream.tables import LARGEST_LENGTH

ROOT = Path(__file__).resolve().parents[1]

_DIGITS = string.digits + string.ascii_lowercase

# Ends and step of every slider, and the least and largest value that can be typed.
SLIDERS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    "padding": ((0, 120, 1), 0, 500),
    "scale_coeff": ((0, 2, 0.05), -10, 10),
    "max_translation": ((1, 72, 1), 1, 512),
    "corr_noise_scale": ((0, 1, 0.01), -10, 10),
    "iid_noise_scale": ((0, 0.3, 0.005), -10, 10),
    "shear_scale": ((0, 3, 0.05), -10, 10),
    "final_seq_length": ((8, 160, 1), 2, 512),
    "label_noise": ((0, 1, 0.05), 0, 1),
    "seed": ((0, 100, 1), 0, 2**32 - 1),
    "positions_seed": ((0, 100, 1), 0, 2**32 - 1),
}


def parameters() -> dict[str, Any]:
    """Describe the parameters and presets that the page has."""
    defaults = mnist1d.DatasetConfig().to_dict()
    helps = _entries(mnist1d.DatasetConfig.__doc__ or "")
    constraints = constraints_of(mnist1d.DatasetConfig)
    described: dict[str, Any] = {}
    for name in SHAPING:
        # The page has bounds of its own, and names them.
        text = re.sub(r" From [^.]+ to [^.]+\.$", "", helps[name])
        about: dict[str, Any] = {"default": defaults[name]}
        if name != "templates":  # which are drawn
            about["help"] = text
        if name in SLIDERS:
            slider, lowest, highest = SLIDERS[name]
            for value in (*slider[:2], lowest, highest):
                _check(name, value)
            about |= {"slider": slider, "lowest": lowest, "highest": highest}
        if isinstance(found := constraints.get(name), OneOf):
            # The published noise is drawn from the published stream alone.
            about["options"] = [each for each in found.options if each != "published"]
        if name == "positions":
            about["options"] = re.findall(r'"([a-z_]+)"', helps[name])
        described[name] = about
    presets = {
        name: {"meaning": each.meaning, "parameters": each.parameters}
        for name, each in mnist1d.PRESETS.items()
        if not SIZES & set(each.parameters)
    }
    return {"version": mnist1d.__version__, "parameters": described, "presets": presets}


def _entries(docstring: str) -> dict[str, str]:
    """Return what a docstring says of every attribute, in one line each."""
    # Python 3.13 takes the indentation away itself.
    section = inspect.cleandoc(docstring).partition("Attributes:")[2].partition("Raises:")[0]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", text).strip() for name, text in entries}


def _check(name: str, value: float) -> None:
    """Refuse ends of a slider that are no values of the parameter."""
    if name == "padding":
        if value + 12 > LARGEST_LENGTH:
            raise ValueError(f"a stream has no padding of {value}")
        mnist1d.DatasetConfig(padding=(int(value), int(value)))
    else:
        mnist1d.DatasetConfig(**{name: value})


def classification() -> dict[str, Any]:
    """Say on which test samples the recorded models err, at the step that validation chooses.

    `errors` has a character per test sample: how many of the runs answer it wrongly, in base 36.
    """
    result = record.read(ROOT / "results" / "classification" / "result.nc")
    errors: dict[str, dict[str, str]] = {}
    for data in ("plain", "shuffled"):
        chosen = result.sel(data=data)
        predictions = chosen.test_prediction.sel(step=chosen.early_stopped_step)
        wrong = (predictions != chosen.test_label).sum("seed")
        errors[data] = {
            str(model): "".join(_DIGITS[n] for n in wrong.sel(model=model).to_numpy())
            for model in result.model.to_numpy()
        }
    people = [each.mean for each in human_expert.errors_per_digit(result)]
    return {
        "seeds": result.sizes["seed"],
        "errors": errors,
        "human": {
            "samples": len(human_expert.TEST_INDEX),
            "right": int(human_expert.is_correct().sum()),
            "errors_per_digit": [round(each, 2) for each in people],
            "cnn_errors_per_digit": np.round(
                human_expert.cnn_errors_per_digit(result).mean(axis=0), 2
            ).tolist(),
        },
    }


def as_text(document: dict[str, Any]) -> str:
    """Write a file of the page: small, with an end of line."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=dict) + "\n"


FILES = {
    "parameters": parameters,
    "classification": classification,
    "phenomena": phenomena,
}
"""Functions that make the files of the folder `static/record`, by name."""


if __name__ == "__main__":
    for name, make in FILES.items():
        path = STATIC / "record" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(as_text(make()), encoding="utf-8")
