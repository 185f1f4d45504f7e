"""Grokking: what is trained and measured, and which delays the claims tell apart."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d.experiments.beyond import grokking
from mnist1d.experiments.beyond.grokking import measures, method as experiment
from mnist1d.experiments.beyond.grokking.claims import CONTROL, GROKS, UNDECAYED
from mnist1d.experiments.beyond.grokking.config import Config
from mnist1d.experiments.beyond.grokking.measures import Curves
from mnist1d.experiments.beyond.grokking.table import places_of
from mnist1d.experiments.beyond.grokking.training import (
    Trainer,
    evaluate,
    initial_networks,
    last_features,
    samples_of,
)
from mnist1d.harness.claims import judge

CONFIG = Config()
TINY = dataclasses.replace(Config.quick(), n_samples=(20, 40), scales=(1.0, 4.0), n_steps=20)


class MadeUp:
    """Takes the place of `Compute`: keeps the keys, and returns curves that a key determines.

    All networks fit after 300 steps or soon after; those with large weights generalise when the
    decay has undone the factor, and so never without decay.
    """

    def __init__(self, start=20.0):
        self.keys, self._start = [], start

    def __call__(self, tasks, _, config):
        steps = np.array(experiment.even_in_log(config.n_steps, experiment.PER_DECADE))
        for task in tasks:
            key = task.key
            self.keys.append(key)
            curves = [self._curves(steps, key, scale, config) for scale in key["scales"]]
            yield task, {name: np.array([each[name] for each in curves]) for name in curves[0]}

    def _curves(self, steps, key, scale, config):
        shrinks = config.learning_rate * key["decay"]
        fitted = 300 * key["n_samples"] / 1000 * (1 + key["trial"] / 50)
        with np.errstate(divide="ignore"):
            at = np.divide(np.log(scale), shrinks) if scale > 1 else fitted / 2
        late = 1 / (1 + (at / steps) ** 8)
        start = self._start if scale > 1 else 45 - 5
        noise = np.random.default_rng(key["trial"]).normal(size=len(steps))
        similarity = 1 - 0.05 / (1 + (fitted / steps) ** 8) - 0.4 * late
        return {
            "train_accuracy": 1 / (1 + (fitted / steps) ** 8) / 1.001,
            "test_accuracy": (start + (45 - start) * late + 0.1 * noise) / 100,
            "train_loss": 0.5 / (1 + steps / fitted),
            "norm": 8 * np.maximum(scale * np.exp(-shrinks * steps), 1 / 2),
            "similarity": similarity,
        }


def made_up(seeds=4, **how):
    return experiment.run(dataclasses.replace(CONFIG, seeds=seeds), compute=MadeUp(**how))


def test_every_condition_is_trained_once_and_has_its_place():
    compute = MadeUp()
    result = experiment.run(CONFIG, compute=compute)
    assert len({str(key) for key in compute.keys}) == len(compute.keys)
    assert len(compute.keys) == len(CONFIG.conditions) * CONFIG.seeds
    assert result.step[0] == 1
    assert result.step[-1] == CONFIG.n_steps
    tried = {(place.n_samples, place.decay) for place in places_of(result)}
    assert tried == set(CONFIG.conditions)
    assert len(places_of(result)) == len(tried) * len(CONFIG.scales)
    np.testing.assert_allclose(
        result.norm.sel(GROKS._asdict()).isel(step=0), 8 * GROKS.scale, rtol=1e-2
    )


def test_steps_are_read_off_a_curve_between_evaluations():
    steps = np.array([1, 10, 100, 1000, 10_000])
    flat = np.ones(5)
    run = Curves(
        step=steps,
        train_accuracy=np.array([0.1, 0.99, 1, 1, 1]),
        test_accuracy=np.array([0.1, 0.2, 0.2, 0.3, 0.5]),
        train_loss=flat,
        norm=np.array([16.0, 16, 8, 4, 2]),
        similarity=flat,
    )
    assert run.fitted == pytest.approx(10)
    # 0.45 is three quarters of the way from 0.3 to 0.5.
    assert run.generalised == pytest.approx(10**3.75)
    assert run.final_accuracy == 0.5
    assert run.at("norm", 10**1.5) == pytest.approx(12)
    assert np.isnan(run.at("norm", 20_000))
    assert np.isnan(run.at("norm", np.nan))
    assert np.isnan(measures.first_reached(steps, run.test_accuracy, 0.6))
    assert measures.first_reached(steps, run.test_accuracy, 0.05) == 1


def test_scales_multiply_the_same_initial_weights_and_biases():
    networks = initial_networks(TINY, 3)
    for leaf in jax.tree.leaves(networks):
        np.testing.assert_array_equal(leaf[1], 4 * leaf[0])
    other = initial_networks(TINY, 4)
    assert not np.array_equal(networks.output.weight, other.output.weight)


def one_network(trial):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), initial_networks(TINY, trial))


@pytest.mark.slow
def test_evaluation_measures_the_samples_that_are_trained_on():
    network, other = (one_network(trial) for trial in (0, 1))
    parts = jax.tree.map(jnp.asarray, samples_of(TINY, 0))
    x, labels = parts["train"]
    measured = jax.jit(evaluate)
    outputs = np.asarray(network(x[:20].T)).T
    data = {**parts, "n": np.int32(20), "initial": network}
    found = measured(network, data)
    assert found["train_accuracy"] == (outputs.argmax(axis=1) == labels[:20]).mean()
    expected = ((outputs - np.eye(10)[labels[:20]]) ** 2).sum(axis=1).mean() / 2
    assert found["train_loss"] == pytest.approx(expected, rel=1e-5)
    squares = [np.square(leaf).sum() for leaf in jax.tree.leaves(network)]
    assert found["norm"] == pytest.approx(np.sqrt(sum(squares)), rel=1e-5)
    assert found["similarity"] == pytest.approx(1)
    features = last_features(network, x[:5]).T
    np.testing.assert_allclose(network.output(features).T, outputs[:5], rtol=1e-4, atol=1e-5)
    reversed_signals = data | {"test": (parts["test"][0][:, ::-1], parts["test"][1])}
    assert measured(network, reversed_signals)["similarity"] == pytest.approx(1)
    assert measured(network, data | {"initial": other})["similarity"] < 0.99


@pytest.mark.slow
def test_other_samples_than_those_of_its_size_do_not_matter(monkeypatch):
    def trained(change):
        parts = {name: (x.copy(), y) for name, (x, y) in samples_of(TINY, 0).items()}
        change(parts["train"][0])
        monkeypatch.setattr(f"{Trainer.__module__}.samples_of", lambda *_: parts)
        tasks = [experiment._networks(TINY, 20, decay, 0) for decay in (0.0, 0.5)]
        return [arrays for _, arrays in trainer(tasks, jax.devices()[0], lambda _: None)]

    def beyond(x):
        x[20:] = 0

    def within(x):
        x[5] = 0

    trainer = Trainer(TINY)
    first, same, other = (trained(each) for each in (lambda _: None, beyond, within))
    for name, values in first[0].items():
        np.testing.assert_array_equal(values, same[0][name])
    assert not np.array_equal(first[0]["train_loss"], other[0]["train_loss"])
    assert first[0]["norm"].shape == (2, len(experiment.even_in_log(20, experiment.PER_DECADE)))
    # Beside large weights their own updates are small.
    shrunk = first[1]["norm"][1, -1] / first[0]["norm"][1, -1]
    np.testing.assert_allclose(shrunk, (1 - 0.5 * TINY.learning_rate) ** 20, rtol=2e-3)


def verdicts(result):
    return {each.claim.name: each.verdict for each in judge(grokking.CLAIMS, result, full=True)}


def test_claims_hold_for_networks_that_grok_and_need_decay_for_it():
    result = made_up()
    found = verdicts(result)
    assert len(found) == len(grokking.CLAIMS)
    # The statements about training without decay exclude each other.
    assert found.pop("rises-without-decay") == "differs"
    assert found.pop("large-is-lazy") == "reproduced"
    assert {name: verdict for name, verdict in found.items() if verdict != "reproduced"} == {}
    # By the curves: where x^8 / (1 + x^8) has the level.
    fitted = 300 * GROKS.n_samples / 1000 * (0.991 / 0.009) ** (1 / 8)
    undone = np.log(GROKS.scale) / (CONFIG.learning_rate * GROKS.decay)
    generalised = undone * (20.5 / 4.5) ** (1 / 8)
    delays = measures.delay(GROKS).per_seed(result)
    assert delays[0] == pytest.approx(np.log10(generalised / fitted), abs=0.03)


def test_claims_differ_where_nothing_rises_late():
    found = verdicts(made_up(start=44.0))
    assert found["grokking"] == "differs"
    assert found["tenfold-delay"] != "reproduced"


@pytest.mark.slow
def test_what_a_network_does_not_reach_has_no_number():
    result = made_up()
    never = result.train_accuracy.where(result.seed != 1, 0.9)
    result = result.assign(train_accuracy=never)
    assert np.isnan(measures.delay(CONTROL).per_seed(result)).tolist() == [
        False,
        True,
        *2 * [False],
    ]
    assert any("12 of 48 networks do not fit" in line for line in grokking.remarks(result))
    assert len(grokking.remarks(result)) == 2
    rows = {(row.group, row.condition): row for row in grokking.summarise(result)}
    assert len(rows) == len(places_of(result))
    assert all("delay (powers of ten)" not in row.estimates for row in rows.values())
    assert all("in the end (%)" in row.estimates for row in rows.values())
    assert grokking.plot(result).keys() == grokking.CAPTIONS.keys()


def test_claims_are_explained_with_numbers_of_the_result():
    result = made_up()
    texts = grokking.explain(result)
    assert {*texts} < {claim.name for claim in grokking.CLAIMS}
    assert "is 32 at its lowest and 32 in the end" in texts["no-decay-no-rise"]
    assert "Of 4 networks with usual weights, 4 are near" in texts["standard-in-time"]
    assert grokking.explain(result.sel(decay=[0.0])) == {}


def test_remarks_say_what_agreement_with_the_theorem_is_worth():
    result = made_up()
    said = " ".join(grokking.remarks(result))
    assert "the theorem has 13,863 steps" in said
    # Curves move with the theorem's time, and are near their highest somewhat later.
    late = (20.5 / 4.5) ** (1 / 8)
    ratios = 2 ** (measures.log_time(GROKS).per_seed(result) - np.log2(13_863))
    np.testing.assert_allclose(ratios, late, rtol=0.05)
    norm = 4 * np.exp(-np.log(4) * ratios)
    at = measures.norm_at(GROKS, lambda run: run.generalised).per_seed(result)
    np.testing.assert_allclose(at, 8 * norm, rtol=0.05)
    assert f"a norm of 32.0 has become {at.mean():.1f}." in said
    assert "below zero in 4 of 4 trials" in said
    assert len(grokking.remarks(result.sel(decay=[0.01]))) == 1


@pytest.mark.slow
def test_no_mean_is_drawn_of_steps_that_are_far_apart():
    """Two trials with usual weights are near their best before the fit, two long after it."""
    result = made_up()
    late = (result.seed > 1) & (result.scale == CONTROL.scale) & (result.step < 1000)
    result = result.assign(test_accuracy=result.test_accuracy.where(~late, 0.2))
    above = grokking.plot(result)["figure"].axes[:3]
    assert [len(axes.lines) for axes in above] == [4, 4, 3]
    steps = measures.generalised_after(CONTROL)(result)
    assert steps.mean > 300
    assert steps.low == 0


def test_rows_name_the_claim_about_them():
    rows = {row.claim: row for row in grokking.summarise(made_up())}
    assert rows["grokking"].condition == f"initial weights x {GROKS.scale:g}"
    assert rows["no-decay-no-rise"].group.endswith(f"weight decay {UNDECAYED.decay:g}")
    assert "norm when generalised" in rows["grokking"].estimates


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_samples": (100, 250)}, "n_samples must each divide the last one, 250, not 100"),
        ({"scales": (2.0, 1.0)}, "scales must rise"),
        ({"other_decays": (-0.1, 1.0)}, r"other_decays\[0\] must be at least 0"),
        ({"n_steps": 5}, "n_steps must be"),
        ({"data": CONFIG.data.replace(seed=3)}, "data must leave seed as it is"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        dataclasses.replace(CONFIG, **changes)
