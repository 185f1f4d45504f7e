"""Claims about scaling laws, and their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist1d.experiments.beyond.scaling_laws.config import MODELS, Config
from mnist1d.experiments.beyond.scaling_laws.measures import (
    best_growth,
    constant,
    exponent,
    extra_loss,
    fixed_law,
    gain_of_stopping,
    head_start,
    joint_growth,
    joint_law,
    parameters_law,
    residual,
    samples_law,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.rules import NoGain, Positive, Similar
from mnist1d.measures.expressions import Measure, value

if TYPE_CHECKING:
    import xarray as xr

DEFAULT = Config()
NARROW, WIDE, WIDEST = DEFAULT.widths[2], DEFAULT.widths[3], DEFAULT.widths[-1]
REPEATED, NEW = DEFAULT.n_samples[-2:]
N_PASSES = NEW // REPEATED

STRAIGHT = 5.0
"""Per cent: losses fall to a fifth over the sizes tried, and one that is this far from a law is as
far as a thirtieth of that way in logarithms, which no eye sees."""

STRAIGHT_SURFACE = 10.0
"""The same of a law of both sizes, which has five numbers for ten times as many losses."""

CONSTANT_MARGIN = 0.05
"""Nats: how far constants of fits may be from the best possible loss. It is 2 % of the loss of
guessing."""

CALIBRATION_MARGIN = 0.001
"""Nats: as much as one sample in 10,000 makes, of a class to which the posterior gives e^-10."""

EXPONENT_MARGIN = 0.1
"""How far powers of different fits, and of different papers, may be apart: those of Kaplan et al.,
0.73, and of Hoffmann et al., 0.50, are more than twice as far."""

HESTNESS = "Beyond the paper: Hestness et al. (2017), of texts, images and speech"
KAPLAN = "Beyond the paper: Kaplan et al. (2020), of texts"
HOFFMANN = "Beyond the paper: Hoffmann et al. (2022), of texts"
HENIGHAN = "Beyond the paper: Henighan et al. (2020), of images, videos and texts"


def bayes(name: str, scale: float = 1.0) -> Measure:
    """Measure what the generator's posterior reaches."""
    return value(name, scale=scale, digits=None)


def loss_at(width: int, seen: int) -> Measure:
    """Measure the test loss of an MLP on endless data, in nats."""
    return value("test_loss", digits=None, width=width, seen=seen)


CLAIMS = (
    Claim(
        "samples-power-law",
        f"The loss of the MLP of width {WIDEST} falls with the samples that it has seen as a power "
        "and a constant: deviation of the losses, root mean square (per cent)",
        HESTNESS,
        NoGain(STRAIGHT),
        residual(samples_law),
    ),
    Claim(
        "parameters-power-law",
        "The loss at the end falls with the number of parameters as a power and a constant: "
        "deviation of the losses, root mean square (per cent)",
        KAPLAN,
        NoGain(STRAIGHT),
        residual(parameters_law),
    ),
    Claim(
        "joint-law",
        "One law of parameters and samples, a constant and a power of each, has the losses of all "
        "MLPs: deviation, root mean square (per cent)",
        HOFFMANN,
        NoGain(STRAIGHT_SURFACE),
        residual(joint_law),
    ),
    Claim(
        "constant-is-best-samples",
        "The constant of the law of samples is the least loss that is possible: constant minus "
        "loss of the posterior (nats)",
        HENIGHAN,
        Similar(CONSTANT_MARGIN),
        constant(samples_law) - bayes("bayes_loss"),
    ),
    Claim(
        "constant-is-best-joint",
        "The constant of the law of parameters and samples is the least loss that is possible: "
        "constant minus loss of the posterior (nats)",
        HENIGHAN,
        Similar(CONSTANT_MARGIN),
        constant(joint_law) - bayes("bayes_loss"),
    ),
    Claim(
        "wider-need-fewer-samples",
        f"The MLP of width {WIDEST} needs fewer samples than that of width {WIDE} for the same "
        "loss, the higher of their last ones: ratio (powers of two)",
        KAPLAN,
        Positive(),
        head_start(WIDE, WIDEST),
    ),
    Claim(
        "stop-early",
        f"For the work that it takes to train the MLP of width {NARROW} to the end, that of width "
        f"{WIDE}, stopped early, has a lower loss: difference (per cent)",
        KAPLAN,
        Positive(),
        gain_of_stopping(NARROW, WIDE),
    ),
    Claim(
        "best-size-grows",
        "The best number of parameters grows with the work, N ~ work^p: p",
        KAPLAN,
        Positive(),
        best_growth(),
    ),
    Claim(
        "equal-shares",
        "The best number of parameters and the best number of samples grow alike: p is one half",
        HOFFMANN,
        Similar(EXPONENT_MARGIN, center=0.5),
        best_growth(),
    ),
    Claim(
        "mostly-parameters",
        "More work should go mostly into more parameters: p is 0.73",
        KAPLAN,
        Similar(EXPONENT_MARGIN, center=0.73),
        best_growth(),
    ),
    Claim(
        "approaches-agree",
        "The law of parameters and samples has the same p as the least losses at fixed work: "
        "difference",
        HOFFMANN,
        Similar(EXPONENT_MARGIN),
        joint_growth() - best_growth(),
    ),
    Claim(
        "architecture-keeps-exponent",
        "On fixed numbers of samples another architecture has another factor and the same "
        "exponent: that of the CNN minus that of the MLP",
        HESTNESS,
        Similar(EXPONENT_MARGIN),
        exponent(fixed_law("CNN")) - exponent(fixed_law("MLP")),
    ),
    Claim(
        "few-passes-cost-nothing",
        f"{N_PASSES} passes over {REPEATED:,} samples are as good as one over {NEW:,}: loss of the "
        "MLP above that (per cent)",
        "Beyond the paper: Muennighoff et al. (2023), of texts",
        NoGain(STRAIGHT),
        extra_loss("MLP", REPEATED),
    ),
    Claim(
        "best-exceeds-people",
        "The best classifier errs less than people, who err in 4 % (per cent)",
        "Beyond the paper: section 4 has what people reach",
        NoGain(4),
        bayes("bayes_error", 100),
    ),
    Claim(
        "posterior-is-calibrated",
        "The posterior is the generator's: its loss is its mean entropy: difference (nats)",
        "Beyond the paper: the definition of the generator",
        Similar(CALIBRATION_MARGIN),
        bayes("bayes_loss") - bayes("bayes_entropy"),
    ),
)

