"""The site has every document, every public name and every experiment; its checks find faults."""

import doctest
import importlib
import inspect
import json
import re
import sys
import typing
from fnmatch import fnmatch
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parents[2]
if not (ROOT / "docs" / "website").is_dir():
    pytest.skip("the documents are not in the package's folder", allow_module_level=True)
INTERNAL = {"cli", "dataset", "execution", "experiments", "figures", "harness", "measures"}
INTERNAL |= {"models", "published", "training"}
PUBLISHED = {"data", "transform", "utils"}  # what programs call of them is offered by `mnist1d`


@pytest.fixture(autouse=True)
def website(monkeypatch):
    """Let the modules of the site be imported as its build does."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    yield
    for name in [
        name for name in sys.modules if name.partition(".")[0] in {"website", "notebooks"}
    ]:
        monkeypatch.delitem(sys.modules, name)


def module(name):
    return importlib.import_module(f"website.{name}")


def listed():
    """Return the patterns of all lists of pages, as paths from the site's root."""
    pages = {
        path.relative_to(ROOT / "docs" / "website" / "pages"): path.read_text("utf-8")
        for path in (ROOT / "docs" / "website" / "pages").rglob("*.md")
    }
    pages[Path("tutorials/index.md")] = (ROOT / "docs/tutorials/index.md").read_text("utf-8")
    for place, text in pages.items():
        for entries in re.findall(r"^```{+toctree}+\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for line in entries.splitlines():
                if line and line[0] not in ":{":
                    yield (place.parent / re.sub(r".*<(.+)>$", r"\1", line)).as_posix()


def test_every_document_is_on_a_page_that_is_listed():
    sources, patterns = module("sources"), list(listed())
    documents = sources.documents()
    there = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")}
    there |= {path.name for path in ROOT.glob("*.md")}
    assert {name for name in there if "/website/" not in name} <= set(documents)
    places = [sources.place_of(name) for name in documents]
    assert len(set(places)) == len(places)
    for name, place in zip(documents, places, strict=True):
        is_listed = any(fnmatch(place.removesuffix(".md"), each) for each in patterns)
        assert is_listed or name.startswith("results/"), place  # those by `results.INDEX`


def test_links_are_those_of_the_site():
    rewritten = module("sources").rewritten
    text = "[a](streams.md#use) ![b](overview.png) [c](../README.md) [d](https://a.b/c.md) [e](#x)"
    text += " [f](../examples) [g](../benchmarks) [h](nowhere.md)\n```\n[i](streams.md)\n```\n"
    found, needed = rewritten("docs/speed.md", text)
    assert found == (
        "[a](../guides/streams.md#use) ![b](../files/docs/overview.png) [c](../start/overview.md)"
        " [d](https://a.b/c.md) [e](#x) [f](../gallery.md) [g](../lists/benchmarks.md)"
        " [h](nowhere.md)\n```\n[i](streams.md)\n```\n"
    )
    assert needed == {"docs/overview.png", "benchmarks"}


def test_links_to_examples_lead_to_their_sections_of_the_gallery():
    place_of = module("sources").place_of
    gallery = (ROOT / "docs" / "website" / "pages" / "gallery.md").read_text("utf-8")
    sections = re.findall(r"^## (.+)$", gallery, re.MULTILINE)
    places = {place_of(f"examples/{path.name}") for path in (ROOT / "examples").glob("*.py")}
    assert len(places) == len(sections)
    assert "gallery.md#a-new-activation-function" in places


def test_pages_of_tutorials_offer_their_notebooks(tmp_path):
    pytest.importorskip("myst_nb", reason="myst-nb is not installed")
    module("sources").stage(tmp_path)
    module("tutorials").write_notebooks(tmp_path)
    for page in (ROOT / "docs" / "tutorials").glob("[0-9]*.md"):
        notebook = f"files/notebooks/{page.stem}.ipynb"
        assert json.loads((tmp_path / notebook).read_text("utf-8"))["nbformat"] == 4
        text = (tmp_path / "tutorials" / page.name).read_text("utf-8")
        assert f"<../{notebook}>`" in text
        assert "<!-- notebook -->" not in text


def test_every_example_is_in_the_gallery():
    gallery = (ROOT / "docs" / "website" / "pages" / "gallery.md").read_text("utf-8")
    for path in (ROOT / "examples").glob("*.py"):
        assert f"\nimport {path.stem}\n" in gallery
        assert f"{{literalinclude}} files/examples/{path.name}\n" in gallery


def test_every_public_module_is_in_the_reference_or_known_to_be_internal():
    reference_text = (ROOT / "docs" / "website" / "reference.py").read_text("utf-8")
    modules = {path.stem for path in (ROOT / "src" / "mnist1d").iterdir() if path.stem[0] != "_"}
    for name in modules - INTERNAL - PUBLISHED - {"py"}:
        assert f'"{name}"' in reference_text, name


@pytest.mark.slow
def test_every_public_name_is_on_a_page_of_the_reference():
    for package in ("sphinx", "jax", "torch", "pandas"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    reference = module("reference")
    names = {name.path: name for name in reference.names()}
    for package in ("mnist1d", "mnist1d.lab", "mnist1d.stream", "mnist1d.shards", "mnist1d.torch"):
        offered = {f"{package}.{name}" for name in importlib.import_module(package).__all__}
        assert offered - names.keys() <= {f"mnist1d.{n}" for n in ("data", "utils", "__version__")}
    pages = {path: reference.page_of(name) for path, name in names.items()}
    assert pages["mnist1d.load"] == "dataset"
    assert pages["mnist1d.lab.CNN"] == "models"
    assert names["mnist1d.lab.Store"].kind == "class"
    assert names["mnist1d.lab.Units"].kind == "data"  # a second name
    assert pages["mnist1d.lab.Count"] == "experiments"
    assert pages["mnist1d.make_dataset"] == "published"
    assert set(pages.values()) == set(reference.PAGES)
    constants = [name for name in names.values() if name.kind == "data"]
    assert [name.path for name in constants if not reference.described(name)] == []


@pytest.mark.slow
def test_classes_that_public_functions_return_are_in_the_reference():
    for package in ("sphinx", "jax", "torch", "pandas"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    reference = module("reference")
    names = list(reference.names())
    known = {id(name.value) for name in names}
    for name in names:
        if name.kind != "function":
            continue
        try:
            returned = typing.get_type_hints(inspect.unwrap(name.value)).get("return")
        except NameError:  # one that is imported for type checkers alone
            continue
        for each in (returned, *typing.get_args(returned)):
            is_ours = inspect.isclass(each) and each.__module__.startswith("mnist1d")
            assert not is_ours or id(each) in known, (name.path, each)


@pytest.mark.slow
def test_every_experiment_has_its_page(tmp_path):
    pytest.importorskip("xarray", reason="xarray is not installed")
    module("sources").stage(tmp_path)
    module("results").write_pages(tmp_path)
    index = (tmp_path / "experiments" / "index.md").read_text("utf-8")
    from mnist1d.experiments import EXPERIMENTS
    from mnist1d.harness.interface import origin_of

    for each in EXPERIMENTS:
        is_there = (ROOT / "results" / each.NAME / "README.md").is_file()
        assert f"\n{each.NAME}\n" in index
        assert f"]({each.NAME}.md)** " in index
        assert (f"[{each.TITLE}]({each.NAME}.md)** has no record yet" in index) != is_there
        page = (tmp_path / "experiments" / f"{each.NAME}.md").read_text("utf-8")
        if origin_of(each) == "beyond":
            exercise = page.partition("\n## Exercise\n")[2].partition("\n## ")[0]
            question, _, solution = exercise.partition("<summary>Solution</summary>")
            assert "?" in question
            assert solution.rstrip().endswith("</details>")
        if not is_there:
            assert all(claim.statement in page for claim in each.CLAIMS)
            assert "\n1. " in page.partition("\n## Limits\n")[2]
        if is_there:
            table = page.partition("| claim | drawn | verdict |")[2].partition("\n\n")[0]
            n_claims = table.count("\n") - 1
            assert n_claims >= 0.9 * len(each.CLAIMS)  # a record may lack what some claims need
            assert table.count("<svg class=") >= n_claims - table.count("not checkable") > 0
    differences = (tmp_path / "experiments" / "differences.md").read_text("utf-8")
    assert "](../../results/" not in differences
    assert differences.count(": done otherwise\n") >= 8
    assert differences.count("\n1. ") >= 8


def test_what_is_wrong_with_a_site_is_found(tmp_path):
    wrong_with = module("check").wrong_with
    (tmp_path / "good.html").write_text(
        '<h1 id="top">A</h1><a href="#top">b</a><a href="good.html#top">c</a>'
        '<a href="https://example.org">d</a><img src="data:image/png;base64,AA">'
    )
    assert list(wrong_with(tmp_path)) == []
    (tmp_path / "bad.html").write_text(
        '<a href="none.html">a</a><a href="good.html#none">b</a>'
        '<script src="https://example.org/x.js"></script>'
        '<link rel="stylesheet" href="//example.org/x.css">'
    )
    (tmp_path / "bad.css").write_text('@import "https://example.org/y.css"; b { color: red }')
    assert list(wrong_with(tmp_path)) == [
        "bad.html loads https://example.org/x.js",
        "bad.html loads //example.org/x.css",
        "bad.html has a link to none.html, which is no file",
        "bad.html has a link to good.html#none, which has no such place",
        "bad.css loads https://example.org/y.css",
    ]


@pytest.mark.parametrize("name", ["docstrings", "sources"])
def test_examples_of_the_site_s_modules(name):
    pytest.importorskip("docutils", reason="the extra docs is not installed")
    found = doctest.testmod(module(name))
    assert found.attempted
    assert not found.failed
