"""Budget, seeds, data and batches are the same for all candidates."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.stats

import mnist1d
from mnist1d.lab.candidates.contract import batch_order
from mnist1d.lab.candidates.search_space import plain_values
from mnist1d.lab.comparison import data
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.search import choose_tries, edges


def test_a_larger_search_space_is_cut_down_to_the_common_budget(oracle, quick):
    small, large = (
        oracle(oracle.best_at(0.01)),
        oracle(
            oracle.best_at(0.01), search={"learning_rate": (0.001, 0.01, 0.1), "depth": range(100)}
        ),
    )
    fixed = oracle(oracle.best_at(0.01), search={"learning_rate": (0.01,)})
    found = compare({"small": small, "large": large, "fixed": fixed}, quick)
    assert (len(small.tuned), len(large.tuned), len(fixed.tuned)) == (6, 6, 0)
    tried = {json.dumps(settings) for settings, _, _ in large.tuned}
    assert len(tried) == 3
    text = " ".join(str(found).split())
    assert "3 of 300 settings tried" in text
    assert "fixed function nothing learning_rate = 0.01" in text


def test_distributions_are_drawn_from_and_the_draw_is_that_of_its_seed():
    space = plain_values({"C": scipy.stats.loguniform(0.1, 10), "k": scipy.stats.randint(1, 4)})
    tries = choose_tries(space, 50, seed=0)
    assert tries == choose_tries(space, 50, seed=0) != choose_tries(space, 50, seed=1)
    c = [each["C"] for each in tries]
    assert 0.1 <= min(c) < 0.3
    assert 3 < max(c) <= 10
    assert {each["k"] for each in tries} == {1, 2, 3}
    json.dumps(tries)


def test_a_list_of_grids_tries_each_of_them(oracle, quick):
    grids = [{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": np.array([0.1, 1.0])}]
    space = plain_values(grids)
    assert choose_tries(space, 5, seed=0) == [
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 0.1},
        {"kernel": "rbf", "gamma": 1.0},
    ]
    assert edges(space, {"kernel": "linear"}) == []
    assert edges(space, {"kernel": "rbf", "gamma": 1.0}) == [("gamma", 1.0, "highest")]
    candidate = oracle(lambda *_: 0.9, search=space)
    assert compare({"a": candidate}, quick).result.n_tries.item() == 3
    with pytest.raises(ValueError, match="a list of one or more mappings"):
        plain_values([1, 2])


def test_data_may_be_a_dataset_with_the_samples_of_its_configuration(quick):
    dataset = mnist1d.generate(quick.data)
    assert dataclasses.replace(quick, data=dataset) == quick
    changed = dataclasses.replace(dataset, x=dataset.x + 1)
    with pytest.raises(ValueError, match="this one has others"):
        dataclasses.replace(quick, data=changed)


def test_a_random_search_is_that_of_its_seed():
    space = {"a": range(10**9), "b": range(10**9)}
    first, again, other = (choose_tries(space, 20, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len({tuple(each.items()) for each in first}) == 20
    whole = choose_tries({"a": (1, 2), "b": (3, 4, 5)}, 6, seed=0)
    assert [tuple(each.values()) for each in whole] == [(a, b) for a in (1, 2) for b in (3, 4, 5)]


def test_all_candidates_have_the_same_seeds_data_and_batches(oracle, quick):
    one, two = oracle(oracle.best_at(0.01), text="one"), oracle(oracle.best_at(0.01), text="two")
    compare({"one": one, "two": two}, quick, shuffled=True)
    assert one.done == two.done


def test_with_data_that_varies_every_seed_has_its_own(quick):
    sets = data.DataSets(Protocol(data=quick.data, validation_samples=500, vary_data=True))
    variants = [data.Variant(draw, final=True) for draw in (0, 1, None)]
    firsts = [sets.sets(variant).x[0].tobytes() for variant in variants]
    assert len(set(firsts)) == 3
    means = [float(sets.sets(variant).x.mean()) for variant in variants]
    assert max(map(abs, means)) < 0.1  # each standardised with its own constants
    assert sets.key(variants[0]) != sets.key(variants[1])


def test_batches_are_those_of_the_contract(quick):
    order = batch_order(400, quick.schedule, seed=3)
    assert sorted(order[:4].ravel()) == list(range(400))
