"""The locality of lottery tickets: random masks, counts of neighbours, the control, the search."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings, strategies as st

from mnist1d.experiments.beyond import ticket_locality
from mnist1d.experiments.beyond.ticket_locality.claims import deviations, excess
from mnist1d.experiments.beyond.ticket_locality.config import LENGTHS, ORDERS, PRUNINGS, Config
from mnist1d.experiments.beyond.ticket_locality.method import run
from mnist1d.experiments.beyond.ticket_locality.training import (
    TicketTrainer,
    batched_data,
    initial_network,
    neighbours,
)
from mnist1d.harness.claims import judge
from mnist1d.measures.adjacency import draw_with_same_degrees, runs_per_unit
from mnist1d.models import MaskedMLP
from mnist1d.models.masks import full_mask, with_same_degrees

TINY = Config(
    seeds=2,
    sizes=(100, 300),
    widths=(6, 10),
    rounds=3,
    n_steps=9,
    batch_size=20,
    evaluate_every=4,
    n_masks=5,
)


@given(st.integers(0, 9), st.integers(1, 12), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_random_masks_have_the_degrees_of_the_given_one(n_units, n_inputs, density, seed):
    rng = np.random.default_rng(seed)
    kept = rng.random((n_units, n_inputs)) < density
    before = kept.copy()
    for drawn in draw_with_same_degrees(kept, 3, rng):
        np.testing.assert_array_equal(drawn.sum(axis=0), kept.sum(axis=0))
        np.testing.assert_array_equal(drawn.sum(axis=1), kept.sum(axis=1))
    np.testing.assert_array_equal(kept, before)


@pytest.mark.slow
def test_random_masks_of_two_units_are_equally_likely():
    kept = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], bool)
    drawn = draw_with_same_degrees(kept, 1200, np.random.default_rng(0))
    _, counts = np.unique([each.tobytes() for each in drawn], return_counts=True)
    assert len(counts) == 6
    assert ((counts - 200) ** 2 / 200).sum() < 20.5  # chi square, 5 degrees: p = 0.001


@pytest.mark.slow
def test_random_masks_are_those_of_the_slow_chain():
    rng = np.random.default_rng(0)
    kept = rng.random((40, 40)) < rng.random((40, 1)) * rng.random(40) * 0.8
    fast = [runs_per_unit(each, 3).sum() for each in draw_with_same_degrees(kept, 100, rng)]
    slow = [runs_per_unit(with_same_degrees(kept, rng), 3).sum() for _ in range(25)]
    error = np.hypot(np.std(fast) / 10, np.std(slow) / 5)
    assert abs(np.mean(fast) - np.mean(slow)) < 3.3 * error


def test_a_mask_of_runs_is_local_and_in_a_shuffled_order_it_is_not():
    rng = np.random.default_rng(3)
    kept = np.zeros((200, 40), bool)
    for unit, first in enumerate(rng.integers(0, 36, 200)):
        kept[unit, first : first + 4] = True
    found = neighbours(kept, 50, rng)
    assert found["runs"][0].tolist() == [600, 400, 200]
    above = (found["runs"] - found["expected_runs"]) / found["spread_of_runs"]
    assert (above[0] > 20).all()
    assert (np.abs(above[1]) < 5).all()


@pytest.mark.slow
def test_a_network_does_not_know_the_order_of_its_inputs():
    order = np.random.default_rng(0).permutation(40)
    trainer = TicketTrainer(TINY)._trainer
    network = initial_network(10, 1000)
    before = np.asarray(network.hidden.weight)
    shuffled = eqx.tree_at(lambda one: one.hidden.weight, network, before[:, order])
    data = batched_data(TINY, 300, 1000)
    other = {part: (x[..., order], y) for part, (x, y) in data.items()}
    jobs = [
        (MaskedMLP(network, full_mask(network)), data),
        (MaskedMLP(shuffled, full_mask(network)), other),
    ]
    (one, _), (two, _) = trainer.train(jobs, jax.devices()[0])
    assert np.abs(one.hidden.weight - before).max() > 0.05
    np.testing.assert_allclose(one.hidden.weight[:, order], two.hidden.weight, atol=2e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("one_device")
def test_both_kinds_of_tickets_have_the_asked_sparsity_and_differ():
    result = run(TINY)
    assert result.runs.dims == ("pruning", "width", "n_samples", "seed", "order", "length")
    assert np.isfinite(result.to_array()).all()
    assert (result.runs.sel(pruning=PRUNINGS[0]) != result.runs.sel(pruning=PRUNINGS[1])).any()
    alone = run(dataclasses.replace(TINY, seeds=1, widths=(10,)))
    xr.testing.assert_equal(alone, result.sel(seed=[0], width=[10]))


def made_up(three):
    """Make a result in which only runs of three, by number of samples, are not as by chance."""
    config = Config()
    coords = {
        "pruning": list(PRUNINGS),
        "width": list(config.widths),
        "n_samples": list(config.sizes),
        "seed": np.arange(5),
        "order": list(ORDERS),
        "length": list(LENGTHS),
    }
    shape = [len(each) for each in coords.values()]
    noise = np.random.default_rng(0).normal(0, 2, shape)
    result = xr.Dataset(
        {
            "runs": (tuple(coords), 100 + noise),
            "expected_runs": (tuple(coords), np.full(shape, 100.0)),
            "spread_of_runs": (tuple(coords), np.full(shape, 10.0)),
            "n_weights": (tuple(coords)[:4], np.full(shape[:4], 100.0)),
            "ticket_accuracy": (tuple(coords)[:4], np.full(shape[:4], 0.7)),
            "dense_accuracy": (tuple(coords)[1:4], np.full(shape[1:4], 0.6)),
        },
        coords,
    )
    for size, runs in zip(config.sizes, three, strict=True):
        place = {"pruning": PRUNINGS[0], "n_samples": size, "order": ORDERS[0], "length": 3}
        result.runs.loc[place] = result.runs.loc[place] + runs
    return result


def test_claims_are_judged_by_runs_above_chance():
    result = made_up((10, 20, 30, 40))
    assert excess(3, n_samples=20_000)(result).mean == pytest.approx(30, abs=3)
    assert deviations(3)(result).mean == pytest.approx(2, abs=0.3)
    found = {each.claim.name: each for each in judge(ticket_locality.CLAIMS, result, full=True)}
    verdicts = {name: each.verdict for name, each in found.items()}
    for name in ("more-pairs", "more-fours", "more-threes-at-once"):
        assert verdicts.pop(name) != "reproduced"
    assert {verdicts[name] for name in verdicts if name.startswith("more")} == {"reproduced"}
    assert verdicts["grows-with-samples"] == verdicts["order-matters"] == "reproduced"
    assert verdicts["rounds-make-local"] == "reproduced"
    assert found["rounds-make-local"].estimate.mean == pytest.approx(25, abs=3)
    falling = judge(ticket_locality.CLAIMS, made_up((40, 30, 20, 10)), full=True)
    assert {each.claim.name: each.verdict for each in falling}["grows-with-samples"] == "differs"


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="batch_size must be from 1 to 1000, not 1001"):
        Config(batch_size=1001)
    with pytest.raises(ValueError, match="num_samples"):
        Config(data=Config().data.replace(num_samples=100))
