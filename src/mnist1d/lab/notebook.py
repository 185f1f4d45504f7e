"""What a notebook shows while a cell runs: progress, and curves as they grow; each in one place."""

import html
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from mnist1d.harness.interface import Progress
from mnist1d.lab.comparison.evaluations import Evaluation
from mnist1d.training import History

if TYPE_CHECKING:
    from mnist1d.figures.style import Figure

_SECONDS_BETWEEN = 0.3
# Of the time that a cell takes, pictures may take so much.
_SHARE = 0.1
_WIDTH, _HEIGHT = 3.4, 2.2
_N_COLOURS = 10


def default_progress(elsewhere: Callable[[], Progress]) -> Progress:
    """Return what shows progress in a notebook; elsewhere what a function makes."""
    return elsewhere() if _shell() is None else NotebookProgress()


class NotebookProgress:
    """Progress as bars that change in place, below the cell that runs.

    Pass it as the argument `progress`. Outside of notebooks nothing is shown.

    >>> progress = NotebookProgress()
    >>> progress("training", 3, 10)
    >>> print(progress)
    training: 3 of 10
    """

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[int, int]] = {}
        self._remarks: list[str] = []
        self._output = _Output(self)

    def __call__(self, task: str, done: int, total: int, /) -> None:
        """Take note of progress, as `Progress` says."""
        if total:
            self._tasks[task] = (done, total)
        else:
            self._remarks.append(task)
        self._output.change()

    def __repr__(self) -> str:
        return "\n".join([*(self._line(task) for task in self._tasks), *self._remarks])

    def _repr_html_(self) -> str:
        bars = (
            f"<progress value='{done}' max='{total}'></progress> {html.escape(self._line(task))}"
            for task, (done, total) in self._tasks.items()
        )
        return "<br>".join([*bars, *map(html.escape, self._remarks)])

    def _line(self, task: str) -> str:
        done, total = self._tasks[task]
        return f"{task}: {done:,} of {total:,}" if done else f"{task}: compiling"


class LivePlot:
    """Curves of runs while they train; in a notebook, the picture changes in place.

    Give it as `on_evaluation` to `compare` or `train_runs`. A comparison's validation accuracies
    are drawn in a colour per candidate, those of its tuning pale; of `train_runs` every metric that
    is one number per run, and the training loss.

    >>> plot = LivePlot()
    >>> for step in (100, 200):
    ...     plot(step, Evaluation("CNN", "final", {}, 0, step / 400, 1.0))
    >>> plot.draw().axes[0].lines[-1].get_ydata().tolist()
    [25.0, 50.0]
    """

    def __init__(self) -> None:
        self._panels: defaultdict[str, dict[_Line, list[tuple[int, float]]]] = defaultdict(dict)
        self._output = _Output(self)

    def __call__(self, step: int, recorded: Evaluation | History, /) -> None:
        """Take note of an evaluation."""
        points = (
            _of_comparison(recorded) if isinstance(recorded, Evaluation) else _of_runs(recorded)
        )
        for panel, line, value in points:
            self._panels[panel].setdefault(line, []).append((step, value))
        self._output.change()

    def draw(self) -> "Figure":
        """Draw what is known by now."""
        mpl, style = import_module("matplotlib"), import_module("mnist1d.figures.style")
        with style.house_style():
            figure: Figure = style.Figure(figsize=(_WIDTH * max(1, len(self._panels)), _HEIGHT))
            colours = mpl.colormaps["tab10"]
            for i, (title, lines) in enumerate(self._panels.items()):
                axes = figure.add_subplot(1, len(self._panels), i + 1)
                labels = list(dict.fromkeys(line.label for line in lines))
                for label in labels:  # once in the legend, however many runs
                    axes.plot([], [], color=colours(labels.index(label) % _N_COLOURS), label=label)
                for line, points in lines.items():
                    axes.plot(
                        *np.transpose(points),
                        color=colours(labels.index(line.label) % _N_COLOURS),
                        alpha=0.25 if line.is_pale else 0.8,
                    )
                axes.set(title=title, xlabel="Training step")
                if len(labels) > 1:
                    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0)
        return figure

    def __repr__(self) -> str:
        return f"LivePlot({', '.join(self._panels) or 'nothing yet'})"

    def _repr_png_(self) -> bytes:
        return self.draw()._repr_png_()


class _Line(NamedTuple):
    """One run in a panel; those of the same label have one colour."""

    label: str
    run: Any
    is_pale: bool = False


def _of_comparison(found: Evaluation) -> Iterator[tuple[str, _Line, float]]:
    run = (found.stage, str(found.settings), found.seed)
    line = _Line(found.candidate, run, is_pale=found.stage == "tuning")
    yield "Validation accuracy (%)", line, 100 * found.validation_accuracy


def _of_runs(recorded: History) -> Iterator[tuple[str, _Line, float]]:
    panels = [("Training loss", np.asarray(recorded.train_loss).mean(axis=1))]
    for path, leaf in jax.tree_util.tree_leaves_with_path(recorded.metrics):
        name = jax.tree_util.keystr(path, simple=True, separator=", ") or "Evaluation"
        panels.append((name, np.asarray(leaf)))
    for name, values in panels:
        if values.ndim == 1:
            for run, value in enumerate(values.tolist()):
                yield name, _Line(f"run {run}", run), value


class _Output:
    """A display below the running cell that is replaced by its next state, now and then.

    What changed last is shown when the cell ends.
    """

    def __init__(self, shown: Any) -> None:
        self._shown = shown
        self._handle: Any = None
        self._is_waiting, self._next = False, 0.0

    def change(self) -> None:
        shell = _shell()
        if shell is None:
            return
        if not self._is_waiting:
            self._is_waiting = True
            shell.events.register("post_run_cell", self._end)
        if time.monotonic() >= self._next:
            self._show()

    def _show(self) -> None:
        start = time.monotonic()
        if self._handle is None:
            display = import_module("IPython.display").display
            self._handle = display(self._shown, display_id=True)
        else:
            self._handle.update(self._shown)
        seconds = time.monotonic() - start
        self._next = start + seconds + max(_SECONDS_BETWEEN, seconds / _SHARE)

    def _end(self, _result: Any = None) -> None:
        self._show()
        self._is_waiting, self._handle = False, None
        shell = _shell()
        if shell is not None:
            shell.events.unregister("post_run_cell", self._end)


def _shell() -> Any:
    """Return the running notebook's shell; None in a terminal or a script."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None
