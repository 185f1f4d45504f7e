"""The lottery-ticket experiment: what is pruned, shared, resumed and counted."""

import dataclasses

import jax
import numpy as np
import pytest
import xarray as xr

import mnist1d
from mnist1d.execution import Compute, Store
from mnist1d.experiments.lottery_tickets import method, training
from mnist1d.experiments.lottery_tickets.claims import (
    adjacency,
    between,
    nearest,
    searched,
    studied,
)
from mnist1d.experiments.lottery_tickets.config import SEARCHES, STUDIES, Config
from mnist1d.experiments.lottery_tickets.method import run
from mnist1d.experiments.lottery_tickets.training import initial_network, search_training
from mnist1d.measures.adjacency import runs_per_unit
from mnist1d.measures.expressions import last
from mnist1d.models import MaskedMLP, count_parameters
from mnist1d.models.masks import full_mask
from mnist1d.training import as_data, masked
from mnist1d.training.masked import MaskedTrainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_module", "one_device")]

TINY = Config(
    seeds=2,
    hidden_size=8,
    rounds=5,
    search_steps=5,
    study_steps=5,
    evaluate_every=2,
    ticket_sparsity=0.75,
)


@pytest.fixture(scope="module")
def whole(quick_module, one_device):  # noqa: ARG001 (it compiles, for one)
    return run(TINY)


def test_the_network_of_the_paper_has_276010_parameters():
    assert count_parameters(initial_network(Config(), 0, "lottery")) == 276_010


def test_the_published_sparsities_and_the_ticket_are_those_of_the_paper():
    config = Config()
    np.testing.assert_allclose(config.sparsities, np.arange(100) / 99)
    assert config.ticket_round == 91


def test_tickets_have_the_asked_sparsity_and_searches_differ(whole):
    kept = whole.ticket_mask.to_numpy()
    assert kept.shape == (2, 2, 8, 40)
    assert whole.ticket_sparsity == 0.75
    # Biases are in the same vector, so that the weights alone may differ a little.
    assert np.abs(1 - kept.mean(axis=(2, 3)) - 0.75).max() < 0.02
    assert (kept[0] != kept[1]).any(axis=(1, 2)).all()


def test_everything_at_sparsity_1_guesses_the_first_class(whole):
    np.testing.assert_allclose(whole.search_test_accuracy.sel(sparsity=1.0), 0.102, atol=1e-6)
    np.testing.assert_allclose(whole.search_test_loss.sel(sparsity=1.0), np.log(10), atol=1e-6)


def test_both_searches_of_a_trial_start_dense_from_the_same_weights(whole):
    dense = whole.search_test_accuracy.sel(sparsity=0.0)
    np.testing.assert_array_equal(dense.sel(search="random"), dense.sel(search="lottery"))


def test_controls_keep_what_they_promise_of_the_ticket(whole):
    ticket = whole.ticket_mask.sel(search="lottery").to_numpy()
    degrees = whole.control_mask.sel(control="same degrees").to_numpy()
    runs = whole.control_mask.sel(control="same runs").to_numpy()
    np.testing.assert_array_equal(degrees.sum(axis=1), ticket.sum(axis=1))
    np.testing.assert_array_equal(degrees.sum(axis=2), ticket.sum(axis=2))
    for length in (1, 2, 3):
        np.testing.assert_array_equal(runs_per_unit(runs, length), runs_per_unit(ticket, length))


