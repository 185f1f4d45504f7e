"""The pages of the site as Sphinx reads them: which file becomes which page, with its links.

The documents of the repository keep the links that work in the repository. Here every page gets
its place on the site, and its links lead to the places of what they name.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

ROOT = Path(__file__).resolve().parents[2]
PAGES = Path(__file__).with_name("pages")

PLACES = {
    "README.md": "start/overview.md",
    "docs/installation.md": "start/installation.md",
    "docs/explorer.md": "start/explorer.md",
    "RESULTS.md": "experiments/results.md",
    "DIFFERENCES.md": "experiments/differences.md",  # made by `results`
    "docs/experiments.md": "experiments/running.md",
    "docs/datasheet.md": "project/datasheet.md",
    "docs/documentation.md": "project/documentation.md",
    "docs/record.md": "project/record.md",
    "docs/releasing.md": "project/releasing.md",
    "docs/rules.md": "project/rules.md",
    "docs/speed.md": "project/speed.md",
    "docs/stream-specification.md": "reference/stream-specification.md",
    "AGENTS.md": "project/agents.md",
    "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
    "SECURITY.md": "project/security.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
}
"""Documents of the repository that are no guides, with their places on the site."""

FOLDERS = {"examples": "gallery.md"}
"""Folders that documents link to, with the page that shows what is in them."""

FILES, LISTS = "files", "lists"
"""Folders of the site: files that pages link to, and pages that list the files of a folder."""

EXERCISE = "exercise.md"
"""Of an experiment beyond the paper, in its folder: a part of its page, below this heading."""

LINK = re.compile(r"\]\((?P<target>[^()\s]+)\)")
FENCE = re.compile(r"^ *(```+|~~~+)")


def documents(root: Path = ROOT) -> list[str]:
    """Return the documents of the repository that are pages, as paths in it."""
    found = [name for name in PLACES if (root / name).is_file()]
    for pattern in ("docs/*.md", "docs/tutorials/*.md", "results/*/README.md"):
        found += [path.relative_to(root).as_posix() for path in sorted(root.glob(pattern))]
    return list(dict.fromkeys(found))


def place_of(name: str) -> str:
    """Return the place of a file of the repository on the site.

    >>> place_of("docs/streams.md"), place_of("results/pooling/README.md")
    ('guides/streams.md', 'experiments/pooling.md')
    >>> place_of("src/mnist1d/experiments/beyond/ticket_locality/exercise.md")
    'experiments/ticket-locality.md'
    >>> place_of("docs/overview.png"), place_of("results/pooling/figure.png")
    ('files/docs/overview.png', 'files/results/pooling/figure.png')
    >>> place_of("examples/optimizers.py")
    'gallery.md#an-optimiser-of-ones-own'
    """
    if name in PLACES:
        return PLACES[name]
    match PurePosixPath(name).parts:
        case ("docs", "tutorials", file) if file.endswith(".md"):
            place = f"tutorials/{file}"
        case ("docs", file) if file.endswith(".md"):
            place = f"guides/{file}"
        case ("results", experiment, "README.md"):
            place = f"experiments/{experiment}.md"
        case ("examples", _):
            place = f"gallery.md#{section_of(name)}"
        case ("src", "mnist1d", "experiments", *_, folder, file) if file == EXERCISE:
            place = f"experiments/{folder.replace('_', '-')}.md"
        case _:
            place = f"{FILES}/{name}"
    return place


def section_of(example: str) -> str:
    """Return the anchor of the gallery's section that shows a program."""
    gallery = (PAGES / "gallery.md").read_text("utf-8")
    above = gallery[: gallery.index(f"literalinclude}} {FILES}/{example}")]
    heading = re.findall(r"^## (.+)$", above, re.MULTILINE)[-1]
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def place_of_folder(name: str) -> str:
    """Return the page that shows what is in a folder: one that was written, or a list of files."""
    return FOLDERS.get(name, f"{LISTS}/{name}.md")


def lines_outside_code(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the lines of a document, and whether each is text rather than code."""
    fence = ""
    for line in text.splitlines(keepends=True):
        found = FENCE.match(line)
        yield line, not fence and not found
        if found and not fence:
            fence = found[1]
        elif found and line.strip() == fence:
            fence = ""


def rewritten(name: str, text: str, root: Path = ROOT) -> tuple[str, set[str]]:
    """Return a document with the links of the site, and the files that it needs.

    Args:
        name: of the document, a path in the repository.
        text: the document.
        root: of the repository.
    """
    place, needed = place_of(name), set[str]()

    def link(found: re.Match[str]) -> str:
        address, hash_, anchor = found["target"].partition("#")
        target = normpath(f"{PurePosixPath(name).parent}/{address}")
        if not address or ":" in address or not (root / target).exists():
            return found[0]  # Sphinx says where links to nothing are
        there = place_of(target) if (root / target).is_file() else place_of_folder(target)
        if there.startswith((f"{FILES}/", f"{LISTS}/")):
            needed.add(target)
        return f"]({relpath(there, PurePosixPath(place).parent)}{hash_}{anchor})"

    lines = [
        LINK.sub(link, line) if is_text else line for line, is_text in lines_outside_code(text)
    ]
    return "".join(lines), needed


def stage(out: Path, root: Path = ROOT) -> None:
    """Write the pages that are documents, and what they link to, into a folder for Sphinx."""
    shutil.copytree(PAGES, out, dirs_exist_ok=True)
    for name in documents(root):
        add_page(name, (root / name).read_text("utf-8"), out, root)
    for image in sorted({found for path in PAGES.rglob("*.md") for found in files_of(path)}):
        add(image, out, root)


def add_page(name: str, text: str, out: Path, root: Path = ROOT) -> None:
    """Add a page and what it links to.

    Args:
        name: its path in the repository, or that of a document whose links are like its own.
        text: the page.
        out: folder for Sphinx.
        root: of the repository.
    """
    text, needed = rewritten(name, text, root)
    write(out / place_of(name), text)
    for each in needed:
        add(each, out, root)


def files_of(page: Path) -> list[str]:
    """Return the files of the repository that a page of the site shows, as paths in it."""
    shown = rf"(?:\]\(|literalinclude\}} )[./]*{FILES}/([^()\s]+)"
    return re.findall(shown, page.read_text("utf-8"))


def add(name: str, out: Path, root: Path) -> None:
    """Add a file that a page links to; of a folder, its files with a page that lists them."""
    source, target = root / name, out / FILES / name
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return
    files = [f"{name}/{path.name}" for path in sorted(source.iterdir()) if path.is_file()]
    for each in files:
        add(each, out, root)
    page = f"{LISTS}/{name}.md"
    ways = (relpath(f"{FILES}/{each}", PurePosixPath(page).parent) for each in files)
    links = "".join(f"- [{PurePosixPath(way).name}]({way})\n" for way in ways)
    write(out / page, f"---\norphan: true\n---\n\n# The folder `{name}`\n\n{links}")


def write(path: Path, text: str) -> None:
    """Write a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
