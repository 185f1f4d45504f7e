"""Imports point one way: core, models and training, experiments, laboratory, then commands."""

import ast
from pathlib import Path

import mnist1d

SOURCE = Path(mnist1d.__file__).parent
ABOVE_THE_CORE = (
    {"models", "pruning", "uncertainty", "plotting", "pictures"},
    {"training"},
    {"experiments"},
    {"lab"},
    {"report"},
    {
        "commands",
        "compare_command",
        "config_options",
        "reproduce_command",
        "result_tables",
        "run_command",
        "show",
        "show_result",
        "terminal",
    },
    {"cli", "__main__"},
)


def layer_of(module):
    part = module.split(".")[1] if "." in module else ""
    layers = [index for index, layer in enumerate(ABOVE_THE_CORE, start=1) if part in layer]
    return layers[0] if layers else 0


def imports():
    for path in SOURCE.rglob("*.py"):
        parts = ("mnist1d", *path.relative_to(SOURCE).with_suffix("").parts)
        module = ".".join(part for part in parts if part != "__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mnist1d"):
                for name in node.names:
                    inner = f"{node.module}.{name.name}"
                    is_module = (SOURCE / Path(*inner.split(".")[1:])).with_suffix(".py").exists()
                    yield module, inner if is_module else node.module


def test_every_import_points_to_the_same_or_a_lower_layer():
    found = list(imports())
    assert len(found) > 20
    upward = [(a, b) for a, b in found if layer_of(b) > layer_of(a)]
    assert not upward
