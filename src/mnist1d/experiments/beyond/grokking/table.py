"""The table of grokking, and remarks on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.grokking.claims import (
    BY_SCALE,
    CONTROL,
    DEFAULT,
    FEW,
    GROKS,
    LARGE,
    MIDDLE,
    TENFOLD,
    TWICE,
    UNDECAYED,
)
from mnist1d.experiments.beyond.grokking.measures import (
    FITTED,
    LATE,
    NEAR_BEST,
    Curves,
    Place,
    accuracy_when_fitted,
    curves_of,
    delay,
    final_accuracy,
    fitted_after,
    generalised_after,
    late_rise,
    log_time,
    norm_at,
)
from mnist1d.harness.interface import Row
from mnist1d.measures.expressions import Measure
from mnist1d.measures.text import with_ends

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = {
    "fitted after (steps)": fitted_after,
    "generalised after (steps)": generalised_after,
    "delay (powers of ten)": delay,
    "test accuracy when fitted (%)": accuracy_when_fitted,
    "in the end (%)": final_accuracy,
    "late rise (points)": late_rise,
    "norm when fitted": lambda place: norm_at(place, lambda run: run.fitted),
    "norm when generalised": lambda place: norm_at(place, lambda run: run.generalised),
}

CLAIM_ABOUT = {GROKS: "grokking", CONTROL: "standard-in-time", UNDECAYED: "no-decay-no-rise"}

FEWER, TWICE_DECAYED = GROKS._replace(n_samples=FEW), GROKS._replace(decay=TWICE)
UNDECAYED_MIDDLE = UNDECAYED._replace(scale=MIDDLE)
JUDGED = {*BY_SCALE.values(), UNDECAYED, UNDECAYED_MIDDLE, TWICE_DECAYED, FEWER}
"""Conditions that remarks and explanations compare."""


def places_of(result: xr.Dataset) -> list[Place]:
    """Return the conditions of a result."""
    tried = result.norm.notnull().any(("step", "seed"))
    return [
        Place(n_samples, decay, scale)
        for n_samples in result.n_samples.to_numpy().tolist()
        for decay in result.decay.to_numpy().tolist()
        for scale in result.scale.to_numpy().tolist()
        if tried.sel(n_samples=n_samples, decay=decay, scale=scale)
    ]


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all conditions: when networks fit and generalise, and how well."""
    rows = []
    for place in places_of(result):
        estimates = {}
        for name, measure in COLUMNS.items():
            # Where some network does not fit its samples, or not long before the end, there is
            # no mean.
            if np.isfinite(measure(place).per_seed(result)).all():
                estimates[name] = measure(place)(result)
        group = f"{place.n_samples:,} samples, weight decay {place.decay:g}"
        condition = f"initial weights x {place.scale:g}"
        rows.append(Row(group, condition, estimates, CLAIM_ABOUT.get(place)))
    return rows


def remarks(result: xr.Dataset) -> list[str]:
    """Say what the columns are, which networks did not fit, and what the claims leave open."""
    last = int(result.step[-1])
    meant = (
        f"Fitted: a training accuracy of {100 * FITTED:g} %; generalised: {100 * NEAR_BEST:g} % of "
        "the highest test accuracy. A delay below zero: nearly the best test accuracy comes before "
        f"the fit. The late rise is that after {LATE:g} times the steps of fitting, to the end."
    )
    each = [fitted_after(place).per_seed(result) for place in places_of(result)]
    never = int(np.isnan(each).sum())
    if not never:
        return [meant, *_beside_claims(result)]
    unfitted = (
        f"{never} of {np.size(each)} networks do not fit their samples within {last:,} steps; "
        "their rows lack what follows from it."
    )
    return [meant, unfitted, *_beside_claims(result)]


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    if not {*places_of(result)} >= JUDGED:
        return {}
    lowest = _mean(result, UNDECAYED, lambda run: run.norm.min())
    last = _mean(result, UNDECAYED, lambda run: run.norm[-1])
    similarity = _mean(result, UNDECAYED, lambda run: run.similarity[-1])
    bursts = (
        f"Without decay the norm is {lowest:.3g} at its lowest and {last:.3g} in the end, where "
        f"the similarity of features with the initial ones is {similarity:.2f}. AdamW divides "
        "gradients by their own size, so that weights go on moving when the samples have long been "
        "fitted. Thilak et al. (2022) find networks without regularisation that grok as this sets "
        "in."
    )
    steps = {
        decay: generalised_after(GROKS._replace(decay=decay))(result).mean
        for decay in (UNDECAYED.decay, GROKS.decay, TWICE)
    }
    listed = ", ".join(f"{number:,.0f} with {decay:g}" for decay, number in steps.items())
    early = [run.generalised < run.fitted for run in curves_of(result, CONTROL)]
    usual = (
        f"Of {len(early)} networks with usual weights, {sum(early)} are near their highest test "
        "accuracy before they fit their samples. That of all rises late again, by "
        f"{late_rise(CONTROL)(result).mean:.1f} points, and only then do the others pass that "
        "level."
    )
    fitted = _mean(result, GROKS, lambda run: run.at("norm", run.fitted))
    generalised = _mean(result, GROKS, lambda run: run.at("norm", run.generalised))
    return {
        "no-decay-no-rise": bursts,
        "large-is-lazy": bursts,
        "time-inverse-to-decay": f"Steps by decay: {listed}. What ends the delay is not the decay "
        "alone.",
        "standard-in-time": usual,
        "norm-falls": f"It is {fitted:.3g} when the samples are fitted and {generalised:.3g} when "
        "networks generalise.",
    }


