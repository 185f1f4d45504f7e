"""Claims about grokking: delayed generalisation, what it depends on, and what happens meanwhile."""

from __future__ import annotations

import numpy as np

from mnist1d.experiments.beyond.grokking.config import Config
from mnist1d.experiments.beyond.grokking.measures import (
    LATE,
    NEAR_BEST,
    Place,
    accuracy_when_fitted,
    delay,
    final_accuracy,
    final_similarity,
    growth,
    late_rise,
    later_change,
    log_norm,
    log_time,
    of_run,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.verdicts.rules import AtLeast, NoGain, Positive, Similar

DEFAULT = Config()
DECAY, (NONE, TWICE) = DEFAULT.decay, DEFAULT.other_decays
STANDARD, MIDDLE, LARGE = DEFAULT.scales
FEW, MOST = DEFAULT.n_samples

RISE = 10.0
"""Percentage points by which a late rise of the test accuracy is grokking. Those of Liu et al. on
MNIST are larger; repeated evaluations of one network differ by a point or two."""

FLAT = RISE / 2
"""The same up to which there is no rise, or no difference: nearer to none than to grokking."""

TENFOLD = 1.0
"""Delay of grokking in powers of ten. Power et al. show two or three; those of images are shorter
(Liu et al.), and without grokking test and training accuracies rise together."""

TOGETHER = TENFOLD / 2
"""The same up to which there is none: nearer to none than to grokking."""

LIU = "Beyond the paper: Liu et al. (2023), of MNIST"
POWER = "Beyond the paper: Power et al. (2022), of arithmetic"
CHIZAT = "Beyond the paper: Chizat et al. (2019), of images"
KUMAR = "Beyond the paper: Kumar et al. (2024), of polynomials and MNIST"
LYU = "Beyond the paper: Lyu et al. (2024), a theorem of large weights and small decays"

GROKS = Place(MOST, DECAY, LARGE)
CONTROL = Place(MOST, DECAY, STANDARD)
UNDECAYED = Place(MOST, NONE, LARGE)
BY_SCALE = {scale: Place(MOST, DECAY, scale) for scale in DEFAULT.scales}

WITH = f"initial weights {LARGE:g} times as large and a weight decay of {DECAY:g}"
WITHOUT = f"initial weights {LARGE:g} times as large and no weight decay"


CLAIMS = (
    Claim(
        "grokking",
        f"With {WITH}, the test accuracy rises long after the training accuracy: at the end minus "
        f"after {LATE:g} times the steps to a training accuracy of 99 % (percentage points)",
        LIU,
        Positive(least=RISE),
        late_rise(GROKS),
    ),
    Claim(
        "tenfold-delay",
        f"With {WITH}, the steps to {100 * NEAR_BEST:g} % of the highest test accuracy are ten "
        "times those to a training accuracy of 99 %: ratio (powers of ten)",
        LIU,
        AtLeast(TENFOLD),
        delay(GROKS),
    ),
    Claim(
        "standard-in-time",
        "With initial weights of the usual size and the same weight decay there is no such delay: "
        "ratio (powers of ten)",
        LIU,
        NoGain(TOGETHER),
        delay(CONTROL),
    ),
    Claim(
        "no-decay-no-rise",
        f"With {WITHOUT}, the test accuracy does not rise long after the training accuracy "
        "(percentage points)",
        LIU,
        NoGain(FLAT),
        late_rise(UNDECAYED),
    ),
    Claim(
        "rises-without-decay",
        f"With {WITHOUT}, the test accuracy rises long after the training accuracy all the same: "
        "networks grok without regularisation (percentage points)",
        KUMAR,
        Positive(least=FLAT),
        late_rise(UNDECAYED),
    ),
    Claim(
        "longer-with-scale",
        "The larger the initial weights, the longer the delay: its growth with every doubling of "
        f"the weights, at a weight decay of {DECAY:g} (powers of ten)",
        LIU,
        Positive(),
        growth(BY_SCALE),
    ),
    Claim(
        "time-inverse-to-decay",
        f"With twice the weight decay, {TWICE:g}, and initial weights {LARGE:g} times as large, "
        f"the steps to {100 * NEAR_BEST:g} % of the highest test accuracy are half as many: ratio "
        "(powers of two)",
        LIU,
        # Half of the way from "does not matter", which is 0.
        Similar(0.5, center=1),
        log_time(GROKS) - log_time(GROKS._replace(decay=TWICE)),
    ),
    Claim(
        "time-by-theorem",
        f"With {WITH}, these are the steps in which the decay alone makes the weights "
        f"{LARGE:g} times smaller, ln {LARGE:g} / (rate x decay): ratio (powers of two)",
        LYU,
        # A factor of two: the theorem is of gradient flow, and of the limit.
        Similar(1),
        of_run(
            GROKS,
            lambda run: float(
                np.log2(run.generalised * DEFAULT.learning_rate * DECAY / np.log(LARGE))
            ),
        ),
    ),
    Claim(
        "norm-falls",
        f"With {WITH}, the norm of the weights halves between a training accuracy of 99 % and "
        f"{100 * NEAR_BEST:g} % of the highest test accuracy: ratio (powers of two)",
        LIU,
        AtLeast(1),
        log_norm(GROKS, lambda run: run.fitted) - log_norm(GROKS, lambda run: run.generalised),
    ),
    Claim(
        "same-norm",
        f"At a weight decay of {DECAY:g} networks generalise at the same norm of the weights, "
        f"wherever they start: the norm at {100 * NEAR_BEST:g} % of the highest test accuracy with "
        f"initial weights {LARGE:g} times as large over that with {MIDDLE:g} times (powers of two)",
        LIU,
        # Half of the way from "in proportion to the initial weights", which is 1.
        Similar(0.5 * float(np.log2(LARGE / MIDDLE))),
        log_norm(GROKS, lambda run: run.generalised)
        - log_norm(GROKS._replace(scale=MIDDLE), lambda run: run.generalised),
    ),
    Claim(
        "same-in-the-end",
        f"In the end initial weights {LARGE:g} times as large give the test accuracy of usual "
        f"ones, at a weight decay of {DECAY:g}: difference (percentage points)",
        LIU,
        Similar(FLAT),
        final_accuracy(GROKS) - final_accuracy(CONTROL),
    ),
    Claim(
        "large-worse-at-first",
        "When the samples are fitted, large initial weights generalise worse than usual ones: "
        f"test accuracy at a training accuracy of 99 %, usual minus {LARGE:g} times as large "
        "(percentage points)",
        CHIZAT,
        Positive(),
        accuracy_when_fitted(CONTROL) - accuracy_when_fitted(GROKS),
    ),
    Claim(
        "large-is-lazy",
        "Without weight decay, features of a network with large initial weights change less than "
        "those of a usual one: similarity with the initial features at the end, difference",
        CHIZAT,
        Positive(),
        final_similarity(UNDECAYED) - final_similarity(UNDECAYED._replace(scale=STANDARD)),
    ),
    Claim(
        "features-change-late",
        f"With {WITH}, features change more between a training accuracy of 99 % and "
        f"{100 * NEAR_BEST:g} % of the highest test accuracy than before: difference of the falls "
        "of their similarity with the initial ones",
        KUMAR,
        Positive(),
        later_change(GROKS),
    ),
    Claim(
        "fewer-samples-longer",
        f"The fewer samples, the longer the delay: with {FEW:,} minus with {MOST:,} (powers of "
        "ten)",
        POWER,
        Positive(),
        delay(GROKS._replace(n_samples=FEW)) - delay(GROKS),
    ),
)