def test_an_interrupted_run_goes_on_where_it_was_with_the_same_bits(whole, tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def stops_after(n):
        original, saved = Store.save, []

        def save(self, *arguments, **key):
            if len(saved) == n:
                raise StopError
            saved.append(original(self, *arguments, **key))

        monkeypatch.setattr(Store, "save", save)
        with pytest.raises(StopError):
            run(TINY, compute=Compute(Store(tmp_path)))
        monkeypatch.setattr(Store, "save", original)

    for n in (3, 9, 14):  # twice within the search, once within the studies
        stops_after(n)
    store = Store(tmp_path)
    result = run(TINY, compute=Compute(store))
    assert store.n_found == 3 + 9 + 14
    xr.testing.assert_identical(result, whole)

    def refuse(*_, **__):
        raise StopError

    monkeypatch.setattr(masked.Programs, "get", refuse)
    xr.testing.assert_identical(run(TINY, compute=Compute(Store(tmp_path))), whole)


def test_more_trials_use_what_fewer_have_computed(whole, tmp_path):
    run(dataclasses.replace(TINY, seeds=1), compute=Compute(Store(tmp_path)))
    store = Store(tmp_path)
    result = run(TINY, compute=Compute(store))
    assert store.n_found == 2 * 5 + 17
    xr.testing.assert_identical(result, whole)


def test_a_trial_does_not_depend_on_how_many_there_are(whole):
    alone = run(dataclasses.replace(TINY, seeds=1))
    np.testing.assert_array_equal(
        alone.study_test_accuracy[:, :, 0], whole.study_test_accuracy[:, :, 0]
    )
    np.testing.assert_array_equal(alone.ticket_mask[:, 0], whole.ticket_mask[:, 0])


def first_weight(network):
    return float(np.asarray(network.hidden.weight)[0, 0])


def weights_seen(config, monkeypatch):
    """Return the first weights of the networks that are trained in every study."""
    seen = {study: [] for study in STUDIES}
    original = training.initial_network

    def drawn(config, seed, part):
        network = original(config, seed, part)
        if part in seen:
            seen[part].append(first_weight(network))
        return network

    monkeypatch.setattr(training, "initial_network", drawn)
    run(config)
    assert sorted(map(len, seen.values())) == [3, 3, 3, 3, 5]
    return seen


def test_tickets_keep_their_own_weights_but_for_the_study_of_others(monkeypatch):
    weights = weights_seen(dataclasses.replace(TINY, seeds=1), monkeypatch)
    own = first_weight(initial_network(TINY, 0, "lottery"))
    (other,) = set(weights.pop("re-initialised"))
    assert other != own
    assert set().union(*weights.values()) == {own}


def test_in_the_published_protocol_no_study_has_the_tickets_weights(monkeypatch):
    config = dataclasses.replace(
        TINY, seeds=1, protocol="published", search_steps=1001, evaluate_every=500
    )
    weights = weights_seen(config, monkeypatch)
    own = first_weight(initial_network(config, 0, "lottery"))
    assert all(len(set(each)) == 1 for each in weights.values())  # shared by a study's networks
    assert len(set().union({own}, *weights.values())) == 6


def made_up(kept, as_published):
    masks = np.stack([kept, np.ones_like(kept)])[:, None]
    return xr.Dataset(
        {
            "ticket_mask": (("search", "seed", "unit", "input"), masks),
            "as_published": as_published,
        },
        {"search": ["lottery", "random"]},
    )


def test_adjacency_is_a_share_of_positions_and_in_the_published_protocol_of_inputs():
    kept = np.zeros((2, 40), bool)
    kept[0, 10:15] = True
    two, four = (adjacency("lottery", length) for length in (2, 4))
    assert four.per_seed(made_up(kept, False)) == pytest.approx([100 * 2 / 37 / 2])
    assert two.per_seed(made_up(kept, True)) == pytest.approx([100 * 4 / 40 / 2])
    # The slip: with a random mask that keeps all, runs of three that have a place to their right.
    assert four.per_seed(made_up(kept, True)) == pytest.approx([100 * 3 / 40 / 2])


def test_claims_about_the_end_average_the_last_steps_and_the_printed_one_has_the_last():
    steps = np.arange(0, 1501, 100)
    accuracy = np.where(steps >= 1000, 0.7, 0.2)
    accuracy[-1] = 0.64
    search = xr.Dataset(
        {
            "search_test_accuracy": (
                ("search", "seed", "sparsity", "step"),
                accuracy[None, None, None],
            )
        },
        {"search": ["lottery"], "sparsity": [0.92], "step": steps},
    )
    assert searched("lottery", nearest(0.92))(search).mean == pytest.approx(69)
    assert searched("lottery", nearest(0.92), last)(search).mean == pytest.approx(64)
    steps = np.arange(0, 6001, 100)
    accuracy = np.where(steps >= 5000, 0.7, 0.2)
    accuracy[-1] = 0.59
    study = xr.Dataset(
        {
            "study_test_accuracy": (
                ("study", "network", "seed", "study_step"),
                accuracy[None, None, None],
            )
        },
        {"study": ["original"], "network": ["lottery"], "study_step": steps},
    )
    assert studied("original", "lottery")(study).mean == pytest.approx(69)


def test_rounds_are_chosen_by_their_sparsity_the_first_of_two_as_near():
    result = xr.Dataset(coords={"sparsity": Config().sparsities})
    assert nearest(0.5)(result).nonzero()[0].tolist() == [49]
    assert nearest(1)(result).nonzero()[0].tolist() == [99]
    assert between(0.80, 0.955)(result).nonzero()[0].tolist() == list(range(80, 95))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"protocol": "original"}, "protocol must be"),
        ({"products": "float16"}, "products must be"),
        ({"search_batch_size": 4001}, "search_batch_size must be from 1 to 4000, not 4001"),
        ({"ticket_sparsity": 1.5}, "ticket_sparsity must be from 0 to 1, not 1.5"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"protocol": "published", "search_steps": 1000}, "prunes after step 1000"),
        ({"protocol": "published", "evaluate_every": 300}, "prunes after step 1000"),
    ],
)
def test_impossible_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)


