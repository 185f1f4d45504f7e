"""The paper's claims about Figure 3, and their measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from mnist1d.experiments.tsne.config import PREFIX, STEPS_PER_LOG
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.margins import DIVERGENCE
from mnist1d.harness.verdicts.rules import AtLeast, Equals, Positive
from mnist1d.measures.expressions import Measure, value
from mnist1d.measures.uncertainty import Estimate

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

HAS_MNIST = "mnist_accuracy"
SHORT = {"MNIST": "mnist", "MNIST-1D": "mnist1d"}
"""Data sets in the names of claims."""
COMPARED = (250, 750)
"""Iterations after which divergences are compared with the published ones."""

PUBLISHED: Mapping[str, Mapping[int, float]] = {
    data: dict(zip(range(STEPS_PER_LOG, 751, STEPS_PER_LOG), values, strict=True))
    for data, values in {
        "MNIST": (
            *(5.9916, 5.8277, 5.7787, 5.7614, 5.7526),
            *(3.5778, 3.3168, 3.1843, 3.0980, 3.0353, 2.9869, 2.9478, 2.9154, 2.8876, 2.8642),
        ),
        "MNIST-1D": (
            *(4.8808, 4.8335, 4.8343, 4.8343, 4.8344),
            *(2.9251, 2.7425, 2.6568, 2.6090, 2.5808, 2.5634, 2.5512, 2.5415, 2.5338, 2.5276),
        ),
    }.items()
}
"""Printed Kullback-Leibler divergence in nats, by the number of iterations of both phases."""


def per_cent(
    data: str, name: str, limits: tuple[float, float] = (-100, 100), **place: Any
) -> Measure:
    """Measure a share or a silhouette of a data set, times 100."""
    return value(f"{PREFIX[data]}{name}", scale=100, limits=limits, **place)


def isolated_fraction(data: str, **place: Any) -> Measure:
    """Share of a digit's points whose neighbours are of the same digit, in per cent."""
    return per_cent(data, "islanders", (0, 100), **place)


def isolated_digits(data: str) -> Measure:
    """Number of digits with an isolated fraction above one half."""
    fraction = isolated_fraction(data)
    return Measure(lambda result: (fraction.per_seed(result) > 50).sum(axis=1), (0, 10))


def other_digits(data: str) -> Measure:
    """Number of the other digits."""
    isolated = isolated_digits(data)
    return Measure(lambda result: 10 - isolated.per_seed(result), (0, 10))


def lead_in_isolation(digits: Sequence[int], others: Sequence[int]) -> Measure:
    """Least isolated fraction of some digits of MNIST-1D minus the largest of others."""
    fraction = isolated_fraction("MNIST-1D")

    def per_seed(result: xr.Dataset) -> np.ndarray:
        by_digit = fraction.per_seed(result).T
        return by_digit[list(digits)].min(axis=0) - by_digit[list(others)].max(axis=0)

    return Measure(per_seed)


