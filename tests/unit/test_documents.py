"""Every example of the documents runs, in order; their tables are those of the records."""

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
    "porting.md",
    "record.md",
    "releasing.md",
    "rules.md",
    "running.md",
    "streams.md",
)
DOCUMENTS += ("stream-specification.md", "training.md")
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
}

if not (ROOT / "docs").exists():
    pytest.skip("the documents are not in the package's folder", allow_module_level=True)

sybil = pytest.importorskip("sybil", reason="sybil is not installed")
markdown = pytest.importorskip("sybil.parsers.markdown")

TEXTS = {name: (ROOT / "docs" / name).read_text("utf-8") for name in (*DOCUMENTS, *UNTRIED)}
PARSER = sybil.Sybil([markdown.PythonCodeBlockParser()])
EXAMPLES = {name: list(PARSER.parse(ROOT / "docs" / name)) for name in DOCUMENTS}
documents = pytest.mark.parametrize("document", DOCUMENTS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the folder that the examples of each document share."""
    return {document: tmp_path_factory.mktemp(document) for document in DOCUMENTS}


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
    monkeypatch.chdir(folders[document])
    if file := re.match(r"# (\w+\.py)\n", block):
        Path(file[1]).write_text(block, "utf-8")
    example.evaluate()
    names = example.namespace
    if "failures" in block:
        assert "begin its forward with x = x[:, None, :]" in names["comparison"].failures["bad"]
    for promised in re.finditer(r"^(mnist1d\.\S.*?)\.x\.shape\s+# (\(.*\))$", block, re.MULTILINE):
        assert str(eval(promised[1], names).x.shape) == promised[2]  # noqa: S307 (as above)


@pytest.mark.slow
@documents
def test_tables_are_made_of_the_records(document):
    pytest.importorskip("scipy", reason="SciPy is not installed")
    fill = runpy.run_path(str(ROOT / "docs" / "fill_documents.py"))
    assert fill["filled"](document, TEXTS[document]) == TEXTS[document]


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


@pytest.mark.parametrize("document", TEXTS)
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\(([^):]+)\)", TEXTS[document].replace("\n", " "))
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", TEXTS[document], re.MULTILINE)
    }
    for link in links:
        if link.startswith("#"):
            assert link[1:] in headings
        else:
            assert (ROOT / "docs" / link).is_file()
