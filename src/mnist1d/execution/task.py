"""A task: one piece of work whose result is a few arrays."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import jax

Arrays = Mapping[str, np.ndarray]
"""The arrays of a finished task, by name."""


@dataclass(frozen=True, eq=False)
class Task:
    """One piece of work: a network to be trained, an embedding to be made.

    Attributes:
        labels: where its arrays go in the result, by dimension.
        key: everything that determines its arrays, in the types of JSON; a stored result is found
            by it.
        cost: how long it takes, in any unit: the longest begin first.
        group: tasks of a group share a compiled program; one device does them in turn. None for a
            task that is done alone.
        stage: tasks of a lower stage begin earlier, whatever they cost.
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
"""Called with the number of steps that are done, of all tasks a runner was given together."""

Runner = Callable[[Sequence[Task], "jax.Device | None", OnStep], Iterator[tuple[Task, Arrays]]]
"""Runs the tasks of a group on a device, and yields each with its arrays when it is finished.

It is called from several threads at a time, each with a device of its own; without a device where
the tasks need none. It need not report steps that end with the group.
"""

OnProgress = Callable[[Sequence[Task], int, int], None]
"""Called with the tasks of a group, how many of their steps are done, and how many of all tasks."""


def grouped(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the groups of tasks, the ones to begin with first.

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
