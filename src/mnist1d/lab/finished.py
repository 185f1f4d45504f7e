"""Comparisons that are finished: the same command finds its result, and runs no file.

Next to its runs, a comparison that is finished has a mark, with all that its numbers depend on: the
command's words, the texts of the file with the candidates and of the modules of one's own that it
imports, versions, settings and the machine; and with digests of its result and of all runs. Only if
nothing of this has changed, and if running the file can give nothing that its text does not say
(`execution.plain_code`), is the result taken as it is. In any other case the comparison itself
finds what is finished, run by run.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from mnist1d.dataset.atomic import atomic_write
from mnist1d.execution.commit import CHANGED, commit_of_code
from mnist1d.execution.machine import count_cores, processor_name
from mnist1d.execution.numerics import changed_settings
from mnist1d.execution.own_code import is_shadowed, own_modules, package_version
from mnist1d.execution.plain_code import STANDARD, doubt_about
from mnist1d.harness.stored.texts import without_controls

if TYPE_CHECKING:
    from mnist1d.lab.comparison.result import Comparison

FILE = "finished.json"
"""The mark, in the folder of the runs."""

_VERSION = 1
_MOST_BYTES = 10**7
SHOWN = ("--json", "--quiet")
"""Options that change what is shown, and no number."""
_OUT, _TRACK = "--out", "--track"
_OTHERS = ("--record", "--author", "--scheduler", "--help", "-h", "--no-json", "--no-quiet")
"""Options with which the command does more than to compare on this machine."""
_VARIABLES = ("CUDA", "JAX", "KERAS", "MNIST1D", "NVIDIA", "PYTHON", "TF_", "TORCH", "XLA")
"""How variables of the environment begin that the code of packages may read."""
_ALWAYS = ("mnist1d", "numpy", "jax", "jaxlib", "equinox", "optax", "scikit-learn", "scipy")
_IF_LOADED = ("flax", "torch")
_CALLED = {"sklearn": "scikit-learn"}
"""Names of packages as they are installed, where they are imported by others."""
_DAMAGED = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RecursionError),
    *(TypeError, ValueError),
)
"""What reading a file may raise whose content is anything."""
_VERSION_LINE = re.compile(r"with ([\w.-]+) \d\S*")
"""A line of `fingerprint.source_text`."""


class Command(NamedTuple):
    """A command `mnist1d compare`.

    Attributes:
        file: with the candidates.
        words: its options, without those that change no number.
        folder: of its result.
        track: name of its track, if it has one.
        environment: variables when it began, as packages set some.
    """

    file: Path
    words: tuple[str, ...]
    folder: Path
    track: str | None
    environment: Mapping[str, str]

    @classmethod
    def of(cls, file: str, words: Sequence[str], out: Path) -> Self | None:
        """Return a command of its words; None if it may do more than to compare and to show.

        Args:
            file: the word that is the file with the candidates.
            words: that follow it.
            out: the folder where nothing else is said.

        >>> found = Command.of("mine.py", ["--seeds", "3", "--json", "--out", "a"], Path("b"))
        >>> found.words, found.folder.as_posix()
        (('--seeds', '3', '--out', 'a'), 'a/mine')
        """
        kept = tuple(word for word in words if word not in SHOWN)
        if any(word.startswith(option) for word in kept for option in _OTHERS):
            return None
        values: dict[str, str] = {}
        for option in (_OUT, _TRACK):
            places = [i for i, word in enumerate(kept) if word.startswith(option)]
            if not places:
                continue
            if len(places) > 1 or kept[places[0]] != option or places[0] + 1 == len(kept):
                return None
            values[option] = kept[places[0] + 1]
        track, stem = values.get(_TRACK), Path(file).stem
        folder = Path(values.get(_OUT, out)) / (stem if track is None else f"{stem}-{track}")
        variables = {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)
        }
        return cls(Path(file), kept, folder, track, variables)

    @property
    def mark(self) -> Path:
        """The file of its mark."""
        return self.folder / "units" / FILE


class Finished(NamedTuple):
    """A comparison that is finished.

    Attributes:
        comparison: its result, as it was stored.
        lines: what its progress said in the end: names of its parts, and their sizes.
    """

    comparison: "Comparison"
    lines: Sequence[tuple[str, int]]


def find(command: Command) -> Finished | None:
    """Return the result of a command, if it is finished; None if that is in any doubt."""
    try:
        if command.mark.stat().st_size > _MOST_BYTES:
            return None
        kept = json.loads(command.mark.read_bytes())
        about = kept["about"]
        lines = [(without_controls(str(name)), int(total)) for name, total in kept["lines"]]
        if about != _about(command, about["versions"]):
            return None
        result = import_module("mnist1d.harness.record").read(command.folder / "result.nc")
        comparison = import_module("mnist1d.lab.comparison.result").Comparison(result)
    except _DAMAGED:
        return None
    return Finished(comparison, lines)


def keep(command: Command, found: "Comparison", lines: Iterable[tuple[str, int]]) -> None:
    """Mark the result of a command as finished, if all its runs are kept and none has failed.

    Args:
        command: the command.
        found: its result, which is stored.
        lines: see `Finished`.
    """
    with suppress(OSError):  # without a mark, the runs are found one by one
        command.mark.unlink(missing_ok=True)
        if found.failures or found.stopped_after is not None or _is_of_unknown_parts(found):
            return
        about = _about(command, _packages(found))
        if about is not None:
            text = json.dumps({"about": about, "lines": [*lines]}, indent=1)
            with atomic_write(command.mark) as file:
                file.write(text.encode())


def _about(command: Command, packages: Iterable[str]) -> dict[str, Any] | None:
    """Return all that the result of a command depends on; None if something does not say it."""
    commit = commit_of_code()
    if commit.endswith(CHANGED):
        return None
    with _importable(command.file):
        if any(map(is_shadowed, STANDARD)):
            return None
        modules = own_modules(command.file)
    sources = {"": command.file.read_bytes()}
    sources |= {name: path.read_bytes() for name, path in sorted(modules.items())}
    if any(doubt_about(source, modules) for source in sources.values()):
        return None
    return {
        "version": _VERSION,
        "words": [str(command.file), *command.words],
        "sources": _digests(sources),
        "commit": commit,
        "versions": {name: _version(name) for name in sorted(packages)},
        "python": [sys.version, str(sys.flags)],
        "settings": changed_settings(),
        "environment": dict(command.environment),
        "machine": [processor_name(), count_cores()],
        "result": _digests({"": (command.folder / "result.nc").read_bytes()}),
        "runs": _digests(
            {
                path.name: path.read_bytes()
                for path in sorted((command.folder / "units").iterdir())
                if path.name != FILE and path.suffix != ".part"  # of whoever writes now
            }
        ),
    }


def _digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


@contextmanager
def _importable(file: Path) -> Iterator[None]:
    """Look for modules where they are looked for when the file is run."""
    folder, kept = str(file.resolve().parent), list(sys.path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path[:] = kept


def _packages(found: "Comparison") -> set[str]:
    """Name the packages whose versions a result depends on."""
    names = {*_ALWAYS, *(name for name in _IF_LOADED if name in sys.modules)}
    names |= {*json.loads(found.result.attrs["versions"])} - {"python"}
    for source in map(str, found.result.source.values):
        lines = map(_VERSION_LINE.fullmatch, source.splitlines())
        names |= {_CALLED.get(line[1], line[1]) for line in lines if line}
    return names


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return package_version(package)


def _is_of_unknown_parts(found: "Comparison") -> bool:
    """Return whether runs of a candidate are not kept, as its content is not known."""
    fingerprint = import_module("mnist1d.lab.candidates.fingerprint")
    return any(fingerprint.unknown_parts(str(each)) for each in found.result.source.values)
