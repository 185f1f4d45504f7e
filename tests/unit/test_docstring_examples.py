"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

import mnist1d

ROOT = Path(mnist1d.__file__).parent
# Packages that examples need, apart from NumPy; modules without an entry need none.
LABORATORY = ("cli", "execution", "experiments", "figures", "harness", "lab", "measures", "models")
LABORATORY += ("report", "training")
NEEDS = {"cli.options.dataset": ("tyro",)}
NEEDS |= dict.fromkeys(("figures.signals", "figures.building"), ("matplotlib",))
NEEDS |= {"dataset.export": ("pandas", "pyarrow"), "jax": ("jax",), "torch": ("torch",)}
NEEDS |= {"execution.cluster": (), "execution.processes": ()}
NEEDS |= dict.fromkeys(LABORATORY, ("jax", "optax", "matplotlib"))
NEEDS |= {"lab.candidates.torch.candidate": ("jax", "torch")}
NEEDS |= {"lab.candidates.torch.best": ("jax", "torch"), "lab.candidates.flax": ("jax", "flax")}
NEEDS |= {"lab.candidates.sending": ("jax", "cloudpickle")}
MODULES = sorted(
    ".".join(["mnist1d", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    # The example of the argument object runs with `mnist1d.utils`, where it says it belongs.
    if ">>> " in path.read_text("utf-8") and path.stem != "object_view"
)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = name.removeprefix("mnist1d").removeprefix(".")
    for package in NEEDS.get(module, NEEDS.get(module.partition(".")[0], ())):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