def test_published_pruning_looks_at_the_weights_after_step_1000():
    config = dataclasses.replace(
        TINY, seeds=1, rounds=2, protocol="published", search_steps=1002, evaluate_every=500
    )
    stopped_there = dataclasses.replace(config, search_steps=1001)
    one, other = run(config), run(stopped_there)
    np.testing.assert_array_equal(one.ticket_mask, other.ticket_mask)


def test_weights_of_different_trials_and_of_parts_that_share_none_differ():
    published = dataclasses.replace(
        TINY, protocol="published", search_steps=1001, evaluate_every=500
    )
    own = [(published, part) for part in (*SEARCHES, *STUDIES)]
    found = [
        first_weight(initial_network(config, seed, part))
        for seed in (0, 1)
        for config, part in (*own, (TINY, "lottery"))
    ]
    assert len(set(found)) == len(found)
    again = initial_network(TINY, 0, "original")
    assert jax.tree.all(jax.tree.map(np.array_equal, initial_network(TINY, 0, "lottery"), again))


def test_all_settings_determine_a_studied_network_but_those_that_choose_networks():
    fields = {field.name for field in dataclasses.fields(Config)}
    chosen_by = {"seeds", "controls", "ticket_sparsity", "data"}
    assert set(method.SETTINGS["study"]) == fields - chosen_by | {"ticket_round"}
    assert set(method.SETTINGS["search"]) == {
        name for name in fields - chosen_by if not name.startswith("study")
    }


@pytest.mark.parametrize(("backend", "groups"), [("cpu", {None}), ("gpu", {"search", "study"})])
def test_a_gpu_trains_all_networks_of_a_round_together_and_a_core_one(monkeypatch, backend, groups):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    bits = np.zeros(1, np.uint8)
    tasks = [
        method.network_task(TINY, "search", {"search": "random"}, bits),
        method.network_task(TINY, "study", {"network": "dense"}, bits),
    ]
    assert {task.group for task in tasks} == groups


def test_networks_are_trained_together_as_they_are_alone_however_many():
    trainer = MaskedTrainer(search_training(TINY), TINY.hidden_size)
    data, device = as_data(mnist1d.generate(TINY.data)), jax.devices()[0]
    networks = [initial_network(TINY, seed, "lottery") for seed in range(3)]
    jobs = [(MaskedMLP(network, full_mask(network)), data) for network in networks]
    alone = list(trainer.train(jobs, device))
    for n in (2, 3):
        steps = []
        together = list(trainer._train_together(jobs[:n], device, steps.append, 0))
        assert steps[-1] == n * TINY.search_steps
        for one, other in zip(together, alone[:n], strict=True):
            jax.tree.map(np.testing.assert_array_equal, one, other)
