"""Claims about learned activation functions in larger networks, and their measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from mnist1d.experiments.beyond.activation_transfer.config import ARCHITECTURES, SIZES
from mnist1d.harness.claims import Claim
from mnist1d.harness.interface import Row
from mnist1d.harness.verdicts.rules import Positive
from mnist1d.measures.expressions import Measure, value

if TYPE_CHECKING:
    import xarray as xr

BASELINES = ("relu", "elu", "swish")
"""The functions that the paper compares its learned function with."""

TITLES: Mapping[str, str] = {
    "relu": "ReLU",
    "elu": "ELU",
    "swish": "Swish",
    "gelu": "GELU",
    "tanh": "tanh",
    "snake": "Snake",
    "sine": "sine",
    **{f"learned in {name}": f"learned in the {name}" for name in ARCHITECTURES},
}
SIZE_TITLES = dict(
    zip(
        SIZES,
        (
            "of Table 1",
            "twice as wide",
            "4 times as wide",
            "with 1 layer more",
            "with 2 layers more",
        ),
        strict=True,
    )
)
BASE, *LARGER = SIZES
OTHER = dict(zip(ARCHITECTURES, reversed(ARCHITECTURES), strict=True))
SOURCE = "Beyond the paper, asked in its section 6"
MEAN_OF_THREE = "the mean of ReLU, ELU and Swish"


def learned_in(architecture: str) -> str:
    """Return the name of a learned function."""
    return f"learned in {architecture}"


def accuracy(architecture: str, size: str, function: str | Sequence[str]) -> Measure:
    """Test accuracy in per cent; of several functions the mean."""
    functions = function if isinstance(function, str) else list(function)
    return value(
        "test_accuracy",
        scale=100,
        limits=(0, 100),
        architecture=architecture,
        size=size,
        function=functions,
    )


def advantage(architecture: str, size: str, function: str) -> Measure:
    """Test accuracy minus the mean of the baselines, paired by trial, in percentage points."""
    return accuracy(architecture, size, function) - accuracy(architecture, size, BASELINES)


def untuned_advantage(architecture: str, function: str) -> Measure:
    """Return the same in the network of Table 1 with one learning rate for all functions."""

    def untuned(name: str | list[str]) -> Measure:
        return value("untuned_accuracy", scale=100, architecture=architecture, function=name)

    return untuned(function) - untuned([*BASELINES])


CLAIMS = (
    *(
        Claim(
            f"beats-{function}-{architecture.lower()}",
            f"In the {architecture} of Table 1 the function learned in it exceeds "
            f"{TITLES[function]}, each at its best learning rate (percentage points)",
            SOURCE,
            Positive(),
            accuracy(architecture, BASE, learned_in(architecture))
            - accuracy(architecture, BASE, function),
        )
        for architecture in ARCHITECTURES
        for function in (*BASELINES, "snake")
    ),
    *(
        Claim(
            f"ahead-{size}-{architecture.lower()}",
            f"In the {architecture} {SIZE_TITLES[size]} the function learned in that of Table 1 "
            f"exceeds {MEAN_OF_THREE} (percentage points)",
            SOURCE,
            Positive(),
            advantage(architecture, size, learned_in(architecture)),
        )
        for architecture in ARCHITECTURES
        for size in LARGER
    ),
    *(
        Claim(
            f"transfers-to-{architecture.lower()}",
            f"In the {architecture} of Table 1 the function learned in the {OTHER[architecture]} "
            f"exceeds {MEAN_OF_THREE} (percentage points)",
            SOURCE,
            Positive(),
            advantage(architecture, BASE, learned_in(OTHER[architecture])),
        )
        for architecture in ARCHITECTURES
    ),
    *(
        Claim(
            f"own-beats-other-{architecture.lower()}",
            f"In the {architecture} of Table 1 the function learned in it exceeds the one learned "
            f"in the {OTHER[architecture]} (percentage points)",
            SOURCE,
            Positive(),
            accuracy(architecture, BASE, learned_in(architecture))
            - accuracy(architecture, BASE, learned_in(OTHER[architecture])),
        )
        for architecture in ARCHITECTURES
    ),
    *(
        Claim(
            f"ahead-untuned-{architecture.lower()}",
            f"In the {architecture} of Table 1, at one learning rate for all functions, the "
            f"function learned in it exceeds {MEAN_OF_THREE} (percentage points)",
            SOURCE,
            Positive(),
            untuned_advantage(architecture, learned_in(architecture)),
        )
        for architecture in ARCHITECTURES
    ),
    *(
        Claim(
            f"tuning-costs-{architecture.lower()}",
            f"In the {architecture} of Table 1 the function learned in it is further ahead of "
            f"{MEAN_OF_THREE} at one learning rate for all than if each function has its best one: "
            "difference of the two (percentage points)",
            SOURCE,
            Positive(),
            untuned_advantage(architecture, learned_in(architecture))
            - advantage(architecture, BASE, learned_in(architecture)),
        )
        for architecture in ARCHITECTURES
    ),
)


def summarise(result: xr.Dataset) -> list[Row]:
    """Make a table of all networks and functions: accuracies, and what they are ahead."""
    rows = []
    functions = result.function.to_numpy().tolist()
    for architecture, size in product(ARCHITECTURES, result["size"].to_numpy().tolist()):
        for function in functions:
            rate = result.chosen_rate.sel(architecture=architecture, size=size, function=function)
            estimates = {
                "test (%)": accuracy(architecture, size, function)(result),
                "ahead": advantage(architecture, size, function)(result),
            }
            if size == BASE:
                estimates["ahead,\none rate"] = untuned_advantage(architecture, function)(result)
            group = f"{architecture} {SIZE_TITLES[size]}"
            rows.append(Row(group, f"{TITLES[function]}, rate {float(rate):g}", estimates))
    return rows


def remarks(result: xr.Dataset) -> list[str]:
    """Say what "ahead" means, which rates are at an end of those tried, what was left out."""
    ahead = f"Ahead: of {MEAN_OF_THREE} in the same network, paired by trial"
    lines = [f"{ahead}; with one rate: at `common_rate` for all functions."]
    ends = {float(result.rate[0]), float(result.rate[-1])}
    at_end = int(result.chosen_rate.isin([*ends]).sum())
    if at_end:
        lines.append(
            f"For {at_end} of {result.chosen_rate.size} functions and networks the best learning "
            "rate is the smallest or the largest that was tried."
        )
    left_out = int(result.left_out.sum())
    if left_out:
        lines.append(
            f"In {left_out} of {result.left_out.size} outer steps the gradient through the "
            "training was not finite, and the function stayed as it was."
        )
    return lines


def explain(result: xr.Dataset) -> dict[str, str]:
    """Say of every claim what it is a difference of."""
    texts = {}
    for architecture, size in product(ARCHITECTURES, result["size"].to_numpy().tolist()):
        means = {
            function: accuracy(architecture, size, function)(result).mean for function in TITLES
        }
        best = max(means, key=means.__getitem__)
        numbers = ", ".join(f"{TITLES[name]} {mean:.1f}" for name, mean in means.items())
        texts[architecture, size] = (
            f"The highest mean test accuracy in this network is that of {TITLES[best]}. All of "
            f"them (%), each function at its best rate: {numbers}."
        )
    found = {}
    for claim in CLAIMS:
        architecture = claim.name.rpartition("-")[2].upper()
        size = next((each for each in LARGER if each in claim.name), BASE)
        if (architecture, size) in texts:
            found[claim.name] = texts[architecture, size]
    return found
