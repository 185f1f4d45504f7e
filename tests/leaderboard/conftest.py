"""A record of candidates that take no time, made by the command."""

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("xarray", reason="the laboratory is not installed")

from mnist1d.cli import main

MINE = '''
"""Two candidates, from another file."""

from pathlib import Path

import parts_of_mine

Path("was-run").touch()
CANDIDATES = {"means": parts_of_mine.means, "guess": parts_of_mine.guess}
PROTOCOL = {"seeds": 2}
'''
PARTS = '''
import numpy as np


def means(x, y):
    """Take the class with the nearest mean."""
    centres = np.stack([x[y == label].mean(0) for label in range(10)])
    return lambda signals: ((signals[:, None] - centres) ** 2).sum(2).argmin(1)


def guess(x, y, *, seed):
    return lambda signals: np.random.default_rng(seed).integers(0, 10, len(signals))
'''


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Return a folder with the files of two candidates, and their record `mine.nc`."""
    folder = tmp_path_factory.mktemp("record")
    (folder / "mine.py").write_text(MINE, "utf-8")
    (folder / "parts_of_mine.py").write_text(PARTS, "utf-8")
    options = ("--track", "shuffled", "--record", "mine.nc", "--author", "A. Person", "--quiet")
    words = ["mnist1d", "compare", "mine.py", *options, "--workers", "1"]
    before, kept, path = Path.cwd(), sys.argv, list(sys.path)
    try:
        os.chdir(folder)
        sys.argv = words
        main()
    finally:
        os.chdir(before)
        sys.argv, sys.path[:] = kept, path
        sys.modules.pop("parts_of_mine", None)
    (folder / "was-run").unlink()
    return folder


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """Return the path of a copy of the record, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.nc"
    path.write_bytes((made / "mine.nc").read_bytes())
    return path
