"""Verdicts of the record, derived again from its arrays, without the code that gives verdicts.

Published numbers, their spread and the margins are written down here a second time, too.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = json.loads((ROOT / "results" / "claims.json").read_text(encoding="utf-8"))
KEPT = {(claim["experiment"], claim["claim"]): claim for claim in CLAIMS}


@cache
def arrays(experiment):
    path = ROOT / "results" / experiment / "result.nc"
    with xr.open_dataset(path, engine="h5netcdf") as result:
        return result.load()


def table_1(data, model):
    accuracy = arrays("classification").early_stopped_accuracy.sel(data=data, model=model)
    return 100 * accuracy.to_numpy().astype(float).round(6)


def best_training(data, model):
    accuracy = arrays("classification").train_accuracy.sel(data=data, model=model).max("step")
    return 100 * accuracy.to_numpy().astype(float).round(6)


def of_last_thousand(accuracy, steps):
    """Average over the evaluations of the last 1,000 of 6,000 steps, one in a hundred."""
    assert steps[-11:].tolist() == list(range(5000, 6001, 100))
    return 100 * accuracy.to_numpy()[:, -11:].astype(float).mean(axis=1)


def long_training(study, network):
    accuracy = arrays("lottery-tickets").study_test_accuracy.sel(study=study, network=network)
    return of_last_thousand(accuracy, accuracy.study_step.to_numpy())


def neighbours(search):
    """How often three neighbouring weights are all kept, in per cent."""
    masks = arrays("lottery-tickets").ticket_mask.sel(search=search).to_numpy().astype(bool)
    runs = masks[..., :-2] & masks[..., 1:-1] & masks[..., 2:]
    return 100 * runs.reshape(len(masks), -1).mean(axis=1)


def pooled(variant, size):
    accuracy = arrays("pooling").test_accuracy.sel(variant=variant, n_samples=size)
    return of_last_thousand(accuracy, accuracy.step.to_numpy())


def mean_pooled(size):
    return np.mean([pooled(kind, size) for kind in ("max_pool", "avg_pool", "l2_pool")], axis=0)


def before_head():
    return (
        100 * arrays("self-supervised").linear_accuracy.sel(variant="default", layer=3).to_numpy()
    )


def largest_model():
    return 100 * arrays("double-descent").error_last.sel(series="mlp-noise").to_numpy()


def with_relu():
    accuracy = arrays("metalearn-activation").accuracy.sel(condition="relu")
    return 100 * accuracy.isel(inner_step=-1).to_numpy()


def half(values, confidence):
    """Half of Student's interval of a mean."""
    n = len(values)
    return stats.t.ppf((1 + confidence) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n)


def number(values, published, margin, sd=None, n=1, rounding=0):
    """Return the p value of Welch's test, or of one run more, and what is confirmed.

    A number that is published in whole per cent may have been up to half of one away.
    """
    mean, variance, runs = np.mean(values), np.var(values, ddof=1), len(values)
    if sd is None:
        error, df = np.sqrt(variance * (1 / runs + 1 / n)), runs - 1
    else:
        ours, theirs = variance / runs, sd**2 / n
        error = np.sqrt(ours + theirs)
        df = (ours + theirs) ** 2 / (ours**2 / (runs - 1) + theirs**2 / (n - 1))
    p = 2 * stats.t.sf(max(abs(mean - published) - rounding, 0) / error, df)
    reach = half(values, 0.9)
    holds = abs(mean - published) + reach <= margin
    return p, "reproduced" if holds else "consistent" if reach <= margin else "imprecise"


def at_least(values, bound):
    """Return the two-sided p value of a mean below a bound, and what is confirmed."""
    mean, n = np.mean(values), len(values)
    error = np.std(values, ddof=1) / np.sqrt(n)
    p = 1.0 if mean >= bound else 2 * stats.t.cdf((mean - bound) / error, n - 1)
    return p, "reproduced" if mean - half(values, 0.95) > bound else "imprecise"


