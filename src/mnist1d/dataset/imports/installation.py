"""How this package was installed, which command adds an extra, and other packages of its name.

On PyPI the name `mnist1d` belongs to the published package of the paper's authors, so that
`pip install 'mnist1d[lab]'` would install that one. A command has to name the place that this
package came from, or else the requirements themselves. What this distribution is called stands in
`pyproject.toml` and is read from its metadata.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mnist1d.dataset.imports.beside import NAME, other_folders

__all__ = ["install_command", "needs", "other_packages"]

_CODE = Path(__file__).resolve().parents[2]
_OWN_EXTRA = "lab"  # the published package has none of this name
_ORDER = "programs import what comes first in sys.path"


def needs(packages: Sequence[str], *, extra: str, what: str = "this") -> str:
    """Return a message with the missing packages and the command that installs them.

    Args:
        packages: that are missing, by the names under which they are imported.
        extra: the extra of this package that has them.
        what: what needs them.

    >>> print(needs(["no_such_package"], extra="lab"))  # doctest: +ELLIPSIS
    this needs no_such_package; install it with: pip install ...
    """
    it = "it" if len(packages) == 1 else "them"
    command = install_command(extra, packages)
    return f"{what} needs {', '.join(packages)}; install {it} with: {command}"


def install_command(extra: str, packages: Sequence[str] = ()) -> str:
    """Return the command that installs what an extra of this package lists.

    It names the clone or the place that this package was installed from, if that is known and
    still there, and otherwise what the extra requires and is not installed.

    Args:
        extra: the name of an extra.
        packages: that are known to be missing, should nothing else be known.

    >>> print(install_command("lab"))  # doctest: +ELLIPSIS
    pip install ...
    """
    if (_CODE.parents[1] / "pyproject.toml").is_file() and _CODE.parent.name == "src":
        return f"pip install -e {_quoted(f'{_CODE.parents[1]}[{extra}]')}"
    own = list(_own_distributions())
    for distribution in own:
        if (requirement := _requirement(distribution, extra)) is not None:
            return f"pip install {_quoted(requirement)}"
    required = [text for each in own[:1] for text in _required_by(each, extra)]
    absent = [text for text in required if not _is_installed(text)]
    return " ".join(["pip install", *map(_quoted, absent or packages or required)])


def other_packages() -> list[str]:
    """Say of every other package of this name that is installed where it is, in a line each.

    >>> all("another package of this name" in line for line in other_packages())
    True
    """
    lines, named = [], set()
    for each in metadata.distributions(name=NAME):
        if not _is_own(each):
            folder = Path(str(each.locate_file(NAME))).resolve()
            named.add(folder)
            line = f"{NAME} {each.version}, another package of this name, is installed in "
            if folder == _CODE:
                line += f"the same folder, {folder.parent}, so that their files are mixed: run "
                line += f"`pip uninstall {NAME}` until none is left, then install one of them"
            else:
                line += f"{folder.parent}, too; {_ORDER}"
            lines.append(line)
    lines += [
        f"another package of this name is in {folder.parent}, too; {_ORDER}"
        for folder in map(Path.resolve, other_folders())
        if folder not in named
    ]
    return list(dict.fromkeys(lines))


def _own_distributions() -> Iterator[metadata.Distribution]:
    """Yield the distributions that install this package, whatever they are called."""
    for command in metadata.entry_points(group="console_scripts", name=NAME):
        if command.dist is not None and _is_own(command.dist):
            yield command.dist


def _is_own(distribution: metadata.Distribution) -> bool:
    return _OWN_EXTRA in (distribution.metadata.get_all("Provides-Extra") or ())


def _requirement(distribution: metadata.Distribution, extra: str) -> str | None:
    """Return the place that a distribution was installed from, with an extra, if it is known."""
    try:
        about = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    url = str(about.get("url", ""))
    if not url:
        return None
    if urlsplit(url).scheme == "file":
        path = url2pathname(urlsplit(url).path)
        return f"{path}[{extra}]" if Path(path).exists() else None
    if (vcs := about.get("vcs_info")) is not None:
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return f"{distribution.name}[{extra}] @ {url}"


def _required_by(distribution: metadata.Distribution, extra: str) -> Iterator[str]:
    """Yield what an extra of a distribution requires, without the condition."""
    for text in distribution.requires or ():
        requirement, _, condition = text.partition(";")
        if re.search(rf"""\bextra\s*==\s*["']{re.escape(extra)}["']""", condition):
            yield requirement.strip()


def _is_installed(requirement: str) -> bool:
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _quoted(text: str) -> str:
    return f'"{text}"' if os.name == "nt" else shlex.quote(text)
