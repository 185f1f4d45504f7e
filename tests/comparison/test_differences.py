"""Differences are paired by seed, planned, and corrected for the number of planned pairs."""

import numpy as np
import pytest

from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.statistics.differences import differences_of
from mnist1d.measures.power import smallest_visible_difference


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
    assert "Holm's correction for the 3 planned pairs" in " ".join(str(found).split())


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


def spread(oracle, means, seeds=5):
    """Return candidates with these means, whose differences vary from seed to seed."""
    steps = np.random.default_rng(0).integers(-2, 3, (len(means), seeds)) / 200
    return {
        name: oracle(lambda _, seed, i=i, mean=mean: mean + steps[i, seed], {}, text=name)
        for i, (name, mean) in enumerate(means.items())
    }


def test_a_baseline_plans_the_pairs_that_are_corrected_for(oracle, quick):
    means = {"a": 0.5, "b": 0.52, "c": 0.55, "base": 0.6}
    candidates = spread(oracle, means)
    every = compare(candidates, quick, seeds=5)
    planned = compare(candidates, quick, seeds=5, baseline="base")
    assert len(every.differences()) == 6
    pairs = [(each.first, each.second) for each in planned.differences()]
    assert pairs == [("a", "base"), ("b", "base"), ("c", "base")]
    assert all(each.estimate.mean < 0 for each in planned.differences())
    p = {frozenset(each[:2]): each for each in every.differences()}
    for each in planned.differences():
        other = p[frozenset(each[:2])]
        assert each.p_uncorrected == pytest.approx(other.p_uncorrected, rel=1e-9)
        assert each.p_value < other.p_value
        assert each.smallest_visible < other.smallest_visible
    text = " ".join(str(planned).split())
    assert "Planned comparisons: each with base; a difference below 1 point" in text
    assert "the 3 planned pairs" in text


def test_pairs_may_be_named_one_by_one(oracle, quick):
    candidates = spread(oracle, {"a": 0.5, "b": 0.55, "c": 0.6})
    found = compare(candidates, quick, seeds=3, pairs=[("a", "b"), ("c", "b")], margin=0.1)
    assert [each[:2] for each in found.differences()] == [("a", "b"), ("c", "b")]
    means = [each.estimate.mean for each in found.differences()]
    assert means == pytest.approx([-5, 5], abs=1.5)
    assert found.result.difference.values.tolist() == means
    assert "a with b; c with b; a difference below 0.1 points" in " ".join(str(found).split())


def test_equivalence_and_power_use_the_margin(oracle, quick):
    candidates = spread(oracle, {"a": 0.5, "b": 0.5, "c": 0.9}, seeds=8)
    wide, narrow = (
        compare(candidates, quick, seeds=8, baseline="a", margin=margin) for margin in (5, 0.5)
    )
    near, far = wide.differences()
    assert near.equivalent
    assert not near.told_apart
    assert far.told_apart
    assert not far.equivalent
    assert not any(each.equivalent for each in narrow.differences())
    for one, other in zip(wide.differences(), narrow.differences(), strict=True):
        assert one.smallest_visible == other.smallest_visible
        assert one.seeds_needed < other.seeds_needed
        sd = np.std(one.estimate.values, ddof=1)
        expected = smallest_visible_difference(sd, 8, 0.05 / 2)
        assert one.smallest_visible == pytest.approx(expected)


def test_without_a_spread_nothing_is_said_of_power(oracle, quick):
    found = compare({n: oracle(lambda *_: 0.5, {}) for n in "ab"}, quick, seeds=3)
    (same,) = found.differences()
    assert (same.p_value, same.told_apart, same.equivalent) == (1, False, False)
    assert np.isnan([same.p_equivalence, same.smallest_visible, same.seeds_needed]).all()


