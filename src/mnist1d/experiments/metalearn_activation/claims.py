"""The paper's claims about the metalearned activation function, and their measures."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.metalearn_activation.config import CONDITIONS
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import LOSS, SMALL_TEST_ACCURACY
from mnist1d.harness.verdicts.rules import (
    AtLeast,
    AtMost,
    CountedAtLeast,
    Equals,
    Positive,
    Similar,
)
from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.measures.expressions import EMPTY, Measure, Reduction, last, late, value
from mnist1d.measures.uncertainty import Estimate, estimate, estimate_proportion, in_percent

if TYPE_CHECKING:
    import xarray as xr

PUBLISHED_ACCURACY = {
    "learned": 68.4,
    "relu": 58.8,
    "swish": 57.8,
    "elu": 50.8,
    "softplus": 43.8,
    "tanh": 50.6,
    "sigmoid": 34.8,
    "published pieces": 66.4,
}
TITLES = {
    "learned": "learned",
    "relu": "ReLU",
    "swish": "Swish",
    "elu": "ELU",
    "softplus": "softplus",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "gelu": "GELU",
    "published pieces": "published pieces",
    "our pieces": "our pieces",
}

LATE_STEPS = 50
"""Inner steps at the end over which accuracies are averaged where their differences matter."""

EXTREMA = value("n_extrema", digits=None)


def accuracy(condition: str) -> Measure:
    """Test accuracy of the classifier in per cent, after the last inner step.

    Of the learned function, as published, in the last outer step, before its update.
    """
    if condition == "learned":
        return value("test_accuracy", scale=100, outer_step=last)
    return value("accuracy", scale=100, condition=condition, inner_step=last)


def accuracy_late(condition: str) -> Measure:
    """Test accuracy in per cent, mean of the last inner steps, as one step moves it by points."""
    return value("accuracy", scale=100, condition=condition, inner_step=late(LATE_STEPS - 1))


def share_with_two_extrema(result: xr.Dataset) -> Estimate:
    """Share of trials, in per cent, whose learned function has two local extrema."""
    found = EXTREMA.per_seed(result)
    finite = found[np.isfinite(found)]
    n_diverged = found.size - finite.size
    if not finite.size:
        return EMPTY._replace(n_diverged=n_diverged)
    share = in_percent(estimate_proportion(finite == 2))
    return share._replace(n_diverged=n_diverged)


def ahead_of(condition: str) -> Measure:
    """Accuracy with the learned function minus that with another, paired by seed."""
    return accuracy("learned") - accuracy(condition)


def objective(step: int | Reduction = last) -> Measure:
    """Outer objective in hundredths of a nat, so that tables show enough digits."""
    return value("objective", scale=100, digits=None, outer_step=step)


def transferred(architecture: str, function: str) -> Measure:
    """Test accuracy of a network of Table 1 with a function, in per cent."""
    return value(
        "transfer_test", scale=100, digits=None, architecture=architecture, function=function
    )


def deep_trials_completed(result: xr.Dataset) -> Estimate:
    """Count the trials with the network of the paper's text that came to their end."""
    if "deep_stopped_outer" not in result:
        return EMPTY
    stopped = result.deep_stopped_outer.to_numpy()
    return Estimate(float((stopped < 0).sum()), np.nan, np.nan, stopped.size)


def deep_steps(result: xr.Dataset) -> Estimate:
    """Outer steps that trials with the network of the paper's text took."""
    if "deep_stopped_outer" not in result:
        return EMPTY
    stopped = result.deep_stopped_outer.to_numpy()
    return estimate(np.where(stopped < 0, result.sizes["outer_step"], stopped))


