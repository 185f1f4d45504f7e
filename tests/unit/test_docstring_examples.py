"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parent
# What examples need beside NumPy; all others belong to the core.
LABORATORY = ("commands", "config_options", "experiments", "lab", "models", "plotting")
LABORATORY += ("result_tables", "training", "uncertainty")
NEEDS = {"dataset_options": ("tyro",), "pictures": ("matplotlib",)}
NEEDS |= {"export": ("pandas", "pyarrow"), "jax": ("jax",), "torch": ("torch",)}
NEEDS |= dict.fromkeys(LABORATORY, ("jax", "optax", "matplotlib"))
NEEDS |= {"lab.torch_candidates": ("jax", "torch")}
MODULES = sorted(
    ".".join(["mnist1d", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = name.removeprefix("mnist1d").removeprefix(".")
    for package in NEEDS.get(module) or NEEDS.get(module.partition(".")[0], ()):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
