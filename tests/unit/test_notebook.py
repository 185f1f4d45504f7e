"""A real notebook: the cells of docs/notebooks.md, run by a kernel, show what the page says."""

import os
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parents[2]
PAGE = ROOT / "docs" / "notebooks.md"

if not PAGE.exists():
    pytest.skip("the documents are not beside the package", allow_module_level=True)
for package in ("ipykernel", "jax", "matplotlib"):
    pytest.importorskip(package, reason=f"{package} is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
sybil = pytest.importorskip("sybil", reason="sybil is not installed")
markdown = pytest.importorskip("sybil.parsers.markdown")

pytestmark = pytest.mark.slow

PARSER = sybil.Sybil([markdown.PythonCodeBlockParser()])
CELLS = [example.parsed.rstrip() for example in PARSER.parse(PAGE)]
MORE = [
    "len(str(comparison).splitlines()), str(comparison) == repr(comparison)",
    "print(comparison)",
    """
def fail(*_):
    raise RuntimeError("stop")

compare({"MLP": MLP}, on_evaluation=fail, **small)
""",
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Return the outputs of the cells, of which the last one raises."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in [*CELLS, *MORE]]
    cells[-1].metadata["tags"] = ["raises-exception"]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("notebook")
    environment = os.environ | {
        "HOME": str(folder),
        "IPYTHONDIR": str(folder),
        "MPLCONFIGDIR": str(folder),
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT / "src"),
    }
    client = nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": folder}},
    )
    client.execute(env=environment)
    return [cell.outputs for cell in notebook.cells]


def shown(outputs, cell):
    """Return what the cell with a text in it shows: streams as text, other outputs by type."""
    (number,) = (i for i, text in enumerate([*CELLS, *MORE]) if cell in text)
    assert not [each for each in outputs[number] if each.get("name") == "stderr"]
    return [each.get("data", each) for each in outputs[number]]


def test_a_dataset_is_a_table(outputs):
    (found,) = shown(outputs, "data = mnist1d.load()")
    assert "<th>train</th><td style='text-align: left'>4000 x 40 float64" in found["text/html"]


@pytest.mark.parametrize(
    "cell", ["samples_picture(data)", "comparison.plot()", "experiment.plot(result)"]
)
def test_a_figure_is_a_picture(outputs, cell):
    (found,) = shown(outputs, cell)
    assert found["image/png"]


def test_a_training_is_one_picture_that_changes(outputs):
    (found,) = shown(outputs, "training = supervised")
    assert found["image/png"]
    assert found["text/plain"] == "LivePlot(Training loss, Evaluation)"


def test_a_function_of_ones_own_hears_of_every_evaluation(outputs):
    (found,) = shown(outputs, "def print_line")
    lines = found["text"].splitlines()
    assert [line.split(":")[0] for line in lines] == [f"step {n}" for n in range(0, 500, 50)]


def test_a_comparison_shows_bars_a_picture_and_its_tables(outputs):
    bars, picture, tables = shown(outputs, "**small)\ncomparison")
    assert bars["text/html"].count("<progress value='400' max='400'>") >= 2
    assert picture["image/png"]
    assert "seeds unless stated" in tables["text/html"]


def test_a_comparison_is_its_tables_as_text_too(outputs):
    (found,) = shown(outputs, "len(str(comparison)")
    n_lines, same = found["text/plain"].strip("()").split(", ")
    assert int(n_lines) > 10
    assert same == "True"
    (printed,) = shown(outputs, "print(comparison)")
    assert printed["text"].count("\n") == int(n_lines)


def test_what_a_function_raises_ends_the_comparison(outputs):
    assert outputs[-1][-1]["ename"] == "RuntimeError"
    assert outputs[-1][-1]["evalue"] == "stop"
