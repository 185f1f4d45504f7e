"""The models of the paper as yardsticks: whether they were tuned, in words that go with every use.

The published recipe is Adam at a learning rate of 0.01 for all of them. With another number of
steps or samples, other rates may be better by several points, so that a candidate of the same kind
would beat "the paper's" by its tuning alone.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


TUNED = "tuned"
"""The value of a protocol's field `references` with which they are tuned like all candidates."""


def notes_of(result: "xr.Dataset") -> Mapping[str, str]:
    """Say what was done to the paper's models of a result that were not tuned, by their names."""
    if json.loads(result.attrs["config"]).get("references") == TUNED:
        return {}
    names = result.candidate.values[result.is_reference.to_numpy().astype(bool)]
    return {str(name): untuned(result.sel(candidate=name)) for name in names}


def untuned(each: "xr.Dataset") -> str:
    """Say how a model of the paper was trained without tuning."""
    rate = json.loads(str(each.settings.values) or "{}").get("learning_rate")
    return "untuned" if rate is None else f"untuned, Adam {rate:g}"


def shown(name: str, notes: Mapping[str, str]) -> str:
    """Return a name with the word that belongs to it.

    >>> shown("CNN (paper)", {"CNN (paper)": "untuned, Adam 0.01"}), shown("mine", {})
    ('CNN (paper), untuned', 'mine')
    """
    return f"{name}, {notes[name].partition(',')[0]}" if notes.get(name) else name
