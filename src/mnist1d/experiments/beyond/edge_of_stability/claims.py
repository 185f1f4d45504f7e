"""Claims about sharpness and the edge of stability, and their measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.edge_of_stability.config import (
    ADAM,
    CROSS_ENTROPY,
    GD,
    MOMENTUM,
    SAM,
    Config,
    is_sgd,
    sgd,
)
from mnist1d.experiments.beyond.edge_of_stability.measures import (
    falls_in_the_long_run,
    highest_sharpness,
    late,
    late_sharpness,
    mean_of,
    of_run,
    rates_of,
    reached_after,
    relative_sharpness,
    rises_after,
    rises_before,
    sharpening,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.rules import AtLeast, NoGain, Positive, Similar
from mnist1d.measures.expressions import value

if TYPE_CHECKING:
    import xarray as xr

DEFAULT = Config()
SLOWEST, *_ = DEFAULT.rates
SHARED = DEFAULT.shared_rate
(ENTROPY_RATE,) = DEFAULT.cross_entropy_rates
SMALL_BATCH, LARGE_BATCH = DEFAULT.batch_sizes

MARGIN = 10.0
"""Per cent of an edge: those of neighbouring rates differ by 30 % or more, and momentum moves it by
90 %; "right at, or just above" in the figures of Cohen et al. is within this."""

SAM_MARGIN = 20.0
"""The same of sharpness-aware minimisation, whose edge moves with the gradient from step to step;
for Long & Bartlett sharpness is near it, not at it."""

COHEN = "Beyond the paper: Cohen et al. (2021), of images"
ADAPTIVE = "Beyond the paper: Cohen et al. (2022), of images and texts"
LONG = "Beyond the paper: Long & Bartlett (2024), of images and texts"


def _at_edge(name: str, method: str, rate: float, what: str, source: str) -> Claim:
    return Claim(
        name,
        f"{what} (% of it; mean of the last quarter of the training)",
        source,
        Similar(SAM_MARGIN if method == SAM else MARGIN, center=100),
        relative_sharpness(method, rate),
    )


CLAIMS = (
    *(
        _at_edge(
            f"gd-at-edge-{rate:g}",
            GD,
            rate,
            f"Under gradient descent of rate {rate:g} sharpness is at 2 / rate = {2 / rate:.3g}",
            COHEN,
        )
        for rate in DEFAULT.rates
    ),
    Claim(
        "sharpens",
        "Until it is at the edge, sharpness rises: intervals between measurements over which it "
        f"does, at a rate of {SLOWEST:g} (per cent)",
        COHEN,
        AtLeast(90),
        sharpening(GD, SLOWEST),
    ),
    Claim(
        "loss-falls-before",
        "Until then the loss falls at every step: steps at which it rises, at a rate of "
        f"{SLOWEST:g} (per cent)",
        COHEN,
        NoGain(1),
        rises_before(GD, SLOWEST),
    ),
    Claim(
        "loss-rises-at-edge",
        "At the edge the loss often rises from one step to the next: steps of the last quarter at "
        "which it does, mean over the rates (per cent)",
        COHEN,
        AtLeast(10),
        mean_of([rises_after(GD, rate) for rate in DEFAULT.rates]),
    ),
    Claim(
        "loss-falls-in-the-long-run",
        "At the edge the loss falls all the same: tenths of the training in which its mean is "
        "lower than in the one before, mean over the rates (per cent)",
        COHEN,
        AtLeast(90),
        mean_of([falls_in_the_long_run(GD, rate) for rate in DEFAULT.rates]),
    ),
    Claim(
        "cross-entropy-reaches-edge",
        "On the cross-entropy sharpness rises to the edge, too: its highest mean of ten "
        f"measurements in a row, at a rate of {ENTROPY_RATE:g} (per cent of 2 / rate)",
        COHEN,
        AtLeast(95),
        highest_sharpness(CROSS_ENTROPY, ENTROPY_RATE),
    ),
    Claim(
        "cross-entropy-falls-back",
        "On the cross-entropy sharpness falls at the end: highest mean of ten measurements in a "
        f"row minus the mean of the last quarter, at a rate of {ENTROPY_RATE:g} (per cent of "
        "2 / rate)",
        COHEN,
        Positive(least=MARGIN),
        highest_sharpness(CROSS_ENTROPY, ENTROPY_RATE)
        - relative_sharpness(CROSS_ENTROPY, ENTROPY_RATE),
    ),
    *(
        _at_edge(
            f"momentum-at-edge-{rate:g}",
            MOMENTUM,
            rate,
            f"With momentum of {DEFAULT.momentum:g} and rate {rate:g} sharpness is at "
            f"2 (1 + momentum) / rate = {2 * (1 + DEFAULT.momentum) / rate:g}",
            COHEN,
        )
        for rate in DEFAULT.momentum_rates
    ),
    *(
        _at_edge(
            f"adam-at-edge-{rate:g}",
            ADAM,
            rate,
            f"With Adam on all samples, of rate {rate:g}, the preconditioned sharpness is at "
            f"38 / rate = {38 / rate:,.0f}",
            ADAPTIVE,
        )
        for rate in DEFAULT.adam_rates
    ),
    Claim(
        "sgd-below-edge",
        f"With SGD in batches of {SMALL_BATCH} sharpness is lower than with gradient descent at "
        f"the same rate, {SHARED:g}: difference",
        COHEN,
        Positive(),
        late_sharpness(GD, SHARED) - late_sharpness(sgd(SMALL_BATCH), SHARED),
    ),
    Claim(
        "small-batches-flatter",
        f"The smaller the batches, the lower the sharpness: with {LARGE_BATCH} samples minus with "
        f"{SMALL_BATCH}, at a rate of {SHARED:g}",
        "Beyond the paper: Jastrzębski et al. (2020), of images and texts",
        Positive(),
        late_sharpness(sgd(LARGE_BATCH), SHARED) - late_sharpness(sgd(SMALL_BATCH), SHARED),
    ),
    Claim(
        "sam-flatter",
        "Sharpness-aware minimisation finds lower sharpness than gradient descent at the same "
        f"rate, {SHARED:g}: difference",
        "Beyond the paper: Foret et al. (2021), of images",
        Positive(),
        late_sharpness(GD, SHARED) - late_sharpness(SAM, SHARED),
    ),
    _at_edge(
        "sam-at-edge",
        SAM,
        SHARED,
        "Sharpness-aware minimisation is at an edge of its own, which falls with the gradient",
        LONG,
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all methods and rates: sharpness, edge, loss and accuracy."""
    rows = []
    for method in result.optimizer.to_numpy().tolist():
        for rate in rates_of(result, method):
            columns = {
                "sharpness": late_sharpness(method, rate),
                "edge": of_run(method, rate, lambda curves: late(curves["edge"])),
                "% of edge": relative_sharpness(method, rate),
                "loss": of_run(method, rate, lambda curves: late(curves["train_loss"])),
                "test accuracy (%)": value(
                    "test_accuracy", scale=100, limits=(0, 100), optimizer=method, rate=rate
                ),
            }
            # Where a network never is, there is no mean.
            if np.isfinite(reached_after(method, rate).per_seed(result)).all():
                columns["at edge after (steps)"] = reached_after(method, rate)
            if not is_sgd(method):
                columns["loss rises (% of steps)"] = rises_after(method, rate)
            estimates = {name: measure(result) for name, measure in columns.items()}
            rows.append(Row(method, f"rate {rate:g}", estimates, _claim_about(method, rate)))
    return rows


def _claim_about(method: str, rate: float) -> str | None:
    names = {
        GD: f"gd-at-edge-{rate:g}",
        MOMENTUM: f"momentum-at-edge-{rate:g}",
        ADAM: f"adam-at-edge-{rate:g}",
        SAM: "sam-at-edge",
    }
    name = names.get(method)
    return name if name in {claim.name for claim in CLAIMS} else None


def remarks(result: xr.Dataset) -> list[str]:
    """Say what the columns are, and how exact the sharpness is."""
    error = 100 * float((result.sharpness_error / abs(result.sharpness)).max())
    meant = "Numbers are means of the last quarter; Adam's are of its preconditioned Hessian."
    return [meant, f"By the residuals of Lanczos, an eigenvalue is within {error:.2g} % of each."]
