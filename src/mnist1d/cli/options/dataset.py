"""Options of the command line that describe a dataset, the same for every command."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from mnist1d.dataset import checks
from mnist1d.dataset.atomic import check_regular
from mnist1d.dataset.config import DatasetConfig
from mnist1d.dataset.presets import PRESETS, preset

__all__ = ["PUBLISHED_OPTIONS", "DatasetOptions"]


def _option(metavar: str, default: str | None = None) -> Any:
    hint = f"(default: {default})" if default else ""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=hint)


def _published(name: str) -> str:
    value = getattr(DatasetConfig(), name)
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _number(name: str, metavar: str = "NUMBER") -> Any:
    return _option(metavar, _published(name))


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """The parameters in which a dataset differs from the published one.

    An option that was not given is None, as an option with the published value replaces that of a
    preset.

    Attributes:
        preset: named settings, of which the other options replace some.
        padding: lowest and highest number of zeros after the template.
        scale_coeff: width of the range of the factor on the height.
        max_translation: number of possible circular shifts.
        corr_noise_scale: strength of the smooth noise around the digit.
        iid_noise_scale: strength of the white noise.
        shear_scale: width of the range of the slope.
        final_seq_length: points of a sample.
        classes: labels that occur.
        class_proportions: relative sizes of the classes.
        label_noise: probability with which a label is replaced; the clean labels are kept as well.
        label_noise_kind: by any label, or by another one only.
        positions: order of the points: original, flipped, shuffled, chunked, ...; or the original
            place of every point, such as 2,0,1.
        positions_seed: seed of shuffled positions.
        templates: text file with one template per line in place of the ten digits.
        channel_axis: whether signals have the shape (1, length).
    """

    preset: Annotated[str | None, _option("NAME", "published")] = None
    padding: Annotated[tuple[int, int] | None, _number("padding", "LOWEST HIGHEST")] = None
    scale_coeff: Annotated[float | None, _number("scale_coeff")] = None
    max_translation: Annotated[int | None, _number("max_translation")] = None
    corr_noise_scale: Annotated[float | None, _number("corr_noise_scale")] = None
    iid_noise_scale: Annotated[float | None, _number("iid_noise_scale")] = None
    shear_scale: Annotated[float | None, _number("shear_scale")] = None
    final_seq_length: Annotated[int | None, _number("final_seq_length")] = None
    classes: Annotated[tuple[int, ...] | None, _option("LABEL [LABEL ...]", "all")] = None
    class_proportions: Annotated[
        tuple[float, ...] | None, _option("NUMBER [NUMBER ...]", "equal")
    ] = None
    label_noise: Annotated[float | None, _number("label_noise")] = None
    label_noise_kind: Annotated[
        Literal["symmetric", "other"] | None, _option("symmetric|other", "symmetric")
    ] = None
    positions: Annotated[str | None, _option("ORDER", "original")] = None
    positions_seed: Annotated[int | None, _option("SEED", "the seed")] = None
    templates: Annotated[Path | None, _option("FILE")] = None
    channel_axis: bool = False

    def config(self) -> DatasetConfig:
        """Return the configuration that the options describe.

        Raises:
            OSError: if the file with templates cannot be read.
            TypeError: if an option is of a wrong type.
            ValueError: if the file holds anything but rows of numbers, there is no such preset, or
                an option is out of range.

        >>> DatasetOptions(preset="no-noise", iid_noise_scale=0.1, classes=(3, 8)).config()
        DatasetConfig(corr_noise_scale=0.0, iid_noise_scale=0.1, classes=(3, 8))
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        # By identity, as a strength of zero equals False.
        given = {k: v for k, v in values.items() if v is not None and v is not False}
        places = (self.positions or "").split(",")
        if len(places) > 1 and all(map(str.isdecimal, places)):
            given["positions"] = tuple(map(int, places))
        if self.templates is not None:
            given["templates"] = _read_templates(self.templates)
        return preset(given.pop("preset", next(iter(PRESETS))), **given)


PUBLISHED_OPTIONS = DatasetOptions()
"""No option given: the published dataset."""


def _read_templates(path: Path) -> np.ndarray:
    check_regular(path)
    wanted = f"{path} must hold one template of numbers per line"
    try:
        lines = path.read_text(encoding="utf-8").replace(",", " ").splitlines()
        # NumPy only warns where there are no numbers at all.
        if any(line.partition("#")[0].strip() for line in lines):
            return np.loadtxt(lines, dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{wanted}: {checks.shortened(str(error))}") from None
    raise ValueError(f"{wanted}: it has none")
