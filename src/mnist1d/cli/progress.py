"""Progress bars on the terminal."""

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


def make_bars(console: Console, *columns: ProgressColumn) -> ProgressBars:
    """Return bars: what, how far, columns of one's own, elapsed and remaining time."""
    return ProgressBars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        *columns,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


class Rate(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """Return the text of the column."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class Bars:
    """One bar per task that an experiment reports; it starts again when the task does."""

    def __init__(self, console: Console) -> None:
        self.rich = make_bars(console)
        self.console = console
        self._all = Group(self.rich)

    def __enter__(self) -> Self:
        self.rich.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.rich.stop()

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Take note of progress, as `harness.interface.Progress` says."""
        self._all(task, done, total)

    def note(self, line: str, /) -> None:
        """Write a line above the bars."""
        self.console.print(Text(line))

    @contextmanager
    def group(self) -> Iterator["Group"]:
        """Return bars of their own, which stand still above the others once they are left."""
        group = Group(self.rich)
        try:
            yield group
        finally:
            group.leave()


class Group:
    """Bars that belong together; in another group a task of the same name is another one."""

    def __init__(self, bars: ProgressBars) -> None:
        self._bars = bars
        self._known: dict[str, TaskID] = {}

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Take note of progress, as `harness.interface.Progress` says."""
        bars, known = self._bars, self._known
        if total == 0:
            bars.console.print(Text(task))
            return
        if task not in known:
            known[task] = bars.add_task(f"{task}: compiling", total=total)
        elif done == 0:
            bars.reset(known[task])
        state = "" if done else ": compiling"
        bars.update(known[task], completed=done, total=total, description=task + state)

    def leave(self) -> None:
        """Write the bars where tables go, and take them off those that move."""
        own = [task for task in self._bars.tasks if task.id in self._known.values()]
        for task in own:
            self._bars.remove_task(task.id)
        if own:
            self._bars.console.print(self._bars.make_tasks_table(own))