def _beside_claims(result: xr.Dataset) -> list[str]:
    """Say what else was measured of what claims compare; nothing where a network has no delay."""
    if not {*places_of(result)} >= JUDGED:
        return []
    if not np.isfinite([delay(place).per_seed(result) for place in JUDGED]).all():
        return []
    remarks = (_level, _theorem, _fewer_samples, _scales, _norms)
    return [remark(result) for remark in remarks]


def _level(result: xr.Dataset) -> str:
    """Say which accuracies are reached, and that without decay they still rise."""
    decayed, undecayed = (
        f"from {_late_start(result, place):.0f} to {final_accuracy(place)(result).mean:.0f} %"
        for place in (GROKS, UNDECAYED)
    )
    last = curves_of(result, UNDECAYED)[0].step[-2:]
    before = 100 * _mean(result, UNDECAYED, lambda run: run.test_accuracy[-2])
    end = 100 * _mean(result, UNDECAYED, lambda run: run.test_accuracy[-1])
    return (
        f"The late rise of networks with weights x {LARGE:g} is {decayed} with a decay of "
        f"{GROKS.decay:g} and {undecayed} without. Usual weights have "
        f"{accuracy_when_fitted(CONTROL)(result).mean:.0f} % when they fit, after "
        f"{fitted_after(CONTROL)(result).mean:,.0f} steps, and "
        f"{final_accuracy(CONTROL)(result).mean:.0f} % in the end. Without decay the test accuracy "
        f"is {before:.1f} % after {last[0]:,} steps and {end:.1f} % after the last, {last[1]:,}: "
        "where it still rises, its highest value, and with it the steps to generalising, may be "
        "larger in a longer run."
    )


def _theorem(result: xr.Dataset) -> str:
    """Say what else agrees with the time of `time-by-theorem`, and how small the weights are."""
    time = np.log(LARGE) / DEFAULT.learning_rate
    undecayed, twice = (
        _as_ratio(log_time(place), float(np.log2(time / decay)), result)
        for place, decay in ((UNDECAYED, GROKS.decay), (TWICE_DECAYED, TWICE))
    )
    runs = curves_of(result, GROKS)
    ratios = [run.norm[0] / run.at("norm", run.generalised) for run in runs]
    return (
        f"For a decay of {GROKS.decay:g} the theorem has {time / GROKS.decay:,.0f} steps, and "
        f"networks with it generalise after {generalised_after(GROKS)(result).mean:,.0f}. That "
        "they agree is no evidence for the theorem: networks without any decay take "
        f"{undecayed} times those {time / GROKS.decay:,.0f}, and those with a decay of {TWICE:g} "
        f"{twice} times the {time / TWICE:,.0f} that it has for them. And when networks with "
        f"{GROKS.decay:g} generalise, their weights are not {LARGE:g} but {min(ratios):.1f} to "
        f"{max(ratios):.1f} times smaller than at the start: a norm of "
        f"{_mean(result, GROKS, lambda run: run.norm[0]):.1f} has become "
        f"{norm_at(GROKS, lambda run: run.generalised)(result).mean:.1f}."
    )


def _fewer_samples(result: xr.Dataset) -> str:
    """Say what of the delay, a ratio, differs between few samples and more."""
    ratio = _as_ratio(log_time(FEWER) - log_time(GROKS), 0, result)
    fitted, generalised = (
        [f"{measure(place)(result).mean:,.0f}" for place in (FEWER, GROKS)]
        for measure in (fitted_after, generalised_after)
    )
    return (
        f"The delay is a ratio. {FEW:,} samples are fitted after {fitted[0]} steps and "
        f"{GROKS.n_samples:,} after {fitted[1]}; networks generalise after {generalised[0]} and "
        f"{generalised[1]} steps, a ratio of {ratio}. In Power et al. it is these steps that "
        "are more with fewer samples."
    )


def _scales(result: xr.Dataset) -> str:
    """Say which scale of the weights the slope of the delay comes from."""
    usual = delay(CONTROL).per_seed(result)
    step = (delay(GROKS) - delay(GROKS._replace(scale=MIDDLE)))(result)
    return (
        f"From weights x {MIDDLE:g} to x {LARGE:g} the delay changes by {with_ends(step)} powers "
        f"of ten. With usual ones it is below zero in {(usual < 0).sum()} of {len(usual)} trials "
        f"and above {TENFOLD:g} in {(usual > TENFOLD).sum()} (lowest {usual.min():.2f}, highest "
        f"{usual.max():.2f}), and the slope over all scales depends on these."
    )


def _norms(result: xr.Dataset) -> str:
    """Say at which norms networks generalise with decay and without."""
    large, middle, bare_large, bare_middle = (
        f"{norm_at(place, lambda run: run.generalised)(result).mean:.1f}"
        for place in (GROKS, BY_SCALE[MIDDLE], UNDECAYED, UNDECAYED_MIDDLE)
    )
    return (
        f"When networks with weights x {LARGE:g} and x {MIDDLE:g} generalise, their norms are "
        f"{large} and {middle} with a decay of {GROKS.decay:g}, but {bare_large} and {bare_middle} "
        "without decay."
    )


def _late_start(result: xr.Dataset, place: Place) -> float:
    """Return the mean test accuracy long after the fit, where the late rise begins, in per cent."""
    return 100 * _mean(result, place, lambda run: run.at("test_accuracy", LATE * run.fitted))


def _as_ratio(logs: Measure, unit: float, result: xr.Dataset) -> str:
    """Write powers of two as a ratio to a unit: its geometric mean with the interval."""
    found = logs(result)
    mean, low, high = (2 ** (log - unit) for log in (found.mean, found.low, found.high))
    return with_ends(found._replace(mean=mean, low=low, high=high))


def _mean(result: xr.Dataset, place: Place, number: Callable[[Curves], float]) -> float:
    return float(np.mean([number(run) for run in curves_of(result, place)]))
