"""What every experiment hands to those who show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mnist1d.execution.task import Arrays, Task
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr


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


def counted(
    found: Iterable[tuple[Task, Arrays]],
    tasks: Sequence[Task],
    progress: Progress,
    bar: Callable[[Task], str],
    amount: Callable[[Task], float] = lambda _: 1.0,
) -> Iterator[tuple[Task, Arrays]]:
    """Pass finished tasks on, and report how much of those of a bar is done.

    Args:
        found: finished tasks, in any order.
        tasks: all of them.
        progress: told.
        bar: the name of the bar that counts a task.
        amount: how much of its bar a task is; by default all tasks count the same.

    >>> tasks = [Task({}, {}), Task({}, {})]
    >>> _ = list(counted([(tasks[1], {}), (tasks[0], {})], tasks, print, lambda _: "networks"))
    networks 0 2
    networks 1 2
    networks 2 2
    """
    left = Counter(map(bar, tasks))
    amounts, done = dict.fromkeys(left, 0.0), dict.fromkeys(left, 0.0)
    for task in tasks:
        amounts[bar(task)] += amount(task)
    totals = {name: max(1, round(total)) for name, total in amounts.items()}
    for name, total in totals.items():
        progress(name, 0, total)
    for task, arrays in found:
        name = bar(task)
        left[name] -= 1
        done[name] += amount(task)
        # Nothing done would be shown as compilation.
        shown = min(max(1, round(done[name])), totals[name]) if left[name] else totals[name]
        progress(name, shown, totals[name])
        yield task, arrays


def is_other_data(result: xr.Dataset) -> bool:
    """Tell whether a result is about another dataset than the paper's.

    >>> import xarray as xr
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
