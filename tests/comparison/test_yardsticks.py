"""The models of the paper: tuned, or said to be untuned; shown beside the rest, not tested."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mnist1d.harness.settings import with_settings
from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison import rows, shipped
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.result import Comparison
from mnist1d.models import CNN

PAPER = "CNN (paper)"


@pytest.fixture
def beside(monkeypatch, oracle, quick):
    """Return a function that compares candidates with a model of the paper that takes no time."""

    def run(**settings):
        settings = {"references": True, "seeds": 4} | settings
        search = rows.references(Protocol(references=settings["references"]))[PAPER].search
        paper = {PAPER: oracle(lambda _, seed: 0.55 + 0.01 * (seed % 3), search, text="paper")}
        candidates = {
            "a": oracle(lambda _, seed: 0.6 + 0.02 * (seed % 2), {}, text="a"),
            "b": oracle(lambda _, seed: 0.5 + 0.01 * (seed % 5), {}, text="b"),
        }
        with monkeypatch.context() as patch:
            patch.setattr(rows, "references", lambda _: paper)
            return compare(candidates, quick, **settings), paper[PAPER]

    return run


def test_a_yardstick_has_an_interval_and_no_verdict(beside):
    found, _ = beside()
    assert [each[:2] for each in found.differences()] == [("a", "b")]
    assert [each[:2] for each in found.yardsticks()] == [("a", PAPER), ("b", PAPER)]
    for each in found.yardsticks():
        assert np.isfinite(each.estimate.low)
        assert np.isnan([each.p_value, each.p_equivalence, each.smallest_visible]).all()
        assert not each.told_apart
    assert found.result.pair_planned.values.tolist() == [True, False, False]


def test_no_statement_about_an_untuned_model_goes_without_the_word(beside):
    found, paper = beside()
    assert not paper.tuned
    for line in str(found).splitlines():
        assert ("(paper)" in line) == ("(paper), untuned" in line)
    text = " ".join(str(found).split())
    assert "Beside the paper's models (untuned, Adam 0.01): points, paired, not tested" in text
    document = json.loads(found.to_json())
    assert document["candidates"][-1]["note"] == "untuned, Adam 0.01"
    assert {each["note"] for each in document["yardsticks"]} == {f"{PAPER} is untuned, Adam 0.01"}
    labels = [label.get_text() for axes in found.plot().axes for label in axes.get_yticklabels()]
    named = [label for label in labels if "(paper)" in label]
    assert named
    assert all(f"{PAPER}, untuned" in label for label in named)


def test_tuned_models_of_the_paper_have_the_same_choice_as_the_candidates(beside, quick):
    found, paper = beside(references="tuned")
    rates = {settings["learning_rate"] for settings, _, _ in paper.tuned}
    assert rates == set(quick.learning_rates)
    assert "untuned" not in str(found)
    assert "Beside the paper's models (tuned like all candidates)" in " ".join(str(found).split())
    assert all(not each.note for each in found.yardsticks())


def test_a_model_of_the_paper_may_be_the_baseline_with_its_word(beside):
    found, _ = beside(baseline=PAPER)
    assert [each[:2] for each in found.differences()] == [("a", PAPER), ("b", PAPER)]
    assert not found.yardsticks()
    assert all(each.note == f"{PAPER} is untuned, Adam 0.01" for each in found.differences())
    assert "untuned" in str(found).split("Planned differences")[1].split("Settings")[0]


@pytest.mark.slow
def test_rows_that_come_with_the_package_are_taken_for_their_protocol_alone(
    beside, quick, monkeypatch, tmp_path
):
    settings = {"references": "tuned", "seeds": 4, "shuffled": True, "shifts": ("noise",)}
    trained, paper = beside(**settings)
    assert len(paper.tuned) == 6
    protocol = with_settings(quick, settings)
    monkeypatch.setattr(shipped, "FILE", tmp_path / "rows.json")
    rows = shipped.rows_of(trained.result, protocol)
    shipped.FILE.write_text(json.dumps(rows, allow_nan=False), "utf-8")
    taken, paper = beside(**settings, baseline="b")
    assert not paper.done
    one, other = (each.result.sel(candidate=PAPER) for each in (trained, taken))
    for name in ("test_prediction", "validation_accuracy", "tuning_accuracy", "settings"):
        np.testing.assert_array_equal(one[name], other[name])
    for name in ("test_accuracy", "shuffled_accuracy", "shift_accuracy", "n_parameters"):
        np.testing.assert_array_equal(one[name], other[name])
    assert f"{PAPER}: from the package, computed on 20" in str(taken)
    # Times of another machine are not told beside those of this one.
    line, *_ = (line for line in str(taken).splitlines() if PAPER in line)
    assert line.split()[-1] == "7"  # the number of parameters
    described = taken.document()["candidates"][-1]
    for name in ("seconds_per_run", "cpu_seconds_per_run", "cpu_seconds_to_target"):
        assert (described[name]["n"], described[name]["n_diverged"]) == (0, 0)
    taken.plot("time").draw_without_rendering()
    for change in ({"seeds": 3}, {"n_steps": 40}, {"references": True}):
        assert beside(**settings | change)[1].done
    assert beside(**settings, on_evaluation=lambda *_: None)[1].done
    rows["rows"][PAPER]["source"] = "another"
    shipped.FILE.write_text(json.dumps(rows), "utf-8")
    assert beside(**settings)[1].done


DEFAULT = """
import numpy as np
from mnist1d.lab import compare


def zeros(x, y):
    return lambda signals: np.zeros(len(signals), int)


trained = set()
found = compare({"zeros": zeros}, references="tuned", progress=lambda task, *_: trained.add(task))
assert trained == {"zeros, final"}, trained
found.save("out")
"""


@pytest.mark.slow
def test_the_rows_of_the_package_are_of_the_default_protocol_and_cost_nothing(tmp_path):
    # In a process of its own: where tests check types, models have another source.
    subprocess.run([sys.executable, "-c", DEFAULT], cwd=tmp_path, check=True)
    found = Comparison.load(tmp_path / "out")
    assert not found.failures
    paper = found.result.sel(candidate=found.result.is_reference.astype(bool))
    assert paper.sizes["candidate"] == 4
    assert paper.test_accuracy.notnull().all()
    right = paper.test_prediction == found.result.test_label
    np.testing.assert_allclose(right.mean("sample"), paper.test_accuracy)
    chosen = [json.loads(each)["learning_rate"] for each in paper.settings.values]
    means = paper.tuning_accuracy.mean("tuning_seed").values
    assert chosen == [Protocol().learning_rates[i] for i in means.argmax(axis=1)]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_papers_cnn_under_another_name_ties_exactly(monkeypatch, quick):
    monkeypatch.setattr(rows, "MODELS", {"CNN": CNN})
    mine = EquinoxCandidate(CNN, search={"learning_rate": (0.01,)})
    found = compare({"mine": mine}, quick, references=True, shuffled=True, shifts=("shear",))
    mine, paper = (found.result.sel(candidate=name) for name in ("mine", PAPER))
    for name in ("test_prediction", "validation_accuracy", "train_loss", "shuffled_accuracy"):
        np.testing.assert_array_equal(mine[name], paper[name])
    np.testing.assert_array_equal(mine.shift_accuracy, paper.shift_accuracy)
    assert not found.differences()
    (difference,) = found.yardsticks()
    assert difference.estimate.mean == 0
    assert bool(paper.is_reference)
    assert mine.n_parameters == paper.n_parameters == 5210
