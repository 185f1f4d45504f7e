"""Claims about generated signals, and their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnist1d.experiments.beyond.generation.config import FALLING, Config
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
FEW, NEXT, *_, FEWER, MANY = DEFAULT.n_samples

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
        f"With {MANY:,} training samples it does not memorise: replicas among generated ones minus "
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
    """Say what distances are of, and when half of the signals are replicas."""
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
            text = f"With {n:,} samples, half are replicas after {after:,.0f} updates"
            lines.append(f"{text}{_late(result, n)}.")
        elif bool((most >= 0.5).any()):
            lines.append(f"With {n:,} samples, not in all trials half are ever replicas.")
    return lines


def _late(result: xr.Dataset, n: int) -> str:
    """Say in how many trials the learning rate falls when half of the signals become replicas."""
    falls = round((1 - FALLING) * int(result.step[-1]))
    times = memorised_after(n).per_seed(result)
    late = int((times > falls).sum())
    if not late:
        return ""
    shares = 100 * result.replicas.sel(n_samples=n).mean("seed").sel(step=slice(falls, None))
    text = f", in {late} of {len(times)} trials when the learning rate falls, from {falls:,} on"
    if len(shares) < 2:
        return text
    place = int(np.diff(shares).argmax())
    (first, low), (last, high) = (
        (int(shares.step[each]), float(shares[each])) for each in (place, place + 1)
    )
    return f"{text}: from {first:,} to {last:,} the share jumps from {low:.0f} to {high:.0f} %"


def explain(result: xr.Dataset) -> dict[str, str]:
    """Explain why claims differ, claim by claim, with numbers of the result."""
    if not {FEWER, MANY} <= {*result.n_samples.to_numpy().tolist()}:
        return {}
    asked, fewer = (of_network("asked", n)(result).mean for n in (MANY, FEWER))
    lacks = [density_lack(n)(result).mean for n in (MANY, FEWER)]
    distances = [distribution("scale", n)(result).mean for n in (MANY, FEWER)]
    true = result.sel(part="true")
    quarter = np.quantile(true.true_scale, 0.25)
    smallest = 100 * float((result.scale.sel(n_samples=MANY) < quarter).mean())
    low = np.quantile(true.true_log_density, 0.01)
    improbable = 100 * float((result.log_density.sel(n_samples=MANY) < low).mean())
    found, right = (of_network(f"own_on_{on}", MANY)(result).mean for on in ("generated", "true"))
    return {
        "class-as-asked": f"By the generator, {100 - asked:.0f} % of the signals have another "
        f"class. With {FEWER:,} samples it is {100 - fewer:.0f} %"
        + _samples_or_network(100 - asked, 100 - fewer),
        "scale-distribution": f"Too many signals are small: {smallest:.0f} % are like the smallest "
        f"quarter of true ones. With {FEWER:,} samples the distance is {distances[1]:.2f}"
        + _samples_or_network(*distances),
        "density": f"Of the signals, {improbable:.0f} % are less probable than 99 % of true ones. "
        f"With {FEWER:,} samples the lack is {lacks[1]:.2f}" + _samples_or_network(*lacks),
        "gan-test-many": f"The classifier is right on {found:.1f} % of generated signals, and by "
        f"the generator {asked:.1f} % have the class asked for. Signals of another class count as "
        f"its errors; of true signals it is right on {right:.1f} %.",
    }


def _samples_or_network(with_many: float, with_fewer: float) -> str:
    """Say what a fault with many samples is due to, given the same with fewer; end the sentence."""
    if with_many < 0.75 * with_fewer:
        return ", so that more samples help."
    return (
        ", so that more samples are not what is missing; whether it is a larger network or more "
        "updates, the result does not say."
    )
