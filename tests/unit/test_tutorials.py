"""Every tutorial is a lesson of one form; the notebooks made of them install this package and run.

That all of them run is tested by the build of the documentation, which executes them.
"""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "docs" / "tutorials").is_dir():
    pytest.skip("the documents are not in the package's folder", allow_module_level=True)

TOOL = runpy.run_path(str(ROOT / "docs" / "notebooks.py"))
PAGES = {page.name: page for page in TOOL["pages"]()}
REPOSITORY = "https://github.com/someone/something"
every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


def exported(page, repository=REPOSITORY):
    pytest.importorskip("myst_nb", reason="myst-nb is not installed")
    return TOOL["notebook"](page, repository)


def anchors(document):
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@every_page
def test_a_tutorial_asks_answers_and_leads_on(page):
    text = page.read_text("utf-8")
    _, header, body = text.split("---\n", 2)
    assert "format_name: myst" in header
    assert "name: python3" in header
    title, mark, question = body.strip().split("\n\n")[:3]
    assert title.startswith("# ")
    assert mark.startswith("<!-- notebook -->\n")
    assert mark.endswith("<!-- end -->")
    assert re.match(r"\*\*[^*]+\?\*\*", question), question
    assert re.search(r"^\*.*(look for|[Bb]efore|bet)", text, re.MULTILINE)
    exercise, where_next = text.index("\n## Exercise"), text.index("\n## Where next")
    hidden = text.index(":tags: [hide-cell]")
    assert exercise < hidden < where_next
    assert text.index("```{code-cell}", exercise) < hidden
    assert text.count("](", where_next) >= 3


@every_page
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)
    assert len(links) >= 4
    for link in links:
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_a_notebook_installs_this_package_and_hides_the_solution(page):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    book = exported(page)
    nbformat.validate(nbformat.from_dict(book))
    title, install, start, *rest = book.cells
    path = f"someone/something/blob/main/docs/tutorials/{page.stem}.ipynb"
    assert f"https://colab.research.google.com/github/{path}" in title.source
    assert re.search(
        r"^%pip install .*\[lab.*\] @ git\+" + REPOSITORY, install.source, re.MULTILINE
    )
    assert "open it in Colab" not in start.source
    hidden = [cell for cell in rest if cell.metadata.get("cellView") == "form"]
    assert len(hidden) >= 1
    assert all(cell.source.startswith("# @title Solution\n") for cell in hidden)
    assert not [cell for cell in rest if cell.cell_type == "code" and cell.outputs]
    for cell in book.cells:
        assert not re.search(r"\]\(\.\.?/", cell.source), "a link that leads nowhere in Colab"


def test_an_address_stands_in_one_place():
    names = [ROOT / "pyproject.toml", *PAGES.values(), ROOT / "docs" / "notebooks.py"]
    installs = [name.name for name in names if "git+http" in name.read_text("utf-8")]
    assert installs == []
    assert TOOL["address"]() in {TOOL["PLACEHOLDER"], *TOOL["project"]().get("urls", {}).values()}


def test_the_address_is_the_one_of_the_sources(monkeypatch):
    about = {"urls": {"Paper": "https://paper.org", "Source": f"{REPOSITORY}/"}}
    monkeypatch.setitem(TOOL["address"].__globals__, "project", lambda: about)
    assert TOOL["address"]() == REPOSITORY


def test_without_an_address_there_is_no_link_to_colab():
    book = exported(PAGES["01-the-dataset.md"], TOOL["PLACEHOLDER"])
    assert book.cells[0].source == "# The dataset in ten minutes"
    assert "@ git+ADDRESS" in book.cells[1].source
    assert "has no public address yet" in book.cells[1].source
    assert "(../dataset.md)" in book.cells[-1].source


def test_links_are_made_whole_for_notebooks():
    whole = TOOL["with_whole_links"]
    text = "[a](../b.md#c) [d](e.md) [f](https://g.h) [i](#j)"
    start = "https://x.y/docs"
    assert whole(text, f"{start}/tutorials") == (
        f"[a]({start}/b.md#c) [d]({start}/tutorials/e.md) [f](https://g.h) [i](#j)"
    )


@pytest.mark.slow
def test_the_command_writes_notebooks_that_run(tmp_path):
    for package in ("myst_nb", "matplotlib", "jax", "ipykernel"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    command = [sys.executable, str(ROOT / "docs" / "notebooks.py"), str(tmp_path / "a" / "b")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    files = [Path(line) for line in printed.splitlines()]
    assert [file.stem for file in files] == [page.stem for page in PAGES.values()]
    again = exported(PAGES["01-the-dataset.md"], TOOL["address"]())
    assert json.loads(files[0].read_text("utf-8")) == again
    book = nbformat.read(files[0], as_version=4)
    del book.cells[1]  # the cell that installs, from the network
    environment = os.environ | {
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path),
        "MPLCONFIGDIR": str(tmp_path),
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT / "src"),
    }
    client = nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": tmp_path}})
    client.execute(env=environment)
    shown = [out for cell in book.cells for out in cell.get("outputs", ())]
    pictures = [out for out in shown if "image/png" in out.get("data", {})]
    assert len(pictures) == 8
    assert not [out for out in shown if out.get("name") == "stderr"]
