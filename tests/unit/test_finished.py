"""A run that is finished is found again, with its times, and only by what is the same."""

import dataclasses
import json

import pytest

from mnist1d.execution.commit import CHANGED
from mnist1d.experiments import pooling
from mnist1d.harness import record
from mnist1d.harness.stored import circumstances, finished
from mnist1d.harness.stored.circumstances import identity
from mnist1d.harness.stored.finished import ADDED, find_finished
from mnist1d.mnist import FOLDER_VARIABLE

COMMIT = "a" * 40


@pytest.fixture(autouse=True)
def commit(monkeypatch):
    """Return a function that sets the commit of the code."""

    def set_to(name):
        for module in (circumstances, finished):
            monkeypatch.setattr(module, "commit_of_code", lambda: name)

    set_to(COMMIT)
    return set_to


@pytest.fixture
def stored(monkeypatch, tmp_path):
    """Return the folder with a finished run of no work, and its configuration."""
    xarray = pytest.importorskip("xarray")
    config = pooling.Config.quick()
    result = xarray.Dataset({"loss": ("seed", [1.0, 2.0])}, {"seed": range(2)})
    monkeypatch.setattr(pooling, "run", lambda *_, **__: result, raising=False)
    done = record.execute(pooling, config).assign_attrs(commit=COMMIT, seconds=81.0)
    record.write(done, tmp_path / "result.nc")
    return tmp_path, config


def test_the_same_run_is_found_as_it_was_stored(stored):
    folder, config = stored
    found = find_finished(pooling, config, folder)
    assert found.attrs["seconds"] == 81
    assert found.loss.to_numpy().tolist() == [1, 2]


def test_another_configuration_is_not_found(stored):
    folder, config = stored
    assert find_finished(pooling, dataclasses.replace(config, seeds=3), folder) is None
    assert find_finished(pooling, config, folder / "elsewhere") is None


@pytest.mark.parametrize("name", ["b" * 40, COMMIT + CHANGED])
def test_code_of_another_commit_computes_anew(stored, commit, name):
    folder, config = stored
    commit(name)
    assert find_finished(pooling, config, folder) is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"commit": COMMIT + CHANGED},
        {"versions": json.dumps({"mnist1d": "0.0.0"})},
        {"settings": json.dumps({"jax_enable_x64": "True"})},
        {ADDED: "answers of people"},
        {"experiment": "tsne"},
        {"grid": json.dumps({"seeds": [1, 2]})},
    ],
)
def test_a_result_of_something_else_is_not_taken(stored, attributes):
    folder, config = stored
    path = folder / "result.nc"
    record.write(record.read(path).assign_attrs(attributes), path)
    assert find_finished(pooling, config, folder) is None


def test_a_damaged_result_is_not_taken(stored):
    folder, config = stored
    (folder / "result.nc").write_bytes(b"no netCDF")
    assert find_finished(pooling, config, folder) is None


def test_whether_mnist_is_read_makes_another_run(monkeypatch, tmp_path):
    from mnist1d.experiments.tsne import Config

    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert identity(Config())["mnist"] == "left out"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert identity(Config())["mnist"] == "read"
    assert identity(pooling.Config())["mnist"] is None


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_second_command_computes_and_draws_nothing(monkeypatch, command_line, capsys, tmp_path):
    from mnist1d.cli import reproduce  # noqa: F401 (imported before it is changed)
    from mnist1d.experiments import metalearn_learning_rate

    words = ("reproduce", "metalearn-learning-rate", "--quick", "--out", tmp_path)
    command_line(*words)
    folder = tmp_path / "metalearn-learning-rate"
    result = record.read(folder / "result.nc").assign_attrs(commit=COMMIT)
    record.write(result, folder / "result.nc")
    command_line(*words)  # draws, as the result is another file now
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()}
    first = (tmp_path / "claims.json").read_bytes()
    capsys.readouterr()
    nothing = lambda *_, **__: pytest.fail("it was done again")  # noqa: E731
    monkeypatch.setattr(record, "execute", nothing)
    monkeypatch.setattr(metalearn_learning_rate, "plot", nothing, raising=False)
    command_line(*words)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (tmp_path / "claims.json").read_bytes() == first
    said = capsys.readouterr().out
    assert "Found finished: " in said
    assert "learning rate" in said
