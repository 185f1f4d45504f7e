"""The core stays light, whatever is installed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parent
BEYOND_THE_CORE = {
    "__main__",
    "cli",
    "commands",
    "compare_command",
    "config_options",
    "dataset_options",
    "jax",
    "pictures",
    "plotting",
    "pruning",
    "reproduce_command",
    "result_tables",
    "run_command",
    "show",
    "show_result",
    "terminal",
    "torch",
    "uncertainty",
}
CORE = sorted({path.stem for path in ROOT.glob("*.py")} - BEYOND_THE_CORE)


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


@pytest.mark.parametrize("module", CORE)
def test_core_imports_numpy_and_itself_only(module):
    tree = ast.parse((ROOT / f"{module}.py").read_text("utf-8"))
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
            assert name in {*allowed, "mnist1d"} or name.partition(".")[0] in allowed


def test_public_names_exist():
    for name in mnist1d.__all__:
        assert hasattr(mnist1d, name)
