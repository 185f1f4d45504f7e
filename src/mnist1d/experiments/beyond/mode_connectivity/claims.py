"""Claims about lines between networks and averages of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist1d.experiments.beyond.mode_connectivity.config import (
    BY_ACTIVATIONS,
    BY_WEIGHTS,
    ENSEMBLE,
    INDEPENDENT,
    LATE,
    MODELS,
    ONE,
    SOUP,
    SWA,
    UNMATCHED,
    Config,
)
from mnist1d.experiments.beyond.mode_connectivity.measures import (
    average_of,
    children_barrier,
    factor,
    independent_barrier,
    width_factor,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.verdicts import margins
from mnist1d.harness.verdicts.rules import AtLeast, NoGain, Positive, Similar

if TYPE_CHECKING:
    from mnist1d.measures.expressions import Measure

DEFAULT = Config()
AT_START, EARLY = DEFAULT.splits[0], DEFAULT.splits[4]
SHARE = 100 * EARLY / DEFAULT.n_steps
NARROW, WIDE = DEFAULT.widths[0], DEFAULT.widths[-1]

STABLE = 2.0
"""Points of error: below it a network counts as stable for Frankle et al., as such rises are also
seen along curves between networks that others call connected."""

MOST = 1.0
"""Power of two: what removes less than half of a barrier has not removed most of it."""

FRANKLE = "Beyond the paper: Frankle et al. (2020), of images"
ENTEZARI = "Beyond the paper: Entezari et al. (2022), of images"
AINSWORTH = "Beyond the paper: Ainsworth et al. (2023), of images"
IZMAILOV = "Beyond the paper: Izmailov et al. (2018), of images"
WORTSMAN = "Beyond the paper: Wortsman et al. (2022), of images and texts"


def _error(origin: str, averaged: str) -> Measure:
    return average_of("MLP", origin, averaged, "test_error")


def _train_loss(origin: str, averaged: str) -> Measure:
    return average_of("MLP", origin, averaged, "train_loss")


def _matched(matching: str, measure: str) -> Measure:
    return independent_barrier(WIDE, matching, measure)


CLAIMS = (
    *(
        Claim(
            f"unstable-at-start-{model.lower()}",
            f"Children of the {model} that split at the start have a barrier between them: that of "
            f"the test error is above {STABLE:g} points",
            FRANKLE,
            Positive(least=STABLE),
            children_barrier(model, AT_START, "test_error"),
        )
        for model in MODELS
    ),
    *(
        Claim(
            f"stable-early-{model.lower()}",
            f"Early in training the {model} is stable, children that split after {SHARE:g} % of it "
            f"have a barrier of the test error below {STABLE:g} points (points)",
            FRANKLE,
            NoGain(STABLE),
            children_barrier(model, EARLY, "test_error"),
        )
        for model in MODELS
    ),
    Claim(
        "barrier-falls-with-width",
        "Between independent MLPs the barrier of the training loss falls with width: that of width "
        f"{NARROW} by that of width {WIDE} (powers of two)",
        ENTEZARI,
        Positive(),
        width_factor(NARROW, WIDE),
    ),
    Claim(
        "matched-barrier-falls-with-width",
        "Between independent MLPs whose units are matched by weights it falls with width: that of "
        f"width {NARROW} by that of width {WIDE} (powers of two)",
        AINSWORTH,
        Positive(),
        width_factor(NARROW, WIDE, BY_WEIGHTS),
    ),
    Claim(
        "matching-removes-most",
        f"Matching by weights removes most of the barrier of the training loss, at width {WIDE}: "
        "before by after (powers of two)",
        AINSWORTH,
        AtLeast(MOST),
        factor(_matched(UNMATCHED, "train_loss"), _matched(BY_WEIGHTS, "train_loss")),
    ),
    Claim(
        "matching-leaves-none",
        f"Matching by weights leaves no barrier between wide networks, of width {WIDE}: that of "
        f"the test error is below {STABLE:g} points",
        AINSWORTH,
        NoGain(STABLE),
        _matched(BY_WEIGHTS, "test_error"),
    ),
    Claim(
        "weights-as-good-as-activations",
        f"Matching by weights is as good as by activations, at width {WIDE}: barrier of the test "
        "error, difference (points)",
        AINSWORTH,
        Similar(STABLE),
        _matched(BY_WEIGHTS, "test_error") - _matched(BY_ACTIVATIONS, "test_error"),
    ),
    Claim(
        "swa-better",
        "The average of weights over the end of the training (SWA) has lower test error than the "
        "last weights: difference (points)",
        IZMAILOV,
        Positive(),
        _error(LATE, ONE) - _error(LATE, SWA),
    ),
    Claim(
        "swa-fits-less",
        "Its training loss is slightly higher than that of the last weights: difference (nats)",
        IZMAILOV,
        Positive(),
        _train_loss(LATE, SWA) - _train_loss(LATE, ONE),
    ),
    Claim(
        "soup-better-than-one",
        f"A soup of {DEFAULT.n_averaged} children of a late split has lower test error than one: "
        "difference (points)",
        WORTSMAN,
        Positive(),
        _error(LATE, ONE) - _error(LATE, SOUP),
    ),
    Claim(
        "soup-as-good-as-ensemble",
        "It is about as good as the ensemble of the same children: test error, difference (points)",
        WORTSMAN,
        Similar(margins.ACCURACY),
        _error(LATE, SOUP) - _error(LATE, ENSEMBLE),
    ),
    Claim(
        "independent-soup-fails",
        f"A soup of independent networks is worse than one by more than {margins.ACCURACY:g} "
        "points of test error",
        WORTSMAN,
        Positive(least=margins.ACCURACY),
        _error(INDEPENDENT, SOUP) - _error(INDEPENDENT, ONE),
    ),
    Claim(
        "independent-ensemble-better",
        "The ensemble of independent networks has lower test error than that of children of a late "
        "split: difference (points)",
        "Beyond the paper: Fort et al. (2019), of images",
        Positive(),
        _error(LATE, ENSEMBLE) - _error(INDEPENDENT, ENSEMBLE),
    ),
)
