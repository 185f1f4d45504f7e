"""Every example of the documents runs, in order; their tables are those of the records."""

import ast
import inspect
import re
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parents[2]
DOCUMENTS = (
    "commands.md",
    "dataset.md",
    "datasheet.md",
    "experiments.md",
    "exporting.md",
    "installation.md",
    "laboratory.md",
    "leaderboard.md",
    "porting.md",
    "record.md",
    "releasing.md",
    "rules.md",
    "running.md",
    "streams.md",
)
DOCUMENTS += ("pictures.md", "speed.md", "stream-specification.md", "training.md")
UNTRIED = ("notebooks.md",)  # whose examples are cells: `test_notebook.py`
NEEDED = {
    "draw_batch": ["jax"],
    "MNIST1D": ["torch"],
    "as_frame": ["pandas"],
    "to_parquet": ["pandas", "pyarrow"],
    "to_huggingface": ["pandas", "datasets"],
    'file_format="parquet"': ["pyarrow"],
    "manifest_of": ["pyarrow"],
    "read_parquet": ["pandas", "pyarrow"],
    "load_dataset": ["datasets", "pyarrow"],
    "write_huggingface": ["pyarrow"],
    "mnist1d.lab": ["jax", "optax", "matplotlib", "sklearn", "xarray"],
    "import tsne": ["openTSNE"],
    "nn.Module": ["torch"],
    "xarray": ["xarray"],
    "mnist1d.cli": ["tyro"],
    "mnist1d.experiments": ["jax", "optax", "matplotlib", "xarray", "pandas"],
    "pictures": ["matplotlib"],
}
# What the last example of a document leaves behind, where it says more than its comments.
LEFT = {
    "README.md": lambda names: names["large"].x.shape == (80_000, 60),
    "pictures.md": lambda _: Path("shuffled.pdf").exists(),
}

if not (ROOT / "docs").exists():
    pytest.skip("the documents are not in the package's folder", allow_module_level=True)

sybil = pytest.importorskip("sybil", reason="sybil is not installed")
markdown = pytest.importorskip("sybil.parsers.markdown")

TEXTS = {name: (ROOT / "docs" / name).read_text("utf-8") for name in (*DOCUMENTS, *UNTRIED)}
FILLED = [name for name, text in TEXTS.items() if "<!-- end -->" in text]
PARSER = sybil.Sybil([markdown.PythonCodeBlockParser()])
PAGES = {"README.md": ROOT / "README.md", **{name: ROOT / "docs" / name for name in DOCUMENTS}}
EXAMPLES = {name: list(PARSER.parse(path)) for name, path in PAGES.items()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the folder that the examples of each document share."""
    return {document: tmp_path_factory.mktemp(document) for document in PAGES}


def promises(block):
    """Yield expressions of an example with the values that comments after them promise."""
    lines = block.splitlines()
    for statement in ast.parse(block).body:
        if isinstance(statement, ast.Expr):
            after = lines[statement.end_lineno - 1].encode()[statement.end_col_offset :].decode()
            try:
                value = ast.literal_eval(after.partition("#")[2].strip())
            except (SyntaxError, ValueError):  # words
                continue
            yield ast.unparse(statement), value


def test_promises_are_seen():
    block = "x = 1  # (2,)\nx  # 1\nx.real, 2  # (3, 4)\nprint(x)  # one number\n(\n    x\n)  # 5\n"
    assert list(promises(block)) == [("x", 1), ("(x.real, 2)", (3, 4)), ("x", 5)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "example"),
    [
        pytest.param(document, example, id=f"{document}-{number}")
        for document, examples in EXAMPLES.items()
        for number, example in enumerate(examples)
    ],
)
def test_an_example_runs(document, example, folders, monkeypatch, request):
    block = example.parsed
    for word, packages in NEEDED.items():
        for package in packages:
            if word in block and find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
    if "load_dataset" in block:
        pytest.importorskip("datasets").disable_progress_bars()
    if "datasets" in sys.modules:
        sys.modules["datasets"].disable_progress_bars()
    if document == "laboratory.md":
        request.getfixturevalue("quick_compilation")
        request.getfixturevalue("mixed_types")
    monkeypatch.chdir(folders[document])
    title = block.partition("\n")[0].removeprefix("# ")
    if title.endswith(".py"):
        Path(title).write_text(block, "utf-8")
    example.evaluate()
    names = example.namespace
    if "failures" in block:
        assert "begin its forward with x = x[:, None, :]" in names["comparison"].failures["bad"]
    for expression, value in promises(block):
        assert eval(expression, names) == value  # noqa: S307 (the document's own words)
    if document in LEFT and example is EXAMPLES[document][-1]:
        assert LEFT[document](names)


@pytest.mark.slow
@pytest.mark.parametrize("document", FILLED)
def test_tables_are_made_of_the_records(document):
    pytest.importorskip("scipy", reason="SciPy is not installed")
    fill = runpy.run_path(str(ROOT / "docs" / "fill_documents.py"))
    assert set(fill["PARTS"]) == set(FILLED)
    assert fill["filled"](document, TEXTS[document]) == TEXTS[document]


@pytest.mark.parametrize("document", FILLED)
def test_what_is_made_within_a_sentence_begins_no_line(document):
    # Markdown would end the paragraph there.
    assert not re.search(r"^<!-- [^>]+ -->.*<!-- end -->", TEXTS[document], re.MULTILINE)


def test_the_options_of_the_command_exist():
    pytest.importorskip("rich", reason="rich is not installed")
    from mnist1d.cli.generate import generate
    from mnist1d.cli.options.dataset import DatasetOptions

    lines = re.findall(r"^mnist1d generate.*", TEXTS["streams.md"], re.MULTILINE)
    options = {o for line in lines for o in re.findall(r"--([a-z-]+)", line)}
    options |= set(re.findall(r"`--([a-z-]+)[ `]", TEXTS["streams.md"]))
    names = [*inspect.signature(generate).parameters, *DatasetOptions.__annotations__]
    known = {name.replace("_", "-") for name in names}
    assert len(lines) >= 3
    assert options <= known
    assert {"num-samples", "out", "format", "shard-size", "seed", "workers", "scheduler"} <= options


def anchors(text):
    """Return the places in a document that a link can name: its headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", TEXTS)
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\(([^):]+)\)", TEXTS[document].replace("\n", " "))
    for link in links:
        address, _, anchor = link.partition("#")
        target = ROOT / "docs" / (address or document)
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link
