"""An experiment of no work, and commands on it in this process."""

from pathlib import Path
from types import SimpleNamespace

import pytest

COIN = '''
from dataclasses import dataclass
from typing import Literal
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from mnist1d.measures.uncertainty import estimate
from mnist1d.harness.interface import Row

NAME = "coin"

@dataclass(frozen=True)
class Config:
    """A coin.

    Attributes:
        seeds: number of coins.
        n_throws: of each coin,
            one or more.
        side: that counts.
    """
    seeds: int = 4
    n_throws: int = 100
    side: Literal["head", "tail"] = "head"

    @classmethod
    def quick(cls):
        return cls(seeds=2, n_throws=5)

def run(config):
    heads = np.random.default_rng(0).random((config.seeds, config.n_throws)) < 0.5
    share = heads.mean(1) if config.side == "head" else 1 - heads.mean(1)
    return xr.Dataset({"share": ("seed", share)}, {"seed": range(config.seeds)})
'''

MORE = """
def summarise(result):
    return [Row("coins", "share of the side", {"mean": estimate(result.share)})]

def plot(result):
    figure = Figure()
    figure.subplots().plot(result.share)
    return {"coins": figure}
"""

CLAIMS = """
from mnist1d.lab import AtLeast, Claim, Equals, Positive, value

share = value("share", limits=(0, 1))
CLAIMS = (
    Claim("fair", "Half of the throws are heads", "textbook", Equals(0.5, 0.1), share),
    Claim("some", "Some throws are heads", "textbook", Positive(), share),
    Claim("all", "All throws are heads <b>|", "a bet", AtLeast(1), share),
)
"""


@pytest.fixture(scope="session")
def coin():
    """Return the texts of an experiment: what it needs, its table and figure, and its claims."""
    return SimpleNamespace(text=COIN, more=MORE, claims=CLAIMS)


@pytest.fixture
def command(command_line, monkeypatch, tmp_path):
    """Return a function that runs a command, in a folder with `coin.py`."""
    monkeypatch.chdir(tmp_path)
    Path("coin.py").write_text(COIN, encoding="utf-8")
    return command_line


@pytest.fixture
def failure(command, refusal):  # noqa: ARG001 (which makes the folder)
    """Return a function that runs a command, which must fail, and returns what it says."""
    return refusal
