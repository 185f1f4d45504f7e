"""A folder or a file is a text or a path, and `~` is one's home, wherever one is given."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import mnist1d
from mnist1d import data as published, utils
from mnist1d.cli import main
from mnist1d.dataset import checks, export
from mnist1d.dataset.dataset import Dataset
from mnist1d.execution.store import Store
from mnist1d.experiments import double_descent, find_experiment
from mnist1d.figures.signals import save_picture
from mnist1d.harness import record
from mnist1d.harness.grid import run_grid as run_module
from mnist1d.harness.results import load_result, save_table
from mnist1d.lab import run_grid
from mnist1d.lab.comparison.result import Comparison
from mnist1d.mnist import mnist_folder
from mnist1d.report import read_report
from mnist1d.shards.generation import generate, manifest_of

DICE = """
from dataclasses import dataclass
import numpy as np, xarray as xr
NAME = "dice"
@dataclass(frozen=True)
class Config:
    seeds: int = 3
def run(config):
    return xr.Dataset({"throw": ("seed", np.arange(config.seeds))}, {"seed": range(config.seeds)})
"""
RESULT = xr.Dataset({"x": ("seed", [1.0])}, {"seed": [0]}, attrs={"experiment": "double-descent"})


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home folder, with the working directory elsewhere."""
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "home"


class PathLike:
    """What is not a path and can be one."""

    def __init__(self, text):
        self.text = text

    def __fspath__(self):
        return self.text


@pytest.mark.parametrize("kind", [str, Path, os.fsencode, PathLike])
def test_whatever_names_a_path_is_taken(home, kind):
    assert checks.path("folder", kind("~/a/b")) == home / "a" / "b"
    assert checks.path("folder", kind("a~/b")) == Path("a~/b")


@pytest.mark.parametrize("value", [3, None, True, ["a"], object()])
def test_what_is_no_path_is_named(value):
    with pytest.raises(TypeError, match="folder must be a path or a text, not"):
        checks.path("folder", value)


@pytest.mark.parametrize("value", ["", "a\0b", "~nobody-of-this-name/x"])
def test_what_cannot_be_a_path_is_named(value):
    with pytest.raises(ValueError, match="folder must be a path"):
        checks.path("folder", value)


def check_dataset(place):
    small = mnist1d.generate(num_samples=100)
    small.save(place("data.npz"))
    assert Dataset.load(place("data.npz")) == small
    export.to_csv(small, place("csv"))


def check_published(place):
    arguments = published.get_dataset_args()
    arguments.num_samples = 100
    made = published.get_dataset(arguments, place("data.pkl"), download=False)
    again = published.get_dataset(arguments, place("data.pkl"), download=False)
    np.testing.assert_array_equal(made["x"], again["x"])
    utils.to_pickle({"a": 1}, place("thing.pkl"))
    assert utils.from_pickle(place("thing.pkl")) == {"a": 1}


def check_record(place):
    record.write(RESULT, place("written/result.nc"))
    assert record.read(place("written/result.nc")).equals(RESULT)
    assert record.load(double_descent, place("written")).equals(RESULT)
    assert load_result(place("written")).equals(RESULT)
    record.save_figure(Figure(), place("drawn/figure"))
    save_picture(Figure(), place("drawn/picture.png"))


def check_report(place):
    with pytest.raises(FileNotFoundError, match="no results in"):
        read_report(place("."))


def check_runs(place):
    Path(checks.path("file", place("dice.py"))).write_text(DICE, encoding="utf-8")
    assert find_experiment(place("dice.py")).NAME == "dice"
    run_grid(place("dice.py"), folder=place("runs"))
    run_module(find_experiment(place("dice.py")), folder=place("runs"))
    dice = find_experiment(place("dice.py"))
    record.execute(dice, dice.Config(), folder=place("runs"))


def check_store(place):
    Store(place("units")).save({"a": np.zeros(1)}, key=1)
    assert Store(place("units")).load(key=1) is not None


def check_mnist(place):
    assert "~" not in str(mnist_folder(place("mnist")))


def check_table(place):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    save_table(pandas.DataFrame({"a": [1]}), place("table.csv"))


def check_shards(place):
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    generate(num_samples=10, out=place("shards"), file_format="npz", workers=1)
    assert manifest_of(place("shards")).complete


def check_comparison(place):
    with pytest.raises(FileNotFoundError):
        Comparison.load(place("none"))


CHECKS = [each for name, each in sorted(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("check", CHECKS, ids=lambda each: each.__name__.removeprefix("check_"))
def test_texts_and_paths_are_taken_and_a_tilde_is_home(home, check, kind):
    check(lambda name: kind(f"~/{name}"))
    assert list(Path.cwd().iterdir()) == []
    assert not list(home.rglob("~"))


@pytest.mark.slow
def test_commands_take_a_tilde(monkeypatch, capsys, home):
    (home / "dice.py").write_text(DICE, encoding="utf-8")
    for arguments in (
        ("run", "~/dice.py", "--out=~/runs"),
        ("show-result", "~/runs/dice"),
        ("show-result", "~/runs/dice", "--table=~/table.csv"),
        ("generate", "--num-samples=10", "--format=npz", "--workers=1", "--out=~/shards"),
        ("show", "templates", "--out=~/pictures"),
        ("report", "~/runs", "--out=~/report"),
    ):
        monkeypatch.setattr(sys, "argv", ["mnist1d", *arguments])
        main()
    assert str(home / "report" / "RESULTS.md") in capsys.readouterr().out
    assert (home / "runs" / "dice" / "result.nc").is_file()
    assert (home / "table.csv").is_file()
    assert (home / "shards" / "manifest.json").is_file()
    assert (home / "pictures" / "templates.png").is_file()
    assert list(Path.cwd().iterdir()) == []
