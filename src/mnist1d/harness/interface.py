"""The interface of experiments: the names that the harness uses, and types that they share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from mnist1d.execution.task import Arrays, Task
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import xarray as xr


class InputError(ValueError):
    """An error in the user's input: a folder, a file, a setting."""


class Progress(Protocol):
    """Reports the progress of an experiment."""

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Report that `done` of `total` units of `task` are finished.

        `done` = 0 while the task is being compiled; `total` = 0 makes `task` a plain remark.
        """


class Experiment(Protocol):
    """An experiment: a module or package with these names.

    Attributes:
        NAME: on the command line, and of its folder of results.
        TITLE: what it is, and which figures of the paper.
        VERSION: raised by every change of the numbers, so that stored results are not mixed.
        Config: a dataclass of its settings, all with defaults: the paper's. It has a field `seeds`
            and may have a constructor `quick()` for settings that take seconds.
        CLAIMS: what the paper says, each with a rule and a measure.
        run: `(config, *, progress, compute) -> result`, whose variables have a dimension `seed`.
        summarise: `result -> rows` of its table.
        plot: `result -> figures` by file name, which is a `NAME`.

    More names are optional: `CAPTIONS` of figures; `HEADLINES`, names of the claims that answer its
    question, for an overview of all experiments; `explain(result)`, why claims differ;
    `remarks(result)`, what readers have to know; `REQUIRES`, packages that the extra `lab` lacks,
    each with the extra that installs it; and, for the order in which `mnist1d reproduce`
    runs experiments, `TAKES_SECONDS = True`, `FILLS_CORES = False` if the paper's number of runs
    does not fill the cores, and `USES_JAX = False`.
    """

    NAME: str
    TITLE: str
    VERSION: Any
    Config: Any
    CLAIMS: Any

    @property
    def run(self) -> Callable[..., xr.Dataset]:
        """Run the experiment with a configuration."""

    @property
    def summarise(self) -> Callable[[xr.Dataset], Sequence[Row]]:
        """Make the table of a result."""

    @property
    def plot(self) -> Callable[[xr.Dataset], Mapping[str, Any]]:
        """Draw the figures of a result."""


class PaperExperiment(Experiment, Protocol):
    """An experiment of the paper.

    Attributes:
        PAPER_SEEDS: the paper's number of runs.
        TASKS: what a worker of a cluster computes at a time, for the table of docs/running.md.
    """

    PAPER_SEEDS: int
    TASKS: str


class BeyondExperiment(Experiment, Protocol):
    """An experiment of this package beyond the paper.

    The sources of its claims begin with "Beyond the paper".

    Attributes:
        LITERATURE: where its question and the statements that it tests come from, a reference
            each; more than the paper, or the section of the paper that asks for it.
        TASKS: what a worker of a cluster computes at a time, for the table of docs/running.md.
    """

    LITERATURE: Sequence[str]
    TASKS: str


Origin = Literal["paper", "beyond", "own"]
"""Whether an experiment is of the paper, of this package beyond the paper, or a user's own."""

MARKS: Mapping[str, Origin] = {"PAPER_SEEDS": "paper", "LITERATURE": "beyond"}
"""Names that experiments of this package have, and no others."""


def origin_of(experiment: Experiment) -> Origin:
    """Return where an experiment comes from.

    >>> from mnist1d.experiments import pooling
    >>> origin_of(pooling)
    'paper'
    """
    return next((origin for name, origin in MARKS.items() if hasattr(experiment, name)), "own")


CALLED: Mapping[Origin, str] = {"paper": "published", "beyond": "expected", "own": "predicted"}
"""What the number is called that a claim is about, by the origin of its experiment."""


def is_own(experiment: Experiment) -> bool:
    """Return whether an experiment is none of this package.

    >>> from mnist1d.experiments import pooling
    >>> is_own(pooling)
    False
    """
    return origin_of(experiment) == "own"


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
    """Pass finished tasks on, and report the progress of each bar.

    Args:
        found: finished tasks, in any order.
        tasks: all of them.
        progress: called for every finished task.
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
        # A progress of 0 would be shown as compilation.
        shown = min(max(1, round(done[name])), totals[name]) if left[name] else totals[name]
        progress(name, shown, totals[name])
        yield task, arrays


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""What names experiments and figures, as they become names of folders and files."""
NAMES_ARE = "up to 100 letters, digits, - and _"
"""The same in words."""


def is_full(result: xr.Dataset) -> bool:
    """Return whether a result came from the full protocol.

    >>> import xarray as xr
    >>> is_full(xr.Dataset(attrs={"protocol": "full"}))
    True
    """
    return result.attrs.get("protocol") == "full"


def is_other_data(result: xr.Dataset) -> bool:
    """Return whether a result is about another dataset than the paper's.

    >>> import xarray as xr
    >>> is_other_data(xr.Dataset(attrs={"data": "label_noise=0.1"}))
    True
    """
    return "data" in result.attrs


class Row(NamedTuple):
    """One row of an experiment's table.

    Attributes:
        group: heading that it shares with the rows above or below.
        condition: what was measured.
        estimates: column -> estimate, in the unit of the table.
        claim: name of the claim that gives the published value and the verdict, if any.
    """

    group: str
    condition: str
    estimates: Mapping[str, Estimate]
    claim: str | None = None