LAWS = {
    "samples seen, widest MLP": samples_law,
    "parameters, at the end": parameters_law,
    "both, all MLPs": joint_law,
    **{f"fixed samples, {model}": fixed_law(model) for model in MODELS},
}


def summarise(result: xr.Dataset) -> list[Row]:
    """Make tables of losses on endless and fixed samples, of laws, and of the best classifier."""
    rows = []
    seen = result.seen.to_numpy().tolist()
    chosen = [seen[round(len(seen) / 4**power) - 1] for power in (2, 1, 0)]
    for width, n in zip(result.width.to_numpy(), result.n_parameters.to_numpy(), strict=True):
        columns = {f"{each:,} seen": loss_at(width, each)(result) for each in chosen}
        columns["accuracy (%)"] = value(
            "test_accuracy", scale=100, limits=(0, 100), width=width, seen=seen[-1]
        )(result)
        rows.append(Row("Test loss (nats), endless samples", f"{n:,} parameters", columns))
    for model in result.model.to_numpy().tolist():
        columns = {
            f"{n:,}": value("fixed_loss", digits=None, model=model, n_samples=n)(result)
            for n in result.n_samples.to_numpy().tolist()
        }
        rows.append(Row("Test loss (nats), by fixed samples", model, columns))
    claims = {samples_law: "samples-power-law", parameters_law: "parameters-power-law"}
    claims[joint_law] = "joint-law"
    for name, law in LAWS.items():
        measures = {"constant": constant(law), "exponent": exponent(law)}
        if law is joint_law:
            measures["exponent of samples"] = exponent(law, 1)
        measures["deviation (%)"] = residual(law)
        columns = {column: measure(result) for column, measure in measures.items()}
        rows.append(Row("Laws: loss = constant + factor / size^exponent", name, columns))
    powers = {"by fixed work": best_growth(), "by the law of both": joint_growth()}
    for name, measure in powers.items():
        rows.append(Row("Best parameters ~ work^p", name, {"p": measure(result)}))
    best = {
        "loss (nats)": bayes("bayes_loss"),
        "entropy (nats)": bayes("bayes_entropy"),
        "error (%)": bayes("bayes_error", 100),
    }
    columns = {column: measure(result) for column, measure in best.items()}
    return [*rows, Row("What is possible", "posterior of the generator", columns)]


def remarks(result: xr.Dataset) -> list[str]:
    """Say between what the least loss lies, which fits failed, and which rates are at an end."""
    widest = result.width.to_numpy()[-1].item()
    reached = loss_at(widest, result.seen.to_numpy()[-1].item())(result).mean
    possible = bayes("bayes_loss")(result).mean
    bounds = (
        f"Possible are {possible:.2g} nats, by the posterior of the generator; without it, one "
        f"would know the {reached:.2g} nats of the widest MLP as an upper bound."
    )
    lines = [bounds]
    for name, law in LAWS.items():
        found = [law(result, seed).reason for seed in range(result.sizes["seed"])]
        reasons = [reason for reason in found if reason]
        if reasons:
            lines.append(f"Law of {name}: {len(reasons)} fits failed, the first: {reasons[0]}.")
    extremes = [float(result.rate.min()), float(result.rate.max())]
    at_end = int(result.chosen_rate.isin(extremes).sum())
    if at_end:
        lines.append(
            f"For {at_end} of {result.chosen_rate.size} networks the best learning rate is the "
            "smallest or the largest that was tried."
        )
    return lines
