"""The source of a candidate has all that determines its numbers."""

import importlib
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import mnist1d
from mnist1d.lab.candidates.fingerprint import source_text
from mnist1d.models import MLP

SMALL = mnist1d.DatasetConfig(train=400, test=200)
size = None
"""Of no interest to a function that has an attribute of this name."""


def test_source_text_leaves_out_variables_that_are_called_like_an_attribute(monkeypatch):
    def sized(x):
        return x.size * SMALL.n_train

    before = source_text(sized)
    monkeypatch.setitem(globals(), "size", 3)
    assert source_text(sized) == before
    monkeypatch.setitem(globals(), "SMALL", SMALL.replace(train=500))
    assert source_text(sized) != before


def test_source_text_has_all_that_a_function_remembers():
    def made(width):
        return lambda key: MLP(hidden_size=width, key=key)

    assert source_text(made(3)) == source_text(made(3)) != source_text(made(4))
    assert source_text(partial(MLP, hidden_size=3)) != source_text(partial(MLP, hidden_size=4))
    array = source_text(np.arange(3))
    assert array == source_text(np.arange(3)) != source_text(np.arange(3) + 1)
    assert " at 0x" not in source_text([made(3), object(), print])


def test_two_functions_on_one_line_are_two_sources():
    narrow, wide = [lambda x: x + 5, lambda x: x + 80]
    one, other = [lambda x, a: x * a, lambda a, x: x * a]
    assert source_text(narrow) == source_text(narrow) != source_text(wide)
    assert source_text(one) != source_text(other)


HELPER = """
import other_layers
SIZE = {size}
class Width:
    size = SIZE
    def __init__(self, value):
        self.value = value
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes the module `helper_layers` and imports what it wrote."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget():
        for name in ("helper_layers", "other_layers"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()

    def write(size=5, other="x = 1"):
        (tmp_path / "helper_layers.py").write_text(HELPER.format(size=size), encoding="utf-8")
        (tmp_path / "other_layers.py").write_text(other, encoding="utf-8")
        forget()
        return importlib.import_module("helper_layers")

    yield write
    forget()  # otherwise another test's modules of these names would be ours


def test_the_source_of_a_function_is_also_that_of_the_modules_it_uses(written):
    def used(*arguments):
        namespace = {"helper": written(*arguments)}
        exec("def make(key): return helper.Width(key)", namespace)  # noqa: S102
        return source_text(namespace["make"])

    assert used(5) == used(5)
    assert len({used(5), used(80), used(5, "x = 2")}) == 3


def test_the_source_of_an_object_is_that_of_its_class_with_its_values(written):
    objects = [written(5).Width(3), written(5).Width(4), written(6).Width(3)]
    assert len({source_text(each) for each in objects}) == 3
    assert source_text(objects[0]) == source_text(written(5).Width(3))
    first, second = objects[:2]
    pair = (first, second)
    assert source_text([pair, first]) != source_text([pair, second])


@pytest.mark.slow
def test_a_source_is_the_same_in_every_process(tmp_path):
    file = tmp_path / "report.py"
    file.write_text(
        "import equinox as eqx\n"
        "from mnist1d.lab.candidates.fingerprint import source_text\n"
        "WORDS = {'a', 'bc', 'def'}\n"
        "class Model(eqx.Module):\n"
        "    width: int = 3\n"
        "    def __call__(self, x): return x if x in {'p', 'qr', 'stu'} else WORDS\n"
        "print(source_text([Model, Model(4), lambda: WORDS]))\n",
        encoding="utf-8",
    )
    texts = {
        subprocess.run(
            [sys.executable, str(file)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in "12"
    }
    assert len(texts) == 1