def within(values, margin):
    """Return the p value of a mean beyond a margin around zero, and what is confirmed."""
    away = np.abs(np.mean(values))
    p = at_least(-np.sign(np.mean(values)) * values, -margin)[0]
    return p, "reproduced" if away + half(values, 0.9) <= margin else "imprecise"


def after_correction(experiment, claim, p):
    """Correct a p value by Holm's method for the other claims, whose values are in the record."""
    others = [
        kept["p"]
        for (name, other), kept in KEPT.items()
        if name == experiment and other != claim and kept["verdict"] != "not checkable"
    ]
    known = sorted([p, *(other for other in others if other is not None)])
    steps = [min(1, (len(known) - place) * each) for place, each in enumerate(known)]
    return max(steps[: known.index(p) + 1])


BY_HAND = {
    ("classification", "test-accuracy-plain-cnn"): lambda: (
        table_1("plain", "CNN"),
        lambda found: number(found, 94, 2, sd=2, n=3, rounding=0.5),
    ),
    ("classification", "test-accuracy-plain-mlp"): lambda: (
        table_1("plain", "MLP"),
        lambda found: number(found, 68, 2, sd=2, n=3, rounding=0.5),
    ),
    ("classification", "shuffling-hurts-cnn"): lambda: (
        table_1("plain", "CNN") - table_1("shuffled", "CNN"),
        lambda found: at_least(found, 0),
    ),
    ("classification", "fits-training-set-shuffled-gru"): lambda: (
        best_training("shuffled", "GRU"),
        lambda found: at_least(found, 99.5),
    ),
    ("lottery-tickets", "asymptote-flipped"): lambda: (
        long_training("flipped", "lottery"),
        lambda found: number(found, 70, 2, n=2, rounding=0.5),
    ),
    ("lottery-tickets", "reinitialised-beats-dense"): lambda: (
        long_training("re-initialised", "lottery") - long_training("re-initialised", "dense"),
        lambda found: at_least(found, 0),
    ),
    ("lottery-tickets", "adjacency-three"): lambda: (
        neighbours("lottery") - neighbours("random"),
        lambda found: at_least(found, 0),
    ),
    ("double-descent", "last-error-mlp-noise"): lambda: (
        largest_model(),
        lambda found: number(found, 45.47, 2),
    ),
    ("metalearn-activation", "test-accuracy-relu"): lambda: (
        with_relu(),
        lambda found: number(found, 58.8, 4),
    ),
    ("self-supervised", "before-head"): lambda: (
        before_head(),
        lambda found: number(found, 82, 3, rounding=0.5),
    ),
    ("pooling", "gain-shrinks"): lambda: (
        (mean_pooled(1000) - pooled("no_pool", 1000))
        - (mean_pooled(50_000) - pooled("no_pool", 50_000)),
        lambda found: at_least(found, 0),
    ),
    ("pooling", "little-difference-50000"): lambda: (
        mean_pooled(50_000) - pooled("no_pool", 50_000),
        lambda found: within(found, 2),
    ),
}


@pytest.mark.parametrize(("experiment", "claim"), BY_HAND, ids=lambda name: name)
def test_a_verdict_comes_out_again(experiment, claim):
    kept = KEPT[experiment, claim]
    values, judge = BY_HAND[experiment, claim]()
    p, confirmed = judge(values)
    assert len(values) == kept["n"]
    # Measures are rounded to six decimals of a fraction.
    assert np.mean(values) == pytest.approx(kept["ours"], abs=1e-4)
    assert np.std(values, ddof=1) == pytest.approx(kept["sd"], abs=1e-4)
    assert p == pytest.approx(kept["p"], abs=1e-4)
    corrected = after_correction(experiment, claim, p)
    assert corrected == pytest.approx(kept["p_corrected"], abs=1e-2)
    differs = "differs slightly" if confirmed == "reproduced" else "differs"
    assert kept["verdict"] == (differs if corrected < 0.05 else confirmed)
