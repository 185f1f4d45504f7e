"""The result of a comparison: its numbers, paired differences, tables and figure."""

import hashlib
import io
import itertools
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO, cast

import numpy as np
import xarray as xr
from rich.console import Console, Group

from mnist1d.dataset import checks
from mnist1d.harness import record
from mnist1d.harness.results import load_result
from mnist1d.harness.stored.findings import needs_of
from mnist1d.lab.comparison.table import tables
from mnist1d.measures.uncertainty import (
    Estimate,
    holm,
    in_percent,
    paired_difference,
    paired_p_value,
)

if TYPE_CHECKING:
    from mnist1d.figures.style import Figure

_WIDTH = 100


class Difference(NamedTuple):
    """The difference between two candidates, paired by seed.

    Attributes:
        first: name of the one with the higher mean.
        second: name of the other.
        estimate: of the difference of test accuracies, in percentage points, with the 95 % interval
            of this pair alone.
        p_value: of Student's paired t test, corrected by Holm's method for all pairs shown; NaN
            with fewer than two pairs of seeds, and if the difference is the same for all seeds and
            not 0, as the test then has no variance to use.
    """

    first: str
    second: str
    estimate: Estimate
    p_value: float

    @property
    def told_apart(self) -> bool:
        """Whether the difference is significant, at 5 % for all pairs together."""
        return self.p_value < 0.05

    @property
    def same_for_all_seeds(self) -> bool:
        """Whether the difference is the same for every seed, and so has no variance."""
        return _is_without_spread(self.estimate)


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """The result of `compare`; prints as tables.

    Attributes:
        result: all numbers, labelled, per candidate and seed, with the protocol, versions, machine,
            settings, tuning scores and sources; see `mnist1d.lab.comparison.entries.to_dataset`.
    """

    result: xr.Dataset

    @property
    def failures(self) -> dict[str, str]:
        """The reasons of the candidates that failed, by name."""
        texts = zip(self.result.candidate.values, self.result.failure.values, strict=True)
        return {str(name): str(text) for name, text in texts if text}

    def differences(self) -> list[Difference]:
        """Compare the test accuracies of every two candidates, the paper's models among them.

        Pairs of two models of the paper are left out, and those of candidates without a result.
        """
        return differences_of(self.result)

    def table(self) -> Group:
        """Return the tables, to be printed by `rich`."""
        return tables(self.result, self.differences())

    def plot(self) -> "Figure":
        """Draw accuracies and differences, and those on shuffled data, shifts and sizes if any."""
        with import_module("mnist1d.figures.style").house_style():
            drawing = import_module("mnist1d.lab.comparison.figure")
            return cast("Figure", drawing.draw(self.result, self.differences()))

    def save(self, folder: checks.StrPath) -> None:
        """Write `result.nc`, and the figure as PNG and PDF.

        Raises: OSError: if they cannot be written.
        """
        record.write(self.result, checks.path("folder", folder) / "result.nc")
        self.save_figure(folder)

    def save_figure(self, folder: checks.StrPath) -> None:
        """Write the figure as PNG and PDF, unless they are there and show the same numbers.

        Raises: OSError: if they cannot be read or written.
        """
        path, mark = checks.path("folder", folder) / "comparison", self._mark()
        if not record.has_figure(path, mark):
            record.save_figure(self.plot(), path, mark)

    def _mark(self) -> str:
        """Return a digest of all numbers and names, and of how they are drawn."""
        digest = hashlib.sha256()
        for module in ("mnist1d.lab.comparison.figure", "mnist1d.figures.style"):
            file = getattr(find_spec(module), "origin", "")
            digest.update(Path(file).read_bytes())
        for name, variable in sorted(self.result.variables.items(), key=str):
            values = variable.to_numpy()
            is_number = values.dtype.kind in "biuf"
            digest.update(f"{name} {variable.dims} {values.shape}".encode())
            digest.update(values.tobytes() if is_number else str(values.tolist()).encode())
        return digest.hexdigest()

    @classmethod
    def load(cls, path: checks.StrPath) -> Self:
        """Read a comparison from its folder or file.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if the file is damaged or holds something else.
        """
        place = checks.path("path", path)
        result = load_result(place)
        if result.attrs["experiment"] != "comparison":
            raise ValueError(f"{path} holds a result of {result.attrs['experiment']}")
        found = cls(result)
        with needs_of("a comparison", place):
            found.table()
        return found

    def __str__(self) -> str:
        text = io.StringIO()
        self._print_to(text)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._print_to(io.StringIO()).export_html(
            inline_styles=True,
            code_format='<pre style="line-height: 1.2; overflow-x: auto">{code}</pre>',
        )

    def _print_to(self, file: TextIO) -> Console:
        # In a notebook, Rich would show the tables at once and write nothing to the file.
        console = Console(
            file=file,
            width=_WIDTH,
            record=True,
            emoji=False,
            color_system=None,
            force_terminal=False,
            force_jupyter=False,
        )
        console.print(self.table())
        return console

    def __rich__(self) -> Group:
        return self.table()


def differences_of(result: xr.Dataset) -> list[Difference]:
    """Return the differences between all pairs of candidates that have results."""
    names = [
        str(name)
        for name in result.candidate.values
        if np.isfinite(result.test_accuracy.sel(candidate=name)).any()
    ]
    is_reference = {name: bool(result.is_reference.sel(candidate=name)) for name in names}
    accuracy = {name: result.test_accuracy.sel(candidate=name).to_numpy() for name in names}
    mean = {name: np.nanmean(values) for name, values in accuracy.items()}
    pairs = [
        (first, second) if mean[first] >= mean[second] else (second, first)
        for first, second in itertools.combinations(names, 2)
        if not (is_reference[first] and is_reference[second])
    ]
    estimates = [in_percent(paired_difference(accuracy[a], accuracy[b])) for a, b in pairs]
    p_values = holm(
        [
            np.nan if _is_without_spread(found) else paired_p_value(accuracy[a], accuracy[b])
            for (a, b), found in zip(pairs, estimates, strict=True)
        ]
    )
    return [
        Difference(a, b, found, float(p))
        for (a, b), found, p in zip(pairs, estimates, p_values, strict=True)
    ]


def _is_without_spread(difference: Estimate) -> bool:
    # Equal differences of fractions may still differ by rounding.
    return abs(difference.mean) > 1e-9 and difference.high - difference.low < 1e-9
