"""Every example of docs/dataset.md runs, in order; its tables are those of the records."""

import re
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parents[2]
DOCUMENT = ROOT / "docs" / "dataset.md"
NEEDED = {
    "draw_batch": ["jax"],
    "MNIST1D": ["torch"],
    "as_frame": ["pandas"],
    "to_parquet": ["pandas", "pyarrow"],
    "to_huggingface": ["pandas", "datasets"],
}

if not DOCUMENT.exists():
    pytest.skip("the documents are not beside the package", allow_module_level=True)


@pytest.fixture(scope="module")
def names():
    return {}


BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs(number, names, tmp_path, monkeypatch):
    block = BLOCKS[number]
    for word, packages in NEEDED.items():
        for package in packages:
            if word in block and find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    if "datasets" in sys.modules:
        sys.modules["datasets"].disable_progress_bars()
    exec(compile(block, f"{DOCUMENT}, example {number}", "exec"), names)  # noqa: S102 (the test)
    for promised in re.finditer(r"^(mnist1d\.\S.*?)\.x\.shape\s+# (\(.*\))$", block, re.MULTILINE):
        assert str(eval(promised[1], names).x.shape) == promised[2]  # noqa: S307 (as above)


def test_the_table_is_made_of_the_record():
    pytest.importorskip("scipy", reason="SciPy is not installed")
    spec = spec_from_file_location("fill_dataset", ROOT / "docs" / "fill_dataset.py")
    fill = module_from_spec(spec)
    spec.loader.exec_module(fill)
    document = DOCUMENT.read_text("utf-8")
    assert fill.filled(document) == document
