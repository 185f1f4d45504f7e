"""The result of a comparison: its numbers, paired differences, tables and figure."""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO, cast

import xarray as xr
from rich.console import Console, Group

from mnist1d.dataset import checks
from mnist1d.harness import record
from mnist1d.harness.documents import as_text
from mnist1d.harness.results import load_result
from mnist1d.harness.stored.findings import needs_of
from mnist1d.lab.comparison.presentation.export import What, document, frame, latex
from mnist1d.lab.comparison.presentation.table import tables
from mnist1d.lab.statistics.differences import Difference, Statistics
from mnist1d.lab.statistics.stored import stored_statistics, with_statistics
from mnist1d.lab.statistics.unfinished import STOPPED

if TYPE_CHECKING:
    from mnist1d.figures.style import Figure
    from mnist1d.lab.comparison.presentation.figure import Plot

_WIDTH = 100
_PRESENTATION = "mnist1d.lab.comparison.presentation"


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    r"""The result of `compare`; prints as tables.

    Attributes:
        result: all numbers, labelled, per candidate and seed, with the protocol, versions, machine,
            settings, tuning scores and sources (`mnist1d.lab.comparison.entries.to_dataset`), and
            with intervals, differences and p values, which are added if they are missing or of
            other numbers.

    >>> import numpy as np
    >>> from mnist1d.lab import compare
    >>> def one(x, y):
    ...     return lambda signals: np.ones(len(signals), int)
    >>> def guess(x, y, *, seed):
    ...     rng = np.random.default_rng(seed)
    ...     return lambda signals: rng.integers(0, 10, len(signals))
    >>> found = compare(
    ...     {"guess": guess, "one": one}, baseline="one", seeds=3, n_steps=100,
    ...     references=False, shuffled=False, shifts=(),
    ... )
    >>> [(each.first, each.second, each.told_apart) for each in found.differences()]
    [('guess', 'one', False)]
    >>> found.result.p_value.sizes
    Frozen({'pair': 1})
    >>> list(found.to_frame("differences").columns[:4])
    ['first', 'second', 'points', 'points_low']
    >>> found.to_latex().splitlines()[1]
    '\\begin{tabular}{lrrr}'
    """

    result: xr.Dataset

    def __post_init__(self) -> None:
        object.__setattr__(self, "result", with_statistics(self.result))

    @property
    def failures(self) -> dict[str, str]:
        """The reasons of the candidates that failed, by name."""
        texts = zip(self.result.candidate.values, self.result.failure.values, strict=True)
        return {str(name): str(text) for name, text in texts if text}

    @property
    def stopped_after(self) -> float | None:
        """The budget, in seconds, that was spent before all runs were finished; None otherwise.

        Then means and differences are of the seeds that are finished, which the first table counts.
        """
        seconds = self.result.attrs.get(STOPPED)
        return None if seconds is None else float(seconds)

    def differences(self) -> list[Difference]:
        """Return the planned differences of test accuracy, those of candidates with a result.

        They are between the candidates and the baseline, between the pairs that were named, or
        between every two candidates. Those with the paper's models are yardsticks.
        """
        return list(self._statistics.differences)

    def yardsticks(self) -> list[Difference]:
        """Return the differences between candidates and the paper's models, if not planned.

        They have intervals and no p values, and their note says that the models are untuned, unless
        the protocol had `references="tuned"`.
        """
        return list(self._statistics.yardsticks)

    @cached_property
    def _statistics(self) -> Statistics:
        return stored_statistics(self.result)

    def document(self) -> dict[str, Any]:
        """Return what `--json` writes: every candidate, and the differences between them."""
        return document(self.result, self._statistics)

    def to_json(self) -> str:
        """Write `document` as JSON; numbers that do not exist are null."""
        return as_text(self.document())

    def to_frame(self, what: What = "candidates") -> Any:
        """Return a table of pandas: of the candidates, or of the "differences" between them.

        Args:
            what: "candidates", a row each, accuracies as fractions, with the ends of their 95 %
                intervals (`test_accuracy_low`); or "differences", a row per pair, in percentage
                points, with p values. `mnist1d.lab.tidy_table(comparison.result)` has a row per
                number and seed.
        """
        return frame(self.result, self._statistics, what)

    def to_latex(self, what: What = "candidates") -> str:
        """Return a table in LaTeX, for the package booktabs.

        Args:
            what: "candidates", a row each, or the planned "differences".
        """
        return latex(self.result, self._statistics, what)

    def table(self) -> Group:
        """Return the tables, to be printed by `rich`."""
        return tables(self.result, self._statistics)

    def plot(self, what: "Plot" = "overview") -> "Figure":
        """Draw a figure, which a notebook shows and `savefig` writes.

        Args:
            what: "overview", of all that is measured, with the planned differences; or one part:
                "pairs", all planned differences, every seed a dot; "curves", validation accuracy
                and training loss over the steps; "samples", accuracy by number of training samples;
                "shifts", accuracy on shifted test sets; "time", processor time of a run, time and
                steps to the target accuracy.

        Raises: ValueError: if `what` is another text, or the comparison has nothing of the kind.
        """
        with import_module("mnist1d.figures.style").house_style():
            drawing = import_module(f"{_PRESENTATION}.figure")
            return cast("Figure", drawing.draw(self.result, self.differences(), what))

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
        parts = (f"{_PRESENTATION}.{name}" for name in ("figure", "panels", "drawing"))
        for module in (*parts, "mnist1d.figures.style"):
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
        with needs_of("a comparison", place):
            found = cls(result)
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
