"""What every experiment hands to those who show it."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import xarray as xr

from mnist1d.measures.uncertainty import Estimate


class InputError(ValueError):
    """Something the user gave and can mend: a folder, a file, a setting."""


class Progress(Protocol):
    """Told what an experiment is doing."""

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Take note that of `task`, `done` of `total` units are finished.

        `done` = 0 while the task is being compiled; `total` = 0 makes `task` a plain remark.
        """


def silent(task: str, done: int, total: int, /) -> None:
    """Report nothing.

    >>> silent("training", 3, 10)
    """


def is_other_data(result: xr.Dataset) -> bool:
    """Tell whether a result is about another dataset than the paper's.

    >>> is_other_data(xr.Dataset(attrs={"data": "label_noise=0.1"}))
    True
    """
    return "data" in result.attrs


class Row(NamedTuple):
    """One row of an experiment's table.

    Attributes:
        group: what the rows above and below have in common.
        condition: what was measured.
        estimates: column -> estimate, in the unit of the table.
        claim: name of the claim that gives the published value and the verdict, if any.
    """

    group: str
    condition: str
    estimates: Mapping[str, Estimate]
    claim: str | None = None
