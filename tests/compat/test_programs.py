"""Programs in the style of notebooks and studies come out the same with either package."""

# ruff: noqa: S301 (the pickles are our own)

import os
import pickle
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))

# Ours has no network to try, and says nothing about it.
DOWNLOADING = re.compile(r"^Downloading MNIST1D dataset from .*\n", re.MULTILINE)


# What takes long to import, and both packages import anyway: a program finds it imported. Ours has
# to import all else by itself.
IMPORTED = {
    "ours": "numpy",
    "published": "numpy,requests,scipy.interpolate,scipy.ndimage,matplotlib.pyplot",
}


def missing(program):
    needed = re.findall(r"Needs: (\w+)", program.read_text("utf-8"))
    return [module for module in needed if find_spec(module) is None]


@pytest.fixture(scope="module")
def results(run, request, tmp_path_factory):
    """Run the programs that are tested with either package, and return the folders of results."""
    if not hasattr(os, "fork"):
        pytest.skip("programs are run by forking")
    items = [item for item in request.session.items if item.path == request.path]
    programs = {item.callspec.params["program"] for item in items if hasattr(item, "callspec")}
    folders = {package: tmp_path_factory.mktemp(package) for package in IMPORTED}
    for package, folder in folders.items():
        chosen = sorted(program for program in programs if not missing(program))
        run(package, "run_program.py", IMPORTED[package], folder, *chosen, cwd=folder)
    return folders


@pytest.mark.slow  # half a minute together
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program, results, assert_same):
    for module in missing(program):
        pytest.skip(f"{module} is not installed")
    outcomes = {}
    for package, folder in results.items():
        errors = folder / f"{program.stem}.txt"
        stored = errors.with_suffix(".pkl")
        assert stored.exists(), f"{package}: {errors.read_text('utf-8')}"
        outcomes[package] = pickle.loads(stored.read_bytes())
    ours, published = outcomes["ours"], outcomes["published"]
    assert published["variables"]
    for what in ("states", "variables", "files"):
        assert_same(ours[what], published[what], what)
    assert ours["printed"] == DOWNLOADING.sub("", published["printed"])


def test_there_are_programs_enough():
    assert len(PROGRAMS) >= 25