def more_on_mnist(name: str) -> Measure:
    """MNIST minus MNIST-1D, paired by the seeds that both have."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        mnist, mnist_1d = (per_cent(data, name).per_seed(result) for data in PREFIX)
        return mnist - mnist_1d[: len(mnist)]

    return Measure(per_seed)


def divergence(data: str, iteration: int) -> Measure:
    """Divergence after an iteration in per cent of the published one."""

    def after(values: xr.DataArray, dimension: str) -> xr.DataArray:
        # The nearest iteration, as a run may be shorter than the paper's.
        return values.sel({dimension: iteration}, method="nearest")

    reached = value(f"{PREFIX[data]}divergence", scale=100, iteration=after)
    return Measure(lambda result: reached.per_seed(result) / PUBLISHED[data][iteration])


MORE_ON_MNIST = (
    ("separable-pixels", "pixel_accuracy", "Accuracy of ten nearest neighbours in pixel space"),
    ("separable-embedding", "accuracy", "Accuracy of ten nearest neighbours in the embedding"),
    ("compact-embedding", "silhouette", "Silhouette of the digits in the embedding"),
)
ISLANDS = "more than half of whose points have at least 9 of their 10 nearest neighbours in the "
ISLANDS += "embedding from their own digit"

CLAIMS = (
    Claim(
        "islands-mnist",
        f"MNIST separates into ten islands, to a whole number: digits {ISLANDS}",
        "Section 4, Figure 3a",
        AtLeast(9.5),
        isolated_digits("MNIST"),
        needs=HAS_MNIST,
    ),
    Claim(
        "no-islands-mnist1d",
        "On MNIST-1D seven digits or more, all but 0, 6 and 3, are no islands: digits other than "
        f"those {ISLANDS}",
        "Section 4, Figure 3b",
        AtLeast(7),
        other_digits("MNIST-1D"),
    ),
    *(
        Claim(
            f"more-{name}-on-mnist",
            f"{what} is higher on MNIST than on MNIST-1D "
            f"({'hundredths' if variable == 'silhouette' else 'percentage points'})",
            "Section 4, Figure 3",
            Positive(),
            more_on_mnist(variable),
            needs=HAS_MNIST,
        )
        for name, variable, what in MORE_ON_MNIST
    ),
    Claim(
        "islands-digit-0",
        "On MNIST-1D digit 0 has the largest share of points in islands: "
        "digit 0 minus the next (percentage points)",
        "Figure 3b",
        Positive(),
        lead_in_isolation([0], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ),
    Claim(
        "islands-digits-3-6",
        "On MNIST-1D digits 3 and 6 come next: the smaller of their shares of points in islands "
        "minus the largest of the seven others (percentage points)",
        "Figure 3b",
        Positive(),
        lead_in_isolation([3, 6], [1, 2, 4, 5, 7, 8, 9]),
    ),
    *(
        Claim(
            f"divergence-{iteration}-{SHORT[data]}",
            f"{data}: Kullback-Leibler divergence after {iteration} iterations "
            f"(% of the published {PUBLISHED[data][iteration]} nats)",
            "Runs of Figure 3, printed",
            Equals(100, DIVERGENCE),
            divergence(data, iteration),
            needs=HAS_MNIST if data == "MNIST" else None,
        )
        for data, iteration in product(PUBLISHED, COMPARED)
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of neighbours' accuracy and purity, in pixel space and in the embedding.

    Its labels are short, to fit next to the numbers: accuracy and purity are those of ten nearest
    neighbours, KL the divergence in per cent of the published one, an isolated digit one with an
    isolated fraction above one half, and "Annoy finds" the share of true neighbours.
    """
    shown = [data for data in PREFIX if data != "MNIST" or HAS_MNIST in result]
    return [row for data in shown for row in _rows(result, data)]


def _rows(result: xr.Dataset, data: str) -> Iterator[Row]:
    def both(name: str, **place: Any) -> dict[str, Estimate]:
        spaces = {"pixels": f"pixel_{name}", "embedding": name}
        return {space: per_cent(data, name, **place)(result) for space, name in spaces.items()}

    yield Row(data, "accuracy (%)", both("accuracy"))
    yield Row(data, "silhouette (0.01)", both("silhouette"))
    yield Row(data, "Annoy finds (%)", {"pixels": per_cent(data, "recall")(result)})
    claim = "islands-mnist" if data == "MNIST" else None
    yield Row(data, "isolated digits", {"embedding": isolated_digits(data)(result)}, claim)
    for iteration in COMPARED:
        columns = {"embedding": divergence(data, iteration)(result)}
        claim = f"divergence-{iteration}-{SHORT[data]}"
        yield Row(data, f"KL at {iteration} (%)", columns, claim)
    for digit in range(10):
        columns = both("purity", limits=(0, 100), digit=digit)
        yield Row(f"{data}, purity (%)", str(digit), columns)
    for digit in range(10):
        columns = {"embedding": isolated_fraction(data, digit=digit)(result)}
        yield Row(f"{data}, in islands (%)", str(digit), columns)
