"""What the commands of the laboratory write to the terminal with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress as ProgressBars,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mnist1d.dataset.atomic import was_writing

GO_ON = "what was finished is kept: run the same command again to go on"
"""What follows on trouble."""


def make_console() -> Console:
    """Return a console for tables."""
    # Narrower than this, tables would lose cells; a line that the terminal wraps loses nothing.
    return Console(width=max(Console().width, 80))


class Bars(ProgressBars):
    """One bar per task that an experiment reports; it starts anew when the task does."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._all = Group(self)

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Take note of progress, as `experiments.summary.Progress` says."""
        self._all(task, done, total)

    @contextmanager
    def group(self) -> Iterator["Group"]:
        """Return bars of their own, which stand still above the others once they are left."""
        group = Group(self)
        try:
            yield group
        finally:
            group.leave()


class Group:
    """Bars that belong together; in another group a task of the same name is another one."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._known: dict[str, TaskID] = {}

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Take note of progress, as `experiments.summary.Progress` says."""
        bars, known = self._bars, self._known
        if total == 0:
            bars.console.print(task, markup=False)
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


def trouble(error: OSError, place: Path) -> str:
    """Say what an error was about: a file, which way it was used, or a connection.

    Args:
        error: any.
        place: where it happened, should the error not know.

    >>> trouble(FileNotFoundError(2, "No such file or directory", "data.csv"), Path("out"))
    'data.csv: No such file or directory'
    """
    if isinstance(error, ConnectionError):
        return str(error)
    what = f"{error.filename or place}: {error.strerror or error}"
    return f"cannot write {what}" if was_writing(error) else what


def fail(message: str) -> NoReturn:
    """End the command with one line on what is wrong."""
    print(f"mnist1d: {message}", file=sys.stderr)  # noqa: T201
    raise SystemExit(2)