CLAIMS = (
    *(
        Claim(
            f"beats-{condition}",
            f"The learned function exceeds {TITLES[condition]} by more than 5 points of test "
            f"accuracy: mean of the last {LATE_STEPS} inner steps (percentage points)",
            "Section 5.4, Figure 7",
            Positive(least=5),
            accuracy_late("learned") - accuracy_late(condition),
        )
        for condition in ("relu", "elu", "swish")
    ),
    Claim(
        "two-extrema",
        "In more than half of the trials the learned function has two local extrema from -5 to 5: "
        "share of trials (%)",
        "Section 5.4, Figure 7",
        AtLeast(50),
        share_with_two_extrema,
    ),
    Claim(
        "deep-network-trains",
        "The function can be learned as described, with the network 1-100-100-1: trials that reach "
        "the last outer step, one or more",
        "Section 5.4",
        CountedAtLeast(1),
        deep_trials_completed,
    ),
    Claim(
        "tanh-hides-elu",
        "ELU is as good as tanh, whose line hides it: difference of the test accuracies "
        "(percentage points)",
        "Figure 7, caption",
        Similar(SMALL_TEST_ACCURACY, published=0.2),
        accuracy("elu") - accuracy("tanh"),
    ),
    Claim(
        "runtime",
        "One trial takes an hour at most (minutes on our machine, per run of those made together)",
        "Section 5.4",
        AtMost(60),
        minutes(runs=1),
    ),
    Claim(
        "objective",
        "Outer objective at step 300: mean of the last 200 inner losses (0.01 nats)",
        "Figure 7a",
        Equals(88.42, 100 * LOSS),
        objective(),
    ),
    *(
        Claim(
            f"test-accuracy-{condition.replace(' ', '-')}",
            f"Test accuracy on the first 500 samples with {TITLES[condition]} (%)",
            "Figure 7b",
            Equals(published, SMALL_TEST_ACCURACY),
            accuracy(condition),
        )
        for condition, published in PUBLISHED_ACCURACY.items()
    ),
)

PUBLISHED_OBJECTIVE = {0: 135.2, 5: 117.0, 10: 103.3, 50: 96.5, 100: 94.4, 200: 91.0}
"""Objective of the notebook's run, in hundredths of a nat; that of step 300 is a claim."""


AHEAD = "learned\nahead"


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    if "deep_stopped_outer" not in result:
        return {}
    stopped = sorted(int(step) for step in result.deep_stopped_outer if step >= 0)
    return {
        "deep-network-trains": (
            "Gradients through 301 inner steps grow until they are no longer finite, at outer step "
            f"{', '.join(map(str, stopped))} of {result.sizes['outer_step']}: "
            f"{len(stopped)} of {result.sizes['deep_seed']} trials stop there. The paper's code "
            "has one hidden layer, 1-100-1, with which "
            f"{int((result.stopped_outer < 0).sum())} of {result.sizes['seed']} trials reach the "
            "end. That the published run had the network of the code is an inference."
        )
    }


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of accuracies, objectives, shape and transfer."""
    claims = {claim.name for claim in CLAIMS}
    rows = []
    for condition in ("learned", *(name for name in CONDITIONS if name != "learned")):
        estimates = {"ours": accuracy(condition)(result)}
        if condition != "learned":
            estimates[AHEAD] = ahead_of(condition)(result)
        name = f"test-accuracy-{condition.replace(' ', '-')}"
        claim = name if name in claims else None
        rows.append(Row("Test accuracy of the classifier (%)", TITLES[condition], estimates, claim))
    n_steps = result.sizes["outer_step"] - 1
    group = "Outer objective (0.01 nats)"
    rows += [
        Row(group, f"step {step}, published {published:g}", {"ours": objective(step)(result)})
        for step, published in PUBLISHED_OBJECTIVE.items()
        if step < n_steps
    ]
    rows.append(Row(group, f"step {n_steps}", {"ours": objective()(result)}, "objective"))
    rows.append(Row("Learned function", "extrema", {"ours": EXTREMA(result)}))
    if "deep_stopped_outer" in result:
        rows.append(Row("Network 1-100-100-1", "outer steps taken", {"ours": deep_steps(result)}))
    places = product(result.architecture.to_numpy(), result.function.to_numpy())
    for architecture, function in places:
        one = transferred(architecture, function)
        estimates = {"ours": one(result)}
        if function != "learned":
            estimates[AHEAD] = (transferred(architecture, "learned") - one)(result)
        rate = float(result.transfer_rate.sel(architecture=architecture, function=function))
        condition = f"{TITLES[function]}, rate {rate:g}"
        rows.append(Row(f"{architecture} of Table 1: test accuracy (%)", condition, estimates))
    return rows
