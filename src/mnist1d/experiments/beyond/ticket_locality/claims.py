"""Claims about the locality of lottery tickets, and their measures."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist1d.experiments.beyond.ticket_locality.config import LENGTHS, ORDERS, PRUNINGS
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.rules import Positive
from mnist1d.measures.expressions import Measure, value

if TYPE_CHECKING:
    import xarray as xr

SIZE, OTHER_SIZES = 4000, (1000, 20_000, 100_000)
"""The paper's number of training samples, and the others."""

WIDTH, OTHER_WIDTHS = 500, (250, 1000)
"""The paper's width, and the others."""

NUMBERS = {2: "pairs", 3: "runs of three", 4: "runs of four"}
NAMES = {2: "pairs", 3: "threes", 4: "fours"}

WISH = "Beyond the paper: the wish of section 6"
PRUNED = "Beyond the paper: Pellegrini & Biroli (2022), of images"

Place = Mapping[str, Any]
"""Width, number of samples, pruning and order, as far as they are not the default ones."""


def reference_width(result: xr.Dataset) -> int:
    """Return the paper's width, or the largest where it is not among those of a result."""
    widths = result.width.to_numpy().tolist()
    return WIDTH if WIDTH in widths else int(max(widths))


def located(result: xr.Dataset, length: int, place: Place) -> xr.Dataset:
    """Select runs of a length, by default of the paper's network and data, pruned in rounds."""
    default = {"n_samples": SIZE, "pruning": PRUNINGS[0], "order": ORDERS[0]}
    width = {"width": reference_width(result)}
    return result.sel(length=length, **{**default, **width, **place})


def excess(length: int, **place: Any) -> Measure:
    """Measure how many more runs of neighbours there are than by chance, per 100 weights.

    Args:
        length: of the runs.
        **place: what differs from the paper's network and data, pruned in rounds.
    """

    def per_seed(result: xr.Dataset) -> np.ndarray:
        one = located(result, length, place)
        return np.asarray(100 * (one.runs - one.expected_runs) / one.n_weights)

    return Measure(per_seed)


def mean_over_sizes(**place: Any) -> Measure:
    """Measure runs of three above chance, mean over the sizes of the training set."""
    measures = [excess(3, n_samples=size, **place) for size in (SIZE, *OTHER_SIZES)]
    return Measure(lambda result: np.mean([each.per_seed(result) for each in measures], axis=0))


