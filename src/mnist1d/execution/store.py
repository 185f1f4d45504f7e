"""A store of the results of tasks, so that an interrupted run can be resumed.

The name of a result's file is a hash of everything that determines it. Files are written
atomically; a damaged one, or one of another result, causes a warning and is not used.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mnist1d.dataset import archive, checks
from mnist1d.dataset.atomic import atomic_write, check_regular
from mnist1d.execution.commit import UNKNOWN

COMMIT = "about.commit"
"""Name of the member of a file that has the commit of the code that made it."""
_LONGEST_COMMIT = 80


class Store:
    """A folder of stored results, one file each, found by its key.

    Args:
        folder: where the files are, made if needed; None to store nothing.
        about: the part of the key that all results of this store share, in the types of JSON:
            experiment, version of its code.
        warn: called with a line about every damaged file.
        commit: of the code that makes results, which is stored with them and is no part of the key;
            empty to store none.

    Attributes:
        n_found: number of results that were found.
        commits: how many of these each commit has made; "unknown" where the file does not say it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(Path(folder), {"experiment": "example"})
    ...     before = store.load(width=4)
    ...     store.save({"error": np.array(0.5)}, width=4)
    ...     before, store.load(width=4), store.load(width=5)
    (None, {'error': array(0.5)}, None)
    """

    def __init__(
        self,
        folder: checks.StrPath | None = None,
        about: Mapping[str, Any] | None = None,
        warn: Callable[[str], None] = lambda _: None,
        commit: str = "",
    ) -> None:
        self._folder = None if folder is None else checks.path("folder", folder)
        self._about, self._warn = dict(about or {}), warn
        self._commit = commit
        self.n_found = 0
        self.commits: Counter[str] = Counter()

    @property
    def keeps(self) -> bool:
        """Whether results are kept in a folder."""
        return self._folder is not None

    def holds(self, **key: Any) -> bool:
        """Return whether there is a file for a result, which `load` may still find damaged."""
        return self._folder is not None and self._place(self._folder, key)[1].is_file()

    def load(self, **key: Any) -> dict[str, np.ndarray] | None:
        """Return the arrays of a result, or None if it has to be computed.

        Args:
            **key: what determines the result, without `about`, in the types of JSON.

        Raises:
            OSError: if no file can be in its place, because a folder, pipe or device is.
        """
        if self._folder is None:
            return None
        text, path = self._place(self._folder, key)
        check_regular(path)
        try:
            with path.open("rb") as file:
                about, arrays = archive.read_any(file)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"{path} cannot be read ({error.strerror or error}): computed again")
            return None
        except ValueError as error:
            self._warn(f"{path} is damaged ({error}): computed again")
            return None
        if about != text:
            self._warn(f"{path} holds something else: computed again")
            return None
        self.n_found += 1
        self.commits[_text(arrays.pop(COMMIT, None))] += 1
        return arrays

    def save(self, arrays: Mapping[str, np.ndarray], **key: Any) -> None:
        """Store the arrays of a result.

        Args:
            arrays: by name, of any type but object.
            **key: as for `load`.

        Raises:
            OSError: if the file cannot be written, naming it.
        """
        if self._folder is None:
            return
        text, path = self._place(self._folder, key)
        made = {COMMIT: np.array(self._commit)} if self._commit else {}
        content = io.BytesIO()
        archive.write_arrays(content, {archive.ABOUT: np.array(text), **made, **arrays})
        with atomic_write(path) as file:
            file.write(content.getbuffer())

    def _place(self, folder: Path, key: Mapping[str, Any]) -> tuple[str, Path]:
        try:
            common = {name: self._about[name] for name in self._about if name in key}
            # What is called like something that all have in common does not take its place.
            together = self._about | dict(key) | ({"common": common} if common else {})
            text = json.dumps(together, sort_keys=True)
        except TypeError as error:
            raise TypeError(
                "a task's key must be in the types of JSON (of a DatasetConfig its to_dict()), not "
                f"{key}: {error}"
            ) from None
        return text, folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"


def _text(stored: np.ndarray | None) -> str:
    is_text = stored is not None and not stored.shape and stored.dtype.kind == "U"
    return str(stored)[:_LONGEST_COMMIT] if is_text else UNKNOWN


Units = Store
"""The former name of `Store`, for experiments that use it."""
