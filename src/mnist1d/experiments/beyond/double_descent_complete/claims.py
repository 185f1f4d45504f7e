"""Claims about double descent, weight decay and neural collapse."""

from __future__ import annotations

from mnist1d.experiments.beyond.double_descent_complete.config import Config
from mnist1d.experiments.beyond.double_descent_complete.measures import (
    N_BEFORE,
    at,
    epoch_fall,
    epoch_rise,
    fall_after_fit,
    halvings,
    highest_rise,
    lowest_before,
    most_fitted,
    over,
    peak_size,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.verdicts.rules import NoGain, Positive, Similar
from mnist1d.measures.expressions import Measure

DEFAULT = Config()
FIXED = DEFAULT.fixed

NARROW, THRESHOLD, WIDE = (12, 16, 20), (44, 48, 56), (128,)
"""Widths of the MLP before, at and beyond the interpolation threshold of 4,000 samples, as in the
record of `double-descent`: its valley is at 12 to 21 units, its peak at 43 to 47, and the training
error vanishes at 52; with fewer updates both are at somewhat larger widths. Several are averaged,
as the error of narrow networks varies by points with their initial weights."""

FOLLOWED_DECAY = 0.003
"""Of the network whose collapse is followed over the steps. Papyan et al. train with weight decay;
with this one the network still fits its wrong labels in a pilot of trial 1000."""

LEAST_PEAK = 2.0
"""Least height of a peak of an error, in percentage points: what the paper's double descent takes
for its own, as the highest of noisy numbers is above zero without any peak."""

LEAST_LOSS = 0.1
"""The same of the cross-entropy, in nats."""

FLAT = 2.0
"""Rise of a loss, in per cent, below which it counts as falling. In a pilot of trial 1000 the
highest was 0.1 with the best ridge, and more than 20,000 without."""

BELKIN = "Beyond the paper: Belkin et al. (2019), of images and speech"
DEEP = "Beyond the paper: Nakkiran et al. (2020), of images and texts"
LINEAR = "Beyond the paper: Advani & Saxe (2017) and Nakkiran (2019), of linear regression"
REGULAR = "Beyond the paper: Nakkiran et al. (2021), of images"
PAPYAN = "Beyond the paper: Papyan, Han & Donoho (2020), of images"
EXPECTED = "Beyond the paper: expected from Papyan et al. (2020), who do not vary the width"


def _several(sizes: tuple[int, ...]) -> str:
    *others, last = map(str, sizes)
    return f"mean of widths {', '.join(others)} and {last}" if others else f"width {last}"


def _error(part: str, sizes: tuple[int, ...], *, best: bool = False) -> Measure:
    return at(part, "test_error", sizes, best=best, scale=100)


def _loss(part: str, size: int, *, best: bool = False) -> Measure:
    return at(part, "test_loss", size, best=best)


def _through(name: str, field: str, what: str) -> Claim:
    """Say that a property of neural collapse is nearer to 0 beyond the threshold than before."""
    return Claim(
        name,
        f"{what} beyond the threshold than before: binary logarithm of the ratio of the "
        f"{_several(NARROW)} to {_several(WIDE)}, without weight decay",
        EXPECTED,
        Positive(),
        halvings(at("width", field, NARROW), at("width", field, WIDE)),
    )


def _terminal(name: str, field: str, what: str) -> Claim:
    """Say that a property goes on falling after all labels are fitted."""
    return Claim(
        name,
        f"After the labels are fitted {what} goes on falling: binary logarithm of the factor, "
        f"width {DEFAULT.collapse_width}, {DEFAULT.collapse_samples:,} samples, weight decay "
        f"{FOLLOWED_DECAY:g}",
        PAPYAN,
        Positive(),
        fall_after_fit(field, FOLLOWED_DECAY),
    )


OF_FEATURES = (
    Claim(
        "features-peak-at-threshold",
        "Without a ridge the test loss of random features is highest where there are as many "
        "features as samples: features there / samples",
        BELKIN,
        Similar(0.1, center=1),
        over(peak_size("features", "test_loss"), FIXED),
    ),
    Claim(
        "features-second-descent",
        f"Beyond it their test error falls again: at {FIXED} features minus at "
        f"{DEFAULT.n_features[-1]:,} (percentage points)",
        BELKIN,
        Positive(),
        _error("features", (FIXED,)) - _error("features", DEFAULT.n_features[-1:]),
    ),
    Claim(
        "features-modern-beats-classical",
        "It falls below its lowest value before the threshold: that value minus the one at "
        f"{DEFAULT.n_features[-1]:,} features (percentage points)",
        BELKIN,
        Positive(),
        lowest_before("features", "test_error", FIXED, scale=100)
        - _error("features", DEFAULT.n_features[-1:]),
    ),
    Claim(
        "feature-samples-peak-at-threshold",
        "Over samples, too, the test loss is highest where there are as many samples as features: "
        "samples there / features",
        LINEAR,
        Similar(0.1, center=1),
        over(peak_size("feature_samples", "test_loss"), FIXED),
    ),
    Claim(
        "more-samples-hurt-features",
        f"More samples hurt: test error with {FIXED} samples minus with 100, of {FIXED} features "
        "(percentage points)",
        LINEAR,
        Positive(),
        _error("feature_samples", (FIXED,)) - _error("feature_samples", (100,)),
    ),
    *(
        Claim(
            f"best-ridge-no-peak-{name}",
            f"With the best ridge more {what} never hurt: highest rise of the test loss above what "
            "it was with fewer (per cent of it)",
            REGULAR,
            NoGain(FLAT),
            highest_rise(part, "test_loss", best=True),
        )
        for name, part, what in (
            ("features", "features", "features"),
            ("samples", "feature_samples", "samples"),
        )
    ),
)

OF_WIDTH = (
    Claim(
        "width-rise",
        "At the threshold the MLP errs more than before: "
        f"{_several(THRESHOLD)} minus {_several(NARROW)} (percentage points)",
        DEEP,
        Positive(),
        _error("width", THRESHOLD) - _error("width", NARROW),
    ),
    Claim(
        "width-fall",
        "Beyond the threshold it errs less again: "
        f"{_several(THRESHOLD)} minus {_several(WIDE)} (percentage points)",
        DEEP,
        Positive(),
        _error("width", THRESHOLD) - _error("width", WIDE),
    ),
    Claim(
        "width-best-decay-no-rise",
        "With the best weight decay it does not err more at the threshold than before: the same "
        f"difference (percentage points), less than {LEAST_PEAK:g} counting as none",
        REGULAR,
        NoGain(LEAST_PEAK),
        _error("width", THRESHOLD, best=True) - _error("width", NARROW, best=True),
    ),
    Claim(
        "decay-helps-most-at-threshold",
        "Weight decay helps more at the threshold than beyond: what the best one takes from the "
        "error there minus what it takes from that of the wide network (percentage points)",
        REGULAR,
        Positive(),
        (_error("width", THRESHOLD) - _error("width", THRESHOLD, best=True))
        - (_error("width", WIDE) - _error("width", WIDE, best=True)),
    ),
)

FEW, MIDDLE, MANY = 250, 700, 4000
OF_SAMPLES = (
    Claim(
        "more-samples-hurt",
        f"More samples hurt the MLP of width {DEFAULT.width}: test loss with {MIDDLE} samples "
        f"minus with {FEW} (nats)",
        DEEP,
        Positive(least=LEAST_LOSS),
        _loss("samples", MIDDLE) - _loss("samples", FEW),
    ),
    Claim(
        "many-samples-help",
        f"Many more help: test loss with {MIDDLE} samples minus with {MANY:,} (nats)",
        DEEP,
        Positive(least=LEAST_LOSS),
        _loss("samples", MIDDLE) - _loss("samples", MANY),
    ),
    Claim(
        "samples-peak-at-threshold",
        "The test loss is highest near the most samples that the network fits: samples there / "
        "most samples with less than 1 % training errors",
        DEEP,
        Similar(0.5, center=1),
        over(peak_size("samples", "test_loss"), most_fitted),
    ),
    Claim(
        "samples-best-decay-no-rise",
        f"With the best weight decay more samples do not hurt: test loss with {MIDDLE} samples "
        f"minus with {FEW} (nats), less than {LEAST_LOSS:g} counting as none",
        REGULAR,
        NoGain(LEAST_LOSS),
        _loss("samples", MIDDLE, best=True) - _loss("samples", FEW, best=True),
    ),
)

OF_EPOCHS = (
    Claim(
        "epochs-rise",
        "Over the epochs the test error of the CNN falls and rises: highest rise above what came "
        f"before (percentage points), more than {LEAST_PEAK:g}",
        DEEP,
        Positive(least=LEAST_PEAK),
        epoch_rise(),
    ),
    Claim(
        "epochs-second-descent",
        f"It falls again: mean of the {N_BEFORE} evaluations before the network fits its labels, "
        "with less than 1 % training errors, minus the end (percentage points)",
        DEEP,
        Positive(),
        epoch_fall(),
    ),
    Claim(
        "epochs-best-decay-lower-rise",
        "With the best weight decay it rises less: difference of the rises (percentage points)",
        REGULAR,
        Positive(),
        epoch_rise() - epoch_rise(best=True),
    ),
)

OF_COLLAPSE = (
    _through("nc1-through-threshold", "variability", "Classes vary less (NC1)"),
    _through("nc2-through-threshold", "angles", "Angles are nearer to a simplex (NC2)"),
    _through("nc3-through-threshold", "duality", "Weights are nearer to class means (NC3)"),
    _through("nc4-through-threshold", "disagreement", "The nearest mean decides more (NC4)"),
    _terminal("nc1-after-fit", "variability", "the variance within classes (NC1)"),
    _terminal("nc2-after-fit", "angles", "the distance from the angles of a simplex (NC2)"),
    _terminal("nc3-after-fit", "duality", "the distance of weights from class means (NC3)"),
    _terminal("nc4-after-fit", "disagreement", "what the nearest mean decides otherwise (NC4)"),
)

CLAIMS = (*OF_WIDTH, *OF_EPOCHS, *OF_SAMPLES, *OF_FEATURES, *OF_COLLAPSE)
