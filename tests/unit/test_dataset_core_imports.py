"""The core stays light, with any packages installed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parent
CORE = (
    "__init__",
    "data",
    "dataset",
    "mnist",
    "published",
    "sklearn",
    "stream",
    "transform",
    "utils",
)
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for node in CORE
    for path in (*ROOT.glob(f"{node}.py"), *ROOT.glob(f"{node}/*.py"))
)


def test_importing_mnist1d_loads_neither_jax_nor_matplotlib():
    program = (
        "import sys, mnist1d; mnist1d.generate(num_samples=10); "
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "'mnist1d'" in loaded
    for heavy in ("jax", "jaxlib", "matplotlib", "equinox", "torch", "scipy", "xarray", "pandas"):
        assert f"'{heavy}'" not in loaded


@pytest.mark.parametrize("file", FILES)
def test_core_imports_numpy_and_itself_only(file):
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    allowed = {"numpy", *sys.stdlib_module_names, *(f"mnist1d.{name}" for name in CORE)}
    # What a function imports is imported when it is called, what only a type checker reads, never.
    for node in ast.walk(tree):
        for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if isinstance(node, ast.FunctionDef) or for_types:
            node.body = []
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module]
            if node.module == "mnist1d":
                names = [f"mnist1d.{alias.name}" for alias in node.names]
        for name in names:
            inside = ".".join(name.split(".")[:2])
            assert inside in {*allowed, "mnist1d"} or name.partition(".")[0] in allowed


def test_public_names_exist():
    for name in mnist1d.__all__:
        assert hasattr(mnist1d, name)
