"""Claims about generated signals, and their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist1d.experiments.beyond.generation.config import Config
from mnist1d.experiments.beyond.generation.measures import (
    agreement,
    density_lack,
    distribution,
    heun_gain,
    mean_distance,
    memorised_after,
    of_network,
    replicas_at_end,
    time_exponent,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.rules import AtLeast, NoGain, Positive, Similar
from mnist1d.measures.expressions import value

if TYPE_CHECKING:
    import xarray as xr

DEFAULT = Config()
FEW, NEXT, *_, MANY = DEFAULT.n_samples

LIPMAN = "Beyond the paper: Lipman et al. (2023), of images"
THEIS = "Beyond the paper: expected of an exact model; Theis et al. (2016) say why it may not be so"
GU = "Beyond the paper: Gu et al. (2023), of images"
SOMEPALLI = "Beyond the paper: Somepalli et al. (2023), of images"
BONNAIRE = "Beyond the paper: Bonnaire et al. (2025), of images"
KADKHODAIE = "Beyond the paper: Kadkhodaie et al. (2024), of images"
SHMELKOV = "Beyond the paper: Shmelkov et al. (2018), of images"
RAVURI = "Beyond the paper: Ravuri & Vinyals (2019), of images"
KARRAS = "Beyond the paper: Karras et al. (2022), of images"

CLASS_MARGIN = 2.0
"""Percentage points: half of what people err on true signals, 4 % (section 4 of the paper)."""

DISTRIBUTION_MARGIN = 0.05
"""Of a distance of distributions: one signal of twenty has another place. Chance alone makes 0.04
between two sets of 1,000, which is subtracted."""

DENSITY_MARGIN = 0.1
"""Nats per point: what noise costs whose standard deviation is a tenth too large."""

MEMORISED = 90.0
"""Per cent of replicas from which on Gu et al. say that a network memorises."""

REPLICATED = 2.0
"""Per cent: Somepalli et al. find that 1.9 % of the images of Stable Diffusion are replicas."""

TIME_MARGIN = 0.3
"""Of an exponent of 1: times that are three times as long are then known to a factor of 1.4, about
what the rise of a curve of replicas is wide."""

ALIKE = 90.0
"""Per cent of the variation of signals: a correlation of 0.9. Images of the two networks of
Kadkhodaie et al. are nearly identical."""

ACCURACY_MARGIN = 2.0
"""Percentage points, about the error of an accuracy on 1,000 signals with 95 % confidence."""


def _distribution_claim(name: str) -> Claim:
    return Claim(
        f"{name}-distribution",
        f"With {MANY:,} training samples the {name}s of generated signals, by the posterior of the "
        "generator, are distributed as those of true ones: Kolmogorov-Smirnov distance minus that "
        "of as many true signals",
        LIPMAN,
        NoGain(DISTRIBUTION_MARGIN),
        distribution(name, MANY),
    )


CLAIMS = (
    Claim(
        "class-as-asked",
        f"With {MANY:,} training samples generated signals are of the class asked for, by the "
        "posterior of the generator, as often as true ones: share of true minus share of generated "
        "ones (percentage points)",
        LIPMAN,
        NoGain(CLASS_MARGIN),
        value("true_asked", scale=100, part="true") - of_network("asked", MANY),
    ),
    _distribution_claim("shift"),
    _distribution_claim("scale"),
    Claim(
        "density",
        f"With {MANY:,} training samples generated signals are as probable as true ones under the "
        "generator: median of true minus median of generated ones (nats per point)",
        THEIS,
        NoGain(DENSITY_MARGIN),
        density_lack(MANY),
    ),
    Claim(
        "memorises-few",
        f"With {FEW} training samples the network memorises: generated signals that are replicas "
        "of training samples (per cent)",
        GU,
        AtLeast(MEMORISED),
        replicas_at_end(FEW),
    ),
    Claim(
        "no-replicas-many",
        f"With {MANY:,} training samples it does not: replicas among generated signals minus "
        "those among fresh true ones (percentage points)",
        SOMEPALLI,
        NoGain(REPLICATED),
        replicas_at_end(MANY) - replicas_at_end(MANY, true=True),
    ),
    Claim(
        "memorises-later",
        "The time until half of the signals are replicas grows in proportion to the number of "
        f"training samples, as samples^p from {FEW} to {NEXT}: p",
        BONNAIRE,
        Similar(TIME_MARGIN, center=1),
        time_exponent(FEW, NEXT),
    ),
    Claim(
        "twins-agree-many",
        f"Two networks, each with {MANY:,} samples that the other does not see, generate the same "
        "signals from the same noise: variation of signals that the noise decides (per cent)",
        KADKHODAIE,
        AtLeast(ALIKE),
        agreement(MANY),
    ),
    Claim(
        "nearer-to-data-few",
        f"With {FEW} training samples signals are nearer to training samples than to those of the "
        "other network from the same noise: mean distance to these minus to the nearest training "
        "sample",
        KADKHODAIE,
        Positive(),
        mean_distance("twin_distance", FEW) - mean_distance("nearest", FEW),
    ),
    Claim(
        "nearer-to-twin-many",
        f"With {MANY:,} training samples signals are nearer to those of the other network from the "
        "same noise than to training samples: mean distance to these minus to the other network's",
        KADKHODAIE,
        Positive(),
        mean_distance("nearest", MANY) - mean_distance("twin_distance", MANY),
    ),
    Claim(
        "gan-test-many",
        f"With {MANY:,} training samples a classifier that was trained on true signals is as "
        "accurate on generated as on fresh true ones: difference (percentage points)",
        SHMELKOV,
        Similar(ACCURACY_MARGIN),
        of_network("own_on_generated", MANY) - of_network("own_on_true", MANY),
    ),
    Claim(
        "gan-train-many",
        "A classifier that was trained on generated signals is less accurate on true ones than one "
        f"that was trained on as many true ones, with {MANY:,} training samples of the network: "
        "difference (percentage points)",
        RAVURI,
        Positive(),
        of_network("own_on_true", MANY) - of_network("generated_on_true", MANY),
    ),
    Claim(
        "heun-beats-euler",
        "For as many evaluations of the network Heun's method is nearer to the exact flow than "
        f"Euler's, with {MANY:,} training samples: ratio of root mean square errors (powers of "
        "two)",
        KARRAS,
        Positive(),
        heun_gain(MANY),
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make tables of what the generator says, of nearness, and of classifiers, by samples."""
    rows = []
    paired = result.twin_distance.notnull().any(("signal", "seed")).to_numpy()
    sizes = result.n_samples.to_numpy().tolist()
    for n, has_twin in zip(sizes, paired, strict=True):
        name = f"{n:,} training samples"
        judged = {
            "class as asked (%)": of_network("asked", n),
            "shifts (KS)": distribution("shift", n),
            "scales (KS)": distribution("scale", n),
            "density lacks (nats per point)": density_lack(n),
        }
        near = {
            "replicas (%)": replicas_at_end(n),
            "of true ones (%)": replicas_at_end(n, true=True),
            "distance to nearest": mean_distance("nearest", n),
            "of true ones": mean_distance("true_nearest", n),
        }
        if has_twin:
            near["distance to twin"] = mean_distance("twin_distance", n)
            near["noise decides (%)"] = agreement(n)
        classified = {
            "trained on true, of true (%)": of_network("own_on_true", n),
            "trained on true, of generated (%)": of_network("own_on_generated", n),
            "trained on generated, of true (%)": of_network("generated_on_true", n),
        }
        for group, measures, claim in (
            ("Generated signals by the generator", judged, None),
            ("Nearness to training samples", near, "memorises-few" if n == FEW else None),
            ("Accuracy of classifiers", classified, None),
        ):
            estimates = {column: measure(result) for column, measure in measures.items()}
            rows.append(Row(group, name, estimates, claim))
    return sorted(rows, key=lambda row: [each.group for each in rows].index(row.group))


def remarks(result: xr.Dataset) -> list[str]:
    """Say what distances are of, and where half of the signals never were replicas."""
    lines = [
        (
            "Distances are Euclidean, of standardised signals. KS is the Kolmogorov-Smirnov "
            "distance to true signals minus that of as many other true signals."
        )
    ]
    for n in result.n_samples.to_numpy().tolist():
        most = result.replicas.sel(n_samples=n).max("step")
        after = memorised_after(n)(result).mean
        if bool((most >= 0.5).all()):
            lines.append(f"With {n:,} samples, half are replicas after {after:,.0f} updates.")
        elif bool((most >= 0.5).any()):
            lines.append(f"With {n:,} samples, not in all trials half are ever replicas.")
    return lines