def mean_accuracy(pruning: str) -> Measure:
    """Measure the test accuracy of tickets in per cent, mean over the sizes of the training set."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        place = {"pruning": pruning, "n_samples": [SIZE, *OTHER_SIZES]}
        found = result.ticket_accuracy.sel(width=reference_width(result), **place)
        return np.asarray(100 * found.mean("n_samples", skipna=False))

    return Measure(per_seed)


def deviations(length: int, **place: Any) -> Measure:
    """Measure how many standard deviations of random masks a ticket is above their mean."""

    def per_seed(result: xr.Dataset) -> np.ndarray:
        one = located(result, length, place)
        difference = (one.runs - one.expected_runs).to_numpy()
        # Without a spread there is no difference either.
        return np.asarray(difference / np.where(difference == 0, 1, one.spread_of_runs))

    return Measure(per_seed)


def _more(name: str, length: int, size: int = SIZE, width: int = WIDTH, **place: Any) -> Claim:
    if width != WIDTH:
        place["width"] = width
    how = f", pruned {place['pruning']}," if "pruning" in place else ""
    return Claim(
        name,
        f"Tickets of {width} units and {size:,} samples{how} have more {NUMBERS[length]} of "
        "neighbouring weights than masks with the same numbers of weights per unit and per input "
        "(per 100 weights)",
        WISH,
        Positive(),
        excess(length, n_samples=size, **place),
    )


CLAIMS = (
    *(_more(f"more-{NAMES[n]}", n) for n in LENGTHS),
    *(_more(f"more-threes-{size}", 3, size) for size in OTHER_SIZES),
    *(_more(f"more-threes-width-{width}", 3, width=width) for width in OTHER_WIDTHS),
    _more("more-threes-at-once", 3, pruning=PRUNINGS[1]),
    Claim(
        "grows-with-samples",
        "Tickets from more samples have more runs of three neighbouring weights above chance: "
        "those from 100,000 samples minus those from 1,000 (per 100 weights)",
        PRUNED,
        Positive(),
        excess(3, n_samples=100_000) - excess(3, n_samples=1000),
    ),
    Claim(
        "rounds-make-local",
        "Pruning in rounds leaves more runs of three neighbouring weights above chance than "
        "pruning at once: difference, mean over the sizes of the training set (per 100 weights)",
        PRUNED,
        Positive(),
        mean_over_sizes() - mean_over_sizes(pruning=PRUNINGS[1]),
    ),
    Claim(
        "rounds-are-better",
        "Tickets that were pruned in rounds are better than those pruned at once: difference of "
        "the test accuracies, mean over the sizes of the training set (percentage points)",
        "Beyond the paper: Frankle & Carbin (2019), of images",
        Positive(),
        mean_accuracy(PRUNINGS[0]) - mean_accuracy(PRUNINGS[1]),
    ),
    Claim(
        "order-matters",
        "Tickets have more runs of three neighbouring weights above chance in the order of the "
        "signals than in a shuffled one: difference, mean over the sizes of the training set (per "
        "100 weights)",
        "Beyond the paper: the control",
        Positive(),
        mean_over_sizes() - mean_over_sizes(order=ORDERS[1]),
    ),
)


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    threes = [mean_over_sizes(pruning=pruning)(result).mean for pruning in PRUNINGS]
    accuracies = [mean_accuracy(pruning)(result).mean for pruning in PRUNINGS]
    return {
        "rounds-make-local": (
            f"Pruning in rounds leaves {threes[0]:.2f} runs of three above chance per 100 weights, "
            f"pruning at once {threes[1]:.2f}. The tickets of the former are the better ones all "
            f"the same, {accuracies[0]:.1f} % against {accuracies[1]:.1f} %: locality alone does "
            "not make a ticket good."
        )
    }


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of runs above chance, per 100 weights, and of accuracies, in per cent."""
    places = list(product(result.width.to_numpy().tolist(), result.n_samples.to_numpy().tolist()))
    rows = []
    for pruning, (width, size) in product(PRUNINGS, places):
        place = {"pruning": pruning, "width": width, "n_samples": size}
        columns = {NUMBERS[length]: excess(length, **place) for length in LENGTHS}
        columns["threes, shuffled"] = excess(3, order=ORDERS[1], **place)
        columns["threes, in sd"] = deviations(3, **place)
        rows.append(
            Row(
                f"Above chance, per 100 weights, pruned {pruning}",
                _condition(width, size),
                {name: measure(result) for name, measure in columns.items()},
                _claim_about(result, pruning, width, size),
            )
        )
    for width, size in places:
        place = {"width": width, "n_samples": size}
        columns = {
            f"pruned {pruning}": value("ticket_accuracy", scale=100, pruning=pruning, **place)
            for pruning in PRUNINGS
        } | {"dense": value("dense_accuracy", scale=100, **place)}
        estimates = {name: measure(result) for name, measure in columns.items()}
        rows.append(Row("Test accuracy (%)", _condition(width, size), estimates))
    return rows


def _condition(width: int, size: int) -> str:
    return f"{width} units, {size:,} samples"


def _claim_about(result: xr.Dataset, pruning: str, width: int, size: int) -> str | None:
    if width == reference_width(result):
        if pruning != PRUNINGS[0]:
            return "more-threes-at-once" if size == SIZE else None
        names = {SIZE: "more-threes"} | {other: f"more-threes-{other}" for other in OTHER_SIZES}
        return names.get(size)
    is_claimed = pruning == PRUNINGS[0] and size == SIZE and width in OTHER_WIDTHS
    return f"more-threes-width-{width}" if is_claimed else None
