"""Tasks: independent pieces of an experiment's work, each with a few arrays as its result."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import jax

Arrays = Mapping[str, np.ndarray]
"""The arrays of a finished task, by name."""


class Stopped(Exception):  # noqa: N818 (no error, as the result is not needed any more)
    """A task was given up, as its result is not needed any more."""


@dataclass(frozen=True, eq=False)
class Task:
    """One piece of work, such as a network to train or an embedding to compute.

    Attributes:
        labels: where its arrays go in the result, by dimension.
        key: everything that determines its arrays, in the types of JSON; a stored result is found
            by it.
        cost: how long it takes, in any unit: the longest begin first.
        group: tasks of a group share a compiled program, and one device runs them in turn. None for
            a task without a group.
        stage: tasks of a lower stage begin earlier, at any cost.
        inputs: arrays that it starts from and that `key` determines, such as a mask.

    >>> Task({"model": "CNN", "seed": 0}, {"model": "CNN", "seed": 0, "n_steps": 100}).cost
    1.0
    """

    labels: Mapping[str, Any]
    key: Mapping[str, Any]
    cost: float = 1.0
    group: Hashable | None = None
    stage: int = 0
    inputs: Arrays = field(default_factory=dict)


OnStep = Callable[[int], None]
"""Called with the number of steps that are done, counting all tasks of a runner's group."""

Runner = Callable[[Sequence[Task], "jax.Device | None", OnStep], Iterator[tuple[Task, Arrays]]]
"""Runs the tasks of a group on a device, and yields each with its arrays when it is finished.

It is called from several threads at a time, each with a GPU of its own, or all with the first CPU
device, or with None if the tasks need no device. It need not report the last steps of a group.
"""

OnProgress = Callable[[Sequence[Task], int, int], None]
"""Called with the tasks of a group, how many of their steps are done, and how many of all tasks."""


def one_by_one(
    tasks: Sequence[Task], compute: Callable[[Task], Arrays], on_step: OnStep
) -> Iterator[tuple[Task, Arrays]]:
    """Run the tasks of a group one after the other, each of them a step.

    Args:
        tasks: of the group.
        compute: `task -> arrays`.
        on_step: told the number of finished tasks.

    >>> tasks = [Task({"seed": 0}, {}), Task({"seed": 1}, {})]
    >>> [task.labels for task, _ in one_by_one(tasks, lambda task: {}, lambda n: print(n))]
    1
    2
    [{'seed': 0}, {'seed': 1}]
    """
    for number, task in enumerate(tasks, start=1):
        arrays = compute(task)
        on_step(number)
        yield task, arrays


class OneByOne(ABC):
    """Runs the tasks of a group on a device, one after the other: a `Runner`."""

    def __call__(
        self, tasks: Sequence[Task], device: "jax.Device | None", on_step: OnStep
    ) -> Iterator[tuple[Task, Arrays]]:
        """Yield each task with its arrays, as a `Runner`."""
        return one_by_one(tasks, lambda task: self._arrays(task, device), on_step)

    @abstractmethod
    def _arrays(self, task: Task, device: Any) -> Arrays:
        """Compute the arrays of a task."""


def grouped(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the groups of tasks in the order in which to begin them.

    >>> tasks = [Task({}, {}, cost=n, group=n % 2 or None) for n in (1, 2, 3, 4)]
    >>> [[task.cost for task in group] for group in grouped(tasks)]
    [[1, 3], [4], [2]]
    """
    groups: dict[Hashable, list[Task]] = {}
    for number, task in enumerate(tasks):
        place = ("alone", number) if task.group is None else ("together", task.group)
        groups.setdefault(place, []).append(task)
    return sorted(
        groups.values(), key=lambda group: (group[0].stage, -sum(task.cost for task in group))
    )
