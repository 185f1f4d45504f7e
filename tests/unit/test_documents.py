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
    "experiments.md",
    "installation.md",
    "laboratory.md",
    "running.md",
    "streams.md",
)
DOCUMENTS += ("stream-specification.md", "training.md")
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
    "mnist1d.lab": ["jax", "optax", "matplotlib", "sklearn", "xarray"],
    "import tsne": ["openTSNE"],
    "nn.Module": ["torch"],
    "xarray": ["xarray"],
    "mnist1d.cli": ["tyro"],
    "mnist1d.experiments": ["jax", "optax", "matplotlib", "xarray", "pandas"],
}

if not (ROOT / "docs").exists():
    pytest.skip("the documents are not in the package's folder", allow_module_level=True)

TEXTS = {name: (ROOT / "docs" / name).read_text("utf-8") for name in DOCUMENTS}
BLOCKS = {name: re.findall(r"```python\n(.*?)```", TEXTS[name], re.DOTALL) for name in DOCUMENTS}
documents = pytest.mark.parametrize("document", DOCUMENTS)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run an example among the names and files of those before it in its document."""
    names = {document: {} for document in DOCUMENTS}
    folders = {document: tmp_path_factory.mktemp(document) for document in DOCUMENTS}

    def run_block(document, number, monkeypatch):
        monkeypatch.chdir(folders[document])
        if file := re.match(r"# (\w+\.py)\n", BLOCKS[document][number]):
            Path(file[1]).write_text(BLOCKS[document][number], "utf-8")
        code = compile(BLOCKS[document][number], f"{document}, example {number}", "exec")
        exec(code, names[document])  # noqa: S102 (the test)
        return names[document]

    return run_block


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "number"),
    [(document, number) for document in DOCUMENTS for number in range(len(BLOCKS[document]))],
)
def test_an_example_runs(document, number, run, monkeypatch, request):
    block = BLOCKS[document][number]
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
    names = run(document, number, monkeypatch)
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
    from mnist1d.cli.dataset_options import DatasetOptions
    from mnist1d.cli.generate import generate

    lines = re.findall(r"^mnist1d generate.*", TEXTS["streams.md"], re.MULTILINE)
    options = {o for line in lines for o in re.findall(r"--([a-z-]+)", line)}
    options |= set(re.findall(r"`--([a-z-]+)[ `]", TEXTS["streams.md"]))
    names = [*inspect.signature(generate).parameters, *DatasetOptions.__annotations__]
    known = {name.replace("_", "-") for name in names}
    assert len(lines) >= 3
    assert options <= known
    assert {"num-samples", "out", "format", "shard-size", "seed", "workers", "scheduler"} <= options


@documents
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
