"""Write the tutorials as notebooks: `python docs/notebooks.py FOLDER`, `--help` for more.

A tutorial is a page of `docs/tutorials` in MyST's Markdown, whose `{code-cell}` blocks are the
cells. Its notebook has no outputs, and in place of what is between the marks `notebook` and `end`
a cell that installs this package: `pip install mnist1d` alone is that of the paper's authors. Which
extras it needs besides the laboratory stands at the head of the page, as `extras: lab,torch`.
"""

import argparse
import json
import posixpath
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TUTORIALS = ROOT / "docs" / "tutorials"
PLACEHOLDER = "ADDRESS"
"""In place of the repository's address, as long as `pyproject.toml` names none."""
UNKNOWN = f"""# It has no public address yet. Put that of a clone which this machine can reach in
# the place of {PLACEHOLDER}; or upload a clone as the folder mnist1d and install "./mnist1d[...]".
"""
MARKED = re.compile(r"<!-- notebook -->.*?<!-- end -->\n?", re.DOTALL)


def pages() -> list[Path]:
    """Return the tutorials, in their order."""
    return sorted(TUTORIALS.glob("[0-9][0-9]-*.md"))


def project() -> dict[str, Any]:
    """Read the project's table of `pyproject.toml`."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def address() -> str:
    """Return the repository's address, from the one place that has it, or a placeholder."""
    urls = {name.lower(): url for name, url in project().get("urls", {}).items()}
    return urls.get("source", PLACEHOLDER).removesuffix("/")


def cells(page: Path) -> Any:
    """Read a tutorial: a notebook as `nbformat` has it, without outputs.

    Needs myst-nb, which the extra `docs` installs.
    """
    from myst_nb.core.read import read_myst_markdown_notebook  # noqa: PLC0415 (for this alone)

    return read_myst_markdown_notebook(page.read_text("utf-8"))


def notebook(page: Path, repository: str, branch: str = "main") -> Any:
    """Make the notebook of a tutorial.

    Args:
        page: a page of `pages()`.
        repository: address of the repository, which pip can install from.
        branch: where links to other documents lead.
    """
    book = cells(page)
    extras = book.metadata.pop("extras", "lab")
    book.metadata.pop("jupytext", None)
    install = (
        "# This package; `pip install mnist1d` alone is the one of the paper's authors.\n"
        f"{UNKNOWN * (repository == PLACEHOLDER)}"
        f'%pip install --quiet "{project()["name"]}[{extras}] @ git+{repository}"'
    )
    first = book.cells[0]
    before, after = (part.strip() for part in MARKED.split(first.source, maxsplit=1))
    parts = [
        {
            "cell_type": "markdown",
            "source": "\n\n".join(filter(None, [before, badge(page, repository, branch)])),
        },
        {"cell_type": "code", "source": install, "outputs": [], "execution_count": None},
        {"cell_type": "markdown", "source": after},
    ]
    book.cells[:1] = [
        type(first)(id=f"first-{i}", metadata={}, **part) for i, part in enumerate(parts)
    ]
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number}"  # the same in every export
        if cell.cell_type == "markdown" and repository != PLACEHOLDER:
            cell.source = with_whole_links(
                cell.source, f"{repository}/blob/{branch}/docs/tutorials"
            )
        if "hide-cell" in cell.metadata.get("tags", ()):
            # JupyterLab and Colab have a way each to show a cell on a click.
            cell.metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
            cell.source = f"# @title Solution\n{cell.source}"
    return book


def badge(page: Path, repository: str, branch: str) -> str:
    """Return the link that opens a tutorial in Colab, which knows repositories of GitHub alone."""
    start = "https://github.com/"
    if not repository.startswith(start):
        return ""
    colab = "https://colab.research.google.com"
    place = f"{repository.removeprefix(start)}/blob/{branch}/docs/tutorials/{page.stem}.ipynb"
    return f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({colab}/github/{place})"


def with_whole_links(text: str, folder: str) -> str:
    """Replace links to files beside the page by whole addresses; other links stay."""

    def whole(found: re.Match[str]) -> str:
        scheme, rest = folder.split("://")
        return f"]({scheme}://{posixpath.normpath(f'{rest}/{found[1]}')})"

    return re.sub(r"\]\((?![a-z]+:|#)([^)\s]+)\)", whole, text)


def main() -> None:
    """Write the notebooks that the command line asks for."""
    parser = argparse.ArgumentParser(description="Write the tutorials as notebooks.")
    parser.add_argument("folder", type=Path, help="where to; made if it is not there")
    parser.add_argument(
        "--repository",
        default=address(),
        help="address of a clone that the notebooks install from (%(default)s)",
    )
    parser.add_argument("--branch", default="main", help="where links lead (%(default)s)")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for page in pages():
        book = notebook(page, given.repository.removesuffix("/"), given.branch)
        path = given.folder / f"{page.stem}.ipynb"
        path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", "utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
