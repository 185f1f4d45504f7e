"""Differences between candidates: significance, equivalence, and what the seeds could have shown.

Student's paired t test over seeds, two-sided, with Holm's correction for the planned pairs; two
one-sided tests of whether a difference is within the margin, with a correction of their own; and
for each pair the smallest difference that as many seeds find in 80 % of comparisons, and the number
of seeds that find one as large as the margin. Power is computed at the level of the first of Holm's
steps, 5 % divided by the number of pairs, and from the spread of the pair at hand, which few seeds
know roughly: from 5 seeds the true spread is between 0.6 and 2.9 times the observed one.

Sources: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal
of Statistics 6(2). Schuirmann (1987) and Lakens (2017), see `mnist1d.measures.power`. Bouthillier
et al. (2021), Accounting for variance in machine learning benchmarks, MLSys.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from mnist1d.lab.statistics.plan import MARGIN, Pair, Plan
from mnist1d.measures.power import (
    equivalence_p_value,
    pairs_needed,
    smallest_visible_difference,
)
from mnist1d.measures.uncertainty import (
    Estimate,
    holm,
    in_percent,
    paired_difference,
    paired_p_value,
)

ALPHA = 0.05


class Difference(NamedTuple):
    """The difference between two candidates, paired by seed.

    Attributes:
        first: name of a candidate.
        second: name of the other: the baseline; without a plan, the one with the lower mean.
        estimate: of the difference of test accuracies, in percentage points, with the 95 % interval
            of this pair alone.
        p_value: of Student's paired t test, corrected by Holm's method for the planned pairs; NaN
            of a yardstick, with fewer than two pairs of seeds, and if the difference is the same
            for all seeds and not 0, as the test then has no variance to use.
        p_uncorrected: the same for this pair alone.
        p_equivalence: of the two one-sided tests that the difference is within the margin,
            corrected by Holm's method; NaN as above, and also if all seeds agree on 0.
        smallest_visible: smallest difference, in points, that as many seeds find in 80 % of
            comparisons, at 5 % divided by the number of planned pairs; NaN as above.
        seeds_needed: how many seeds would find a difference as large as the margin so often; NaN as
            above.
        margin: in points, below which a difference does not matter.
        note: what is unfair about the pair; empty if nothing is.
    """

    first: str
    second: str
    estimate: Estimate
    p_value: float = math.nan
    p_uncorrected: float = math.nan
    p_equivalence: float = math.nan
    smallest_visible: float = math.nan
    seeds_needed: float = math.nan
    margin: float = math.nan
    note: str = ""

    @property
    def told_apart(self) -> bool:
        """Whether the difference is significant, at 5 % for all planned pairs together."""
        return self.p_value < ALPHA

    @property
    def equivalent(self) -> bool:
        """Whether the difference is within the margin, at 5 % for all planned pairs together."""
        return self.p_equivalence < ALPHA

    @property
    def same_for_all_seeds(self) -> bool:
        """Whether the difference is the same for every seed, and so has no variance."""
        return is_without_spread(self.estimate)


class Statistics(NamedTuple):
    """What a comparison says of pairs.

    Attributes:
        differences: of the planned pairs.
        yardsticks: between every candidate and every model of the paper, if not planned.
    """

    differences: tuple[Difference, ...]
    yardsticks: tuple[Difference, ...]


def differences_of(
    accuracy: Mapping[str, np.ndarray], pairs: list[Pair], margin: float = MARGIN
) -> list[Difference]:
    """Test planned pairs of candidates.

    Args:
        accuracy: test accuracies by name, fractions of shape (seeds,), NaN of runs that diverged.
        pairs: the planned pairs, by name.
        margin: in points, below which a difference does not matter.

    >>> accuracy = {"a": np.array([0.70, 0.71, 0.72]), "b": np.array([0.60, 0.62, 0.61])}
    >>> (found,) = differences_of(accuracy, [("a", "b")])
    >>> round(found.estimate.mean, 1), found.told_apart, round(found.smallest_visible, 1)
    (10.0, True, 3.3)
    """
    found = [_difference(accuracy, pair, margin) for pair in pairs]
    different = holm([each.p_uncorrected for each in found])
    equivalent = holm([each.p_equivalence for each in found])
    alpha = ALPHA / max(1, len(found))
    return [
        _with_power(each._replace(p_value=float(p), p_equivalence=float(q)), alpha)
        for each, p, q in zip(found, different, equivalent, strict=True)
    ]


def _difference(accuracy: Mapping[str, np.ndarray], pair: Pair, margin: float) -> Difference:
    first, second = (accuracy[name] for name in pair)
    found = in_percent(paired_difference(first, second))
    nan = math.nan
    return Difference(
        *pair,
        found,
        p_uncorrected=nan if is_without_spread(found) else paired_p_value(first, second),
        p_equivalence=equivalence_p_value(100 * first, 100 * second, margin),
        margin=margin,
    )


def _with_power(each: Difference, alpha: float) -> Difference:
    values = np.asarray(each.estimate.values)
    values = values[np.isfinite(values)]
    if math.isnan(each.p_equivalence):  # no spread is known
        return each
    sd = float(values.std(ddof=1))
    return each._replace(
        smallest_visible=smallest_visible_difference(sd, len(values), alpha),
        seeds_needed=float(pairs_needed(each.margin, sd, alpha)),
    )


def is_without_spread(difference: Estimate) -> bool:
    """Return whether a difference, in points, is the same for all seeds and not 0."""
    # Equal differences of fractions may still differ by rounding.
    return abs(difference.mean) > 1e-9 and difference.high - difference.low < 1e-9


def statistics_of(result: xr.Dataset, notes: Mapping[str, str]) -> Statistics:
    """Compare the candidates of a result that have one.

    Args:
        result: the labelled result of a comparison.
        notes: what is unfair about the models of the paper, by name.
    """
    plan = Plan.of(result)
    by_name = result.test_accuracy.transpose("candidate", "seed").to_numpy()
    rows = zip(result.candidate.values, by_name, strict=True)
    accuracy = {str(name): values for name, values in rows if np.isfinite(values).any()}
    is_reference = {name: bool(result.is_reference.sel(candidate=name)) for name in accuracy}
    own = [name for name in accuracy if not is_reference[name]]
    pairs = plan.planned(list(accuracy), own)
    if plan == Plan(margin=plan.margin):  # no direction was named
        pairs = [_higher_first(accuracy, pair) for pair in pairs]
    known = {frozenset(pair) for pair in pairs}
    beside = [
        (name, paper)
        for paper in accuracy
        for name in own
        if is_reference[paper] and frozenset((name, paper)) not in known
    ]
    yardsticks = [
        Difference(*pair, in_percent(paired_difference(*map(accuracy.__getitem__, pair))))
        for pair in beside
    ]
    return Statistics(
        tuple(_noted(each, notes) for each in differences_of(accuracy, pairs, plan.margin)),
        tuple(_noted(each, notes) for each in yardsticks),
    )


def _higher_first(accuracy: Mapping[str, np.ndarray], pair: Pair) -> Pair:
    first, second = pair
    return pair if np.nanmean(accuracy[first]) >= np.nanmean(accuracy[second]) else (second, first)


def _noted(each: Difference, notes: Mapping[str, str]) -> Difference:
    said = [f"{name} is {notes[name]}" for name in (each.first, each.second) if notes.get(name)]
    return each._replace(note="; ".join(said))
