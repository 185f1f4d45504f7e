"""The commit of the code that runs: that of a checkout, or what an installation says of itself."""

import json
import os
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

UNKNOWN = "unknown"
CHANGED = "-dirty"
"""The end of a commit's name where files of the package are not those of the commit."""
FILE = "commit.txt"
"""A file of the package that its build writes (`hatch_build.py`), with the commit's name."""

_PACKAGE = Path(__file__).resolve().parents[1]
_NAME = re.compile(rf"[0-9a-f]{{40,64}}({CHANGED})?")
_SECONDS = 20
# What tells this project from another, whatever its distribution is called.
_COMMAND = 'mnist1d = "mnist1d.cli:main"'


@cache
def commit_of_code() -> str:
    """Return the name of the commit that this package is of, once per process.

    In a checkout git is asked; `-dirty` at the end means that files of the package are changed or
    new. An installation knows its commit from its build, or from the address that it came from.

    Returns: 40 or 64 hexadecimal digits, with or without `-dirty`; "unknown" if nothing says it. It
        never raises an error, whatever git or the files say.

    >>> commit_of_code() == commit_of_code()
    True
    """
    return commit_of(_PACKAGE)


def commit_of(package: Path) -> str:
    """Return the name of the commit that a folder with the package is of, as `commit_of_code`.

    >>> import tempfile
    >>> commit_of(Path(tempfile.gettempdir(), "no", "package"))
    'unknown'
    """
    for find in (_of_checkout, _of_build, _of_address):
        try:
            found = find(package)
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
        if _NAME.fullmatch(found):
            return found
    return UNKNOWN


def _of_checkout(package: Path) -> str:
    root = package.parents[1]
    # An environment in the folder of another repository is no checkout of this one.
    if package.parent.name != "src" or not (root / ".git").exists():
        return ""
    if _COMMAND not in (root / "pyproject.toml").read_text("utf-8").splitlines():
        return ""
    commit = _git(root, "rev-parse", "--verify", "HEAD").strip()
    changed = _git(root, "status", "--porcelain", "--", "pyproject.toml", str(package))
    return commit + CHANGED * bool(changed.strip())


def _git(root: Path, *arguments: str) -> str:
    # Variables that git sets for its hooks name another repository.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    return subprocess.run(  # noqa: S603 (no shell, and nothing of a user's)
        command,
        check=True,
        capture_output=True,
        encoding="utf-8",
        env=outside,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS,
    ).stdout


def _of_build(package: Path) -> str:
    return (package / FILE).read_text("utf-8").strip()


def _of_address(package: Path) -> str:
    """Read the commit that `pip install git+...` notes; only of an installation of this package."""
    for command in metadata.entry_points(group="console_scripts", name="mnist1d"):
        found = command.dist
        if found is None or Path(str(found.locate_file("mnist1d"))).resolve() != package:
            continue
        about = json.loads(found.read_text("direct_url.json") or "{}")
        version = about.get("vcs_info", {}) if isinstance(about, dict) else {}
        return str(version.get("commit_id", "")) if isinstance(version, dict) else ""
    return ""
