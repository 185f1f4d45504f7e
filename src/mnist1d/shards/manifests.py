"""The manifest of a set of shards: its parameters, and the fingerprints of finished files."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist1d.dataset import checks
from mnist1d.shards.files import Fingerprint
from mnist1d.shards.folders import Folder

__all__ = ["NAME", "Ledger", "Manifest", "differences", "read_manifest"]

NAME = "manifest.json"
FORMAT = "mnist1d shards"
VERSION = 1
_REMEDY = (
    "remove it and run the same command again: finished files are then compared with what the "
    "command makes, and kept"
)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of a folder of shards.

    Attributes:
        about: the parameters, in the types of JSON: `stream` (what `Stream.record` returns),
            `num_samples`, `shard_size`, `file_format`.
        files: fingerprints of finished files, by name.
        complete: whether all are finished.
    """

    about: dict[str, Any]
    files: dict[str, Fingerprint] = field(default_factory=dict)
    complete: bool = False

    def text(self) -> str:
        """Return the manifest as it is stored.

        >>> Manifest(about={}).text().splitlines()[1]
        '  "format": "mnist1d shards",'
        """
        files = {
            name: {"bytes": size, "sha256": sha256}
            for name, (size, sha256) in sorted(self.files.items())
        }
        content = {
            "format": FORMAT,
            "version": VERSION,
            **self.about,
            "complete": self.complete,
            "files": files,
        }
        return json.dumps(content, indent=2) + "\n"

    @staticmethod
    def parse(text: str | bytes) -> "Manifest":
        """Return the manifest that a text stores.

        Raises:
            ValueError: if the text is no manifest, with the reason.

        >>> Manifest.parse(Manifest(about={"num_samples": 5}).text()).about
        {'num_samples': 5}
        >>> Manifest.parse("[]")
        Traceback (most recent call last):
            ...
        ValueError: it is no manifest of shards
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is no JSON: {error}") from None
        if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
            raise ValueError("it is no manifest of shards")
        version = content.pop("version", None)
        if version != VERSION:
            raise ValueError(f"it is of version {checks.shown(version)}, not {VERSION}")
        complete, files = content.pop("complete", None), content.pop("files", None)
        if not isinstance(complete, bool) or not isinstance(files, dict):
            raise ValueError("it does not say which files are finished")  # noqa: TRY004 (damage)
        return Manifest(
            about=content,
            files={name: _fingerprint(name, values) for name, values in files.items()},
            complete=complete,
        )


def read_manifest(folder: Folder) -> Manifest | None:
    """Return the manifest of a folder, or None if there is none.

    Raises:
        ValueError: if the manifest is damaged or of another version.
        OSError: if it cannot be read.
    """
    try:
        with folder.read(NAME) as file:
            text = file.read()
    except FileNotFoundError:
        return None
    try:
        return Manifest.parse(text)
    except ValueError as error:
        raise ValueError(f"{folder.place}/{NAME} is damaged: {error}; {_REMEDY}") from None


def differences(found: Any, asked: Any, name: str = "") -> list[str]:
    """Return the differences of two descriptions in the types of JSON.

    >>> differences({"seed": 1, "sizes": {"n": 5}}, {"seed": 2, "sizes": {"n": 5}})
    ['seed is 1 there and 2 here']
    """
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        # A key that one of them lacks is not the same as null.
        unshared = [f"{checks.shown(key)} is known there only" for key in found if key not in asked]
        unshared += [f"{checks.shown(key)} is known here only" for key in asked if key not in found]
        return unshared + [
            difference
            for key in asked
            if key in found
            for difference in differences(found[key], asked[key], key)
        ]
    if found == asked and type(found) is type(asked):
        return []
    return [f"{name} is {checks.shown(found)} there and {checks.shown(asked)} here"]


class Ledger:
    """Keeps the manifest of a folder up to date while shards are being finished.

    Writing takes a small share of the time, for manifests of any length; a run that is killed has
    to check again the shards that it finished in about the last second.

    Args:
        folder: the folder of the manifest.
        manifest: its content at first.
        is_stored: whether that is in the folder already.
    """

    def __init__(self, folder: Folder, manifest: Manifest, *, is_stored: bool) -> None:
        self._folder = folder
        self._about, self._files = manifest.about, dict(manifest.files)
        self._complete, self._changed = manifest.complete, not is_stored
        self._due = 0.0

    def add(self, files: Mapping[str, Fingerprint]) -> None:
        """Add finished files, and store the manifest if it has not been stored for a while."""
        if not files.items() <= self._files.items():
            self._files.update(files)
            self._complete, self._changed = False, True
        if time.monotonic() >= self._due:
            self.store()

    def close(self) -> Manifest:
        """Mark the set as complete, store the manifest, and return it."""
        self._changed |= not self._complete
        self._complete = True
        self.store()
        return self._manifest()

    def store(self) -> None:
        """Write the manifest if it has changed."""
        if self._changed:
            start = time.monotonic()
            with self._folder.write(NAME) as file:
                file.write(self._manifest().text().encode())
            end = time.monotonic()
            self._changed, self._due = False, end + max(1.0, 20 * (end - start))

    def _manifest(self) -> Manifest:
        return Manifest(about=self._about, files=self._files, complete=self._complete)


def _fingerprint(name: str, values: Any) -> Fingerprint:
    match values:
        case {"bytes": int(size), "sha256": str(sha256)} if (
            len(values) == 2
            and not isinstance(size, bool)
            and size >= 0
            and re.fullmatch(r"[0-9a-f]{64}", sha256)
        ):
            return Fingerprint(size, sha256)
    raise ValueError(f"what it says about {checks.shown(name)} is no size and checksum")
