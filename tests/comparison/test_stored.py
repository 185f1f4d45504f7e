"""Nothing is done twice, and what is stored comes back."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import xarray as xr

from mnist1d.harness import record
from mnist1d.harness.interface import InputError
from mnist1d.lab.candidates.fitted import FunctionCandidate
from mnist1d.lab.comparison import rows, runs
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.result import Comparison
from mnist1d.lab.statistics import stored
from mnist1d.models import Logistic


def guess(answer, x, y):  # noqa: ARG001
    return lambda new: np.full(len(new), answer)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_papers_models_are_found_in_a_folder_that_has_them(
    monkeypatch, tmp_path, oracle, quick
):
    monkeypatch.setattr(rows, "MODELS", {"Logistic": Logistic})
    protocol = dataclasses.replace(quick, references=True)
    first, second = (
        compare({name: oracle(lambda *_: 0.5, {}, text=name)}, protocol, folder=tmp_path).result
        for name in ("one", "another")
    )
    paper = "Logistic (paper)"
    xr.testing.assert_equal(
        first.test_accuracy.sel(candidate=paper), second.test_accuracy.sel(candidate=paper)
    )
    n_final = quick.seeds * (1 + quick.shuffled)
    assert first.attrs["units_found"] == 0
    assert second.attrs["units_found"] == n_final


def test_a_candidate_whose_runs_are_all_stored_is_not_tried_again(tmp_path, monkeypatch, quick):
    candidates = {"guess": partial(guess, 3)}
    settings = {"learning_rates": (0.1,), "folder": tmp_path}
    first = compare(candidates, quick, **settings)
    monkeypatch.setattr(FunctionCandidate, "check", lambda *_: 1 / 0)
    again = compare(candidates, quick, **settings)
    assert again.result.units_found == quick.seeds
    xr.testing.assert_identical(first.result.drop_attrs(), again.result.drop_attrs())
    with pytest.raises(InputError, match=r"no candidate works\. guess: .*ZeroDivisionError"):
        compare(candidates, quick, **settings, seeds=3)


@pytest.mark.slow
def test_the_end_of_a_task_is_reported_once(tmp_path, quick):
    news = []

    def progress(*each):
        news.append(each)

    for n in (1, 2):  # trained, then found
        compare({"guess": partial(guess, 3)}, quick, folder=tmp_path, progress=progress)
        assert news.count(("guess, final", 40, 40)) == n
        assert news[-1] == ("guess, final", 40, 40)


@pytest.mark.slow
def test_runs_that_were_stored_without_processor_time_are_found(tmp_path, quick):
    candidates = {"guess": partial(guess, 3)}
    first = compare(candidates, quick, folder=tmp_path)
    assert np.isfinite(first.result.cpu_seconds).all()
    assert re.search(r"\d \(\d", str(first))
    for path in (tmp_path / "units").iterdir():
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files if name != "cpu_seconds"}
        np.savez(path, **{name: value for name, value in arrays.items() if name != "sha256"})
    older = compare(candidates, quick, folder=tmp_path)
    assert older.result.units_found == quick.seeds
    assert np.isnan(older.result.cpu_seconds).all()
    text = str(Comparison(older.result.drop_vars("cpu_seconds")))
    assert re.search(r" \(\d", text)


@pytest.mark.slow
def test_the_same_call_computes_nothing_and_more_seeds_only_the_new(tmp_path, oracle, quick):
    def run(**settings):
        oracles = {
            name: oracle(oracle.best_at(0.01), text=name) for name in settings.pop("names", "ab")
        }
        found = compare(oracles, quick, folder=tmp_path, **settings)
        return found.result, [len(candidate.done) for candidate in oracles.values()]

    first, done = run()
    assert done == [8, 8]
    again, done = run()
    assert done == [0, 0]
    assert again.units_found == 16
    xr.testing.assert_equal(first, again)
    _, done = run(seeds=4)
    assert done == [2, 2]
    _, done = run(names="abc")
    assert done == [0, 0, 8]
    _, done = run(learning_rates=(0.001, 0.01, 0.1, 0.3))
    assert done == [2, 2]
    _, done = run(shifts=("noise",))  # which tuning does not see
    assert done == [2, 2]
    xr.testing.assert_equal(Comparison.load(tmp_path).result.seed, first.seed)


def test_another_text_is_another_candidate(tmp_path, oracle, quick):
    for text in ("one", "two"):
        candidate = oracle(oracle.best_at(0.01), text=text)
        compare({"a": candidate}, quick, folder=tmp_path)
        assert len(candidate.done) == 8


def test_a_stored_comparison_comes_back(tmp_path, oracle, quick):
    found = compare({"a": oracle(oracle.best_at(0.01), text="the text")}, quick, folder=tmp_path)
    loaded = Comparison.load(tmp_path)
    xr.testing.assert_equal(found.result, loaded.result)
    assert str(loaded) == str(found)
    assert loaded.result.source.item() == "the text"
    assert json.loads(loaded.result.config)["seeds"] == 2
    assert "jax" in json.loads(loaded.result.versions)


@pytest.mark.slow
def test_from_python_all_cores_are_used():
    program = (
        "import jax, mnist1d.lab\n"
        "try: mnist1d.lab.compare({})\n"
        "except Exception as error: print(error)\n"
        "print(jax.device_count(), jax.default_backend())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "JAX_PLATFORMS": "cpu"},
    )
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert done.stdout.splitlines()[-1] == f"{n_cores} cpu"


@pytest.mark.slow
def test_another_version_of_a_framework_computes_again(tmp_path, monkeypatch, oracle, quick):
    def done():
        candidate = oracle(oracle.best_at(0.01))
        candidate.framework = "Equinox"
        compare({"a": candidate}, quick, folder=tmp_path)
        return len(candidate.done)

    assert (done(), done()) == (8, 0)
    version = runs.metadata.version
    monkeypatch.setattr(
        runs.metadata,
        "version",
        lambda name: "0.0" if name == "equinox" else version(name),
    )
    assert done() == 8


@pytest.mark.slow
def test_a_comparison_that_was_stored_without_statistics_has_them_when_it_is_read(
    tmp_path, monkeypatch, oracle, quick
):
    candidates = {
        "a": oracle(lambda *_: 0.5, {}, text="a"),
        "b": oracle(lambda _, seed: 0.6 + 0.01 * seed**2, {}, text="b"),
    }
    found = compare(candidates, quick, folder=tmp_path, seeds=3, baseline="a")
    added = [n for n, v in found.result.variables.items() if {"pair", "bound"} & {*v.dims}]
    assert {"p_value", "difference_interval", "test_accuracy_interval"} <= {*added}
    older = found.result.drop_vars(added)
    del older.attrs["statistics"]
    record.write(older, tmp_path / "older" / "result.nc")
    assert str(Comparison.load(tmp_path / "older")) == str(found)
    # Fewer seeds have other statistics; the same ones have those that are stored.
    fewer = Comparison(found.result.isel(seed=slice(2)))
    assert fewer.differences()[0].estimate.n == 2
    assert fewer.differences()[0].smallest_visible > found.differences()[0].smallest_visible
    monkeypatch.setattr(stored, "statistics_of", lambda *_: pytest.fail("computed again"))
    assert Comparison.load(tmp_path).differences() == found.differences()
    assert compare(candidates, quick, folder=tmp_path, seeds=3, baseline="a").differences()


def test_statistics_that_were_changed_in_a_file_are_computed_again(oracle, quick):
    candidates = {"a": oracle(lambda *_: 0.5, {}), "b": oracle(lambda _, s: 0.6 + s / 50, {})}
    found = compare(candidates, quick, seeds=3)
    changed = found.result.assign(p_value=found.result.p_value * 0)
    assert Comparison(changed).differences() == found.differences()
