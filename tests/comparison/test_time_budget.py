"""A budget of time: what is finished is kept and told, and the same call does the rest."""

import json
import os
import time

import jax
import numpy as np
import pytest
import xarray as xr

from mnist1d.harness.interface import InputError
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison import budget as module, workers
from mnist1d.lab.comparison.budget import BudgetSpent, TimeBudget
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.result import Comparison
from mnist1d.models import Logistic


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Return the clock of all budgets."""
    made = Clock()
    monkeypatch.setattr(module.TimeBudget.__init__, "__defaults__", (made,))
    return made


@pytest.fixture
def timed(oracle, clock):
    """Return the type of a candidate whose runs take a second each."""

    class Timed(oracle):
        def train(self, *arguments):
            for found in super().train(*arguments):
                clock.now += 1
                yield found

    return Timed


def everything(result):
    """Return the variables that do not depend on how fast the machine was."""
    return result[[name for name in result if "seconds" not in name]]


@pytest.mark.slow
def test_a_comparison_stops_and_the_same_calls_finish_it(timed, oracle, quick, tmp_path):
    def candidates(kind):
        return {name: kind(kind.best_at(0.01), text=name) for name in "abc"}

    whole = compare(candidates(oracle), quick, baseline="c", shuffled=True)
    assert whole.stopped_after is None
    n_done, texts = [], []
    for _ in range(20):
        timed_candidates = candidates(timed)
        found = compare(
            timed_candidates,
            quick,
            baseline="c",
            shuffled=True,
            folder=tmp_path,
            budget_seconds=4.5,
        )
        n_done.append(sum(len(each.done) for each in timed_candidates.values()))
        texts.append(str(found))
        if found.stopped_after is None:
            break
        assert found.stopped_after == Comparison.load(tmp_path).stopped_after == 4.5
    # Of each candidate 6 runs of the tuning and 4 final ones, 5 of all in a call.
    assert n_done == [5] * 6
    xr.testing.assert_identical(
        everything(found.result).drop_attrs(), everything(whole.result).drop_attrs()
    )
    assert "finished_run" not in found.result
    first = " ".join(texts[0].split())
    assert "Stopped after its budget of 4.5 s: runs that are finished, and runs in all" in first
    assert "a 0 of 6 0 of 2 0 of 2" in first
    assert "c 5 of 6 0 of 2 0 of 2" in first  # the baseline, which every pair needs
    assert "c function 3 not yet" in first
    assert "a 5 of 6" in " ".join(texts[2].split())
    assert "Stopped" not in texts[-1]


def test_intervals_are_of_complete_pairs_and_what_is_missing_has_not_diverged(timed, quick):
    candidates = {
        "base": timed(lambda _, seed: 0.5 + 0.01 * seed, {}, text="base"),
        "more": timed(lambda _, seed: 0.6 + 0.03 * seed, {}, text="more"),
    }
    found = compare(candidates, quick, seeds=5, shuffled=True, baseline="base", budget_seconds=14.5)
    more = found.result.sel(candidate="more")
    # Seeds in turn, each with its shuffled run.
    assert np.isfinite(more.test_accuracy).values.tolist() == [True] * 3 + [False] * 2
    assert more.finished_run.sel(stage="shuffled").values.tolist() == [True] * 2 + [False] * 3
    (each,) = found.differences()
    assert (each.estimate.n, each.estimate.n_diverged) == (3, 0)
    differences = 100 * (found.result.test_accuracy[1] - found.result.test_accuracy[0])[:3]
    assert each.estimate.mean == pytest.approx(float(differences.mean()))
    assert np.isfinite(each.p_value)
    document = json.loads(found.to_json())
    assert document["stopped_after"] == 14.5
    base, more = document["candidates"]
    assert base["finished_runs"] == {"tuning": 0, "final": 5, "shuffled": 5}
    assert more["finished_runs"] == {"tuning": 0, "final": 3, "shuffled": 2}
    for name, n in (("test_accuracy", 3), ("shuffled_accuracy", 2)):
        assert (more[name]["n"], more[name]["n_diverged"]) == (n, 0)
        assert len(more[name]["values"]) == 5
    text = " ".join(str(found).split())
    assert "differences are of the seeds that both candidates have finished" in text
    assert "base nothing 5 of 5 5 of 5" in text
    found.plot()


@pytest.mark.slow
def test_with_nothing_left_to_do_a_spent_budget_stops_nothing(timed, quick, tmp_path):
    def run(**settings):
        candidates = {"a": timed(timed.best_at(0.01))}
        found = compare(candidates, quick, folder=tmp_path, **settings)
        return found.stopped_after, len(candidates["a"].done)

    assert run(budget_seconds=7.5) == (None, 8)  # the time ends with the last run
    assert run(budget_seconds=1e-9) == (None, 0)
    # A call does something, however small its budget.
    assert run(budget_seconds=1e-9, seeds=4) == (1e-9, 1)
    assert run(budget_seconds=1e-9, seeds=4) == (None, 1)


def test_nothing_to_show_is_shown(timed, quick):
    found = compare({"a": timed(timed.best_at(0.01))}, quick, budget_seconds=0.5)
    assert "1 of 6" in str(found)
    assert found.differences() == []
    found.plot()
    document = json.loads(found.to_json())["candidates"][0]
    assert document["settings"] == {}
    assert document["n_not_reached"] is None


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "60", True])
def test_a_budget_is_a_positive_number(seconds, oracle, quick):
    candidate = oracle(oracle.best_at(0.01))
    with pytest.raises(InputError, match="budget_seconds must be"):
        compare({"a": candidate}, quick, budget_seconds=seconds)
    assert not candidate.done


def test_a_run_is_not_given_up_when_it_has_only_to_hand_over_its_outcome():
    budget = TimeBudget(1, clock=iter([0.0, *[2.0] * 9]).__next__)
    budget.check(50, 0, 100)  # nothing was computed
    budget.n_computed = 1
    budget.check(200, 100, 100)
    for reported in (100, 150):
        with pytest.raises(BudgetSpent):
            budget.check(reported, 100, 100)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows cannot ask for a process by its number")
def test_no_process_goes_on_when_the_budget_is_spent(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_START_SECONDS", 0)
    begun = tmp_path / "begun"
    begun.mkdir()

    def learn(x, y, *, seed):  # noqa: ARG001
        (begun / f"{seed} {os.getpid()}").touch()
        while seed > 1:  # for ever
            time.sleep(0.1)
        return lambda new: np.zeros(len(new), int)

    def clock():
        """Return a time that passes when the last two runs have begun."""
        return float(len([*begun.glob("2 *"), *begun.glob("3 *")]) == 2)

    monkeypatch.setattr(module.TimeBudget.__init__, "__defaults__", (clock,))
    found = compare({"a": learn}, quick, seeds=4, workers=2, budget_seconds=0.5)
    assert np.isfinite(found.result.test_accuracy).values.tolist() == [[True, True, False, False]]
    processes = {int(each.name.split()[1]) for each in begun.iterdir()} - {os.getpid()}
    assert len(processes) == 2
    for number in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_a_compiled_run_is_given_up_between_evaluations(quick, clock, tmp_path):
    together = jax.device_count()

    def run(**settings):
        reports = []

        def progress(_, done, __):
            reports.append(done)
            clock.now = done  # a second per step

        candidates = {"a": EquinoxCandidate(Logistic, search={})}
        found = compare(
            candidates,
            quick,
            seeds=together + 1,
            n_steps=100,
            folder=tmp_path,
            progress=progress,
            **settings,
        )
        return found.result, reports

    found, reports = run(budget_seconds=100 * together + 1)
    assert found.stopped_after == 100 * together + 1
    assert 100 * together < reports[-1] < 100 * (together + 1)
    assert np.isfinite(found.test_accuracy).sum() == together
    assert len([*(tmp_path / "units").iterdir()]) == together
    again, _ = run()
    assert again.units_found == together
    assert np.isfinite(again.test_accuracy).all()
