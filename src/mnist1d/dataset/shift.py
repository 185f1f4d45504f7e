"""The class `Shift`: how a shifted test set differs from its dataset."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mnist1d.dataset import checks

__all__ = ["Shift"]

_RESERVED_NAMES = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How a shifted test set differs from the dataset; fields that are None do not differ.

    Attributes:
        name: of the test set: up to 64 letters, digits and underscores, a letter first; unique
            among the sets, ignoring case.
        padding: as in `DatasetConfig`, here and below.
        scale_coeff: range of the height.
        max_translation: number of possible circular shifts.
        corr_noise_scale: strength of the smooth noise.
        iid_noise_scale: strength of the white noise.
        shear_scale: range of the slope.
        class_proportions: relative sizes of the classes.
    """

    name: str
    padding: tuple[int, int] | None = None
    scale_coeff: float | None = None
    max_translation: int | None = None
    corr_noise_scale: float | None = None
    iid_noise_scale: float | None = None
    shear_scale: float | None = None
    class_proportions: tuple[float, ...] | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """What differs: the parameters and their values.

        >>> Shift(name="noisy", iid_noise_scale=0.1).changes
        {'iid_noise_scale': 0.1}
        """
        values = {name: getattr(self, name) for name in _parameters()}
        return {name: value for name, value in values.items() if value is not None}


def named_shift(name: Any, changes: Any) -> Shift:
    """Return the shift that a mapping of changed parameters describes."""
    check_name(name)
    if not isinstance(changes, Mapping):
        raise TypeError(
            f"shifted_tests[{name!r}] must be a mapping from changed parameters to their values, "
            f"not {checks.typed(changes)}"
        )
    try:
        checks.known_names(changes, _parameters())
    except TypeError as error:
        raise TypeError(f"shifted_tests[{name!r}]: {error}") from None
    return Shift(name=name, **changes)


def check_name(name: Any) -> None:
    """Refuse names that cannot be those of a part, a file and a split of Hugging Face."""
    if not isinstance(name, str):
        raise TypeError(f"shifted_tests must have text for names, not {checks.typed(name)}")
    if not re.fullmatch(r"[A-Za-z]\w{0,63}", name, re.ASCII) or name.lower() in _RESERVED_NAMES:
        raise ValueError(
            "shifted_tests must have names of up to 64 letters, digits and underscores, a letter "
            f"first, other than train, validation and test, not {checks.shown(name)}"
        )


def _parameters() -> list[str]:
    return [known.name for known in fields(Shift) if known.name != "name"]
