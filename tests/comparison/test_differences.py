"""Differences are paired by seed and corrected for their number."""

import numpy as np
import pytest

from mnist1d.lab.candidates.equinox import EquinoxCandidate
from mnist1d.lab.comparison import compare as comparison
from mnist1d.lab.comparison.compare import compare
from mnist1d.models import CNN


def test_differences_are_paired_and_corrected_for_their_number(oracle, quick):
    def with_offset(*offsets):
        return oracle(lambda _, seed: 0.5 + offsets[seed] + [0, 0.2, 0.1][seed], {})

    a, b, c = with_offset(0, 0, 0), with_offset(0.1, 0.095, 0.105), with_offset(0.1, 0.095, 0.105)
    found = compare({"a": a, "b": b, "c": c}, quick, seeds=3)
    by_pair = {(each.first, each.second): each for each in found.differences()}
    # Seeds vary by 20 points, the pairs by one.
    assert by_pair["b", "a"].told_apart
    assert abs(by_pair["b", "a"].estimate.mean - 10) < 1e-6
    assert by_pair["b", "c"].p_value == 1
    assert not by_pair["b", "c"].told_apart
    assert "Holm's correction for all 3 pairs" in " ".join(str(found).split())


def test_a_difference_that_is_the_same_for_all_seeds_is_not_tested(oracle, quick):
    rates = {"a": 0.5, "b": 0.6, "c": 0.6}
    found = compare({n: oracle(lambda *_, r=r: r, {}) for n, r in rates.items()}, quick, seeds=3)
    by_pair = {(each.first, each.second): each for each in found.differences()}
    assert np.isnan(by_pair["b", "a"].p_value)
    assert by_pair["b", "a"].same_for_all_seeds
    assert not by_pair["b", "a"].told_apart
    assert by_pair["b", "c"].p_value == 1
    text = " ".join(str(found).split())
    assert "same for all seeds" in text
    assert "or vary_data=True if the candidates draw nothing" in text
    found.plot()


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_the_papers_cnn_under_another_name_ties_exactly(monkeypatch, quick):
    monkeypatch.setattr(comparison, "MODELS", {"CNN": CNN})
    mine = EquinoxCandidate(CNN, search={"learning_rate": (0.01,)})
    found = compare({"mine": mine}, quick, references=True, shuffled=True, shifts=("shear",))
    mine, paper = (found.result.sel(candidate=name) for name in ("mine", "CNN (paper)"))
    for name in ("test_prediction", "validation_accuracy", "train_loss", "shuffled_accuracy"):
        np.testing.assert_array_equal(mine[name], paper[name])
    np.testing.assert_array_equal(mine.shift_accuracy, paper.shift_accuracy)
    (difference,) = found.differences()
    assert (difference.estimate.mean, difference.p_value) == (0, 1)
    assert bool(paper.is_reference)
    assert mine.n_parameters == paper.n_parameters == 5210
