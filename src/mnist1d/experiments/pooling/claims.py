"""The paper's claims about pooling, and their measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from mnist1d.experiments.pooling.config import POOLED, VARIANTS
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import ACCURACY
from mnist1d.harness.verdicts.rules import AtMost, Equals, NoGain, Positive, Similar
from mnist1d.harness.verdicts.runtime import minutes
from mnist1d.measures.expressions import Measure, Reduction, last, late, value

if TYPE_CHECKING:
    import xarray as xr

LATE_STEPS = 1000
AT_END = late(LATE_STEPS)
"""Sentences are judged by the mean of the last steps, as one step of Adam moves an accuracy by half
a point; printed numbers are those of the last step."""

PUBLISHED: Mapping[int, Mapping[str, float]] = {
    size: dict(zip(VARIANTS, values, strict=True))
    for size, values in {
        1000: (59.2, 57.4, 78.2, 78.0, 77.2),
        2000: (82.0, 81.7, 89.2, 90.0, 89.9),
        5000: (91.9, 89.9, 94.5, 94.0, 95.3),
        10_000: (94.3, 91.3, 97.0, 96.0, 96.6),
        20_000: (94.4, 92.2, 96.8, 96.2, 97.8),
        50_000: (96.3, 95.4, 98.1, 97.3, 97.1),
    }.items()
}
"""Printed test accuracy in per cent after the last step: size -> variant -> value."""

FIGURE = "Section 5.6, Figure 9"
PRINTED = "Runs of Figure 9, printed"


def accuracy(variant: str | Sequence[str], size: int, at: Reduction = last) -> Measure:
    """Test accuracy in per cent; of several variants the mean."""
    variants = variant if isinstance(variant, str) else list(variant)
    return value(
        "test_accuracy", scale=100, limits=(0, 100), variant=variants, n_samples=size, step=at
    )


def gain(variant: str | Sequence[str], size: int, at: Reduction = last) -> Measure:
    """How much higher the test accuracy is than without pooling, paired by trial."""
    return accuracy(variant, size, at) - accuracy("no_pool", size, at)


def printed(variants: Sequence[str], size: int) -> float:
    """The same gain in the paper's printed runs."""
    mean = sum(PUBLISHED[size][variant] for variant in variants) / len(variants)
    return round(mean - PUBLISHED[size]["no_pool"], 2)


little, much = printed(POOLED, 1000), printed(POOLED, 50_000)
strided = printed(["stride_2"], 1000)

CLAIMS = (
    *(
        Claim(
            f"gain-1000-{variant}",
            f"With 1,000 samples {variant} gains on no_pool (percentage points)",
            FIGURE,
            Positive(printed([variant], 1000)),
            gain(variant, 1000, AT_END),
        )
        for variant in POOLED
    ),
    Claim(
        "gain-1000",
        "With 1,000 samples pooling is very effective: gain on no_pool, mean of the three kinds "
        "(percentage points)",
        PRINTED,
        Equals(little, ACCURACY),
        gain(POOLED, 1000),
    ),
    Claim(
        "striding-1000",
        "With 1,000 samples striding does not help: gain of stride_2 on no_pool "
        "(percentage points)",
        FIGURE,
        NoGain(ACCURACY, strided),
        gain("stride_2", 1000, AT_END),
    ),
    Claim(
        "pooling-not-striding-1000",
        "With 1,000 samples pooling, mean of the three kinds, gains on striding, which has as few "
        "parameters (percentage points)",
        FIGURE,
        Positive(round(little - strided, 2)),
        accuracy(POOLED, 1000, AT_END) - accuracy("stride_2", 1000, AT_END),
    ),
    Claim(
        "gain-shrinks",
        "The gain of pooling shrinks with more data: with 1,000 minus with 50,000 samples "
        "(percentage points)",
        FIGURE,
        Positive(round(little - much, 2)),
        gain(POOLED, 1000, AT_END) - gain(POOLED, 50_000, AT_END),
    ),
    Claim(
        "little-difference-50000",
        "With 50,000 samples pooling makes little difference: gain on no_pool, mean of the three "
        "kinds (percentage points)",
        FIGURE,
        Similar(ACCURACY, much),
        gain(POOLED, 50_000, AT_END),
    ),
    Claim(
        "hindered-50000",
        "With 50,000 samples pooling hinders: no_pool minus the mean of the three kinds "
        "(percentage points)",
        "Figure 9, caption",
        Positive(-much),
        accuracy("no_pool", 50_000, AT_END) - accuracy(POOLED, 50_000, AT_END),
    ),
    *(
        Claim(
            f"accuracy-{size}-{variant}",
            f"Test accuracy of {variant} with {size:,} samples (%)",
            PRINTED,
            Equals(published, ACCURACY),
            accuracy(variant, size),
        )
        for size, values in PUBLISHED.items()
        for variant, published in values.items()
    ),
    Claim(
        "gain-ends",
        "With 600,100 samples of an endless stream pooling makes no difference any more: gain on "
        "no_pool, mean of the three kinds (percentage points)",
        "Beyond the paper",
        Similar(ACCURACY),
        gain(POOLED, 600_100, AT_END),
    ),
    Claim(
        "runtime",
        "One run of all variants and sizes takes 5 minutes at most "
        "(minutes on our machine, per run of those made together)",
        "Figure 9, caption",
        AtMost(5),
        minutes(runs=1),
    ),
)


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    ours = gain(POOLED, 50_000, AT_END)(result).mean
    return {
        "hindered-50000": (
            "Only the caption says so: in the paper's printed runs pooling gains "
            f"{printed(POOLED, 50_000):.1f} points, in ours {ours:.1f}."
        )
    }


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all variants by size: accuracies, and gains on no_pool."""
    rows, named = [], {claim.name for claim in CLAIMS}
    for size, variant in product(result.n_samples.to_numpy().tolist(), VARIANTS):
        columns = {"test (%)": accuracy(variant, size)(result)}
        if variant != "no_pool":
            columns["gain"] = gain(variant, size)(result)
            columns["late gain"] = gain(variant, size, AT_END)(result)
        claim = f"accuracy-{size}-{variant}"
        rows.append(Row(f"n = {size:,}", variant, columns, claim if claim in named else None))
    return rows
