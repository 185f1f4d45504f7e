"""Finished units of an experiment's work, kept so that an interrupted run goes on where it was.

A unit is a piece of work whose result is a few arrays: a round of pruning, a model of one size. It
is known by everything that determines it. Its file is written whole or not at all; one that is
damaged, or of something else, is named and never used. Where units are computed, in the threads of
this process or by an `Executor`, is decided here; only this process writes files.
"""

import hashlib
import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mnist1d.dataset.atomic import atomic_write
from mnist1d.execution.executors import longest_first
from mnist1d.execution.work import Doer, Heard, Result, Task, Work, on_executor, pieces_of, urgency

_ABOUT = "about"
# All that reading a damaged archive was seen to raise.
_DAMAGE = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class Units:
    """A store of finished units, and where the others are computed.

    Args:
        folder: where the files are, made if needed; None to keep nothing.
        about: what all units of this store have in common, in the types of JSON: experiment,
            version of its code.
        warn: called with a line about every file that is damaged.
        executor: what computes units (`compute`); None for the devices of this process.

    Attributes:
        n_found: how many units were found finished.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     units = Units(Path(folder), {"experiment": "example"})
    ...     before = units.load(width=4)
    ...     units.save({"error": np.array(0.5)}, width=4)
    ...     before, units.load(width=4), units.load(width=5)
    (None, {'error': array(0.5)}, None)
    """

    def __init__(
        self,
        folder: Path | None = None,
        about: Mapping[str, Any] | None = None,
        warn: Callable[[str], None] = lambda _: None,
        executor: Executor | None = None,
    ) -> None:
        self._folder, self._about, self._warn = folder, dict(about or {}), warn
        self._executor = executor
        self._started: tuple[Any, Any] = None, None
        self.n_found = 0

    def compute(
        self,
        tasks: Iterable[Task],
        work: Work[Task],
        heard: Heard[Task] = lambda *_: None,
    ) -> Iterator[tuple[Task, Result]]:
        """Yield every task with the arrays of its units: what is there, then the rest.

        What is not there is computed, the longest first, and stored as soon as it is finished. In
        this process it is spread over the devices, one thread for each; an executor gets every
        piece of work that shares a program, and how it is stored is the same.

        Args:
            tasks: what is wanted.
            work: how it is computed, and what determines it.
            heard: told of tasks that are done in turn, how many of their steps are done, and how
                many of all tasks, what was there included; from several threads but one at a time.

        Raises: whatever the work raises; what was finished before is kept.
        """
        missing, n_whole = [], 0
        for task in tasks:
            found = [self.load(**key) for key in work.keys(task)]
            whole = [arrays for arrays in found if arrays is not None]
            if len(whole) == len(found):
                n_whole += 1
                yield task, whole
            else:
                missing.append(task)
        if not missing:
            return

        def hear(piece: Sequence[Task], steps: int, of_all: int) -> None:
            heard(piece, steps, n_whole * work.steps + of_all)

        hear([], 0, 0)
        pieces = pieces_of(work, missing)
        if self._executor is None or not work.travels:
            computing = self._compute_here(pieces, work, hear)
        else:
            computing = on_executor(self._executor, work, pieces, hear)
        with closing(computing) as results:
            for task, result in results:
                for key, arrays in zip(work.keys(task), result, strict=True):
                    self.save(arrays, **key)
                yield task, result

    def _compute_here(
        self, pieces: Sequence[list[Task]], work: Work[Task], heard: Heard[Task]
    ) -> Generator[tuple[Task, Result], None, None]:
        doer = self._doer(work)
        done, lock = [0] * len(pieces), threading.Lock()

        def labour(number: int, device: jax.Device) -> Iterator[tuple[Task, Result]]:
            def hear(steps: int) -> None:
                with lock:
                    done[number] = steps
                    heard(pieces[number], steps, sum(done))

            return doer(pieces[number], device, hear)

        numbers = range(len(pieces))
        if work.all_devices:
            for number in numbers:
                yield from labour(number, jax.devices()[0])
        else:
            yield from longest_first(
                numbers, labour, cost=lambda number: urgency(work, pieces[number])
            )

    def _doer(self, work: Work[Task]) -> Doer[Task]:
        """Prepare work, or find it prepared by the call before."""
        known, doer = self._started
        if known != work:
            doer = work.start()
            self._started = work, doer
        return doer

    def load(self, **key: Any) -> dict[str, np.ndarray] | None:
        """Return the arrays of a unit, or None if it has to be computed.

        Args:
            **key: what determines the unit beside what is common to all, in the types of JSON.
        """
        if self._folder is None:
            return None
        text, path = self._place(self._folder, key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"{path} cannot be read ({error.strerror or error}): computed again")
            return None
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except _DAMAGE as error:
            self._warn(f"{path} is damaged ({error}): computed again")
            return None
        about = arrays.pop(_ABOUT, None)
        if about is None or about.shape != () or str(about) != text:
            self._warn(f"{path} holds something else: computed again")
            return None
        self.n_found += 1
        return arrays

    def save(self, arrays: Mapping[str, np.ndarray], **key: Any) -> None:
        """Store the arrays of a unit.

        Args:
            arrays: by name, of any type but object.
            **key: as for `load`.

        Raises:
            OSError: if the file cannot be written, naming it.
        """
        if self._folder is None:
            return
        text, path = self._place(self._folder, key)
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **{_ABOUT: np.array(text)}, **arrays)
        with atomic_write(path) as file:
            file.write(content.getbuffer())

    def _place(self, folder: Path, key: Mapping[str, Any]) -> tuple[str, Path]:
        text = json.dumps(self._about | dict(key), sort_keys=True)
        return text, folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"
