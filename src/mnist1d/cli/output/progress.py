"""Progress on the terminal as bars; elsewhere as lines on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress as ProgressBars,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mnist1d.harness.lines import Lines


def make_progress(
    console: Console, *columns: ProgressColumn, quiet: bool, json: bool
) -> "Bars | Lines":
    """Return what shows progress: bars on a terminal, lines elsewhere.

    Args:
        console: of the results.
        *columns: of bars, in addition to the usual ones.
        quiet: show nothing.
        json: standard output is for a document.
    """
    if quiet:
        return Lines(lambda _: None)
    if not sys.stderr.isatty():
        return Lines()
    if sys.stdout.isatty() and not json:
        return Bars(console, *columns)
    return Bars(Console(stderr=True), *columns, has_results=False)


class Rate(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """Return the text of the column."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class Bars:
    """One bar per task that an experiment reports; it restarts with its task.

    Nothing is shown before the first report, so that what is refused by then leaves no bar.
    """

    def __init__(
        self, console: Console, *columns: ProgressColumn, has_results: bool = True
    ) -> None:
        # Only where results are shown, too, may they be written above the bars.
        self.rich = ProgressBars(
            # Names are text, not markup.
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            *columns,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            redirect_stdout=has_results,
        )
        self.console = console
        self._all = Group(self.rich)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.rich.live.is_started:
            self.rich.stop()

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Report progress, as `harness.interface.Progress`."""
        self._all(task, done, total)

    def note(self, line: str, /) -> None:
        """Write a line above the bars."""
        self.console.print(Text(line))

    @contextmanager
    def group(self) -> Iterator["Group"]:
        """Return a separate group of bars, which become text above the others at the end."""
        group = Group(self.rich)
        try:
            yield group
        finally:
            group.leave()


class Group:
    """A group of bars; tasks of the same name in different groups are different."""

    def __init__(self, bars: ProgressBars) -> None:
        self._bars = bars
        self._known: dict[str, TaskID] = {}

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Report progress, as `harness.interface.Progress`."""
        bars, known = self._bars, self._known
        if total == 0:
            bars.console.print(Text(task))
            return
        if not bars.live.is_started:
            bars.start()
        if task not in known:
            known[task] = bars.add_task(f"{task}: compiling", total=total)
        elif done == 0:
            bars.reset(known[task])
        state = "" if done else ": compiling"
        bars.update(known[task], completed=done, total=total, description=task + state)

    def leave(self) -> None:
        """Print the bars as text, and remove them from the live display."""
        own = [task for task in self._bars.tasks if task.id in self._known.values()]
        for task in own:
            self._bars.remove_task(task.id)
        if own:
            self._bars.console.print(self._bars.make_tasks_table(own))
