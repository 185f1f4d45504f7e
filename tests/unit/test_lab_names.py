"""The public names of the laboratory: complete, documented, and loaded when they are asked for."""

import ast
import inspect
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_origin

import pytest

import mnist1d
from mnist1d import lab, models

SOURCE = Path(mnist1d.__file__).parent
EXPERIMENTS = ("classification", "tsne", "lottery_tickets", "double_descent")
EXPERIMENTS += ("metalearn_learning_rate", "metalearn_activation", "self_supervised", "pooling")
EXPERIMENTS += ("beyond/activation_transfer",)
# What belongs to the library, whichever experiment uses it.
LIBRARY = {"harness.claims", "harness.interface", "measures.probes", "measures.uncertainty"}
LIBRARY |= {"measures.adjacency", "models", "models.masked_mlp", "models.masks", "training"}
TREE = ast.parse((SOURCE / "lab" / "__init__.py").read_text("utf-8"))


def imported(tree):
    """Yield module and name of everything imported from the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mnist1d"):
            for alias in node.names:
                yield node.module.removeprefix("mnist1d").removeprefix("."), alias.name


def used_by(experiment):
    """Return the names of the library that an experiment uses, in whichever way."""
    found = set()
    for path in (SOURCE / "experiments" / experiment).glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for module, name in imported(tree):
            if module in LIBRARY and not (SOURCE / module / f"{name}.py").exists():
                found.add(name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                module = getattr(node.value, "id", "")
                if module == "style":
                    found.add(node.attr)
    return found


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_what_an_experiment_uses_of_the_library_is_public(experiment):
    used = used_by(experiment)
    assert len(used) > 5
    assert used <= set(lab.__all__)


def test_there_is_one_list_of_names():
    names = [name for _, name in imported(TREE) if name not in {"imports", "*"}]
    names = sorted([*names, *models.__all__])
    assert names == lab.__all__
    assert len(set(names)) == len(names)
    assert set(names) <= set(dir(lab))


def test_the_store_keeps_its_former_name():
    assert lab.Units is lab.Store


@pytest.mark.parametrize("name", sorted(lab.__all__))
def test_a_name_resolves_and_is_documented(name):
    package = {"TorchCandidate": "torch", "FlaxCandidate": "flax"}.get(name, "jax")
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    value = getattr(lab, name)
    assert value is getattr(lab, name)
    text = inspect.getdoc(value)
    assert text
    is_type = isinstance(value, type) or get_origin(value) is not None
    assert is_type or ">>> " in text


def test_no_name_is_that_of_a_module():
    modules = {path.stem for path in (SOURCE / "lab").glob("*.py")}
    assert not modules & set(lab.__all__)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match=r"module 'mnist1d\.lab' has no attribute 'compair'"):
        lab.compair  # noqa: B018


def test_importing_the_laboratory_loads_nothing_large():
    code = "import sys, json, mnist1d.lab; dir(mnist1d.lab); print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in json.loads(done.stdout)}
    assert not loaded & {"jax", "torch", "sklearn", "matplotlib", "scipy", "equinox", "optax"}
    assert "numpy" in loaded
