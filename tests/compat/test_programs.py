"""Programs in the style of notebooks and studies come out the same with either package."""

# ruff: noqa: S301 (the pickles are our own)

import pickle
import re
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))

# Ours has no network to try, and says nothing about it.
DOWNLOADING = re.compile(r"^Downloading MNIST1D dataset from .*\n", re.MULTILINE)


@pytest.mark.slow  # two processes each, more than a minute together
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program, run, assert_same, tmp_path):
    for needed in re.findall(r"Needs: (\w+)", program.read_text("utf-8")):
        pytest.importorskip(needed)
    outcomes = {}
    for package in ("ours", "published"):
        folder = tmp_path / package
        folder.mkdir()
        run(package, "run_program.py", program, tmp_path / f"{package}.pkl", cwd=folder)
        outcomes[package] = pickle.loads((tmp_path / f"{package}.pkl").read_bytes())
    ours, published = outcomes["ours"], outcomes["published"]
    assert published["variables"]
    for what in ("states", "variables", "files"):
        assert_same(ours[what], published[what], what)
    assert ours["printed"] == DOWNLOADING.sub("", published["printed"])


def test_there_are_programs_enough():
    assert len(PROGRAMS) >= 25
