"""Imports point one way, between folders and the modules on their level."""

import ast
import functools
import re
from pathlib import Path

import pytest

import mnist1d
from mnist1d.experiments import BEYOND_FOLDERS, FOLDERS

SOURCE = Path(mnist1d.__file__).parent
LAYERS = (
    {"dataset"},
    {"measures", "mnist", "published", "stream"},
    {"execution", "figures", "jax", "models", "sklearn", "torch", "transform"},
    {"shards", "training", "utils"},
    {"data", "harness"},
    {"__init__", "experiments"},
    {"explore", "lab"},
    {"report"},
    {"cli"},
    {"__main__"},
)
"""From the ground up: what is in a layer imports from the layers before it alone."""
RANK = {node: rank for rank, layer in enumerate(LAYERS) for node in layer}
NODES = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
NODES -= {"__pycache__", "py"}


def node_of(module):
    """Return the folder, or the module on its level, that a module belongs to."""
    return module.split(".")[1] if "." in module else "__init__"


def imported(path):
    """Yield the node of every import of the package in a file, wherever in it."""
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        if isinstance(statement, ast.ImportFrom):
            inner = [f"{statement.module}.{alias.name}" for alias in statement.names]
            is_package = statement.module == "mnist1d"
            names = inner if is_package and inner[0].split(".")[1] in NODES else [statement.module]
        yield from (node_of(name) for name in names if name.partition(".")[0] == "mnist1d")


@functools.cache
def arrows():
    """Return the imports of the package as pairs of nodes."""
    return {
        (node_of(".".join(("mnist1d", *path.relative_to(SOURCE).with_suffix("").parts))), to)
        for path in SOURCE.rglob("*.py")
        for to in imported(path)
    }


def test_every_folder_and_module_has_its_layer():
    assert set(RANK) == NODES
    assert len(NODES) <= 26
    assert len(LAYERS) <= 10


@pytest.mark.parametrize("node", sorted(RANK, key=lambda node: (RANK[node], node)))
def test_imports_point_to_lower_layers(node):
    upward = {to for start, to in arrows() if start == node != to and RANK[to] >= RANK[node]}
    assert not upward


def test_imports_are_seen():
    assert {("cli", "harness"), ("dataset", "dataset"), ("__main__", "cli")} <= arrows()


def test_no_folder_is_crowded_and_experiments_are_folders():
    for folder in {path.parent for path in SOURCE.rglob("*.py")}:
        entries = [each for each in folder.iterdir() if each.name != "__pycache__"]
        assert len(entries) <= (25 if folder == SOURCE else 16), folder
    beyond = SOURCE / "experiments" / "beyond"
    for place, folders in {
        beyond.parent: {*FOLDERS, beyond.name},
        beyond: set(BEYOND_FOLDERS),
    }.items():
        experiments = {each for each in place.iterdir() if each.name[0] != "_"}
        assert {each.name for each in experiments} == folders
        assert all((each / "__init__.py").exists() for each in experiments)


def test_no_experiment_imports_from_another():
    experiments = SOURCE / "experiments"
    homes = [experiments / name for name in FOLDERS]
    homes += [experiments / "beyond" / name for name in BEYOND_FOLDERS]
    for home in homes:
        own = ".".join(("mnist1d", *home.relative_to(SOURCE).parts))
        for path in home.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for module in re.findall(r"(?:from|import) (mnist1d\.experiments\.[\w.]+)", text):
                assert f"{module}.".startswith(f"{own}."), path
