"""What has to be true before a release: `python .ci/release.py --tag v1.2.3 [--archives dist]`.

Prints a line per thing that is not, and ends with 1 if there is any. `docs/releasing.md` says how
to prepare one.
"""

import argparse
import json
import re
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TAKEN = "mnist1d"
"""The name that belongs, on the public index, to the package of the paper's authors."""


def not_ready(root: Path, tag: str) -> list[str]:
    """Return what is wrong with a clone for the release of a tag."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = project["name"], project["version"]
    citation = (root / "CITATION.cff").read_text("utf-8")
    code = (root / "src" / "mnist1d" / "__init__.py").read_text("utf-8")
    changes = (root / "CHANGELOG.md").read_text("utf-8")
    source = {key.lower(): value for key, value in project["urls"].items()}.get("source")
    archive = json.loads((root / ".zenodo.json").read_text("utf-8"))
    expected = {
        f"the tag is {tag}, the version {version}": tag == f"v{version}",
        f"the distribution is called {TAKEN}, which is another project's name": name != TAKEN,
        "pyproject.toml has no address of the source ([project.urls], Source)": bool(source),
        f"CITATION.cff is not of version {version}": f"\nversion: {version}\n" in citation,
        f"mnist1d.__version__ is not {version}": f'\n__version__ = "{version}"\n' in code,
        f".zenodo.json is not of version {version}": archive["version"] == version,
        f"CHANGELOG.md has no line `## {version} (YEAR-MONTH-DAY)`": re.search(
            rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", changes, re.MULTILINE
        ),
    }
    return [wrong for wrong, holds in expected.items() if not holds]


def not_complete(root: Path, archives: Path) -> list[str]:
    """Return what is wrong with the archives that were built: one wheel, one of the sources."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    stem = f"{project['name'].replace('-', '_')}-{project['version']}"
    wheel, sources = f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"
    if (found := sorted(path.name for path in archives.iterdir())) != sorted([wheel, sources]):
        return [f"{archives} has {', '.join(found) or 'nothing'}, not {wheel} and {sources}"]
    with zipfile.ZipFile(archives / wheel) as file:
        packed = {name: file.read(name) for name in file.namelist()}
    with tarfile.open(archives / sources) as file:
        unpacked = set(file.getnames())
    commit = packed.get("mnist1d/commit.txt", b"")
    package = root / "src" / "mnist1d"
    needed = {
        f"mnist1d/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected = {
        f"the wheel lacks {', '.join(sorted(needed - set(packed))[:3])}": needed <= set(packed),
        "the wheel does not name a clean commit": re.fullmatch(rb"[0-9a-f]{40}\s*", commit),
        "the archive of the sources has no tests": f"{stem}/tests/conftest.py" in unpacked,
    }
    return [wrong for wrong, holds in expected.items() if not holds]


def main() -> None:
    """Check, and say what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tag", required=True)
    parser.add_argument("--archives", type=Path)
    arguments = parser.parse_args()
    wrong = not_ready(ROOT, arguments.tag)
    if arguments.archives is not None:
        wrong += not_complete(ROOT, arguments.archives)
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
