"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parent
CORE = {
    "mnist1d",
    *(f"mnist1d.{name}" for name in ("config", "dataset", "templates", "transforms")),
}
MODULES = sorted(
    ".".join(["mnist1d", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    if name not in CORE and find_spec("jax") is None:
        pytest.skip("the lab extra is not installed")
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
