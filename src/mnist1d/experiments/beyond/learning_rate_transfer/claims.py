"""Claims about learning rates and the width of a network."""

from __future__ import annotations

from mnist1d.experiments.beyond.learning_rate_transfer.config import (
    ADAM,
    LAYERS,
    MAXIMAL_UPDATE,
    SGD,
    STANDARD,
    Config,
)
from mnist1d.experiments.beyond.learning_rate_transfer.measures import (
    advantage,
    change_exponent,
    rate_exponent,
    transfer_cost,
    wide_excess,
    wider_better,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.verdicts.rules import AtLeast, NoGain, Positive, Similar
from mnist1d.measures.expressions import Measure

DEFAULT = Config()
FIRST, *_, LAST = DEFAULT.widths

EXPONENT_MARGIN = 0.25
"""Powers of the width in theory are multiples of one half: this is half of the way to the next."""

STAYS = 0.17
"""Power with which Adam's best rate may change and still count as the same: a factor of two from
the first to the last width, 64 times as wide, one step of the rates here and in the literature."""

STAYS_SGD = 0.25
"""The same of SGD, whose last width is 16 times the first."""

COST_MARGIN = 5.0
"""Per cent of a loss that no eye sees in a figure of losses over rates."""

YANG = "Beyond the paper: Yang et al. (2022), of images and texts"
HAAS = "Beyond the paper: Haas et al. (2025), of images and texts"

CLAIMS = (
    Claim(
        "standard-rate-falls",
        "In the standard parametrisation Adam's best rate falls with the width, rate ~ 1 / "
        "width^p: p",
        YANG,
        Positive(least=EXPONENT_MARGIN),
        Measure(lambda result: -rate_exponent(ADAM, STANDARD).per_seed(result)),
    ),
    Claim(
        "standard-rate-inverse",
        "In the standard parametrisation Adam's best rate falls as 1 / width, as is right for "
        "weights behind a hidden layer: power of the width",
        YANG,
        Similar(EXPONENT_MARGIN, center=-1),
        rate_exponent(ADAM, STANDARD),
    ),
    Claim(
        "standard-rate-slower",
        "In the standard parametrisation Adam's best rate falls slower than 1 / width, as logits "
        "may grow without harm: power of the width, plus 1",
        HAAS,
        Positive(),
        Measure(lambda result: 1 + rate_exponent(ADAM, STANDARD).per_seed(result)),
    ),
    Claim(
        "mup-rate-stays",
        "In the maximal-update parametrisation Adam's best rate, as width^p, is the same at all "
        "widths: p",
        YANG,
        Similar(STAYS),
        rate_exponent(ADAM, MAXIMAL_UPDATE),
    ),
    Claim(
        "sgd-standard-rate-falls",
        "In the standard parametrisation the best rate of SGD falls with the width, rate ~ "
        "1 / width^p: p",
        YANG,
        Positive(least=EXPONENT_MARGIN),
        Measure(lambda result: -rate_exponent(SGD, STANDARD).per_seed(result)),
    ),
    Claim(
        "sgd-mup-rate-stays",
        "In the maximal-update parametrisation the best rate of SGD is the same at all widths: "
        "power of the width",
        YANG,
        Similar(STAYS_SGD),
        rate_exponent(SGD, MAXIMAL_UPDATE),
    ),
    Claim(
        "standard-transfer-costs",
        f"In the standard parametrisation the rate tuned at width {FIRST} is a bad one at width "
        f"{LAST}: how much lower the loss would be at the best rate (per cent)",
        YANG,
        Positive(least=COST_MARGIN),
        transfer_cost(ADAM, STANDARD),
    ),
    Claim(
        "mup-transfer-free",
        f"In the maximal-update parametrisation the rate tuned at width {FIRST} is as good as the "
        f"best at width {LAST}: how much lower the loss would be at the best rate (per cent)",
        YANG,
        NoGain(COST_MARGIN),
        transfer_cost(ADAM, MAXIMAL_UPDATE),
    ),
    Claim(
        "mup-wider-better",
        "In the maximal-update parametrisation wider is always better at one rate: doublings of "
        "the width with which the loss falls (per cent)",
        YANG,
        AtLeast(90),
        wider_better(ADAM, MAXIMAL_UPDATE),
    ),
    Claim(
        "standard-wider-worse",
        f"In the standard parametrisation wider is worse at one rate: how much lower the loss is "
        f"at width {FIRST} than at width {LAST} (per cent)",
        YANG,
        Positive(),
        wide_excess(ADAM, STANDARD),
    ),
    Claim(
        "mup-better-tuned",
        f"At width {LAST}, each at its best rate, the maximal-update parametrisation is better "
        "than the standard one: how much lower the loss is (per cent)",
        YANG,
        Positive(),
        advantage(ADAM),
    ),
    Claim(
        "standard-first-constant",
        "At the tuned rate, the outputs of the first layer move as far at all widths in the "
        "standard parametrisation: power of the width",
        YANG,
        Similar(EXPONENT_MARGIN),
        change_exponent(ADAM, STANDARD, LAYERS[0]),
    ),
    *(
        Claim(
            f"standard-{name}-grow",
            f"At the tuned rate, {what} move the further, the wider the network, in the standard "
            "parametrisation: power of the width",
            YANG,
            Positive(least=EXPONENT_MARGIN),
            change_exponent(ADAM, STANDARD, layer),
        )
        for name, what, layer in (
            ("hidden", "outputs of the second hidden layer", LAYERS[1]),
            ("logits", "logits", LAYERS[2]),
        )
    ),
    *(
        Claim(
            f"mup-{name}-constant",
            f"At the tuned rate, {what} move as far at all widths in the maximal-update "
            "parametrisation: power of the width",
            YANG,
            Similar(EXPONENT_MARGIN),
            change_exponent(ADAM, MAXIMAL_UPDATE, layer),
        )
        for name, what, layer in (
            ("hidden", "outputs of the second hidden layer", LAYERS[1]),
            ("logits", "logits", LAYERS[2]),
        )
    ),
)