def test_a_candidate_without_a_result_is_in_no_pair(oracle, quick):
    candidates = spread(oracle, {"a": 0.5, "b": 0.6, "base": 0.6})
    candidates["a"] = oracle(lambda *_: 0.5, {}, text="a", fail_at=0)
    found = compare(candidates, quick, baseline="base")
    assert [each[:2] for each in found.differences()] == [("b", "base")]
    candidates["base"] = oracle(lambda *_: 0.5, {}, text="base", fail_at=0)
    assert compare(candidates, quick, baseline="base").differences() == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"baseline": "bb"}, "baseline must be the name of a candidate, not 'bb'; did you mean"),
        ({"baseline": "MLP (paper)"}, "baseline must be the name of a candidate"),
        ({"baseline": 3}, "baseline must be a name, not 3"),
        ({"baseline": "a", "pairs": [("a", "b")]}, "pairs must be left out with a baseline"),
        ({"pairs": [("a", "c")]}, r"pairs\[0\] must be names of candidates, not 'c'"),
        ({"pairs": [("a", "a")]}, r"pairs\[0\] must be two different names, not \('a', 'a'\)"),
        ({"pairs": ["ab"]}, r"pairs\[0\] must be two different names, not 'ab'"),
        ({"pairs": "ab"}, "pairs must be pairs of names"),
        ({"pairs": [("a", "b"), ("b", "a")]}, "pairs must be all different"),
        ({"margin": 0}, "margin must be above 0 and at most 100, not 0"),
        ({"references": "tunde"}, "references must be True, False or \"tuned\", not 'tunde'"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(oracle, quick, settings, expected):
    candidates = {name: oracle(lambda *_: 0.5, {}, text=name) for name in "ab"}
    with pytest.raises(ValueError, match=expected):
        compare(candidates, quick, **settings)
    assert not candidates["a"].done


# Simulated runs, of which the truth is known

N = 300


def simulated(differences, n_seeds=5, sd=1.0, n_times=N, margin=1.0, digits=16):
    """Compare simulated candidates with a baseline, `differences` points apart from it."""
    rng = np.random.default_rng(1)
    names = [str(i) for i in range(len(differences))]
    pairs = [(name, "base") for name in names]
    for _ in range(n_times):
        # A spread of `sd` points in every difference, half of it the baseline's.
        runs = rng.normal(0, sd / np.sqrt(2), (len(names) + 1, n_seeds))
        runs[1:] += np.reshape(differences, (-1, 1))
        accuracy = np.round(0.7 + runs / 100, digits)
        yield differences_of(dict(zip(["base", *names], accuracy, strict=True)), pairs, margin)


@pytest.mark.slow
def test_false_alarms_of_all_pairs_together_are_rare():
    n_alarms = sum(any(each.told_apart for each in found) for found in simulated([0, 0, 0, 0]))
    assert 0.01 < n_alarms / N < 0.05 + 3 * np.sqrt(0.05 * 0.95 / N)


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [2, 3])
def test_false_alarms_of_few_seeds_are_rare_where_accuracies_have_steps(n_seeds):
    # Of 1,000 samples: runs may differ by exactly the same, which is not tested.
    found = list(simulated([0, 0, 0, 0], n_seeds=n_seeds, digits=3))
    n_alarms = sum(any(each.told_apart for each in pairs) for pairs in found)
    assert n_alarms / N < 0.05 + 3 * np.sqrt(0.05 * 0.95 / N)
    same = [each for pairs in found for each in pairs if each.same_for_all_seeds]
    assert (len(same) > 10) == (n_seeds == 2)
    assert np.isnan([each.p_value for each in same]).all()


@pytest.mark.slow
def test_a_difference_that_is_called_visible_is_found_in_80_percent():
    visible = smallest_visible_difference(1.0, 5, 0.05 / 2)
    found = [each[0].told_apart for each in simulated([visible, 0])]
    assert np.mean(found) == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / N))


@pytest.mark.slow
def test_a_difference_as_large_as_the_margin_is_rarely_called_equivalent():
    n_wrong = sum(found[0].equivalent for found in simulated([1.0], n_seeds=20))
    assert n_wrong / N < 0.05 + 3 * np.sqrt(0.05 * 0.95 / N)
    n_right = sum(found[0].equivalent for found in simulated([0.0], n_seeds=20))
    assert n_right / N > 0.95
