"""The table of grokking, and remarks on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.grokking.claims import CONTROL, GROKS, TWICE, UNDECAYED
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
    norm_at,
)
from mnist1d.harness.interface import Row

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
    """Say what the columns are, and which networks did not fit their samples."""
    last = int(result.step[-1])
    meant = (
        f"Fitted: a training accuracy of {100 * FITTED:g} %; generalised: {100 * NEAR_BEST:g} % of "
        "the highest test accuracy. A delay below zero: nearly the best test accuracy comes before "
        f"the fit. The late rise is that after {LATE:g} times the steps of fitting, to the end."
    )
    each = [fitted_after(place).per_seed(result) for place in places_of(result)]
    never = int(np.isnan(each).sum())
    if not never:
        return [meant]
    unfitted = (
        f"{never} of {np.size(each)} networks do not fit their samples within {last:,} steps; "
        "their rows lack what follows from it."
    )
    return [meant, unfitted]


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    if not {GROKS, CONTROL, UNDECAYED, GROKS._replace(decay=TWICE)} <= {*places_of(result)}:
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
        "accuracy before they fit their samples. The test accuracy of the others passes that "
        f"level late: it rises by {late_rise(CONTROL)(result).mean:.1f} points."
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


def _mean(result: xr.Dataset, place: Place, number: Callable[[Curves], float]) -> float:
    return float(np.mean([number(run) for run in curves_of(result, place)]))
